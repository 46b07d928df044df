//! The control API under `/_sim`: everything that [`crate::Sim`] can do, over HTTP in JSON.

mod academic;
mod answers;
mod feeds;
mod requests;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use self::answers::Problem;
use self::requests::{
    CaptchaOrder, CodeOrder, EncryptOrder, ExpireOrder, StudentChange, SubscriptionOrder, body, page_of_list,
};
use crate::call::Call;
use crate::faults::Fault;
use crate::outbox::Issue;
use crate::sim::Sim;
use crate::system::System;
use crate::systems::vpn::{RSA_EXPONENT, RSA_MODULUS_HEX};

type Answer = Result<Response, Problem>;

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/_sim/healthz", get(async || Json(json!({"status": "ok"}))))
        .route("/_sim/rsa", get(async || Json(json!({"modulus": RSA_MODULUS_HEX, "exponent": RSA_EXPONENT}))))
        .route("/_sim/students", get(list_students).post(put_student))
        .route("/_sim/students/{number}", get(show_student).delete(remove_student))
        .route("/_sim/faults", get(list_faults).delete(clear_faults))
        .route("/_sim/faults/{system}", put(set_fault).delete(clear_fault))
        .route("/_sim/counts", get(counts).delete(reset_counts))
        .route("/_sim/sessions/expire", post(expire_sessions))
        .route("/_sim/captcha", post(captcha))
        .route("/_sim/captcha/{session}", get(captcha_answer))
        .route("/_sim/sent", get(sent).delete(clear_sent))
        .merge(feeds::router())
        .merge(academic::router())
        .route("/_sim/github/issues", put(put_issue))
        .route("/_sim/wechat/codes", post(mint_code))
        .route("/_sim/wechat/encrypt", post(encrypt))
        .route("/_sim/wechat/tokens/expire", post(expire_tokens))
        .route("/_sim/wechat/subscriptions", put(subscriptions))
        .route("/_sim", get(unknown))
        .route("/_sim/{*path}", get(unknown).fallback(unknown))
        .method_not_allowed_fallback(method_not_allowed)
}

fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn shown(value: &impl serde::Serialize) -> Response {
    Json(value).into_response()
}

async fn unknown(call: Call) -> Problem {
    Problem::not_found(format!("the control API has no {}", call.line()))
}

async fn method_not_allowed(State(sim): State<Sim>, call: Call) -> Response {
    if call.uri.path().starts_with("/_sim") {
        return Problem::method_not_allowed(format!("not allowed: {}", call.line())).into_response();
    }
    sim.unexpected(&call, "no system answers this method there")
}

async fn list_students(State(sim): State<Sim>, call: Call) -> Answer {
    let (offset, limit) = page_of_list(&call.query)?;
    let students: Vec<Value> = sim.world().students(offset, limit).map(|student| answers::summary(&student)).collect();
    Ok(shown(&students))
}

async fn show_student(State(sim): State<Sim>, Path(number): Path<String>) -> Answer {
    sim.student(&number).map(|student| shown(&student)).ok_or_else(|| Problem::no_student(&number))
}

async fn put_student(State(sim): State<Sim>, call: Call) -> Answer {
    let change: StudentChange = body(&call)?;
    let student = change.apply(&sim)?;
    let new = sim.world().put(student.clone());
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(student)).into_response())
}

async fn remove_student(State(sim): State<Sim>, Path(number): Path<String>) -> Answer {
    if sim.world().remove(&number) { Ok(done()) } else { Err(Problem::no_student(&number)) }
}

fn system(name: &str) -> Result<System, Problem> {
    name.parse().map_err(Problem::not_found)
}

async fn list_faults(State(sim): State<Sim>) -> Response {
    let faults: Vec<_> = crate::world::lock(sim.faults())
        .all()
        .iter()
        .map(|(system, fault)| json!({"system": system, "fault": fault}))
        .collect();
    shown(&faults)
}

async fn set_fault(State(sim): State<Sim>, Path(name): Path<String>, call: Call) -> Answer {
    let system = system(&name)?;
    let fault: Fault = body(&call)?;
    sim.try_set_fault(system, fault).map_err(Problem::bad_request)?;
    Ok(done())
}

async fn clear_fault(State(sim): State<Sim>, Path(name): Path<String>) -> Answer {
    sim.clear_fault(system(&name)?);
    Ok(done())
}

async fn clear_faults(State(sim): State<Sim>) -> Response {
    sim.clear_faults();
    done()
}

async fn counts(State(sim): State<Sim>) -> Response {
    shown(&sim.counts())
}

async fn reset_counts(State(sim): State<Sim>) -> Response {
    sim.reset_counts();
    done()
}

async fn expire_sessions(State(sim): State<Sim>, call: Call) -> Answer {
    let order = if call.body.is_empty() { ExpireOrder::default() } else { body(&call)? };
    let system = order.system.as_deref().map(str::parse).transpose().map_err(Problem::bad_request)?;
    sim.expire_sessions(system);
    Ok(done())
}

async fn captcha(State(sim): State<Sim>, call: Call) -> Answer {
    let order: CaptchaOrder = body(&call)?;
    sim.reject_captchas(order.reject_next);
    Ok(done())
}

async fn captcha_answer(State(sim): State<Sim>, Path(session): Path<String>) -> Answer {
    let answer = sim.captcha_answer(&session);
    answer
        .map(|answer| shown(&json!({"answer": answer})))
        .ok_or_else(|| Problem::not_found("this VPN session does not exist or was shown no captcha".to_owned()))
}

async fn sent(State(sim): State<Sim>) -> Response {
    shown(&sim.sent())
}

async fn clear_sent(State(sim): State<Sim>) -> Response {
    sim.clear_sent();
    done()
}

async fn put_issue(State(sim): State<Sim>, call: Call) -> Answer {
    let issue: Issue = body(&call)?;
    sim.put_issue(issue);
    Ok(done())
}

async fn mint_code(State(sim): State<Sim>, call: Call) -> Answer {
    let order: CodeOrder = body(&call)?;
    Ok(shown(&json!({"code": sim.wechat_code(&order.openid)})))
}

async fn encrypt(State(sim): State<Sim>, call: Call) -> Answer {
    let order: EncryptOrder = body(&call)?;
    let code = match (order.code, order.openid) {
        (Some(code), None) => code,
        (None, Some(openid)) => sim.wechat_code(&openid),
        _ => return Err(Problem::bad_request("give 'code', or 'openid' to have one minted".to_owned())),
    };
    let sent = sim.wechat_encrypt(&code, &Value::Object(order.profile));
    Ok(shown(&json!({"code": code, "encryptedData": sent.encrypted_data, "iv": sent.iv})))
}

async fn expire_tokens(State(sim): State<Sim>) -> Response {
    sim.expire_access_tokens();
    done()
}

async fn subscriptions(State(sim): State<Sim>, call: Call) -> Answer {
    let order: SubscriptionOrder = body(&call)?;
    sim.set_subscription(&order.openid, &order.template_id, order.count);
    Ok(done())
}
