//! How often passwords may be tried with `POST /api/bind`. A try is reserved before the campus is asked, so that however
//! many are under way at once, no more reach it than the rates allow; it is refunded unless the campus refused a password.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use crate::{
    app::AppState,
    config::Rate,
    error::ApiError,
    http::text::StudentId,
    store::{Permit, User},
};

/// How long a request waits until its try is refunded; what takes longer goes on in the background.
const REFUND: Duration = Duration::from_millis(500);

/// A try that has been counted.
#[derive(Debug)]
#[must_use = "a try that failed without the campus refusing a password is refunded"]
pub struct Try {
    taken: Vec<(String, Rate)>,
    at: DateTime<Utc>,
}

impl Try {
    /// Reserves a try of `user` with the number `student_id`: against the failed tries of the account with this number,
    /// those of the account with any number, and, where the account neither is nor was bound to the number, against what
    /// all such strangers may try with it. Strangers can use up only their own share: it never locks out an account that
    /// is or was bound. Call it, and whatever follows, in a task of its own.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] when one of the rates is used up, [`ApiError::DatabaseUnavailable`].
    pub async fn reserve(app: &AppState, user: &User, student_id: &StudentId) -> Result<Self, ApiError> {
        let (open_id, number) = (user.open_id.as_str(), student_id.as_str());
        // The number comes first: an export of the student names what stands before it, and that is no other account.
        let limits = &app.config.limits.bind;
        let mut keys = vec![
            (format!("bind/failed/{number}/{open_id}"), limits.per_account_and_number),
            (format!("bind/account/{open_id}"), limits.per_account),
        ];
        if !knows(app, user, number) {
            keys.push((format!("bind/strangers/{number}"), limits.strangers_per_number));
        }
        let at = app.clock.now();
        let mut tried = Self { taken: Vec::new(), at };
        for (key, rate) in keys {
            let Some(rate) = rate else { continue };
            match app.limiter.take(&key, rate, at).await {
                Ok(Permit::Granted) => tried.taken.push((key, rate)),
                Ok(Permit::Refused(left)) => {
                    tried.refund(app).await;
                    return Err(ApiError::RateLimited(left));
                }
                Err(error) => {
                    tried.refund(app).await;
                    return Err(error.into());
                }
            }
        }
        Ok(tried)
    }

    /// Gives the try back.
    pub async fn refund(self, app: &AppState) {
        if self.taken.is_empty() {
            return;
        }
        let worker = app.clone();
        let refunded = app.tasks.spawn(async move {
            let uses = self.taken.iter().map(|(key, rate)| worker.limiter.refund(key, Some(*rate), self.at));
            join_all(uses).await;
        });
        if tokio::time::timeout(REFUND, refunded).await.is_err() {
            tracing::debug!("a try is refunded later");
        }
    }
}

/// Whether the account is or was bound to the number.
fn knows(app: &AppState, user: &User, number: &str) -> bool {
    user.bind && user.student_id == number || user.known_numbers().contains(&app.pseudonyms.of(number))
}
