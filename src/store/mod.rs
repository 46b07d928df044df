//! MongoDB. One file per collection holds its document, its queries, and their read preference and concern. Indexes are
//! made in `migrations/`.
//!
//! Each query reads in one of three ways:
//! - `Reads::Primary`: leases, limits, login codes, and everything that decides a write;
//! - `Reads::PrimaryPreferred`: the caller's own user, which must be seen right after a bind and stay readable during
//!   an election;
//! - `Reads::Configured` (as the connection string says): snapshots and public data, spread over the secondaries.
//!
//! Writes are acknowledged by a majority and retried once: by the driver, or by `retried` where the driver does not.

mod access_tokens;
mod articles;
pub mod cache;
mod changed_pages;
pub mod coherence;
mod disk;
mod failures;
mod feedback;
mod files;
mod former;
mod leases;
mod limits;
mod login_codes;
mod members;
pub mod migrations;
mod pending_logins;
mod reads;
pub mod replset;
mod revocations;
mod schedulers;
mod sessions;
mod snapshots;
mod student_data;
mod subscriptions;
mod terms;
mod users;

use std::{fmt::Display, time::Duration};

use mongodb::{
    Client, Collection, Database,
    bson::{Document, doc},
    error::{Error, ErrorKind, WriteFailure},
    options::{
        Acknowledgment, ClientOptions, CollectionOptions, ReadConcern, ReadPreference, ReadPreferenceOptions,
        SelectionCriteria, WriteConcern,
    },
};

pub use access_tokens::{AccessTokens, StoredToken};
pub use articles::{Article, Articles, KnownArticle, Put, StoredArticle};
pub use cache::{Found, Kept};
pub use changed_pages::{ChangedPage, ChangedPages};
pub use coherence::Coherence;
pub use failures::{DueFailure, Failure, Failures, KnownFailure};
pub use feedback::Feedback;
pub use files::{FileRecord, Files, Life};
pub use former::{Former, FormerDocument, FormerKind, FormerOwner};
pub use leases::{Lease, Leases};
pub use limits::{Limits, Permit};
pub use login_codes::{LoginCode, LoginCodes};
pub use members::Members;
pub use pending_logins::{PendingLogin, PendingLogins};
pub(crate) use reads::find_anywhere;
pub use revocations::{Revocation, Revocations};
pub use schedulers::{Claim, Counts, Ended, LastRun, Run, RunOutcome, Scheduler, Schedulers};
pub use sessions::Sessions;
pub use snapshots::{Snapshot, SnapshotKey, Snapshots};
pub use student_data::{Exported, Owned, StudentData};
pub use subscriptions::{Subscription, SubscriptionKind, Subscriptions};
pub use terms::{StoredTerm, Terms};
pub use users::{Binding, CREDENTIALS, Credential, EditableField, SignIn, Unused, User, Users};

use crate::model::{Book, BookCopy, Donation, Room};

/// Server selection timeout, unless the connection string sets one. Longer than an election (2 s election timeout),
/// shorter than the request limit.
const SERVER_SELECTION: Duration = Duration::from_secs(10);

/// Time limit for a new connection, and for the first answer of a monitored member.
const CONNECT: Duration = Duration::from_millis(1500);

/// How often each member reports. The driver considers a member dead when it has been silent for this plus [`CONNECT`]
/// (paused, or cut off the network): it then aborts what waits for that member, and retries it at the new primary if
/// that is safe. That is as long as an election takes; with the driver's default of 10 s a write would wait for 15 s. The
/// driver takes nothing below half a second.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// Connections to each member, all made beforehand. A new connection that fails at once (a host name that is gone)
/// would end the driver's monitoring of a silent member, and what waits for that member would no longer be aborted. Ten
/// connections carry some thousand operations a second.
const POOL: u32 = 10;

/// Retry in the background: for how long, and the pause between two tries.
const LATER: Duration = Duration::from_mins(5);
const LATER_PAUSE: Duration = Duration::from_millis(500);

/// How long a write waits for the majority before it fails as not known to be safe.
const WRITE_TIMEOUT: Duration = Duration::from_secs(8);

/// Pause between two tries to reach the primary at start.
const PRIMARY_POLL: Duration = Duration::from_millis(250);

/// A database error, by what the caller can do about it.
#[derive(thiserror::Error)]
pub enum StoreError {
    /// No usable member, or the write is not known to be safe: a later retry helps.
    #[error("database unavailable: {}", summary(.0))]
    Unavailable(Error),
    /// A unique index refused the write.
    #[error("already there: {}", summary(.0))]
    Duplicate(Error),
    /// A defect of the code or of the stored data.
    #[error("database error: {}", summary(.0))]
    Defect(Error),
}

/// The driver's own texts quote values and whole server answers, which must not get into a log.
impl std::fmt::Debug for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoreError({self})")
    }
}

/// Kind, code and name of a driver error, without any value.
fn summary(error: &Error) -> String {
    let coded = |code: i32, name: &str| format!("code {code} {name}").trim_end().to_owned();
    match error.kind.as_ref() {
        ErrorKind::Command(e) => coded(e.code, &e.code_name),
        ErrorKind::Write(WriteFailure::WriteError(e)) => coded(e.code, e.code_name.as_deref().unwrap_or_default()),
        ErrorKind::Write(WriteFailure::WriteConcernError(e)) => coded(e.code, &e.code_name),
        ErrorKind::ServerSelection { .. } => "no suitable member".to_owned(),
        ErrorKind::Io(e) => format!("connection: {}", e.kind()),
        ErrorKind::Authentication { .. } => "authentication failed".to_owned(),
        ErrorKind::ConnectionPoolCleared { .. } => "connection closed".to_owned(),
        ErrorKind::DnsResolve { .. } => "a member's name cannot be resolved".to_owned(),
        ErrorKind::BsonDeserialization(_) => "a stored document has another shape".to_owned(),
        ErrorKind::InvalidArgument { .. } => "invalid argument".to_owned(),
        _ => "driver error".to_owned(),
    }
}

impl StoreError {
    /// No member answered in time.
    fn silent() -> Self {
        Self::Unavailable(Error::custom("no member answered in time"))
    }

    /// Whether server selection timed out.
    fn is_without_member(&self) -> bool {
        matches!(self, Self::Unavailable(error) if matches!(*error.kind, ErrorKind::ServerSelection { .. }))
    }

    /// The server's message, for the user of a command line. It may quote stored values, so it must not be logged.
    #[must_use]
    pub fn for_operator(&self) -> String {
        let (Self::Unavailable(error) | Self::Duplicate(error) | Self::Defect(error)) = self;
        match error.kind.as_ref() {
            ErrorKind::Command(e) => format!("{} (code {} {})", e.message, e.code, e.code_name),
            _ => summary(error),
        }
    }
}

/// Server error codes that mean "not now": no primary, stepping down, shutting down, network trouble, write concern not
/// reached in time. Source: MongoDB's `error_codes.yml`; the first eight are the not-primary and recovering-node codes
/// of the driver specification.
const UNAVAILABLE_CODES: [i32; 16] =
    [10107, 13435, 10058, 11600, 11602, 13436, 189, 91, 6, 7, 89, 9001, 262, 64, 133, KEY_NOT_FOUND];

/// `KeyNotFound`: a member that has just started cannot verify cluster times yet.
const KEY_NOT_FOUND: i32 = 211;

/// `DuplicateKey`: a unique index refused the write.
const DUPLICATE_KEY: i32 = 11000;

/// `AuthenticationFailed`: the user does not exist (yet), or the password is wrong.
const AUTHENTICATION_FAILED: i32 = 18;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let code = match error.kind.as_ref() {
            ErrorKind::Command(e) => Some(e.code),
            ErrorKind::Write(WriteFailure::WriteError(e)) => Some(e.code),
            ErrorKind::Write(WriteFailure::WriteConcernError(e)) => Some(e.code),
            _ => None,
        };
        let lost = matches!(
            error.kind.as_ref(),
            ErrorKind::ServerSelection { .. }
                | ErrorKind::Io(_)
                | ErrorKind::ConnectionPoolCleared { .. }
                | ErrorKind::Authentication { .. }
                | ErrorKind::DnsResolve { .. }
        );
        match code {
            Some(DUPLICATE_KEY) => Self::Duplicate(error),
            Some(code) if UNAVAILABLE_CODES.contains(&code) || code == AUTHENTICATION_FAILED => {
                Self::Unavailable(error)
            }
            _ if lost || error.contains_label("RetryableWriteError") => Self::Unavailable(error),
            _ => Self::Defect(error),
        }
    }
}

/// What is stored cannot be written as JSON, or not be read from it.
impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Defect(Error::custom(error))
    }
}

/// Where a query reads from.
#[derive(Debug, Clone, Copy)]
enum Reads {
    Primary,
    PrimaryPreferred,
    Configured,
}

/// The engine's database.
#[derive(Debug, Clone)]
pub struct Store {
    db: Database,
    /// What this engine keeps in memory, and the engines that must be told of writes.
    pub coherence: Coherence,
    members: Members,
    /// Students and their sealed credentials.
    pub users: Users,
    /// What the campus systems showed each account of its student.
    pub student_data: StudentData,
    /// Course tables and scores of the old service.
    pub former: Former,
    /// Empty classrooms.
    pub classrooms: Snapshots<Vec<Vec<Room>>>,
    /// Answers of the library's search.
    pub searches: Snapshots<Vec<Book>>,
    /// Copies of books.
    pub copies: Snapshots<Vec<BookCopy>>,
    /// News, lectures and notices.
    pub articles: Articles,
    /// Articles that the spider could not collect (yet).
    pub failures: Failures,
    /// The spider's jobs: lease, schedule, last run.
    pub schedulers: Schedulers,
    /// Donations to the service.
    pub donations: Snapshots<Vec<Donation>>,
    /// Hashes of recent reports.
    pub feedback: Feedback,
    /// Access tokens for other services.
    pub access_tokens: AccessTokens,
    /// Uploaded files; their bytes are in the object storage.
    pub files: Files,
    /// Sealed sessions of the campus systems.
    pub sessions: Sessions,
    /// Logins that wait for a captcha to be read.
    pub pending_logins: PendingLogins,
    /// Copies of campus pages that nobody understood.
    pub changed_pages: ChangedPages,
    /// The current terms of academic systems.
    pub terms: Terms,
    /// Leases.
    pub leases: Leases,
    /// Counters of the rate limits.
    pub limits: Limits,
    /// Codes of recent logins.
    pub login_codes: LoginCodes,
    /// Tokens that are invalid although their signature is good.
    pub revocations: Revocations,
    /// Personal addresses: course tables as calendars, feeds that are not public.
    pub subscriptions: Subscriptions,
}

impl Store {
    /// Like [`Store::connect_with_cache`], without a cache: for commands, which read little twice.
    ///
    /// # Errors
    /// As there.
    pub async fn connect(uri: &str, app_name: &str) -> Result<Self, StoreError> {
        Self::connect_with_cache(uri, app_name, 0).await
    }

    /// Prepares a client for `uri`. It connects in the background, so the database may still be away. At most `cache`
    /// bytes of what is read stay in memory, once this process has joined [`Coherence`].
    ///
    /// # Errors
    /// [`StoreError::Defect`] when the connection string cannot be used.
    pub async fn connect_with_cache(uri: &str, app_name: &str, cache: u64) -> Result<Self, StoreError> {
        let mut options = ClientOptions::parse(uri).await?;
        let members = Members::new(options.hosts.iter().map(ToString::to_string).collect());
        options.app_name.get_or_insert_with(|| app_name.to_owned());
        options.server_selection_timeout.get_or_insert(SERVER_SELECTION);
        options.connect_timeout.get_or_insert(CONNECT);
        options.heartbeat_freq.get_or_insert(HEARTBEAT);
        if options.max_pool_size.is_none() && options.min_pool_size.is_none() {
            (options.min_pool_size, options.max_pool_size) = (Some(POOL), Some(POOL));
        }
        let mut concern = options.write_concern.take().unwrap_or_default();
        concern.w.get_or_insert(Acknowledgment::Majority);
        concern.w_timeout.get_or_insert(WRITE_TIMEOUT);
        options.write_concern = Some(concern);
        options.sdam_event_handler = Some(members.watch());
        let name = options.default_database.clone().unwrap_or_else(|| "wehpu".to_owned());
        Ok(Self::open(Client::with_options(options)?.database(&name), members, cache))
    }

    fn open(db: Database, members: Members, cache: u64) -> Self {
        let coherence = Coherence::new(&db, members.clone(), cache);
        let kept = &coherence;
        Self {
            users: Users::new(&db, kept),
            student_data: StudentData::new(&db, kept),
            former: Former::new(&db),
            classrooms: Snapshots::new(&db, kept, "classrooms"),
            searches: Snapshots::new(&db, kept, "searches"),
            copies: Snapshots::new(&db, kept, "copies"),
            articles: Articles::new(&db, kept),
            failures: Failures::new(&db),
            schedulers: Schedulers::new(&db),
            donations: Snapshots::new(&db, kept, "donations"),
            feedback: Feedback::new(&db),
            access_tokens: AccessTokens::new(&db),
            files: Files::new(&db),
            sessions: Sessions::new(&db),
            pending_logins: PendingLogins::new(&db),
            changed_pages: ChangedPages::new(&db),
            terms: Terms::new(&db),
            leases: Leases::new(&db),
            limits: Limits::new(&db),
            login_codes: LoginCodes::new(&db),
            revocations: Revocations::new(&db),
            subscriptions: Subscriptions::new(&db),
            coherence,
            members,
            db,
        }
    }

    /// The underlying database, for migrations and tests.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// The members as the driver last saw them.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Pings any member.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when none answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        reads::ping(&self.db).await
    }
}

/// A collection handle that reads as `reads` says. All writes are majority writes.
fn collection<T: Send + Sync>(db: &Database, name: &str, reads: Reads) -> Collection<T> {
    let criteria = match reads {
        Reads::Primary => Some(SelectionCriteria::ReadPreference(ReadPreference::Primary)),
        Reads::PrimaryPreferred => {
            let options: Option<ReadPreferenceOptions> = None;
            Some(SelectionCriteria::ReadPreference(ReadPreference::PrimaryPreferred { options }))
        }
        Reads::Configured => db.selection_criteria().cloned(),
    };
    let read_concern = match reads {
        Reads::Primary | Reads::PrimaryPreferred => Some(ReadConcern::majority()),
        Reads::Configured => db.read_concern().cloned(),
    };
    let mut write_concern = db.write_concern().cloned().unwrap_or_else(WriteConcern::majority);
    write_concern.w_timeout.get_or_insert(WRITE_TIMEOUT);
    let options = CollectionOptions::builder()
        .selection_criteria(criteria)
        .read_concern(read_concern)
        .write_concern(Some(write_concern))
        .build();
    db.collection_with_options(name, options)
}

/// Retries a write once that an election or a broken connection interrupted, as the driver does by itself for writes to
/// one document. Only for writes that may be done twice, such as the deletion of many documents. A caller that already
/// waited for a primary fails at once.
pub(crate) async fn retried<T, R>(write: impl Fn() -> R) -> Result<T, StoreError>
where
    R: IntoFuture<Output = Result<T, Error>>,
{
    match write().await.map_err(StoreError::from) {
        Err(error @ StoreError::Unavailable(_)) if !error.is_without_member() => Ok(write().await?),
        outcome => outcome,
    }
}

/// Retries `write`, which may be done twice, until it succeeds; gives up after five minutes with a warning that names
/// `what`. Callers run it in the background.
pub async fn eventually<R, E>(what: &'static str, write: impl Fn() -> R)
where
    R: Future<Output = Result<(), E>>,
    E: Display,
{
    let deadline = tokio::time::Instant::now() + LATER;
    while let Err(error) = write().await {
        if tokio::time::Instant::now() > deadline {
            tracing::warn!(%error, what, "not done");
            return;
        }
        tokio::time::sleep(LATER_PAUSE).await;
    }
}

/// Waits at most `wait` until the primary answers a command that needs a signed-in user.
///
/// # Errors
/// The last error.
pub async fn wait_for_primary(store: &Store, wait: Duration) -> Result<(), StoreError> {
    let deadline = tokio::time::Instant::now() + wait;
    loop {
        let migrations: Collection<Document> = collection(&store.db, "migrations", Reads::Primary);
        match migrations.find_one(doc! {}).await {
            Ok(_) => return Ok(()),
            Err(e) if tokio::time::Instant::now() >= deadline => return Err(e.into()),
            Err(_) => tokio::time::sleep(PRIMARY_POLL).await,
        }
    }
}
