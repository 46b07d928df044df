//! `POST /api/login`: from a WeChat login code to a token.

use std::time::Duration;

use axum::{Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        envelope::Envelope,
        extract::Body,
        text::{self, Text},
    },
    store::{EditableField, SignIn},
    wechat::{Login, WechatError},
};

/// A code that WeChat calls used may be in the hands of another replica right now: how often and how long we look for
/// what it made of it.
const TWIN_LOOKS: u32 = 10;
const TWIN_PAUSE: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    code: Text<256>,
    #[serde(default, deserialize_with = "text::optional")]
    encrypted_data: Option<Text<8192>>,
    #[serde(default, deserialize_with = "text::optional")]
    iv: Option<Text<64>>,
}

#[derive(Serialize)]
struct Token {
    token: String,
    bind: bool,
}

async fn login(State(app): State<AppState>, Body(input): Body<Input>) -> Result<Envelope<Token>, ApiError> {
    let worker = app.clone();
    let (open_id, sign_in) = app.finish(async move { sign_in(&worker, input).await }).await?;
    let token = Token { token: app.tokens.issue(&open_id, &sign_in.nick_name)?, bind: sign_in.bind };
    Ok(if sign_in.created { Envelope::created("注册成功", token) } else { Envelope::ok("登录成功", token) })
}

/// Exchanges the code and makes or finds the account. A code is remembered before the account is touched, so that a
/// login that breaks off half-way is completed when it is repeated.
async fn sign_in(app: &AppState, input: Input) -> Result<(String, SignIn), ApiError> {
    let Text(code) = &input.code;
    if let Some(known) = repeated(app, code).await? {
        return Ok(known);
    }
    let login = match app.wechat.code_to_session(code).await {
        Ok(login) => login,
        Err(WechatError::CodeUsed) => return twin(app, code).await?.ok_or(ApiError::WechatCodeInvalid),
        Err(e) => return Err(e.into()),
    };
    app.store.login_codes.remember(code, &login.open_id, &app.clock).await?;
    let profile = profile(app, &login, &input);
    let sign_in = app.store.users.sign_in(&login.open_id, code, &profile, app.clock.now()).await?;
    Ok((login.open_id, sign_in))
}

/// The answer to a code that logged somebody in within the last five minutes.
async fn repeated(app: &AppState, code: &str) -> Result<Option<(String, SignIn)>, ApiError> {
    let Some(known) = app.store.login_codes.find(code).await? else { return Ok(None) };
    let sign_in = app.store.users.sign_in(&known.open_id, code, &[], app.clock.now()).await?;
    Ok(Some((known.open_id, sign_in)))
}

/// Waits a moment for the same code being exchanged elsewhere.
async fn twin(app: &AppState, code: &str) -> Result<Option<(String, SignIn)>, ApiError> {
    for _ in 0..TWIN_LOOKS {
        if let Some(known) = repeated(app, code).await? {
            return Ok(Some(known));
        }
        tokio::time::sleep(TWIN_PAUSE).await;
    }
    Ok(None)
}

fn profile(app: &AppState, login: &Login, input: &Input) -> Vec<(EditableField, String)> {
    let (Some(Text(data)), Some(Text(iv))) = (&input.encrypted_data, &input.iv) else { return Vec::new() };
    let Some(profile) = app.wechat.profile(login, data, iv) else { return Vec::new() };
    let mut fields = vec![(EditableField::NickName, profile.nick_name)];
    if profile.avatar_url.starts_with("https://") {
        fields.push((EditableField::AvatarUrl, profile.avatar_url));
    }
    fields
}

pub fn router() -> Router<AppState> {
    Router::new().route("/api/login", post(login))
}
