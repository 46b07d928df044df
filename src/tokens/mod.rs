//! Tokens of the API: issued, checked, revoked.

mod revoked;

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

pub use revoked::Revoked;

use crate::{clock::Clock, error::ApiError};

/// Longest token that is decoded, in bytes; ours have some 200.
const MAX_TOKEN: usize = 2048;

/// The payload of a token: that of the old service, whose tokens stay valid.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    open_id: String,
    #[serde(default)]
    nick_name: String,
    iat: i64,
    exp: i64,
    /// `iat` in milliseconds, for revocation; the old service's tokens have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat_ms: Option<i64>,
}

impl Claims {
    /// When the token was issued (Unix milliseconds). Without milliseconds, the beginning of its second counts: a token
    /// of the second of a logout is better refused than kept.
    fn issued_at(&self) -> i64 {
        self.iat_ms.unwrap_or_else(|| self.iat.saturating_mul(1000))
    }
}

/// Issues and checks tokens: HS256, nothing else.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    decoding: Arc<DecodingKey>,
    validation: Arc<Validation>,
    ttl: Duration,
    clock: Clock,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens signed with `secret`, valid for `ttl`.
    #[must_use]
    pub fn new(secret: &SecretString, ttl: Duration, clock: Clock) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        // `check` compares with the injected clock instead.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: Arc::new(DecodingKey::from_secret(secret)),
            validation: Arc::new(validation),
            ttl,
            clock,
        }
    }

    /// A token for `open_id`, issued at `issued_at` (Unix milliseconds), which the login decided.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if signing fails, which HMAC never does.
    pub fn issue(&self, open_id: &str, nick_name: &str, issued_at: i64) -> Result<String, ApiError> {
        let iat = issued_at.div_euclid(1000);
        let exp = iat.saturating_add(i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX));
        let (open_id, nick_name) = (open_id.to_owned(), nick_name.to_owned());
        let claims = Claims { open_id, nick_name, iat, exp, iat_ms: Some(issued_at) };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            ApiError::Internal
        })
    }

    /// The caller of a token, if we signed it and it has not expired.
    #[must_use]
    pub fn check(&self, token: &str) -> Option<Caller> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        let valid = claims.exp > self.clock.unix() && !claims.open_id.is_empty();
        let issued_at = claims.issued_at();
        valid.then_some(Caller { open_id: claims.open_id, issued_at })
    }
}

/// The holder of a valid token. The account may have been deleted, or the token revoked.
#[derive(Debug)]
pub struct Caller {
    /// WeChat's id of the account.
    pub open_id: String,
    /// When the token was issued (Unix milliseconds).
    pub issued_at: i64,
}
