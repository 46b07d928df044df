//! The academic system of 树维 (EAMS): entered through the CAS or by a login of its own; course table, scores, empty
//! classrooms, student record, evaluation. UTF-8.

mod columns;
mod crypto;
mod door;
mod entry_page;
mod evaluation_page;
mod lesson;
mod own_login;
mod record_page;
mod room_page;
mod score_page;
mod session;
mod signals;
mod table_page;
mod term_data;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::any;

pub use self::crypto::sha1_hex;
pub(crate) use self::session::EamsState;
use self::session::Found;
use crate::call::{Call, Fields};
use crate::faults::Mode;
use crate::gate::{Refused, Visit};
use crate::page;
use crate::sessions::cookie;
use crate::sim::Sim;
use crate::student::Student;
use crate::system::{Kind, Operation, System};

/// Path of the system, and of its cookies.
pub(crate) const MOUNT: &str = "/eams";

/// The session cookie.
const COOKIE: &str = "JSESSIONID";

const HOME: Operation = Operation::new(System::Eams, "home", Kind::Page);
const WELCOME: Operation = Operation::new(System::Eams, "welcome", Kind::Page);
const ENTRY: Operation = Operation::new(System::Eams, "entry", Kind::Page);
const PROJECT_ENTRY: Operation = Operation::new(System::Eams, "project_entry", Kind::Page);
const PROJECTS: Operation = Operation::new(System::Eams, "projects", Kind::Page);
const TERMS: Operation = Operation::new(System::Eams, "terms", Kind::Table);
const CALENDAR: Operation = Operation::new(System::Eams, "calendar", Kind::Page);
const TABLE: Operation = Operation::new(System::Eams, "table", Kind::Table);
const SCORES: Operation = Operation::new(System::Eams, "scores", Kind::Table);
const ROOMS_PRELUDE: Operation = Operation::new(System::Eams, "rooms_prelude", Kind::Page);
const ROOMS_FORM: Operation = Operation::new(System::Eams, "rooms_form", Kind::Page);
const ROOMS: Operation = Operation::new(System::Eams, "rooms", Kind::Table);
const RECORD: Operation = Operation::new(System::Eams, "record", Kind::Page);
const EVALUATION: Operation = Operation::new(System::Eams, "evaluation", Kind::Table);

pub(crate) fn router() -> Router<Sim> {
    Router::new().route("/eams/{*action}", any(answer))
}

/// What a page is made from.
struct Asked<'a> {
    sim: &'a Sim,
    call: &'a Call,
    /// The form that was sent; empty with GET.
    form: &'a Fields,
    student: &'a Student,
    visit: &'a Visit<'a>,
    /// The session's id.
    session: &'a str,
}

impl Asked<'_> {
    /// Whether a script asked: then a page comes without its frame.
    fn is_script(&self) -> bool {
        let header = self.call.headers.get("x-requested-with");
        header.is_some_and(|value| value == "XMLHttpRequest") || self.call.query.get("sf_request_type") == "ajax"
    }

    /// A page about `title`, with the system's frame unless a script asked.
    #[allow(clippy::unnecessary_wraps, reason = "it is what most pages end with")]
    fn page(&self, title: &str, content: &str) -> Shown {
        Ok(if self.is_script() { content.to_owned() } else { signals::framed(title, content) })
    }
}

/// A page, or why nobody asks for it like that.
type Shown = Result<String, &'static str>;

/// Writes a page.
type Writer = fn(&Asked<'_>) -> Shown;

/// The page behind a method and an action, with what it is counted as.
fn page_of(method: &str, action: &str, form: &Fields) -> Option<(Operation, Writer)> {
    Some(match (method, action) {
        ("GET", "home.action" | "homeExt.action") => (HOME, entry_page::home),
        ("GET", "home!welcome.action") => (WELCOME, entry_page::welcome),
        ("GET", "courseTableForStd.action") => (ENTRY, entry_page::entry),
        ("GET", "courseTableForStd!index.action") => (PROJECT_ENTRY, entry_page::entry_of_project),
        ("POST", "dataQuery.action") if form.get("dataType") == "projectId" => (PROJECTS, term_data::projects),
        ("POST", "dataQuery.action") => (TERMS, term_data::terms),
        ("POST", "base/calendar-info.action") => (CALENDAR, term_data::calendar),
        ("POST", "courseTableForStd!courseTable.action") => (TABLE, table_page::table),
        ("GET", "teach/grade/course/person!search.action") => (SCORES, score_page::of_term),
        ("POST", "teach/grade/course/person!historyCourseGrade.action") => (SCORES, score_page::of_all_terms),
        ("GET", "classroom/apply/std-activity.action") => (ROOMS_PRELUDE, room_page::prelude),
        ("GET", "classroom/apply/free.action") => (ROOMS_FORM, room_page::form),
        ("POST", "classroom/apply/free!search.action") => (ROOMS, room_page::rooms),
        ("GET", "stdDetail.action") => (RECORD, record_page::record),
        ("GET", "quality/stdEvaluate.action") => (EVALUATION, evaluation_page::evaluation),
        _ => return None,
    })
}

/// The action a request is for: its path without the system's and without a session id.
fn action_of(call: &Call) -> &str {
    let path = call.uri.path().strip_prefix(MOUNT).unwrap_or_default().trim_start_matches('/');
    path.split(';').next().unwrap_or_default()
}

async fn answer(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    if !sim.is_at_home(System::Eams, &call) {
        return Ok(sim.unexpected(&call, "the academic system goes by another host name"));
    }
    let form = if call.body.is_empty() { Some(Fields::default()) } else { call.form() };
    let Some(form) = form else {
        return Ok(sim.unexpected(&call, "the academic system takes nothing but forms"));
    };
    let action = action_of(&call);
    let is_by_script = call.method == "GET" && call.query.get("sf_request_type") == "ajax";
    if is_by_script && call.query.get("_").parse::<u64>().is_err() {
        return Ok(sim.unexpected(&call, "a script asks with the time (_)"));
    }
    match (call.method.as_str(), action) {
        ("GET", _) if call.query.find("ticket").is_some() => door::take_ticket(&sim, &call).await,
        ("GET", "login.action") => door::start(&sim, &call).await,
        ("GET", "loginExt.action") => own_login::login_page(&sim, &call).await,
        ("GET", "captcha/image.action") => own_login::captcha(&sim, &call).await,
        ("POST", "loginExt!getCodeFlag.action") => own_login::check_captcha(&sim, &call, &form).await,
        ("POST", "loginExt.action" | "login.action") => own_login::login(&sim, &call, &form).await,
        (method, _) => match page_of(method, action, &form) {
            Some((operation, build)) => inside(&sim, &call, &form, operation, build).await,
            None => Ok(sim.unexpected(&call, "the academic system has no such page")),
        },
    }
}

/// Answers with a page about the student who is logged in, or with what comes in its place.
async fn inside(
    sim: &Sim,
    call: &Call,
    form: &Fields,
    operation: Operation,
    build: fn(&Asked<'_>) -> Shown,
) -> Result<Response, Refused> {
    let state = &sim.systems().eams;
    let id = cookie(&call.headers, COOKIE).unwrap_or_default();
    let (_stay, begun) = state.begin(id, operation.name != HOME.name);
    if begun.parallel {
        sim.counter().outcome(System::Eams, "parallel");
    }
    let visit = sim.admit(operation, &call.wire).await?;
    if visit.expired {
        state.sessions.close(id);
    }
    if visit.dead {
        return Ok(page::server_error());
    }
    if visit.is_struck(Mode::ExpiredByOther) {
        state.sessions.close(id);
        return Ok(page::utf8_html(signals::EXPIRED_BY_OTHER));
    }
    let number = match state.find(id) {
        Found::Student(number) => number,
        Found::ThrownOut => return Ok(page::utf8_html(signals::EXPIRED_BY_OTHER)),
        Found::HasThrownOut => return Ok(signals::duplicate_login(call)),
        Found::Nobody => return Ok(door::to_login(sim, call)),
    };
    if visit.is_struck(Mode::DuplicateLogin) {
        return Ok(signals::duplicate_login(call));
    }
    if begun.too_fast || visit.is_struck(Mode::TooFast) {
        return Ok(page::utf8_html(signals::TOO_FAST));
    }
    if visit.is_struck(Mode::NoPermission) {
        return Ok(page::utf8_html(&signals::red_line("您没有权限访问该功能")));
    }
    if let Some(text) = &visit.says {
        return Ok(page::utf8_html(&signals::red_line(text)));
    }
    let Some(student) = sim.student(&number) else { return Ok(door::to_login(sim, call)) };
    let shown = build(&Asked { sim, call, form, student: &student, visit: &visit, session: id });
    Ok(match shown {
        Ok(text) => page::utf8_html(&text),
        Err(why) => sim.unexpected(call, why),
    })
}
