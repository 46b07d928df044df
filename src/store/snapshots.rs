//! Snapshots of what a campus system showed a student, keyed by student number and term (never by WeChat account), with
//! the time they were fetched. One collection per kind of data; one type for all of them.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Reads, StoreError, collection};

/// Stored campus data of one student in one term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot<T> {
    /// The data.
    pub data: T,
    fetched_at: bson::DateTime,
}

impl<T> Snapshot<T> {
    /// When the campus system showed it.
    #[must_use]
    pub fn fetched_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.fetched_at.timestamp_millis()).unwrap_or_default()
    }
}

/// A collection of snapshots of one kind.
#[derive(Debug, Clone)]
pub struct Snapshots<T: Send + Sync> {
    nearest: Collection<Snapshot<T>>,
    primary: Collection<Snapshot<T>>,
}

impl<T: Send + Sync + Serialize + DeserializeOwned + Unpin> Snapshots<T> {
    pub(super) fn new(db: &Database, name: &str) -> Self {
        Self { nearest: collection(db, name, Reads::Configured), primary: collection(db, name, Reads::Primary) }
    }

    /// The snapshot as a near member has it: it may be a moment behind, and is there during an election.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn find(&self, student_id: &str, term: &str) -> Result<Option<Snapshot<T>>, StoreError> {
        Ok(self.nearest.find_one(doc! { "studentId": student_id, "term": term }).await?)
    }

    /// The snapshot as the primary has it, to decide whether the campus must be asked.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn find_latest(&self, student_id: &str, term: &str) -> Result<Option<Snapshot<T>>, StoreError> {
        Ok(self.primary.find_one(doc! { "studentId": student_id, "term": term }).await?)
    }

    /// Stores `data` fetched at `at`; a snapshot that is newer stays.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn save(&self, student_id: &str, term: &str, data: &T, at: DateTime<Utc>) -> Result<(), StoreError> {
        let at = bson::DateTime::from_millis(at.timestamp_millis());
        let data = bson::serialize_to_bson(data).map_err(mongodb::error::Error::from)?;
        let older = doc! { "studentId": student_id, "term": term, "fetchedAt": { "$lte": at } };
        let set = doc! { "$set": { "data": data, "fetchedAt": at } };
        match self.primary.update_one(older, set).upsert(true).await.map_err(StoreError::from) {
            // A newer snapshot is there: the upsert met the unique index on student and term.
            Ok(_) | Err(StoreError::Duplicate(_)) => Ok(()),
            Err(e) => Err(e),
        }
    }
}
