//! Accounts that nobody has logged in to for long.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::bson::{self, Document, doc};

use super::{User, Users};
use crate::store::{StoreError, reads::steadily};

/// Accounts that were last used before some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unused {
    /// How many there are.
    pub accounts: u64,
    /// When the one that has been unused for longest was last used, as far as known.
    pub oldest: Option<DateTime<Utc>>,
}

impl Users {
    /// Which accounts nobody has logged in to since `before`. Of those whose last login is not known, the time since
    /// when that is so (migration 0012) counts.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn unused(&self, before: DateTime<Utc>) -> Result<Unused, StoreError> {
        let accounts = steadily(|| self.primary.count_documents(unused(before))).await?;
        let mut oldest: Option<bson::DateTime> = None;
        for (field, filter) in [("lastLoginAt", known(before)), ("knownSince", unknown(before))] {
            let first = || self.primary.find_one(filter.clone()).sort(doc! { field: 1 });
            let used = steadily(first).await?.and_then(|user| user.last_used());
            oldest = oldest.into_iter().chain(used).min();
        }
        let oldest = oldest.map(bson::DateTime::to_chrono);
        Ok(Unused { accounts, oldest })
    }

    /// At most `limit` of these accounts.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn some_unused(&self, before: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
        let found = steadily(|| self.primary.find(unused(before)).limit(limit.into())).await?;
        let found: Vec<User> = found.try_collect().await?;
        Ok(found.into_iter().map(|user| user.open_id).collect())
    }

    /// The account, if it is one of these.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn find_unused(&self, open_id: &str, before: DateTime<Utc>) -> Result<Option<User>, StoreError> {
        let mut same = unused(before);
        same.insert("openId", open_id);
        steadily(|| self.primary.find_one(same.clone())).await
    }
}

fn unused(before: DateTime<Utc>) -> Document {
    doc! { "$or": [known(before), unknown(before)] }
}

/// Those whose last login is known.
fn known(before: DateTime<Utc>) -> Document {
    doc! { "openId": { "$gt": "" }, "lastLoginAt": { "$lt": date(before) } }
}

/// The others.
fn unknown(before: DateTime<Utc>) -> Document {
    let none = doc! { "$not": { "$type": "date" } };
    doc! { "openId": { "$gt": "" }, "lastLoginAt": none, "knownSince": { "$lt": date(before) } }
}

fn date(at: DateTime<Utc>) -> bson::DateTime {
    bson::DateTime::from_chrono(at)
}
