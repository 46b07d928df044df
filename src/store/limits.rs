//! `limits`: counters per key and time window behind the rate limits, shared by all replicas. A TTL index removes
//! windows that are over; another index finds those of one account.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::{
    Collection, Database,
    bson::{self, Document, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, reads::steadily, retried};
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
pub enum Permit {
    /// Within the limit; it has been counted.
    Granted,
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
    pub async fn count(&self, key: &str, rate: Rate, now: DateTime<Utc>) -> Result<Permit, StoreError> {
        let span = Span::of(rate.period, now);
        let count = self.add(key, &span, 1).await?;
        Ok(if count > i64::from(rate.count) { Permit::Refused(span.left) } else { Permit::Granted })
    }

    /// Takes one use of `key` in the window of `now`, if one is left. Unlike [`Limits::count`] it counts nothing when
    /// it refuses, so each taken use can be refunded, and however many ask at once, no more succeed than the rate
    /// allows.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn take(&self, key: &str, rate: Rate, now: DateTime<Utc>) -> Result<Permit, StoreError> {
        let span = Span::of(rate.period, now);
        let left = doc! { "_id": span.id(key), "count": { "$lt": i64::from(rate.count) } };
        let expires_at = bson::DateTime::from_millis(span.end);
        let add =
            doc! { "$inc": { "count": 1_i64 }, "$setOnInsert": { "expiresAt": expires_at, "owners": owners(key) } };
        if rate.count == 0 {
            return Ok(Permit::Refused(span.left));
        }
        // Without a use left the filter matches nothing, and the upsert meets the window that exists. The first
        // duplicate may also come from somebody who made the window at the same moment.
        for _ in 0..2 {
            match self.0.update_one(left.clone(), add.clone()).upsert(true).await.map_err(StoreError::from) {
                Ok(_) => return Ok(Permit::Granted),
                Err(StoreError::Duplicate(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Permit::Refused(span.left))
    }

    /// Refunds one use of `key` that was counted or taken at `then`. A window that is over stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn refund(&self, key: &str, rate: Rate, then: DateTime<Utc>) -> Result<(), StoreError> {
        let span = Span::of(rate.period, then);
        let used = doc! { "_id": span.id(key), "count": { "$gt": 0 } };
        self.0.update_one(used, doc! { "$inc": { "count": -1_i64 } }).await?;
        Ok(())
    }

    /// Takes up to `wanted` of the `shared` uses of `key` in the window of `now`. Returns how many it got.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn reserve(
        &self,
        key: &str,
        period: Duration,
        wanted: u32,
        shared: u32,
        now: DateTime<Utc>,
    ) -> Result<u32, StoreError> {
        let count = self.add(key, &Span::of(period, now), wanted).await?;
        let before = count - i64::from(wanted);
        Ok(u32::try_from(i64::from(shared) - before).unwrap_or(0).min(wanted))
    }

    /// Counts one use of `key` in the window of `now`, without a limit. Returns the new count.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn note(&self, key: &str, period: Duration, now: DateTime<Utc>) -> Result<u32, StoreError> {
        Ok(u32::try_from(self.add(key, &Span::of(period, now), 1).await?).unwrap_or(u32::MAX))
    }

    async fn add(&self, key: &str, span: &Span, uses: u32) -> Result<i64, StoreError> {
        let id = span.id(key);
        let expires_at = bson::DateTime::from_millis(span.end);
        let add = doc! {
            "$inc": { "count": i64::from(uses) },
            "$setOnInsert": { "expiresAt": expires_at, "owners": owners(key) },
        };
        let window = self
            .0
            .find_one_and_update(doc! { "_id": id }, add)
            .upsert(true)
            .return_document(ReturnDocument::After)
            .await?;
        Ok(window.map_or(i64::from(uses), |window| window.count))
    }

    /// The windows that name `owner` (a WeChat account or a student number): what is counted, how often, and when the
    /// window ends.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn of(&self, owner: &str) -> Result<Vec<(String, i64, DateTime<Utc>)>, StoreError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct NamedWindow {
            #[serde(rename = "_id")]
            id: String,
            count: i64,
            expires_at: bson::DateTime,
        }
        let windows: Collection<NamedWindow> = self.0.clone_with_type();
        let found = steadily(|| windows.find(naming(owner)).sort(doc! { "_id": 1 })).await?;
        let found: Vec<NamedWindow> = found.try_collect().await?;
        let window = |window: NamedWindow| {
            let ends = window.expires_at.to_chrono();
            let what = window.id.split('/').take_while(|part| *part != owner).collect::<Vec<_>>().join("/");
            (what, window.count, ends)
        };
        Ok(found.into_iter().map(window).collect())
    }

    /// Forgets every window that names `owner`.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn forget(&self, owner: &str) -> Result<(), StoreError> {
        retried(|| self.0.delete_many(naming(owner))).await?;
        Ok(())
    }
}

/// A window of time.
struct Span {
    period: i64,
    start: i64,
    end: i64,
    left: Duration,
}

impl Span {
    fn of(period: Duration, now: DateTime<Utc>) -> Self {
        let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
        let millis = now.timestamp_millis();
        let start = millis - millis.rem_euclid(period);
        let end = start.saturating_add(period);
        Self { period, start, end, left: Duration::from_millis(u64::try_from(end - millis).unwrap_or_default()) }
    }

    /// The window of `key` in this time.
    fn id(&self, key: &str) -> String {
        format!("{key}/{}/{}", self.period, self.start)
    }
}

/// The owners that `key` names: all its parts but the first, which says what is counted.
fn owners(key: &str) -> Vec<&str> {
    key.split('/').skip(1).collect()
}

/// Windows that name `owner`.
fn naming(owner: &str) -> Document {
    doc! { "owners": owner }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_is_counted_and_then_whom_it_names() {
        assert_eq!(owners("upload/oA"), ["oA"]);
        assert_eq!(owners("bind/student/311509000001"), ["student", "311509000001"]);
        assert!(owners("upload").is_empty());
    }
}
