//! What every engine keeps in memory stays true: a write is answered when every other engine has been told of it.
//!
//! An engine that keeps anything is in the list: it has a document in `engines` with the address where it is told, and
//! touches it every [`BEAT`]. What it keeps counts as current for [`LEASE`] after it sent the last touch that found the
//! document. Whoever writes
//! 1. reads `engines` at the primary, and tells every engine of the list that a write to the subject begins: nothing of the subject
//!    is current there until the write ends. Otherwise one engine could show the new value, read from the database, and
//!    after it another one the old value, from its memory;
//! 2. writes, to a majority;
//! 3. reads `engines` again, which also tells a moment in the database's time that includes the write, and tells every
//!    engine of the list that the write has ended, and that moment; later reads of the subject there ask the database for a state of
//!    this moment or later, whichever of its members answers.
//!
//! In 1 and 3 it removes the document of an engine that does not confirm, and waits for [`LEASE`]: the engine's next touch
//! finds no document, so it cannot count anything as current any more, and it forgets everything before it joins again.
//!
//! These are leases as Gray and Cheriton describe them (Leases: An Efficient Fault-Tolerant Mechanism for Distributed
//! File Cache Consistency, 1989), with the write's time-out shortened by the removal. Only durations are compared, no
//! clocks of two machines. An engine that joins after step 2 reads what was written; one that joined before is in the
//! list of step 3, because both it and the write reached a majority. One that joins between 1 and 3 counts nothing as
//! current for a second, which most writes take less than.

mod notice;

use std::{sync::Arc, time::Duration};

use futures_util::{TryStreamExt, future::join_all};
use mongodb::{
    ClusterTime, Collection, Database,
    bson::{self, Document, Timestamp, doc},
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::{
    Reads, StoreError,
    cache::{Cache, Found, Kept, Key, Ticket},
    collection, eventually,
    members::Members,
    reads::steadily,
    retried,
};
use crate::crypto::random_hex;
pub use notice::{Listening, listen};
use notice::{Notice, Phase, Teller, Write};

/// How often an engine touches its document. While a member of the replica set is silent, a write to the majority takes
/// some 250 ms; two of them fit into a lease.
const BEAT: Duration = Duration::from_millis(350);

/// How long what an engine keeps counts as current after a touch.
const LEASE: Duration = Duration::from_secs(1);

/// How long the database may take for a read before the last resort is shown instead. A hedged read has asked a second
/// member by then.
const READ_PATIENCE: Duration = Duration::from_millis(900);

/// An engine that others could not tell stays out for this long, twice as long each time, up to the second: each time it
/// costs a write [`LEASE`].
const STAY_OUT: Duration = Duration::from_secs(1);
const LONGEST_OUT: Duration = Duration::from_mins(5);

/// Joined for this long without being removed: it is told reliably.
const RELIABLE: Duration = Duration::from_mins(1);

/// How often entries that cannot be used any more are removed.
const TIDY: Duration = Duration::from_mins(1);

/// A moment in the time of the database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClusterMoment {
    /// A read after this sees every write that was confirmed before.
    pub at: Timestamp,
    /// The cluster time, signed by the database: a server that has not heard of `at` yet believes it.
    pub clock: Option<ClusterTime>,
}

/// An engine of the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Peer {
    #[serde(rename = "_id")]
    id: String,
    /// Where it is told: address and port.
    address: String,
    /// Who tells it something must know this.
    key: String,
}

/// The engines that keep something, and what this one keeps.
#[derive(Debug, Clone)]
pub struct Coherence(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cache: Cache,
    engines: Collection<Peer>,
    members: Members,
    teller: Teller,
}

impl Coherence {
    /// Tells the engines that share the database `db`; keeps at most `bytes` itself, once it has joined.
    pub(super) fn new(db: &Database, members: Members, bytes: u64) -> Self {
        let engines = collection(db, "engines", Reads::Primary);
        Self(Arc::new(Inner { cache: Cache::new(bytes), engines, members, teller: Teller::default() }))
    }

    /// Whether this process keeps anything.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.cache.is_on()
    }

    /// Whether what this engine keeps counts as current at the moment.
    #[must_use]
    pub fn is_leased(&self) -> bool {
        self.0.cache.validity().is_leased()
    }

    /// The value of `key`: remembered, or read by `read`, which is told the moment that the database must have reached.
    /// While the database does not answer, what is remembered is the last resort.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) async fn read<T, F>(
        &self,
        key: Key,
        read: impl FnOnce(Ticket) -> F,
    ) -> Result<Option<Found<T>>, StoreError>
    where
        T: Kept,
        F: Future<Output = Result<Option<T>, StoreError>> + Send + 'static,
    {
        let cache = &self.0.cache;
        if !cache.is_on() {
            return Ok(read(Ticket::default()).await?.map(|value| Found::current(Arc::new(value))));
        }
        if let Some(value) = cache.current(&key) {
            count(key.kind, "hit");
            return Ok(Some(Found::current(value)));
        }
        let has_last_resort = cache.last_resort::<T>(&key).is_some();
        if has_last_resort && !self.0.members.any() {
            return Ok(self.last_resort(&key));
        }
        let ticket = cache.ticket(&key.subject);
        let reading = read(ticket.clone());
        let (inner, to_keep) = (Arc::clone(&self.0), key.clone());
        let reading = async move {
            let value = reading.await?.map(Arc::new);
            if let Some(value) = &value {
                inner.cache.keep(&to_keep, value, &ticket);
            }
            Ok::<_, StoreError>(value)
        };
        let outcome = if has_last_resort {
            // The read goes on when the last resort has been shown: a later request finds its result.
            match timeout(READ_PATIENCE, tokio::spawn(reading)).await {
                Ok(Ok(outcome)) => Some(outcome),
                Ok(Err(_)) | Err(_) => None,
            }
        } else {
            Some(reading.await)
        };
        match outcome {
            Some(Ok(value)) => {
                count(key.kind, "miss");
                Ok(value.map(Found::current))
            }
            Some(Err(error @ StoreError::Unavailable(_))) => self.last_resort(&key).map(Some).ok_or(error),
            Some(Err(error)) => Err(error),
            // Somebody may have written to it in the meantime, so that there is none any more.
            None => self.last_resort(&key).map(Some).ok_or_else(StoreError::silent),
        }
    }

    fn last_resort<T: Kept>(&self, key: &Key) -> Option<Found<T>> {
        let found = self.0.cache.last_resort(key)?;
        count(key.kind, "last_resort");
        Some(found)
    }

    /// Runs `write`, which writes to `subject`; tells every engine before it begins, and that it has ended before this
    /// returns. When the outcome of the write is unknown, or the caller goes away, the end is told in the background.
    ///
    /// # Errors
    /// Those of `write`; [`StoreError::Unavailable`] when it is not known that every engine has been told.
    pub(super) async fn writing<T>(
        &self,
        subject: &str,
        write: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut ending =
            Ending { coherence: self, write: Some(Write { subject: subject.to_owned(), id: random_hex() }) };
        if let Some(write) = &ending.write {
            self.tell_begin(write).await?;
        }
        let outcome = write.await;
        // Of a write that failed for lack of the database nothing is known; the end is told in the background.
        if !matches!(outcome, Err(StoreError::Unavailable(_)))
            && let Some(write) = &ending.write
        {
            self.tell_end(write).await?;
            ending.write = None;
        }
        outcome
    }

    /// Tells every engine that a write begins.
    async fn tell_begin(&self, write: &Write) -> Result<(), StoreError> {
        if self.is_on() {
            self.0.cache.validity().note_begin(&write.subject, &write.id);
        }
        let (peers, _) = self.peers().await?;
        self.tell(&peers, write, &Phase::Begin).await
    }

    /// Tells every engine that a write has ended.
    async fn tell_end(&self, write: &Write) -> Result<(), StoreError> {
        let (peers, moment) = self.peers().await?;
        if self.is_on() {
            self.0.cache.validity().note_end(&write.subject, &write.id, moment.clone());
        }
        self.tell(&peers, write, &Phase::End(moment)).await
    }

    /// Tells `peers`, and removes those that do not confirm.
    async fn tell(&self, peers: &[Peer], write: &Write, phase: &Phase) -> Result<(), StoreError> {
        let inner = &*self.0;
        let told = peers.iter().map(|peer| {
            let notice = Notice { key: peer.key.clone(), write: write.clone(), phase: phase.clone() };
            async move { inner.teller.tell(&peer.address, &notice).await.err().map(|error| (peer, error)) }
        });
        let missed: Vec<_> = join_all(told).await.into_iter().flatten().collect();
        if missed.is_empty() {
            return Ok(());
        }
        let mut gone = Vec::new();
        for (peer, error) in missed {
            tracing::info!(engine = peer.id, address = peer.address, error, "an engine could not be told: removed");
            gone.push(peer.id.as_str());
        }
        self.remove(doc! { "_id": { "$in": gone } }).await
    }

    /// Removes engines from the list, and waits until nothing that they keep counts as current.
    async fn remove(&self, which: Document) -> Result<(), StoreError> {
        if retried(|| self.0.engines.delete_many(which.clone())).await?.deleted_count > 0 {
            sleep(LEASE).await;
        }
        Ok(())
    }

    /// The other engines of the list, and a moment that includes every write that was confirmed before.
    async fn peers(&self) -> Result<(Vec<Peer>, Option<ClusterMoment>), StoreError> {
        let engines = &self.0.engines;
        let read = || async move {
            let mut session = engines.client().start_session().await?;
            // By the index of the ids, so that nothing that looks for scans finds one.
            let mut cursor = engines.find(doc! { "_id": { "$gt": "" } }).session(&mut session).await?;
            let found: Vec<Peer> = cursor.stream(&mut session).try_collect().await?;
            Ok::<_, mongodb::error::Error>((found, moment_of(&session)))
        };
        let (mut peers, moment) = steadily(read).await?;
        let own = self.0.teller.own_id();
        peers.retain(|peer| Some(&peer.id) != own.as_ref());
        Ok((peers, moment))
    }

    /// Makes every engine forget everything, after writes that no engine was told of.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn forget_everywhere(&self) -> Result<(), StoreError> {
        self.remove(doc! {}).await
    }

    /// Joins the list, told at `listening`, and stays in it; for ever. Without a cache it only waits.
    pub async fn follow(&self, listening: &Listening) -> std::convert::Infallible {
        if !self.is_on() {
            return std::future::pending().await;
        }
        let mut out = STAY_OUT;
        loop {
            match self.join(listening).await {
                Ok(id) => {
                    let joined = Instant::now();
                    self.stay(&id).await;
                    self.0.teller.set_own_id(None);
                    self.0.cache.forget_everything();
                    if joined.elapsed() > RELIABLE {
                        out = STAY_OUT;
                    }
                    let address = listening.address();
                    tracing::warn!(%address, seconds = out.as_secs(), "removed: other engines could not reach this one");
                    sleep(out).await;
                    out = (out * 2).min(LONGEST_OUT);
                }
                Err(error) => {
                    tracing::debug!(%error, "not joined");
                    sleep(BEAT).await;
                }
            }
        }
    }

    /// Joins the list. Returns the id.
    async fn join(&self, listening: &Listening) -> Result<String, StoreError> {
        let Inner { cache, engines, teller, .. } = &*self.0;
        let address = listening.reachable_from(&self.0.members).await.ok_or_else(StoreError::silent)?;
        let id = random_hex();
        let peer = Peer { id: id.clone(), address, key: listening.key().to_owned() };
        // Before others can tell this engine anything, so that nothing they tell is forgotten.
        cache.forget_everything();
        let mut session = engines.client().start_session().await?;
        let mut document = bson::serialize_to_document(&peer).map_err(mongodb::error::Error::from)?;
        document.insert("at", bson::DateTime::now());
        teller.set_own_id(Some(id.clone()));
        engines.clone_with_type::<Document>().insert_one(document).session(&mut session).await?;
        cache.validity().joined(moment_of(&session));
        listening.open(self);
        tracing::info!(address = peer.address, "keeps what it reads in memory");
        Ok(id)
    }

    /// Touches the document until it is not there any more.
    async fn stay(&self, id: &str) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (joined, mut tidied) = (Instant::now(), Instant::now());
        loop {
            beat.tick().await;
            let sent = Instant::now();
            let touch = doc! { "$currentDate": { "at": true } };
            match self.0.engines.update_one(doc! { "_id": id }, touch).await {
                Ok(touched) if touched.matched_count == 0 => return,
                Ok(_) if joined.elapsed() >= LEASE && sent.elapsed() < LEASE => {
                    self.0.cache.validity().extend_lease(sent + LEASE);
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(error = %StoreError::from(error), "lease not extended"),
            }
            metrics::gauge!("cache_leased").set(if self.is_leased() { 1.0 } else { 0.0 });
            if tidied.elapsed() >= TIDY {
                tidied = Instant::now();
                self.0.cache.tidy();
            }
        }
    }

    /// Leaves the list, so that no write waits for an engine that is gone.
    pub async fn leave(&self) {
        let Some(id) = self.0.teller.own_id() else { return };
        self.0.cache.forget_everything();
        if let Err(error) = self.0.engines.delete_one(doc! { "_id": id }).await {
            tracing::debug!(error = %StoreError::from(error), "not left");
        }
    }

    /// Notes what another engine tells.
    fn noted(&self, notice: &Notice) {
        let (Write { subject, id }, validity) = (&notice.write, self.0.cache.validity());
        match &notice.phase {
            Phase::Begin => validity.note_begin(subject, id),
            Phase::End(after) => validity.note_end(subject, id, after.clone()),
        }
    }
}

/// The moment after the last operation of `session`.
fn moment_of(session: &mongodb::ClientSession) -> Option<ClusterMoment> {
    let at = session.operation_time()?;
    Some(ClusterMoment { at, clock: session.cluster_time().cloned() })
}

/// A write whose end the engines have not been told; when it is dropped, they are told in the background.
struct Ending<'a> {
    coherence: &'a Coherence,
    write: Option<Write>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let Some(write) = self.write.take() else { return };
        let coherence = self.coherence.clone();
        // Without a runtime the process ends, and keeps nothing.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                eventually("tell the other engines that a write has ended", || coherence.tell_end(&write)).await;
            });
        }
    }
}

fn count(kind: &'static str, outcome: &'static str) {
    metrics::counter!("cache_reads_total", "kind" => kind, "outcome" => outcome).increment(1);
}
