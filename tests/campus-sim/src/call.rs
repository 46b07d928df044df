//! A request as the systems see it, and its connection.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, Uri, header};
use serde_json::Value;
use tokio::sync::Notify;

/// Largest body that is read, in bytes: no system receives nearly as much.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// The connection a request came over; it can be cut, so that the client gets no answer at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<Notify>);

impl Wire {
    /// Has the connection closed without an answer.
    pub(crate) fn cut(&self) {
        self.0.notify_one();
    }

    /// Ends when somebody wants the connection closed.
    pub(crate) async fn wants_cut(&self) {
        self.0.notified().await;
    }
}

/// Names and values of a query or a form, in the order they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of this name, if the name occurs.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of this name, empty when it does not occur.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// All pairs.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// A request, read completely.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Fields,
    pub(crate) body: Bytes,
    pub(crate) wire: Wire,
}

impl Call {
    /// The form in the body; none when the body is of another type.
    pub(crate) fn form(&self) -> Option<Fields> {
        self.is("application/x-www-form-urlencoded").then(|| Fields::parse(&self.body))
    }

    /// The JSON in the body; none when the body is of another type or is not JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        if self.is("application/json") { serde_json::from_slice(&self.body).ok() } else { None }
    }

    fn is(&self, media_type: &str) -> bool {
        let given = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
    }

    /// `METHOD /path?query`, for messages.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        // The path as the client sent it: nested routers strip their prefix from the one in the request.
        let uri = request.extensions().get::<SentUri>().map_or_else(|| request.uri().clone(), |sent| sent.0.clone());
        let wire = request.extensions().get::<Wire>().cloned().unwrap_or_default();
        let (parts, body) = request.into_parts();
        let query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
        // A body that breaks off or is too large is as good as none: what is missing then is answered as missing.
        let body = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
        Ok(Self { method: parts.method, uri, headers: parts.headers, query, body, wire })
    }
}

/// The request's URI before any router changed it.
#[derive(Debug, Clone)]
pub(crate) struct SentUri(pub(crate) Uri);
