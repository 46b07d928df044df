//! The university's one login (Supwisdom CAS): login page, captcha, login with a password or with the ticket cookie,
//! service tickets for EAMS, logout. UTF-8.

mod flow;
mod pages;
mod tickets;

use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use self::flow::{Attempt, CasSession};
pub(crate) use self::tickets::Redeemed;
use self::tickets::ServiceTicket;
use crate::call::{Call, Fields};
use crate::captcha::Captchas;
use crate::config::SimConfig;
use crate::faults::Mode;
use crate::gate::{Refused, Visit};
use crate::page;
use crate::sessions::{Sessions, cookie};
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};
use crate::world::lock;

pub use self::flow::CasCaptcha;

/// Path of the CAS's host.
pub(crate) const MOUNT: &str = "/cas";

/// Path of the pages, and of the cookies that belong to them.
const PAGES: &str = "/cas/cas";

/// Cookies: the session of the login page, the balancer's, the sign that a captcha is needed, the ticket.
const SESSION: &str = "JSESSIONID";
const BALANCER: &str = "INGRESSCOOKIE";
const CAPTCHA_SIGN: &str = "X_CAPTCHA";
const TICKET_COOKIE: &str = "CASTGC";

/// How long a captcha can be answered.
const CAPTCHA_LIFE: Duration = Duration::from_mins(5);

const LOGIN_PAGE: Operation = Operation::new(System::Cas, "login_page", Kind::Open);
const TICKET: Operation = Operation::new(System::Cas, "ticket", Kind::Page);
const LOGIN: Operation = Operation::new(System::Cas, "login", Kind::Open);
const LOGOUT: Operation = Operation::new(System::Cas, "logout", Kind::Open);
// A list to the faults, so that `empty` touches it: an answer without a picture.
const CAPTCHA: Operation = Operation::new(System::Cas, "captcha", Kind::List);

/// What the CAS remembers.
#[derive(Debug)]
pub(crate) struct CasState {
    /// Browsers that were shown the login page.
    sessions: Sessions<CasSession>,
    attempts: flow::Attempts,
    captchas: Captchas,
    /// Answers of captchas, by token.
    pub(crate) answers: Sessions<String>,
    /// What the captcha says that was shown last.
    pub(crate) last_answer: Mutex<Option<String>>,
    tickets: tickets::Tickets,
}

impl CasState {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            sessions: Sessions::new(config.session_ttl),
            attempts: flow::Attempts::default(),
            captchas: Captchas::new(config.seed, "cas"),
            answers: Sessions::new(CAPTCHA_LIFE),
            last_answer: Mutex::default(),
            tickets: tickets::Tickets::default(),
        }
    }

    /// From now on a captcha is needed at these times.
    pub(crate) fn set_captcha(&self, need: CasCaptcha) {
        self.attempts.set_captcha(need);
    }

    /// Ends all ticket cookies.
    pub(crate) fn expire_tickets(&self) {
        self.tickets.expire_cookies();
    }
}

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/cas/cas/login", get(login_page).post(login))
        .route("/cas/cas/logout", get(logout))
        .route("/cas/sso/apis/v2/open/captcha", get(captcha))
}

/// The student a service ticket stands for, if EAMS presents it for the service it was issued for.
pub(crate) fn redeem(sim: &Sim, ticket: &str, service: &str) -> Redeemed {
    let redeemed = sim.systems().cas.tickets.redeem(ticket, service);
    let outcome = if matches!(redeemed, Redeemed::Refused) { "tickets_refused" } else { "tickets_used" };
    sim.counter().outcome(System::Cas, outcome);
    redeemed
}

/// Where the CAS sends a browser for a ticket to this service.
pub(crate) fn login_address(sim: &Sim, call: &Call, service: &str) -> String {
    let service: String = form_urlencoded::byte_serialize(service.as_bytes()).collect();
    format!("{}{PAGES}/login?service={service}", sim.origin(System::Cas, call))
}

/// Why a request is none that a client of this CAS makes.
fn objection(sim: &Sim, call: &Call) -> Option<&'static str> {
    let service = call.query.get("service");
    let home = format!("{}/eams/", sim.origin(System::Eams, call));
    if !sim.is_at_home(System::Cas, call) {
        Some("the CAS goes by another host name")
    } else if !service.is_empty() && !service.starts_with(&home) {
        Some("the CAS knows no such service")
    } else {
        None
    }
}

async fn login_page(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    if let Some(why) = objection(&sim, &call) {
        return Ok(sim.unexpected(&call, why));
    }
    let ticket = cookie(&call.headers, TICKET_COOKIE);
    let operation = if ticket.is_some() { TICKET } else { LOGIN_PAGE };
    let visit = sim.admit(operation, &call.wire).await?;
    if visit.is_struck(Mode::Loop) {
        return Ok(same_address(&sim, &call));
    }
    let Some(ticket) = ticket else {
        return Ok(show_form(&sim, &call, &visit, Message::default()));
    };
    let tickets = &sim.systems().cas.tickets;
    if visit.expired {
        tickets.end_cookie(ticket);
    }
    let owner = if visit.is_struck(Mode::RefuseTicket) { None } else { tickets.owner(ticket) };
    let Some(student) = owner.and_then(|number| sim.student(&number)) else {
        sim.counter().outcome(System::Cas, "ticket.refused");
        return Ok(show_form(&sim, &call, &visit, Message::default()));
    };
    sim.counter().outcome(System::Cas, "ticket.ok");
    Ok(admitted(&sim, &call, &visit, student.number))
}

async fn login(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    if let Some(why) = objection(&sim, &call) {
        return Ok(sim.unexpected(&call, why));
    }
    let Some(form) = call.form() else {
        return Ok(sim.unexpected(&call, "a login is sent as application/x-www-form-urlencoded"));
    };
    if form.get("_eventId") != "submit" || form.get("source") != "cas" {
        return Ok(sim.unexpected(&call, "a login sends the hidden fields of its page back"));
    }
    if !form.get("password").is_empty() {
        sim.counter().outcome(System::Cas, "password_posts");
    }
    let visit = sim.admit(LOGIN, &call.wire).await?;
    if visit.is_struck(Mode::Loop) {
        return Ok(same_address(&sim, &call));
    }
    match check_login(&sim, &call.headers, &form, &visit) {
        Ok(number) => {
            sim.counter().outcome(System::Cas, "login.ok");
            let cookie = sim.systems().cas.tickets.open_cookie(&number);
            let mut response = admitted(&sim, &call, &visit, number);
            page::set_cookie(&mut response, &format!("{TICKET_COOKIE}={cookie}; Path={PAGES}; HttpOnly"));
            Ok(response)
        }
        Err((outcome, message)) => {
            sim.counter().outcome(System::Cas, outcome);
            Ok(show_form(&sim, &call, &visit, message))
        }
    }
}

/// What the login page says of the last try: a code and a text.
#[derive(Debug, Clone, Copy, Default)]
struct Message<'a> {
    code: &'a str,
    text: &'a str,
}

impl<'a> Message<'a> {
    const fn new(code: &'a str, text: &'a str) -> Self {
        Self { code, text }
    }
}

/// The number of the student, or what the login came to.
///
/// A page that is too old and a captcha decide before the password is looked at.
fn check_login<'v>(
    sim: &Sim,
    headers: &HeaderMap,
    form: &Fields,
    visit: &'v Visit<'_>,
) -> Result<String, (&'static str, Message<'v>)> {
    let state = &sim.systems().cas;
    if let Some(text) = &visit.says {
        return Err(("login.told", Message::new("", text)));
    }
    let session = cookie(headers, SESSION).unwrap_or_default();
    let flow = Attempt {
        ticket: form.get("lt"),
        execution: form.get("execution"),
        balancer: cookie(headers, BALANCER).unwrap_or_default(),
    };
    let known = state.sessions.with(session, |session| session.close_flow(&flow)).unwrap_or(false);
    if !known || visit.is_struck(Mode::FlowExpired) {
        return Err(("login.flow_expired", Message::new("TicketNotFound", "未能够识别出目标 ticket")));
    }
    let number = form.get("username");
    let (answer, token) = (form.get("captcha"), form.get("token"));
    if answer.is_empty() && token.is_empty() {
        if state.attempts.is_captcha_needed(number) {
            return Err(("login.no_captcha", Message::new("", "验证码不能为空")));
        }
    } else if !state.answers.take(token).is_some_and(|right| right.eq_ignore_ascii_case(answer.trim())) {
        return Err(("login.wrong_captcha", Message::new("", "验证码错误")));
    }
    if visit.is_struck(Mode::Locked) {
        return Err(("login.locked", Message::new("ACCOUNT_LOCKED", "账号已被锁定，请稍后再试")));
    }
    let student = sim.student(number).filter(|student| student.cas_password == form.get("password"));
    let Some(student) = student else {
        state.attempts.failed(number);
        state.sessions.with(session, CasSession::failed);
        return Err(("login.wrong_password", Message::new("INVALID_CREDENTIAL", "账号或密码错误")));
    };
    state.attempts.forget(number);
    Ok(student.number)
}

/// The login page, with a new flow of this browser's session.
fn show_form(sim: &Sim, call: &Call, visit: &Visit<'_>, message: Message<'_>) -> Response {
    let state = &sim.systems().cas;
    let known = state.sessions.of(&call.headers, SESSION, false);
    let id = known.map_or_else(|| state.sessions.open(CasSession::new()), ToOwned::to_owned);
    let shown = state.sessions.with(&id, |session| {
        let captcha = state.attempts.shows_captcha(session);
        (session.open_flow(), session.balancer.clone(), captcha)
    });
    // None only when sessions live for no time at all.
    let (flow, balancer, captcha) = shown.unwrap_or_default();
    let key = if visit.form(Mode::PublicKey).is_some() { pages::PUBLIC_KEY } else { "" };
    let mut response = page::utf8_html(&pages::login(&call.query, &flow, message.code, message.text, key));
    if known.is_none() {
        page::set_cookie(&mut response, &format!("{SESSION}={id}; Path={PAGES}; HttpOnly"));
        page::set_cookie(&mut response, &format!("{BALANCER}={balancer}; Path={MOUNT}; HttpOnly"));
    }
    if captcha {
        page::set_cookie(&mut response, &format!("{CAPTCHA_SIGN}=true; Path={PAGES}"));
    }
    response
}

/// The way back to the service with a ticket; without a service a page that says one is logged in.
fn admitted(sim: &Sim, call: &Call, visit: &Visit<'_>, number: String) -> Response {
    let service = call.query.get("service");
    if service.is_empty() {
        return page::utf8_html(pages::LOGGED_IN);
    }
    let good_for = visit.form(Mode::LateTicket).and_then(|fault| fault.millis).map(Duration::from_millis);
    let ticket = sim.systems().cas.tickets.issue(ServiceTicket::new(number, service, good_for));
    sim.counter().outcome(System::Cas, "tickets_issued");
    let joint = if service.contains('?') { '&' } else { '?' };
    page::found(&format!("{service}{joint}ticket={ticket}"))
}

fn same_address(sim: &Sim, call: &Call) -> Response {
    page::found(&format!("{}{}", sim.origin(System::Cas, call), call.uri))
}

async fn captcha(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    if !sim.is_at_home(System::Cas, &call) {
        return Ok(sim.unexpected(&call, "the CAS goes by another host name"));
    }
    let visit = sim.admit(CAPTCHA, &call.wire).await?;
    if visit.empty {
        return Ok(json_answer(&json!({"img": "", "token": ""})));
    }
    let state = &sim.systems().cas;
    let letters = call.query.get("type") == "ALPHABET" || call.query.find("captchaSize").is_some();
    let captcha = if letters { state.captchas.letters() } else { state.captchas.sum() };
    *lock(&state.last_answer) = Some(captcha.answer.clone());
    let token = state.answers.open(captcha.answer);
    let picture = BASE64_STANDARD.encode(captcha.jpeg);
    Ok(json_answer(&json!({"img": in_lines(&picture), "token": token})))
}

fn json_answer(value: &serde_json::Value) -> Response {
    page::bytes("application/json;charset=UTF-8", value.to_string())
}

/// Base64 in lines of 76 characters, as encoders for mail write it.
fn in_lines(text: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
    lines.join("\r\n")
}

async fn logout(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    if let Some(why) = objection(&sim, &call) {
        return Ok(sim.unexpected(&call, why));
    }
    let _visit = sim.admit(LOGOUT, &call.wire).await?;
    let tickets = &sim.systems().cas.tickets;
    if let Some(ticket) = cookie(&call.headers, TICKET_COOKIE).filter(|ticket| tickets.owner(ticket).is_some()) {
        tickets.end_cookie(ticket);
        sim.counter().outcome(System::Cas, "tickets_ended");
    }
    let service = call.query.get("service");
    let mut response = if service.is_empty() { page::utf8_html(pages::LOGGED_OUT) } else { page::found(service) };
    page::set_cookie(&mut response, &format!("{TICKET_COOKIE}=; Path={PAGES}; Max-Age=0; HttpOnly"));
    Ok(response)
}
