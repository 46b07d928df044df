//! Accounts that nobody has logged in to for a long time.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::{User, Users};
use crate::store::{StoreError, reads::steadily};

/// Accounts last used before some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unused {
    /// How many there are.
    pub accounts: u64,
    /// Last use of the account that has been unused for longest, as far as known.
    pub oldest: Option<DateTime<Utc>>,
}

impl Users {
    /// The accounts that nobody has logged in to since `before`. Without a known last login, `knownSince` counts
    /// (migration 0012).
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

    /// At most `limit` accounts unused since `before`.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn some_unused(&self, before: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
        // Nothing else of them is read here: an account that cannot be read stops none of the others.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Named {
            open_id: String,
        }
        let accounts = self.primary.clone_with_type::<Named>();
        let found =
            steadily(|| accounts.find(unused(before)).projection(doc! { "openId": 1 }).limit(limit.into())).await?;
        let found: Vec<Named> = found.try_collect().await?;
        Ok(found.into_iter().map(|account| account.open_id).collect())
    }

    /// The account, if it is unused since `before`.
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

/// Unused accounts with a known last login.
fn known(before: DateTime<Utc>) -> Document {
    doc! { "openId": { "$gt": "" }, "lastLoginAt": { "$lt": date(before) } }
}

/// Unused accounts without one.
fn unknown(before: DateTime<Utc>) -> Document {
    let none = doc! { "$not": { "$type": "date" } };
    doc! { "openId": { "$gt": "" }, "lastLoginAt": none, "knownSince": { "$lt": date(before) } }
}

fn date(at: DateTime<Utc>) -> bson::DateTime {
    bson::DateTime::from_chrono(at)
}
