//! Whether an entry is still valid: this engine's lease, and the subjects that were written to.

use std::{collections::HashMap, time::Duration};

use parking_lot::RwLock;
use tokio::time::Instant;

use crate::store::coherence::ClusterMoment;

/// How long a write may be under way whose end nobody tells: its engine has ended meanwhile. Longer than every time-out
/// of a write together.
const LONGEST_WRITE: Duration = Duration::from_mins(1);

/// Most subjects that are remembered as written to, some 3 MB. With more, all of them count as written to.
const MAX_WRITTEN: usize = 20_000;

/// What a read needs whose result will be kept; without a cache, nothing.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Ticket {
    /// Number of the last write when the read began.
    pub(super) number: u64,
    /// The read must see the database as it was then, or later.
    pub after: Option<ClusterMoment>,
    /// Whether this engine has been told of every write that was answered, so that `after` includes it.
    pub is_told: bool,
}

/// Lease and writes. Writes are numbered in the order in which this engine is told of them.
#[derive(Debug, Default)]
pub(in crate::store) struct Validity(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    /// Until when entries are current; `None` while this engine has no lease.
    leased_until: Option<Instant>,
    /// Entries of earlier numbers are not current: between two leases writes with an unknown outcome may have happened.
    current_since: u64,
    /// Number of the last write.
    number: u64,
    /// All subjects count as written to with this number.
    all_written: u64,
    written: HashMap<String, Write>,
    /// Writes that are under way: the id of each, and since when.
    under_way: HashMap<String, Vec<(String, Instant)>>,
    /// When this engine began to be told of writes, in the time of the database.
    joined: Option<ClusterMoment>,
}

#[derive(Debug)]
struct Write {
    number: u64,
    at: Instant,
    /// `None` until the database has told it.
    after: Option<ClusterMoment>,
}

impl State {
    /// Whether a write to `subject` is under way: a reader of the database may see it already, or not yet.
    fn is_being_written(&self, subject: &str) -> bool {
        self.under_way.contains_key(subject)
    }

    fn is_written(&self, subject: &str, ticket: u64) -> bool {
        ticket < self.all_written || self.written.get(subject).is_some_and(|write| ticket < write.number)
    }
}

impl Validity {
    /// Whether an entry of `subject` that was read with `ticket` is current.
    pub fn is_current(&self, subject: &str, ticket: u64) -> bool {
        let state = self.0.read();
        let leased = state.leased_until.is_some_and(|until| Instant::now() < until);
        let unwritten = !state.is_being_written(subject) && !state.is_written(subject, ticket);
        leased && ticket >= state.current_since && unwritten
    }

    /// Whether `subject` was written to since `ticket`.
    pub fn is_written(&self, subject: &str, ticket: u64) -> bool {
        self.0.read().is_written(subject, ticket)
    }

    /// The ticket of a read of `subject` that begins now.
    pub fn ticket(&self, subject: &str) -> Ticket {
        let state = self.0.read();
        let after = state.written.get(subject).and_then(|write| write.after.as_ref()).or(state.joined.as_ref());
        let leased = state.leased_until.is_some_and(|until| Instant::now() < until);
        let is_told = leased && !state.is_being_written(subject);
        Ticket { number: state.number, after: after.cloned(), is_told }
    }

    /// Notes that the write `id` to `subject` begins. Until its end nothing of the subject is current.
    pub fn note_begin(&self, subject: &str, id: &str) {
        let mut state = self.0.write();
        state.under_way.entry(subject.to_owned()).or_default().push((id.to_owned(), Instant::now()));
    }

    /// Notes the end of the write `id` to `subject`, which is visible in the database `after` a moment, if that is known.
    pub fn note_end(&self, subject: &str, id: &str, after: Option<ClusterMoment>) {
        let mut state = self.0.write();
        if let Some(writes) = state.under_way.get_mut(subject) {
            writes.retain(|(write, _)| write != id);
            if writes.is_empty() {
                state.under_way.remove(subject);
            }
        }
        state.number += 1;
        let write = Write { number: state.number, at: Instant::now(), after };
        if state.written.len() >= MAX_WRITTEN {
            state.all_written = state.number;
            let moments = state.written.drain().filter_map(|(_, write)| write.after).collect::<Vec<_>>();
            state.joined = moments.into_iter().chain(state.joined.take()).max_by_key(|moment| moment.at);
        }
        state.written.insert(subject.to_owned(), write);
    }

    /// Extends the lease to `until`. After a gap, what was read before is no longer current.
    pub fn extend_lease(&self, until: Instant) {
        let mut state = self.0.write();
        if state.leased_until.is_none_or(|until| until <= Instant::now()) {
            state.number += 1;
            state.current_since = state.number;
        }
        state.leased_until = Some(until);
    }

    /// Whether this engine has the lease.
    pub fn is_leased(&self) -> bool {
        self.0.read().leased_until.is_some_and(|until| Instant::now() < until)
    }

    /// Ends the lease, and makes every entry invalid, also those that are being read.
    pub fn restart(&self) {
        let mut state = self.0.write();
        state.number += 1;
        state.all_written = state.number;
        state.leased_until = None;
        state.written.clear();
        state.under_way.clear();
        state.joined = None;
    }

    /// This engine is told of every write after `moment`.
    pub fn joined(&self, moment: Option<ClusterMoment>) {
        self.0.write().joined = moment;
    }

    /// Forgets writes that are older than every entry. A write that nobody ended has ended now.
    pub fn tidy(&self, oldest: Duration) {
        let mut state = self.0.write();
        state.written.retain(|_, write| write.at.elapsed() < oldest);
        let unended =
            |writes: &Vec<(String, Instant)>| writes.iter().all(|(_, begun)| begun.elapsed() >= LONGEST_WRITE);
        let unended: Vec<String> =
            state.under_way.extract_if(|_, writes| unended(writes)).map(|(subject, _)| subject).collect();
        for subject in unended {
            state.number += 1;
            let (number, after) = (state.number, state.written.remove(&subject).and_then(|write| write.after));
            state.written.insert(subject, Write { number, at: Instant::now(), after });
        }
    }
}
