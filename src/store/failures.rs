//! `failures`: articles that the spider saw in a list and could not collect: why, how often it tried, when it tries
//! again. A document is removed when its article is collected.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, Document, doc},
};
use serde::Deserialize;

use super::{Reads, StoreError, collection};
use crate::model::Class;

/// The `failures` collection.
#[derive(Debug, Clone)]
pub struct Failures(Collection<Document>);

/// An article that could not be collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of article.
    pub class: Class,
    /// The article's key, its address.
    pub key: String,
    /// Name of the job that saw it.
    pub job: &'static str,
    /// Title in the list.
    pub title: String,
    /// Date in the list.
    pub date: Option<String>,
    /// Why, as one word.
    pub word: &'static str,
    /// When it is tried again; `None`: never at this address.
    pub next: Option<DateTime<Utc>>,
}

/// What is stored about a failure already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFailure {
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again.
    pub next: Option<DateTime<Utc>>,
    /// The run that recorded it first.
    pub run: i64,
    /// Why.
    pub word: String,
}

/// A failure that is due for another try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueFailure {
    /// What kind of article.
    pub class: Class,
    /// The article's key, its address.
    pub key: String,
    /// Title in the list.
    pub title: String,
    /// Date in the list.
    pub date: Option<String>,
    /// What is stored about it.
    pub known: KnownFailure,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailureDocument {
    class: String,
    key: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    date: Option<String>,
    #[serde(default)]
    word: String,
    #[serde(default)]
    attempts: u32,
    #[serde(default)]
    next_at: Option<bson::DateTime>,
    #[serde(default)]
    run: i64,
}

impl FailureDocument {
    fn known(&self) -> KnownFailure {
        KnownFailure {
            attempts: self.attempts,
            next: self.next_at.map(bson::DateTime::to_chrono),
            run: self.run,
            word: self.word.clone(),
        }
    }
}

fn id(class: Class, key: &str) -> String {
    format!("{} {key}", class.name())
}

fn date(at: DateTime<Utc>) -> bson::DateTime {
    bson::DateTime::from_chrono(at)
}

impl Failures {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "failures", Reads::Primary))
    }

    /// Records that run `run` failed to collect an article, and counts the attempt.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn record(&self, failure: &Failure, run: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        let update = doc! {
            "$set": {
                "class": failure.class.name(),
                "key": &failure.key,
                "job": failure.job,
                "title": &failure.title,
                "date": &failure.date,
                "word": failure.word,
                "lastAt": date(now),
                "nextAt": failure.next.map(date),
            },
            "$inc": { "attempts": 1 },
            "$setOnInsert": { "firstAt": date(now), "run": run },
        };
        self.0.update_one(doc! { "_id": id(failure.class, &failure.key) }, update).upsert(true).await?;
        Ok(())
    }

    /// Forgets a failure: the article was collected.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn forget(&self, class: Class, key: &str) -> Result<(), StoreError> {
        self.0.delete_one(doc! { "_id": id(class, key) }).await?;
        Ok(())
    }

    /// What is stored about those of `keys` that failed.
    ///
    /// # Errors
    /// [`StoreError`] when the primary does not answer.
    pub async fn known(&self, class: Class, keys: &[String]) -> Result<HashMap<String, KnownFailure>, StoreError> {
        let ids: Vec<String> = keys.iter().map(|key| id(class, key)).collect();
        let documents = self.read(doc! { "_id": { "$in": ids } }, 0).await?;
        Ok(documents.into_iter().map(|document| (document.key.clone(), document.known())).collect())
    }

    /// At most `limit` failures of `job` that are due for another try, longest due first.
    ///
    /// # Errors
    /// [`StoreError`] when the primary does not answer.
    pub async fn due(&self, job: &str, now: DateTime<Utc>, limit: i64) -> Result<Vec<DueFailure>, StoreError> {
        let due = doc! { "job": job, "nextAt": { "$gt": date(DateTime::UNIX_EPOCH), "$lte": date(now) } };
        let due_failure = |document: FailureDocument| {
            let (class, known) = (Class::from_name(&document.class)?, document.known());
            Some(DueFailure { class, key: document.key, title: document.title, date: document.date, known })
        };
        Ok(self.read(due, limit).await?.into_iter().filter_map(due_failure).collect())
    }

    /// How many articles of `job` are recorded as failed.
    ///
    /// # Errors
    /// [`StoreError`] when the primary does not answer.
    pub async fn count(&self, job: &str) -> Result<u64, StoreError> {
        Ok(self.0.count_documents(doc! { "job": job }).await?)
    }

    async fn read(&self, filter: Document, limit: i64) -> Result<Vec<FailureDocument>, StoreError> {
        let documents = self.0.clone_with_type::<FailureDocument>();
        let mut cursor = documents.find(filter).sort(doc! { "nextAt": 1 }).limit(limit).await?;
        let mut list = Vec::new();
        while cursor.advance().await? {
            list.push(cursor.deserialize_current()?);
        }
        Ok(list)
    }
}
