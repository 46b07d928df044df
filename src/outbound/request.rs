//! A request before it is sent.

use std::{fmt, time::Duration};

use reqwest::{
    Method,
    header::{HeaderName, HeaderValue, REFERER},
};
use url::Url;

/// Where redirects may lead, beyond the check of the origin.
struct Within(Box<dyn Fn(&Url) -> bool + Send + Sync>);

impl fmt::Debug for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Within")
    }
}

/// A request to be sent.
#[derive(Debug)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<(&'static str, String)>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    within: Option<Within>,
    /// Whether a redirect is an answer, not followed.
    pub(super) stays: bool,
    /// Time limit for the answer with its body, if not the usual one.
    pub(super) time: Option<Duration>,
}

impl Request {
    fn new(method: Method, url: Url, body: Option<(&'static str, String)>) -> Self {
        Self { method, url, body, headers: Vec::new(), within: None, stays: false, time: None }
    }

    /// `GET url`.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url, None)
    }

    /// `POST url` with a form.
    #[must_use]
    pub fn form(url: Url, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::new(Method::POST, url, Some(("application/x-www-form-urlencoded", body)))
    }

    /// `POST url` with JSON.
    #[must_use]
    pub fn json(url: Url, body: &serde_json::Value) -> Self {
        Self::new(Method::POST, url, Some(("application/json", body.to_string())))
    }

    /// Adds `X-Requested-With`, as a script of the page would; some systems demand it.
    #[must_use]
    pub fn by_script(mut self) -> Self {
        let name = HeaderName::from_static("x-requested-with");
        self.headers.push((name, HeaderValue::from_static("XMLHttpRequest")));
        self
    }

    /// Adds a header; `User-Agent` replaces the browser's.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets the page that the request seems to come from; some systems demand it. The last one counts.
    #[must_use]
    pub fn referer(mut self, url: &Url) -> Self {
        self.headers.retain(|(name, _)| *name != REFERER);
        if let Ok(value) = HeaderValue::from_str(url.as_str()) {
            self.headers.push((REFERER, value));
        }
        self
    }

    /// Narrows redirects to addresses that `allowed` accepts; they never leave the origin.
    #[must_use]
    pub fn within(mut self, allowed: impl Fn(&Url) -> bool + Send + Sync + 'static) -> Self {
        self.within = Some(Within(Box::new(allowed)));
        self
    }

    /// Takes a redirect as the answer: its receiver decides whether to follow it, see [`super::Answer::redirect`].
    #[must_use]
    pub fn without_redirects(mut self) -> Self {
        self.stays = true;
        self
    }

    /// The request that follows a redirect to `location`; `None` where it must not lead.
    pub(super) fn redirected(self, location: &str) -> Option<Self> {
        let next = self.url.join(location).ok()?;
        let allowed = next.origin() == self.url.origin() && self.within.as_ref().is_none_or(|within| within.0(&next));
        allowed.then(|| Self { within: self.within, time: self.time, ..Self::get(next) })
    }
}
