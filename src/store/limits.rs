//! `limits`: counters per key and time window behind the rate limits, shared by all replicas. A TTL index removes
//! windows that are over.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection};
use crate::config::Rate;

/// The `limits` collection.
#[derive(Debug, Clone)]
pub struct Limits(Collection<Window>);

#[derive(Debug, Serialize, Deserialize)]
struct Window {
    count: i64,
}

/// Whether something may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Within the limit; it has been counted.
    Allowed,
    /// Over the limit; the window ends after this time.
    Refused(Duration),
}

impl Limits {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "limits", Reads::Primary))
    }

    /// Counts one use of `key` in the window that `now` falls into.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn count(&self, key: &str, rate: Rate, now: DateTime<Utc>) -> Result<Verdict, StoreError> {
        let period = i64::try_from(rate.period.as_millis()).unwrap_or(i64::MAX).max(1);
        let millis = now.timestamp_millis();
        let start = millis - millis.rem_euclid(period);
        let end = start.saturating_add(period);
        let id = format!("{key}/{period}/{start}");
        let add =
            doc! { "$inc": { "count": 1_i64 }, "$setOnInsert": { "expiresAt": bson::DateTime::from_millis(end) } };
        let window = self
            .0
            .find_one_and_update(doc! { "_id": id }, add)
            .upsert(true)
            .return_document(ReturnDocument::After)
            .await?;
        if window.is_some_and(|w| w.count > i64::from(rate.count)) {
            let left = u64::try_from(end - millis).unwrap_or_default();
            return Ok(Verdict::Refused(Duration::from_millis(left)));
        }
        Ok(Verdict::Allowed)
    }
}
