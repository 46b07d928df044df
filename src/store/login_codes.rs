//! `login_codes`: hashes of WeChat login codes of the last five minutes with the user they logged in. A code works once
//! at WeChat; a login that a client or proxy repeats is answered from here.

use mongodb::{
    Collection, Database,
    bson::{self, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection};
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
    /// Whether that was the user's first login; unknown while the login is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<bool>,
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
        let entry = LoginCode { hash: sha256_hex(code.as_bytes()), open_id: open_id.to_owned(), created: None, at };
        match self.0.insert_one(entry).await.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Duplicate(_)) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Settles whether the login with `code` was the user's first one, and gives what was settled: the first to say so is
    /// believed, so that a code that reached two replicas at once is answered alike by both.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn settle(&self, code: &str, created: bool) -> Result<bool, StoreError> {
        let settle = vec![doc! { "$set": { "created": { "$ifNull": ["$created", created] } } }];
        let hash = doc! { "_id": sha256_hex(code.as_bytes()) };
        let entry = self.0.find_one_and_update(hash, settle).return_document(ReturnDocument::After).await?;
        Ok(entry.and_then(|entry| entry.created).unwrap_or(created))
    }

    /// What `code` did, if it logged somebody in lately.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn find(&self, code: &str) -> Result<Option<LoginCode>, StoreError> {
        Ok(self.0.find_one(doc! { "_id": sha256_hex(code.as_bytes()) }).await?)
    }
}
