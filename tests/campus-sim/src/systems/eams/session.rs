//! Who is logged in, and how a session is used.

use std::sync::Mutex;
use std::time::Duration;

use super::own_login::Form;
use crate::captcha::Captchas;
use crate::config::SimConfig;
use crate::sessions::Sessions;
use crate::traffic::{Begun, Traffic};
use crate::world::lock;

/// A browser's session.
#[derive(Debug, Default)]
pub(crate) struct EamsSession {
    /// Number of the student who is logged in.
    number: Option<String>,
    /// Another login of the student has ended this one.
    thrown_out: bool,
    /// This login has ended another one, and the page that says so was not shown yet.
    has_thrown_out: bool,
    /// The entry page was asked for: before that the list of terms is empty.
    pub(super) entered: bool,
    /// Number of the project whose entry page was asked for.
    pub(super) project: Option<&'static str>,
    /// The page of the system's own login that was shown last.
    pub(super) form: Option<Form>,
    traffic: Traffic,
}

impl EamsSession {
    /// Notes a request that is answered at once.
    pub(super) fn note_request(&mut self) {
        self.traffic.begin(None);
        self.traffic.end();
    }
}

/// What a session says of who is logged in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Student(String),
    /// Another login has ended the session.
    ThrownOut,
    /// The session has ended another one; said only once.
    HasThrownOut,
    Nobody,
}

#[derive(Debug, Default)]
struct Settings {
    pace: Option<Duration>,
    one_login: bool,
}

/// What EAMS remembers.
#[derive(Debug)]
pub(crate) struct EamsState {
    pub(crate) sessions: Sessions<EamsSession>,
    pub(super) captchas: Captchas,
    settings: Mutex<Settings>,
}

impl EamsState {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            sessions: Sessions::new(config.session_ttl),
            captchas: Captchas::new(config.seed, "eams"),
            settings: Mutex::default(),
        }
    }

    /// From now on requests of one session must begin this long after one another; none = any time.
    pub(crate) fn set_pace(&self, pace: Option<Duration>) {
        lock(&self.settings).pace = pace;
    }

    /// From now on a login ends the student's earlier ones, or leaves them alone.
    pub(crate) fn set_one_login(&self, on: bool) {
        lock(&self.settings).one_login = on;
    }

    /// What the captcha says that was shown last to this session.
    pub(crate) fn captcha_answer(&self, id: &str) -> Option<String> {
        self.sessions.with(id, |session| session.form.as_ref()?.captcha.clone())?
    }

    /// Notes that a request of a session begins; it has been answered when the first value is dropped. Where the pace
    /// does not matter, the request is none to it.
    pub(super) fn begin<'a>(&'a self, id: &'a str, paced: bool) -> (Stay<'a>, Begun) {
        let pace = lock(&self.settings).pace;
        let begun =
            self.sessions.with(id, |session| if paced { session.traffic.begin(pace) } else { Begun::default() });
        (Stay { state: self, id, paced }, begun.unwrap_or_default())
    }

    /// Logs a student in. Where only one login is allowed, his others end.
    pub(super) fn sign_in(&self, id: &str, number: &str) {
        let one_login = lock(&self.settings).one_login;
        let mut others = false;
        if one_login {
            self.sessions.for_each(|session| {
                if session.number.as_deref() == Some(number) {
                    *session = EamsSession { thrown_out: true, ..EamsSession::default() };
                    others = true;
                }
            });
        }
        self.sessions.with(id, |session| {
            *session = EamsSession {
                number: Some(number.to_owned()),
                has_thrown_out: others,
                traffic: std::mem::take(&mut session.traffic),
                ..EamsSession::default()
            };
        });
    }

    /// Who is logged in. A session that another login has ended is closed by this.
    pub(super) fn find(&self, id: &str) -> Found {
        let found = self.sessions.with(id, |session| {
            if session.thrown_out {
                return Found::ThrownOut;
            }
            match &session.number {
                Some(_) if std::mem::take(&mut session.has_thrown_out) => Found::HasThrownOut,
                Some(number) => Found::Student(number.clone()),
                None => Found::Nobody,
            }
        });
        if found == Some(Found::ThrownOut) {
            self.sessions.close(id);
        }
        found.unwrap_or(Found::Nobody)
    }
}

/// A request of a session that is being answered.
#[derive(Debug)]
pub(super) struct Stay<'a> {
    state: &'a EamsState,
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

#[cfg(test)]
mod tests {
    use super::{EamsState, Found};
    use crate::config::SimConfig;

    #[test]
    fn a_second_login_ends_the_first_only_where_one_is_allowed() {
        let state = EamsState::new(&SimConfig::default());
        let logged_in = || {
            let id = state.sessions.open(super::EamsSession::default());
            state.sign_in(&id, "1");
            id
        };
        let (first, second) = (logged_in(), logged_in());
        assert_eq!(state.find(&first), Found::Student("1".into()));
        state.set_one_login(true);
        let third = logged_in();
        assert_eq!(state.find(&first), Found::ThrownOut);
        assert_eq!(state.find(&first), Found::Nobody);
        assert_eq!(state.find(&second), Found::ThrownOut);
        assert_eq!(state.find(&third), Found::HasThrownOut);
        assert_eq!(state.find(&third), Found::Student("1".into()));
    }
}
