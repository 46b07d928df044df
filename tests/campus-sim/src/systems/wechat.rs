//! `WeChat`'s server API: login codes, access tokens, subscribe messages, the content check.

mod codes;
mod messages;
mod profile;
mod tokens;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::call::Call;
use crate::gate::{Refused, Visit};
use crate::outbox::{SentMessage, TextCheck};
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};

pub use profile::Encrypted;
pub(crate) use profile::{encrypt, session_key};

const CODE2SESSION: Operation = Operation::new(System::Wechat, "code2session", Kind::Api);
const STABLE_TOKEN: Operation = Operation::new(System::Wechat, "stable_token", Kind::Api);
const SUBSCRIBE_SEND: Operation = Operation::new(System::Wechat, "subscribe_send", Kind::Api);
const MSG_SEC_CHECK: Operation = Operation::new(System::Wechat, "msg_sec_check", Kind::Api);

/// What `WeChat` remembers.
#[derive(Debug, Default)]
pub(crate) struct WechatState {
    codes: codes::Codes,
    tokens: tokens::Tokens,
    subscriptions: messages::Subscriptions,
}

impl WechatState {
    pub(crate) fn mint_code(&self, openid: &str) -> String {
        self.codes.mint(openid)
    }

    pub(crate) fn expire_access_tokens(&self) {
        self.tokens.expire();
    }

    pub(crate) fn set_subscription(&self, openid: &str, template_id: &str, count: Option<u32>) {
        self.subscriptions.set(openid, template_id, count);
    }
}

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/wechat/sns/jscode2session", get(code2session))
        .route("/wechat/cgi-bin/stable_token", post(stable_token))
        .route("/wechat/cgi-bin/message/subscribe/send", post(subscribe_send))
        .route("/wechat/wxa/msg_sec_check", post(msg_sec_check))
}

/// An error as `WeChat` answers it: status 200, `errcode`, `errmsg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ApiError(i64, &'static str);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        answer(&json!({"errcode": self.0, "errmsg": format!("{}, rid: 5a1f0b2c-1d2e3f40-51627384", self.1)}))
    }
}

/// The real API sends its JSON as text/plain.
fn answer(value: &Value) -> Response {
    crate::page::bytes("text/plain", value.to_string())
}

fn known_text(errcode: i64) -> &'static str {
    match errcode {
        -1 => "system error",
        40001 => "invalid credential, access_token is invalid or not latest",
        40029 => "invalid code",
        40163 => "code been used",
        40226 => "code blocked",
        42001 => "access_token expired",
        43101 => "user refuse to accept the msg",
        45009 => "reach max api daily quota limit",
        45011 => "api minute-quota reach limit, must slower, retry next minute",
        61010 => "code is expired",
        _ => "error forced by the simulator",
    }
}

/// The app's credentials as every call without an access token sends them.
fn check_app(sim: &Sim, app_id: &str, secret: &str) -> Result<(), ApiError> {
    if app_id != sim.config().wechat_app_id {
        Err(ApiError(40013, "invalid appid"))
    } else if secret != sim.config().wechat_app_secret {
        Err(ApiError(40125, "invalid appsecret"))
    } else {
        Ok(())
    }
}

async fn code2session(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let visit = sim.admit(CODE2SESSION, &call.wire).await?;
    if let Some(errcode) = visit.errcode {
        return Ok(ApiError(errcode, known_text(errcode)).into_response());
    }
    if visit.empty {
        return Ok(answer(&json!({})));
    }
    Ok(match log_in(&sim, &call) {
        Ok(openid) => {
            let code = call.query.get("js_code");
            answer(&json!({"session_key": session_key(sim.config(), code), "openid": openid}))
        }
        Err(error) => error.into_response(),
    })
}

fn log_in(sim: &Sim, call: &Call) -> Result<String, ApiError> {
    check_app(sim, call.query.get("appid"), call.query.get("secret"))?;
    if call.query.get("grant_type") != "authorization_code" {
        return Err(ApiError(40002, "invalid grant_type"));
    }
    match call.query.get("js_code") {
        "" => Err(ApiError(41008, "missing code")),
        code => sim.systems().wechat.codes.redeem(code),
    }
}

async fn stable_token(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let visit = sim.admit(STABLE_TOKEN, &call.wire).await?;
    if let Some(errcode) = visit.errcode {
        return Ok(ApiError(errcode, known_text(errcode)).into_response());
    }
    if visit.empty {
        return Ok(answer(&json!({})));
    }
    let Some(body) = call.json() else {
        return Ok(ApiError(47001, "data format error").into_response());
    };
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    if let Err(error) = check_app(&sim, text("appid"), text("secret")) {
        return Ok(error.into_response());
    }
    if text("grant_type") != "client_credential" {
        return Ok(ApiError(40002, "invalid grant_type").into_response());
    }
    let (token, lives_for) = sim.systems().wechat.tokens.current(body["force_refresh"] == true);
    Ok(answer(&json!({"access_token": token, "expires_in": lives_for.as_secs()})))
}

/// The steps every call with an access token begins with: faults, token, body.
fn begin(sim: &Sim, call: &Call, visit: &Visit<'_>) -> Result<Value, Refused> {
    if let Some(errcode) = visit.errcode {
        return Err(ApiError(errcode, known_text(errcode)).into_response().into());
    }
    if visit.empty {
        return Err(answer(&json!({})).into());
    }
    let tokens = &sim.systems().wechat.tokens;
    let checked = if visit.expired { Err(tokens::EXPIRED) } else { tokens.check(call.query.get("access_token")) };
    checked.map_err(IntoResponse::into_response)?;
    call.json().ok_or_else(|| ApiError(47001, "data format error").into_response().into())
}

async fn subscribe_send(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let visit = sim.admit(SUBSCRIBE_SEND, &call.wire).await?;
    let body = begin(&sim, &call, &visit)?;
    let sent = messages::check(&body).and_then(|message| {
        sim.systems().wechat.subscriptions.take(message.openid, message.template_id)?;
        Ok(message)
    });
    Ok(match sent {
        Ok(message) => {
            sim.outbox().message(SentMessage {
                openid: message.openid.to_owned(),
                template_id: message.template_id.to_owned(),
                body: body.clone(),
            });
            answer(&json!({"errcode": 0, "errmsg": "ok"}))
        }
        Err(error) => error.into_response(),
    })
}

async fn msg_sec_check(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let visit = sim.admit(MSG_SEC_CHECK, &call.wire).await?;
    let body = begin(&sim, &call, &visit)?;
    Ok(match messages::judge(&body) {
        Ok(verdict) => {
            sim.outbox().check(TextCheck {
                openid: verdict.openid.to_owned(),
                content: verdict.content.to_owned(),
                suggest: verdict.suggest,
            });
            answer(&json!({
                "errcode": 0,
                "errmsg": "ok",
                "trace_id": "5a1f0b2c-1d2e3f40-51627384",
                "result": {"suggest": verdict.suggest, "label": verdict.label},
            }))
        }
        Err(error) => error.into_response(),
    })
}
