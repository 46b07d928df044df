//! The way in through the CAS, and back.

use std::fmt::Write as _;

use axum::response::Response;

use super::own_login::{self, Style};
use super::session::{EamsSession, Found};
use super::{COOKIE, MOUNT, action_of};
use crate::call::Call;
use crate::gate::Refused;
use crate::page;
use crate::sessions::cookie;
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};
use crate::systems::cas::{self, Redeemed};

const START: Operation = Operation::new(System::Eams, "start", Kind::Open);
const TICKET: Operation = Operation::new(System::Eams, "ticket", Kind::Open);

/// The address of a request as the CAS knows it: without ticket and session id.
fn service(sim: &Sim, call: &Call) -> String {
    let mut address = format!("{}{MOUNT}/{}", sim.origin(System::Eams, call), action_of(call));
    let rest = call.query.pairs().iter().filter(|(name, _)| name != "ticket");
    for (index, (name, value)) in rest.enumerate() {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        address.push(if index == 0 { '?' } else { '&' });
        let _ = write!(address, "{}={}", encode(name), encode(value));
    }
    address
}

/// Adds the cookies of a new session.
pub(super) fn set_cookies(response: &mut Response, id: &str) {
    page::set_cookie(response, &format!("{COOKIE}={id}; Path={MOUNT}; HttpOnly"));
    page::set_cookie(response, &format!("GSESSIONID={id}; Path={MOUNT}; HttpOnly"));
    page::set_cookie(response, &format!("SVRNAME=xk1; Path={MOUNT}"));
}

/// The way to the CAS for the address that was asked for. A browser without a session gets one, but not where it comes
/// from the CAS: then it goes round for ever, as everybody does who enters at the CAS.
fn to_cas(sim: &Sim, call: &Call) -> Response {
    let state = &sim.systems().eams;
    let mut response = page::found(&cas::login_address(sim, call, &service(sim, call)));
    let known = state.sessions.of(&call.headers, COOKIE, false).is_some();
    if !known && call.query.find("ticket").is_none() {
        set_cookies(&mut response, &state.sessions.open(EamsSession::default()));
    }
    response
}

/// Where one is sent who is not logged in. A script cannot come back from the CAS to what it asked for with POST, so it is
/// the system's first page that the CAS leads back to.
pub(super) fn to_login(sim: &Sim, call: &Call) -> Response {
    if call.method == "GET" {
        return to_cas(sim, call);
    }
    let first = format!("{}{MOUNT}/login.action", sim.origin(System::Eams, call));
    page::found(&cas::login_address(sim, call, &first))
}

/// The first step: to the CAS, to the plain login page where that is the system's own, or home when one is logged in
/// already.
pub(super) async fn start(sim: &Sim, call: &Call) -> Result<Response, Refused> {
    let visit = sim.admit(START, &call.wire).await?;
    let state = &sim.systems().eams;
    let id = cookie(&call.headers, COOKIE).unwrap_or_default();
    let style = Style::of(&visit);
    Ok(match state.find(id) {
        Found::Student(_) => page::found(&format!("{}{MOUNT}/home.action", sim.origin(System::Eams, call))),
        Found::HasThrownOut => super::signals::duplicate_login(call),
        Found::ThrownOut | Found::Nobody if style != Style::Disguised => own_login::show_form(sim, call, style, ""),
        Found::ThrownOut | Found::Nobody => to_cas(sim, call),
    })
}

/// The way back from the CAS: the ticket logs the session in that the first step has opened.
pub(super) async fn take_ticket(sim: &Sim, call: &Call) -> Result<Response, Refused> {
    let _visit = sim.admit(TICKET, &call.wire).await?;
    let state = &sim.systems().eams;
    let Some(id) = state.sessions.of(&call.headers, COOKIE, false) else {
        sim.counter().outcome(System::Eams, "ticket.no_session");
        return Ok(to_cas(sim, call));
    };
    let service = service(sim, call);
    Ok(match cas::redeem(sim, call.query.get("ticket"), &service) {
        Redeemed::Late => page::server_error(),
        Redeemed::Refused => to_cas(sim, call),
        Redeemed::Student(number) => {
            state.sign_in(id, &number);
            let (address, query) = service.split_once('?').unwrap_or((service.as_str(), ""));
            let query = if query.is_empty() { String::new() } else { format!("?{query}") };
            page::found(&format!("{address};jsessionid={id}{query}"))
        }
    })
}
