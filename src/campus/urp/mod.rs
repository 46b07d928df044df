//! The URP academic system behind the VPN: login with captcha, and one page per kind of data.

pub mod parse_classroom;
pub mod parse_course;
pub mod parse_login;
pub mod parse_score;
pub mod parse_student;

use std::sync::Arc;

use secrecy::ExposeSecret;
use urp_captcha::{MIN_CONFIDENCE, Solver};

use super::{
    CampusError,
    academic::{AcademicLogin, ClassroomQuery},
    ask,
    listing::{Leaves, Listing},
    page::{PageEncoding, PageError},
    pause::{Caller, Pauses},
    session::Session,
    vpn::Vpn,
};
use crate::{
    crypto::random_hex,
    model::{CourseTable, Room, ScoreRow},
    outbound::{Outbound, Request, System},
};
use parse_student::StudentInfo;

/// How many captchas are sent for one login. At 97 % per captcha, three wrong ones in a row are one in 37,000.
const MAX_LOGINS: usize = 3;

/// How many captchas are fetched for one login; doubtful ones are replaced, not guessed.
const MAX_CAPTCHAS: usize = 6;

/// Number of the main campus in the classroom search.
const CAMPUS: &str = "01";

/// Client of the URP.
#[derive(Debug, Clone)]
pub struct Urp {
    host: Arc<str>,
    solver: Arc<Solver>,
    vpn: Arc<Vpn>,
    outbound: Outbound,
    pauses: Pauses,
}

impl Urp {
    pub(super) fn new(host: String, solver: Solver, vpn: Arc<Vpn>, outbound: Outbound, pauses: Pauses) -> Self {
        Self { host: host.into(), solver: Arc::new(solver), vpn, outbound, pauses }
    }

    /// The student's course table of this term of `term_weeks` weeks.
    pub async fn course_table(
        &self,
        login: &AcademicLogin,
        term_weeks: u8,
        session: &mut Session,
    ) -> Result<CourseTable, CampusError> {
        let parse = |html: &str| parse_course::parse_course_table(html, term_weeks);
        Ok(self.page(login, session, (1, 2), "/xkAction.do?actionType=6", parse).await?.told())
    }

    /// The student's scores of this term, in the order of the pages. If a further page fails, the list is partial.
    pub async fn scores(
        &self,
        login: &AcademicLogin,
        session: &mut Session,
    ) -> Result<Listing<Vec<ScoreRow>>, CampusError> {
        let parse = parse_score::parse_score_page;
        let mut leaves = Leaves::new();
        let mut next = leaves.take(self.page(login, session, (1, 2), "/bxqcjcxAction.do", parse).await?);
        while let Some(path) = next {
            next = match self.page(login, session, (1, 2), &path, parse).await {
                Ok(leaf) => leaves.take(leaf),
                Err(e @ CampusError::WrongPassword(..)) => return Err(e),
                Err(error) => {
                    tracing::warn!(%error, "a further page of the scores did not come");
                    break;
                }
            };
        }
        Ok(leaves.finish())
    }

    /// Classrooms that are empty at the time of `query`, grouped by floor.
    pub async fn classrooms(
        &self,
        login: &AcademicLogin,
        term: &str,
        query: &ClassroomQuery,
        session: &mut Session,
    ) -> Result<Vec<Vec<Room>>, CampusError> {
        let number = |n: u8| n.to_string();
        let (building, week, weekday) = (number(query.building), number(query.week), number(query.weekday));
        let list = [("zxxnxq", term), ("zxXaq", CAMPUS)];
        let search = [
            ("zxxnxq", term),
            ("zxXaq", CAMPUS),
            ("zxJxl", building.as_str()),
            ("zxZc", week.as_str()),
            ("zxxq", weekday.as_str()),
            ("zxJc", query.section.as_str()),
            ("pageSize", "100"),
            ("page", "1"),
            ("currentPage", "1"),
        ];
        let url = |oper: &str| self.vpn.inner(1, 2, &self.host, &format!("/xszxcxAction.do?oper={oper}"));
        // The system keeps term and campus of the list in its session and searches within them.
        loop {
            let known = session.is_in(System::Urp) && session.classroom_term.as_deref() == Some(term);
            if !known {
                self.request(login, session, || Request::form(url("xszxcx_lb"), &list), no_login_page).await?;
                session.classroom_term = Some(term.to_owned());
            }
            let search = Request::form(url("tjcx"), &search);
            let parse = parse_classroom::parse_classrooms;
            match ask(&self.outbound, System::Urp, search, session, PageEncoding::Gbk, parse).await {
                Err(CampusError::SessionExpired(system)) if known => {
                    session.leave(system);
                    session.leave(System::Urp);
                }
                // The system may only have forgotten the list. Request it again; that also shows whether the session
                // has ended.
                Err(CampusError::Changed { .. } | CampusError::Failing(_)) if known => session.classroom_term = None,
                Ok(floors) if known && floors.is_empty() => session.classroom_term = None,
                outcome => return outcome,
            }
        }
    }

    /// Name and id number. Always logs in with these passwords, whatever `session` held: a bind checks them so.
    ///
    /// # Errors
    /// See [`CampusError`]; [`CampusError::WrongPassword`] names the system that refused.
    pub async fn verify(&self, login: &AcademicLogin, session: &mut Session) -> Result<StudentInfo, CampusError> {
        session.clear();
        self.page(login, session, (1, 1), "/xjInfoAction.do?oper=xjxx", parse_student::parse_student).await
    }

    /// Logs in unless the session lives.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn open(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        let record = self.page(login, session, (1, 1), "/xjInfoAction.do?oper=xjxx", parse_student::parse_student);
        record.await.map(|_| ())
    }

    /// Fetches a page; `a` and `b` are parts of its address at the VPN.
    async fn page<T>(
        &self,
        login: &AcademicLogin,
        session: &mut Session,
        (a, b): (u8, u8),
        path: &str,
        parse: impl Fn(&str) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        self.request(login, session, || Request::get(self.vpn.inner(a, b, &self.host, path)), parse).await
    }

    /// Sends a request and logs in first if the session is not. An ended session may be answered with anything: after a
    /// login page, an error or an unknown page, the student is logged in once with a second session, which replaces the
    /// first only if the login works.
    async fn request<T>(
        &self,
        login: &AcademicLogin,
        session: &mut Session,
        request: impl Fn() -> Request,
        parse: impl Fn(&str) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        let known = session.is_in(System::Vpn) && session.is_in(System::Urp);
        self.enter(login, session).await?;
        match ask(&self.outbound, System::Urp, request(), session, PageEncoding::Gbk, &parse).await {
            Err(e) if known && e.may_be_a_dead_session() => {
                // A login page shows which session has ended. Any other answer may come from either, so both are made
                // again.
                let mut beside = session.fresh();
                if let CampusError::SessionExpired(system) = e {
                    session.leave(system);
                    session.leave(System::Urp);
                    beside = session.clone();
                }
                self.enter(login, &mut beside).await?;
                *session = beside;
                ask(&self.outbound, System::Urp, request(), session, PageEncoding::Gbk, &parse).await
            }
            outcome => outcome,
        }
    }

    /// Logs in at the VPN and the URP, as far as necessary.
    async fn enter(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        let had_vpn = session.is_in(System::Vpn);
        if !had_vpn {
            self.enter_vpn(login, session).await?;
        }
        if session.is_in(System::Urp) {
            return Ok(());
        }
        match self.log_in(login, session).await {
            // The VPN session had ended.
            Err(e) if had_vpn && e.may_be_a_dead_session() => {
                let mut beside = session.fresh();
                self.enter_vpn(login, &mut beside).await?;
                *session = beside;
                self.log_in(login, session).await
            }
            outcome => outcome,
        }
    }

    async fn enter_vpn(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        self.vpn.log_in(&login.student_id, &login.vpn_password, login.by_hand, session).await
    }

    async fn log_in(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        let caller = Caller { system: System::Urp, account: &login.student_id, by_hand: login.by_hand };
        self.pauses.around(caller, self.try_captchas(login, session)).await
    }

    async fn try_captchas(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        let mut sent = 0;
        for look in 1..=MAX_CAPTCHAS {
            let Some(text) = self.read_captcha(session, look == MAX_CAPTCHAS).await? else { continue };
            sent += 1;
            match self.send_login(login, session, &text).await {
                Ok(()) => {
                    session.enter(System::Urp);
                    metrics::counter!("captcha_reads_total", "outcome" => "right").increment(1);
                    return Ok(());
                }
                Err(CampusError::Captcha) => {
                    metrics::counter!("captcha_reads_total", "outcome" => "wrong").increment(1);
                    if sent == MAX_LOGINS {
                        break;
                    }
                }
                Err(e) => return Err(e),
            }
        }
        Err(CampusError::Captcha)
    }

    /// Fetches a captcha and reads it; `None` when the reading is doubtful and `accept_doubt` is false.
    async fn read_captcha(&self, session: &mut Session, accept_doubt: bool) -> Result<Option<String>, CampusError> {
        let path = format!("/validateCodeAction.do?random={}", random_hex());
        let url = self.vpn.inner(0, 1, &self.host, &path);
        let exchange = self
            .outbound
            .send(System::Urp, Request::get(url), &mut session.cookies)
            .await
            .map_err(CampusError::of_outbound)?;
        let Ok(reading) = self.solver.read(&exchange.answer.body) else {
            // No picture: perhaps a login page of the VPN, or a maintenance page.
            let text = super::text_of(&exchange.answer, PageEncoding::Gbk);
            let error = match text.and_then(|text| parse_login::parse_login(&text)) {
                Err(e @ (PageError::SessionExpired(_) | PageError::Closed(..) | PageError::Maintenance)) => e,
                _ => PageError::Changed { page: "urp-captcha", missing: "picture" },
            };
            return super::judge(exchange, session, Err(CampusError::of_page(System::Urp, error)));
        };
        // A picture proves nothing about the pages, so no verdict for the breaker.
        drop(exchange);
        let doubtful = reading.confidence < MIN_CONFIDENCE;
        if doubtful {
            metrics::counter!("captcha_reads_total", "outcome" => "doubtful").increment(1);
        }
        Ok((accept_doubt || !doubtful).then_some(reading.text))
    }

    async fn send_login(&self, login: &AcademicLogin, session: &mut Session, captcha: &str) -> Result<(), CampusError> {
        let form = [
            ("zjh1", ""),
            ("tips", ""),
            ("lx", ""),
            ("evalue", ""),
            ("eflag", ""),
            ("fs", ""),
            ("dzslh", ""),
            ("zjh", login.student_id.as_str()),
            ("mm", login.password.expose_secret()),
            ("v_yzm", captcha),
        ];
        let request = Request::form(self.vpn.inner(1, 1, &self.host, "/loginAction.do"), &form)
            .referer(&self.vpn.inner(1, 0, &self.host, "/"));
        ask(&self.outbound, System::Urp, request, session, PageEncoding::Gbk, parse_login::parse_login).await
    }
}

/// Accepts any URP page but a login page, a refusal and a maintenance page.
fn no_login_page(html: &str) -> Result<(), PageError> {
    match parse_login::parse_login(html) {
        Err(
            e @ (PageError::SessionExpired(_) | PageError::Closed(..) | PageError::Maintenance | PageError::TooLarge),
        ) => Err(e),
        Ok(()) | Err(_) => Ok(()),
    }
}
