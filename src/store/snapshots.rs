//! Snapshots of what a campus system showed, with the time they were fetched. What belongs to a student is keyed by
//! student number and term (never by WeChat account); what is the same for everybody is keyed by what was asked. One
//! collection per kind of data; one type for all of them.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, Document, doc},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Reads, StoreError, collection,
    reads::{find_one, steadily},
    retried,
};

/// What a snapshot is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotKey {
    /// A student's own data of one term.
    Student {
        /// Student number.
        student_id: String,
        /// Term as the URP writes it.
        term: String,
    },
    /// Data that is the same for everybody who asks this.
    Question(String),
}

impl SnapshotKey {
    fn filter(&self) -> Document {
        match self {
            Self::Student { student_id, term } => doc! { "studentId": student_id, "term": term },
            Self::Question(question) => doc! { "question": question },
        }
    }
}

impl std::fmt::Display for SnapshotKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Student { student_id, term } => write!(f, "{student_id}/{term}"),
            Self::Question(question) => f.write_str(question),
        }
    }
}

/// Stored campus data.
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

impl<T: Send + Sync + Serialize + DeserializeOwned + Unpin + 'static> Snapshots<T> {
    pub(super) fn new(db: &Database, name: &str) -> Self {
        Self { nearest: collection(db, name, Reads::Configured), primary: collection(db, name, Reads::Primary) }
    }

    /// The snapshot as a near member has it: it may be a moment behind, and is there during an election.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn find(&self, key: &SnapshotKey) -> Result<Option<Snapshot<T>>, StoreError> {
        find_one(&self.nearest, key.filter()).await
    }

    /// The snapshot as the primary has it, to decide whether the campus must be asked.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn find_latest(&self, key: &SnapshotKey) -> Result<Option<Snapshot<T>>, StoreError> {
        steadily(|| self.primary.find_one(key.filter())).await
    }

    /// Stores `data` fetched at `at`; a snapshot that is newer stays.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn save(&self, key: &SnapshotKey, data: &T, at: DateTime<Utc>) -> Result<(), StoreError> {
        let at = bson::DateTime::from_millis(at.timestamp_millis());
        let data = bson::serialize_to_bson(data).map_err(mongodb::error::Error::from)?;
        let mut older = key.filter();
        older.insert("fetchedAt", doc! { "$lte": at });
        let set = doc! { "$set": { "data": data, "fetchedAt": at } };
        match self.primary.update_one(older, set).upsert(true).await.map_err(StoreError::from) {
            // A newer snapshot is there: the upsert met the unique index on the key.
            Ok(_) | Err(StoreError::Duplicate(_)) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Removes everything stored about a student.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn forget_student(&self, student_id: &str) -> Result<(), StoreError> {
        retried(|| self.primary.delete_many(doc! { "studentId": student_id })).await?;
        Ok(())
    }

    /// Removes what the old service stored about a WeChat account.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn forget_account(&self, open_id: &str) -> Result<(), StoreError> {
        retried(|| self.primary.delete_many(doc! { "openId": open_id })).await?;
        Ok(())
    }

    /// Everything stored about a student, one document a term, for an export.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn of_student(&self, student_id: &str) -> Result<Vec<(String, Snapshot<T>)>, StoreError> {
        #[derive(Deserialize)]
        struct Term {
            term: String,
        }
        let documents: Collection<Document> = self.primary.clone_with_type();
        let mut cursor = steadily(|| documents.find(doc! { "studentId": student_id }).sort(doc! { "term": 1 })).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            let document = cursor.deserialize_current()?;
            let malformed = |e: bson::error::Error| StoreError::from(mongodb::error::Error::from(e));
            let Term { term } = bson::deserialize_from_document(document.clone()).map_err(malformed)?;
            found.push((term, bson::deserialize_from_document(document).map_err(malformed)?));
        }
        Ok(found)
    }
}
