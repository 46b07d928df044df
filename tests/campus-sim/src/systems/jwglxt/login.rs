//! Login: token of the page, encrypted password, captcha.

use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::{BALANCER, COOKIE, Installation, JwglxtCaptcha, JwglxtSession, login_page as form_page};
use crate::call::{Call, Fields};
use crate::faults::Mode;
use crate::gate::Refused;
use crate::page;
use crate::sessions::cookie;
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};
use crate::systems::vpn;

const LOGIN_PAGE: Operation = Operation::new(System::Jwglxt, "login_page", Kind::Open);
const PUBLIC_KEY: Operation = Operation::new(System::Jwglxt, "public_key", Kind::Open);
const CAPTCHA: Operation = Operation::new(System::Jwglxt, "captcha", Kind::Open);
const LOGIN: Operation = Operation::new(System::Jwglxt, "login", Kind::Open);

/// What the login page says of the last try.
const WRONG_PASSWORD: &str = "用户名或密码不正确，请重新输入！";
const WRONG_CAPTCHA: &str = "验证码输入错误！";
const NO_SLIDER: &str = "请先滑动图片进行验证！";
const LOCKED: &str = "用户已被锁定，请10分钟后再试！";

fn set_cookies(response: &mut Response, here: Installation, id: &str, balancer: &str) {
    page::set_cookie(response, &format!("{COOKIE}={id}; Path={}; HttpOnly", here.mount));
    page::set_cookie(response, &format!("{BALANCER}={balancer}; Path={}", here.mount));
}

/// The login page; a browser without a session gets one.
pub(super) fn show_form(sim: &Sim, call: &Call, here: Installation, message: &str) -> Response {
    let state = &sim.systems().jwglxt;
    let known = state.sessions.of(&call.headers, COOKIE, false);
    let id = known.map_or_else(|| state.sessions.open(JwglxtSession::new()), ToOwned::to_owned);
    let shown = state.sessions.with(&id, |session| (session.token.clone(), session.balancer.clone()));
    let (token, balancer) = shown.unwrap_or_default();
    let mut response = page::utf8_html(&form_page::form(here.mount, &token, state.captcha(), message));
    if known.is_none() {
        set_cookies(&mut response, here, &id, &balancer);
    }
    response
}

pub(super) async fn login_page(sim: &Sim, call: &Call, here: Installation) -> Result<Response, Refused> {
    let _visit = sim.admit(LOGIN_PAGE, &call.wire).await?;
    Ok(show_form(sim, call, here, ""))
}

/// The key that passwords are encrypted with, as big-endian numbers; the modulus has the usual zero byte in front.
pub(super) async fn public_key(sim: &Sim, call: &Call) -> Result<Response, Refused> {
    let _visit = sim.admit(PUBLIC_KEY, &call.wire).await?;
    let mut modulus = vec![0];
    modulus.extend(vpn::modulus());
    let exponent = &vpn::RSA_EXPONENT.to_be_bytes()[1..];
    Ok(super::json(&json!({"modulus": BASE64_STANDARD.encode(modulus), "exponent": BASE64_STANDARD.encode(exponent)})))
}

pub(super) async fn picture(sim: &Sim, call: &Call) -> Result<Response, Refused> {
    let _visit = sim.admit(CAPTCHA, &call.wire).await?;
    let state = &sim.systems().jwglxt;
    let captcha = state.captchas.letters();
    let id = cookie(&call.headers, COOKIE).unwrap_or_default();
    state.sessions.with(id, |session| session.picture = Some(captcha.answer));
    Ok(page::bytes("image/jpeg", captcha.jpeg))
}

pub(super) async fn login(sim: &Sim, call: &Call, here: Installation, form: &Fields) -> Result<Response, Refused> {
    if !form.get("mm").is_empty() {
        sim.counter().outcome(System::Jwglxt, "password_posts");
    }
    let visit = sim.admit(LOGIN, &call.wire).await?;
    let state = &sim.systems().jwglxt;
    let id = cookie(&call.headers, COOKIE).unwrap_or_default();
    let balancer = cookie(&call.headers, BALANCER).unwrap_or_default();
    let known =
        state.sessions.with(id, |session| session.token == form.get("csrftoken") && session.balancer == balancer);
    // A firewall throws the login away, or another machine answers that does not know the page.
    if visit.is_struck(Mode::FirstPostLost) || known != Some(true) {
        sim.counter().outcome(System::Jwglxt, "login.lost");
        return Ok(page::found(&here.address(sim, call, "xtgl/login_slogin.html")));
    }
    let refused = match &visit.says {
        Some(text) => Some(("login.told", text.as_str())),
        None => captcha_refusal(sim, id, form),
    };
    let refused = refused.or(visit.is_struck(Mode::Locked).then_some(("login.locked", LOCKED)));
    let number = match refused {
        Some(_) => None,
        None => check_password(sim, here, form).await,
    };
    let Some(number) = number else {
        let (outcome, message) = refused.unwrap_or(("login.wrong_password", WRONG_PASSWORD));
        sim.counter().outcome(System::Jwglxt, outcome);
        return Ok(show_form(sim, call, here, message));
    };
    sim.counter().outcome(System::Jwglxt, "login.ok");
    state.sessions.close(id);
    let id = state.sessions.open(JwglxtSession::of(number, balancer.to_owned()));
    let mut response = page::found(&here.address(sim, call, "xtgl/index_initMenu.html?jsdm=xs&_t=1790000000000"));
    set_cookies(&mut response, here, &id, balancer);
    Ok(response)
}

/// What is wrong with the captcha, if one is wanted; it is used up.
fn captcha_refusal(sim: &Sim, id: &str, form: &Fields) -> Option<(&'static str, &'static str)> {
    let state = &sim.systems().jwglxt;
    let shown = state.sessions.with(id, |session| (session.picture.take(), session.slider.take()));
    let (picture, slider) = shown.unwrap_or_default();
    match state.captcha() {
        JwglxtCaptcha::Picture
            if picture.as_deref().is_none_or(|right| !right.eq_ignore_ascii_case(form.get("yzm"))) =>
        {
            Some(("login.wrong_captcha", WRONG_CAPTCHA))
        }
        JwglxtCaptcha::Slider if slider.as_ref().is_none_or(|slider| !slider.is_verified()) => {
            Some(("login.no_captcha", NO_SLIDER))
        }
        _ => None,
    }
}

/// The number of the student, if the password is his.
async fn check_password(sim: &Sim, here: Installation, form: &Fields) -> Option<String> {
    let student = here.student(sim, form.get("yhm"))?;
    let block = BASE64_STANDARD.decode(form.get("mm")).ok()?;
    // Decrypting takes long enough to be kept off the threads that serve.
    let password = tokio::task::spawn_blocking(move || vpn::decrypt_block(&block)).await.ok()??;
    (password == student.zf_password.as_bytes()).then_some(student.number)
}
