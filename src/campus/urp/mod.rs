//! The URP academic system, reached through the VPN: login with captcha, and one page per kind of data.

pub mod captcha;
pub mod parse_classroom;
pub mod parse_course;
pub mod parse_login;
pub mod parse_score;
pub mod parse_student;

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::{
    CampusError, ask,
    page::{PageEncoding, PageError},
    session::Session,
    vpn::Vpn,
};
use crate::{
    crypto::random_hex,
    outbound::{Outbound, Request, System},
};
use captcha::Solver;
use parse_course::CourseTable;
use parse_student::StudentInfo;

/// How often a captcha is sent before we give up. At 97 % per captcha, three wrong ones in a row are one in 37,000.
const MAX_LOGINS: usize = 3;

/// How many captchas are looked at for one login; doubtful ones are replaced instead of guessed.
const MAX_CAPTCHAS: usize = 6;

/// What a student logs in with.
#[derive(Debug, Clone)]
pub struct Account {
    /// Student number.
    pub student_id: String,
    /// Password of the VPN.
    pub vpn_password: SecretString,
    /// Password of the URP.
    pub urp_password: SecretString,
}

/// Client of the URP.
#[derive(Debug, Clone)]
pub struct Urp {
    host: Arc<str>,
    solver: Arc<Solver>,
    vpn: Arc<Vpn>,
    outbound: Outbound,
}

impl Urp {
    pub(super) fn new(host: String, solver: Solver, vpn: Arc<Vpn>, outbound: Outbound) -> Self {
        Self { host: host.into(), solver: Arc::new(solver), vpn, outbound }
    }

    /// The student's course table of this term.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn course_table(&self, account: &Account, session: &mut Session) -> Result<CourseTable, CampusError> {
        self.page(account, session, (1, 2), "/xkAction.do?actionType=6", parse_course::parse_course_table).await
    }

    /// Name and id number. Logs in anew with these very passwords, whatever `session` held: this is how a bind checks them.
    ///
    /// # Errors
    /// See [`CampusError`]; [`CampusError::WrongPassword`] names the system that refused.
    pub async fn verify(&self, account: &Account, session: &mut Session) -> Result<StudentInfo, CampusError> {
        session.clear();
        self.page(account, session, (1, 1), "/xjInfoAction.do?oper=xjxx", parse_student::parse_student).await
    }

    /// Fetches a page, logging in first where the session is known to be missing, and once more where it proves to be.
    async fn page<T>(
        &self,
        account: &Account,
        session: &mut Session,
        (a, b): (u8, u8),
        path: &str,
        parse: impl Fn(&str) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        let known = session.vpn && session.urp;
        self.enter(account, session).await?;
        let request = || Request::get(self.vpn.inner(a, b, &self.host, path));
        match ask(&self.outbound, System::Urp, request(), session, PageEncoding::Gbk, &parse).await {
            Err(CampusError::SessionExpired(system)) if known => {
                forget(session, system);
                self.enter(account, session).await?;
                ask(&self.outbound, System::Urp, request(), session, PageEncoding::Gbk, &parse).await
            }
            outcome => outcome,
        }
    }

    /// Logs in at the VPN and the URP as far as the session lacks it.
    async fn enter(&self, account: &Account, session: &mut Session) -> Result<(), CampusError> {
        let had_vpn = session.vpn;
        if !session.vpn {
            self.vpn.log_in(&account.student_id, &account.vpn_password, session).await?;
        }
        if session.urp {
            return Ok(());
        }
        match self.log_in(account, session).await {
            // The VPN session was older than we knew.
            Err(CampusError::SessionExpired(System::Vpn)) if had_vpn => {
                self.vpn.log_in(&account.student_id, &account.vpn_password, session).await?;
                self.log_in(account, session).await
            }
            outcome => outcome,
        }
    }

    async fn log_in(&self, account: &Account, session: &mut Session) -> Result<(), CampusError> {
        let mut sent = 0;
        for look in 1..=MAX_CAPTCHAS {
            let Some(text) = self.read_captcha(session, look == MAX_CAPTCHAS).await? else { continue };
            sent += 1;
            match self.send_login(account, session, &text).await {
                Ok(()) => {
                    session.urp = true;
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

    /// Fetches a captcha and reads it; `None` when the reading is doubtful and `accept_doubt` is off.
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
            let text = super::page::decode(&exchange.answer.body, PageEncoding::Gbk);
            let error = match text.and_then(|text| parse_login::parse_login(&text)) {
                Err(e @ (PageError::SessionExpired(_) | PageError::Maintenance)) => e,
                _ => PageError::Changed { page: "urp-captcha", missing: "picture" },
            };
            return super::judge(exchange, Err(CampusError::of_page(System::Urp, error)));
        };
        // That the picture came says nothing about the pages: the breaker learns from those.
        drop(exchange);
        let doubtful = reading.confidence < captcha::MIN_CONFIDENCE;
        if doubtful {
            metrics::counter!("captcha_reads_total", "outcome" => "doubtful").increment(1);
        }
        Ok((accept_doubt || !doubtful).then_some(reading.text))
    }

    async fn send_login(&self, account: &Account, session: &mut Session, captcha: &str) -> Result<(), CampusError> {
        let form = [
            ("zjh1", ""),
            ("tips", ""),
            ("lx", ""),
            ("evalue", ""),
            ("eflag", ""),
            ("fs", ""),
            ("dzslh", ""),
            ("zjh", account.student_id.as_str()),
            ("mm", account.urp_password.expose_secret()),
            ("v_yzm", captcha),
        ];
        let request = Request::form(self.vpn.inner(1, 1, &self.host, "/loginAction.do"), &form)
            .referer(&self.vpn.inner(1, 0, &self.host, "/"));
        ask(&self.outbound, System::Urp, request, session, PageEncoding::Gbk, parse_login::parse_login).await
    }
}

fn forget(session: &mut Session, ended: System) {
    session.urp = false;
    if ended == System::Vpn {
        session.vpn = false;
    }
}
