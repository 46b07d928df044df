//! Files that students upload, and files of notices: streamed in and out, never held in memory as a whole. The database
//! knows which files there are (`store/files.rs`); `WEHPU_STORAGE_URL` chooses where their bytes are (`storage.rs`).
//!
//! A write has three steps: the file's document, the bytes, the mark that it is complete. Only complete files are
//! served. An incomplete file is removed at once, or by [`Objects::sweep`] when the engine was killed or the storage
//! did not answer. [`Objects::tidy`] removes complete files to which nothing refers within 180 days.

#[cfg(feature = "object-storage")]
mod bucket;
mod draft;
mod gridfs;
mod kind;
mod name;
mod quota;
mod storage;

use std::{path::PathBuf, sync::Arc};

use axum::body::Bytes;

pub use draft::Draft;
pub use kind::{FileType, NotAllowed, Sniffer};
pub use name::{FileName, Label};

use crate::{
    clock::Clock,
    config,
    store::{FileRecord, Files, Store, StoreError, Users},
};
use quota::Quota;
use storage::Storage;

/// When an incomplete file counts as left behind: long after the longest upload (`http/middleware.rs`).
const LEFT_BEHIND: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// How long an upload stays to which nothing refers: no report, repair order or account picture.
const UNUSED: chrono::TimeDelta = chrono::TimeDelta::days(180);

/// Most files of each kind that one sweep removes.
const SWEEP: i64 = 32;

/// Why the storage cannot be opened.
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
    /// The storage library refuses the settings.
    #[error("WEHPU_STORAGE_URL: {0}")]
    Settings(String),
}

/// A failure of an operation on files.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory or bucket.
    #[error("storage: {0}")]
    Storage(Box<dyn std::error::Error + Send + Sync>),
    /// The file is known, but its bytes are missing.
    #[error("the bytes of a known file are missing")]
    Missing,
    /// The owner's account was deleted while the file was being written.
    #[error("the file's owner is gone")]
    OwnerGone,
    /// The owner's files would exceed the limit of an account.
    #[error("the owner's files take too much")]
    QuotaExceeded,
    /// All files together would exceed their limit.
    #[error("all files together take too much")]
    StorageFull,
}

/// All uploaded files.
#[derive(Debug, Clone)]
pub struct Objects {
    files: Files,
    users: Users,
    storage: Storage,
    quota: Arc<Quota>,
    clock: Clock,
}

impl Objects {
    /// Opens the storage of `config`. Does not wait for database or bucket; a directory must exist and be writable.
    pub async fn open(config: &config::Storage, store: &Store, clock: Clock) -> Result<Self, OpenError> {
        let storage = Storage::open(&config.url, store).await?;
        let quota = Arc::new(Quota::new(config.quota, config.per_account));
        Ok(Self { files: store.files.clone(), users: store.users.clone(), storage, quota, clock })
    }

    /// Begins a file of the service itself under `owner`, without limits.
    ///
    /// # Errors
    /// [`ObjectError`]; no bytes were written.
    pub async fn begin(&self, owner: &str) -> Result<Draft, ObjectError> {
        let id = FileName::fresh_id();
        let now = self.clock.now();
        self.files.begin(&id, owner, now, now + LEFT_BEHIND, 0).await?;
        self.draft(id).await
    }

    /// Begins a file of `owner` (an open id) and reserves `bytes` for it.
    ///
    /// # Errors
    /// [`ObjectError`], such as [`ObjectError::QuotaExceeded`] and [`ObjectError::StorageFull`]; no bytes were written.
    pub async fn begin_within(&self, owner: &str, bytes: u64) -> Result<Draft, ObjectError> {
        let id = FileName::fresh_id();
        let now = self.clock.now();
        self.files.begin(&id, owner, now, now + LEFT_BEHIND, bytes).await?;
        match self.quota.check(&self.files, owner, bytes, now).await {
            Ok(()) => self.draft(id).await,
            Err(error @ (ObjectError::QuotaExceeded | ObjectError::StorageFull)) => {
                if let Err(error) = self.files.forget(&id).await {
                    tracing::warn!(%error, "what was reserved for a file is left for the sweep");
                }
                Err(error)
            }
            // The database already kept the caller waiting; the reservation is left for the sweep.
            Err(error) => Err(error),
        }
    }

    async fn draft(&self, id: String) -> Result<Draft, ObjectError> {
        let writer = self.storage.writer(&id).await?;
        Ok(Draft::new(self.clone(), id, writer))
    }

    /// The complete file of this name.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn find(&self, name: &FileName) -> Result<Option<FileRecord>, ObjectError> {
        let record = self.files.find(&name.id).await?;
        Ok(record.filter(|record| record.kind == name.kind.extension()))
    }

    /// The complete file with this SHA-256, among those stored once per content.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn of_hash(&self, hash: &str) -> Result<Option<FileName>, ObjectError> {
        let record = self.files.of_hash(hash).await?;
        Ok(record.and_then(|record| Some(FileName { kind: FileType::from_extension(&record.kind)?, id: record.id })))
    }

    /// Bytes of file `id` from `offset` on: at least one, at most 1 MiB, none from `end` on.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn piece(&self, id: &str, offset: u64, end: u64) -> Result<Bytes, ObjectError> {
        let mut bytes = self.storage.piece(id, offset..end).await?;
        bytes.truncate(usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// Removes all files of `owner`, incomplete ones included. Returns their number.
    ///
    /// # Errors
    /// [`ObjectError`]; call again to remove the rest.
    pub async fn delete_of(&self, owner: &str) -> Result<usize, ObjectError> {
        let ids = self.files.ids_of_owner(owner).await?;
        for id in &ids {
            self.delete(id).await?;
        }
        Ok(ids.len())
    }

    /// The complete files of `owner`, oldest first, with their names.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn of(&self, owner: &str) -> Result<Vec<(FileName, FileRecord)>, ObjectError> {
        let named = |record: FileRecord| {
            let kind = FileType::from_extension(&record.kind)?;
            Some((FileName { id: record.id.clone(), kind }, record))
        };
        Ok(self.files.of_owner(owner).await?.into_iter().filter_map(named).collect())
    }

    /// Removes file `name` of `owner`; `false` when there is no such file.
    ///
    /// # Errors
    /// [`ObjectError`]; another call or the sweep removes the rest.
    pub async fn delete_own(&self, owner: &str, name: &FileName) -> Result<bool, ObjectError> {
        let kind = name.kind.extension();
        if !self.files.withdraw_own(owner, &name.id, kind, self.clock.now()).await? {
            return Ok(false);
        }
        self.delete(&name.id).await?;
        Ok(true)
    }

    /// Whether all of `names` are complete files of `owner`. Extends their life, because something is about to refer to
    /// them.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn are_own(&self, owner: &str, names: &[FileName]) -> Result<bool, ObjectError> {
        let mut ids: Vec<&str> = names.iter().map(|name| name.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let own = self.files.postpone_own(owner, &ids, self.clock.now() + UNUSED).await?;
        Ok(own == ids.len() as u64)
    }

    /// Notes that something refers to `names`, so that they do not expire.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn keep(&self, names: &[FileName]) -> Result<(), ObjectError> {
        let ids: Vec<String> = names.iter().map(|name| name.id.clone()).collect();
        Ok(self.files.keep(&ids, self.clock.now()).await?)
    }

    /// Removes files that were left behind or expired, some at a time, and measures the rest. What fails is retried the
    /// next time.
    pub async fn tidy(self) {
        self.clone().sweep().await;
        match self.remove_expired().await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "removed files to which nothing referred"),
            Err(error) => tracing::warn!(%error, "expired files could not be removed"),
        }
        if let Err(error) = self.quota.measure(&self.files).await {
            tracing::warn!(%error, "the files could not be measured");
        }
    }

    async fn remove_expired(&self) -> Result<usize, ObjectError> {
        let now = self.clock.now();
        let expired = self.files.expired(now, SWEEP).await?;
        if expired.is_empty() {
            return Ok(0);
        }
        // Account pictures are looked up now: a picture that was replaced refers to nothing.
        let shown = self.users.pictured(&expired).await?;
        if !shown.is_empty() {
            self.files.postpone(&shown, now + UNUSED).await?;
        }
        let mut removed = 0;
        for id in expired.iter().filter(|id| !shown.contains(id)) {
            if self.files.withdraw_expired(id, now).await? {
                self.delete(id).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes what killed engines left behind, some files at a time. What fails is retried by the next sweep.
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

    /// Removes file `id`: its bytes first, so that after an interruption the document is still there to find them.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn delete(&self, id: &str) -> Result<(), ObjectError> {
        self.storage.delete(id).await?;
        Ok(self.files.forget(id).await?)
    }
}
