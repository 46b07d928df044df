//! The own login of EAMS: where its page stands, the captcha, the hashed password.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    Eams,
    enter::{Purpose, Reached, bare_path, changed, changed_page, page_request, read},
    parse_login::{
        LoginPage, encode_password, encode_user, has_password_field, parse_captcha_check, parse_login, parse_login_page,
    },
};
use crate::{
    campus::{
        CampusError,
        academic::AcademicLogin,
        captcha::{CaptchaAnswer, Challenge},
        judge,
        page::{Barrier, PageEncoding, PageError},
        pause::Caller,
        session::Session,
        site::moment,
        text_of,
    },
    outbound::{Answer, Request, System},
};

/// Where the login page stands: the first at HPU until 2022 and at schools that were measured in 2026, the second at
/// others.
const LOGINS: [&str; 2] = ["loginExt.action", "login.action"];

/// What tells whether a captcha was read rightly, for each of [`LOGINS`]; beside the second one none was seen.
const CHECKS: [Option<&str>; 2] = [Some("loginExt!getCodeFlag.action"), None];

/// Where a login that worked leads.
const HOME: [&str; 2] = ["/homeExt.action", "/home.action"];

/// Pause before a login, which the system takes for too fast otherwise.
const LOGIN_PAUSE: Duration = Duration::from_secs(1);

/// Where this engine has seen the login page, as a place in [`LOGINS`]. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct LoginPlace(Arc<AtomicUsize>);

/// A login page, and where it stands.
struct Shown {
    page: LoginPage,
    /// Place in [`LOGINS`].
    place: usize,
}

/// [`Challenge::flow`] of the own login: where the password is sent, and what it is made up with.
#[derive(Serialize, Deserialize)]
struct Flow {
    salt: String,
    user_key: Option<String>,
    #[serde(default)]
    place: usize,
}

impl Shown {
    fn flow(self) -> Flow {
        Flow { salt: self.page.salt, user_key: self.page.user_key, place: self.place }
    }
}

impl Eams {
    pub(super) async fn enter_by_own_login(
        &self,
        login: &AcademicLogin,
        session: &mut Session,
    ) -> Result<(), CampusError> {
        let rest = async {
            if let Some(answer) = &login.answer {
                return self.answer_captcha(login, answer, session).await;
            }
            self.forget_own_cookies(session);
            let shown = self.login_page(session).await?;
            if shown.page.captcha.is_some() {
                return Err(self.challenge(login, shown, false, session).await);
            }
            self.send_password(login, &shown.flow(), None, session).await
        };
        self.pauses.around(caller_of(login), rest).await
    }

    /// Address of the login page at this place.
    fn login_url(&self, place: usize) -> Url {
        self.url(LOGINS.get(place).copied().unwrap_or(LOGINS[0]))
    }

    /// Place in [`LOGINS`] of an address, if it is one of them.
    fn place_of(&self, url: &Url) -> Option<usize> {
        (0..LOGINS.len()).find(|place| self.login_url(*place).path() == bare_path(url))
    }

    /// The login page: asked for where it was seen last, then at the other place.
    async fn login_page(&self, session: &mut Session) -> Result<Shown, CampusError> {
        let seen = self.login_place.0.load(Ordering::Relaxed);
        let mut shown = self.login_page_at(seen, false, session).await?;
        if shown.is_none() {
            shown = self.login_page_at(LOGINS.len() - 1 - seen, true, session).await?;
        }
        let shown = shown.ok_or_else(|| changed("its own login page"))?;
        self.login_place.0.store(shown.place, Ordering::Relaxed);
        Ok(shown)
    }

    /// The login page that is asked for at this place, with the place to which redirects led: a password that is sent
    /// elsewhere is not read. `None` where this place does not lead to it. `last`: there is no other place, so that
    /// another page is a changed one.
    async fn login_page_at(
        &self,
        place: usize,
        last: bool,
        session: &mut Session,
    ) -> Result<Option<Shown>, CampusError> {
        session.pace(self.options.pace).await;
        let request = page_request(self.login_url(place));
        let exchange = match self.travel(request, Purpose::Look, session).await? {
            Reached::SignOn(_) | Reached::Away => return Ok(None),
            Reached::Page(exchange) => exchange,
        };
        let stands_at = self.place_of(&exchange.answer.url);
        let shown = login_page_of(&exchange.answer).and_then(|page| {
            let place = stands_at.ok_or_else(|| changed_page("a known address of its own"))?;
            Ok(Shown { page, place })
        });
        let is_elsewhere = || stands_at.is_none() || stands_elsewhere(&exchange.answer);
        let read = match shown {
            Err(PageError::Changed { .. }) if !last && is_elsewhere() => Ok(None),
            shown => shown.map(Some),
        };
        judge(exchange, session, read.map_err(|error| CampusError::of_page(System::Eams, error)))
    }

    /// Has what the student read checked, where the system does so without the password, and logs in.
    async fn answer_captcha(
        &self,
        login: &AcademicLogin,
        answer: &CaptchaAnswer,
        session: &mut Session,
    ) -> Result<(), CampusError> {
        let flow: Flow = serde_json::from_str(&answer.flow).map_err(|_| changed("the flow of the captcha"))?;
        let read = answer.text.trim();
        if let Some(check) = CHECKS.get(flow.place).copied().flatten() {
            let check = self.form(self.url(check), &[("captcha_response", read)]);
            if !self.ask(check, session, parse_captcha_check).await? {
                let shown = self.login_page(session).await?;
                return Err(self.challenge(login, shown, true, session).await);
            }
        }
        self.send_password(login, &flow, Some(read), session).await
    }

    /// Sends the password: the only place that does, and it does so once.
    async fn send_password(
        &self,
        login: &AcademicLogin,
        flow: &Flow,
        captcha: Option<&str>,
        session: &mut Session,
    ) -> Result<(), CampusError> {
        if !session.begin_password() {
            return Err(changed("a session that lasts"));
        }
        let user = match &flow.user_key {
            None => login.student_id.clone(),
            Some(key) => encode_user(&login.student_id, key).ok_or_else(|| changed("a key of 16 bytes"))?,
        };
        let password = encode_password(&flow.salt, login.password.expose_secret());
        let mut form = vec![("username", user.as_str()), ("password", password.as_str()), ("session_locale", "zh_CN")];
        form.extend(captcha.map(|read| ("captcha_response", read)));
        let page = self.login_url(flow.place);
        let request = Request::form(page.clone(), &form).referer(&page).without_redirects();
        tokio::time::sleep(LOGIN_PAUSE).await;
        match self.answer_to_login(request, session).await {
            // The login was ignored. It could be sent again only with the password.
            Err(CampusError::SessionExpired(_)) => Err(changed("an answer to the login")),
            Err(CampusError::Captcha | CampusError::Barred(_, Barrier::Captcha, _)) => {
                if !login.by_hand {
                    self.pauses.await_student(caller_of(login));
                }
                let shown = self.login_page(session).await?;
                Err(self.challenge(login, shown, captcha.is_some(), session).await)
            }
            outcome => outcome,
        }
    }

    /// Sends a login. A redirect to the first page within means that it worked, whatever that page shows.
    async fn answer_to_login(&self, request: Request, session: &mut Session) -> Result<(), CampusError> {
        session.pace(self.options.pace).await;
        let Reached::Page(exchange) = self.travel(request, Purpose::Enter, session).await? else {
            return Err(changed("a page after the login"));
        };
        let is_within = HOME.iter().any(|home| bare_path(&exchange.answer.url).ends_with(home));
        let read = if is_within {
            read(&exchange.answer)
        } else {
            text_of(&exchange.answer, PageEncoding::Utf8).and_then(|text| parse_login(&text))
        };
        judge(exchange, session, read.map_err(|error| CampusError::of_page(System::Eams, error)))
    }

    /// The captcha of the login page for the student, or why there is none.
    async fn challenge(&self, login: &AcademicLogin, shown: Shown, wrong: bool, session: &mut Session) -> CampusError {
        if !login.by_hand {
            return CampusError::CaptchaWanted(System::Eams);
        }
        let page = self.login_url(shown.place);
        let named = shown.page.captcha.as_deref().and_then(|address| page.join(address).ok());
        let Some(mut picture) = named.filter(|url| self.owns(url)) else {
            return changed("its own address of the captcha");
        };
        picture.query_pairs_mut().append_pair("d", &moment());
        let request = Request::get(picture).referer(&page).without_redirects();
        let exchange = match self.outbound.send(System::Eams, request, &mut session.cookies).await {
            Ok(exchange) => exchange,
            Err(error) => return CampusError::of_outbound(error),
        };
        let flow = serde_json::to_string(&shown.flow()).unwrap_or_default();
        let shown = Challenge::new(exchange.answer.body.clone(), flow, wrong);
        match judge(exchange, session, shown.ok_or_else(|| changed("the picture of the captcha"))) {
            Ok(challenge) => CampusError::NeedsCaptcha(System::Eams, Arc::new(challenge)),
            Err(error) => error,
        }
    }
}

fn login_page_of(answer: &Answer) -> Result<LoginPage, PageError> {
    text_of(answer, PageEncoding::Utf8).and_then(|text| parse_login_page(&text))
}

/// Whether an answer that cannot be read as the login page is another page, and not a login page that has changed.
fn stands_elsewhere(answer: &Answer) -> bool {
    let shows_login = || text_of(answer, PageEncoding::Utf8).is_ok_and(|text| has_password_field(&text));
    answer.status == StatusCode::NOT_FOUND || !shows_login()
}

fn caller_of(login: &AcademicLogin) -> Caller<'_> {
    Caller { system: System::Eams, account: &login.student_id, by_hand: login.by_hand }
}
