//! Files that students upload, and those that notices consist of: streamed in, streamed out, never held in memory as a whole.
//!
//! Which files there are is written in the database (`store/files.rs`); their bytes are in one of two storages, chosen by
//! `WEHPU_STORAGE_URL`: GridFS (`gridfs:`, the default), or a directory or bucket (`bucket.rs`).
//! The order of a write: the file's document, the bytes, then the mark that it is complete. Only complete files are
//! served; what does not get that far is removed at once, or by [`Objects::sweep`] when the engine was killed or the storage
//! did not answer.

mod bucket;
mod gridfs;
mod kind;
mod name;

use std::path::PathBuf;

use axum::body::Bytes;

pub use kind::{FileType, NotAllowed, Sniffer};
pub use name::{FileName, Label};

use crate::{
    clock::Clock,
    store::{FileRecord, Files, Store, StoreError},
};
use bucket::Bucket;
use gridfs::{GridFs, Upload};

/// When an unfinished file counts as left behind: long after the longest upload (`http/middleware.rs`) has ended.
const LEFT_BEHIND: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// Most files that one sweep removes.
const SWEEP: i64 = 32;

/// Why the storage cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is malformed.
    #[error("WEHPU_STORAGE_URL {0}")]
    Address(&'static str),
    /// The directory is missing or cannot be written.
    #[error("WEHPU_STORAGE_URL: {path} is not a directory that can be written: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The library does not take the settings.
    #[error("WEHPU_STORAGE_URL: {0}")]
    Settings(#[from] opendal::Error),
}

/// What can go wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory or bucket.
    #[error("storage: {0}")]
    Storage(#[from] opendal::Error),
    /// The file is known, its bytes are not there.
    #[error("the bytes of a known file are missing")]
    Missing,
    /// The owner's account was deleted while the file was being written.
    #[error("the file's owner is gone")]
    OwnerGone,
}

/// All uploaded files.
#[derive(Debug, Clone)]
pub struct Objects {
    files: Files,
    storage: Storage,
    clock: Clock,
}

#[derive(Debug, Clone)]
enum Storage {
    GridFs(GridFs),
    Bucket(Bucket),
}

impl Objects {
    /// The storage that `address` (`WEHPU_STORAGE_URL`) names. Does not wait for database or bucket; a directory must be
    /// there and writable.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(address: &str, store: &Store, clock: Clock) -> Result<Self, OpenError> {
        let storage = if address == "gridfs:" {
            Storage::GridFs(GridFs::new(store.database()))
        } else {
            Storage::Bucket(Bucket::open(address).await?)
        };
        Ok(Self { files: store.files.clone(), storage, clock })
    }

    /// Begins a new file of `owner` (an open id).
    ///
    /// # Errors
    /// [`ObjectError`]; no bytes have been written then.
    pub async fn begin(&self, owner: &str) -> Result<Draft, ObjectError> {
        let id = FileName::fresh_id();
        let now = self.clock.now();
        self.files.begin(&id, owner, now, now + LEFT_BEHIND).await?;
        let writer = match &self.storage {
            Storage::GridFs(storage) => Writer::GridFs(storage.writer(&id)),
            Storage::Bucket(storage) => Writer::Bucket(Box::new(storage.writer(&id).await?)),
        };
        Ok(Draft { id, writer, length: 0, failed: false, objects: self.clone() })
    }

    /// The complete file of this name.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn find(&self, name: &FileName) -> Result<Option<FileRecord>, ObjectError> {
        let record = self.files.find(&name.id).await?;
        Ok(record.filter(|record| record.kind == name.kind.extension()))
    }

    /// The complete file of this SHA-256, among those that are stored once.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn of_hash(&self, hash: &str) -> Result<Option<FileName>, ObjectError> {
        let record = self.files.of_hash(hash).await?;
        Ok(record.and_then(|record| Some(FileName { kind: FileType::from_extension(&record.kind)?, id: record.id })))
    }

    /// Some bytes of file `id` from `offset` on: at least one, at most some hundred kilobytes, none from `end` on.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn piece(&self, id: &str, offset: u64, end: u64) -> Result<Bytes, ObjectError> {
        let mut bytes = match &self.storage {
            Storage::GridFs(storage) => storage.piece(id, offset).await?,
            Storage::Bucket(storage) => storage.piece(id, offset, end).await?,
        };
        bytes.truncate(usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// Removes everything that `owner` uploaded or is uploading; gives how many files that were.
    ///
    /// # Errors
    /// [`ObjectError`]; what was not removed yet is removed by another call.
    pub async fn delete_of(&self, owner: &str) -> Result<usize, ObjectError> {
        let ids = self.files.ids_of_owner(owner).await?;
        for id in &ids {
            self.delete(id).await?;
        }
        Ok(ids.len())
    }

    /// Removes what killed engines left behind, some files at a time. What fails is tried again by the next sweep.
    pub async fn sweep(self) {
        match self.remove_left_behind().await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "removed what unfinished uploads had left behind"),
            Err(error) => tracing::warn!(%error, "unfinished uploads could not be removed"),
        }
    }

    async fn remove_left_behind(&self) -> Result<usize, ObjectError> {
        let ids = self.files.left_behind(self.clock.now(), SWEEP).await?;
        for id in &ids {
            self.delete(id).await?;
        }
        Ok(ids.len())
    }

    /// Removes file `id`: its bytes first, so that an interruption leaves a document by which they are found again.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn delete(&self, id: &str) -> Result<(), ObjectError> {
        match &self.storage {
            Storage::GridFs(storage) => storage.delete(id).await?,
            Storage::Bucket(storage) => storage.delete(id).await?,
        }
        Ok(self.files.forget(id).await?)
    }
}

/// A file that is being written. End it with [`Draft::commit`] or [`Draft::abort`]; both must run to their end.
#[derive(Debug)]
pub struct Draft {
    id: String,
    writer: Writer,
    length: u64,
    /// The storage did not say whether the last write happened.
    failed: bool,
    objects: Objects,
}

enum Writer {
    GridFs(Upload),
    Bucket(Box<opendal::Writer>),
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::GridFs(_) => "GridFs",
            Self::Bucket(_) => "Bucket",
        })
    }
}

impl Draft {
    /// Appends `bytes`; returns when the storage wants more.
    ///
    /// # Errors
    /// [`ObjectError`]; abort it then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectError> {
        self.length += bytes.len() as u64;
        let written = match &mut self.writer {
            Writer::GridFs(upload) => upload.write(&bytes).await.map_err(ObjectError::from),
            Writer::Bucket(writer) => writer.write(bytes).await.map_err(ObjectError::from),
        };
        self.failed |= written.is_err();
        written
    }

    /// Bytes written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Makes it a file that is served.
    ///
    /// # Errors
    /// [`ObjectError`]; nothing is left behind then.
    pub async fn commit(self, kind: FileType, folder: Label, prefix: Label) -> Result<FileName, ObjectError> {
        self.finish(kind, folder, prefix, None).await
    }

    /// Like [`Draft::commit`], for content with this SHA-256 that is to be stored once: when it is there already, this
    /// draft is removed and the name is that of the other.
    ///
    /// # Errors
    /// As [`Draft::commit`].
    pub async fn commit_once(self, kind: FileType, label: Label, hash: &str) -> Result<FileName, ObjectError> {
        let objects = self.objects.clone();
        let there = objects.of_hash(hash).await;
        if let Some(there) = there.transpose() {
            self.abort().await;
            return there;
        }
        match self.finish(kind, label, label, Some(hash)).await {
            // Somebody else completed it at the same moment.
            Err(ObjectError::Store(error @ StoreError::Duplicate(_))) => {
                objects.of_hash(hash).await?.ok_or(ObjectError::Store(error))
            }
            outcome => outcome,
        }
    }

    async fn finish(
        mut self,
        kind: FileType,
        folder: Label,
        prefix: Label,
        hash: Option<&str>,
    ) -> Result<FileName, ObjectError> {
        match self.complete(kind, folder, prefix, hash).await {
            Ok(()) => Ok(FileName { id: self.id, kind }),
            Err(error) => {
                let known = matches!(error, ObjectError::OwnerGone | ObjectError::Store(StoreError::Duplicate(_)));
                self.failed = !known;
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn complete(
        &mut self,
        kind: FileType,
        folder: Label,
        prefix: Label,
        hash: Option<&str>,
    ) -> Result<(), ObjectError> {
        match &mut self.writer {
            Writer::GridFs(upload) => upload.close().await?,
            Writer::Bucket(writer) => {
                writer.close().await?;
            }
        }
        let files = &self.objects.files;
        let labels = (folder.word(), prefix.word());
        if files.complete(&self.id, kind.extension(), self.length, labels, hash).await? {
            Ok(())
        } else {
            Err(ObjectError::OwnerGone)
        }
    }

    /// Removes what was written, unless the storage did not answer: then a write may still happen, after the removal, so
    /// that it is left to the sweep, and nobody waits for such a storage another time.
    pub async fn abort(self) {
        if let Writer::Bucket(mut writer) = self.writer {
            // A multipart upload that has begun is invisible to deletion. A directory knows no abort, and needs none.
            let abort = async move { drop(writer.abort().await) };
            if self.failed {
                tokio::spawn(abort);
            } else {
                abort.await;
            }
        }
        if self.failed {
            tracing::warn!("an unfinished file is left for the sweep");
        } else if let Err(error) = self.objects.delete(&self.id).await {
            tracing::warn!(%error, "an unfinished file is left for the sweep");
        }
    }
}
