//! `login_codes`: hashes of recent WeChat login codes with the user they logged in. A code works once at WeChat; a
//! repeated login is answered from here.

use mongodb::{
    Collection, Database,
    bson::{Document, doc},
    error::ErrorKind,
    options::ReadConcern,
};
use serde::Deserialize;

use super::{Reads, StoreError, WRITE_TIMEOUT, collection, reads::steadily, retried};
use crate::crypto::sha256_hex;

/// `MaxTimeMSExpired`: the operation took longer than its `maxTimeMS`.
const MAX_TIME_EXPIRED: i32 = 50;

/// The `login_codes` collection; a TTL index removes entries after five minutes, the life of a code at WeChat. The database
/// computes their time (`at`): by the clock of a replica that is behind it would remove them at once.
#[derive(Debug, Clone)]
pub struct LoginCodes(Collection<LoginCode>);

/// A code that logged somebody in.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginCode {
    /// The user it logged in.
    pub open_id: String,
}

impl LoginCodes {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "login_codes", Reads::Primary))
    }

    /// Remembers the user that `code` logged in. A code that is already remembered stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn remember(&self, code: &str, open_id: &str) -> Result<(), StoreError> {
        let entry = vec![doc! { "$set": {
            "openId": { "$ifNull": ["$openId", { "$literal": open_id }] },
            "at": { "$ifNull": ["$at", "$$NOW"] },
        } }];
        match self.0.update_one(by(code), entry).upsert(true).await.map_err(StoreError::from) {
            // Two replicas at once: the other one was first.
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

    /// The user that `code` logged in lately, if any.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn find(&self, code: &str) -> Result<Option<LoginCode>, StoreError> {
        steadily(|| self.0.find_one(by(code))).await
    }

    /// Like [`LoginCodes::find`], but waits until a majority confirms the answer (linearizable read concern): while
    /// nothing can be remembered, no code is called unknown.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer, or no majority does.
    pub async fn find_unconfirmed(&self, code: &str) -> Result<Option<LoginCode>, StoreError> {
        let find = self.0.find_one(by(code)).read_concern(ReadConcern::linearizable());
        match find.max_time(WRITE_TIMEOUT).await {
            Err(e) if matches!(e.kind.as_ref(), ErrorKind::Command(c) if c.code == MAX_TIME_EXPIRED) => {
                Err(StoreError::Unavailable(e))
            }
            found => Ok(found?),
        }
    }
}

fn by(code: &str) -> Document {
    doc! { "_id": sha256_hex(code.as_bytes()) }
}
