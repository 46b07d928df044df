//! `leases`: who may do something alone, across replicas, for a short time. Times are the database's, so the replicas'
//! clocks need not agree.

use std::time::Duration;

use mongodb::{
    Collection, Database,
    bson::{self, Document, doc},
    options::ReturnDocument,
};

use super::{Reads, StoreError, collection};

/// The `leases` collection.
#[derive(Debug, Clone)]
pub struct Leases(Collection<Document>);

/// A lease that is held. It ends by [`Leases::release`], or by itself when its time is over.
#[derive(Debug, Clone)]
pub struct Lease {
    name: String,
    owner: String,
}

impl Leases {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "leases", Reads::Primary))
    }

    /// Takes the lease `name` for `owner` until `ttl` from now; `None` when somebody else holds it.
    /// An owner who holds it already prolongs it.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn acquire(&self, name: &str, owner: &str, ttl: Duration) -> Result<Option<Lease>, StoreError> {
        let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        let mine = doc! { "$or": [
            { "$eq": ["$owner", owner] },
            { "$lt": [{ "$ifNull": ["$expiresAt", bson::DateTime::from_millis(0)] }, "$$NOW"] },
        ] };
        let take = vec![doc! { "$set": {
            "owner": { "$cond": [mine.clone(), owner, "$owner"] },
            "expiresAt": { "$cond": [mine, { "$add": ["$$NOW", ttl] }, "$expiresAt"] },
        } }];
        let after = self
            .0
            .find_one_and_update(doc! { "_id": name }, take)
            .upsert(true)
            .return_document(ReturnDocument::After)
            .await?;
        let held = after.is_some_and(|lease| lease.get_str("owner").is_ok_and(|holder| holder == owner));
        Ok(held.then(|| Lease { name: name.to_owned(), owner: owner.to_owned() }))
    }

    /// Whether anybody holds `name` now.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn is_held(&self, name: &str) -> Result<bool, StoreError> {
        let held = doc! { "_id": name, "$expr": { "$gte": ["$expiresAt", "$$NOW"] } };
        Ok(self.0.find_one(held).await?.is_some())
    }

    /// Gives the lease back; one that ran out and was taken by somebody else is left alone.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; the lease then ends by itself.
    pub async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.0.delete_one(doc! { "_id": lease.name, "owner": lease.owner }).await?;
        Ok(())
    }
}
