//! Everything one running replica owns.

use std::{future::Future, sync::Arc};

use axum::http::HeaderValue;
use secrecy::ExposeSecret;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{
    campus::Campus,
    changed_pages::Keeper,
    clock::Clock,
    config::Config,
    crypto::{KeyRing, Pseudonyms, random_hex},
    error::ApiError,
    github::Github,
    limiter::{Burst, Limiter, LoginLimit, Turns},
    messenger::{self, Messenger},
    objects::{Objects, OpenError},
    outbound::{BuildError, Outbound},
    readthrough::{self, ReadThrough},
    service::hostname,
    store::{Store, StoreError},
    students::{self, Students},
    terms::Terms,
    tokens::{Revoked, Tokens},
    wechat::Wechat,
};

/// What handlers take as state.
pub type AppState = Arc<App>;

/// The service, ready to answer.
#[derive(Debug)]
pub struct App {
    /// Settings.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// Campus systems.
    pub campus: Campus,
    /// The current terms.
    pub terms: Terms,
    /// Students at the campus systems: sessions and orders.
    pub students: Students,
    /// Campus data through the store.
    pub reader: ReadThrough,
    /// WeChat.
    pub wechat: Wechat,
    /// Messages and text checks through WeChat.
    pub messenger: Messenger,
    /// GitHub.
    pub github: Github,
    /// Uploaded files.
    pub objects: Objects,
    /// Seals and opens credentials.
    pub keys: Arc<KeyRing>,
    /// Issues and checks tokens.
    pub tokens: Tokens,
    /// Tokens that are invalid although they look well, as far as known here.
    pub revoked: Revoked,
    /// Counts what has a limit of its own.
    pub limiter: Limiter,
    /// Counts the requests of each user.
    pub burst: Burst,
    /// Counts the login codes of each address that WeChat refuses.
    pub login_limit: LoginLimit,
    /// Turns at searching articles.
    pub searches: Turns,
    /// Names for log lines that say nothing about people.
    pub pseudonyms: Pseudonyms,
    /// The time.
    pub clock: Clock,
    /// Work that must end well although its request may go away; drained at shutdown.
    pub tasks: TaskTracker,
    /// This host, for the `x-served-by` header.
    pub served_by: HeaderValue,
}

/// Why the service cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The connection string cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Outbound(#[from] BuildError),
    /// The storage for files cannot be used.
    #[error(transparent)]
    Storage(#[from] OpenError),
    /// The campus clients cannot be made.
    #[error(transparent)]
    Campus(#[from] crate::campus::SetupError),
    /// A credential key cannot be used.
    #[error("WEHPU_CREDENTIAL_KEYS holds no usable key")]
    CredentialKeys,
}

impl App {
    /// Builds everything from the settings. Does not wait for the database.
    pub async fn new(config: Config, clock: Clock) -> Result<AppState, SetupError> {
        let store = Store::connect_with_cache(config.mongodb.uri.expose_secret(), "wehpu-engine", config.cache).await?;
        let outbound =
            Outbound::new(config.campus.timeout, config.campus.concurrency, config.campus.ca_file.as_deref())?;
        let keys = Arc::new(KeyRing::new(&config.auth.credential_keys).ok_or(SetupError::CredentialKeys)?);
        let tasks = TaskTracker::new();
        let outbound = if config.keep_changed_pages {
            let keeper = Keeper::new(store.clone(), Arc::clone(&keys), clock.clone(), tasks.clone());
            outbound.showing_changed(Arc::new(keeper))
        } else {
            outbound
        };
        let school = Arc::clone(&config.school);
        let campus = Campus::new(&config.campus, &school, &config.spider.news_list_path, &outbound)?;
        let told_by = school.academics.iter().map(|academic| academic.id.clone()).collect();
        let fixed = config.term.clone();
        let terms = Terms::new(fixed, told_by, config.fresh.term, store.terms.clone(), clock.clone());
        let objects = Objects::open(&config.storage, &store, clock.clone()).await?;
        let host = hostname();
        let replica: Arc<str> = format!("{host}/{}", random_hex()).into();
        let students = Students::new(students::Parts {
            store: store.clone(),
            campus: campus.clone(),
            keys: Arc::clone(&keys),
            clock: clock.clone(),
            school,
            terms: terms.clone(),
            tasks: tasks.clone(),
            replica: Arc::clone(&replica),
        });
        let reader = ReadThrough::new(readthrough::Parts {
            store: store.clone(),
            campus: campus.clone(),
            students: students.clone(),
            clock: clock.clone(),
            fresh: config.fresh,
            terms: terms.clone(),
            tasks: tasks.clone(),
        });
        let wechat = Wechat::new(config.wechat.clone(), &outbound);
        let said_by = messenger::Parts {
            wechat: wechat.clone(),
            store: store.clone(),
            keys: Arc::clone(&keys),
            clock: clock.clone(),
            tasks: tasks.clone(),
            replica,
        };
        let pseudonyms = Pseudonyms::new(config.auth.jwt_secret.expose_secret().as_bytes());
        Ok(Arc::new(Self {
            messenger: Messenger::new(said_by, &config.wechat, config.profile),
            github: Github::new(&config.github, &outbound),
            wechat,
            tokens: Tokens::new(&config.auth.jwt_secret, config.auth.jwt_ttl, clock.clone()),
            revoked: Revoked::new(config.auth.jwt_ttl, store.revocations.clone(), clock.clone()),
            limiter: Limiter::new(store.limits.clone(), clock.clone()),
            burst: Burst::new(config.limits.burst, store.limits.clone(), clock.clone(), tasks.clone()),
            login_limit: LoginLimit::new(
                config.limits.login,
                store.limits.clone(),
                pseudonyms.clone(),
                clock.clone(),
                tasks.clone(),
            ),
            searches: Turns::for_searches(),
            pseudonyms,
            served_by: HeaderValue::from_str(&host).unwrap_or(HeaderValue::from_static("unknown")),
            config,
            store,
            campus,
            objects,
            terms,
            students,
            reader,
            keys,
            clock,
            tasks,
        }))
    }

    /// Runs `work` to its end although the request may go away meanwhile, and gives its result.
    ///
    /// # Errors
    /// Those of `work`; [`ApiError::Internal`] when it panics.
    pub async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.tasks.spawn(work.in_current_span()).await.unwrap_or(Err(ApiError::Internal))
    }
}
