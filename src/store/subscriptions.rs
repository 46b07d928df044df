//! `subscriptions`: who may read a course table as a calendar, by the hash of a token made for nothing else. One for each
//! account; a new one replaces it.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, reads::steadily};
use crate::crypto::sha256_hex;

/// The `subscriptions` collection.
#[derive(Debug, Clone)]
pub struct Subscriptions(Collection<Subscription>);

/// A calendar subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Whose course table it shows.
    pub open_id: String,
    hash: String,
    created_at: bson::DateTime,
}

impl Subscription {
    /// Since when it exists.
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.created_at.timestamp_millis()).unwrap_or_default()
    }
}

impl Subscriptions {
    pub(super) fn new(db: &Database) -> Self {
        // A member that lags behind would still open what has been taken back, and not know what is new.
        Self(collection(db, "subscriptions", Reads::PrimaryPreferred))
    }

    /// Lets whoever has `token` read the table of `open_id`, and nobody else any more.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn put(&self, open_id: &str, token: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let created_at = bson::DateTime::from_millis(now.timestamp_millis());
        let set = doc! { "$set": { "hash": sha256_hex(token.as_bytes()), "createdAt": created_at } };
        let put = || self.0.update_one(doc! { "openId": open_id }, set.clone()).upsert(true);
        match put().await.map_err(StoreError::from) {
            // Two at once: the other one made the document.
            Err(StoreError::Duplicate(_)) => Ok(put().await.map(|_| ())?),
            outcome => outcome.map(|_| ()),
        }
    }

    /// The subscription that `token` opens.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn find(&self, token: &str) -> Result<Option<Subscription>, StoreError> {
        let hash = sha256_hex(token.as_bytes());
        steadily(|| self.0.find_one(doc! { "hash": &hash })).await
    }

    /// The subscription of an account.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn of(&self, open_id: &str) -> Result<Option<Subscription>, StoreError> {
        steadily(|| self.0.find_one(doc! { "openId": open_id })).await
    }

    /// Ends the subscription of an account, if it has one.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn revoke(&self, open_id: &str) -> Result<(), StoreError> {
        self.0.delete_one(doc! { "openId": open_id }).await?;
        Ok(())
    }
}
