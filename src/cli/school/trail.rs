//! Follows an address through central logins and proxies to the system behind them, by GET only and without a login.

use std::{cell::RefCell, fmt, path::PathBuf, time::Duration};

use reqwest::header::{CONTENT_TYPE, SET_COOKIE};
use url::Url;

use crate::{
    campus::page::{PageEncoding, decode_answer},
    outbound::{BuildError, Cookies, Outbound, OutboundError, Request, System},
    school::fingerprint::{Finding, Known, fingerprint},
};

/// Most requests of a trail.
const MAX_GETS: usize = 5;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What an answer shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub status: u16,
    /// Where it redirects to.
    pub location: Option<Url>,
    /// The page as text.
    pub page: String,
    /// Whether it sets a cookie that says that a captcha is wanted.
    pub captcha_cookie: bool,
}

/// An address on the way.
#[derive(Debug)]
pub(super) struct Step {
    pub url: Url,
    pub finding: Finding,
    pub answer: Answer,
}

/// Whether an address answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The address alone told enough.
    NotAsked,
    /// There was no usable answer.
    None,
    /// The status of the answer.
    Status(u16),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked"),
            Self::None => f.write_str("no answer"),
            Self::Status(status) => status.fmt(f),
        }
    }
}

/// The way, and how it ended.
#[derive(Debug, Default)]
pub(super) struct Trail {
    pub steps: Vec<Step>,
    /// The last answer.
    pub last: Option<Seen>,
    /// Why the way could not be followed to its end.
    pub failure: Option<String>,
}

impl Trail {
    /// The first system that was recognised.
    pub fn system(&self) -> Option<Known> {
        self.steps.iter().find_map(|step| step.finding.system)
    }
}

/// Follows redirects from `start` until `enough` was found. `get` asks one address.
pub(super) async fn follow(
    start: Url,
    get: impl AsyncFn(&Url) -> Result<Seen, String>,
    enough: impl Fn(Finding) -> bool,
) -> Trail {
    let mut trail = Trail::default();
    let mut url = start;
    loop {
        let finding = fingerprint(&url, "");
        if enough(finding) {
            trail.steps.push(Step { url, finding, answer: Answer::NotAsked });
            return trail;
        }
        if trail.steps.len() == MAX_GETS {
            trail.failure = Some(format!("more than {MAX_GETS} redirects"));
            return trail;
        }
        let seen = match get(&url).await {
            Ok(seen) => seen,
            Err(failure) => {
                trail.steps.push(Step { url, finding, answer: Answer::None });
                trail.failure = Some(failure);
                return trail;
            }
        };
        let finding = fingerprint(&url, &seen.page);
        let next = seen.location.clone();
        trail.steps.push(Step { url, finding, answer: Answer::Status(seen.status) });
        trail.last = Some(seen);
        match next {
            Some(next) if !enough(finding) && matches!(next.scheme(), "http" | "https") => url = next,
            Some(_) if !enough(finding) => {
                trail.failure = Some("a redirect leaves http and https".to_owned());
                return trail;
            }
            _ => return trail,
        }
    }
}

/// Sends the requests of a trail, with the cookies that it collects.
pub(super) struct Client {
    ca_file: Option<PathBuf>,
    outbound: Outbound,
    cookies: RefCell<Cookies>,
}

impl Client {
    pub fn new(ca_file: Option<PathBuf>) -> Result<Self, BuildError> {
        let outbound = Outbound::new(TIMEOUT, 1, ca_file.as_deref())?;
        Ok(Self { ca_file, outbound, cookies: RefCell::default() })
    }

    /// A client for another trail: without these cookies, and without a breaker that this trail tripped.
    pub fn another(&self) -> Result<Self, BuildError> {
        Self::new(self.ca_file.clone())
    }

    /// `GET url`, redirects not followed. The system's name is only for metrics, which nobody collects here.
    pub async fn get(&self, url: &Url) -> Result<Seen, String> {
        let mut cookies = self.cookies.take();
        let sent = self.outbound.send(System::Cas, Request::get(url.clone()).without_redirects(), &mut cookies).await;
        self.cookies.replace(cookies);
        let exchange = sent.map_err(words)?;
        let answer = &exchange.answer;
        let content_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let page = decode_answer(&answer.body, content_type, PageEncoding::Gbk).unwrap_or_default().into_owned();
        let wants = |value: &str| value.trim_start().starts_with("X_CAPTCHA=") && !value.contains("=false");
        let mut cookies_set = answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let seen = Seen {
            status: answer.status.as_u16(),
            location: answer.redirect(),
            page,
            captcha_cookie: cookies_set.any(wants),
        };
        exchange.well();
        Ok(seen)
    }
}

fn words(error: OutboundError) -> String {
    match error {
        OutboundError::Timeout(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
        OutboundError::Connection(_) => "no connection, or a certificate that is not trusted".to_owned(),
        OutboundError::Status(_, status) => format!("answers {status}"),
        OutboundError::TooLarge(_) => "the answer is too large".to_owned(),
        other => other.kind().replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    /// Follows `start` through pages: address, redirect, text. Other addresses do not answer.
    async fn through(start: &str, pages: &[(&str, Option<&str>, &str)]) -> Trail {
        let pages: HashMap<Url, Seen> = pages
            .iter()
            .map(|(at, to, page)| {
                let location = to.map(url);
                let status = if location.is_some() { 302 } else { 200 };
                (url(at), Seen { status, location, page: (*page).to_owned(), captcha_cookie: false })
            })
            .collect();
        let get = async |at: &Url| pages.get(at).cloned().ok_or_else(|| "no connection".to_owned());
        follow(url(start), get, |finding| finding.system.is_some()).await
    }

    #[tokio::test]
    async fn an_address_that_tells_is_not_asked() {
        let trail = through("https://jw.x.cn/jwglxt/xtgl/login_slogin.html", &[]).await;
        assert_eq!(
            (trail.system(), trail.failure, trail.steps[0].answer),
            (Some(Known::Jwglxt), None, Answer::NotAsked)
        );
    }

    #[tokio::test]
    async fn hops_are_followed_to_the_system() {
        let cas = "https://uia.x.cn/cas/login?service=https%3A%2F%2Fjw.x.cn%2Feams%2Flogin.action";
        let trail = through(
            "https://www.x.cn/jw",
            &[("https://www.x.cn/jw", Some("https://webvpn.x.cn/"), ""), ("https://webvpn.x.cn/", Some(cas), "")],
        )
        .await;
        assert_eq!((trail.system(), trail.failure), (Some(Known::Eams), None));
        assert_eq!(
            trail.steps.iter().map(|step| step.answer.to_string()).collect::<Vec<_>>(),
            ["302", "302", "not asked"]
        );
    }

    #[tokio::test]
    async fn a_way_without_end_and_one_to_another_scheme_are_left() {
        let endless = through("https://a.cn/", &[("https://a.cn/", Some("https://a.cn/"), "")]).await;
        assert_eq!((endless.steps.len(), endless.failure.as_deref()), (5, Some("more than 5 redirects")));
        let away = through("https://a.cn/", &[("https://a.cn/", Some("weixin://x"), "")]).await;
        assert!(away.failure.unwrap().contains("http"));
        let down = through("https://a.cn/", &[]).await;
        assert_eq!((down.failure.as_deref(), down.steps[0].answer), (Some("no connection"), Answer::None));
        let plain = through("https://a.cn/", &[("https://a.cn/", None, "welcome")]).await;
        assert_eq!((plain.system(), plain.failure), (None, None));
    }
}
