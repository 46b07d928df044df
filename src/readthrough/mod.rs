//! Campus data, read through the store: fresh data is served as stored; older data is fetched anew, once for everybody
//! who asks at the same time, in this replica (single flight) and across replicas (a lease); when that fails or takes
//! long, what is stored is served and marked stale. Stored data is never replaced by an empty or failed answer.

mod flights;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use tokio_util::task::TaskTracker;

use crate::{
    campus::{
        Campus, CampusError,
        session::Session,
        urp::{Account, parse_course::CourseTable},
    },
    clock::Clock,
    config::{Freshness, Term},
    crypto::{KeyRing, SealError, random_hex},
    outbound::System,
    store::{Credential, Snapshot, Store, StoreError, User},
};
use flights::{Flight, Flights};

/// With something stored, a refresh may take this long before the stored data is served; it finishes in the background.
const PATIENCE_WITH_STORED: Duration = Duration::from_secs(5);

/// With nothing stored, the caller waits this long: below the request limit of 25 s.
const PATIENCE_WITHOUT: Duration = Duration::from_secs(22);

/// Longest a campus system may keep one refresh busy, logins included.
const CAMPUS_LIMIT: Duration = Duration::from_secs(50);

/// Life of the lease under which one replica talks to a campus system for a student: longer than a refresh may take.
const LEASE: Duration = Duration::from_secs(90);

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
}

impl<T: Clone> Fetched<T> {
    fn of(snapshot: &Snapshot<T>, stale: bool) -> Self {
        Self { data: snapshot.data.clone(), fetched_at: snapshot.fetched_at(), stale }
    }
}

/// Why there is no data.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// No campus accounts are bound.
    #[error("not bound")]
    NotBound,
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
    /// The campus system has nothing to show, and nothing is stored.
    #[error("nothing there")]
    Empty,
    /// The refresh crashed; its panic is in the log.
    #[error("the refresh was aborted")]
    Aborted,
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

type Outcome<T> = Result<Fetched<T>, ReadError>;

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
    course_flights: Flights<Outcome<CourseTable>>,
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
        Self { store, campus, keys, clock, fresh, term, tasks, replica, course_flights: Flights::default() }
    }

    /// The course table of `user` in the current term.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn course_table(&self, user: &User) -> Outcome<CourseTable> {
        if !user.bind {
            return Err(ReadError::NotBound);
        }
        let stored = self.store.courses.find(&user.student_id, &self.term.name).await?;
        if let Some(snapshot) = stored.as_ref().filter(|s| self.is_fresh(s.fetched_at(), self.fresh.course)) {
            return Ok(Fetched::of(snapshot, false));
        }
        let outcome = self.refresh_courses(user, stored.is_some()).await;
        match (outcome, stored) {
            (Ok(fetched), _) => Ok(fetched),
            (Err(error), stored) => {
                // A member that lags may not have what the primary has.
                let stored = if stored.is_some() {
                    stored
                } else {
                    let latest = self.store.courses.find_latest(&user.student_id, &self.term.name);
                    tokio::time::timeout(LOOK_AGAIN, latest).await.ok().and_then(Result::ok).flatten()
                };
                let Some(snapshot) = stored else { return Err(error) };
                tracing::info!(%error, "serving stored courses");
                metrics::counter!("stale_served_total", "data" => "courses").increment(1);
                Ok(Fetched::of(&snapshot, true))
            }
        }
    }

    /// Joins or starts a refresh and waits for it, for a shorter time when there is something to serve instead.
    async fn refresh_courses(&self, user: &User, has_stored: bool) -> Outcome<CourseTable> {
        refuse_rejected(user)?;
        if self.campus.is_down(System::Urp) {
            return Err(CampusError::Down(System::Urp).into());
        }
        // Each account with its own passwords: what they are refused for concerns nobody else.
        let key = format!("courses/{}/{}/{}", user.student_id, self.term.name, user.open_id);
        let flight: Flight<Outcome<CourseTable>> = self.course_flights.join(&self.tasks, key, || {
            let (this, user) = (self.clone(), user.clone());
            async move { this.fetch_courses(&user).await }
        });
        let patience = if has_stored { PATIENCE_WITH_STORED } else { PATIENCE_WITHOUT };
        match tokio::time::timeout(patience, flight).await {
            Ok(outcome) => outcome.unwrap_or(Err(ReadError::Aborted)),
            Err(_) => Err(ReadError::TooSlow),
        }
    }

    /// Asks the campus under the student's lease, or takes what another replica fetched while this one waited for it.
    async fn fetch_courses(&self, user: &User) -> Outcome<CourseTable> {
        let started = self.clock.now();
        let owner = format!("{}/{}", self.replica, random_hex());
        let lease_name = format!("urp/{}", user.student_id);
        let lease = loop {
            if let Some(lease) = self.store.leases.acquire(&lease_name, &owner, LEASE).await? {
                break lease;
            }
            tokio::time::sleep(LEASE_POLL).await;
            if let Some(snapshot) = self.fetched_meanwhile(user, started).await? {
                return Ok(Fetched::of(&snapshot, false));
            }
        };
        let outcome = match self.fetched_meanwhile(user, started).await? {
            Some(snapshot) => Ok(Fetched::of(&snapshot, false)),
            None => self.ask_campus(user).await,
        };
        // A lease that cannot be given back ends by itself.
        if let Err(error) = self.store.leases.release(lease).await {
            tracing::warn!(%error, "lease not released");
        }
        outcome
    }

    async fn fetched_meanwhile(
        &self,
        user: &User,
        since: DateTime<Utc>,
    ) -> Result<Option<Snapshot<CourseTable>>, ReadError> {
        let latest = self.store.courses.find_latest(&user.student_id, &self.term.name).await?;
        Ok(latest.filter(|s| s.fetched_at() >= since || self.is_fresh(s.fetched_at(), self.fresh.course)))
    }

    async fn ask_campus(&self, user: &User) -> Outcome<CourseTable> {
        // Another replica may have met a refused password, or the student may have bound anew, since the caller read it.
        let latest = self.store.users.find(&user.open_id).await?;
        let user = &latest.filter(|l| l.bind && l.student_id == user.student_id).ok_or(ReadError::NotBound)?;
        refuse_rejected(user)?;
        let account = self.account(user)?;
        let mut session = self.session(user).await?;
        let before = session.to_text();
        let asked = tokio::time::timeout(CAMPUS_LIMIT, self.campus.urp.course_table(&account, &mut session)).await;
        let answer = asked.unwrap_or(Err(CampusError::Down(System::Urp)));
        let at = self.clock.now();
        if session.to_text() != before {
            // What was fetched is worth more than the session: the next request would log in anew.
            if let Err(error) = self.save_session(user, &session).await {
                tracing::warn!(%error, "campus session not kept");
            }
        }
        match answer {
            Ok(data) if data.is_empty() => Err(ReadError::Empty),
            Ok(data) => {
                self.store.courses.save(&user.student_id, &self.term.name, &data, at).await?;
                Ok(Fetched { data, fetched_at: at, stale: false })
            }
            Err(error) => {
                self.remember_refusal(user, error).await?;
                Err(error.into())
            }
        }
    }

    /// A refused password is not sent again until the student binds anew.
    async fn remember_refusal(&self, user: &User, error: CampusError) -> Result<(), ReadError> {
        let credential = match error {
            CampusError::WrongPassword(System::Vpn) => Credential::Vpn,
            CampusError::WrongPassword(System::Urp) => Credential::Jwc,
            _ => return Ok(()),
        };
        if let Some(sealed) = user.sealed(credential) {
            self.store.users.mark_rejected(&user.open_id, credential, sealed).await?;
        }
        Ok(())
    }

    fn account(&self, user: &User) -> Result<Account, ReadError> {
        let open = |credential: Credential| {
            let sealed = user.sealed(credential).ok_or(ReadError::NotBound)?;
            Ok::<_, ReadError>(self.keys.open(&user.open_id, credential.field(), sealed)?)
        };
        Ok(Account {
            student_id: user.student_id.clone(),
            vpn_password: open(Credential::Vpn)?,
            urp_password: open(Credential::Jwc)?,
        })
    }

    async fn session(&self, user: &User) -> Result<Session, ReadError> {
        let sealed = self.store.sessions.find(&user.open_id, &user.student_id, SESSION_SYSTEM).await?;
        // A session that does not open (its key is gone) is simply made anew.
        let opened = sealed.and_then(|s| self.keys.open(&user.open_id, &session_field(&user.student_id), &s).ok());
        Ok(opened.map(|text| Session::from_text(text.expose_secret())).unwrap_or_default())
    }

    async fn save_session(&self, user: &User, session: &Session) -> Result<(), ReadError> {
        Ok(store_session(&self.store, &self.keys, &self.clock, (&user.open_id, &user.student_id), session).await?)
    }

    fn is_fresh(&self, fetched_at: DateTime<Utc>, for_: Duration) -> bool {
        (self.clock.now() - fetched_at).to_std().unwrap_or_default() < for_
    }
}

/// A password that the campus refused is not sent again.
fn refuse_rejected(user: &User) -> Result<(), ReadError> {
    for (credential, system) in [(Credential::Vpn, System::Vpn), (Credential::Jwc, System::Urp)] {
        if user.is_rejected(credential) {
            return Err(ReadError::Rejected(system));
        }
    }
    Ok(())
}

/// The VPN session also holds the URP session behind it.
const SESSION_SYSTEM: &str = "vpn";

fn session_field(student_id: &str) -> String {
    format!("session/{SESSION_SYSTEM}/{student_id}")
}

/// Why a session was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<SessionError> for ReadError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(e) => e.into(),
            SessionError::Seal(e) => e.into(),
        }
    }
}

/// Stores the VPN session of `(open id, student number)`, sealed, for every replica to use.
///
/// # Errors
/// See [`SessionError`].
pub async fn store_session(
    store: &Store,
    keys: &KeyRing,
    clock: &Clock,
    (open_id, student_id): (&str, &str),
    session: &Session,
) -> Result<(), SessionError> {
    let sealed = keys.seal(open_id, &session_field(student_id), &session.to_text())?;
    store.sessions.save(open_id, student_id, SESSION_SYSTEM, sealed, clock).await?;
    Ok(())
}
