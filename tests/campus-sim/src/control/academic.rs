//! CAS and academic systems, over HTTP.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, put};
use serde::Deserialize;
use serde_json::json;

use super::answers::Problem;
use super::requests::body;
use super::{Answer, done, shown, system};
use crate::call::Call;
use crate::sim::Sim;

pub(super) fn router() -> Router<Sim> {
    Router::new()
        .route("/_sim/cas/captcha", put(set_captcha))
        .route("/_sim/cas/captcha/{token}", get(cas_answer))
        .route("/_sim/eams/captcha/{session}", get(eams_answer))
        .route("/_sim/jwglxt/captcha", put(set_jwglxt_captcha))
        .route("/_sim/jwglxt/captcha/{session}", get(jwglxt_answer))
        .route("/_sim/pace/{system}", put(set_pace))
        .route("/_sim/one-login/{system}", put(set_one_login))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaptchaOrder {
    need: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JwglxtCaptchaOrder {
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PaceOrder {
    millis: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneLoginOrder {
    on: bool,
}

async fn set_captcha(State(sim): State<Sim>, call: Call) -> Answer {
    let order: CaptchaOrder = body(&call)?;
    sim.set_cas_captcha(order.need.parse().map_err(Problem::bad_request)?);
    Ok(done())
}

fn answer(answer: Option<String>) -> Result<Response, Problem> {
    answer
        .map(|answer| shown(&json!({"answer": answer})))
        .ok_or_else(|| Problem::not_found("there is no such captcha, or it was answered".to_owned()))
}

async fn cas_answer(State(sim): State<Sim>, Path(token): Path<String>) -> Answer {
    answer(sim.cas_captcha_answer(&token))
}

async fn eams_answer(State(sim): State<Sim>, Path(session): Path<String>) -> Answer {
    answer(sim.eams_captcha_answer(&session))
}

async fn set_jwglxt_captcha(State(sim): State<Sim>, call: Call) -> Answer {
    let order: JwglxtCaptchaOrder = body(&call)?;
    sim.set_jwglxt_captcha(order.kind.parse().map_err(Problem::bad_request)?);
    Ok(done())
}

async fn jwglxt_answer(State(sim): State<Sim>, Path(session): Path<String>) -> Answer {
    answer(sim.jwglxt_captcha_answer(&session))
}

async fn set_pace(State(sim): State<Sim>, Path(name): Path<String>, call: Call) -> Answer {
    let (system, order): (_, PaceOrder) = (system(&name)?, body(&call)?);
    let pace = order.millis.map(Duration::from_millis);
    sim.try_set_pace(system, pace).map_err(Problem::bad_request)?;
    Ok(done())
}

async fn set_one_login(State(sim): State<Sim>, Path(name): Path<String>, call: Call) -> Answer {
    let (system, order): (_, OneLoginOrder) = (system(&name)?, body(&call)?);
    sim.try_set_one_login(system, order.on).map_err(Problem::bad_request)?;
    Ok(done())
}
