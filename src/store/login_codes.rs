//! `login_codes`: hashes of WeChat login codes of the last five minutes with the user they logged in. A code works once
//! at WeChat; a login that a client or proxy repeats is answered from here.

use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, reads::steadily, retried};
use crate::{clock::Clock, crypto::sha256_hex};

/// The `login_codes` collection; a TTL index removes entries after five minutes, the life of a code at WeChat.
#[derive(Debug, Clone)]
pub struct LoginCodes(Collection<LoginCode>);

/// A code that logged somebody in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginCode {
    #[serde(rename = "_id")]
    hash: String,
    /// The user it logged in.
    pub open_id: String,
    at: bson::DateTime,
}

impl LoginCodes {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "login_codes", Reads::Primary))
    }

    /// Remembers whom `code` stands for. A code already remembered stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn remember(&self, code: &str, open_id: &str, clock: &Clock) -> Result<(), StoreError> {
        let at = bson::DateTime::from_millis(clock.now().timestamp_millis());
        let entry = LoginCode { hash: sha256_hex(code.as_bytes()), open_id: open_id.to_owned(), at };
        match self.0.insert_one(entry).await.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Duplicate(_)) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Forgets the logins of an account.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn forget(&self, open_id: &str) -> Result<(), StoreError> {
        retried(|| self.0.delete_many(doc! { "openId": open_id })).await?;
        Ok(())
    }

    /// Whom `code` stands for, if it logged somebody in lately.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn find(&self, code: &str) -> Result<Option<LoginCode>, StoreError> {
        steadily(|| self.0.find_one(doc! { "_id": sha256_hex(code.as_bytes()) })).await
    }
}
