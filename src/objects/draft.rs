//! A file on its way into the storage: bytes, then its type and name, then it is served.

use axum::body::Bytes;

use super::{FileName, FileType, Label, ObjectError, Objects, UNUSED, storage::Writer};
use crate::store::{Life, StoreError};

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

impl Draft {
    pub(super) fn new(objects: Objects, id: String, writer: Writer) -> Self {
        Self { id, writer, length: 0, failed: false, objects }
    }

    /// Appends `bytes`; returns when the storage wants more.
    ///
    /// # Errors
    /// [`ObjectError`]; abort it then.
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

    /// Makes it a file that is served, until it expires.
    ///
    /// # Errors
    /// [`ObjectError`]; nothing is left behind then.
    pub async fn commit(self, kind: FileType, folder: Label, prefix: Label) -> Result<FileName, ObjectError> {
        let until = self.objects.clock.now() + UNUSED;
        self.finish(kind, folder, prefix, Life::Until(until)).await
    }

    /// Like [`Draft::commit`], for content with this SHA-256 that is to be stored once and for good: when it is there already, this
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
        match self.finish(kind, label, label, Life::Once(hash)).await {
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

    /// Removes what was written, unless the storage did not answer: then a write may still happen, after the removal, so
    /// that it is left to the sweep, and nobody waits for such a storage another time.
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
