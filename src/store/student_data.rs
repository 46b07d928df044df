//! What the campus systems showed an account of its student: one collection for each kind of data.

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::BoxFuture};
use mongodb::Database;
use serde::{Serialize, de::DeserializeOwned};

use super::{Coherence, Snapshots, StoreError};
use crate::model::{CourseTable, Loan, PhysicalYear, ScoreRow};

/// The collections of student data. What is true of all of them is done through `readthrough::each`, which does not
/// compile without a field that stands here.
#[derive(Debug, Clone)]
pub struct StudentData {
    /// Course tables.
    pub courses: Snapshots<CourseTable>,
    /// Scores.
    pub scores: Snapshots<Vec<ScoreRow>>,
    /// Physical tests.
    pub physical: Snapshots<Vec<PhysicalYear>>,
    /// Library loans.
    pub borrowing: Snapshots<Vec<Loan>>,
}

impl StudentData {
    pub(super) fn new(db: &Database, kept: &Coherence) -> Self {
        Self {
            courses: Snapshots::new(db, kept, "courses"),
            scores: Snapshots::new(db, kept, "scores"),
            physical: Snapshots::new(db, kept, "physical"),
            borrowing: Snapshots::new(db, kept, "borrowing"),
        }
    }
}

/// A snapshot as an export shows it.
#[derive(Debug)]
pub struct Exported {
    /// Of which term.
    pub term: String,
    /// When the campus system showed it.
    pub fetched_at: DateTime<Utc>,
    /// The data, as the endpoint of its own shows it.
    pub data: serde_json::Value,
}

/// A collection of student data, whatever its kind.
pub trait Owned: Send + Sync {
    /// Name of the collection.
    fn collection(&self) -> &str;

    /// Removes what an account was shown of a student, and what an engine before migration 0010 stored about him.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    fn forget<'a>(&'a self, open_id: &'a str, student_id: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes what an account was shown of any student.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    fn forget_owner<'a>(&'a self, open_id: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Everything an account was shown of a student, one snapshot a term.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    fn export<'a>(&'a self, open_id: &'a str, student_id: &'a str) -> BoxFuture<'a, Result<Vec<Exported>, StoreError>>;
}

impl<T: Send + Sync + Serialize + DeserializeOwned + Unpin + 'static> Owned for Snapshots<T> {
    fn collection(&self) -> &str {
        self.name()
    }

    fn forget<'a>(&'a self, open_id: &'a str, student_id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.forget(open_id, student_id).boxed()
    }

    fn forget_owner<'a>(&'a self, open_id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.forget_owner(open_id).boxed()
    }

    fn export<'a>(&'a self, open_id: &'a str, student_id: &'a str) -> BoxFuture<'a, Result<Vec<Exported>, StoreError>> {
        let exported = async move {
            let snapshots = self.of(open_id, student_id).await?.into_iter().map(|(term, snapshot)| {
                let data = serde_json::to_value(&snapshot.data).map_err(mongodb::error::Error::custom)?;
                Ok(Exported { term, fetched_at: snapshot.fetched_at(), data })
            });
            snapshots.collect()
        };
        exported.boxed()
    }
}
