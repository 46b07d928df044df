//! WeChat's server API: login codes, the access token, subscribe messages, the content check. Knows neither the
//! database nor HTTP handlers; [`crate::messenger`] shares one access token among the replicas.

mod check;
mod fields;
mod login;
mod message;
mod profile;
mod token;

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

pub use check::Opinion;
pub use fields::{Unfit, fit};
pub use login::Login;
pub use message::{Edition, Message};
pub use profile::Profile;
pub use token::IssuedToken;

use crate::{
    config,
    outbound::{Cookies, Outbound, OutboundError, Request, System},
};

/// Shortest and longest pause before the one retry after WeChat was busy, in milliseconds. Random, so that replicas
/// which were refused together do not retry together.
const BUSY_PAUSE_MS: (u64, u64) = (150, 650);

/// Why WeChat did not do what was asked, by `errcode`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WechatError {
    /// The code is unknown or old (40029): the client must call `wx.login` again.
    #[error("WeChat does not know the login code")]
    CodeInvalid,
    /// The code was already used (40163).
    #[error("the login code was used already")]
    CodeUsed,
    /// WeChat considers this user risky (40226).
    #[error("WeChat refused the user")]
    UserRefused,
    /// Too many calls (45011, 45009).
    #[error("WeChat: too many requests")]
    RateLimited,
    /// Our AppID, secret or address is not accepted: a student can do nothing about it.
    #[error("WeChat refused our AppID, secret or address ({0})")]
    Credentials(i64),
    /// The access token is invalid or has expired (40001, 40014, 42001): a new one helps.
    #[error("WeChat refused the access token ({0})")]
    TokenRefused(i64),
    /// The receiver has not subscribed, or has used up the subscription (43101). Never retried.
    #[error("the receiver has not subscribed")]
    NotSubscribed,
    /// The receiver is no longer a user of this mini-program (40003).
    #[error("WeChat does not know the receiver")]
    UnknownUser,
    /// The mini-program has no such page (41030).
    #[error("the mini-program has no such page")]
    UnknownPage,
    /// The template, or a value in it, is wrong (47003, 40037 and others).
    #[error("WeChat refused the template or its fields ({0})")]
    TemplateRejected(i64),
    /// The text must not be published.
    #[error("WeChat considers the text risky")]
    TextRisky,
    /// The author has not used the mini-program for two hours, so the text is not checked (61010).
    #[error("the author is not active")]
    UserInactive,
    /// WeChat is busy (-1), also after the retry.
    #[error("WeChat is busy")]
    Busy,
    /// An `errcode` that the documentation of the call does not name.
    #[error("WeChat answered errcode {0}")]
    Unexpected(i64),
    /// No usable answer.
    #[error("WeChat is unavailable: {0}")]
    Unavailable(String),
}

impl WechatError {
    /// What an `errcode` other than 0 means.
    fn of_code(code: i64) -> Self {
        match code {
            -1 => Self::Busy,
            40001 | 40014 | 42001 => Self::TokenRefused(code),
            40003 => Self::UnknownUser,
            // Wrong AppID, wrong secret, caller's address not on the list, secret frozen.
            40013 | 40125 | 40164 | 40243 => Self::Credentials(code),
            40029 => Self::CodeInvalid,
            40163 => Self::CodeUsed,
            40226 => Self::UserRefused,
            41030 => Self::UnknownPage,
            43101 => Self::NotSubscribed,
            45009 | 45011 => Self::RateLimited,
            // 87014: the content check's first version; 45168: the message contains sensitive words.
            45168 | 87014 => Self::TextRisky,
            // Template id, arguments, blocked template, JSON, fields.
            40037 | 40097 | 43107 | 47001 | 47003 => Self::TemplateRejected(code),
            61010 => Self::UserInactive,
            other => Self::Unexpected(other),
        }
    }

    fn garbage() -> Self {
        Self::Unavailable("the answer is not what the documentation says".to_owned())
    }
}

impl From<OutboundError> for WechatError {
    fn from(error: OutboundError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The part that every answer may have; some successful answers lack it.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    errcode: i64,
}

/// Client of WeChat's server API.
#[derive(Debug, Clone)]
pub struct Wechat {
    config: config::Wechat,
    outbound: Outbound,
}

impl Wechat {
    /// `config` holds the API's address and this mini-program's credentials.
    #[must_use]
    pub fn new(config: config::Wechat, outbound: &Outbound) -> Self {
        Self { config, outbound: outbound.clone() }
    }

    /// Sends a request and reads the answer. Retries once, after a pause, when WeChat is busy.
    async fn ask<T: DeserializeOwned>(&self, request: impl Fn() -> Request) -> Result<T, WechatError> {
        match self.ask_once(request()).await {
            Err(WechatError::Busy) => {
                tokio::time::sleep(busy_pause()).await;
                self.ask_once(request()).await
            }
            outcome => outcome,
        }
    }

    async fn ask_once<T: DeserializeOwned>(&self, request: Request) -> Result<T, WechatError> {
        let exchange = self.outbound.send(System::Wechat, request, &mut Cookies::default()).await?;
        let outcome = read(&exchange.answer.body);
        match &outcome {
            Err(WechatError::Unavailable(_)) => exchange.failed(),
            _ => exchange.well(),
        }
        outcome
    }

    fn endpoint(&self, path: &str) -> Url {
        let mut url = self.config.api_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }
}

/// Reads an answer. WeChat sends JSON as text/plain, so the content type is ignored.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, WechatError> {
    match serde_json::from_slice::<Status>(body) {
        Ok(Status { errcode: 0 }) => serde_json::from_slice(body).map_err(|_| WechatError::garbage()),
        Ok(Status { errcode }) => Err(WechatError::of_code(errcode)),
        Err(_) => Err(WechatError::garbage()),
    }
}

fn busy_pause() -> Duration {
    let mut byte = [0_u8; 1];
    // Without a random byte the pause is only less random.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    let (least, most) = BUSY_PAUSE_MS;
    Duration::from_millis(least + (most - least) * u64::from(byte[0]) / 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Anything {
        value: String,
    }

    fn error_of(body: &str) -> WechatError {
        read::<Anything>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn errcode_may_be_absent_or_zero_on_success() {
        for body in [r#"{"value":"a"}"#, r#"{"errcode":0,"errmsg":"ok","value":"a"}"#] {
            assert_eq!(read::<Anything>(body.as_bytes()).unwrap().value, "a");
        }
    }

    #[test]
    fn what_can_be_done_about_an_errcode_is_told_apart() {
        let of = |code: i64| error_of(&format!(r#"{{"errcode":{code},"errmsg":"x"}}"#));
        for code in [40001, 40014, 42001] {
            assert_eq!(of(code), WechatError::TokenRefused(code), "a new token helps");
        }
        for code in [45009, 45011] {
            assert_eq!(of(code), WechatError::RateLimited, "waiting helps");
        }
        for code in [47003, 40037] {
            assert_eq!(of(code), WechatError::TemplateRejected(code), "only the operator helps");
        }
        assert_eq!(of(-1), WechatError::Busy);
        assert_eq!(of(43101), WechatError::NotSubscribed);
        assert_eq!(of(61010), WechatError::UserInactive);
        assert_eq!(of(99999), WechatError::Unexpected(99999));
    }

    #[test]
    fn an_answer_that_is_no_json_or_lacks_what_was_asked_for_is_no_answer() {
        for body in ["", "<html>", "[]", "null", "{}", r#"{"errcode":"0"}"#, r#"{"value":1}"#] {
            assert_eq!(error_of(body), WechatError::garbage(), "{body}");
        }
    }
}
