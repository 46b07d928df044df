//! A student at the campus systems: what he logs in with, his stored sessions, one piece of work at a time, and the orders
//! that he places there. What the systems show him is read in the room `readthrough`.

mod access;
mod confirm;
mod log_out;
mod open;
mod pending;
mod renew;
mod repair;
mod stored_session;
mod term;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio_util::task::TaskTracker;

use crate::{
    campus::{Campus, CampusError, academic::Academic, session::Session},
    clock::Clock,
    crypto::{KeyRing, SealError, random_hex},
    outbound::System,
    school::School,
    store::{Store, StoreError, User},
    terms::Terms,
};
pub use access::{Access, Login, Service};
pub use open::Opened;
pub use renew::Renewed;
use stored_session::{SessionOwner, load_session, store_session};

/// Longest a caller waits for a campus system with nothing to serve instead: below the request limit of 25 s.
pub const PATIENCE: Duration = Duration::from_secs(22);

/// Longest a campus system may keep one piece of work busy, logins included.
const CAMPUS_LIMIT: Duration = Duration::from_secs(50);

/// Why a student's work at a campus system was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StudentError {
    /// No campus accounts are bound.
    #[error("not bound")]
    NotBound,
    /// The school has no such system, or not for this student.
    #[error("not offered by the school")]
    NotOffered,
    /// The academic system has not told yet which term it is, or when it takes place.
    #[error("the current term is not known")]
    TermUnknown,
    /// The password of this system has not been given yet.
    #[error("no password of {0} is stored")]
    NoPassword(System),
    /// The stored password of this system was refused earlier; it is not sent again.
    #[error("the stored password of {0} was refused")]
    Rejected(System),
    /// The campus system did not do it.
    #[error(transparent)]
    Campus(#[from] CampusError),
    /// The database did not answer.
    #[error("{0}")]
    Store(Arc<StoreError>),
    /// A stored credential does not open, or a session cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Another piece of work of the same student at the same system has not ended yet.
    #[error("the campus takes too long")]
    TooSlow,
}

impl From<StoreError> for StudentError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Students at the campus systems.
#[derive(Clone)]
pub struct Students {
    store: Store,
    campus: Campus,
    keys: Arc<KeyRing>,
    clock: Clock,
    school: Arc<School>,
    terms: Terms,
    tasks: TaskTracker,
    replica: Arc<str>,
}

impl std::fmt::Debug for Students {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Students").field("replica", &self.replica).finish_non_exhaustive()
    }
}

/// What [`Students`] are made of.
pub struct Parts {
    pub store: Store,
    pub campus: Campus,
    pub keys: Arc<KeyRing>,
    pub clock: Clock,
    /// The school.
    pub school: Arc<School>,
    /// The current terms.
    pub terms: Terms,
    pub tasks: TaskTracker,
    /// Name of this replica, unique among the running ones.
    pub replica: Arc<str>,
}

impl Students {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, campus, keys, clock, school, terms, tasks, replica } = parts;
        Self { store, campus, keys, clock, school, terms, tasks, replica }
    }

    /// What opens `service` for `user`.
    ///
    /// # Errors
    /// [`StudentError::NotBound`] when a login is needed and no campus accounts are bound, [`StudentError::NotOffered`].
    pub fn access(&self, service: Service, user: &User) -> Result<Access, StudentError> {
        if !user.bind && !service.is_open() {
            return Err(StudentError::NotBound);
        }
        Access::of(service, &user.student_id, &self.school).ok_or(StudentError::NotOffered)
    }

    /// The system that `service` is asked of for a student; `None` where the school does not offer it.
    #[must_use]
    pub fn system_of(&self, service: Service, student_id: &str) -> Option<System> {
        Access::of(service, student_id, &self.school).map(|access| access.system)
    }

    /// The campus systems.
    #[must_use]
    pub fn campus(&self) -> &Campus {
        &self.campus
    }

    /// Name of the lease under which one replica at a time deals with a student at `system`, whichever of his accounts
    /// asks: a system that knows one session of each student would end the other one in the middle.
    #[must_use]
    pub fn lease_name(system: System, student_id: &str) -> String {
        format!("{system}/{student_id}")
    }

    /// A holder of leases that nobody else is.
    #[must_use]
    pub fn lease_owner(&self) -> String {
        format!("{}/{}", self.replica, random_hex())
    }

    /// Does `work` alone with the student at `system`: waits until nobody else does, in any replica.
    ///
    /// # Errors
    /// Those of `work`; [`StoreError`] when the lease cannot be taken.
    pub async fn alone<T, E: From<StoreError>>(
        &self,
        system: System,
        student_id: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let lease = self.store.leases.wait_for(&Self::lease_name(system, student_id), &self.lease_owner()).await?;
        self.store.leases.under(lease, work).await
    }

    /// Places an order of `user` at the system of `access`, alone, unless the system is known to be down.
    ///
    /// # Errors
    /// Those of `work`, and of everything that keeps it from being done.
    async fn order<T>(
        &self,
        user: &User,
        access: Access,
        work: BoxFuture<'_, Result<T, StudentError>>,
    ) -> Result<T, StudentError> {
        access.check(user)?;
        let academic = self.academic_id(&user.student_id).and_then(|id| self.campus.academic(id));
        let academic = academic.filter(|academic| academic.system() == access.system);
        if academic.map_or_else(|| self.campus.is_down(access.system), Academic::is_down) {
            return Err(CampusError::Down(access.system).into());
        }
        let name = Self::lease_name(access.system, &user.student_id);
        let owner = self.lease_owner();
        let lease = tokio::time::timeout(PATIENCE, self.store.leases.wait_for(&name, &owner));
        let lease = lease.await.map_err(|_| StudentError::TooSlow)??;
        self.store.leases.under(lease, work).await
    }

    /// Does `work` with the user's login and stored session at the system of `access`, keeps what becomes of the session,
    /// and remembers a password that was refused.
    ///
    /// # Errors
    /// Those of `work`, and of everything that keeps it from being done.
    pub async fn with_session<T>(
        &self,
        user: &User,
        access: Access,
        work: impl AsyncFnOnce(&Login, &mut Session) -> Result<T, CampusError>,
    ) -> Result<T, StudentError> {
        if access.is_open() {
            return Ok(work(&Login::default(), &mut Session::of(&user.open_id)).await?);
        }
        let (user, login) = self.log_in_as(user, access).await?;
        let owner = SessionOwner { open_id: &user.open_id, student_id: &user.student_id, system: access.system };
        let mut session = load_session(&self.store, &self.keys, &owner).await?.asked_for(&user.student_id);
        let before = session.to_text();
        let asked = tokio::time::timeout(CAMPUS_LIMIT, work(&login, &mut session)).await;
        let answer = asked.unwrap_or(Err(CampusError::Down(access.system)));
        if session.to_text() != before {
            self.keep(&owner, &session).await;
        }
        if let Err(CampusError::WrongPassword(refusing, _)) = &answer {
            self.remember_refusal(&user, access, *refusing).await?;
        }
        Ok(answer?)
    }

    /// Stores the session that a bind made. The bind is done: a session that is not stored only costs the next request a
    /// login.
    pub async fn keep_session_of_bind(&self, open_id: &str, student_id: &str, system: System, session: &Session) {
        self.keep(&SessionOwner { open_id, student_id, system }, session).await;
    }

    /// Stores a session. Without it the next request logs in again, so a failure is only logged.
    async fn keep(&self, owner: &SessionOwner<'_>, session: &Session) {
        if let Err(error) = store_session(&self.store, &self.keys, &self.clock, &self.school, owner, session).await {
            tracing::warn!(%error, "campus session not kept");
        }
    }

    /// The account as it is now, and what it logs in with. Another replica may have met a refused password, or the student
    /// may have bound again, since the caller read it.
    async fn log_in_as(&self, user: &User, access: Access) -> Result<(User, Login), StudentError> {
        let latest = self.store.users.find(&user.open_id).await?;
        let user = latest.filter(|latest| latest.student_id == user.student_id).ok_or(StudentError::NotBound)?;
        access.check(&user)?;
        let login = access.login(&user, &self.keys)?;
        Ok((user, login))
    }

    /// A refused password is not sent again until the student gives another.
    async fn remember_refusal(&self, user: &User, access: Access, refusing: System) -> Result<(), StudentError> {
        for credential in access.credentials_of(refusing) {
            if let Some(sealed) = user.sealed(credential) {
                self.store.users.mark_rejected(&user.open_id, credential, sealed).await?;
            }
        }
        Ok(())
    }
}
