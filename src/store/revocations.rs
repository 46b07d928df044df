//! `revocations`: until when the tokens of accounts that logged out or were deleted are invalid. The account itself
//! holds the same time; this list serves requests that do not read the account, and accounts that no longer exist, so
//! it names accounts by pseudonym. A TTL index removes an entry when no earlier token can be valid any more.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, reads::steadily};

/// The `revocations` collection.
#[derive(Debug, Clone)]
pub struct Revocations(Collection<Revocation>);

/// Invalid tokens of one account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// Pseudonym of the account.
    #[serde(rename = "_id")]
    pub account: String,
    valid_after: bson::DateTime,
    at: bson::DateTime,
}

impl Revocation {
    /// Tokens issued at this moment (Unix milliseconds) or before are invalid.
    #[must_use]
    pub fn valid_after(&self) -> i64 {
        self.valid_after.timestamp_millis()
    }

    /// When it was written, by the database's clock (Unix milliseconds).
    #[must_use]
    pub fn written_at(&self) -> i64 {
        self.at.timestamp_millis()
    }
}

impl Revocations {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "revocations", Reads::PrimaryPreferred))
    }

    /// Makes the tokens of `account` issued at `valid_after` (Unix milliseconds) or before invalid. The entry is kept
    /// for `keep`.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn add(
        &self,
        account: &str,
        valid_after: i64,
        keep: Duration,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let expires_at = bson::DateTime::from_millis(now.timestamp_millis().saturating_add(keep));
        let set = doc! { "$set": {
            "validAfter": { "$max": ["$validAfter", bson::DateTime::from_millis(valid_after)] },
            "expiresAt": { "$max": ["$expiresAt", expires_at] },
            "at": "$$NOW",
        } };
        self.0.update_one(doc! { "_id": account }, vec![set]).upsert(true).await?;
        Ok(())
    }

    /// The revocation of `account`, if any.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn find(&self, account: &str) -> Result<Option<Revocation>, StoreError> {
        steadily(|| self.0.find_one(doc! { "_id": account })).await
    }

    /// The revocations written after `since` (Unix milliseconds of the database's clock).
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn since(&self, since: i64) -> Result<Vec<Revocation>, StoreError> {
        let mut cursor = self.0.find(doc! { "at": { "$gt": bson::DateTime::from_millis(since) } }).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            found.push(cursor.deserialize_current()?);
        }
        Ok(found)
    }
}
