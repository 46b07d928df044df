//! The end of tokens, a bind, an account.

use chrono::{DateTime, Utc};
use mongodb::{
    Collection,
    bson::{self, Bson, Document, doc},
    options::ReturnDocument,
};

use super::{CREDENTIALS, Credential, PROFILE, Users, known_numbers};
use crate::store::{StoreError, reads::steadily, retried};

impl Users {
    /// Makes every token of the account issued until now invalid, and in any case the one issued at `presented` (Unix
    /// milliseconds). Returns the new limit (Unix milliseconds), or `None` when there is no such account.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn revoke_tokens(
        &self,
        open_id: &str,
        presented: i64,
        now: DateTime<Utc>,
    ) -> Result<Option<i64>, StoreError> {
        let date = bson::DateTime::from_millis;
        // `User::all_tokens_until`, computed by the database on the current document.
        let until = doc! { "$max": [
            date(now.timestamp_millis()),
            date(presented),
            "$lastLoginAt",
            { "$add": ["$tokensValidAfter", 1] },
        ] };
        let revoke = vec![doc! { "$set": { "tokensValidAfter": until } }];
        let after = ReturnDocument::After;
        let write = self.primary.find_one_and_update(doc! { "openId": open_id }, revoke).return_document(after);
        let user = self.coherence.writing(open_id, async { Ok(write.await?) }).await?;
        Ok(user.and_then(|user| user.tokens_valid_after).map(bson::DateTime::timestamp_millis))
    }

    /// Ends the bind to `student_id`: forgets number, name and every credential. Only `known`, the keyed hash of the
    /// number, stays ([`super::User::known_numbers`]). An account that is now bound to another number stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn unbind(&self, open_id: &str, student_id: &str, known: Option<String>) -> Result<(), StoreError> {
        let words: Vec<String> = known.into_iter().collect();
        let set = doc! {
            "bind": false, "studentId": "", "name": "", "rejected": [], "knownNumbers": known_numbers(&words),
        };
        let mut gone = vec!["boundAt", "consent"];
        gone.extend(CREDENTIALS.map(Credential::field));
        let mut numbers = vec![Bson::from(student_id)];
        if student_id.is_empty() {
            // The old service may have left `null`.
            numbers.push(Bson::Null);
        }
        let bound = doc! { "openId": open_id, "studentId": { "$in": numbers } };
        let forget = vec![doc! { "$set": set }, doc! { "$unset": gone }];
        let write = self.primary.update_one(bound, forget);
        self.coherence.writing(open_id, async { Ok(write.await.map(drop)?) }).await
    }

    /// Removes the account, and the duplicates of it that migration 0001 kept.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn delete(&self, open_id: &str) -> Result<(), StoreError> {
        let all = doc! { "$or": [{ "openId": open_id }, { "duplicateOf": open_id }] };
        let write = retried(|| self.primary.delete_many(all.clone()));
        self.coherence.writing(open_id, async { write.await.map(drop) }).await
    }

    /// Whether an account other than `except` is bound to `student_id`.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn is_bound(&self, student_id: &str, except: Option<&str>) -> Result<bool, StoreError> {
        let mut bound = doc! { "studentId": student_id, "bind": true };
        if let Some(open_id) = except {
            bound.insert("openId", doc! { "$ne": open_id });
        }
        Ok(steadily(|| self.primary.find_one(bound.clone())).await?.is_some())
    }

    /// The account's data for an export: no credentials, nothing internal.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn profile(&self, open_id: &str) -> Result<Option<Document>, StoreError> {
        let mut fields = doc! { "_id": 0 };
        for field in PROFILE {
            fields.insert(field, 1);
        }
        let documents: Collection<Document> = self.own.clone_with_type();
        steadily(|| documents.find_one(doc! { "openId": open_id }).projection(fields.clone())).await
    }
}
