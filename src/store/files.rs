//! `files`: the uploads with owner, type and length. Their bytes are in the object storage (`objects`). A document
//! exists before the first byte and is completed after the last, so no half-written file is served and each one is
//! found again. Until then its length is what was reserved, so the sum of all lengths is what is in use or may be.
//!
//! An upload expires at `expiresAt` unless something refers to it; then `usedAt` replaces `expiresAt`. Files of the
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
    /// Any member may answer: a complete file never changes.
    any: Collection<Document>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    #[serde(rename = "_id")]
    id: String,
    owner: String,
    at: bson::DateTime,
    /// When an incomplete or withdrawn file counts as left behind; absent on a complete one.
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
    /// SHA-256 of the content, hexadecimal; only for files that are stored once per content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// When it is removed unless something refers to it.
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
    /// When it is removed unless something refers to it; `None` when something does.
    pub expires_at: Option<DateTime<Utc>>,
}

impl FileRecord {
    /// `None` for an incomplete file.
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

/// How long a complete file is kept.
#[derive(Debug, Clone, Copy)]
pub enum Life<'a> {
    /// Until then, unless something refers to it.
    Until(DateTime<Utc>),
    /// For good, once per content: its SHA-256, hexadecimal.
    Once(&'a str),
}

impl Files {
    pub(super) fn new(db: &Database) -> Self {
        let open = |reads| collection(db, "files", reads);
        Self { own: open(Reads::Primary), any: open(Reads::Configured) }
    }

    /// Notes that `owner` begins to write file `id` of at most `reserved` bytes. After `until` it counts as left
    /// behind.
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

    /// Marks file `id` as complete. `false` when it no longer exists: its owner's account was deleted, or it was swept
    /// away.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Duplicate`] when a complete file has this hash.
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

    /// The complete file `id`, nearest then primary.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, id: &str) -> Result<Option<FileRecord>, StoreError> {
        let found = find_anywhere(&self.any, doc! { "_id": id, "until": { "$exists": false } }).await?;
        Ok(found.and_then(FileRecord::of))
    }

    /// The complete file with this content, among those stored once per content.
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

    /// Ids of all files of `owner`, incomplete ones included.
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

    /// Bytes of all files of `owner`, including reserved ones.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn bytes_of(&self, owner: &str) -> Result<u64, StoreError> {
        self.bytes(doc! { "owner": owner }).await
    }

    /// Bytes of all files, including reserved ones. Reads the whole index by owner and length, and no document.
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
        // An upload waits for a primary only once, so the driver's own retry must do.
        let mut cursor = self.own.aggregate(pipeline).hint(hint).with_type::<Sum>().await?;
        let sum = if cursor.advance().await? { cursor.deserialize_current()?.bytes } else { 0 };
        Ok(u64::try_from(sum).unwrap_or_default())
    }

    /// Extends the life of those of the files `ids` that are complete and of `owner` to `until` at least. Returns their
    /// number.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn postpone_own(&self, owner: &str, ids: &[&str], until: DateTime<Utc>) -> Result<u64, StoreError> {
        let own = doc! { "_id": { "$in": ids }, "owner": owner, "until": { "$exists": false } };
        self.postpone_those(own, until).await
    }

    /// Extends the life of the files `ids` to `until` at least.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn postpone(&self, ids: &[String], until: DateTime<Utc>) -> Result<(), StoreError> {
        self.postpone_those(doc! { "_id": { "$in": ids } }, until).await.map(drop)
    }

    async fn postpone_those(&self, which: bson::Document, until: DateTime<Utc>) -> Result<u64, StoreError> {
        // A file without `expiresAt` stays for good; `$max` alone would give it one.
        let later = doc! { "$max": ["$expiresAt", date(until)] };
        let stays = doc! { "$eq": [{ "$type": "$expiresAt" }, "missing"] };
        let update = vec![doc! { "$set": { "expiresAt": { "$cond": [stays, "$$REMOVE", later] } } }];
        Ok(retried(|| self.own.update_many(which.clone(), update.clone())).await?.matched_count)
    }

    /// Marks the files `ids` as referred to, for good.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn keep(&self, ids: &[String], now: DateTime<Utc>) -> Result<(), StoreError> {
        let update = doc! { "$set": { "usedAt": date(now) }, "$unset": { "expiresAt": "" } };
        retried(|| self.own.update_many(doc! { "_id": { "$in": ids } }, update.clone())).await?;
        Ok(())
    }

    /// Ids of at most `limit` files that expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expired(&self, now: DateTime<Utc>, limit: i64) -> Result<Vec<String>, StoreError> {
        self.ids(doc! { "expiresAt": { "$lt": date(now) } }, limit).await
    }

    /// Withdraws file `id` if it has expired; `false` when something refers to it now. A withdrawn file is not served
    /// and counts as left behind.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn withdraw_expired(&self, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let update = doc! { "$set": { "until": date(now) }, "$unset": { "expiresAt": "" } };
        self.withdraw(doc! { "_id": id, "expiresAt": { "$lt": date(now) } }, update).await
    }

    /// Withdraws file `id` of type `kind` if it is `owner`'s. Returns `true` again when an earlier removal was
    /// interrupted.
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
