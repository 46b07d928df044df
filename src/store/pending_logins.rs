//! `pending_logins`: logins that wait for a student to read a captcha. Sealed, for a few minutes, and never with a password.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, retried};
use crate::crypto::sha256_hex;

/// The `pending_logins` collection; a TTL index removes what nobody went on with.
#[derive(Debug, Clone)]
pub struct PendingLogins(Collection<PendingLogin>);

/// A login that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingLogin {
    /// SHA-256 of the id that the client was given.
    #[serde(rename = "_id")]
    hash: String,
    /// The account whose login it is; no other can go on with it.
    open_id: String,
    /// Where the login stopped, sealed.
    pub sealed: String,
    expires_at: bson::DateTime,
}

impl PendingLogin {
    /// A login of `open_id` that the client calls `id`.
    #[must_use]
    pub fn new(id: &str, open_id: &str, sealed: String, expires_at: DateTime<Utc>) -> Self {
        let expires_at = bson::DateTime::from_chrono(expires_at);
        Self { hash: sha256_hex(id.as_bytes()), open_id: open_id.to_owned(), sealed, expires_at }
    }
}

impl PendingLogins {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "pending_logins", Reads::Primary))
    }

    /// Keeps a login until it is gone on with.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn put(&self, login: &PendingLogin) -> Result<(), StoreError> {
        self.0.insert_one(login).await?;
        Ok(())
    }

    /// Takes the login of this account with this id, so that nobody goes on with it a second time. `None` when there is
    /// none, or its time is over.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn take(&self, id: &str, open_id: &str, now: DateTime<Utc>) -> Result<Option<PendingLogin>, StoreError> {
        let own = doc! { "_id": sha256_hex(id.as_bytes()), "openId": open_id };
        let taken = self.0.find_one_and_delete(own).await?;
        Ok(taken.filter(|login| login.expires_at.to_chrono() > now))
    }

    /// Forgets the logins of an account.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn forget(&self, open_id: &str) -> Result<(), StoreError> {
        retried(|| self.0.delete_many(doc! { "openId": open_id })).await?;
        Ok(())
    }
}
