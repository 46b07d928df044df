//! WeChat's server API: who sent a login code, and the profile that may come along.

mod profile;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

pub use profile::Profile;

use crate::{
    config,
    outbound::{Cookies, Outbound, OutboundError, Request, System},
};

/// What WeChat says about a login code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WechatError {
    /// The code is unknown or old (40029): the client must call `wx.login` again.
    #[error("WeChat does not know the login code")]
    CodeInvalid,
    /// The code was used already (40163).
    #[error("the login code was used already")]
    CodeUsed,
    /// WeChat considers this user risky (40226).
    #[error("WeChat refused the user")]
    UserRefused,
    /// Too many calls (45011, 45009).
    #[error("WeChat: too many requests")]
    RateLimited,
    /// Our AppID or secret is wrong (40013, 40125): nothing a student can do.
    #[error("WeChat refused our AppID or secret ({0})")]
    Credentials(i64),
    /// No usable answer, or WeChat is busy (-1).
    #[error("WeChat is unavailable: {0}")]
    Unavailable(String),
}

impl From<OutboundError> for WechatError {
    fn from(error: OutboundError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Who logged in.
#[derive(Debug)]
pub struct Login {
    /// WeChat's id of the account in this mini-program.
    pub open_id: String,
    /// Key of this login; opens the profile, then is dropped.
    pub session_key: SecretString,
}

#[derive(Deserialize)]
struct Code2Session {
    #[serde(default)]
    errcode: i64,
    openid: Option<String>,
    session_key: Option<String>,
}

/// Client of WeChat's server API.
#[derive(Debug, Clone)]
pub struct Wechat {
    config: config::Wechat,
    outbound: Outbound,
}

impl Wechat {
    /// `config` names the API and this mini-program.
    #[must_use]
    pub fn new(config: config::Wechat, outbound: &Outbound) -> Self {
        Self { config, outbound: outbound.clone() }
    }

    /// Exchanges a login code for the account that it stands for (`GET /sns/jscode2session`). A code works once.
    ///
    /// # Errors
    /// See [`WechatError`].
    pub async fn code_to_session(&self, code: &str) -> Result<Login, WechatError> {
        let mut url = self.endpoint("/sns/jscode2session");
        url.query_pairs_mut()
            .append_pair("appid", &self.config.app_id)
            .append_pair("secret", self.config.app_secret.expose_secret())
            .append_pair("js_code", code)
            .append_pair("grant_type", "authorization_code");
        let exchange = self.outbound.send(System::Wechat, Request::get(url), &mut Cookies::default()).await?;
        // WeChat sends JSON as text/plain; only its content counts.
        let Ok(answer) = serde_json::from_slice::<Code2Session>(&exchange.answer.body) else {
            exchange.failed();
            return Err(WechatError::Unavailable("the answer is not what the documentation says".to_owned()));
        };
        exchange.well();
        match (answer.errcode, answer.openid, answer.session_key) {
            (0, Some(open_id), Some(session_key)) if !open_id.is_empty() => {
                Ok(Login { open_id, session_key: session_key.into() })
            }
            (40029, ..) => Err(WechatError::CodeInvalid),
            (40163, ..) => Err(WechatError::CodeUsed),
            (40226, ..) => Err(WechatError::UserRefused),
            (45011 | 45009, ..) => Err(WechatError::RateLimited),
            (code @ (40013 | 40125), ..) => Err(WechatError::Credentials(code)),
            (code, ..) => Err(WechatError::Unavailable(format!("errcode {code}"))),
        }
    }

    /// The profile in `encrypted_data`, if it opens under this login's key and is this mini-program's.
    #[must_use]
    pub fn profile(&self, login: &Login, encrypted_data: &str, iv: &str) -> Option<Profile> {
        profile::open(&self.config.app_id, login.session_key.expose_secret(), encrypted_data, iv)
    }

    fn endpoint(&self, path: &str) -> Url {
        let mut url = self.config.api_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }
}
