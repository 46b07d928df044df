//! `changed_pages`: copies of campus pages that nobody understood. Cleaned, sealed, for a day.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::{
    Collection, Database,
    bson::{self, doc},
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection, retried};

/// How many copies of each page are kept: the newest ones.
const PER_PAGE: u64 = 5;

/// The `changed_pages` collection; a TTL index removes copies that are older than a day.
#[derive(Debug, Clone)]
pub struct ChangedPages(Collection<ChangedPage>);

/// A copy of a page.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedPage {
    /// Its id.
    #[serde(rename = "_id")]
    pub id: String,
    /// The page that was expected, as `wehpu-engine parse` names it.
    pub page: String,
    /// The system that sent it.
    pub system: String,
    /// What was not found on it.
    pub missing: String,
    /// Length of the copy, in bytes.
    pub bytes: i64,
    /// The copy, sealed; empty in a list.
    #[serde(default)]
    pub sealed: String,
    at: bson::DateTime,
}

impl ChangedPage {
    /// The copy `sealed` of `bytes` bytes, made at `at`, of what `system` sent in the place of `page`.
    #[must_use]
    pub fn new(
        id: &str,
        (system, page, missing): (&str, &str, &str),
        (sealed, bytes): (String, usize),
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: id.to_owned(),
            page: page.to_owned(),
            system: system.to_owned(),
            missing: missing.to_owned(),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            sealed,
            at: bson::DateTime::from_chrono(at),
        }
    }

    /// When the page came.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        self.at.to_chrono()
    }
}

impl ChangedPages {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "changed_pages", Reads::Primary))
    }

    /// Keeps a copy, and removes those of the same page that newer ones have replaced.
    ///
    /// # Errors
    /// [`StoreError`] when a write is not known to be safe.
    pub async fn keep(&self, copy: &ChangedPage) -> Result<(), StoreError> {
        self.0.insert_one(copy).await?;
        let newest_first = doc! { "at": -1, "_id": -1 };
        let of_page = self.0.find(doc! { "page": &copy.page }).projection(doc! { "sealed": 0 });
        let replaced = of_page.sort(newest_first).skip(PER_PAGE).await?;
        let replaced: Vec<ChangedPage> = replaced.try_collect().await?;
        let ids: Vec<String> = replaced.into_iter().map(|copy| copy.id).collect();
        if !ids.is_empty() {
            retried(|| self.0.delete_many(doc! { "_id": { "$in": ids.as_slice() } })).await?;
        }
        Ok(())
    }

    /// All copies without their texts, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn list(&self) -> Result<Vec<ChangedPage>, StoreError> {
        let all = self.0.find(doc! {}).projection(doc! { "sealed": 0 });
        Ok(all.sort(doc! { "at": -1, "_id": -1 }).await?.try_collect().await?)
    }

    /// The copy with this id.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn find(&self, id: &str) -> Result<Option<ChangedPage>, StoreError> {
        Ok(self.0.find_one(doc! { "_id": id }).await?)
    }
}
