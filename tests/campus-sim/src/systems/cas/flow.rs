//! Logins under way: the single-use fields of the login page, failed tries, and when a captcha is needed.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Mutex;

use crate::rng::Rng;
use crate::world::lock;

/// Login pages of one browser that can still be answered; older ones cannot.
const OPEN_FLOWS: usize = 8;

/// When the CAS asks for a captcha.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CasCaptcha {
    /// Never; one that is sent all the same is checked.
    #[default]
    Never,
    /// With every login; a cookie of the login page says so.
    Always,
    /// After this many wrong passwords for the number. The login page knows only those of the same browser.
    After(u32),
}

impl FromStr for CasCaptcha {
    type Err = String;

    /// Reads `never`, `always` or `after:3`.
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("after:").and_then(|number| number.parse().ok())) {
            ("never", _) => Ok(Self::Never),
            ("always", _) => Ok(Self::Always),
            (_, Some(number)) => Ok(Self::After(number)),
            _ => Err(format!("a captcha is needed 'never', 'always' or 'after:3', not '{text}'")),
        }
    }
}

/// The single-use fields of a login page.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    /// `lt`.
    pub(super) ticket: String,
    /// `execution`.
    pub(super) execution: String,
}

/// What a login sends of the page it belongs to.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    pub(super) ticket: &'a str,
    pub(super) execution: &'a str,
    /// The balancer's cookie: without it another machine answers, which does not know the page.
    pub(super) balancer: &'a str,
}

/// A browser that was shown the login page.
#[derive(Debug)]
pub(super) struct CasSession {
    pub(super) balancer: String,
    rng: Rng,
    flows: Vec<Flow>,
    pages: u32,
    failures: u32,
}

impl CasSession {
    pub(super) fn new() -> Self {
        let mut rng = Rng::unrepeatable();
        let balancer = format!("17{}|{}", rng.between(10_000_000, 99_999_999), rng.hex(32));
        Self { balancer, rng, flows: Vec::new(), pages: 0, failures: 0 }
    }

    /// A new login page.
    pub(super) fn open_flow(&mut self) -> Flow {
        self.pages += 1;
        let ticket = format!("LT-{}-{}-cas", 40_000 + self.pages, self.rng.hex(20));
        let flow = Flow { ticket, execution: format!("e{}s1", self.pages) };
        if self.flows.len() >= OPEN_FLOWS {
            self.flows.remove(0);
        }
        self.flows.push(flow.clone());
        flow
    }

    /// Uses a login page up; answers whether there was one with these fields.
    pub(super) fn close_flow(&mut self, attempt: &Attempt<'_>) -> bool {
        let place = self
            .flows
            .iter()
            .position(|flow| flow.ticket == attempt.ticket && flow.execution == attempt.execution)
            .filter(|_| self.balancer == attempt.balancer);
        place.map(|place| self.flows.remove(place)).is_some()
    }

    /// Notes a wrong password.
    pub(super) fn failed(&mut self) {
        self.failures += 1;
    }
}

/// Wrong passwords by student number, and how many of them make a captcha needed.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    need: CasCaptcha,
    failures: HashMap<String, u32>,
}

impl Attempts {
    pub(super) fn set_captcha(&self, need: CasCaptcha) {
        lock(&self.0).need = need;
    }

    pub(super) fn failed(&self, number: &str) {
        *lock(&self.0).failures.entry(number.to_owned()).or_default() += 1;
    }

    pub(super) fn forget(&self, number: &str) {
        lock(&self.0).failures.remove(number);
    }

    /// Whether a login with this number needs a captcha.
    pub(super) fn is_captcha_needed(&self, number: &str) -> bool {
        let inner = lock(&self.0);
        inner.need.is_reached(inner.failures.get(number).copied().unwrap_or(0))
    }

    /// Whether the login page of this browser says that a captcha is needed.
    pub(super) fn shows_captcha(&self, session: &CasSession) -> bool {
        lock(&self.0).need.is_reached(session.failures)
    }
}

impl CasCaptcha {
    fn is_reached(self, failures: u32) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::After(number) => failures >= number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, CasCaptcha, CasSession};

    #[test]
    fn a_login_page_is_answered_once_and_only_with_the_balancers_cookie() {
        let mut session = CasSession::new();
        let (flow, balancer) = (session.open_flow(), session.balancer.clone());
        let attempt = |balancer| Attempt { ticket: &flow.ticket, execution: &flow.execution, balancer };
        assert!(!session.close_flow(&attempt("")));
        assert!(session.close_flow(&attempt(&balancer)));
        assert!(!session.close_flow(&attempt(&balancer)));
    }

    #[test]
    fn the_words_for_a_captcha_are_read() {
        assert_eq!("never".parse(), Ok(CasCaptcha::Never));
        assert_eq!("always".parse(), Ok(CasCaptcha::Always));
        assert_eq!("after:3".parse(), Ok(CasCaptcha::After(3)));
        assert!("after".parse::<CasCaptcha>().unwrap_err().contains("after:3"));
    }
}
