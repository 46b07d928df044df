//! `POST /api/session`: opens the session at the academic system again, where that takes a captcha to be read.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::BoundStudent,
        captcha::Captcha,
        envelope::Envelope,
        extract::Body,
        openapi::{CaptchaWanted, Failures},
        text::{self, Text},
    },
};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionInput {
    /// The captcha that is answered, as a 409 named it.
    #[serde(default, deserialize_with = "text::optional")]
    captcha_id: Option<Text<32>>,
    /// What the student read in it.
    #[serde(default, deserialize_with = "text::optional")]
    captcha: Option<Text<16>>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    open: bool,
}

/// Opens the caller's session at the academic system with the stored password.
///
/// For answers whose `meta.reason` is `CAPTCHA_REQUIRED`. Where the system wants a captcha, the answer is 409 with the
/// picture; a second request with `captchaId` and `captcha` goes on with the login.
#[utoipa::path(
    post,
    path = "/api/session",
    operation_id = "openCampusSession",
    tag = "account",
    security(("token" = [])),
    request_body(content((SessionInput = "application/x-www-form-urlencoded"), (SessionInput = "application/json"))),
    responses((status = 200, body = Envelope<Session>, description = "open"), CaptchaWanted, Failures)
)]
pub(super) async fn open(
    State(app): State<AppState>,
    BoundStudent(user): BoundStudent,
    Body(input): Body<SessionInput>,
) -> Result<Response, ApiError> {
    let read = input.captcha_id.zip(input.captcha).map(|(Text(id), Text(read))| (id, read));
    let worker = app.clone();
    let opened = async move {
        Captcha::of_login(&worker, &user, read.is_some(), worker.students.open_session(&user, read)).await
    };
    Ok(match app.finish(opened).await? {
        None => Envelope::ok("已登录学校系统", Session { open: true }).into_response(),
        Some(captcha) => captcha.into_response(),
    })
}
