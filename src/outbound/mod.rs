//! Every outgoing request: the only place that builds an HTTP client and the only place that sends. Time, size,
//! redirects and concurrency are limited per system; a breaker per system stops requests to a system that is down;
//! redirects never leave the origin that was asked.

mod breaker;
mod cookies;
mod inside;
mod link;
mod request;

use std::{collections::HashMap, sync::Arc, time::Duration};

use reqwest::{
    Client, Method, StatusCode,
    header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, USER_AGENT},
    redirect::Policy,
};
use serde::{Deserialize, Serialize};
use strum::VariantArray as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

pub use breaker::{Asker, Breaker, Open};
pub use cookies::Cookies;
pub use inside::Inside;
pub use link::{Arrival, Download};
pub use request::Request;

/// External systems, each with its own breaker and concurrency limit.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::Display,
    strum::VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum System {
    Vpn,
    Urp,
    Library,
    Physical,
    Repair,
    News,
    Logistics,
    Bulletin,
    Cas,
    Eams,
    Jwglxt,
    Wechat,
    Github,
}

impl System {
    /// Short lower-case name for metrics, logs and keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Largest answer, in bytes. Campus pages have a few hundred kilobytes at most.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Longest wait for a free place among the requests to a system. With a longer queue it is better to refuse.
const MAX_QUEUE: Duration = Duration::from_secs(3);

/// Pause before the one retry after a connection could not be made.
const RECONNECT_PAUSE: Duration = Duration::from_millis(150);

/// A browser's `User-Agent`: some campus systems send other clients an error page.
const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36";

/// Why there is no usable answer. Holds no address and no part of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The breaker is tripped: the system failed repeatedly.
    #[error("{0} is not asked for now, it failed repeatedly")]
    BreakerOpen(System),
    /// No free place in time: too many requests to this system are under way.
    #[error("too many requests to {0} are under way")]
    Busy(System),
    /// No answer in time.
    #[error("{0} did not answer in time")]
    Timeout(System),
    /// The connection failed or broke.
    #[error("the connection to {0} failed")]
    Connection(System),
    /// The system answered with a server error.
    #[error("{0} answered {1}")]
    Status(System, u16),
    /// The answer is larger than any real one.
    #[error("the answer of {0} is too large")]
    TooLarge(System),
    /// A redirect to an address that is not allowed.
    #[error("{0} redirected to another host")]
    Redirect(System),
    /// More than `MAX_REDIRECTS` redirects.
    #[error("{0} redirected too often")]
    RedirectLoop(System),
}

impl OutboundError {
    /// Short lower-case word for metrics.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::BreakerOpen(_) => "breaker_open",
            Self::Busy(_) => "busy",
            Self::Timeout(_) => "timeout",
            Self::Connection(_) => "connection",
            Self::Status(..) => "status",
            Self::TooLarge(_) => "too_large",
            Self::Redirect(_) => "redirect",
            Self::RedirectLoop(_) => "redirect_loop",
        }
    }
}

/// An answer below 500, after redirects.
#[derive(Debug)]
pub struct Answer {
    /// Address of the last request.
    pub url: Url,
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Where the answer redirects to, if it does; any host. Only with [`Request::without_redirects`].
    #[must_use]
    pub fn redirect(&self) -> Option<Url> {
        let location = self.headers.get(LOCATION).filter(|_| self.status.is_redirection())?;
        self.url.join(location.to_str().ok()?).ok()
    }
}

/// An answer that nobody understood, with what was expected of it.
#[derive(Debug, Clone, Copy)]
pub struct Changed<'a> {
    /// Who sent it.
    pub system: System,
    /// The page that was asked for.
    pub page: &'static str,
    /// What was not found on it.
    pub missing: &'static str,
    /// The answer.
    pub answer: &'a Answer,
}

/// Is shown the answers that nobody understood.
pub trait ChangedAnswers: Send + Sync {
    /// Takes note of an answer. A request waits meanwhile, so this must return at once.
    fn show(&self, changed: &Changed<'_>);
}

struct Gate {
    places: Arc<Semaphore>,
    breaker: Breaker,
}

impl Gate {
    fn new(concurrency: usize, breaker: Breaker) -> Self {
        Self { places: Arc::new(Semaphore::new(concurrency)), breaker }
    }
}

/// The sender.
#[derive(Clone)]
pub struct Outbound {
    client: Client,
    timeout: Duration,
    /// Requests at once per system.
    concurrency: usize,
    gates: Arc<HashMap<System, Arc<Gate>>>,
    changed: Option<Arc<dyn ChangedAnswers>>,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Why the sender cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The file with extra root certificates cannot be read.
    #[error("WEHPU_CAMPUS_CA_FILE: {0}")]
    CaFile(std::io::Error),
    /// Certificates or TLS set-up are unusable.
    #[error("TLS set-up: {0}")]
    Tls(reqwest::Error),
}

/// An answer whose meaning is not known yet. The caller reads it and tells the breaker whether the system works, so
/// that a maintenance page with status 200 counts as a failure.
#[must_use]
pub struct Exchange<'a> {
    /// The answer.
    pub answer: Answer,
    permit: breaker::Permit<'a>,
    changed: Option<&'a dyn ChangedAnswers>,
    _place: SemaphorePermit<'a>,
}

impl Exchange<'_> {
    /// Shows the answer, which is not the `page` of `system` since it lacks `missing`, to the [`ChangedAnswers`] of the
    /// sender, if it has any. Tells the breaker nothing.
    pub fn show_changed(&self, system: System, page: &'static str, missing: &'static str) {
        if let Some(shown) = self.changed {
            shown.show(&Changed { system, page, missing, answer: &self.answer });
        }
    }

    /// Record success: the answer made sense.
    pub fn well(self) {
        self.permit.success();
    }

    /// Record failure: the answer shows that the system does not work.
    pub fn failed(self) {
        self.permit.failure();
    }

    /// Record that the answer cannot be read, or reports trouble, perhaps only for this account.
    pub fn unreadable(self, asker: Asker) {
        self.permit.unreadable(asker);
    }
}

impl Outbound {
    /// `timeout`: limit of one call with its redirects. `concurrency`: requests at once per system. `ca_file`: extra
    /// root certificates in PEM; certificates are always verified.
    ///
    /// # Errors
    /// [`BuildError`] when the certificates cannot be used.
    #[expect(clippy::disallowed_methods, reason = "the one place that builds a client")]
    pub fn new(timeout: Duration, concurrency: usize, ca_file: Option<&std::path::Path>) -> Result<Self, BuildError> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            .timeout(timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .no_proxy();
        if let Some(path) = ca_file {
            let pem = std::fs::read(path).map_err(BuildError::CaFile)?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(BuildError::Tls)?;
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().map_err(BuildError::Tls)?;
        let gate = |system: System| (system, Arc::new(Gate::new(concurrency, Breaker::new(system.name()))));
        let gates = Arc::new(System::VARIANTS.iter().copied().map(gate).collect());
        Ok(Self { client, timeout, concurrency, gates, changed: None })
    }

    /// The same sender with a breaker and a limit of requests of its own at `system`: for one of several systems of a
    /// kind, which `part` tells apart.
    #[must_use]
    pub fn apart(&self, system: System, part: &str) -> Self {
        let gate = Gate::new(self.concurrency, Breaker::of_part(system.name(), part));
        let mut gates = (*self.gates).clone();
        gates.insert(system, Arc::new(gate));
        Self { gates: Arc::new(gates), ..self.clone() }
    }

    /// The name of the breaker of `system`: that of the system, or `jwglxt/undergraduate` for one of several.
    #[must_use]
    pub fn breaker_name(&self, system: System) -> &str {
        self.gates[&system].breaker.name()
    }

    /// The same sender, whose answers that nobody understands are shown to `changed`.
    #[must_use]
    pub fn showing_changed(self, changed: Arc<dyn ChangedAnswers>) -> Self {
        Self { changed: Some(changed), ..self }
    }

    /// Whether the breaker of `system` refuses requests now.
    #[must_use]
    pub fn is_open(&self, system: System) -> bool {
        self.gates[&system].breaker.is_open()
    }

    /// Whether the breaker of `system` is tripped or half-open.
    #[must_use]
    pub fn is_in_doubt(&self, system: System) -> bool {
        self.gates[&system].breaker.is_in_doubt()
    }

    /// Sends `request` with `cookies`, follows redirects within the origin, and stores the cookies that come back.
    ///
    /// # Errors
    /// [`OutboundError`]; server errors (5xx) are errors, other statuses are answers.
    pub async fn send(
        &self,
        system: System,
        request: Request,
        cookies: &mut Cookies,
    ) -> Result<Exchange<'_>, OutboundError> {
        let started = tokio::time::Instant::now();
        let outcome = self.guarded(system, request, cookies).await;
        let kind = outcome.as_ref().map_or_else(|e| e.kind(), |_| "answer");
        record(system, kind, started);
        outcome
    }

    async fn guarded(
        &self,
        system: System,
        request: Request,
        cookies: &mut Cookies,
    ) -> Result<Exchange<'_>, OutboundError> {
        let gate = &self.gates[&system];
        let permit = gate.breaker.admit().map_err(|Open| OutboundError::BreakerOpen(system))?;
        let Ok(Ok(place)) = tokio::time::timeout(MAX_QUEUE, gate.places.acquire()).await else {
            return Err(OutboundError::Busy(system));
        };
        match tokio::time::timeout(self.timeout, self.follow(system, request, cookies)).await {
            Ok(Ok(answer)) => Ok(Exchange { answer, permit, changed: self.changed.as_deref(), _place: place }),
            Ok(Err(e)) => {
                permit.failure();
                Err(e)
            }
            Err(_) => {
                permit.failure();
                Err(OutboundError::Timeout(system))
            }
        }
    }

    async fn follow(&self, system: System, request: Request, cookies: &mut Cookies) -> Result<Answer, OutboundError> {
        let (url, response) = self.travel(system, request, cookies).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(system, response).await?;
        Ok(Answer { url, status, headers, body })
    }

    /// Sends the request and follows its redirects. Returns the last address and the answer, its body unread.
    async fn travel(
        &self,
        system: System,
        mut request: Request,
        cookies: &mut Cookies,
    ) -> Result<(Url, reqwest::Response), OutboundError> {
        for _ in 0..=MAX_REDIRECTS {
            let response = self.once(system, &request, cookies).await?;
            cookies.store(&response, &request.url);
            let status = response.status();
            if status.is_server_error() {
                return Err(OutboundError::Status(system, status.as_u16()));
            }
            let follows = status.is_redirection() && !request.stays;
            let location = response.headers().get(LOCATION).filter(|_| follows);
            let Some(location) = location.and_then(|l| l.to_str().ok()) else {
                return Ok((request.url, response));
            };
            request = request.redirected(location).ok_or(OutboundError::Redirect(system))?;
        }
        Err(OutboundError::RedirectLoop(system))
    }

    /// One request. A GET whose connection could not be made is retried once.
    async fn once(
        &self,
        system: System,
        request: &Request,
        cookies: &Cookies,
    ) -> Result<reqwest::Response, OutboundError> {
        let mut retried = false;
        loop {
            let mut builder = self.client.request(request.method.clone(), request.url.clone());
            if !request.headers.iter().any(|(name, _)| *name == USER_AGENT) {
                builder = builder.header(USER_AGENT, BROWSER);
            }
            for (name, value) in &request.headers {
                builder = builder.header(name, value);
            }
            if let Some(value) = cookies.header(&request.url) {
                builder = builder.header(COOKIE, value);
            }
            if let Some(time) = request.time {
                builder = builder.timeout(time);
            }
            if let Some((kind, body)) = &request.body {
                builder = builder.header(CONTENT_TYPE, *kind).body(body.clone());
            }
            match builder.send().await {
                Ok(response) => return Ok(response),
                Err(e) if e.is_timeout() => return Err(OutboundError::Timeout(system)),
                Err(e) if e.is_connect() && request.method == Method::GET && !retried => {
                    retried = true;
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
                Err(_) => return Err(OutboundError::Connection(system)),
            }
        }
    }
}

fn record(system: System, outcome: &'static str, started: tokio::time::Instant) {
    metrics::counter!("outbound_requests_total", "system" => system.name(), "outcome" => outcome).increment(1);
    metrics::histogram!("outbound_request_seconds", "system" => system.name()).record(started.elapsed());
}

async fn read_body(system: System, mut response: reqwest::Response) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => return Err(OutboundError::TooLarge(system)),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(e) if e.is_timeout() => return Err(OutboundError::Timeout(system)),
            Err(_) => return Err(OutboundError::Connection(system)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(outbound: &Outbound, system: System) {
        while !outbound.is_open(system) {
            outbound.gates[&system].breaker.admit().unwrap().failure();
        }
    }

    #[tokio::test]
    async fn one_of_several_systems_of_a_kind_is_down_alone() {
        let all = Outbound::new(Duration::from_secs(1), 2, None).unwrap();
        let [first, second] = ["first", "second"].map(|part| all.apart(System::Jwglxt, part));
        trip(&first, System::Jwglxt);
        assert!(first.is_open(System::Jwglxt));
        assert!(!second.is_open(System::Jwglxt) && !all.is_open(System::Jwglxt));
        assert_eq!(first.breaker_name(System::Jwglxt), "jwglxt/first");
        assert_eq!(first.breaker_name(System::Cas), "cas");
        // The other systems are the same for all.
        trip(&first, System::Cas);
        assert!(second.is_open(System::Cas) && all.is_open(System::Cas));
    }

    #[tokio::test]
    async fn one_of_several_systems_of_a_kind_has_a_limit_of_requests_of_its_own() {
        let all = Outbound::new(Duration::from_secs(1), 1, None).unwrap();
        let [first, second] = ["first", "second"].map(|part| all.apart(System::Jwglxt, part));
        let places = |outbound: &Outbound| Arc::clone(&outbound.gates[&System::Jwglxt].places);
        let _taken = places(&first).try_acquire_owned().unwrap();
        assert!(places(&first).try_acquire_owned().is_err());
        assert!(places(&second).try_acquire_owned().is_ok());
    }
}
