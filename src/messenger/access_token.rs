//! WeChat's access token, one for all replicas: kept in memory, shared through the database (sealed), and fetched by
//! one task per replica (single flight) and one replica at a time (lease).

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use parking_lot::{Mutex, MutexGuard};
use secrecy::{ExposeSecret, SecretString};

use super::{MessengerError, Parts};
use crate::{crypto::random_hex, flights::Flights, store::StoredToken, wechat::IssuedToken};

/// How long before its end a token is replaced: within the five minutes in which `stable_token` returns a new token
/// while the old one stays valid.
const MARGIN: Duration = Duration::from_mins(2);

/// Pause between two checks of a replica that waits for another one's token.
const LEASE_POLL: Duration = Duration::from_millis(100);

/// Field name in the associated data of the seal.
const FIELD: &str = "accessToken";

/// An access token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub value: SecretString,
    /// Identifies the token without revealing it.
    sealed: Arc<str>,
    refresh_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

#[derive(Debug, Default)]
struct Memory {
    current: Option<Token>,
    /// Sealed text of the token that WeChat refused last: the database may still hold it.
    refused: Option<Arc<str>>,
}

/// The token that all replicas share.
#[derive(Clone)]
pub struct SharedToken {
    parts: Arc<Parts>,
    /// Key of the stored token, and owner in its seal.
    id: Arc<str>,
    memory: Arc<Mutex<Memory>>,
    flights: Flights<Result<Token, MessengerError>>,
}

impl SharedToken {
    pub(super) fn new(parts: Arc<Parts>, app_id: &str) -> Self {
        let id = format!("wechat/{app_id}").into();
        Self { parts, id, memory: Arc::default(), flights: Flights::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock()
    }

    /// The current token. One that is about to expire is replaced first; if that fails, it is used until its end.
    pub async fn current(&self) -> Result<Token, MessengerError> {
        let now = self.parts.clock.now();
        let known = self.memory().current.clone();
        if let Some(token) = known.as_ref().filter(|token| now < token.refresh_at) {
            return Ok(token.clone());
        }
        let flight = self.flights.join(&self.parts.tasks, String::new(), || {
            let this = self.clone();
            async move { this.obtain().await }
        });
        match (flight.await.unwrap_or(Err(MessengerError::Aborted)), known) {
            (Err(error), Some(token)) if now < token.expires_at => {
                tracing::warn!(%error, "the access token is not renewed yet");
                Ok(token)
            }
            (outcome, _) => outcome,
        }
    }

    /// A token to replace `refused`, which WeChat did not accept.
    pub async fn instead_of(&self, refused: &Token) -> Result<Token, MessengerError> {
        {
            let mut memory = self.memory();
            memory.current.take_if(|token| token.sealed == refused.sealed);
            memory.refused = Some(Arc::clone(&refused.sealed));
        }
        self.current().await
    }

    /// Takes the token that another replica stored, or asks WeChat under a lease.
    async fn obtain(&self) -> Result<Token, MessengerError> {
        let leases = &self.parts.store.leases;
        let owner = format!("{}/{}", self.parts.replica, random_hex());
        let lease = loop {
            if let Some(token) = self.stored().await? {
                return Ok(self.keep(token));
            }
            if let Some(lease) = leases.take(&self.id, &owner).await? {
                break lease;
            }
            tokio::time::sleep(LEASE_POLL).await;
        };
        let work = async {
            match self.stored().await? {
                Some(token) => Ok(token),
                None => self.fetch().await,
            }
        };
        leases.under(lease, work).await.map(|token| self.keep(token))
    }

    fn keep(&self, token: Token) -> Token {
        self.memory().current = Some(token.clone());
        token
    }

    /// The stored token, if it opens and is not due for replacement.
    async fn stored(&self) -> Result<Option<Token>, MessengerError> {
        let Some(stored) = self.parts.store.access_tokens.find(&self.id).await? else { return Ok(None) };
        let refused = self.memory().refused.as_deref() == Some(stored.sealed.as_str());
        let (refresh_at, expires_at) = (stored.refresh_at(), stored.expires_at());
        if refused || refresh_at <= self.parts.clock.now() {
            return Ok(None);
        }
        // A token whose sealing key is gone is simply fetched again.
        let opened = self.parts.keys.open(&self.id, FIELD, &stored.sealed).ok();
        Ok(opened.map(|value| Token { value, sealed: stored.sealed.into(), refresh_at, expires_at }))
    }

    async fn fetch(&self) -> Result<Token, MessengerError> {
        let asked_at = self.parts.clock.now();
        let IssuedToken { value, lives_for } = self.parts.wechat.stable_token().await?;
        metrics::counter!("wechat_tokens_fetched_total").increment(1);
        let sealed = self.parts.keys.seal(&self.id, FIELD, value.expose_secret())?;
        let (refresh_at, expires_at) = times(asked_at, lives_for);
        self.parts
            .store
            .access_tokens
            .save(&StoredToken::new(&self.id, sealed.clone(), refresh_at, expires_at))
            .await?;
        tracing::info!(lives_for_s = lives_for.as_secs(), "new access token");
        Ok(Token { value, sealed: sealed.into(), refresh_at, expires_at })
    }
}

/// When a token is replaced, and when it ends. A short-lived token is used for at least half its life.
fn times(asked_at: DateTime<Utc>, lives_for: Duration) -> (DateTime<Utc>, DateTime<Utc>) {
    (asked_at + (lives_for.saturating_sub(MARGIN.min(lives_for / 2))), asked_at + lives_for)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_replaced_a_little_before_its_end() {
        let at = DateTime::from_timestamp(0, 0).unwrap();
        let secs = |lives_for| {
            let (refresh_at, expires_at) = times(at, Duration::from_secs(lives_for));
            (refresh_at.timestamp(), expires_at.timestamp())
        };
        assert_eq!(secs(7200), (7080, 7200));
        assert_eq!(secs(60), (30, 60), "a short life is not used up by asking again at once");
    }
}
