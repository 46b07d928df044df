//! The central sign-on (Supwisdom CAS). It leads from the address to which an academic system redirects to the address
//! with a service ticket, which lets the student in there.
//!
//! Redirects are followed here and not in [`crate::outbound`], because they decide: one that leaves the CAS with a
//! ticket is a login that worked, any other one that leaves it is an error.

pub mod parse_captcha;
pub mod parse_login;
#[cfg(test)]
mod tests;
mod way;

use std::{sync::Arc, time::Duration};

use reqwest::header::{ACCEPT, HeaderValue, ORIGIN};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    CampusError,
    captcha::{CaptchaAnswer, Challenge},
    judge,
    page::{Barrier, PageEncoding, PageError},
    pause::{Caller, Pauses},
    session::Session,
    site::join,
    text_of,
};
use crate::outbound::{Answer, Exchange, Outbound, Request, System};
use parse_login::{LoginForm, PAGE, parse_login_form};
use way::{Way, service_of};

/// Most redirects from one request to the service or to a page. A login at HPU takes one.
const MAX_REDIRECTS: usize = 5;

/// Cookies with the ticket for logins without password. Builds of the CAS name it differently.
const TICKET_COOKIES: [&str; 2] = ["CASTGC", "TGC"];

/// The cookie by which the CAS asks for a captcha.
const CAPTCHA_COOKIE: &str = "X_CAPTCHA";

/// Fields of the form that are filled in here, so that no hidden field may have their name.
const OWN_FIELDS: [&str; 4] = ["username", "password", "captcha", "token"];

/// Client of the CAS.
#[derive(Debug, Clone)]
pub struct Cas {
    base: Url,
    always_captcha: bool,
    captcha_query: String,
    ticket_life: Duration,
    outbound: Outbound,
    pauses: Pauses,
}

/// Who logs in.
#[derive(Debug, Clone, Copy)]
pub struct CasLogin<'a> {
    /// The account: the student number.
    pub student_id: &'a str,
    /// Its password.
    pub password: &'a SecretString,
    /// Whether a person has just typed the password and waits.
    pub by_hand: bool,
    /// The student's answer to the captcha at which an earlier login stopped. The session must be that of this login.
    pub answer: Option<&'a CaptchaAnswer>,
}

/// A login form as it can be sent.
#[derive(Serialize, Deserialize)]
struct Form {
    url: Url,
    fields: Vec<(String, String)>,
}

/// [`Challenge::flow`]: what the answer to a captcha is sent with.
#[derive(Serialize, Deserialize)]
struct Flow {
    #[serde(flatten)]
    form: Form,
    token: String,
}

/// Where a request and its redirects have led.
enum Reached<'a> {
    /// To the service, with this address; it is not requested here.
    Service(Url),
    /// To a page of the CAS.
    Page(Exchange<'a>),
}

/// Where a login without a password has led.
enum Opened {
    /// To the service: the session's ticket works.
    Service(Url),
    /// To the login page. `captcha`: whether it asks for one.
    Page { form: Form, captcha: bool },
}

impl Cas {
    /// `base`: the CAS without `/cas`. `always_captcha`: whether a captcha is asked for without a sign that one is
    /// wanted. `captcha_query`: query of the captcha's address, such as `type=ALPHABET`; may be empty. `ticket_life`: how
    /// long after the login a ticket is tried.
    pub(super) fn new(
        base: Url,
        always_captcha: bool,
        captcha_query: String,
        ticket_life: Duration,
        outbound: Outbound,
        pauses: Pauses,
    ) -> Self {
        Self { base, always_captcha, captcha_query, ticket_life, outbound, pauses }
    }

    /// Goes from `start`, the CAS's address to which an academic system redirects, to the address with the service
    /// ticket, which has origin and path of the `service` in `start`. The ticket lives for seconds.
    ///
    /// The session's own ticket is tried first, and forgotten when it is over. Then `login` sends its password, at most
    /// once; a password on its way is never answered by [`CampusError::SessionExpired`], after which callers log in anew.
    ///
    /// # Errors
    /// [`CampusError::SessionExpired`] without `login` when there is no ticket that works.
    /// [`CampusError::NeedsCaptcha`] when the student must read a captcha; session and flow go on with the login.
    pub async fn enter(
        &self,
        start: Url,
        login: Option<&CasLogin<'_>>,
        session: &mut Session,
    ) -> Result<Url, CampusError> {
        if !self.owns(&start) {
            return Err(changed("its own address to begin at"));
        }
        let way = Way::from(start).ok_or_else(|| changed("a service in its address"))?;
        let arrived = match login.and_then(|login| Some((login, login.answer?))) {
            Some((login, answer)) => self.answer_captcha(&way, login, answer, session).await?,
            None => self.begin(&way, login, session).await?,
        };
        session.enter(System::Cas);
        Ok(arrived)
    }

    /// Ends the ticket of the session, if it has one, and forgets it. `service`: the address that the student came from.
    /// Whether the CAS took notice does not matter: the ticket is not kept in any case.
    pub async fn log_out(&self, service: &Url, session: &mut Session) {
        let mut url = join(&self.base, "/cas/logout");
        if TICKET_COOKIES.iter().any(|name| session.cookies.value(&url, name).is_some()) {
            url.query_pairs_mut().append_pair("service", service.as_str());
            match self.outbound.send(System::Cas, page_request(url.clone()), &mut session.cookies).await {
                // Nothing is known of the answer's page, so the breaker learns nothing from it.
                Ok(exchange) => drop(exchange),
                Err(error) => tracing::info!(%error, "a ticket could not be ended"),
            }
        }
        forget_ticket(&url, session);
    }

    async fn begin(&self, way: &Way, login: Option<&CasLogin<'_>>, session: &mut Session) -> Result<Url, CampusError> {
        let (form, captcha) = match self.open(way, session).await? {
            Opened::Service(arrived) => return Ok(arrived),
            Opened::Page { form, captcha } => (form, captcha),
        };
        let login = login.ok_or(CampusError::SessionExpired(System::Cas))?;
        let rest = async {
            if captcha {
                return Err(self.challenge(login, form, false, session).await);
            }
            self.send_password(way, login, &form, None, session).await
        };
        self.pauses.around(login.caller(), rest).await
    }

    async fn answer_captcha(
        &self,
        way: &Way,
        login: &CasLogin<'_>,
        answer: &CaptchaAnswer,
        session: &mut Session,
    ) -> Result<Url, CampusError> {
        let flow: Flow = serde_json::from_str(&answer.flow).map_err(|_| changed("the flow of the captcha"))?;
        if !self.owns(&flow.form.url) {
            return Err(changed("its own address in the flow"));
        }
        let captcha = Some((answer.text.trim(), flow.token.as_str()));
        self.pauses.around(login.caller(), self.send_password(way, login, &flow.form, captcha, session)).await
    }

    /// Tries the session's ticket unless it is too old. Where the login page comes, the ticket is forgotten.
    async fn open(&self, way: &Way, session: &mut Session) -> Result<Opened, CampusError> {
        // What it wanted at an earlier login counts no more.
        session.cookies.forget(&way.start, CAPTCHA_COOKIE);
        if !session.is_in_within(System::Cas, self.ticket_life) {
            forget_ticket(&way.start, session);
        }
        let mut anew = false;
        loop {
            let exchange = match self.travel(page_request(way.start.clone()), way, session).await? {
                Reached::Service(arrived) => return Ok(Opened::Service(arrived)),
                Reached::Page(exchange) => exchange,
            };
            let read = self.read(&exchange.answer).and_then(|(form, refusal)| {
                let shown = match refusal {
                    None => false,
                    Some(PageError::WrongCaptcha | PageError::Barred(Barrier::Captcha, _)) => true,
                    // The page of a flow that is over: another one is requested once.
                    Some(PageError::SessionExpired(_)) if !anew => return Ok(None),
                    // Nobody has sent a password, so this is no answer to one.
                    Some(
                        PageError::SessionExpired(_)
                        | PageError::WrongPassword(_)
                        | PageError::Locked(_)
                        | PageError::Unknown(_),
                    ) => return Err(changed("a form without a message")),
                    Some(refusal) => return Err(of_page(refusal)),
                };
                Ok(Some((form, shown)))
            });
            let read = judge(exchange, session, read)?;
            forget_ticket(&way.start, session);
            if let Some((form, shown)) = read {
                let asked = session.cookies.value(&form.url, CAPTCHA_COOKIE);
                let asked = asked.is_some_and(|value| !value.eq_ignore_ascii_case("false"));
                return Ok(Opened::Page { form, captcha: self.always_captcha || shown || asked });
            }
            anew = true;
        }
    }

    /// Sends the password: the only place that does, and it does so once. `captcha`: what the student read, and the
    /// token of the picture.
    async fn send_password(
        &self,
        way: &Way,
        login: &CasLogin<'_>,
        form: &Form,
        captcha: Option<(&str, &str)>,
        session: &mut Session,
    ) -> Result<Url, CampusError> {
        if !session.begin_password() {
            return Err(changed("a session that lasts"));
        }
        let mut fields = vec![("username", login.student_id), ("password", login.password.expose_secret())];
        if let Some((text, token)) = captcha {
            fields.extend([("captcha", text), ("token", token)]);
        }
        let hidden = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        fields.extend(hidden.filter(|(name, _)| !OWN_FIELDS.contains(name)));
        let mut request = as_browser(Request::form(form.url.clone(), &fields)).referer(&form.url);
        if let Ok(origin) = HeaderValue::from_str(&form.url.origin().ascii_serialization()) {
            request = request.header(ORIGIN, origin);
        }
        let exchange = match self.travel(request, way, session).await? {
            Reached::Service(arrived) => return Ok(arrived),
            Reached::Page(exchange) => exchange,
        };
        let read = self.read(&exchange.answer).and_then(|(form, refusal)| match refusal {
            // Nothing was decided about the password. The page has a new form.
            Some(PageError::WrongCaptcha | PageError::Barred(Barrier::Captcha, _)) => Ok(form),
            // The login was ignored. It could be sent again only with the password.
            None | Some(PageError::SessionExpired(_)) => Err(changed("an answer to the login")),
            Some(refusal) => Err(of_page(refusal)),
        });
        let form = judge(exchange, session, read)?;
        if !login.by_hand {
            self.pauses.await_student(login.caller());
        }
        Err(self.challenge(login, form, captcha.is_some(), session).await)
    }

    /// A captcha for the student to go on with `form`, or why there is none.
    async fn challenge(&self, login: &CasLogin<'_>, form: Form, wrong: bool, session: &mut Session) -> CampusError {
        if !login.by_hand {
            return CampusError::CaptchaWanted(System::Cas);
        }
        let mut url = join(&self.base, "/sso/apis/v2/open/captcha");
        url.set_query(Some(self.captcha_query.as_str()).filter(|query| !query.is_empty()));
        let request = Request::get(url).header(ACCEPT, HeaderValue::from_static("application/json"));
        let request = request.referer(&form.url).without_redirects();
        let exchange = match self.outbound.send(System::Cas, request, &mut session.cookies).await {
            Ok(exchange) => exchange,
            Err(error) => return CampusError::of_outbound(error),
        };
        let text = text_of(&exchange.answer, PageEncoding::Utf8);
        let read = text.and_then(|text| parse_captcha::parse_captcha(&text)).map_err(of_page);
        match judge(exchange, session, read) {
            Ok(captcha) => {
                let flow = serde_json::to_string(&Flow { form, token: captcha.token }).unwrap_or_default();
                match Challenge::new(captcha.picture, flow, wrong) {
                    Some(challenge) => CampusError::NeedsCaptcha(System::Cas, Arc::new(challenge)),
                    None => changed("the picture"),
                }
            }
            Err(error) => error,
        }
    }

    /// Sends a request and follows its redirects within the CAS, all as GET, until one leads to the service.
    async fn travel(&self, mut request: Request, way: &Way, session: &mut Session) -> Result<Reached<'_>, CampusError> {
        let mut followed = 0;
        loop {
            let sent = self.outbound.send(System::Cas, request, &mut session.cookies).await;
            let exchange = sent.map_err(CampusError::of_outbound)?;
            let Some(next) = exchange.answer.redirect() else { return Ok(Reached::Page(exchange)) };
            let missing = if way.leads_to(&next) {
                exchange.well();
                return Ok(Reached::Service(next));
            } else if !self.owns(&next) {
                "a redirect to the service with a ticket"
            } else if followed == MAX_REDIRECTS {
                "an end of its redirects"
            } else {
                // Only the page at the end shows whether the CAS works.
                drop(exchange);
                followed += 1;
                request = page_request(next);
                continue;
            };
            return judge(exchange, session, Err(changed(missing)));
        }
    }

    /// The form of a login page, and what the page says. The status is not asked: some builds refuse a password with
    /// 401 and the page.
    fn read(&self, answer: &Answer) -> Result<(Form, Option<PageError>), CampusError> {
        let read = text_of(answer, PageEncoding::Utf8).and_then(|text| parse_login_form(&text)).map_err(of_page)?;
        let refusal = read.refusal();
        Ok((self.form(read, &answer.url)?, refusal))
    }

    /// The form of the page at the address `page`. Without a service in its own address it goes to that of the page:
    /// the CAS leads only to the service in the address.
    fn form(&self, read: LoginForm, page: &Url) -> Result<Form, CampusError> {
        let url = page.join(&read.action).ok().filter(|url| self.owns(url));
        let url = url.ok_or_else(|| changed("its own address in the form"))?;
        let url = if service_of(&url).is_some() { url } else { page.clone() };
        Ok(Form { url, fields: read.fields })
    }

    /// Whether an address is the CAS's own; scheme and port count, too, since the password goes there.
    pub(super) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }
}

impl<'a> CasLogin<'a> {
    fn caller(&self) -> Caller<'a> {
        Caller { system: System::Cas, account: self.student_id, by_hand: self.by_hand }
    }
}

/// Forgets the ticket of a session without asking the CAS. `base`: the CAS without `/cas`.
pub fn drop_ticket(base: &Url, session: &mut Session) {
    forget_ticket(&join(base, "/cas/login"), session);
}

fn forget_ticket(url: &Url, session: &mut Session) {
    for name in TICKET_COOKIES {
        session.cookies.forget(url, name);
    }
    session.leave(System::Cas);
}

fn page_request(url: Url) -> Request {
    as_browser(Request::get(url))
}

/// A request for a page, whose redirects are answers.
fn as_browser(request: Request) -> Request {
    request.header(ACCEPT, HeaderValue::from_static("text/html,*/*")).without_redirects()
}

fn changed(missing: &'static str) -> CampusError {
    of_page(PageError::Changed { page: PAGE, missing })
}

/// The error for a page that could not be read. A login page in the place of another one is no ended session here:
/// callers would log in again, and so send the password a second time.
fn of_page(error: PageError) -> CampusError {
    let error = match error {
        PageError::SessionExpired(_) => PageError::Changed { page: PAGE, missing: "its own page" },
        other => other,
    };
    CampusError::of_page(System::Cas, error)
}
