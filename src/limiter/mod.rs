//! Limits on requests: how often, and how many at once.
//!
//! - [`Limiter`]: uses in a fixed window, counted in the database for all replicas
//! - [`Burst`]: requests of any kind per user, with few writes
//! - [`LoginLimit`]: login codes of an address that WeChat refused
//! - [`Turns`]: work that only a few may do at once in a replica

mod burst;
mod login_limit;
mod refusals;
mod turns;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub use burst::Burst;
pub use login_limit::{LoginLimit, Turn as LoginTurn};
pub use turns::Turns;

use crate::{
    clock::Clock,
    config::Rate,
    error::ApiError,
    store::{Limits, Permit, StoreError},
};
use refusals::Refusals;

/// How long a read waits for its counter. Without a primary nothing can be counted, and the read goes on.
const COUNTER_PATIENCE: Duration = Duration::from_secs(2);

/// Counts uses against rates. Without a rate there is no limit.
#[derive(Debug)]
pub struct Limiter {
    limits: Limits,
    refusals: Refusals,
    clock: Clock,
}

impl Limiter {
    /// A limiter whose counters are `limits`.
    #[must_use]
    pub fn new(limits: Limits, clock: Clock) -> Self {
        Self { limits, refusals: Refusals::default(), clock }
    }

    /// Counts one use of `key`.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] when the rate is used up, [`ApiError::DatabaseUnavailable`].
    pub async fn count(&self, key: &str, rate: Option<Rate>) -> Result<(), ApiError> {
        let Some(rate) = rate else { return Ok(()) };
        match self.limits.count(key, rate, self.clock.now()).await? {
            Permit::Granted => Ok(()),
            Permit::Refused(left) => Err(ApiError::RateLimited(left)),
        }
    }

    /// Like [`Limiter::count`], for reads, which must work during an election: they are granted while nothing can be
    /// counted. Never refund a use of such a `key`: its refusals are remembered.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] when the rate is used up.
    pub async fn count_read(&self, key: &str, rate: Option<Rate>) -> Result<(), ApiError> {
        let now = self.clock.now();
        if let Some(left) = self.refusals.left(key, now) {
            return Err(ApiError::RateLimited(left));
        }
        match tokio::time::timeout(COUNTER_PATIENCE, self.count(key, rate)).await {
            Ok(Err(ApiError::RateLimited(left))) => {
                self.refusals.remember(key, left, now);
                Err(ApiError::RateLimited(left))
            }
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("limit_uncounted_total").increment(1);
                Ok(())
            }
        }
    }

    /// Takes one use of `key` at `now` if one is left; a refusal counts nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn take(&self, key: &str, rate: Rate, now: DateTime<Utc>) -> Result<Permit, StoreError> {
        self.limits.take(key, rate, now).await
    }

    /// Refunds one use of `key` that was counted or taken at `then`. If the database fails, the caller has one use
    /// less.
    pub async fn refund(&self, key: &str, rate: Option<Rate>, then: DateTime<Utc>) {
        let Some(rate) = rate else { return };
        if let Err(error) = self.limits.refund(key, rate, then).await {
            tracing::warn!(%error, "a use was not refunded");
        }
    }
}
