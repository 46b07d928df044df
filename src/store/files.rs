//! `files`: which uploads there are, of whom, of what type and how long. Their bytes are in the object storage (`objects`);
//! a document is there before the first byte and complete after the last, so that nothing half-written is ever served
//! and everything half-written is found again.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{
    Reads, StoreError, collection,
    reads::{find_anywhere, steadily},
};

/// The `files` collection.
#[derive(Debug, Clone)]
pub struct Files {
    own: Collection<Document>,
    /// A complete file never changes, so any member that has it will do.
    any: Collection<Document>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    #[serde(rename = "_id")]
    id: String,
    owner: String,
    at: bson::DateTime,
    /// When a file that is still being written counts as left behind; not there once it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<bson::DateTime>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    /// SHA-256 of the content, hexadecimal; only of files that are stored once however often they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

/// A complete file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Its name without extension.
    pub id: String,
    /// Extension of its type.
    pub kind: String,
    /// In bytes.
    pub length: u64,
    /// Label of the page it was uploaded from.
    pub folder: String,
    /// Label of what it belongs to.
    pub prefix: String,
    /// When it was uploaded.
    pub at: DateTime<Utc>,
}

impl FileRecord {
    /// `None` for a document of a file that is not complete.
    fn of(document: Document) -> Option<Self> {
        if document.until.is_some() {
            return None;
        }
        Some(Self {
            id: document.id,
            kind: document.kind?,
            length: u64::try_from(document.length?).ok()?,
            folder: document.folder.unwrap_or_default(),
            prefix: document.prefix.unwrap_or_default(),
            at: DateTime::from_timestamp_millis(document.at.timestamp_millis()).unwrap_or_default(),
        })
    }
}

impl Files {
    pub(super) fn new(db: &Database) -> Self {
        let open = |reads| collection(db, "files", reads);
        Self { own: open(Reads::Primary), any: open(Reads::Configured) }
    }

    /// Notes that `owner` begins to write file `id`; after `until` it counts as left behind.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Duplicate`] when the id was used before.
    pub async fn begin(
        &self,
        id: &str,
        owner: &str,
        at: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let document = Document {
            id: id.to_owned(),
            owner: owner.to_owned(),
            at: date(at),
            until: Some(date(until)),
            kind: None,
            length: None,
            folder: None,
            prefix: None,
            hash: None,
        };
        self.own.insert_one(document).await?;
        Ok(())
    }

    /// Marks file `id` as complete. `false` when it is not there any more: its owner's account was deleted meanwhile, or
    /// it was swept away. `hash`: the SHA-256 of a file that is to be there once.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Duplicate`] when there is a complete file of this hash.
    pub async fn complete(
        &self,
        id: &str,
        kind: &str,
        length: u64,
        (folder, prefix): (&str, &str),
        hash: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut set = doc! {
            "type": kind,
            "length": i64::try_from(length).unwrap_or(i64::MAX),
            "folder": folder,
            "prefix": prefix,
        };
        if let Some(hash) = hash {
            set.insert("hash", hash);
        }
        let update = doc! { "$set": set, "$unset": { "until": "" } };
        Ok(self.own.update_one(doc! { "_id": id }, update).await?.matched_count == 1)
    }

    /// The complete file `id`. Asks any member, and the primary when that one does not know it (yet).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, id: &str) -> Result<Option<FileRecord>, StoreError> {
        let found = find_anywhere(&self.any, doc! { "_id": id, "until": { "$exists": false } }).await?;
        Ok(found.and_then(FileRecord::of))
    }

    /// The complete file of this content, among those that are stored once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_hash(&self, hash: &str) -> Result<Option<FileRecord>, StoreError> {
        Ok(steadily(|| self.own.find_one(doc! { "hash": hash })).await?.and_then(FileRecord::of))
    }

    /// Removes the document of file `id`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&self, id: &str) -> Result<(), StoreError> {
        self.own.delete_one(doc! { "_id": id }).await?;
        Ok(())
    }

    /// The complete files of `owner`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_owner(&self, owner: &str) -> Result<Vec<FileRecord>, StoreError> {
        let mut cursor = steadily(|| self.own.find(doc! { "owner": owner }).sort(doc! { "at": 1, "_id": 1 })).await?;
        let mut records = Vec::new();
        while cursor.advance().await? {
            records.extend(FileRecord::of(cursor.deserialize_current()?));
        }
        Ok(records)
    }

    /// Ids of everything that `owner` uploaded or is uploading.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ids_of_owner(&self, owner: &str) -> Result<Vec<String>, StoreError> {
        self.ids(doc! { "owner": owner }, 0).await
    }

    /// Ids of at most `limit` files that were not completed in time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn left_behind(&self, now: DateTime<Utc>, limit: i64) -> Result<Vec<String>, StoreError> {
        self.ids(doc! { "until": { "$lt": date(now) } }, limit).await
    }

    async fn ids(&self, filter: bson::Document, limit: i64) -> Result<Vec<String>, StoreError> {
        let mut cursor = steadily(|| self.own.find(filter.clone()).limit(limit)).await?;
        let mut ids = Vec::new();
        while cursor.advance().await? {
            ids.push(cursor.deserialize_current()?.id);
        }
        Ok(ids)
    }
}

fn date(at: DateTime<Utc>) -> bson::DateTime {
    bson::DateTime::from_millis(at.timestamp_millis())
}
