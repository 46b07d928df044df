//! The SSL VPN (Sangfor): login with an RSA-encrypted password, a session cookie, and a relay to the systems inside
//! that rewrites their pages.

mod key;
mod pages;
mod rewrite;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{any, get, post};

pub use key::{RSA_EXPONENT, RSA_MODULUS_HEX};
pub(crate) use key::{decrypt_block, modulus};

use super::{bulletin, urp};
use crate::call::Call;
use crate::config::SimConfig;
use crate::gate::Refused;
use crate::page;
use crate::sessions::Sessions;
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};

/// Path prefix the VPN is served under.
const MOUNT: &str = "/vpn";

/// Name of the session cookie.
const COOKIE: &str = "TWFID";

const LOGIN_PAGE: Operation = Operation::new(System::Vpn, "login_page", Kind::Open);
const LOGIN: Operation = Operation::new(System::Vpn, "login", Kind::Open);
// Not touched by the fault `expired`: right behind a login its login page would say that the password is wrong.
const SERVICE: Operation = Operation::new(System::Vpn, "service", Kind::Open);
const RELAY: Operation = Operation::new(System::Vpn, "relay", Kind::Page);

/// A session of the VPN, with those of the systems inside: they only see the VPN, which keeps their cookies.
#[derive(Debug)]
pub(crate) struct VpnSession {
    /// Who is logged in at the VPN.
    pub(crate) student: String,
    pub(crate) urp: urp::UrpSession,
}

/// What the VPN remembers.
#[derive(Debug)]
pub(crate) struct VpnState {
    pub(crate) sessions: Sessions<VpnSession>,
}

impl VpnState {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self { sessions: Sessions::new(config.session_ttl) }
    }
}

/// What a system inside answers.
pub(crate) enum Inside {
    /// A page, to be rewritten on its way out.
    Page(System, String),
    /// Anything else, passed on as it is.
    Raw(Response),
}

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/vpn/por/login_psw.csp", post(login).get(login_page))
        .route("/vpn/por/service.csp", get(service))
        .route("/vpn/web/{a}/http/{b}/{host}/", any(relay_root))
        .route("/vpn/web/{a}/http/{b}/{host}/{*path}", any(relay))
}

async fn login_page(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let _visit = sim.admit(LOGIN_PAGE, &call.wire).await?;
    Ok(pages::login(None))
}

async fn login(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let Some(form) = call.form() else {
        return Ok(sim.unexpected(&call, "a login is sent as application/x-www-form-urlencoded"));
    };
    let visit = sim.admit(LOGIN, &call.wire).await?;
    if let Some(text) = &visit.says {
        sim.counter().outcome(System::Vpn, "login.told");
        return Ok(pages::login(Some(text)));
    }
    let student = sim.student(form.get("svpn_name"));
    let field = form.get("svpn_password").to_owned();
    // Decrypting takes long enough to be kept off the threads that serve.
    let password = match call.query.get("encrypt") {
        "1" => tokio::task::spawn_blocking(move || key::decrypt(&field)).await.ok().flatten(),
        _ => None,
    };
    let right = student.filter(|student| password.is_some_and(|password| password == student.vpn_password.as_bytes()));
    let Some(student) = right else {
        sim.counter().outcome(System::Vpn, "login.refused");
        return Ok(pages::login(Some("用户名或密码错误，请重新输入！")));
    };
    sim.counter().outcome(System::Vpn, "login.ok");
    let session = VpnSession { student: student.number, urp: urp::UrpSession::default() };
    let id = sim.systems().vpn.sessions.open(session);
    let mut response = page::found(&format!("{MOUNT}/por/service.csp?sfrnd={}", plain(call.query.get("sfrnd"))));
    page::set_cookie(&mut response, &format!("{COOKIE}={id}; path=/; HttpOnly"));
    Ok(response)
}

/// Only letters, digits and dots of a text: nothing else of a query goes into a header.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').take(64).collect()
}

async fn service(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let _visit = sim.admit(SERVICE, &call.wire).await?;
    let sessions = &sim.systems().vpn.sessions;
    let id = sessions.of(&call.headers, COOKIE, false);
    let number = id.and_then(|id| sessions.with(id, |session| session.student.clone()));
    Ok(match number {
        Some(number) => pages::service(&number),
        None => pages::login(None),
    })
}

async fn relay_root(
    sim: State<Sim>,
    Path((a, b, host)): Path<(String, String, String)>,
    call: Call,
) -> Result<Response, Refused> {
    relay(sim, Path((a, b, host, String::new())), call).await
}

async fn relay(
    State(sim): State<Sim>,
    Path((a, b, host, path)): Path<(String, String, String, String)>,
    call: Call,
) -> Result<Response, Refused> {
    if !matches!(a.as_str(), "0" | "1" | "2") || !matches!(b.as_str(), "1" | "2") {
        return Ok(sim.unexpected(&call, "inner pages are reached at /web/0..2/http/1..2/<host>/<path>"));
    }
    let expired = sim.pass_on(RELAY, &call.wire).await?;
    let Some(id) = sim.systems().vpn.sessions.of(&call.headers, COOKIE, expired) else {
        let _under_way = sim.counter().begin(RELAY);
        return Ok(pages::login(None));
    };
    let inside = if host == sim.config().urp_host {
        urp::answer(&sim, id, &call, &path).await?
    } else if host == sim.config().bulletin_host {
        bulletin::answer(&sim, &call, &path).await?
    } else {
        return Ok(sim.unexpected(&call, "there is no such host behind the VPN"));
    };
    Ok(match inside {
        Inside::Page(system, text) => page::html(system, &rewrite::rewrite(&text, MOUNT, &host)),
        Inside::Raw(response) => response,
    })
}
