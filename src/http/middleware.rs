//! What every request passes: request id, time limit, panic guard, access line and metrics, response headers.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header::CACHE_CONTROL},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use super::{envelope::ErrorCode, etag, places::Places};
use crate::{app::AppState, crypto::random_hex, error::ApiError};

/// Longest a request may take: above the campus and server-selection time-outs, below the proxy's 30 s.
const REQUEST_LIMIT: Duration = Duration::from_secs(25);

/// Longest an upload may take: 20 MiB at 35 kB/s, as from a phone with a poor connection. The proxy's time-outs count
/// pauses, not the whole.
const UPLOAD_LIMIT: Duration = Duration::from_mins(10);

/// Longest an upload may pause: below the proxy's 30 s.
pub const UPLOAD_PAUSE: Duration = Duration::from_secs(20);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// What the handling of a request leaves for its access line. Each is set once: what comes later is ignored.
#[derive(Clone, Default)]
pub struct AccessNotes(Arc<Notes>);

#[derive(Default)]
struct Notes {
    caller: OnceLock<String>,
    number: OnceLock<String>,
    outcome: OnceLock<(String, String)>,
}

impl AccessNotes {
    /// The pseudonym of the caller's account.
    pub fn caller(&self, pseudonym: String) {
        // A second extractor of the same request sees the same caller.
        let _ = self.0.caller.set(pseudonym);
    }

    /// The pseudonym of the student number that a bind is about.
    pub fn number(&self, pseudonym: String) {
        let _ = self.0.number.set(pseudonym);
    }

    /// What became of a bind, and what the campus said, cleaned for a log.
    pub fn outcome(&self, outcome: String, said: String) {
        let _ = self.0.outcome.set((outcome, said));
    }

    /// What is noted of a bind's outcome; empty when nothing is.
    #[must_use]
    pub fn noted_outcome(&self) -> &str {
        self.0.outcome.get().map_or("", |(outcome, _)| outcome)
    }
}

/// Wraps every request of the public API.
pub async fn observe(
    State((app, places)): State<(AppState, Arc<Places>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let known = etag::given(request.method(), request.headers());
    let notes = AccessNotes::default();
    request.extensions_mut().insert(notes.clone());

    let span = tracing::info_span!("request", request_id = %id, method, %route);
    let is_upload = route == super::routes::upload::PATH && request.method() == Method::POST;
    let limit = if is_upload { UPLOAD_LIMIT } else { REQUEST_LIMIT };
    let mut response = if let Some(place) = places.take(request.method(), &route) {
        let handled = tokio::time::timeout(limit, next.run(request)).instrument(span).await;
        let response = handled.unwrap_or_else(|_| ApiError::TimedOut.into_response());
        place.keep_for(etag::unless_known(known.as_ref(), response))
    } else {
        ApiError::Overloaded.into_response()
    };

    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    let code = response.extensions().get::<ErrorCode>().map(|ErrorCode(code)| *code);
    let labels = [
        ("method", method.to_owned()),
        ("route", route.clone()),
        ("status", status.to_string()),
        ("code", code.unwrap_or_default().to_owned()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", "route" => route.clone()).record(elapsed);
    let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let Notes { caller, number, outcome } = &*notes.0;
    let (student, number) = (caller.get().map(String::as_str), number.get().map(String::as_str));
    let bind = outcome.get().map(|(outcome, _)| outcome.as_str());
    let said = outcome.get().map(|(_, said)| said.as_str()).filter(|said| !said.is_empty());
    tracing::info!(target: "access", request_id = %id, method, route, status, code, duration_ms, student, number, bind, said);

    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(SERVED_BY, app.served_by.clone());
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

/// The method's name; one that HTTP does not define is not repeated, so that nobody can make labels up.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "OTHER",
    }
}

/// The caller's request id when it is sane, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let sane = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let given = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok());
    given.filter(sane).map_or_else(random_hex, str::to_owned)
}
