//! The system's own login: number and password are disguised by the page's script, the captcha is a sum. The plain one of
//! other schools, at another address, takes the number as it is and mostly has no captcha.

use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::session::EamsSession;
use super::{COOKIE, MOUNT, action_of, crypto, door, signals};
use crate::call::{Call, Fields};
use crate::faults::Mode;
use crate::gate::{Refused, Visit};
use crate::page::{self, Escaped};
use crate::rng::Rng;
use crate::sessions::cookie;
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};

const LOGIN_PAGE: Operation = Operation::new(System::Eams, "login_page", Kind::Open);
const CAPTCHA: Operation = Operation::new(System::Eams, "captcha", Kind::Open);
const CHECK: Operation = Operation::new(System::Eams, "captcha_check", Kind::Open);
const LOGIN: Operation = Operation::new(System::Eams, "login", Kind::Open);

/// The login pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `loginExt.action`: with a captcha, the number encrypted.
    Disguised,
    /// `login.action`: without a captcha, the number in clear.
    Plain,
    /// The same with a captcha, which nothing checks before the login.
    PlainWithCaptcha,
}

impl Style {
    /// The login page that a request meets.
    pub(super) fn of(visit: &Visit<'_>) -> Self {
        if visit.form(Mode::PlainCaptcha).is_some() {
            Self::PlainWithCaptcha
        } else if visit.form(Mode::PlainLogin).is_some() {
            Self::Plain
        } else {
            Self::Disguised
        }
    }

    /// The address of the page, and where it is sent.
    fn action(self) -> &'static str {
        match self {
            Self::Disguised => "loginExt.action",
            Self::Plain | Self::PlainWithCaptcha => "login.action",
        }
    }

    /// The page behind a login that worked.
    fn home(self) -> &'static str {
        match self {
            Self::Disguised => "homeExt.action",
            Self::Plain | Self::PlainWithCaptcha => "home.action",
        }
    }
}

/// What belongs to a login page that was shown.
#[derive(Debug)]
pub(crate) struct Form {
    /// Stands before the password when it is hashed.
    salt: String,
    /// The number is encrypted with it; the plain page has none.
    key: Option<[u8; 16]>,
    has_captcha: bool,
    /// What the captcha says that was shown last.
    pub(super) captcha: Option<String>,
}

impl Form {
    fn new(style: Style) -> Self {
        let mut rng = Rng::unrepeatable();
        let digits = rng.hex(32);
        let parts: Vec<_> = [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().map(|part| &digits[part]).collect();
        let mut key = [0; 16];
        key.fill_with(|| *rng.pick(b"abcdefghijkmnpqrstuvwxyz23456789"));
        let key = (style == Style::Disguised).then_some(key);
        let has_captcha = style != Style::Plain;
        Self { salt: format!("{}-", parts.join("-")), key, has_captcha, captcha: None }
    }

    /// Whether a password is the one that was sent hashed.
    fn has_hashed(&self, password: &str, sent: &str) -> bool {
        crypto::sha1_hex(format!("{}{password}", self.salt).as_bytes()) == sent
    }

    /// The student number that was sent.
    fn number(&self, sent: &str) -> Option<String> {
        let Some(key) = &self.key else { return Some(sent.to_owned()) };
        String::from_utf8(crypto::decrypt(key, &BASE64_STANDARD.decode(sent).ok()?)?).ok()
    }

    /// Whether the captcha was answered rightly, if there is one.
    fn is_answered(&self, sent: &str) -> bool {
        !self.has_captcha || self.captcha.as_deref() == Some(sent)
    }
}

/// The login page in the place of the one that this browser saw before.
pub(super) fn show_form(sim: &Sim, call: &Call, style: Style, message: &str) -> Response {
    let sessions = &sim.systems().eams.sessions;
    let known = sessions.of(&call.headers, COOKIE, false);
    let id = known.map_or_else(|| sessions.open(EamsSession::default()), ToOwned::to_owned);
    let form = Form::new(style);
    let mut response = page::utf8_html(&login_form(&form, style, message));
    sessions.with(&id, |session| {
        session.form = Some(form);
        // The form must not be sent at once.
        session.note_request();
    });
    if known.is_none() {
        door::set_cookies(&mut response, &id);
    }
    response
}

fn login_form(form: &Form, style: Style, message: &str) -> String {
    let captcha = if form.has_captcha {
        format!("<input name=\"captcha_response\"/><img src=\"{MOUNT}/captcha/image.action\"/>\n")
    } else {
        String::new()
    };
    let disguise = form.key.as_ref().map(|key| {
        format!(
            "var username = form['username'].value; form['username'].value = encrypt(username,'{}');\n",
            String::from_utf8_lossy(key)
        )
    });
    let disguise = disguise.unwrap_or_default();
    format!(
        "<!DOCTYPE html>\n<html>\n<head><title>教学管理系统</title></head>\n<body>\n<h3>账号密码登录</h3>\n{message}\
         <form id=\"loginForm\" name=\"loginForm\" action=\"{MOUNT}/{}\" method=\"post\">\n\
         <input name=\"username\" id=\"username\" value=\"\"/><input type=\"password\" name=\"password\" id=\"password\"/>\n\
         {captcha}<input type=\"hidden\" name=\"session_locale\" value=\"zh_CN\"/>\n</form>\n<script>\n\
         form['password'].value = CryptoJS.SHA1('{}' + form['password'].value);\n\
         {disguise}</script>\n</body>\n</html>\n",
        style.action(),
        form.salt,
    )
}

/// What a failed login says, in the middle of the page.
fn alert(text: &str) -> String {
    format!(
        "<div class=\"actionError\"><p><span class=\"ui-icon ui-icon-alert\" style=\"float:left\"></span><span>{}</span></p></div>\n",
        Escaped(text)
    )
}

pub(super) async fn login_page(sim: &Sim, call: &Call) -> Result<Response, Refused> {
    let visit = sim.admit(LOGIN_PAGE, &call.wire).await?;
    if visit.form(Mode::MovedLogin).is_some() {
        return Ok(page::found(&format!("{}{MOUNT}/{}", sim.origin(System::Eams, call), Style::Plain.action())));
    }
    if Style::of(&visit) != Style::Disguised {
        return Ok(page::not_found());
    }
    Ok(show_form(sim, call, Style::Disguised, ""))
}

pub(super) async fn captcha(sim: &Sim, call: &Call) -> Result<Response, Refused> {
    let _visit = sim.admit(CAPTCHA, &call.wire).await?;
    let state = &sim.systems().eams;
    let captcha = state.captchas.sum();
    let id = cookie(&call.headers, COOKIE).unwrap_or_default();
    state.sessions.with(id, |session| {
        if let Some(form) = &mut session.form {
            form.captcha = Some(captcha.answer);
        }
    });
    Ok(page::bytes("image/jpeg", captcha.jpeg))
}

/// Whether a captcha's answer is right; looking does not use it up.
pub(super) async fn check_captcha(sim: &Sim, call: &Call, form: &Fields) -> Result<Response, Refused> {
    let _visit = sim.admit(CHECK, &call.wire).await?;
    let right = sim.systems().eams.captcha_answer(cookie(&call.headers, COOKIE).unwrap_or_default());
    let flag = right.is_some_and(|right| right == form.get("captcha_response"));
    Ok(page::utf8_html(&format!("{{\"flag\":{flag}}}")))
}

pub(super) async fn login(sim: &Sim, call: &Call, form: &Fields) -> Result<Response, Refused> {
    if !form.get("password").is_empty() {
        sim.counter().outcome(System::Eams, "password_posts");
    }
    let state = &sim.systems().eams;
    let id = cookie(&call.headers, COOKIE).unwrap_or_default();
    let (_stay, begun) = state.begin(id, true);
    let visit = sim.admit(LOGIN, &call.wire).await?;
    let style = Style::of(&visit);
    if action_of(call) != style.action() {
        return Ok(sim.unexpected(call, "the login page stands at another address"));
    }
    if begun.too_fast || visit.is_struck(Mode::TooFast) {
        sim.counter().outcome(System::Eams, "login.too_fast");
        return Ok(page::utf8_html(signals::TOO_FAST));
    }
    let checked = match &visit.says {
        Some(text) => Err(("login.told", alert(text))),
        None => check_login(sim, id, form),
    };
    Ok(match checked {
        Ok(number) => {
            sim.counter().outcome(System::Eams, "login.ok");
            state.sign_in(id, &number);
            page::found(&format!("{}{MOUNT}/{}", sim.origin(System::Eams, call), style.home()))
        }
        Err((outcome, message)) => {
            sim.counter().outcome(System::Eams, outcome);
            show_form(sim, call, style, &message)
        }
    })
}

/// The number of the student, or what the login came to and what the page says. The login page is used up.
fn check_login(sim: &Sim, id: &str, sent: &Fields) -> Result<String, (&'static str, String)> {
    let form = sim.systems().eams.sessions.with(id, |session| session.form.take()).flatten();
    let Some(form) = form.as_ref().filter(|form| form.is_answered(sent.get("captcha_response"))) else {
        let cell = "<table><tr><td colspan=\"2\" style=\"text-align:center;color:red;\">验证码错误</td></tr></table>\n";
        return Err(("login.wrong_captcha", cell.to_owned()));
    };
    let number = form.number(sent.get("username"));
    let Some(student) = number.and_then(|number| sim.student(&number)) else {
        return Err(("login.unknown_number", alert("账户不存在")));
    };
    if form.has_hashed(&student.eams_password, sent.get("password")) {
        Ok(student.number)
    } else {
        Err(("login.wrong_password", alert("密码错误")))
    }
}
