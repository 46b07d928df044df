//! `subscriptions`: who may read a course table as a calendar, by the hash of a token made for nothing else. One for each
//! account; a new one replaces it.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection};
use crate::crypto::sha256_hex;

/// The `subscriptions` collection.
#[derive(Debug, Clone)]
pub struct Subscriptions {
    own: Collection<Subscription>,
    nearest: Collection<Subscription>,
}

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
        Self {
            own: collection(db, "subscriptions", Reads::PrimaryPreferred),
            nearest: collection(db, "subscriptions", Reads::Configured),
        }
    }

    /// Lets whoever has `token` read the table of `open_id`, and nobody else any more.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn put(&self, open_id: &str, token: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let created_at = bson::DateTime::from_millis(now.timestamp_millis());
        let set = doc! { "$set": { "hash": sha256_hex(token.as_bytes()), "createdAt": created_at } };
        let put = || self.own.update_one(doc! { "openId": open_id }, set.clone()).upsert(true);
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
        let filter = doc! { "hash": sha256_hex(token.as_bytes()) };
        match self.nearest.find_one(filter.clone()).await? {
            // A member that lags behind does not know a new one yet.
            None => Ok(self.own.find_one(filter).await?),
            found => Ok(found),
        }
    }

    /// The subscription of an account.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn of(&self, open_id: &str) -> Result<Option<Subscription>, StoreError> {
        Ok(self.own.find_one(doc! { "openId": open_id }).await?)
    }

    /// Ends the subscription of an account, if it has one.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn revoke(&self, open_id: &str) -> Result<(), StoreError> {
        self.own.delete_one(doc! { "openId": open_id }).await?;
        Ok(())
    }
}
