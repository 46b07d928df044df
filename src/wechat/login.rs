//! Login codes (`code2Session`), and the profile that may come with one.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Wechat, WechatError, profile};
use crate::outbound::Request;

/// The result of a login code.
#[derive(Debug)]
pub struct Login {
    /// WeChat's id of the account in this mini-program.
    pub open_id: String,
    /// Key of this login: opens the profile and is then dropped.
    pub session_key: SecretString,
}

#[derive(Deserialize)]
struct Code2Session {
    openid: String,
    session_key: String,
}

impl Wechat {
    /// Exchanges a login code for its account (`GET /sns/jscode2session`). A code works once.
    pub async fn code_to_session(&self, code: &str) -> Result<Login, WechatError> {
        let mut url = self.endpoint("/sns/jscode2session");
        url.query_pairs_mut()
            .append_pair("appid", &self.config.app_id)
            .append_pair("secret", self.config.app_secret.expose_secret())
            .append_pair("js_code", code)
            .append_pair("grant_type", "authorization_code");
        let answer: Code2Session = self.ask(|| Request::get(url.clone())).await?;
        if answer.openid.is_empty() {
            return Err(WechatError::garbage());
        }
        Ok(Login { open_id: answer.openid, session_key: answer.session_key.into() })
    }

    /// The profile in `encrypted_data`, if it opens with this login's key and belongs to this mini-program.
    #[must_use]
    pub fn profile(&self, login: &Login, encrypted_data: &str, iv: &str) -> Option<super::Profile> {
        profile::open(&self.config.app_id, login.session_key.expose_secret(), encrypted_data, iv)
    }
}
