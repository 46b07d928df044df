//! `GET /api/me/accounts`: the other WeChat accounts that are bound to the caller's student number.
//! `DELETE /api/me/accounts/others` ends that.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    accounts::leaving::{end_ways_in, forget_bind},
    app::{App, AppState},
    config::Rate,
    error::ApiError,
    http::{
        auth::BoundStudent,
        captcha::Captcha,
        envelope::Envelope,
        extract::Query,
        openapi::{CaptchaWanted, Failures},
        text::{self, Text},
        tries::Try,
    },
    store::User,
};

/// How often an account may have its passwords confirmed by the campus: each time is a login there. One that stops at a
/// captcha sends no password and does not count; captchas have a limit of their own.
const CONFIRMATIONS: Rate = Rate { count: 5, period: Duration::from_hours(1) };

#[derive(Serialize, ToSchema)]
pub(super) struct Others {
    /// How many other accounts are bound to the caller's student number.
    count: usize,
    /// One entry for each, those bound first in front. Nothing tells whose they are.
    accounts: Vec<Other>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OtherAccount)]
struct Other {
    /// Since when (RFC 3339, UTC); `null` when it was bound before that was written down.
    bound_at: Option<String>,
}

/// How many other accounts are bound to the caller's student number, and since when.
#[utoipa::path(
    get,
    path = "/api/me/accounts",
    operation_id = "listOtherAccounts",
    tag = "account",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Others>, description = "the other accounts"), Failures)
)]
pub(super) async fn list(
    State(app): State<AppState>,
    BoundStudent(user): BoundStudent,
) -> Result<Envelope<Others>, ApiError> {
    let other =
        |other: User| Other { bound_at: other.bound_at().map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)) };
    let others = app.store.users.others_of_student(&user.student_id, &user.open_id).await?;
    let accounts: Vec<Other> = others.into_iter().map(other).collect();
    Ok(Envelope::ok("绑定帐号获取成功", Others { count: accounts.len(), accounts }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct Unbound {
    /// How many accounts were unbound.
    count: usize,
}

/// In the address: clients differ in what they do with the body of a DELETE.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct ConfirmationQuery {
    /// The captcha that is answered, as a 409 named it.
    #[serde(default, deserialize_with = "text::optional")]
    #[param(value_type = Option<String>, max_length = 32)]
    captcha_id: Option<Text<32>>,
    /// What the student read in it.
    #[serde(default, deserialize_with = "text::optional")]
    #[param(value_type = Option<String>, max_length = 16)]
    captcha: Option<Text<16>>,
}

/// What became of it.
enum Confirmed {
    /// This many accounts were unbound.
    Unbound(usize),
    /// None was: the campus wants this captcha to be read first.
    Stopped(Captcha),
}

/// Unbinds every other account from the caller's student number and ends its tokens, login codes and calendar subscription.
///
/// The campus is asked in this very request whether it takes the caller's stored passwords: 400 `WRONG_PASSWORD` when it
/// refuses them, 503 when it cannot be asked; nothing is unbound then. At most 5 times an hour.
///
/// Where the campus wants a captcha, the answer is 409 with the picture, and nothing is counted; the same request with
/// `captchaId` and `captcha` goes on with the login.
#[utoipa::path(
    delete,
    path = "/api/me/accounts/others",
    operation_id = "unbindOtherAccounts",
    tag = "account",
    security(("token" = [])),
    params(ConfirmationQuery),
    responses((status = 200, body = Envelope<Unbound>, description = "no other account is bound any more"), CaptchaWanted, Failures)
)]
pub(super) async fn unbind_others(
    State(app): State<AppState>,
    BoundStudent(user): BoundStudent,
    Query(query): Query<ConfirmationQuery>,
) -> Result<Response, ApiError> {
    let read = query.captcha_id.zip(query.captcha).map(|(Text(id), Text(read))| (id, read));
    let worker = app.clone();
    let confirmed = app.finish(async move { confirm_and_unbind(&worker, &user, read).await }).await?;
    Ok(match confirmed {
        Confirmed::Unbound(count) => Envelope::ok("其他帐号已解除绑定", Unbound { count }).into_response(),
        Confirmed::Stopped(captcha) => captcha.into_response(),
    })
}

async fn confirm_and_unbind(
    app: &AppState,
    user: &User,
    read: Option<(String, String)>,
) -> Result<Confirmed, ApiError> {
    let tried = Try::take(app, vec![(format!("confirmation/{}", user.open_id), Some(CONFIRMATIONS))]).await?;
    if let Some(captcha) = Captcha::of_login(app, user, read.is_some(), app.students.confirm(user, read)).await? {
        tried.refund(app).await;
        return Ok(Confirmed::Stopped(captcha));
    }
    let others = app.store.users.others_of_student(&user.student_id, &user.open_id).await?;
    for other in &others {
        end(app, other).await?;
    }
    Ok(Confirmed::Unbound(others.len()))
}

/// Its bind goes last: until then the account is found again when this is repeated.
async fn end(app: &App, other: &User) -> Result<(), ApiError> {
    // No token of it is at hand: those issued until now end.
    end_ways_in(app, &other.open_id, 0).await?;
    forget_bind(app, other).await
}
