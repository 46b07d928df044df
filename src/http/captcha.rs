//! A captcha as the API shows it to the student who must read it.

use axum::response::{IntoResponse, Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    app::{App, AppState},
    campus::{captcha::Challenge, session::Session},
    error::ApiError,
    http::tries::Try,
    store::User,
    students::{Opened, StudentError},
};

/// A captcha.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Captcha {
    /// Names it in the request that answers it.
    id: String,
    /// `picture`: letters, digits or a sum to be read.
    kind: &'static str,
    /// The picture as a `data:` address.
    image: String,
    /// Until when it can be answered, RFC 3339 in UTC.
    expires_at: String,
    /// Whether the answer to the one before was wrong.
    wrong: bool,
}

impl Captcha {
    /// Keeps a login until the student has read the captcha at which it stopped, and gives what he is shown. The captcha
    /// was reserved before the login ([`Try::reserve_captcha`]).
    ///
    /// # Errors
    /// [`ApiError::DatabaseUnavailable`].
    pub async fn ask(
        app: &App,
        open_id: &str,
        student_id: &str,
        session: &Session,
        challenge: &Challenge,
    ) -> Result<Self, ApiError> {
        let waiting = app.students.wait_for_answer(open_id, student_id, session, challenge).await?;
        Ok(Self {
            id: waiting.id,
            kind: "picture",
            image: format!("data:{};base64,{}", challenge.media_type, BASE64_STANDARD.encode(&challenge.picture)),
            expires_at: waiting.expires_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            wrong: challenge.wrong,
        })
    }

    /// Does a login of `user`, unless he was shown too many captchas: then the campus is not asked. The captcha at which the
    /// login stopped; `None` when it is done. `answers`: it goes on with what the student has read. Call it in a task of its
    /// own.
    ///
    /// # Errors
    /// Those of `login`; [`ApiError::RateLimited`] after too many captchas of the account, [`ApiError::DatabaseUnavailable`].
    pub async fn of_login(
        app: &AppState,
        user: &User,
        answers: bool,
        login: impl Future<Output = Result<Opened, StudentError>>,
    ) -> Result<Option<Self>, ApiError> {
        let (open_id, student_id) = (user.open_id.as_str(), user.student_id.as_str());
        let reserved = Try::reserve_captcha(app, open_id, student_id, answers).await?;
        let done = match login.await {
            Ok(Opened::Stopped(session, challenge)) => {
                return Self::ask(app, open_id, student_id, &session, &challenge).await.map(Some);
            }
            Ok(Opened::Yes) => Ok(None),
            Err(error) => Err(ApiError::from(error)),
        };
        reserved.refund(app).await;
        done
    }
}

/// 409 with the captcha in `data`.
impl IntoResponse for Captcha {
    fn into_response(self) -> Response {
        ApiError::CaptchaRequired.with_data(Some(json!({ "captcha": self })))
    }
}
