//! Campus data, read through the store: fresh data is served as stored; older data is fetched again, once for all requests
//! of an account at the same time, in this replica (single flight) and across replicas (a lease); when that fails or takes
//! long, what is stored is served and marked stale. Stored data is never replaced by an empty or failed answer.
//!
//! A student's data belongs to the account that fetched it with its own passwords. Another account that is bound to the
//! same number asks the campus itself; one whose password is missing or refused keeps what it was shown before, as stale.

mod donations;
mod flights;
mod kind;
mod kinds;
mod student_kinds;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::TryFutureExt;
use serde::de::DeserializeOwned;
use tokio_util::task::TaskTracker;

use crate::{
    campus::{Campus, CampusError, academic::Academic, listing::Listing},
    clock::Clock,
    config::Freshness,
    flights::Flight,
    model::{Rendered, Rows, academic::Term},
    store::{Snapshot, SnapshotKey, Store, StoreError, User},
    students::{Access, PATIENCE, Service, StudentError, Students},
    terms::Terms,
};
use flights::AllFlights;
pub use kind::{CampusKind, DataKind, Shown, Visit};
pub use kinds::{Borrowing, Classrooms, Copies, Courses, Physical, Scores, Search};
pub use student_kinds::{StudentKind, each};

/// With something stored, a refresh may take this long before the stored data is served; it finishes in the background.
const PATIENCE_WITH_STORED: Duration = Duration::from_secs(5);

/// Longest second look for something stored, at the primary.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How often a replica that waits for another one's refresh looks for its result.
const LEASE_POLL: Duration = Duration::from_millis(100);

/// Campus data and how current it is.
#[derive(Debug, Clone)]
pub struct Fetched<T> {
    /// The data.
    pub data: T,
    /// When the campus system showed it.
    pub fetched_at: DateTime<Utc>,
    /// It is older than it should be, because the campus system could not be asked.
    pub stale: bool,
    /// It is a list that is known to be incomplete.
    pub partial: bool,
    /// Why it is older than it should be.
    pub reason: Option<ReadError>,
}

impl<T: DeserializeOwned> Fetched<Rendered<T>> {
    /// The data itself, for an answer that is made of it.
    ///
    /// # Errors
    /// [`ReadError::Student`] when the data does not read what it writes.
    pub fn opened(self) -> Result<Fetched<T>, ReadError> {
        let data = self.data.value().map_err(StoreError::from)?;
        Ok(self.map(|_| data))
    }
}

impl<T> Fetched<T> {
    /// What a system has shown at `at`.
    pub fn now(data: T, at: DateTime<Utc>) -> Self {
        Self { data, fetched_at: at, stale: false, partial: false, reason: None }
    }

    /// The same, with other data made of it.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Fetched<U> {
        let Self { data, fetched_at, stale, partial, reason } = self;
        Fetched { data: of(data), fetched_at, stale, partial, reason }
    }
}

impl<T: Clone> Fetched<T> {
    /// What is stored, as fresh as it should be.
    fn fresh(snapshot: &Snapshot<T>) -> Self {
        Self { partial: snapshot.partial, ..Self::now(snapshot.data.clone(), snapshot.fetched_at()) }
    }

    /// What is stored, older than it should be for this reason.
    fn stale(snapshot: &Snapshot<T>, reason: ReadError) -> Self {
        Self { stale: true, reason: Some(reason), ..Self::fresh(snapshot) }
    }
}

/// Why there is no data.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The system could not be asked, or did not answer.
    #[error(transparent)]
    Student(#[from] StudentError),
    /// The database does not answer, or has no primary, so nothing can be brought up to date.
    #[error("the database cannot be written to")]
    DatabaseAway,
    /// The system has not answered yet.
    #[error("the system takes too long")]
    TooSlow,
    /// The system showed a part of a list, with fewer rows than are stored.
    #[error("only a part of the list came")]
    Incomplete,
    /// The system has nothing to show, and nothing is stored.
    #[error("nothing there")]
    Empty,
    /// The refresh crashed; its panic is in the log.
    #[error("the refresh was aborted")]
    Aborted,
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Student(error.into())
    }
}

/// What a read gives: the data as it is answered.
pub type ReadResult<T> = Result<Fetched<Rendered<T>>, ReadError>;

/// A question to a system, and how it is asked.
struct Question<'a, A> {
    /// The system that is asked, and what opens it.
    access: Access,
    /// The academic system that is asked, if it is one.
    academic: Option<&'a Academic>,
    /// Under which the answer is stored.
    key: SnapshotKey,
    /// The account whose passwords are sent, since what they are refused for concerns nobody else; empty where none is.
    asker: &'a str,
    /// Whether the system may be asked at all.
    may_ask: Result<(), StudentError>,
    /// Asks the system.
    ask: A,
}

/// The reader.
#[derive(Clone)]
pub struct ReadThrough {
    store: Store,
    campus: Campus,
    students: Students,
    clock: Clock,
    fresh: Freshness,
    terms: Terms,
    tasks: TaskTracker,
    flights: AllFlights,
}

impl std::fmt::Debug for ReadThrough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadThrough").finish_non_exhaustive()
    }
}

/// What the reader is made of.
#[expect(missing_docs, reason = "each is described at its type")]
pub struct Parts {
    pub store: Store,
    pub campus: Campus,
    pub students: Students,
    pub clock: Clock,
    pub fresh: Freshness,
    pub terms: Terms,
    pub tasks: TaskTracker,
}

impl ReadThrough {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, campus, students, clock, fresh, terms, tasks } = parts;
        Self { store, campus, students, clock, fresh, terms, tasks, flights: AllFlights::default() }
    }

    /// The data of `kind` for `user` in the current term.
    pub async fn read<K: CampusKind>(&self, kind: &K, user: &User) -> ReadResult<K::Data> {
        let access = self.students.access(K::SERVICE, user)?;
        let term = self.current_term(K::SERVICE, user).await?;
        let academic = self.students.academic_id(&user.student_id).unwrap_or_default();
        let key = kind.key(user, &format!("{}/{academic}", access.system), &term.name);
        let under_question = matches!(key, SnapshotKey::Question(_));
        let question = Question {
            access,
            academic: self.students.academic_of(K::SERVICE, &user.student_id),
            key,
            asker: if access.is_open() { "" } else { &user.open_id },
            may_ask: access.check(user),
            ask: || {
                let (this, kind, user) = (self.clone(), kind.clone(), user.clone());
                async move {
                    let visit = this.students.with_session(&user, access, async |login, session| {
                        let academic = this.students.academic_of(K::SERVICE, &user.student_id);
                        let (campus, term) = (&this.campus, &term);
                        let shown = kind.fetch(Visit { campus, access, academic, login, session, term }).await?;
                        // Afterwards, so that the login is that of the answer, and there is one try of the password.
                        if academic.is_some() {
                            this.students.renew_term(&login.into(), session).await;
                        }
                        Ok(shown)
                    });
                    if under_question && !access.is_open() {
                        // The answer has a lease of its own, under which several students may ask.
                        return this
                            .students
                            .alone(access.system, &user.student_id, TryFutureExt::err_into::<ReadError>(visit))
                            .await;
                    }
                    Ok(visit.await?)
                }
            },
        };
        self.answer::<K, _>(question).await
    }

    /// The current term of the user's academic system. While nobody has asked that system for it, the user's own request
    /// does; what another system shows is kept without a term then.
    async fn current_term(&self, service: Service, user: &User) -> Result<Term, ReadError> {
        let academic = self.students.academic_id(&user.student_id).unwrap_or_default();
        if let Some(term) = self.terms.current(academic) {
            return Ok(term);
        }
        self.terms.look(academic).await?;
        if let Some(term) = self.terms.current(academic) {
            return Ok(term);
        }
        match service {
            Service::Academic(_) => Ok(self.students.learn_term(user).await?),
            _ => Ok(Term::default()),
        }
    }

    /// Answers from the store what is fresh there, and otherwise by asking the system.
    async fn answer<K: DataKind, F>(&self, question: Question<'_, impl FnOnce() -> F>) -> ReadResult<K::Data>
    where
        F: Future<Output = Result<Listing<K::Data>, ReadError>> + Send + 'static,
    {
        let key = question.key.clone();
        let stored = match K::snapshots(&self.store).find(&key).await? {
            // Without the database nothing can be refreshed.
            Some(found) if found.is_last_resort => {
                return Ok(served_stale::<K>(&found.value, ReadError::DatabaseAway));
            }
            found => found.map(|found| found.value),
        };
        if let Some(snapshot) = stored.as_ref().filter(|s| self.is_fresh::<K>(s.fetched_at())) {
            return Ok(Fetched::fresh(snapshot));
        }
        match (self.refresh::<K, F>(question, stored.is_some()).await, stored) {
            (Ok(fetched), _) => Ok(fetched),
            (Err(error), stored) => {
                // A member that lags may not have what the primary has; nobody waits for the primary twice.
                let stored = if stored.is_some() || matches!(error, ReadError::Student(StudentError::Store(_))) {
                    stored
                } else {
                    let latest = K::snapshots(&self.store).find_latest(&key);
                    let latest = tokio::time::timeout(LOOK_AGAIN, latest).await.ok().and_then(Result::ok).flatten();
                    latest.map(|snapshot| snapshot.rendered()).transpose()?.map(Arc::new)
                };
                let Some(snapshot) = stored else { return Err(error) };
                if self.is_fresh::<K>(snapshot.fetched_at()) {
                    return Ok(Fetched::fresh(&snapshot));
                }
                Ok(served_stale::<K>(&snapshot, error))
            }
        }
    }

    /// Joins or starts a refresh and waits for it, for a shorter time when there is something to serve instead.
    async fn refresh<K: DataKind, F>(
        &self,
        question: Question<'_, impl FnOnce() -> F>,
        has_stored: bool,
    ) -> ReadResult<K::Data>
    where
        F: Future<Output = Result<Listing<K::Data>, ReadError>> + Send + 'static,
    {
        let Question { access, academic, key, asker, may_ask, ask } = question;
        may_ask?;
        if has_stored && !self.store.members().primary() {
            // What came could not be stored, and the lease could not be taken.
            return Err(ReadError::DatabaseAway);
        }
        let down = || ReadError::from(StudentError::from(CampusError::Down(access.system)));
        let (is_down, in_doubt) = match academic {
            Some(academic) => (academic.is_down(), academic.is_in_doubt()),
            None => (self.campus.is_down(access.system), self.campus.is_in_doubt(access.system)),
        };
        if is_down {
            return Err(down());
        }
        let flight: Flight<ReadResult<K::Data>> =
            K::flights(&self.flights).join(&self.tasks, format!("{key}/{asker}"), || {
                let (this, asked) = (self.clone(), ask());
                async move { this.fetch::<K>(access, &key, asked).await }
            });
        if in_doubt && has_stored {
            // The flight probes in the background; nobody who can be served otherwise waits for its time-out.
            return Err(down());
        }
        let patience = if has_stored { PATIENCE_WITH_STORED } else { PATIENCE };
        match tokio::time::timeout(patience, flight).await {
            Ok(outcome) => outcome.unwrap_or(Err(ReadError::Aborted)),
            Err(_) => Err(ReadError::TooSlow),
        }
    }

    /// Asks the system under a lease, or takes what another replica fetched for the same account (or, where no account owns
    /// the data, for anybody) while this one waited for it.
    async fn fetch<K: DataKind>(
        &self,
        access: Access,
        key: &SnapshotKey,
        asked: impl Future<Output = Result<Listing<K::Data>, ReadError>>,
    ) -> ReadResult<K::Data> {
        let started = self.clock.now();
        let owner = self.students.lease_owner();
        let lease_name = match key {
            // Whatever is asked for: the student is at the system once.
            SnapshotKey::Own { student_id, .. } => Students::lease_name(access.system, student_id),
            SnapshotKey::Question(question) => format!("{}/{question}", K::NAME),
        };
        let lease = loop {
            if let Some(lease) = self.store.leases.take(&lease_name, &owner).await? {
                break lease;
            }
            tokio::time::sleep(LEASE_POLL).await;
            if let Some(snapshot) = self.fetched_meanwhile::<K>(key, started).await? {
                return Ok(Fetched::fresh(&snapshot.rendered()?));
            }
        };
        let work = async {
            match self.fetched_meanwhile::<K>(key, started).await? {
                Some(snapshot) => Ok(Fetched::fresh(&snapshot.rendered()?)),
                None => self.keep::<K>(key, asked.await?).await,
            }
        };
        self.store.leases.under(lease, work).await
    }

    async fn fetched_meanwhile<K: DataKind>(
        &self,
        key: &SnapshotKey,
        since: DateTime<Utc>,
    ) -> Result<Option<Snapshot<K::Data>>, ReadError> {
        let latest = K::snapshots(&self.store).find_latest(key).await?;
        Ok(latest.filter(|s| s.fetched_at() >= since || self.is_fresh::<K>(s.fetched_at())))
    }

    /// Stores what the system showed, unless it is nothing or less than what is there.
    async fn keep<K: DataKind>(&self, key: &SnapshotKey, shown: Listing<K::Data>) -> ReadResult<K::Data> {
        let Listing { data: fetched, partial } = shown;
        let at = self.clock.now();
        if fetched.rows() == 0 && !K::MAY_BE_EMPTY {
            return Err(ReadError::Empty);
        }
        let snapshots = K::snapshots(&self.store);
        let data = match snapshots.find_latest(key).await? {
            Some(stored) => {
                let before = stored.data.rows();
                let data = K::merge(stored.data, fetched);
                if partial && data.rows() < before {
                    return Err(ReadError::Incomplete);
                }
                data
            }
            None => fetched,
        };
        snapshots.save_as(key, &data, partial, at).await?;
        let data = Rendered::of(&data).map_err(StoreError::from)?;
        Ok(Fetched { partial, ..Fetched::now(data, at) })
    }

    fn is_fresh<K: DataKind>(&self, fetched_at: DateTime<Utc>) -> bool {
        (self.clock.now() - fetched_at).to_std().unwrap_or_default() < K::freshness(&self.fresh)
    }
}

/// What is stored, instead of what could not be had.
fn served_stale<K: DataKind>(snapshot: &Snapshot<Rendered<K::Data>>, reason: ReadError) -> Fetched<Rendered<K::Data>> {
    tracing::info!(error = %reason, data = K::NAME, "serving stored data");
    metrics::counter!("stale_served_total", "data" => K::NAME).increment(1);
    Fetched::stale(snapshot, reason)
}
