//! The academic system (URP) behind the VPN: captcha, login, student information, course table, this term's scores,
//! empty classrooms. GBK, and as broken as the real pages.

mod classroom_page;
mod course_page;
mod login_page;
mod score_page;
mod student_page;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use urp_captcha::Solver;
use urp_captcha::draw::{self, Numbers};

use super::vpn::Inside;
use crate::call::{Call, Fields};
use crate::config::SimConfig;
use crate::gate::Refused;
use crate::page;
use crate::rng::Rng;
use crate::sim::Sim;
use crate::student::Student;
use crate::system::{Kind, Operation, System};
use crate::world::lock;

const HOME: Operation = Operation::new(System::Urp, "login_page", Kind::Open);
const CAPTCHA: Operation = Operation::new(System::Urp, "captcha", Kind::Open);
const LOGIN: Operation = Operation::new(System::Urp, "login", Kind::Open);
const STUDENT: Operation = Operation::new(System::Urp, "student", Kind::Page);
const COURSE: Operation = Operation::new(System::Urp, "course", Kind::Table);
const SCORE: Operation = Operation::new(System::Urp, "score", Kind::Table);
const CLASSROOM_FORM: Operation = Operation::new(System::Urp, "classroom_form", Kind::Page);
const CLASSROOM: Operation = Operation::new(System::Urp, "classroom", Kind::Table);

/// One browser's session at the academic system; the VPN keeps its cookie, so it belongs to a session of the VPN.
#[derive(Debug, Default)]
pub(crate) struct UrpSession {
    /// What the captcha says that was shown last and not answered yet.
    pub(crate) captcha: Option<String>,
    /// Number of the student who is logged in.
    signed_in: Option<String>,
    /// Term chosen in the classroom query.
    term: Option<String>,
}

/// What the academic system remembers, except its sessions.
#[derive(Debug)]
pub(crate) struct UrpState {
    numbers: Mutex<Numbers>,
    reject: AtomicU32,
}

impl UrpState {
    pub(crate) fn new(config: &SimConfig) -> Self {
        let seed = Rng::of(config.seed, "captcha", "").next_u64();
        Self { numbers: Mutex::new(Numbers::new(seed)), reject: AtomicU32::new(0) }
    }

    /// The next `count` captcha answers are wrong.
    pub(crate) fn reject_captchas(&self, count: u32) {
        self.reject.store(count, Ordering::Relaxed);
    }

    fn rejects_one(&self) -> bool {
        self.reject.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Answers a request that came through the VPN session `vpn`.
pub(crate) async fn answer(sim: &Sim, vpn: &str, call: &Call, path: &str) -> Result<Inside, Refused> {
    let query = &call.query;
    match (call.method.as_str(), path) {
        ("GET", "") => home(sim, call).await,
        ("GET", "validateCodeAction.do") => show_captcha(sim, vpn, call).await,
        ("POST", "loginAction.do") => login(sim, vpn, call).await,
        ("GET", "xjInfoAction.do") if query.get("oper") == "xjxx" => {
            table(sim, vpn, call, STUDENT, |student, _| student_page::student(student)).await
        }
        ("GET", "xkAction.do") if query.get("actionType") == "6" => {
            table(sim, vpn, call, COURSE, |student, empty| {
                course_page::courses(if empty { &[] } else { &student.courses }, &student.major)
            })
            .await
        }
        ("GET", "bxqcjcxAction.do") => {
            let number = query.get("page").parse().unwrap_or(1);
            table(sim, vpn, call, SCORE, |student, empty| {
                score_page::scores(if empty { &[] } else { &student.scores }, number)
            })
            .await
        }
        ("POST", "xszxcxAction.do") if query.get("oper") == "xszxcx_lb" => classroom_form(sim, vpn, call).await,
        ("POST", "xszxcxAction.do") if query.get("oper") == "tjcx" => classrooms(sim, vpn, call).await,
        _ => Ok(Inside::Raw(sim.unexpected(call, "the academic system has no such page"))),
    }
}

fn with_session<R>(sim: &Sim, vpn: &str, action: impl FnOnce(&mut UrpSession) -> R) -> Option<R> {
    sim.systems().vpn.sessions.with(vpn, |session| action(&mut session.urp))
}

fn page(text: String) -> Inside {
    Inside::Page(System::Urp, text)
}

async fn home(sim: &Sim, call: &Call) -> Result<Inside, Refused> {
    let _visit = sim.admit(HOME, &call.wire).await?;
    Ok(page(login_page::login(None)))
}

async fn show_captcha(sim: &Sim, vpn: &str, call: &Call) -> Result<Inside, Refused> {
    let _visit = sim.admit(CAPTCHA, &call.wire).await?;
    let (text, picture) = {
        let masks = Solver::builtin().masks();
        let mut numbers = lock(&sim.systems().urp.numbers);
        let text = draw::text(masks, &mut numbers);
        let picture = draw::captcha(masks, &text, &mut numbers);
        (text, picture)
    };
    with_session(sim, vpn, |session| session.captcha = Some(text));
    Ok(Inside::Raw(page::bytes("image/jpeg", picture)))
}

/// What a login can come to.
enum Login {
    Done(String),
    Failed { outcome: &'static str, reason: &'static str },
}

async fn login(sim: &Sim, vpn: &str, call: &Call) -> Result<Inside, Refused> {
    let Some(form) = call.form() else {
        return Ok(Inside::Raw(sim.unexpected(call, "a login is sent as application/x-www-form-urlencoded")));
    };
    let visit = sim.admit(LOGIN, &call.wire).await?;
    if let Some(text) = &visit.says {
        sim.counter().outcome(System::Urp, "login.told");
        return Ok(page(login_page::login(Some(text))));
    }
    match check_login(sim, vpn, &form) {
        Login::Done(number) => {
            sim.counter().outcome(System::Urp, "login.ok");
            with_session(sim, vpn, |session| {
                *session = UrpSession { signed_in: Some(number), ..UrpSession::default() };
            });
            Ok(page(login_page::frameset()))
        }
        Login::Failed { outcome, reason } => {
            sim.counter().outcome(System::Urp, outcome);
            Ok(page(login_page::login(Some(reason))))
        }
    }
}

/// Like the real system, checks the captcha first, then the number, then the password; the first check uses the captcha
/// up.
fn check_login(sim: &Sim, vpn: &str, form: &Fields) -> Login {
    let captcha = with_session(sim, vpn, |session| session.captcha.take()).flatten();
    let right = captcha.is_some_and(|captcha| captcha == form.get("v_yzm"));
    if !right || sim.systems().urp.rejects_one() {
        return Login::Failed {
            outcome: "login.wrong_captcha", reason: "你输入的验证码错误，请您重新输入！"
        };
    }
    let Some(student) = sim.student(form.get("zjh")) else {
        return Login::Failed {
            outcome: "login.unknown_number", reason: "你输入的证件号不存在，请您重新输入！"
        };
    };
    if student.urp_password != form.get("mm") {
        return Login::Failed {
            outcome: "login.wrong_password", reason: "您的密码不正确，请您重新输入！"
        };
    }
    Login::Done(student.number)
}

/// The student logged in over this VPN session. With `expired` he is not any more.
fn signed_in(sim: &Sim, vpn: &str, expired: bool) -> Option<Student> {
    if expired {
        with_session(sim, vpn, |session| *session = UrpSession::default());
    }
    let number = with_session(sim, vpn, |session| session.signed_in.clone()).flatten()?;
    sim.student(&number)
}

/// Answers with a page about the student who is logged in, or with the login page.
async fn table(
    sim: &Sim,
    vpn: &str,
    call: &Call,
    operation: Operation,
    build: impl FnOnce(&Student, bool) -> String,
) -> Result<Inside, Refused> {
    let visit = sim.admit(operation, &call.wire).await?;
    let student = signed_in(sim, vpn, visit.expired);
    if visit.dead {
        return Ok(Inside::Raw(crate::page::server_error()));
    }
    if let Some(text) = &visit.says {
        return Ok(page(login_page::refusal(text)));
    }
    Ok(page(match student {
        Some(student) => build(&student, visit.empty),
        None => login_page::login(None),
    }))
}

async fn classroom_form(sim: &Sim, vpn: &str, call: &Call) -> Result<Inside, Refused> {
    let Some(form) = call.form() else {
        return Ok(Inside::Raw(sim.unexpected(call, "the classroom query is sent as a form")));
    };
    let term = form.get("zxxnxq").to_owned();
    let shown = classroom_page::form(&term);
    with_session(sim, vpn, |session| session.term = Some(term));
    table(sim, vpn, call, CLASSROOM_FORM, |_, _| shown).await
}

async fn classrooms(sim: &Sim, vpn: &str, call: &Call) -> Result<Inside, Refused> {
    let Some(form) = call.form() else {
        return Ok(Inside::Raw(sim.unexpected(call, "the classroom query is sent as a form")));
    };
    let term = with_session(sim, vpn, |session| session.term.clone()).flatten();
    let seed = sim.world().seed();
    table(sim, vpn, call, CLASSROOM, |_, empty| {
        // Without the first step the system does not know which term is meant, and says so.
        if term.as_deref() == Some(form.get("zxxnxq")) && !form.get("zxxnxq").is_empty() {
            classroom_page::rooms(seed, &form, empty)
        } else {
            classroom_page::term_missing()
        }
    })
    .await
}
