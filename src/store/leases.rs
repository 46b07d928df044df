//! `leases`: the right to do something alone for a short time, across replicas. Times are computed by the database, so
//! the replicas' clocks need not agree.

use std::time::Duration;

use mongodb::{
    Collection, Database,
    bson::{self, Document, doc},
    options::ReturnDocument,
};

use super::{Reads, StoreError, collection, eventually};

/// The `leases` collection.
#[derive(Debug, Clone)]
pub struct Leases(Collection<Document>);

/// Life of a lease that its holder extends while it works. When the holder dies, others wait at most this long.
const LIFE: Duration = Duration::from_secs(20);

/// How often it is extended. Short enough that it survives an election.
const PROLONG: Duration = Duration::from_secs(4);

/// How long a holder whose work is done waits for the release of the lease.
const RELEASE: Duration = Duration::from_millis(500);

/// Pause between two tries of a caller that waits for a lease.
const POLL: Duration = Duration::from_millis(100);

/// A lease that is held. It ends by [`Leases::release`], or when its time is over.
#[derive(Debug, Clone)]
pub struct Lease {
    name: String,
    owner: String,
}

impl Leases {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "leases", Reads::Primary))
    }

    /// Takes the lease `name` for `owner` until `ttl` from now; `None` when somebody else holds it. An owner who
    /// already holds it extends it.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn acquire(&self, name: &str, owner: &str, ttl: Duration) -> Result<Option<Lease>, StoreError> {
        let mine = doc! { "$or": [
            { "$eq": ["$owner", owner] },
            { "$lt": [{ "$ifNull": ["$expiresAt", bson::DateTime::from_millis(0)] }, "$$NOW"] },
        ] };
        let take = vec![doc! { "$set": {
            "owner": { "$cond": [mine.clone(), owner, "$owner"] },
            "expiresAt": { "$cond": [mine, { "$add": ["$$NOW", millis(ttl)] }, "$expiresAt"] },
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

    /// Takes the lease `name` for work in [`Leases::under`]; `None` when somebody else holds it.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn take(&self, name: &str, owner: &str) -> Result<Option<Lease>, StoreError> {
        self.acquire(name, owner, LIFE).await
    }

    /// Like [`Leases::take`], but waits while somebody else holds it.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn wait_for(&self, name: &str, owner: &str) -> Result<Lease, StoreError> {
        loop {
            match self.take(name, owner).await? {
                Some(lease) => return Ok(lease),
                None => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Does `work` and extends `lease` meanwhile, then releases it: at once, or with a retry in the background.
    pub async fn under<T>(&self, lease: Lease, work: impl Future<Output = T>) -> T {
        let prolong = async {
            loop {
                tokio::time::sleep(PROLONG).await;
                match self.prolong(&lease).await {
                    Ok(true) => {}
                    Ok(false) => tracing::warn!("a lease was lost to somebody else"),
                    Err(error) => tracing::debug!(%error, "a lease is not prolonged"),
                }
            }
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            never = prolong => match never {},
        };
        let leases = self.clone();
        let release = move || {
            let (leases, lease) = (leases.clone(), lease.clone());
            async move { leases.release(&lease).await }
        };
        let released = tokio::spawn(eventually("give back a lease", release));
        if tokio::time::timeout(RELEASE, released).await.is_err() {
            tracing::debug!("a lease is given back later");
        }
        outcome
    }

    /// Updates and never inserts: an extension that arrives after the release must not make a new lease.
    async fn prolong(&self, lease: &Lease) -> Result<bool, StoreError> {
        let until = doc! { "$add": ["$$NOW", millis(LIFE)] };
        let held = doc! { "_id": &lease.name, "owner": &lease.owner };
        let prolonged = self.0.update_one(held, vec![doc! { "$set": { "expiresAt": until } }]).await?;
        Ok(prolonged.matched_count == 1)
    }

    /// Releases the lease. If it ran out and somebody else took it, nothing happens.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; the lease then ends by itself.
    pub async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.0.delete_one(doc! { "_id": &lease.name, "owner": &lease.owner }).await?;
        Ok(())
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
