//! `feedback`: hashes of recent reports with the page that each became, so that a report sent twice becomes one page. A
//! TTL index removes them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, reads::steadily};

/// How long the same text by the same student counts as sent twice. The TTL index in `migrations/` has the same time,
/// but MongoDB removes documents only once a minute.
const REPEAT: Duration = Duration::from_mins(10);

/// The `feedback` collection.
#[derive(Debug, Clone)]
pub struct Feedback(Collection<SentReport>);

#[derive(Debug, Serialize, Deserialize)]
struct SentReport {
    #[serde(rename = "_id")]
    hash: String,
    url: String,
    at: bson::DateTime,
}

impl Feedback {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "feedback", Reads::Primary))
    }

    /// The page of the same report within `REPEAT`.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn recent(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<String>, StoreError> {
        let since = bson::DateTime::from_chrono(now - REPEAT);
        let found = steadily(|| self.0.find_one(doc! { "_id": hash, "at": { "$gt": since } })).await?;
        Ok(found.map(|report| report.url))
    }

    /// Remembers the page that a report became.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn remember(&self, hash: &str, url: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let at = bson::DateTime::from_chrono(now);
        let report = SentReport { hash: hash.to_owned(), url: url.to_owned(), at };
        self.0.replace_one(doc! { "_id": hash }, report).upsert(true).await?;
        Ok(())
    }
}
