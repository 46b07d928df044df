//! Campus data, read through the store: fresh data is served as stored; older data is fetched again, once for all requests
//! of an account at the same time, in this replica (single flight) and across replicas (a lease); when that fails or takes
//! long, what is stored is served and marked stale. Stored data is never replaced by an empty or failed answer.
//!
//! A student's data belongs to the account that fetched it with its own passwords. Another account that is bound to the
//! same number asks the campus itself; one whose password is missing or refused keeps what it was shown before, as stale.

mod confirm;
mod donations;
mod forget;
mod renew;
mod session;
mod source;
mod sources;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio_util::task::TaskTracker;

use crate::{
    campus::{
        Campus, CampusError,
        listing::Listing,
        repair::{Order, OrderOutcome},
        session::Session,
    },
    clock::Clock,
    config::{Freshness, Term},
    crypto::{KeyRing, SealError, random_hex},
    flights::Flight,
    outbound::System,
    store::{Credential, Snapshot, SnapshotKey, Store, StoreError, User},
};
pub use donations::Donations;
pub use renew::Renewed;
pub use session::{SessionError, SessionOwner, load_session, store_session};
pub use source::{Login, Source};
pub use sources::{Borrowing, Classrooms, Copies, Courses, Physical, Scores, Search};

/// With something stored, a refresh may take this long before the stored data is served; it finishes in the background.
const PATIENCE_WITH_STORED: Duration = Duration::from_secs(5);

/// With nothing stored, the caller waits this long: below the request limit of 25 s.
const PATIENCE_WITHOUT: Duration = Duration::from_secs(22);

/// Longest a campus system may keep one refresh busy, logins included.
const CAMPUS_LIMIT: Duration = Duration::from_secs(50);

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
}

impl<T> Fetched<T> {
    /// The same, with other data made of it.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Fetched<U> {
        Fetched { data: of(self.data), fetched_at: self.fetched_at, stale: self.stale, partial: self.partial }
    }
}

impl<T: Clone> Fetched<T> {
    fn of(snapshot: &Snapshot<T>, stale: bool) -> Self {
        Self { data: snapshot.data.clone(), fetched_at: snapshot.fetched_at(), stale, partial: snapshot.partial }
    }
}

/// Why there is no data.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// No campus accounts are bound.
    #[error("not bound")]
    NotBound,
    /// The password of this system has not been given yet.
    #[error("no password of {0} is stored")]
    NoPassword(System),
    /// The stored password of this system was refused earlier; it is not sent again.
    #[error("the stored password of {0} was refused")]
    Rejected(System),
    /// The campus system gave none.
    #[error(transparent)]
    Campus(#[from] CampusError),
    /// The database did not answer.
    #[error("{0}")]
    Store(Arc<StoreError>),
    /// A stored credential does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The campus system has not answered yet.
    #[error("the campus takes too long")]
    TooSlow,
    /// The campus system showed a part of a list, with fewer rows than are stored.
    #[error("only a part of the list came")]
    Incomplete,
    /// The campus system has nothing to show, and nothing is stored.
    #[error("nothing there")]
    Empty,
    /// The refresh crashed; its panic is in the log.
    #[error("the refresh was aborted")]
    Aborted,
}

impl From<SessionError> for ReadError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(e) => e.into(),
            SessionError::Seal(e) => e.into(),
        }
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// What a read gives.
pub type Outcome<T> = Result<Fetched<T>, ReadError>;

/// The reader.
#[derive(Clone)]
pub struct ReadThrough {
    store: Store,
    campus: Campus,
    keys: Arc<KeyRing>,
    clock: Clock,
    fresh: Freshness,
    term: Term,
    tasks: TaskTracker,
    replica: Arc<str>,
    flights: source::AllFlights,
}

impl std::fmt::Debug for ReadThrough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadThrough").field("replica", &self.replica).finish_non_exhaustive()
    }
}

/// What the reader is made of.
#[expect(missing_docs, reason = "each is described at its type")]
pub struct Parts {
    pub store: Store,
    pub campus: Campus,
    pub keys: Arc<KeyRing>,
    pub clock: Clock,
    pub fresh: Freshness,
    pub term: Term,
    pub tasks: TaskTracker,
    /// Name of this replica, unique among the running ones.
    pub replica: Arc<str>,
}

impl ReadThrough {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, campus, keys, clock, fresh, term, tasks, replica } = parts;
        Self { store, campus, keys, clock, fresh, term, tasks, replica, flights: source::AllFlights::default() }
    }

    /// The data of `source` for `user` in the current term.
    pub async fn read<S: Source>(&self, source: &S, user: &User) -> Outcome<S::Data> {
        if !user.bind && !S::CREDENTIALS.is_empty() {
            return Err(ReadError::NotBound);
        }
        let key = source.key(user, &self.term.name);
        let stored = S::snapshots(&self.store).find(&key).await?;
        if let Some(snapshot) = stored.as_ref().filter(|s| self.is_fresh::<S>(s.fetched_at())) {
            return Ok(Fetched::of(snapshot, false));
        }
        match (self.refresh(source, user, &key, stored.is_some()).await, stored) {
            (Ok(fetched), _) => Ok(fetched),
            (Err(error), stored) => {
                // A member that lags may not have what the primary has; nobody waits for the primary twice.
                let stored = if stored.is_some() || matches!(error, ReadError::Store(_)) {
                    stored
                } else {
                    let latest = S::snapshots(&self.store).find_latest(&key);
                    tokio::time::timeout(LOOK_AGAIN, latest).await.ok().and_then(Result::ok).flatten()
                };
                let Some(snapshot) = stored else { return Err(error) };
                let stale = !self.is_fresh::<S>(snapshot.fetched_at());
                if stale {
                    tracing::info!(%error, data = S::NAME, "serving stored data");
                    metrics::counter!("stale_served_total", "data" => S::NAME).increment(1);
                }
                Ok(Fetched::of(&snapshot, stale))
            }
        }
    }

    /// Joins or starts a refresh and waits for it, for a shorter time when there is something to serve instead.
    async fn refresh<S: Source>(
        &self,
        source: &S,
        user: &User,
        key: &SnapshotKey,
        has_stored: bool,
    ) -> Outcome<S::Data> {
        check_credentials::<S>(user)?;
        if self.campus.is_down(S::SYSTEM) {
            return Err(CampusError::Down(S::SYSTEM).into());
        }
        let in_doubt = self.campus.is_in_doubt(S::SYSTEM);
        // Each account with its own passwords: what they are refused for concerns nobody else.
        let owner = if S::CREDENTIALS.is_empty() { "" } else { user.open_id.as_str() };
        let flight: Flight<Outcome<S::Data>> =
            S::flights(&self.flights).join(&self.tasks, format!("{key}/{owner}"), || {
                let (this, source, user, key) = (self.clone(), source.clone(), user.clone(), key.clone());
                async move { this.fetch(&source, &user, &key).await }
            });
        if in_doubt && has_stored {
            // The flight probes in the background; nobody who can be served otherwise waits for its time-out.
            return Err(CampusError::Down(S::SYSTEM).into());
        }
        let patience = if has_stored { PATIENCE_WITH_STORED } else { PATIENCE_WITHOUT };
        match tokio::time::timeout(patience, flight).await {
            Ok(outcome) => outcome.unwrap_or(Err(ReadError::Aborted)),
            Err(_) => Err(ReadError::TooSlow),
        }
    }

    /// Asks the campus under a lease, or takes what another replica fetched for the same account (or, where no account owns
    /// the data, for anybody) while this one waited for it.
    async fn fetch<S: Source>(&self, source: &S, user: &User, key: &SnapshotKey) -> Outcome<S::Data> {
        let started = self.clock.now();
        let owner = format!("{}/{}", self.replica, random_hex());
        let lease_name = match key {
            // One login of a student at a time in a system, whatever is asked for and by which of his accounts: a system
            // that knows one session of each student would end the other one in the middle.
            SnapshotKey::Own { student_id, .. } => student_lease(S::SYSTEM, student_id),
            SnapshotKey::Question(question) => format!("{}/{question}", S::NAME),
        };
        let lease = loop {
            if let Some(lease) = self.store.leases.take(&lease_name, &owner).await? {
                break lease;
            }
            tokio::time::sleep(LEASE_POLL).await;
            if let Some(snapshot) = self.fetched_meanwhile::<S>(key, started).await? {
                return Ok(Fetched::of(&snapshot, false));
            }
        };
        let work = async {
            match self.fetched_meanwhile::<S>(key, started).await? {
                Some(snapshot) => Ok(Fetched::of(&snapshot, false)),
                None => self.ask_campus(source, user, key).await,
            }
        };
        self.store.leases.under(lease, work).await
    }

    async fn fetched_meanwhile<S: Source>(
        &self,
        key: &SnapshotKey,
        since: DateTime<Utc>,
    ) -> Result<Option<Snapshot<S::Data>>, ReadError> {
        let latest = S::snapshots(&self.store).find_latest(key).await?;
        Ok(latest.filter(|s| s.fetched_at() >= since || self.is_fresh::<S>(s.fetched_at())))
    }

    async fn ask_campus<S: Source>(&self, source: &S, user: &User, key: &SnapshotKey) -> Outcome<S::Data> {
        let fetched = self.with_session(user, S::CREDENTIALS, S::SYSTEM, async |login, session| {
            source.fetch(&self.campus, login, &self.term, session).await
        });
        let Listing { data: fetched, partial } = fetched.await?;
        let at = self.clock.now();
        if S::is_empty(&fetched) {
            return Err(ReadError::Empty);
        }
        let snapshots = S::snapshots(&self.store);
        let data = match snapshots.find_latest(key).await? {
            Some(stored) => {
                let before = S::rows(&stored.data);
                let data = S::merge(stored.data, fetched);
                if partial && S::rows(&data) < before {
                    return Err(ReadError::Incomplete);
                }
                data
            }
            None => fetched,
        };
        snapshots.save_as(key, &data, partial, at).await?;
        Ok(Fetched { data, fetched_at: at, stale: false, partial })
    }

    /// Does `work` with the user's login and stored session at `system`, keeps what becomes of the session, and remembers
    /// a password that was refused.
    async fn with_session<T>(
        &self,
        user: &User,
        credentials: &[(Credential, System)],
        system: System,
        work: impl AsyncFnOnce(&Login, &mut Session) -> Result<T, CampusError>,
    ) -> Result<T, ReadError> {
        if credentials.is_empty() {
            return Ok(work(&Login::default(), &mut Session::of(&user.open_id)).await?);
        }
        let (user, login) = self.log_in_as(user, credentials).await?;
        let owner = SessionOwner { open_id: &user.open_id, student_id: &user.student_id, system };
        let mut session = load_session(&self.store, &self.keys, &owner).await?.asked_for(&user.student_id);
        let before = session.to_text();
        let asked = tokio::time::timeout(CAMPUS_LIMIT, work(&login, &mut session)).await;
        let answer = asked.unwrap_or(Err(CampusError::Down(system)));
        if session.to_text() != before {
            // What was fetched is worth more than the session: the next request would log in again.
            if let Err(error) = store_session(&self.store, &self.keys, &self.clock, &owner, &session).await {
                tracing::warn!(%error, "campus session not kept");
            }
        }
        if let Err(CampusError::WrongPassword(refusing, _)) = &answer {
            self.remember_refusal(&user, credentials, *refusing).await?;
        }
        Ok(answer?)
    }

    /// The account as it is now, and what it logs in with. Another replica may have met a refused password, or the student
    /// may have bound again, since the caller read it.
    async fn log_in_as(&self, user: &User, credentials: &[(Credential, System)]) -> Result<(User, Login), ReadError> {
        let latest = self.store.users.find(&user.open_id).await?;
        let user = latest.filter(|l| l.bind && l.student_id == user.student_id).ok_or(ReadError::NotBound)?;
        check(&user, credentials)?;
        let login = self.login(&user, credentials)?;
        Ok((user, login))
    }

    /// Places a repair order for `user`. Call it in a task of its own: an order under way must come to its end.
    pub async fn place_repair(&self, user: &User, order: Order) -> Result<OrderOutcome, ReadError> {
        const CREDENTIALS: &[(Credential, System)] = &[(Credential::IdNumber, System::Repair)];
        if !user.bind {
            return Err(ReadError::NotBound);
        }
        check(user, CREDENTIALS)?;
        let placed = self.with_session(user, CREDENTIALS, System::Repair, async |login, session| {
            self.campus.repair.place(&login.student_id, &login.id_number, &order, session).await
        });
        placed.await
    }

    /// A refused password is not sent again until the student gives another.
    async fn remember_refusal(
        &self,
        user: &User,
        credentials: &[(Credential, System)],
        refusing: System,
    ) -> Result<(), ReadError> {
        for (credential, _) in credentials.iter().filter(|(_, system)| *system == refusing) {
            if let Some(sealed) = user.sealed(*credential) {
                self.store.users.mark_rejected(&user.open_id, *credential, sealed).await?;
            }
        }
        Ok(())
    }

    fn login(&self, user: &User, credentials: &[(Credential, System)]) -> Result<Login, ReadError> {
        let mut login = Login { student_id: user.student_id.clone(), ..Login::default() };
        for (credential, system) in credentials {
            let sealed = user.sealed(*credential).ok_or(ReadError::NoPassword(*system))?;
            let opened = self.keys.open(&user.open_id, credential.field(), sealed)?;
            match credential {
                Credential::Vpn => login.vpn = opened,
                Credential::Jwc => login.urp = opened,
                Credential::Library => login.library = opened,
                Credential::IdNumber => login.id_number = opened,
            }
        }
        Ok(login)
    }

    fn is_fresh<S: Source>(&self, fetched_at: DateTime<Utc>) -> bool {
        (self.clock.now() - fetched_at).to_std().unwrap_or_default() < S::freshness(&self.fresh)
    }
}

/// Name of the lease under which one replica at a time deals with a student's data at `system`.
fn student_lease(system: System, student_id: &str) -> String {
    format!("{system}/{student_id}")
}

fn check_credentials<S: Source>(user: &User) -> Result<(), ReadError> {
    check(user, S::CREDENTIALS)
}

/// A password must be there, and one that the campus refused is not sent again.
fn check(user: &User, credentials: &[(Credential, System)]) -> Result<(), ReadError> {
    for (credential, system) in credentials {
        if user.sealed(*credential).is_none() {
            return Err(ReadError::NoPassword(*system));
        }
        if user.is_rejected(*credential) {
            return Err(ReadError::Rejected(*system));
        }
    }
    Ok(())
}
