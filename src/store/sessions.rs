//! `sessions`: sealed sessions of the campus systems, shared by all replicas, so that a student logs in once and not
//! once per replica. A TTL index removes old ones.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, reads::steadily, retried};
/// The `sessions` collection.
#[derive(Debug, Clone)]
pub struct Sessions(Collection<StoredSession>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredSession {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    open_id: String,
    sealed: String,
    expires_at: Option<bson::DateTime>,
}

/// One user's session in one system. The student number is part of the key, so that a re-bind never meets the session
/// of the former bind.
fn id(open_id: &str, student_id: &str, system: &str) -> String {
    format!("{system}/{student_id}/{open_id}")
}

impl Sessions {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "sessions", Reads::Primary))
    }

    /// The sealed session, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn find(&self, open_id: &str, student_id: &str, system: &str) -> Result<Option<String>, StoreError> {
        let session = steadily(|| self.0.find_one(doc! { "_id": id(open_id, student_id, system) })).await?;
        Ok(session.map(|s| s.sealed))
    }

    /// Stores the sealed session in place of an earlier one, until `expires_at`.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn save(
        &self,
        open_id: &str,
        student_id: &str,
        system: &str,
        sealed: String,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let expires_at = bson::DateTime::from_chrono(expires_at);
        // A session that an engine before migration 0013 stored ends by its `savedAt`.
        let set = doc! {
            "$set": { "openId": open_id, "sealed": sealed, "expiresAt": expires_at },
            "$unset": { "savedAt": "" },
        };
        self.0.update_one(doc! { "_id": id(open_id, student_id, system) }, set).upsert(true).await?;
        Ok(())
    }

    /// Forgets the sessions of an account as this student.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn forget(&self, open_id: &str, student_id: &str) -> Result<(), StoreError> {
        let as_student = doc! { "$eq": [{ "$arrayElemAt": [{ "$split": ["$_id", "/"] }, 1] }, student_id] };
        retried(|| self.0.delete_many(doc! { "openId": open_id, "$expr": as_student.clone() })).await?;
        Ok(())
    }

    /// Forgets every session of an account.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn forget_account(&self, open_id: &str) -> Result<(), StoreError> {
        retried(|| self.0.delete_many(doc! { "openId": open_id })).await?;
        Ok(())
    }
}
