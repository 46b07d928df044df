//! Who is logged in, which captcha was shown, and how a session is used.

use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use super::slider::Slider;
use crate::captcha::Captchas;
use crate::config::SimConfig;
use crate::rng::Rng;
use crate::sessions::Sessions;
use crate::traffic::{Begun, Traffic};
use crate::world::lock;

/// Which captcha the login wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JwglxtCaptcha {
    /// None.
    #[default]
    None,
    /// Four letters in a picture.
    Picture,
    /// A piece that is moved to its gap.
    Slider,
}

impl FromStr for JwglxtCaptcha {
    type Err = String;

    /// Reads `none`, `picture` or `slider`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "picture" => Ok(Self::Picture),
            "slider" => Ok(Self::Slider),
            _ => Err(format!("a captcha is 'none', 'picture' or 'slider', not '{text}'")),
        }
    }
}

/// A browser's session.
#[derive(Debug)]
pub(crate) struct JwglxtSession {
    /// Number of the student who is logged in.
    pub(super) number: Option<String>,
    /// Must come back with the login form, as a whole.
    pub(super) token: String,
    /// Must come back as a cookie.
    pub(super) balancer: String,
    /// What the picture says that was shown last.
    pub(super) picture: Option<String>,
    pub(super) slider: Option<Slider>,
    traffic: Traffic,
}

impl JwglxtSession {
    pub(super) fn new() -> Self {
        let mut rng = Rng::unrepeatable();
        let digits = rng.hex(32);
        let parts: Vec<_> = [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().map(|part| &digits[part]).collect();
        Self {
            number: None,
            token: format!("{},{digits}", parts.join("-")),
            balancer: rng.hex(32),
            picture: None,
            slider: None,
            traffic: Traffic::default(),
        }
    }

    /// The session of a student who has just logged in.
    pub(super) fn of(number: String, balancer: String) -> Self {
        Self { number: Some(number), balancer, ..Self::new() }
    }
}

#[derive(Debug, Default)]
struct Settings {
    captcha: JwglxtCaptcha,
    pace: Option<Duration>,
}

/// What the system remembers.
#[derive(Debug)]
pub(crate) struct JwglxtState {
    pub(crate) sessions: Sessions<JwglxtSession>,
    pub(super) captchas: Captchas,
    settings: Mutex<Settings>,
}

impl JwglxtState {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            sessions: Sessions::new(config.session_ttl),
            captchas: Captchas::new(config.seed, "jwglxt"),
            settings: Mutex::default(),
        }
    }

    /// From now on a login wants this captcha.
    pub(crate) fn set_captcha(&self, captcha: JwglxtCaptcha) {
        lock(&self.settings).captcha = captcha;
    }

    pub(super) fn captcha(&self) -> JwglxtCaptcha {
        lock(&self.settings).captcha
    }

    /// From now on requests of one session must begin this long after one another; none = any time.
    pub(crate) fn set_pace(&self, pace: Option<Duration>) {
        lock(&self.settings).pace = pace;
    }

    /// What the picture says that was shown last to this session, or how far the piece of its slider must be moved.
    pub(crate) fn captcha_answer(&self, id: &str) -> Option<String> {
        self.sessions.with(id, |session| {
            let slider = session.slider.as_ref().map(|slider| slider.distance().to_string());
            session.picture.clone().or(slider)
        })?
    }

    /// Notes that a request of a session begins; it has been answered when the first value is dropped. Where the pace
    /// does not matter, the request is none to it.
    pub(super) fn begin<'a>(&'a self, id: &'a str, paced: bool) -> (Stay<'a>, Begun) {
        let pace = lock(&self.settings).pace;
        let begun =
            self.sessions.with(id, |session| if paced { session.traffic.begin(pace) } else { Begun::default() });
        (Stay { state: self, id, paced }, begun.unwrap_or_default())
    }
}

/// A request of a session that is being answered.
#[derive(Debug)]
pub(super) struct Stay<'a> {
    state: &'a JwglxtState,
    id: &'a str,
    paced: bool,
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        if self.paced {
            self.state.sessions.with(self.id, |session| session.traffic.end());
        }
    }
}
