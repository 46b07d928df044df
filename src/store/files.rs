//! `files`: which uploads there are, of whom, of what type and how long. Their bytes are in the object storage (`objects`);
//! a document is there before the first byte and complete after the last, so that nothing half-written is ever served
//! and everything half-written is found again. Until then its length is what was reserved for it, so that the lengths of all
//! documents are what is taken or may be.
//!
//! An upload expires unless something refers to it: `expiresAt` says when, and goes when `usedAt` comes. Files of the
//! service itself have neither.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
    options::Hint,
};
use serde::{Deserialize, Serialize};

use super::{
    Reads, StoreError, collection,
    reads::{find_anywhere, steadily},
    retried,
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
    /// When it is removed unless something refers to it by then.
    #[serde(rename = "expiresAt", default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<bson::DateTime>,
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
    /// When it is removed unless something refers to it by then; `None` when something does.
    pub expires_at: Option<DateTime<Utc>>,
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
            at: chrono(document.at),
            expires_at: document.expires_at.map(chrono),
        })
    }
}

/// How long a complete file stays.
#[derive(Debug, Clone, Copy)]
pub enum Life<'a> {
    /// Until then, unless something refers to it.
    Until(DateTime<Utc>),
    /// For good, and once: the SHA-256 of its content, hexadecimal.
    Once(&'a str),
}

impl Files {
    pub(super) fn new(db: &Database) -> Self {
        let open = |reads| collection(db, "files", reads);
        Self { own: open(Reads::Primary), any: open(Reads::Configured) }
    }

    /// Notes that `owner` begins to write file `id` of at most `reserved` bytes; after `until` it counts as left behind.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Duplicate`] when the id was used before.
    pub async fn begin(
        &self,
        id: &str,
        owner: &str,
        at: DateTime<Utc>,
        until: DateTime<Utc>,
        reserved: u64,
    ) -> Result<(), StoreError> {
        let document = Document {
            id: id.to_owned(),
            owner: owner.to_owned(),
            at: date(at),
            until: Some(date(until)),
            kind: None,
            length: Some(whole(reserved)),
            folder: None,
            prefix: None,
            hash: None,
            expires_at: None,
        };
        self.own.insert_one(document).await?;
        Ok(())
    }

    /// Marks file `id` as complete. `false` when it is not there any more: its owner's account was deleted meanwhile, or
    /// it was swept away.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Duplicate`] when there is a complete file of this hash.
    pub async fn complete(
        &self,
        id: &str,
        kind: &str,
        length: u64,
        (folder, prefix): (&str, &str),
        life: Life<'_>,
    ) -> Result<bool, StoreError> {
        let mut set = doc! { "type": kind, "length": whole(length), "folder": folder, "prefix": prefix };
        match life {
            Life::Until(expires_at) => set.insert("expiresAt", date(expires_at)),
            Life::Once(hash) => set.insert("hash", hash),
        };
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

    /// Bytes of all files of `owner`, reserved ones included.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn bytes_of(&self, owner: &str) -> Result<u64, StoreError> {
        self.bytes(doc! { "owner": owner }).await
    }

    /// Bytes of all files, reserved ones included. Reads the whole index by owner and length, and no document.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn all_bytes(&self) -> Result<u64, StoreError> {
        self.bytes(doc! { "owner": { "$gte": "" } }).await
    }

    async fn bytes(&self, which: bson::Document) -> Result<u64, StoreError> {
        #[derive(Deserialize)]
        struct Sum {
            bytes: i64,
        }
        let sum = doc! { "$group": { "_id": bson::Bson::Null, "bytes": { "$sum": { "$toLong": "$length" } } } };
        let pipeline = [doc! { "$match": which }, doc! { "$project": { "_id": 0, "length": 1 } }, sum];
        let hint = Hint::Name("owner_length".to_owned());
        // Within an upload, which waits for a primary once: the driver's own repetition has to do.
        let mut cursor = self.own.aggregate(pipeline).hint(hint).with_type::<Sum>().await?;
        let sum = if cursor.advance().await? { cursor.deserialize_current()?.bytes } else { 0 };
        Ok(u64::try_from(sum).unwrap_or_default())
    }

    /// Has those of the files `ids` that are complete and of `owner` stay until `until` at least; gives how many those are.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn postpone_own(&self, owner: &str, ids: &[&str], until: DateTime<Utc>) -> Result<u64, StoreError> {
        let own = doc! { "_id": { "$in": ids }, "owner": owner, "until": { "$exists": false } };
        self.postpone_those(own, until).await
    }

    /// Has the files `ids` stay until `until` at least.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn postpone(&self, ids: &[String], until: DateTime<Utc>) -> Result<(), StoreError> {
        self.postpone_those(doc! { "_id": { "$in": ids } }, until).await.map(drop)
    }

    async fn postpone_those(&self, which: bson::Document, until: DateTime<Utc>) -> Result<u64, StoreError> {
        // `$max` takes a missing date for none; whatever stays for good has none and gets none.
        let later = doc! { "$max": ["$expiresAt", date(until)] };
        let stays = doc! { "$eq": [{ "$type": "$expiresAt" }, "missing"] };
        let update = vec![doc! { "$set": { "expiresAt": { "$cond": [stays, "$$REMOVE", later] } } }];
        Ok(retried(|| self.own.update_many(which.clone(), update.clone())).await?.matched_count)
    }

    /// Notes that something refers to the files `ids`, for good.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn keep(&self, ids: &[String], now: DateTime<Utc>) -> Result<(), StoreError> {
        let update = doc! { "$set": { "usedAt": date(now) }, "$unset": { "expiresAt": "" } };
        retried(|| self.own.update_many(doc! { "_id": { "$in": ids } }, update.clone())).await?;
        Ok(())
    }

    /// Ids of at most `limit` files to which nothing has referred in time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expired(&self, now: DateTime<Utc>, limit: i64) -> Result<Vec<String>, StoreError> {
        self.ids(doc! { "expiresAt": { "$lt": date(now) } }, limit).await
    }

    /// Takes file `id` out of use if it has expired. `false`: something refers to it by now. A file that is out of use is not
    /// served, and counts as left behind.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn withdraw_expired(&self, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let update = doc! { "$set": { "until": date(now) }, "$unset": { "expiresAt": "" } };
        self.withdraw(doc! { "_id": id, "expiresAt": { "$lt": date(now) } }, update).await
    }

    /// Takes file `id` of type `kind` out of use if it is `owner`'s. `true` again for one whose removal was interrupted.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn withdraw_own(
        &self,
        owner: &str,
        id: &str,
        kind: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let update = doc! { "$set": { "until": date(now) }, "$unset": { "expiresAt": "" } };
        self.withdraw(doc! { "_id": id, "owner": owner, "type": kind }, update).await
    }

    async fn withdraw(&self, which: bson::Document, update: bson::Document) -> Result<bool, StoreError> {
        Ok(self.own.update_one(which, update).await?.matched_count == 1)
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

fn chrono(at: bson::DateTime) -> DateTime<Utc> {
    at.to_chrono()
}

fn whole(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn date(at: DateTime<Utc>) -> bson::DateTime {
    bson::DateTime::from_chrono(at)
}
