//! GitHub: feedback becomes an issue; one issue lists donations.

pub mod donation;
pub mod report;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use reqwest::{
    StatusCode,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use crate::{
    config,
    outbound::{Answer, Cookies, Outbound, OutboundError, Request, System},
};
use report::Report;

/// GitHub demands a `User-Agent` that names the program.
const AGENT: HeaderValue = HeaderValue::from_static("wehpu-engine");

/// Pause after «too many requests» without a time (GitHub's documentation: one minute).
const DEFAULT_PAUSE: Duration = Duration::from_mins(1);

/// Longest pause that is accepted: GitHub's limits are per hour.
const MAX_PAUSE: Duration = Duration::from_hours(1);

/// Why a call to GitHub failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    /// No usable answer.
    #[error(transparent)]
    Unavailable(#[from] OutboundError),
    /// Too many requests, now or a while ago.
    #[error("GitHub: too many requests")]
    RateLimited,
    /// `WEHPU_GITHUB_TOKEN` is not set, and creating an issue needs it.
    #[error("WEHPU_GITHUB_TOKEN is not set")]
    NoToken,
    /// Refused: a wrong token, a missing repository or issue, an unacceptable label.
    #[error("GitHub answered {0}")]
    Refused(u16),
    /// The answer is not as documented.
    #[error("the answer of GitHub lacks {0}")]
    Malformed(&'static str),
}

/// The client.
#[derive(Debug, Clone)]
pub struct Github {
    config: Arc<config::Github>,
    outbound: Outbound,
    /// Until when no request is sent to GitHub.
    pause: Arc<Mutex<Option<Instant>>>,
}

#[derive(Deserialize)]
struct Issue {
    /// `null` for an issue without text.
    #[serde(default)]
    body: Option<String>,
    html_url: String,
}

impl Github {
    /// `config` holds the API's address and the repository.
    #[must_use]
    pub fn new(config: &config::Github, outbound: &Outbound) -> Self {
        Self { config: Arc::new(config.clone()), outbound: outbound.clone(), pause: Arc::default() }
    }

    /// Name of the issue that lists donations: `owner/name#number`.
    #[must_use]
    pub fn donation_issue(&self) -> String {
        format!("{}#{}", self.config.repo, self.config.donation_issue)
    }

    /// The text of the issue that lists donations (`GET /repos/{repo}/issues/{number}`).
    pub async fn donation_text(&self) -> Result<String, GithubError> {
        let url = self.endpoint(&format!("issues/{}", self.config.donation_issue));
        let issue = self.ask(Request::get(url), StatusCode::OK).await?;
        Ok(issue.body.unwrap_or_default())
    }

    /// Creates an issue from `report` (`POST /repos/{repo}/issues`). Returns the address of its page.
    pub async fn create_issue(&self, report: &Report) -> Result<String, GithubError> {
        if self.config.token.is_none() {
            return Err(GithubError::NoToken);
        }
        let body = json!({ "title": report.title(), "body": report.body(), "labels": report.labels });
        let issue = self.ask(Request::json(self.endpoint("issues"), &body), StatusCode::CREATED).await?;
        match Url::parse(&issue.html_url) {
            Ok(url) if url.scheme() == "https" => Ok(url.into()),
            _ => Err(GithubError::Malformed("html_url")),
        }
    }

    fn endpoint(&self, path: &str) -> Url {
        let mut url = self.config.api_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/repos/{}/{path}", self.config.repo));
        url
    }

    async fn ask(&self, request: Request, success: StatusCode) -> Result<Issue, GithubError> {
        if self.is_paused() {
            return Err(GithubError::RateLimited);
        }
        let request = request
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, HeaderValue::from_static("application/vnd.github+json"))
            .header(HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"));
        let request = match self.config.token.as_ref().and_then(bearer) {
            Some(value) => request.header(reqwest::header::AUTHORIZATION, value),
            None => request,
        };
        let exchange = self.outbound.send(System::Github, request, &mut Cookies::default()).await?;
        let outcome = read(&exchange.answer, success);
        match outcome {
            Err(GithubError::Malformed(_)) => exchange.failed(),
            Err(GithubError::RateLimited) => {
                self.pause_for(wanted_pause(&exchange.answer.headers));
                exchange.well();
            }
            _ => exchange.well(),
        }
        outcome
    }

    fn is_paused(&self) -> bool {
        let pause = self.pause.lock();
        pause.is_some_and(|until| Instant::now() < until)
    }

    fn pause_for(&self, time: Duration) {
        tracing::warn!(seconds = time.as_secs(), "GitHub wants to be left alone");
        *self.pause.lock() = Some(Instant::now() + time);
    }
}

/// The token as a header that no log shows; `None` when it cannot be a header value.
fn bearer(token: &SecretString) -> Option<HeaderValue> {
    use secrecy::ExposeSecret;

    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret().trim())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn read(answer: &Answer, success: StatusCode) -> Result<Issue, GithubError> {
    if answer.status == success {
        return serde_json::from_slice(&answer.body).map_err(|_| GithubError::Malformed("an issue"));
    }
    if is_rate_limit(answer.status, &answer.headers) {
        return Err(GithubError::RateLimited);
    }
    if answer.status.is_success() {
        return Err(GithubError::Malformed("the expected status"));
    }
    Err(GithubError::Refused(answer.status.as_u16()))
}

/// 429, or 403 with `retry-after` or no requests remaining.
fn is_rate_limit(status: StatusCode, headers: &HeaderMap) -> bool {
    let exhausted = headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0");
    status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN && (exhausted || headers.contains_key(RETRY_AFTER)))
}

/// The pause from `retry-after`. GitHub's other form, the end of the hour as a time of day, is not needed.
fn wanted_pause(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
    seconds.map_or(DEFAULT_PAUSE, Duration::from_secs).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Answer {
            url: Url::parse("https://api.github.com/").unwrap(),
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.iter().map(pair).collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn too_often_is_told_apart_from_forbidden() {
        let error = |status, headers: &[_]| read(&answer(status, headers, "{}"), StatusCode::OK).err().unwrap();
        assert_eq!(error(429, &[]), GithubError::RateLimited);
        assert_eq!(error(403, &[("x-ratelimit-remaining", "0")]), GithubError::RateLimited);
        assert_eq!(error(403, &[("retry-after", "60")]), GithubError::RateLimited);
        assert_eq!(error(403, &[("x-ratelimit-remaining", "57")]), GithubError::Refused(403));
        assert_eq!(error(404, &[]), GithubError::Refused(404));
        assert_eq!(error(200, &[]), GithubError::Malformed("an issue"));
        assert_eq!(error(202, &[]), GithubError::Malformed("the expected status"));
    }

    #[test]
    fn a_pause_is_as_long_as_wanted_and_bounded() {
        let pause = |headers: &[_]| wanted_pause(&answer(429, headers, "").headers).as_secs();
        assert_eq!([pause(&[]), pause(&[("retry-after", "7")]), pause(&[("retry-after", "999999")])], [60, 7, 3600]);
    }
}
