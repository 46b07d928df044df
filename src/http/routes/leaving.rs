//! Ending things: `POST /api/logout`, `DELETE /api/bind`, `DELETE /api/user`.

use std::time::Duration;

use axum::extract::State;

use crate::{
    accounts::leaving::{end_ways_in, forget, forget_bind},
    app::AppState,
    config::Rate,
    error::ApiError,
    http::{
        auth::{Caller, Student},
        envelope::{Done, Envelope},
        openapi::Failures,
    },
};

/// How often one WeChat user may delete his account: deleting it forgets what he used up of other limits.
const DELETIONS: Rate = Rate { count: 2, period: Duration::from_hours(24) };

/// Ends every way in that the caller's account has at present: its tokens, the login codes of the last five minutes, the
/// calendar subscription.
#[utoipa::path(
    post,
    path = "/api/logout",
    operation_id = "logOut",
    tag = "account",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Done>, description = "logged out everywhere"), Failures)
)]
pub(super) async fn logout(State(app): State<AppState>, caller: Caller) -> Result<Envelope<Done>, ApiError> {
    let user = caller.account(&app).await?.ok_or(ApiError::TokenInvalid)?;
    let worker = app.clone();
    let logged_out =
        async move { end_ways_in(&worker, &user.open_id, caller.issued_at).await?.ok_or(ApiError::TokenInvalid) };
    app.finish(logged_out).await?;
    Ok(Envelope::ok("已退出登录", Done {}))
}

/// Forgets the caller's campus accounts: passwords, campus sessions, and what they showed this account. What another account
/// that is bound to the same student number was shown stays.
#[utoipa::path(
    delete,
    path = "/api/bind",
    operation_id = "unbindCampusAccounts",
    tag = "account",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Done>, description = "nothing is bound any more"), Failures)
)]
pub(super) async fn unbind(State(app): State<AppState>, Student(user): Student) -> Result<Envelope<Done>, ApiError> {
    let worker = app.clone();
    app.finish(async move { forget_bind(&worker, &user).await }).await?;
    Ok(Envelope::ok("解除绑定成功", Done {}))
}

/// Deletes the caller's account and everything stored about him.
#[utoipa::path(
    delete,
    path = "/api/user",
    operation_id = "deleteAccount",
    tag = "account",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Done>, description = "nothing is left"), Failures)
)]
pub(super) async fn delete(State(app): State<AppState>, Student(user): Student) -> Result<Envelope<Done>, ApiError> {
    app.limiter.count(&format!("deletion/{}", app.pseudonyms.of(&user.open_id)), Some(DELETIONS)).await?;
    let worker = app.clone();
    app.finish(async move { forget(&worker, &user).await }).await?;
    Ok(Envelope::ok("帐号已注销", Done {}))
}
