//! The academic system of 正方 (jwglxt): login with an encrypted password and one of three captchas, then JSON. Students whose
//! number begins with 9 have an installation of their own. UTF-8.

mod classes;
mod login;
mod login_page;
mod paging;
mod png;
mod record;
mod rooms;
mod scores;
mod session;
mod signals;
mod slider;
mod table;
mod term_data;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::Response;
use axum::routing::any;

pub use self::session::JwglxtCaptcha;
use self::session::JwglxtSession;
pub(crate) use self::session::JwglxtState;
use crate::call::{Call, Fields};
use crate::faults::Mode;
use crate::gate::{Refused, Visit};
use crate::page;
use crate::sessions::cookie;
use crate::sim::Sim;
use crate::student::Student;
use crate::system::{Kind, Operation, System};

/// The session cookie, and the balancer's.
const COOKIE: &str = "JSESSIONID";
const BALANCER: &str = "route";

/// One of the two installations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Installation {
    /// Path of the system, and of its cookies.
    mount: &'static str,
    /// Whether its students are postgraduates.
    postgraduate: bool,
}

/// For undergraduates, and for postgraduates.
const INSTALLATIONS: [Installation; 2] =
    [Installation { mount: "/jwglxt", postgraduate: false }, Installation { mount: "/yjs", postgraduate: true }];

impl Installation {
    fn of(call: &Call) -> Option<Self> {
        let inside = |path: &str, mount: &str| path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'));
        INSTALLATIONS.into_iter().find(|installation| inside(call.uri.path(), installation.mount))
    }

    /// The student with this number, if he belongs here.
    fn student(self, sim: &Sim, number: &str) -> Option<Student> {
        sim.student(number).filter(|_| number.starts_with('9') == self.postgraduate)
    }

    /// An address of this installation.
    fn address(self, sim: &Sim, call: &Call, page: &str) -> String {
        format!("{}{}/{page}", sim.origin(System::Jwglxt, call), self.mount)
    }
}

const INDEX: Operation = Operation::new(System::Jwglxt, "index", Kind::Open);
const MENU: Operation = Operation::new(System::Jwglxt, "menu", Kind::Page);
const WEEKS: Operation = Operation::new(System::Jwglxt, "weeks", Kind::Table);
const TIMES: Operation = Operation::new(System::Jwglxt, "times", Kind::Table);
const TABLE: Operation = Operation::new(System::Jwglxt, "table", Kind::Table);
const OLDER_TABLE: Operation = Operation::new(System::Jwglxt, "older_table", Kind::Table);
const SCORES: Operation = Operation::new(System::Jwglxt, "scores", Kind::Table);
const OLDER_SCORES: Operation = Operation::new(System::Jwglxt, "older_scores", Kind::Table);
const RECORD: Operation = Operation::new(System::Jwglxt, "record", Kind::Page);
const RECORD_PAGE: Operation = Operation::new(System::Jwglxt, "record_page", Kind::Page);
const BUILDINGS: Operation = Operation::new(System::Jwglxt, "buildings", Kind::Table);
const ROOMS: Operation = Operation::new(System::Jwglxt, "rooms", Kind::Table);

pub(crate) fn router() -> Router<Sim> {
    INSTALLATIONS.into_iter().fold(Router::new(), |router, installation| {
        router.route(&format!("{}/{{*page}}", installation.mount), any(answer))
    })
}

/// What an answer is made from.
struct Asked<'a> {
    sim: &'a Sim,
    call: &'a Call,
    /// The form that was sent; empty with GET.
    form: &'a Fields,
    student: &'a Student,
    visit: &'a Visit<'a>,
}

/// An answer from inside, or why nobody asks for it like that.
type Shown = Result<Response, &'static str>;

type Build = fn(&Asked<'_>) -> Shown;

/// What stands behind a method and a page, with what it is counted as and the number of the function it belongs to.
fn page_of(method: &str, page: &str) -> Option<(Operation, &'static str, Build)> {
    Some(match (method, page) {
        ("GET", "xtgl/index_initMenu.html") => (INDEX, "", record::index),
        ("POST", "xtgl/index_cxMenuList.html") => (MENU, "", record::menu),
        ("POST", "kbdy/bjkbdy_cxZcxx.html") => (WEEKS, "N214505", term_data::weeks),
        ("POST", "kbcx/xskbcx_cxRjc.html") => (TIMES, "N2151", term_data::times),
        ("POST", "kbcx/xskbcx_cxXsgrkb.html") => (TABLE, "N2151", table::table),
        ("POST", "kbcx/xskbcx_cxXsKb.html") => (OLDER_TABLE, "N2151", table::table),
        ("POST", "cjcx/cjcx_cxXsgrcj.html") => (SCORES, "N305005", scores::scores),
        ("POST", "cjcx/cjcx_cxDgXscj.html") => (OLDER_SCORES, "N305005", scores::scores),
        ("POST", "xsxxxggl/xsxxwh_cxCkDgxsxx.html") => (RECORD, "N100801", record::record),
        ("GET", "xsxxxggl/xsgrxxwh_cxXsgrxx.html") => (RECORD_PAGE, "N100801", record::record_page),
        ("GET", "cdjy/cdjy_cxXqjc.html") => (BUILDINGS, "", rooms::buildings),
        ("POST", "cdjy/cdjy_cxKxcdlb.html") => (ROOMS, "N2155", rooms::rooms),
        _ => return None,
    })
}

async fn answer(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let Some(here) = Installation::of(&call).filter(|_| sim.is_at_home(System::Jwglxt, &call)) else {
        return Ok(sim.unexpected(&call, "the academic system goes by another host name"));
    };
    let form = if call.body.is_empty() { Some(Fields::default()) } else { call.form() };
    let Some(form) = form else {
        return Ok(sim.unexpected(&call, "the academic system takes nothing but forms"));
    };
    let page = call.uri.path().strip_prefix(here.mount).unwrap_or_default().trim_start_matches('/');
    match (call.method.as_str(), page) {
        ("GET", "xtgl/login_slogin.html") => login::login_page(&sim, &call, here).await,
        ("GET", "xtgl/login_getPublicKey.html") => login::public_key(&sim, &call).await,
        ("GET", "kaptcha") => login::picture(&sim, &call).await,
        ("POST", "xtgl/login_slogin.html") => login::login(&sim, &call, here, &form).await,
        (_, "zfcaptchaLogin") => slider::answer(&sim, &call, &form).await,
        (method, page) => match page_of(method, page) {
            Some((_, function, _)) if call.query.get("gnmkdm") != function && !function.is_empty() => {
                Ok(sim.unexpected(&call, "the number of the function (gnmkdm) is another one"))
            }
            Some((_, function, _)) if !comes_from(&call, here, function) => {
                Ok(sim.unexpected(&call, "the page of the function is not where it comes from (Referer)"))
            }
            Some((operation, _, build)) => inside(&sim, &call, here, &form, operation, build).await,
            None => Ok(sim.unexpected(&call, "the academic system has no such page")),
        },
    }
}

/// Whether a page of this function sent the request; pages without a function come from anywhere.
fn comes_from(call: &Call, here: Installation, function: &str) -> bool {
    let referer = call.headers.get(header::REFERER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let names_it = referer.contains(&format!("gnmkdm={function}")) && referer.contains(&format!("{}/", here.mount));
    function.is_empty() || names_it
}

/// Answers one who is logged in, or with what comes in place of the answer.
async fn inside(
    sim: &Sim,
    call: &Call,
    here: Installation,
    form: &Fields,
    operation: Operation,
    build: Build,
) -> Result<Response, Refused> {
    let state = &sim.systems().jwglxt;
    let id = cookie(&call.headers, COOKIE).unwrap_or_default();
    // The page behind a login follows at once in life.
    let (_stay, begun) = state.begin(id, operation.name != INDEX.name);
    if begun.parallel {
        sim.counter().outcome(System::Jwglxt, "parallel");
    }
    let visit = sim.admit(operation, &call.wire).await?;
    if begun.too_fast {
        sim.counter().outcome(System::Jwglxt, "too_fast");
        // Who goes too fast loses the connection.
        call.wire.cut();
        std::future::pending::<()>().await;
    }
    let ends = [Mode::ExpiredEmpty, Mode::Expired302, Mode::Expired200];
    let ended = ends.into_iter().find(|mode| visit.is_struck(*mode));
    if visit.expired || ended.is_some() {
        state.sessions.close(id);
    }
    if visit.dead {
        return Ok(page::server_error());
    }
    let number = state.sessions.with(id, |session| session.number.clone()).flatten();
    let Some(student) = number.and_then(|number| here.student(sim, &number)) else {
        return Ok(match ended {
            Some(Mode::ExpiredEmpty) => page::utf8_html(""),
            Some(Mode::Expired200) => login::show_form(sim, call, here, ""),
            _ => page::found(&here.address(sim, call, "xtgl/login_slogin.html")),
        });
    };
    if visit.is_struck(Mode::NoFunction) {
        return Ok(page::utf8_html(&signals::error("无功能权限")));
    }
    if visit.is_struck(Mode::Night) {
        return Ok(page::utf8_html(&signals::error("系统夜间关闭，请在每天07:00至23:00访问")));
    }
    if let Some(text) = &visit.says {
        return Ok(page::utf8_html(&signals::error(text)));
    }
    Ok(match build(&Asked { sim, call, form, student: &student, visit: &visit }) {
        Ok(response) => response,
        Err(why) => sim.unexpected(call, why),
    })
}

/// A JSON answer.
fn json(value: &serde_json::Value) -> Response {
    page::bytes("application/json;charset=UTF-8", value.to_string())
}
