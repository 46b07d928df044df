//! How often the campus may be asked for a login: passwords tried with `POST /api/bind`, captchas shown to an account. A try
//! is reserved before the campus is asked, so that however many are under way at once, no more reach it than the rates
//! allow. One of a password is refunded unless the campus refused it, one of a captcha unless the campus showed one.

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
#[must_use = "a try that turns out not to count is refunded"]
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
        Self::take(app, keys).await
    }

    /// Reserves a captcha that the account may be shown at a login as this student. Where no login stops at a captcha that
    /// the student must read, nothing is counted. `answers`: the login goes on with what the student has read. It may show
    /// one more, since a wrong answer brings another; else the last one could not be answered. Call it, and whatever
    /// follows, in a task of its own.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] after too many captchas of the account, [`ApiError::DatabaseUnavailable`].
    pub async fn reserve_captcha(
        app: &AppState,
        open_id: &str,
        student_id: &str,
        answers: bool,
    ) -> Result<Self, ApiError> {
        let rate = app.config.limits.captcha.filter(|_| app.students.is_shown_captchas(student_id));
        let rate = rate.map(|rate| Rate { count: rate.count + u32::from(answers), ..rate });
        Self::take(app, vec![(format!("captcha/{open_id}"), rate)]).await
    }

    /// Takes one use of each key that has a rate, or none.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] when one of the rates is used up, [`ApiError::DatabaseUnavailable`].
    pub(super) async fn take(app: &AppState, keys: Vec<(String, Option<Rate>)>) -> Result<Self, ApiError> {
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
