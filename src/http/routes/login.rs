//! `POST /api/login`: from a WeChat login code to a token.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        client_address::ClientAddress,
        envelope::Envelope,
        extract::Body,
        openapi::Failures,
        text::{self, Text},
    },
    limiter::LoginTurn,
    store::{EditableField, LoginCode, SignIn, eventually},
    wechat::{Login, WechatError},
};

/// A code that WeChat calls used may be in the hands of another replica right now: we look for what it made of it after
/// these pauses. Together longer than a replica may need to find a new primary and remember the code there (a second to
/// hear of it, half a second between two tries, see [`eventually`]).
const TWIN_PAUSES: [u64; 6] = [0, 100, 200, 400, 800, 1600];

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginInput {
    /// What `wx.login` gave.
    code: Text<256>,
    #[serde(default, deserialize_with = "text::optional")]
    encrypted_data: Option<Text<8192>>,
    #[serde(default, deserialize_with = "text::optional")]
    iv: Option<Text<64>>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Token {
    token: String,
    bind: bool,
}

/// Logs in with a WeChat login code.
#[utoipa::path(
    post,
    path = "/api/login",
    operation_id = "logIn",
    tag = "account",
    request_body(content((LoginInput = "application/x-www-form-urlencoded"), (LoginInput = "application/json"))),
    responses(
        (status = 200, body = Envelope<Token>, description = "known user"),
        (status = 201, body = Envelope<Token>, description = "first login"),
        Failures
    )
)]
pub(super) async fn login(
    State(app): State<AppState>,
    ClientAddress(address): ClientAddress,
    Body(input): Body<LoginInput>,
) -> Result<Envelope<Token>, ApiError> {
    let turn = app.login_limit.turn(address).await?;
    let worker = app.clone();
    let (open_id, sign_in) = app.finish(async move { sign_in(&worker, input, turn).await }).await?;
    let token = app.tokens.issue(&open_id, &sign_in.nick_name, sign_in.issued_at)?;
    let token = Token { token, bind: sign_in.bind };
    Ok(if sign_in.created { Envelope::created("注册成功", token) } else { Envelope::ok("登录成功", token) })
}

/// Exchanges the code and makes or finds the account. A code is remembered before the account is touched, so that a
/// login that breaks off half-way is completed when it is repeated.
async fn sign_in(app: &AppState, input: LoginInput, mut turn: LoginTurn) -> Result<(String, SignIn), ApiError> {
    let Text(code) = &input.code;
    if let Some(known) = repeated(app, code).await? {
        return Ok(known);
    }
    let login = match app.wechat.code_to_session(code).await {
        Ok(login) => login,
        Err(WechatError::CodeUsed) => {
            app.login_limit.refused(&mut turn).await;
            let known = twin(app, code).await?.ok_or(ApiError::WechatCodeInvalid)?;
            app.login_limit.refund(&mut turn).await;
            return Ok(known);
        }
        Err(e @ (WechatError::CodeInvalid | WechatError::UserRefused)) => {
            app.login_limit.refused(&mut turn).await;
            return Err(e.into());
        }
        Err(e) => return Err(e.into()),
    };
    turn.judged();
    metrics::counter!("login_codes_total", "outcome" => "accepted").increment(1);
    if let Err(error) = app.store.login_codes.remember(code, &login.open_id).await {
        // WeChat does not take the code again, the client may send it again.
        let (worker, code) = (app.clone(), code.clone());
        let remember = move || {
            let (worker, code, open_id) = (worker.clone(), code.clone(), login.open_id.clone());
            async move { worker.store.login_codes.remember(&code, &open_id).await }
        };
        app.tasks.spawn(eventually("remember a login code: the client has to get another one", remember));
        return Err(error.into());
    }
    let sign_in = enter(app, &login.open_id, code, &profile(app, &login, &input)).await?;
    Ok((login.open_id, sign_in))
}

/// Makes or finds the account. One that was deleted before does not take its former tokens back.
async fn enter(
    app: &AppState,
    open_id: &str,
    code: &str,
    profile: &[(EditableField, String)],
) -> Result<SignIn, ApiError> {
    let revoked = app.store.revocations.find(&app.pseudonyms.of(open_id)).await?;
    let revoked = revoked.map(|revocation| revocation.valid_after());
    Ok(app.store.users.sign_in(open_id, code, profile, revoked, app.clock.now()).await?)
}

/// The answer to a code that logged somebody in within the last five minutes.
async fn repeated(app: &AppState, code: &str) -> Result<Option<(String, SignIn)>, ApiError> {
    let Some(known) = app.store.login_codes.find(code).await? else { return Ok(None) };
    again(app, code, known).await.map(Some)
}

async fn again(app: &AppState, code: &str, known: LoginCode) -> Result<(String, SignIn), ApiError> {
    let sign_in = enter(app, &known.open_id, code, &[]).await?;
    Ok((known.open_id, sign_in))
}

/// Waits a moment for the same code being exchanged elsewhere.
async fn twin(app: &AppState, code: &str) -> Result<Option<(String, SignIn)>, ApiError> {
    for pause in TWIN_PAUSES {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if let Some(known) = app.store.login_codes.find_unconfirmed(code).await? {
            return again(app, code, known).await.map(Some);
        }
    }
    Ok(None)
}

fn profile(app: &AppState, login: &Login, input: &LoginInput) -> Vec<(EditableField, String)> {
    let (Some(Text(data)), Some(Text(iv))) = (&input.encrypted_data, &input.iv) else { return Vec::new() };
    let Some(profile) = app.wechat.profile(login, data, iv) else { return Vec::new() };
    let mut fields = vec![(EditableField::NickName, profile.nick_name)];
    if profile.avatar_url.starts_with("https://") {
        fields.push((EditableField::AvatarUrl, profile.avatar_url));
    }
    fields
}
