//! Files in the replica set itself (GridFS, bucket `fs`): nothing else to run or to back up, and what survives a member
//! survives with its files.
//!
//! Written through the driver. Read chunk by chunk, each a query of its own: a reader holds one chunk in memory and no
//! cursor, so that it may be slow, begin anywhere, and outlive an election.

use axum::body::Bytes;
use futures_util::AsyncWriteExt;
use mongodb::{
    Collection, Database,
    bson::{Binary, Bson, doc},
    error::{Error, ErrorKind, GridFsErrorKind},
    gridfs::{GridFsBucket, GridFsUploadStream},
    options::GridFsBucketOptions,
};
use serde::Deserialize;

use super::ObjectError;
use crate::store::{StoreError, find_anywhere, retried};

/// Bytes in each chunk but the last: the size the GridFS specification recommends. Stored files are read by it, so it
/// cannot be changed.
const CHUNK: u64 = 255 * 1024;

/// Most bytes given to the driver at once: it collects them until a chunk is full.
const SLICE: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub(super) struct GridFs {
    bucket: GridFsBucket,
    /// Reads as the connection string says.
    chunks: Collection<Chunk>,
}

#[derive(Debug, Deserialize)]
struct Chunk {
    data: Binary,
}

impl GridFs {
    pub(super) fn new(db: &Database) -> Self {
        let mut options = GridFsBucketOptions::default();
        options.chunk_size_bytes = u32::try_from(CHUNK).ok();
        Self { bucket: db.gridfs_bucket(options), chunks: db.collection("fs.chunks") }
    }

    /// A writer of file `id`.
    pub(super) async fn writer(&self, id: &str) -> Result<GridFsUploadStream, ObjectError> {
        Ok(self.bucket.open_upload_stream(id).id(Bson::from(id)).await.map_err(StoreError::from)?)
    }

    /// The bytes of file `id` from `offset` to the end of their chunk.
    pub(super) async fn piece(&self, id: &str, offset: u64) -> Result<Bytes, ObjectError> {
        let number = i64::try_from(offset / CHUNK).unwrap_or(i64::MAX);
        let found = find_anywhere(&self.chunks, doc! { "files_id": id, "n": number }).await?;
        let bytes = Bytes::from(found.ok_or(ObjectError::Missing)?.data.bytes);
        let skip = usize::try_from(offset % CHUNK).unwrap_or(usize::MAX);
        if skip >= bytes.len() {
            return Err(ObjectError::Missing);
        }
        Ok(bytes.slice(skip..))
    }

    /// Removes everything there is of file `id`; nothing is fine too.
    pub(super) async fn delete(&self, id: &str) -> Result<(), ObjectError> {
        let delete = async || match self.bucket.delete(Bson::from(id)).await {
            Err(e) if is_not_found(&e) => Ok(()),
            result => result,
        };
        Ok(retried(delete).await?)
    }
}

/// Gives `bytes` to the driver; waits while a chunk is being written.
pub(super) async fn write(stream: &mut GridFsUploadStream, bytes: &[u8]) -> Result<(), ObjectError> {
    for slice in bytes.chunks(SLICE) {
        stream.write_all(slice).await.map_err(driver_error)?;
    }
    Ok(())
}

/// Writes what is left, and the file's document.
pub(super) async fn close(stream: &mut GridFsUploadStream) -> Result<(), ObjectError> {
    stream.close().await.map_err(driver_error)
}

/// The error that the driver wrapped to fit the trait.
fn driver_error(error: std::io::Error) -> ObjectError {
    match error.downcast::<Error>() {
        Ok(error) => StoreError::from(error).into(),
        Err(error) => ObjectError::Stream(error),
    }
}

fn is_not_found(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::GridFs(GridFsErrorKind::FileNotFound { .. }))
}
