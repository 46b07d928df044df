//! Where the bytes of files are: in GridFS (`gridfs:`), or, with the cargo feature `object-storage`, in a directory or
//! bucket. Without the feature `config/storage.rs` refuses such an address.

#![cfg_attr(not(feature = "object-storage"), expect(clippy::unused_async, reason = "a directory or bucket is asked"))]

use std::ops::Range;

use axum::body::Bytes;

#[cfg(feature = "object-storage")]
use super::bucket::{self, Bucket};
use super::{
    ObjectError, OpenError,
    gridfs::{GridFs, Upload},
};
use crate::store::Store;

#[derive(Debug, Clone)]
pub(super) enum Storage {
    GridFs(GridFs),
    #[cfg(feature = "object-storage")]
    Bucket(Bucket),
}

impl Storage {
    /// Does not wait for database or bucket; a directory must exist and be writable.
    pub(super) async fn open(address: &str, store: &Store) -> Result<Self, OpenError> {
        match address {
            "gridfs:" => Ok(Self::GridFs(GridFs::new(store.database()))),
            #[cfg(feature = "object-storage")]
            other => Ok(Self::Bucket(Bucket::open(other).await?)),
            #[cfg(not(feature = "object-storage"))]
            _ => Err(OpenError::Address("must be gridfs:")),
        }
    }

    /// A writer of file `id`.
    pub(super) async fn writer(&self, id: &str) -> Result<Writer, ObjectError> {
        match self {
            Self::GridFs(storage) => Ok(Writer::GridFs(storage.writer(id))),
            #[cfg(feature = "object-storage")]
            Self::Bucket(storage) => Ok(Writer::Bucket(Box::new(storage.writer(id).await?))),
        }
    }

    /// The bytes of file `id` from `offset`. GridFS returns a whole chunk and ignores `end`.
    pub(super) async fn piece(&self, id: &str, range: Range<u64>) -> Result<Bytes, ObjectError> {
        match self {
            Self::GridFs(storage) => storage.piece(id, range.start).await,
            #[cfg(feature = "object-storage")]
            Self::Bucket(storage) => storage.piece(id, range).await,
        }
    }

    /// Removes file `id`, if it exists.
    pub(super) async fn delete(&self, id: &str) -> Result<(), ObjectError> {
        match self {
            Self::GridFs(storage) => Ok(storage.delete(id).await?),
            #[cfg(feature = "object-storage")]
            Self::Bucket(storage) => storage.delete(id).await,
        }
    }
}

/// The writer of one file.
#[derive(Debug)]
pub(super) enum Writer {
    GridFs(Upload),
    #[cfg(feature = "object-storage")]
    Bucket(Box<bucket::Writer>),
}

impl Writer {
    /// Appends `bytes`; returns when the storage wants more.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectError> {
        match self {
            Self::GridFs(upload) => upload.write(&bytes).await.map_err(ObjectError::from),
            #[cfg(feature = "object-storage")]
            Self::Bucket(writer) => writer.write(bytes).await,
        }
    }

    /// Returns when everything is stored.
    pub(super) async fn close(&mut self) -> Result<(), ObjectError> {
        match self {
            Self::GridFs(upload) => upload.close().await.map_err(ObjectError::from),
            #[cfg(feature = "object-storage")]
            Self::Bucket(writer) => writer.close().await,
        }
    }

    /// Ends what a deletion of the file would not see.
    pub(super) async fn abort(self) {
        match self {
            // Chunks are found by the file's id.
            Self::GridFs(_) => {}
            #[cfg(feature = "object-storage")]
            Self::Bucket(writer) => writer.abort().await,
        }
    }
}
