//! Physical education (ASP.NET): login with the form's own hidden fields, one table of results per year. UTF-8.

mod pages;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::call::{Call, Fields};
use crate::config::SimConfig;
use crate::gate::Refused;
use crate::page::{self, html};
use crate::rng::Rng;
use crate::sessions::Sessions;
use crate::sim::Sim;
use crate::student::Student;
use crate::system::{Kind, Operation, System};

/// Name of the session cookie.
const COOKIE: &str = "ASP.NET_SessionId";

const LOGIN_PAGE: Operation = Operation::new(System::Physical, "login_page", Kind::Open);
const LOGIN: Operation = Operation::new(System::Physical, "login", Kind::Open);
const WELCOME: Operation = Operation::new(System::Physical, "welcome", Kind::Table);

/// What physical education remembers: who is logged in.
#[derive(Debug)]
pub(crate) struct PhysicalState {
    pub(crate) sessions: Sessions<String>,
}

impl PhysicalState {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self { sessions: Sessions::new(config.session_ttl) }
    }
}

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/physical/index.aspx", get(login_page).post(login))
        .route("/physical/welcome.aspx", get(welcome))
}

/// The hidden field that vouches for a `__VIEWSTATE`: it follows from it, so nothing needs to be remembered.
fn validation(view_state: &str) -> String {
    format!("/wEdAAf{}==", Rng::of(0, "event validation", view_state).hex(46))
}

fn fresh_login_page(error: Option<&str>) -> Response {
    let view_state = format!("/wEPDwUK{}ZGQ=", Rng::unrepeatable().hex(40));
    html(System::Physical, &pages::login(&view_state, &validation(&view_state), error))
}

async fn login_page(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let _visit = sim.admit(LOGIN_PAGE, &call.wire).await?;
    Ok(fresh_login_page(None))
}

/// Whether the password is the right one: the last eight characters of the identity number.
fn password_fits(student: &Student, password: &str) -> bool {
    password.len() == 8 && student.id_number.ends_with(password)
}

async fn login(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let Some(form) = call.form() else {
        return Ok(sim.unexpected(&call, "a login is sent as application/x-www-form-urlencoded"));
    };
    let _visit = sim.admit(LOGIN, &call.wire).await?;
    if !is_own_form(&form) {
        // ASP.NET refuses a form whose hidden fields are not its own with its error page.
        return Ok(page::server_error());
    }
    let student = sim.student(form.get("txtAccount")).filter(|student| password_fits(student, form.get("txtPassword")));
    let Some(student) = student else {
        sim.counter().outcome(System::Physical, "login.refused");
        return Ok(fresh_login_page(Some("用户名或密码错误！")));
    };
    sim.counter().outcome(System::Physical, "login.ok");
    let id = sim.systems().physical.sessions.open(student.number);
    let mut response = page::found("/physical/welcome.aspx");
    page::set_cookie(&mut response, &format!("{COOKIE}={id}; path=/; HttpOnly"));
    Ok(response)
}

fn is_own_form(form: &Fields) -> bool {
    let view_state = form.get("__VIEWSTATE");
    !view_state.is_empty()
        && form.get("__EVENTVALIDATION") == validation(view_state)
        && form.get("rblUserType") == "Student"
        && form.get("btnLogin") == "登录"
}

async fn welcome(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let visit = sim.admit(WELCOME, &call.wire).await?;
    let sessions = &sim.systems().physical.sessions;
    let id = sessions.of(&call.headers, COOKIE, visit.expired);
    let number = id.and_then(|id| sessions.with(id, |number| number.clone()));
    Ok(match number.and_then(|number| sim.student(&number)) {
        Some(student) => html(System::Physical, &pages::welcome(&student, visit.empty)),
        None => fresh_login_page(None),
    })
}
