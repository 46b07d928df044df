//! The memory tier: what was read from the database a moment ago, in the form it is answered in. An entry belongs to a
//! subject (an account, a question to a campus system, a class of articles); a write makes every entry of its subject
//! invalid at once (`super::coherence`).
//!
//! An entry is used in two ways:
//! - as current, while this engine's lease lasts (`Validity`): every engine that writes has then told this one of each
//!   write before it was answered;
//! - as the last resort, for an hour, when the database does not answer: marked as stale, and never when its subject
//!   has been written to since.

mod validity;

use std::{any::Any, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache as Entries, DefaultLifecycle},
};
use tokio::time::Instant;

pub(super) use validity::Ticket;
use validity::Validity;

/// How long an entry counts as current without being read again: for changes that no engine made (by hand in the
/// database, by its removal of expired documents).
const CURRENT: Duration = Duration::from_mins(10);

/// How long an entry of public articles counts as current: the spider tells nobody what it stored.
const CURRENT_ARTICLES: Duration = Duration::from_secs(5);

/// How long an entry is the last resort.
const LAST_RESORT: Duration = Duration::from_hours(1);

/// What an entry takes beside its value and its key, in bytes: two pointers, three times, and the cache's own tables.
const OVERHEAD: u64 = 160;

/// Smallest expected entry in bytes, for the size of the cache's tables.
const SMALL_ENTRY: u64 = 1024;

/// A value that can be kept.
pub trait Kept: Send + Sync + 'static {
    /// About how many bytes it takes.
    fn bytes(&self) -> usize;
}

/// Where an entry is found and what makes it invalid.
#[derive(Debug, Clone)]
pub struct Key {
    /// The kind of data: its collection, and the label of the metrics.
    pub kind: &'static str,
    /// What it is of this kind.
    pub name: String,
    /// A write to this subject makes the entry invalid.
    pub subject: String,
}

impl Key {
    fn address(&self) -> String {
        [self.kind, "/", &self.name].concat()
    }

    fn current_for(&self) -> Duration {
        if self.kind == super::articles::KIND { CURRENT_ARTICLES } else { CURRENT }
    }
}

/// A value, read or remembered.
#[derive(Debug)]
pub struct Found<T> {
    /// The value.
    pub value: Arc<T>,
    /// Whether it is the last resort: the database does not answer, and it may be older than what is there.
    pub is_last_resort: bool,
    /// How long ago it was read.
    age: Duration,
}

impl<T> Found<T> {
    /// A value that is current.
    pub(super) fn current(value: Arc<T>) -> Self {
        Self { value, is_last_resort: false, age: Duration::ZERO }
    }

    /// When it was read, if it is the last resort.
    #[must_use]
    pub fn stale_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.is_last_resort.then(|| now - self.age)
    }
}

/// An entry.
#[derive(Clone)]
struct Entry {
    value: Arc<dyn Any + Send + Sync>,
    bytes: u64,
    subject: String,
    /// The state of the subject when the value was read.
    ticket: u64,
    read_at: Instant,
}

/// Entries by what they take.
#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<String, Entry> for Bytes {
    fn weight(&self, key: &String, entry: &Entry) -> u64 {
        entry.bytes + (key.len() + entry.subject.len()) as u64 + OVERHEAD
    }
}

/// The entries of this engine.
pub struct Cache {
    /// `None` when the tier is off.
    entries: Option<Entries<String, Entry, Bytes>>,
    validity: Validity,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("entries", &self.entries.as_ref().map(Entries::len)).finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache that takes at most `bytes`; with 0 it keeps nothing.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let entries = (bytes > 0).then(|| {
            let items = usize::try_from(bytes / SMALL_ENTRY).unwrap_or(usize::MAX).max(1);
            // One shard: an entry may take up to the whole shard, and the lock is held for less than a microsecond.
            let options =
                OptionsBuilder::new().estimated_items_capacity(items).weight_capacity(bytes).shards(1).build();
            // Both capacities are given.
            options.ok().map(|options| {
                Entries::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default())
            })
        });
        Self { entries: entries.flatten(), validity: Validity::default() }
    }

    /// Whether it keeps anything.
    pub fn is_on(&self) -> bool {
        self.entries.is_some()
    }

    /// The state of this engine's lease and of what was written.
    pub(super) fn validity(&self) -> &Validity {
        &self.validity
    }

    /// The entry, if it is current.
    pub(super) fn current<T: Kept>(&self, key: &Key) -> Option<Arc<T>> {
        let entry = self.entries.as_ref()?.get(key.address().as_str())?;
        let current =
            entry.read_at.elapsed() < key.current_for() && self.validity.is_current(&key.subject, entry.ticket);
        if current { entry.value.downcast().ok() } else { None }
    }

    /// The entry, if it may be shown while the database does not answer.
    pub(super) fn last_resort<T: Kept>(&self, key: &Key) -> Option<Found<T>> {
        let entry = self.entries.as_ref()?.peek(key.address().as_str())?;
        let age = entry.read_at.elapsed();
        if age >= LAST_RESORT || self.validity.is_written(&key.subject, entry.ticket) {
            return None;
        }
        Some(Found { value: entry.value.downcast().ok()?, is_last_resort: true, age })
    }

    /// What a read needs that will be kept. Take it before reading.
    pub(super) fn ticket(&self, subject: &str) -> Ticket {
        self.validity.ticket(subject)
    }

    /// Keeps what was read with `ticket`. A write to the subject since then makes it invalid.
    pub(super) fn keep<T: Kept>(&self, key: &Key, value: &Arc<T>, ticket: &Ticket) {
        let Some(entries) = &self.entries else { return };
        let bytes = value.bytes() as u64;
        let value: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(value);
        let (subject, read_at) = (key.subject.clone(), Instant::now());
        entries.insert(key.address(), Entry { value, bytes, subject, ticket: ticket.number, read_at });
        metrics::gauge!("cache_bytes").set(f64::from(u32::try_from(entries.weight()).unwrap_or(u32::MAX)));
    }

    /// Forgets everything, since this engine may not have been told of every write.
    pub(super) fn forget_everything(&self) {
        if let Some(entries) = &self.entries {
            entries.clear();
        }
        self.validity.restart();
    }

    /// Removes entries that can never be used again, so that what was deleted does not stay in memory.
    pub(super) fn tidy(&self) {
        let Some(entries) = &self.entries else { return };
        self.validity.tidy(LAST_RESORT);
        entries.retain(|_, entry| {
            entry.read_at.elapsed() < LAST_RESORT && !self.validity.is_written(&entry.subject, entry.ticket)
        });
    }
}

#[cfg(test)]
mod tests;
