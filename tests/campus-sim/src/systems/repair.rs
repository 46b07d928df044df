//! Repairs of the logistics department: login, contact data, order form with its token, order. UTF-8.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

use crate::call::{Call, Fields};
use crate::config::SimConfig;
use crate::gate::Refused;
use crate::outbox::RepairOrder;
use crate::page::{self, Escaped, html};
use crate::rng::Rng;
use crate::sessions::Sessions;
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};

/// Path prefix of the repair system.
const MOUNT: &str = "/repair";

/// Name of the session cookie.
const COOKIE: &str = ".ASPXAUTH";

const LOGIN_PAGE: Operation = Operation::new(System::Repair, "login_page", Kind::Open);
const LOGIN: Operation = Operation::new(System::Repair, "login", Kind::Open);
const HOME: Operation = Operation::new(System::Repair, "home", Kind::Page);
const INFO: Operation = Operation::new(System::Repair, "info", Kind::Page);
const FORM: Operation = Operation::new(System::Repair, "form", Kind::Page);
const ORDER: Operation = Operation::new(System::Repair, "order", Kind::Page);

/// Fields of an order; `true` marks those that must not be empty.
const ORDER_FIELDS: [(&str, bool); 12] = [
    ("Area_Serial", true),
    ("Area_Name", true),
    ("Baddress", true),
    ("Project_Name", true),
    ("Project_Serial", true),
    ("Bcontent", true),
    ("Mobile", true),
    ("BuserName", true),
    ("InfoID", false),
    ("pwdstr", true),
    ("imglist", false),
    ("Bsource", true),
];

/// A session: who is logged in, and the token of the form that was shown last.
#[derive(Debug)]
pub(crate) struct RepairSession {
    number: String,
    token: Option<String>,
}

/// What the repair system remembers, except the orders.
#[derive(Debug)]
pub(crate) struct RepairState {
    pub(crate) sessions: Sessions<RepairSession>,
}

impl RepairState {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self { sessions: Sessions::new(config.session_ttl) }
    }
}

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/repair/pc/Account/Login", get(login_page).post(login))
        .route("/repair/rsp/my", get(home))
        .route("/repair/rsp/my/info", post(info))
        .route("/repair/rsp/my/wantrepair", get(form).post(order))
}

fn show_login(error: Option<&str>) -> Response {
    let error = error.map_or(String::new(), |error| format!("<li class=\"validation-summary\">{error}</li>\r\n"));
    html(
        System::Repair,
        &format!(
            "<html>\r\n<head><title>用户登录</title></head>\n<body>\r\n<form action=\"{MOUNT}/pc/Account/Login\" method=\"post\">\n{error}\
             <input type=\"text\" name=\"UserName\">\r\n<input type=\"password\" name=\"Password\">\n\
             <input type=\"hidden\" name=\"ReturnUrl\" value=\"\">\r\n<input type=\"submit\" value=\"登录\">\n</form>\r\n</body>\n</html>\r\n"
        ),
    )
}

async fn login_page(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let _visit = sim.admit(LOGIN_PAGE, &call.wire).await?;
    Ok(show_login(None))
}

async fn login(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let wanted = ["UserName", "Password", "ReturnUrl", "LoginType"];
    let Some(form) = call.form().filter(|form| wanted.iter().all(|name| form.find(name).is_some())) else {
        return Ok(sim.unexpected(&call, "a login is a form with UserName, Password, ReturnUrl and LoginType"));
    };
    let _visit = sim.admit(LOGIN, &call.wire).await?;
    let password = form.get("Password");
    let student = sim
        .student(form.get("UserName"))
        .filter(|student| password.len() == 6 && student.id_number.ends_with(password));
    let Some(student) = student else {
        sim.counter().outcome(System::Repair, "login.refused");
        return Ok(show_login(Some("用户名或密码错误")));
    };
    sim.counter().outcome(System::Repair, "login.ok");
    let id = sim.systems().repair.sessions.open(RepairSession { number: student.number, token: None });
    let mut response = page::found(&format!("{MOUNT}/rsp/my"));
    page::set_cookie(&mut response, &format!("{COOKIE}={id}; path=/; HttpOnly"));
    Ok(response)
}

/// Does something with the caller's session; none when it is over. With `expired` it ends here.
fn with_session<R>(sim: &Sim, call: &Call, expired: bool, action: impl FnOnce(&mut RepairSession) -> R) -> Option<R> {
    let sessions = &sim.systems().repair.sessions;
    let id = sessions.of(&call.headers, COOKIE, expired)?;
    sessions.with(id, action)
}

async fn home(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let visit = sim.admit(HOME, &call.wire).await?;
    let number = with_session(&sim, &call, visit.expired, |session| session.number.clone());
    Ok(match number {
        Some(number) => {
            let page =
                format!("<html>\r\n<body>\n<h3>个人中心</h3>\r\n<p>{}</p>\n</body>\r\n</html>\n", Escaped(&number));
            html(System::Repair, &page)
        }
        None => show_login(None),
    })
}

async fn info(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let wanted = ["Nickname", "Mobile", "Address", "MID"];
    let Some(_form) = call.form().filter(|form| wanted.iter().all(|name| form.find(name).is_some())) else {
        return Ok(sim.unexpected(&call, "contact data is a form with Nickname, Mobile, Address and MID"));
    };
    let visit = sim.admit(INFO, &call.wire).await?;
    Ok(match with_session(&sim, &call, visit.expired, |_| ()) {
        Some(()) => html(System::Repair, "ok"),
        None => show_login(None),
    })
}

async fn form(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let visit = sim.admit(FORM, &call.wire).await?;
    let token = Rng::unrepeatable().hex(32);
    let shown = with_session(&sim, &call, visit.expired, |session| session.token = Some(token.clone()));
    Ok(match shown {
        Some(()) => html(
            System::Repair,
            &format!(
                "<html>\r\n<body>\n<form id=\"form1\" action=\"{MOUNT}/rsp/my/wantrepair\" method=\"post\">\r\n\
                 <input type=\"text\" id=\"Mobile\" name=\"Mobile\" value=\"\">\n\
                 <input type=\"hidden\" id=\"pwdstr\" name=\"pwdstr\" value=\"{token}\">\r\n</form>\n</body>\r\n</html>\n"
            ),
        ),
        None => show_login(None),
    })
}

async fn order(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let by_script = call.headers.get("x-requested-with").is_some_and(|value| value == "XMLHttpRequest");
    let complete = |form: &Fields| ORDER_FIELDS.iter().all(|(name, _)| form.find(name).is_some());
    let Some(form) = call.form().filter(|form| by_script && complete(form)) else {
        let names = ORDER_FIELDS.map(|(name, _)| name).join(" ");
        return Ok(sim.unexpected(&call, &format!("an order is a form sent as XMLHttpRequest with {names}")));
    };
    let visit = sim.admit(ORDER, &call.wire).await?;
    let session = with_session(&sim, &call, visit.expired, |session| (session.number.clone(), session.token.take()));
    let Some((student_id, token)) = session else {
        return Ok(show_login(None));
    };
    let filled = ORDER_FIELDS.iter().all(|(name, needed)| !needed || !form.get(name).trim().is_empty());
    if token.as_deref() != Some(form.get("pwdstr")) {
        return Ok(html(System::Repair, "请勿重复提交"));
    }
    if !filled || form.get("Bsource") != "1" {
        return Ok(html(System::Repair, "请填写完整"));
    }
    sim.outbox().repair(RepairOrder { student_id, fields: form.pairs().to_vec() });
    Ok(html(System::Repair, "ok"))
}
