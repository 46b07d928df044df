//! The own login: the token of its page, the captcha, the encrypted password.

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    client::{Jwglxt, by_text},
    parse_login::{CaptchaKind, LoginPage, encrypt_password, is_entry, parse_login_page, parse_public_key, refusal},
    signals::signal,
};
use crate::{
    campus::{
        CampusError,
        academic::AcademicLogin,
        captcha::{CaptchaAnswer, Challenge},
        judge,
        page::{Barrier, PageEncoding, PageError, Said},
        pause::Caller,
        session::Session,
        text_of,
    },
    outbound::{Request, System},
    school::JwglxtCaptcha,
};

/// The login page, and where logins are sent.
const LOGIN: &str = "/xtgl/login_slogin.html";

/// What the login page of the vendor says where it wants the slider.
const SLIDE_FIRST: &str = "请先滑动图片进行验证";

/// [`Challenge::flow`]: what the answer to a captcha is sent with.
#[derive(Serialize, Deserialize)]
struct Flow {
    csrf_token: String,
}

impl Jwglxt {
    pub(super) async fn log_in(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        if let Some(CaptchaAnswer { flow, text }) = &login.answer {
            let flow: Flow = serde_json::from_str(flow).map_err(|_| changed("the flow of the captcha"))?;
            return self.send_password(login, &flow, Some(text.trim()), session).await;
        }
        session.cookies.forget_all(&self.url(LOGIN));
        let page = self.login_page(session).await?;
        match self.captcha_of(&page) {
            CaptchaKind::None => self.send_password(login, &Flow { csrf_token: page.csrf_token }, None, session).await,
            CaptchaKind::Picture => Err(self.challenge(login, page, false, session).await),
            CaptchaKind::Slider => Err(slider()),
        }
    }

    fn captcha_of(&self, page: &LoginPage) -> CaptchaKind {
        match self.options.captcha {
            JwglxtCaptcha::Auto => page.captcha,
            JwglxtCaptcha::None => CaptchaKind::None,
            JwglxtCaptcha::Picture => CaptchaKind::Picture,
            JwglxtCaptcha::Slider => CaptchaKind::Slider,
        }
    }

    async fn login_page(&self, session: &mut Session) -> Result<LoginPage, CampusError> {
        self.ask(Request::get(self.url(LOGIN)), session, by_text(parse_login_page)).await
    }

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
        let tries = if self.options.login_twice { 2 } else { 1 };
        for _ in 0..tries {
            let request = Request::get(self.timed("/xtgl/login_getPublicKey.html")).referer(&self.url(LOGIN));
            let key = self.ask(request, session, by_text(parse_public_key)).await?;
            let password = encrypt_password(&key, login.password.expose_secret())
                .map_err(|error| CampusError::of_page(System::Jwglxt, error))?;
            let mut form = vec![
                ("csrftoken", flow.csrf_token.as_str()),
                ("language", "zh_CN"),
                ("ydType", ""),
                ("yhm", login.student_id.as_str()),
                ("mm", password.as_str()),
            ];
            form.extend(captcha.map(|read| ("yzm", read)));
            let request = Request::form(self.timed(LOGIN), &form).referer(&self.url(LOGIN)).without_redirects();
            session.pace(self.options.pace).await;
            let sent = self.outbound.send(System::Jwglxt, request, &mut session.cookies).await;
            let mut exchange = sent.map_err(CampusError::of_outbound)?;
            let led = exchange.answer.redirect();
            if let Some(next) = led.clone() {
                if is_entry(next.as_str()) && next.origin() == self.base.origin() {
                    exchange.well();
                    return self.arrive(next, session).await;
                }
                // Back to the login page, which says why, or nothing.
                drop(exchange);
                session.pace(self.options.pace).await;
                let page = Request::get(self.url(LOGIN)).without_redirects();
                let sent = self.outbound.send(System::Jwglxt, page, &mut session.cookies).await;
                exchange = sent.map_err(CampusError::of_outbound)?;
            }
            let said = text_of(&exchange.answer, PageEncoding::Utf8).map_or_else(|error| error, |html| refusal(&html));
            if led.is_some() && matches!(said, PageError::SessionExpired(_)) {
                // The login was thrown away without a word. That proves nothing about the password.
                exchange.well();
                continue;
            }
            let wants_slider = matches!(said, PageError::Barred(Barrier::Slider, _));
            let wants_picture = matches!(said, PageError::WrongCaptcha | PageError::Barred(Barrier::Captcha, _));
            let error = match said {
                PageError::SessionExpired(_) => changed("an answer to the login"),
                said => CampusError::of_page(System::Jwglxt, said),
            };
            let outcome = judge(exchange, session, Err(error));
            if wants_slider {
                self.pauses.await_slider(caller_of(login));
            } else if wants_picture && !login.by_hand {
                self.pauses.await_student(caller_of(login));
            }
            if !wants_picture {
                return outcome;
            }
            let page = self.login_page(session).await?;
            return Err(match page.captcha {
                CaptchaKind::Slider => {
                    self.pauses.await_slider(caller_of(login));
                    slider()
                }
                _ => self.challenge(login, page, captcha.is_some(), session).await,
            });
        }
        Err(changed("an answer to the login"))
    }

    /// Requests the entry page of a login that worked, once.
    async fn arrive(&self, entry: Url, session: &mut Session) -> Result<(), CampusError> {
        let request = Request::get(entry).referer(&self.url(LOGIN));
        let read = by_text(|html| signal(html).map_or(Ok(()), Err));
        match self.ask(request, session, read).await {
            Err(CampusError::SessionExpired(_)) => Err(changed("the entry page after the login")),
            outcome => outcome,
        }
    }

    /// The picture of the login page for the student, or why there is none.
    async fn challenge(
        &self,
        login: &AcademicLogin,
        page: LoginPage,
        wrong: bool,
        session: &mut Session,
    ) -> CampusError {
        if !login.by_hand {
            return CampusError::CaptchaWanted(System::Jwglxt);
        }
        let request = Request::get(self.timed("/kaptcha")).referer(&self.url(LOGIN)).without_redirects();
        session.pace(self.options.pace).await;
        let exchange = match self.outbound.send(System::Jwglxt, request, &mut session.cookies).await {
            Ok(exchange) => exchange,
            Err(error) => return CampusError::of_outbound(error),
        };
        let flow = serde_json::to_string(&Flow { csrf_token: page.csrf_token }).unwrap_or_default();
        let shown = Challenge::new(exchange.answer.body.clone(), flow, wrong);
        match judge(exchange, session, shown.ok_or_else(|| changed("the picture of the captcha"))) {
            Ok(challenge) => CampusError::NeedsCaptcha(System::Jwglxt, Arc::new(challenge)),
            Err(error) => error,
        }
    }
}

/// Who logs in, for the pauses between logins.
pub(super) fn caller_of(login: &AcademicLogin) -> Caller<'_> {
    Caller { system: System::Jwglxt, account: &login.student_id, by_hand: login.by_hand }
}

/// The login wants the slider, which typing does not answer.
fn slider() -> CampusError {
    CampusError::Barred(System::Jwglxt, Barrier::Slider, Said::new(SLIDE_FIRST))
}

fn changed(missing: &'static str) -> CampusError {
    CampusError::changed(System::Jwglxt, "zf-login", missing)
}
