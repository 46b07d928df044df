//! Files in the replica set itself (GridFS, bucket `fs`): nothing else to run or to back up, and files are as safe as
//! the data.
//!
//! Each chunk is read or written by a statement of its own. A reader holds one chunk in memory and no cursor, so it may
//! be slow, begin anywhere, and outlive an election. A writer fails as soon as a statement fails; the driver's own
//! writer would first try to remove what it wrote, and wait again for a primary that is away.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use mongodb::{
    Collection, Database,
    bson::{Binary, DateTime, doc, spec::BinarySubtype},
    error::Error,
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout},
};

use super::ObjectError;
use crate::store::{StoreError, find_anywhere, retried};

/// Bytes of each chunk but the last: the size that the GridFS specification recommends. It is needed to read stored
/// files and cannot be changed.
const CHUNK: usize = 255 * 1024;

/// Chunks that a replica stores at the same time. Each holds one of the ten connections to the primary until a majority
/// has it; more would keep accounts from being read.
const WRITES: usize = 2;

/// Throttle: shortest time that a chunk keeps its turn while all turns are taken. It limits the uploads of a replica to
/// 8 MiB/s in total, because every member stores each chunk and then has less time for reads.
const CHUNK_TIME: Duration = Duration::from_millis(62);

/// Longest wait for a turn: as long as the chunk in front may wait for a primary, so that those behind it do not wait
/// twice as long.
const TURN: Duration = Duration::from_secs(10);

/// Reads as the connection string says.
#[derive(Debug, Clone)]
pub(super) struct GridFs {
    files: Collection<File>,
    chunks: Collection<Chunk>,
    writes: Arc<Semaphore>,
}

/// A document of the GridFS specification, like [`Chunk`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(rename = "_id")]
    id: String,
    length: i64,
    chunk_size: i64,
    upload_date: DateTime,
    filename: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Chunk {
    files_id: String,
    n: i64,
    data: Binary,
}

impl GridFs {
    pub(super) fn new(db: &Database) -> Self {
        Self {
            files: db.collection("fs.files"),
            chunks: db.collection("fs.chunks"),
            writes: Arc::new(Semaphore::new(WRITES)),
        }
    }

    /// A writer of file `id`.
    pub(super) fn writer(&self, id: &str) -> Upload {
        Upload { storage: self.clone(), id: id.to_owned(), chunks: 0, length: 0, rest: Vec::new() }
    }

    /// The bytes of file `id` from `offset` to the end of their chunk.
    pub(super) async fn piece(&self, id: &str, offset: u64) -> Result<Bytes, ObjectError> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = find_anywhere(&self.chunks, doc! { "files_id": id, "n": whole(offset / CHUNK) }).await?;
        let bytes = Bytes::from(found.ok_or(ObjectError::Missing)?.data.bytes);
        let skip = offset % CHUNK;
        if skip >= bytes.len() {
            return Err(ObjectError::Missing);
        }
        Ok(bytes.slice(skip..))
    }

    /// Removes everything of file `id`, if it exists.
    pub(super) async fn delete(&self, id: &str) -> Result<(), StoreError> {
        self.files.delete_one(doc! { "_id": id }).await?;
        retried(|| self.chunks.delete_many(doc! { "files_id": id })).await?;
        Ok(())
    }
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Upload {
    storage: GridFs,
    id: String,
    /// Chunks that are stored.
    chunks: i64,
    /// Bytes in them.
    length: usize,
    /// Bytes that do not fill a chunk yet.
    rest: Vec<u8>,
}

impl Upload {
    /// Takes `bytes`; waits while a chunk is being stored.
    pub(super) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.rest.len()));
            self.rest.extend_from_slice(now);
            if self.rest.len() == CHUNK {
                self.store_rest().await?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Stores the rest, and the file's document.
    pub(super) async fn close(&mut self) -> Result<(), StoreError> {
        if !self.rest.is_empty() {
            self.store_rest().await?;
        }
        let file = File {
            id: self.id.clone(),
            length: whole(self.length),
            chunk_size: whole(CHUNK),
            upload_date: DateTime::now(),
            filename: self.id.clone(),
        };
        self.storage.files.insert_one(file).await?;
        Ok(())
    }

    async fn store_rest(&mut self) -> Result<(), StoreError> {
        let bytes = std::mem::take(&mut self.rest);
        let length = bytes.len();
        let data = Binary { subtype: BinarySubtype::Generic, bytes };
        let Ok(_turn) = timeout(TURN, self.storage.writes.acquire()).await else {
            return Err(StoreError::Unavailable(Error::custom("no turn to store a chunk")));
        };
        let chunk = Chunk { files_id: self.id.clone(), n: self.chunks, data };
        let begun = Instant::now();
        self.storage.chunks.insert_one(chunk).await?;
        if self.storage.writes.available_permits() == 0 {
            sleep_until(begun + CHUNK_TIME).await;
        }
        self.chunks += 1;
        self.length += length;
        Ok(())
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
