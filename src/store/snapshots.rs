//! Snapshots of what a campus system showed, with the time they were fetched; one collection per kind of data. A
//! student's data belongs to the account that fetched it with its own passwords: the key is account, student number and
//! term, so no account sees what another one's password opened. Data that is the same for everybody is keyed by what
//! was asked.
//!
//! Documents from before migration 0010 have a student number and no owner. They are never read here; they are removed
//! when an account leaves the number, or when they expire.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, Document, doc},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Coherence, Reads, StoreError, User,
    cache::{Found, Kept, Key},
    collection,
    reads::{find_one_after, steadily},
    retried,
};
use crate::model::Rendered;

/// What a snapshot is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotKey {
    /// What the campus showed one account for one term.
    Own {
        /// WeChat account whose passwords opened it.
        open_id: String,
        /// Student number it was bound to.
        student_id: String,
        /// Term as the URP writes it.
        term: String,
    },
    /// Data that is the same for everybody who asks this.
    Question(String),
}

impl SnapshotKey {
    /// What the campus shows `user` of the student he is bound to, in this term.
    #[must_use]
    pub fn own(user: &User, term: &str) -> Self {
        let (open_id, student_id) = (user.open_id.clone(), user.student_id.clone());
        Self::Own { open_id, student_id, term: term.to_owned() }
    }

    /// Finds the document of this key. For `Own` the key is the `_id`, as migration 0010 made it.
    fn filter(&self) -> Document {
        match self {
            Self::Own { .. } => doc! { "_id": self.to_string() },
            Self::Question(question) => doc! { "question": question },
        }
    }

    /// What a write to it concerns: everything of the account, or this answer.
    fn subject(&self, collection: &str) -> String {
        match self {
            Self::Own { open_id, .. } => open_id.clone(),
            Self::Question(question) => format!("{collection}/{question}"),
        }
    }

    /// The further fields of a new document.
    fn identity(&self) -> Document {
        match self {
            Self::Own { open_id, student_id, term } => {
                doc! { "owner": { "openId": open_id, "studentId": student_id }, "term": term }
            }
            Self::Question(_) => Document::new(),
        }
    }
}

impl std::fmt::Display for SnapshotKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own { open_id, student_id, term } => write!(f, "{open_id}/{student_id}/{term}"),
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
    /// Whether the data is a list that is known to be incomplete.
    #[serde(default)]
    pub partial: bool,
    fetched_at: bson::DateTime,
}

impl<T: Serialize> Snapshot<T> {
    /// The same, in the form that it is answered in.
    ///
    /// # Errors
    /// [`StoreError::Defect`] when the data is no JSON.
    pub fn rendered(&self) -> Result<Snapshot<Rendered<T>>, StoreError> {
        Ok(Snapshot { data: Rendered::of(&self.data)?, partial: self.partial, fetched_at: self.fetched_at })
    }
}

impl<T: 'static> Kept for Snapshot<Rendered<T>> {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.data.bytes()
    }
}

impl<T: 'static> Kept for Rendered<T> {
    fn bytes(&self) -> usize {
        size_of::<Self>() + Rendered::bytes(self)
    }
}

impl<T> Snapshot<T> {
    /// When the campus system showed it.
    #[must_use]
    pub fn fetched_at(&self) -> DateTime<Utc> {
        self.fetched_at.to_chrono()
    }
}

/// A collection of snapshots of one kind.
#[derive(Debug, Clone)]
pub struct Snapshots<T: Send + Sync> {
    name: &'static str,
    nearest: Collection<Snapshot<T>>,
    primary: Collection<Snapshot<T>>,
    coherence: Coherence,
}

impl<T: Send + Sync + Serialize + DeserializeOwned + Unpin + 'static> Snapshots<T> {
    pub(super) fn new(db: &Database, coherence: &Coherence, name: &'static str) -> Self {
        let (nearest, primary) = (collection(db, name, Reads::Configured), collection(db, name, Reads::Primary));
        Self { name, nearest, primary, coherence: coherence.clone() }
    }

    pub(super) fn name(&self) -> &str {
        self.name
    }

    /// The snapshot to show: as this engine has it in memory while that is current, or from a near member. Without
    /// memory it may be a moment old; it can be read during an election.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers and it is not in memory.
    pub async fn find(&self, key: &SnapshotKey) -> Result<Option<Found<Snapshot<Rendered<T>>>>, StoreError> {
        let kept = Key { kind: self.name, name: key.to_string(), subject: key.subject(self.name) };
        let (nearest, one) = (self.nearest.clone(), key.filter());
        let read = |ticket| async move {
            let found = find_one_after(&nearest, one, ticket).await?;
            found.map(|snapshot: Snapshot<T>| snapshot.rendered()).transpose()
        };
        self.coherence.read(kept, read).await
    }

    /// The snapshot from the primary, to decide whether the campus must be asked.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn find_latest(&self, key: &SnapshotKey) -> Result<Option<Snapshot<T>>, StoreError> {
        steadily(|| self.primary.find_one(key.filter())).await
    }

    /// Stores `data` fetched at `at`. A newer snapshot stays.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn save(&self, key: &SnapshotKey, data: &T, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.save_as(key, data, false, at).await
    }

    /// Like [`Snapshots::save`], for `data` that may be incomplete.
    ///
    /// # Errors
    /// As for [`Snapshots::save`].
    pub async fn save_as(
        &self,
        key: &SnapshotKey,
        data: &T,
        partial: bool,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let at = bson::DateTime::from_chrono(at);
        let data = bson::serialize_to_bson(data).map_err(mongodb::error::Error::from)?;
        let mut older = key.filter();
        older.insert("fetchedAt", doc! { "$lte": at });
        let mut update = if partial {
            doc! { "$set": { "data": data, "fetchedAt": at, "partial": true } }
        } else {
            doc! { "$set": { "data": data, "fetchedAt": at }, "$unset": { "partial": "" } }
        };
        let identity = key.identity();
        if !identity.is_empty() {
            update.insert("$setOnInsert", identity);
        }
        let write = async {
            match self.primary.update_one(older, update).upsert(true).await.map_err(StoreError::from) {
                // A newer snapshot is there: the upsert met the unique index on the key.
                Ok(_) | Err(StoreError::Duplicate(_)) => Ok(()),
                Err(e) => Err(e),
            }
        };
        self.coherence.writing(&key.subject(self.name), write).await
    }

    /// Removes what an account was shown about a student, and what was stored about the student before migration 0010.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub(super) async fn forget(&self, open_id: &str, student_id: &str) -> Result<(), StoreError> {
        let own_or_nobodys = doc! { "$or": [
            { "owner.openId": open_id, "owner.studentId": student_id },
            { "studentId": student_id },
        ] };
        let write = retried(|| self.primary.delete_many(own_or_nobodys.clone()));
        self.coherence.writing(open_id, async { write.await.map(drop) }).await
    }

    /// Removes what an account was shown about any student.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub(super) async fn forget_owner(&self, open_id: &str) -> Result<(), StoreError> {
        let write = retried(|| self.primary.delete_many(doc! { "owner.openId": open_id }));
        self.coherence.writing(open_id, async { write.await.map(drop) }).await
    }

    /// Everything an account was shown about a student, one document per term, for an export.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub(super) async fn of(&self, open_id: &str, student_id: &str) -> Result<Vec<(String, Snapshot<T>)>, StoreError> {
        #[derive(Deserialize)]
        struct Term {
            term: String,
        }
        let documents: Collection<Document> = self.primary.clone_with_type();
        let own = doc! { "owner.openId": open_id, "owner.studentId": student_id };
        let mut cursor = steadily(|| documents.find(own.clone()).sort(doc! { "term": 1 })).await?;
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
