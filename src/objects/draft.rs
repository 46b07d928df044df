//! A file on its way into the storage: first bytes, then type and name, then it is served.

use axum::body::Bytes;

use super::{FileName, FileType, Label, ObjectError, Objects, UNUSED, storage::Writer};
use crate::store::{Life, StoreError};

/// A file that is being written. End it with [`Draft::commit`] or [`Draft::abort`], and let that run to its end.
#[derive(Debug)]
pub struct Draft {
    id: String,
    writer: Writer,
    length: u64,
    /// Whether the storage left the outcome of the last write unknown.
    failed: bool,
    objects: Objects,
}

impl Draft {
    pub(super) fn new(objects: Objects, id: String, writer: Writer) -> Self {
        Self { id, writer, length: 0, failed: false, objects }
    }

    /// Appends `bytes`; returns when the storage wants more.
    ///
    /// # Errors
    /// [`ObjectError`]; then abort the draft.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectError> {
        self.length += bytes.len() as u64;
        let written = self.writer.write(bytes).await;
        self.failed |= written.is_err();
        written
    }

    /// Bytes written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Completes the file: it is served until it expires.
    ///
    /// # Errors
    /// [`ObjectError`]; nothing is left behind.
    pub async fn commit(self, kind: FileType, folder: Label, prefix: Label) -> Result<FileName, ObjectError> {
        let until = self.objects.clock.now() + UNUSED;
        self.finish(kind, folder, prefix, Life::Until(until)).await
    }

    /// Like [`Draft::commit`], for content with this SHA-256 that is stored once and for good. If it is already stored,
    /// this draft is removed and the existing name is returned.
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
        match self.finish(kind, label, label, Life::Once(hash)).await {
            // Another spider completed it at the same moment.
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
        life: Life<'_>,
    ) -> Result<FileName, ObjectError> {
        match self.complete(kind, folder, prefix, life).await {
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
        life: Life<'_>,
    ) -> Result<(), ObjectError> {
        self.writer.close().await?;
        let files = &self.objects.files;
        let labels = (folder.word(), prefix.word());
        if files.complete(&self.id, kind.extension(), self.length, labels, life).await? {
            Ok(())
        } else {
            Err(ObjectError::OwnerGone)
        }
    }

    /// Removes what was written. When the storage did not answer, a write may still happen after the removal: then the
    /// file is left to the sweep, and the caller does not wait again.
    pub async fn abort(self) {
        if self.failed {
            tokio::spawn(self.writer.abort());
        } else {
            self.writer.abort().await;
        }
        if self.failed {
            tracing::warn!("an unfinished file is left for the sweep");
        } else if let Err(error) = self.objects.delete(&self.id).await {
            tracing::warn!(%error, "an unfinished file is left for the sweep");
        }
    }
}
