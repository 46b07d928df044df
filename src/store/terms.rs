//! `terms`: the current term as an academic system tells it, asked for once for everybody.

use chrono::{DateTime, NaiveDate, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, reads::find_one};

/// The `terms` collection: one document for each academic system.
#[derive(Debug, Clone)]
pub struct Terms(Collection<StoredTerm>);

/// A stored term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredTerm {
    /// The academic system, as the school's profile names it.
    #[serde(rename = "_id")]
    pub academic: String,
    /// The label that people know.
    pub label: String,
    /// What the system calls the term in requests.
    pub system_id: String,
    /// Monday of week 1, `2026-09-07`; absent where the system does not tell.
    #[serde(default)]
    monday: Option<String>,
    /// Number of weeks; absent where the system does not tell.
    #[serde(default)]
    pub weeks: Option<u8>,
    fetched_at: bson::DateTime,
}

impl StoredTerm {
    /// What the system told at `at`.
    #[must_use]
    pub fn new(
        academic: &str,
        label: &str,
        system_id: &str,
        dates: Option<(NaiveDate, u8)>,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            academic: academic.to_owned(),
            label: label.to_owned(),
            system_id: system_id.to_owned(),
            monday: dates.map(|(monday, _)| monday.to_string()),
            weeks: dates.map(|(_, weeks)| weeks),
            fetched_at: bson::DateTime::from_chrono(at),
        }
    }

    /// Monday of week 1, and the number of weeks.
    #[must_use]
    pub fn dates(&self) -> Option<(NaiveDate, u8)> {
        Some((self.monday.as_deref()?.parse().ok()?, self.weeks?))
    }

    /// When the system told it.
    #[must_use]
    pub fn fetched_at(&self) -> DateTime<Utc> {
        self.fetched_at.to_chrono()
    }
}

impl Terms {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "terms", Reads::PrimaryPreferred))
    }

    /// The current term at this academic system, if it was ever told.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn find(&self, academic: &str) -> Result<Option<StoredTerm>, StoreError> {
        find_one(&self.0, doc! { "_id": academic }).await
    }

    /// Stores the term in place of an earlier one.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn save(&self, term: &StoredTerm) -> Result<(), StoreError> {
        self.0.replace_one(doc! { "_id": &term.academic }, term).upsert(true).await?;
        Ok(())
    }
}
