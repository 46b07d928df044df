//! `subscriptions` and `feed_subscriptions`: personal addresses, which show a course table as a calendar or the feeds
//! of what lies behind the VPN. Each has a token of its own, stored as a hash. An account has one of each kind; a new
//! one replaces it.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, reads::steadily};
use crate::crypto::sha256_hex;

/// What a personal address shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionKind {
    /// The course table of its account, as a calendar.
    Calendar,
    /// The feeds that are not public.
    Feeds,
}

/// The collections of both kinds.
#[derive(Debug, Clone)]
pub struct Subscriptions {
    calendars: Collection<Subscription>,
    feeds: Collection<Subscription>,
}

/// A personal address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Whose it is.
    pub open_id: String,
    hash: String,
    created_at: bson::DateTime,
}

impl Subscription {
    /// When it was made.
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at.to_chrono()
    }
}

impl Subscriptions {
    pub(super) fn new(db: &Database) -> Self {
        // A secondary that lags behind would still open a revoked address and not know a new one.
        Self {
            calendars: collection(db, "subscriptions", Reads::PrimaryPreferred),
            feeds: collection(db, "feed_subscriptions", Reads::PrimaryPreferred),
        }
    }

    fn of_kind(&self, kind: SubscriptionKind) -> &Collection<Subscription> {
        match kind {
            SubscriptionKind::Calendar => &self.calendars,
            SubscriptionKind::Feeds => &self.feeds,
        }
    }

    /// Makes `token` the only one that opens what `kind` shows of `open_id`.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn put(
        &self,
        kind: SubscriptionKind,
        open_id: &str,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let created_at = bson::DateTime::from_chrono(now);
        let set = doc! { "$set": { "hash": sha256_hex(token.as_bytes()), "createdAt": created_at } };
        let put = || self.of_kind(kind).update_one(doc! { "openId": open_id }, set.clone()).upsert(true);
        match put().await.map_err(StoreError::from) {
            // Two at once: the other one made the document.
            Err(StoreError::Duplicate(_)) => Ok(put().await.map(|_| ())?),
            outcome => outcome.map(|_| ()),
        }
    }

    /// The subscription of this kind that `token` opens.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn find(&self, kind: SubscriptionKind, token: &str) -> Result<Option<Subscription>, StoreError> {
        let hash = sha256_hex(token.as_bytes());
        steadily(|| self.of_kind(kind).find_one(doc! { "hash": &hash })).await
    }

    /// The subscription of this kind of an account.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn of(&self, kind: SubscriptionKind, open_id: &str) -> Result<Option<Subscription>, StoreError> {
        steadily(|| self.of_kind(kind).find_one(doc! { "openId": open_id })).await
    }

    /// Ends the subscription of this kind of an account, if it has one.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn end(&self, kind: SubscriptionKind, open_id: &str) -> Result<(), StoreError> {
        self.of_kind(kind).delete_one(doc! { "openId": open_id }).await?;
        Ok(())
    }

    /// Ends every personal address of an account.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn revoke(&self, open_id: &str) -> Result<(), StoreError> {
        for kind in [SubscriptionKind::Calendar, SubscriptionKind::Feeds] {
            self.end(kind, open_id).await?;
        }
        Ok(())
    }
}
