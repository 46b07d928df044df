//! `tokens`: sealed access tokens for other services, shared by all replicas.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, reads::steadily};

/// The `tokens` collection. Documents of the old service have other ids and stay as they are.
#[derive(Debug, Clone)]
pub struct AccessTokens(Collection<StoredToken>);

/// A stored token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredToken {
    #[serde(rename = "_id")]
    id: String,
    /// The token, sealed.
    pub sealed: String,
    refresh_at: bson::DateTime,
    expires_at: bson::DateTime,
}

impl StoredToken {
    /// A token of the service `id`.
    #[must_use]
    pub fn new(id: &str, sealed: String, refresh_at: DateTime<Utc>, expires_at: DateTime<Utc>) -> Self {
        let [refresh_at, expires_at] = [refresh_at, expires_at].map(bson::DateTime::from_chrono);
        Self { id: id.to_owned(), sealed, refresh_at, expires_at }
    }

    /// When a new one should be asked for.
    #[must_use]
    pub fn refresh_at(&self) -> DateTime<Utc> {
        self.refresh_at.to_chrono()
    }

    /// When it stops to be valid.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at.to_chrono()
    }
}

impl AccessTokens {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "tokens", Reads::Primary))
    }

    /// The token of the service `id`, if one is stored.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn find(&self, id: &str) -> Result<Option<StoredToken>, StoreError> {
        steadily(|| self.0.find_one(doc! { "_id": id })).await
    }

    /// Stores a token in place of the earlier one.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn save(&self, token: &StoredToken) -> Result<(), StoreError> {
        self.0.replace_one(doc! { "_id": &token.id }, token).upsert(true).await?;
        Ok(())
    }
}
