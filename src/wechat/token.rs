//! The access token for every call but the login. `stable_token` returns the same token to all callers, so replicas do
//! not invalidate each other's.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{Wechat, WechatError};
use crate::outbound::Request;

/// An access token from WeChat.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub value: SecretString,
    /// How long it is valid, two hours at most.
    pub lives_for: Duration,
}

#[derive(Deserialize)]
struct StableToken {
    access_token: String,
    expires_in: u64,
}

/// Longest life of a token that is accepted: the documented one.
const MAX_LIFE: Duration = Duration::from_hours(2);

impl Wechat {
    /// The current access token, or a new one when that is about to expire (`POST /cgi-bin/stable_token`).
    pub async fn stable_token(&self) -> Result<IssuedToken, WechatError> {
        let url = self.endpoint("/cgi-bin/stable_token");
        let body = json!({
            "grant_type": "client_credential",
            "appid": self.config.app_id,
            "secret": self.config.app_secret.expose_secret(),
            "force_refresh": false,
        });
        let answer: StableToken = self.ask(|| Request::json(url.clone(), &body)).await?;
        if answer.access_token.is_empty() || answer.expires_in == 0 {
            return Err(WechatError::garbage());
        }
        Ok(IssuedToken {
            value: answer.access_token.into(),
            lives_for: Duration::from_secs(answer.expires_in).min(MAX_LIFE),
        })
    }

    /// The address of a call with the access token.
    pub(super) fn signed(&self, path: &str, token: &SecretString) -> Url {
        let mut url = self.endpoint(path);
        url.query_pairs_mut().append_pair("access_token", token.expose_secret());
        url
    }
}
