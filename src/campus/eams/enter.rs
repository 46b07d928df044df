//! The way into EAMS: by the central sign-on in front of it, or by its own login page (`own_login`).

use url::Url;

use super::{Eams, TOO_FAST_PAUSE, signals::signal};
use crate::{
    campus::{
        CampusError,
        academic::AcademicLogin,
        cas::CasLogin,
        judge,
        page::{PageEncoding, PageError},
        session::Session,
        text_of,
    },
    outbound::{Answer, Exchange, Request, System},
};

/// Most redirects from the entry to a page, those of the sign-on not counted.
const MAX_REDIRECTS: usize = 5;

/// End of the path of a sign-on, also of one that the profile does not name.
const SIGN_ON: &str = "/cas/login";

/// Fact of a session: whose it is.
const STUDENT: &str = "student";

/// What a request is sent for, which says what a redirect means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To enter: the way leads through the entry.
    Enter,
    /// To see whether the own login page stands at an address, or where that leads to: a redirect out of the system
    /// says no.
    Look,
    /// For a page of a session: a redirect to the entry means that the session has ended.
    Read,
}

/// Where a request and its redirects have led.
pub(super) enum Reached<'a> {
    /// To the central sign-on.
    SignOn(Url),
    /// Away from what was asked for: to the entry, or out of the system.
    Away,
    /// To a page of EAMS.
    Page(Exchange<'a>),
}

impl Eams {
    /// Whether the session is the student's and was used lately: an older one has ended, by the profile.
    pub(super) fn trusts(&self, login: &AcademicLogin, session: &Session) -> bool {
        session.is_in_within(System::Eams, self.options.session_life)
            && session.fact(STUDENT) == Some(login.student_id.as_str())
    }

    /// Logs the student in unless the session is, with at most one password sent. A living ticket of the sign-on opens
    /// the session without one.
    pub(super) async fn enter(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        if self.trusts(login, session) {
            return Ok(());
        }
        session.leave(System::Eams);
        session.forget_facts();
        match &self.cas {
            Some(_) => self.enter_by_sign_on(login, session).await?,
            None => self.enter_by_own_login(login, session).await?,
        }
        session.enter(System::Eams);
        session.note(STUDENT, login.student_id.clone());
        Ok(())
    }

    /// From EAMS to the sign-on and back: entering at the sign-on ended in a loop of redirects at HPU.
    async fn enter_by_sign_on(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        let cas = self.cas.as_ref().ok_or_else(|| changed("a central sign-on"))?;
        let entry = self.url(&self.options.entry);
        self.forget_own_cookies(session);
        let start = match self.travel(page_request(entry), Purpose::Enter, session).await? {
            Reached::SignOn(start) => start,
            Reached::Away => return Err(changed("a redirect to the sign-on")),
            // It lets everybody in, or shows its own login page.
            Reached::Page(exchange) => {
                let read = read(&exchange.answer).and_then(|()| Err(changed_page("a redirect to the sign-on")));
                return judge(exchange, session, read.map_err(|error| CampusError::of_page(System::Eams, error)));
            }
        };
        let who = CasLogin {
            student_id: &login.student_id,
            password: &login.password,
            by_hand: login.by_hand,
            answer: login.answer.as_ref(),
        };
        let arrived = cas.enter(start, Some(&who), session).await?;
        if !self.owns(&arrived) {
            return Err(changed("its own address after the sign-on"));
        }
        // The ticket lives for seconds.
        self.arrive(arrived, session).await
    }

    /// Requests the address with the service ticket, and follows it to a page that is no login page.
    async fn arrive(&self, arrived: Url, session: &mut Session) -> Result<(), CampusError> {
        let mut next = arrived;
        for again in [false, true] {
            let exchange = match self.travel(page_request(next.clone()), Purpose::Enter, session).await? {
                Reached::SignOn(_) | Reached::Away => return Err(changed("a page after the sign-on")),
                Reached::Page(exchange) => exchange,
            };
            let landed = exchange.answer.url.clone();
            let read = read(&exchange.answer);
            match judge(exchange, session, read.map_err(|error| CampusError::of_page(System::Eams, error))) {
                // It has ended an older session of the student and shows this once, or was asked too fast.
                Err(CampusError::TooFast(_)) if !again => {
                    tokio::time::sleep(TOO_FAST_PAUSE).await;
                    next = landed;
                }
                // A password may be on its way; its refusal is no reason for callers to log in anew.
                Err(CampusError::SessionExpired(_)) => return Err(changed("a page after the sign-on")),
                outcome => return outcome,
            }
        }
        Err(CampusError::TooFast(System::Eams))
    }

    /// Sends a request and follows its redirects within EAMS, until a page comes or one leads to the sign-on.
    pub(super) async fn travel(
        &self,
        mut request: Request,
        purpose: Purpose,
        session: &mut Session,
    ) -> Result<Reached<'_>, CampusError> {
        for _ in 0..=MAX_REDIRECTS {
            let sent = self.outbound.send(System::Eams, request, &mut session.cookies).await;
            let exchange = sent.map_err(CampusError::of_outbound)?;
            let Some(next) = exchange.answer.redirect() else { return Ok(Reached::Page(exchange)) };
            if self.cas.as_ref().is_some_and(|cas| cas.owns(&next)) {
                exchange.well();
                return Ok(Reached::SignOn(next));
            }
            let entry = self.url(&self.options.entry);
            if purpose == Purpose::Read && self.cas.is_some() && bare_path(&next) == entry.path() {
                exchange.well();
                return Ok(Reached::Away);
            }
            if !self.owns(&next) {
                let leads_away = match purpose {
                    Purpose::Enter => false,
                    Purpose::Look => true,
                    // Elsewhere on its host there may be a login page that nobody knows.
                    Purpose::Read => next.origin() == self.base.origin() || next.path().ends_with(SIGN_ON),
                };
                if leads_away {
                    exchange.well();
                    return Ok(Reached::Away);
                }
                return judge(exchange, session, Err(changed("a redirect within the system")));
            }
            drop(exchange);
            request = page_request(next);
        }
        Err(changed("an end of its redirects"))
    }
}

/// The path without `;jsessionid=…`.
pub(super) fn bare_path(url: &Url) -> &str {
    url.path().split(';').next().unwrap_or_default()
}

pub(super) fn page_request(url: Url) -> Request {
    Request::get(url).without_redirects()
}

/// Whether a page is no login page and no signal.
pub(super) fn read(answer: &Answer) -> Result<(), PageError> {
    let text = text_of(answer, PageEncoding::Utf8)?;
    signal(&text).map_or(Ok(()), Err)
}

pub(super) fn changed_page(missing: &'static str) -> PageError {
    PageError::Changed { page: "eams-login", missing }
}

pub(super) fn changed(missing: &'static str) -> CampusError {
    CampusError::changed(System::Eams, "eams-login", missing)
}
