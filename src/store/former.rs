//! Course tables and scores that the old service left in `courses` and `scores`. They are keyed by account and have
//! neither a student number nor a reliable date (its default was the time when the old service had started).

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::{
    Collection, Database,
    bson::{Bson, Document, doc},
};

use super::{Reads, StoreError, collection, retried};

/// A kind of data that the old service stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormerKind {
    /// Course tables: `courses`, with their `term`.
    Courses,
    /// Scores: `scores`, mostly without a term.
    Scores,
}

impl FormerKind {
    /// The collection, and the field in it that holds the data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Courses => "courses",
            Self::Scores => "scores",
        }
    }
}

/// The account whose passwords opened a document's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerOwner {
    /// WeChat account.
    pub open_id: String,
    /// Student number it is bound to.
    pub student_id: String,
}

/// A document of the old service.
#[derive(Debug, Clone, PartialEq)]
pub struct FormerDocument {
    /// Its owner; `None` when the account is not bound, or this service has bound it since: then the number at that
    /// time is unknown.
    pub owner: Option<FormerOwner>,
    /// The term, if it has one.
    pub term: Option<String>,
    /// The time in its `_id`; `None` when that is no `ObjectId`.
    pub made_at: Option<DateTime<Utc>>,
    /// The data, of any type.
    pub content: Bson,
}

/// The old service's documents.
#[derive(Debug, Clone)]
pub struct Former {
    db: Database,
}

impl Former {
    pub(super) fn new(db: &Database) -> Self {
        Self { db: db.clone() }
    }

    /// The documents of a kind, in the order of their `_id`.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn of(
        &self,
        kind: FormerKind,
    ) -> Result<impl futures_util::Stream<Item = Result<FormerDocument, StoreError>> + use<>, StoreError> {
        let documents: Collection<Document> = collection(&self.db, kind.name(), Reads::Primary);
        let bound = doc! { "bind": true, "studentId": { "$gt": "" }, "boundAt": { "$exists": false } };
        let pipeline = [
            // Snapshots of this service have `data`.
            doc! { "$match": { "openId": { "$gt": "" }, "data": { "$exists": false } } },
            doc! { "$sort": { "_id": 1 } },
            doc! { "$lookup": {
                "from": "users", "localField": "openId", "foreignField": "openId", "as": "account",
                "pipeline": [{ "$match": bound }, { "$project": { "studentId": 1 } }],
            } },
        ];
        let found = documents.aggregate(pipeline).await?;
        Ok(found.map_ok(move |document| read(document, kind)).map_err(StoreError::from))
    }

    /// Removes what the old service stored about a WeChat account.
    ///
    /// # Errors
    /// [`StoreError`] when a write is not known to be safe.
    pub async fn forget(&self, open_id: &str) -> Result<(), StoreError> {
        for kind in [FormerKind::Courses, FormerKind::Scores] {
            let documents: Collection<Document> = collection(&self.db, kind.name(), Reads::Primary);
            retried(|| documents.delete_many(doc! { "openId": open_id })).await?;
        }
        Ok(())
    }
}

fn read(mut document: Document, kind: FormerKind) -> FormerDocument {
    let text = |document: &Document, field: &str| document.get_str(field).ok().map(str::to_owned);
    let account = document.get_array("account").ok().and_then(|accounts| accounts.first()?.as_document());
    let owner = account.and_then(|account| {
        Some(FormerOwner { open_id: text(&document, "openId")?, student_id: text(account, "studentId")? })
    });
    let made_at = document.get_object_id("_id").ok().map(|id| id.timestamp());
    FormerDocument {
        owner,
        term: text(&document, "term"),
        made_at: made_at.map(bson::DateTime::to_chrono),
        content: document.remove(kind.name()).unwrap_or(Bson::Null),
    }
}
