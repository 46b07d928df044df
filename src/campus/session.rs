//! A student's session at a campus system (or at the VPN and the systems behind it): cookies, and where the student is
//! logged in as far as we know.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::outbound::{Asker, Cookies, System};

/// A session. It is as secret as the passwords behind it: stored sealed, never logged.
#[derive(Clone, Default)]
pub struct Session {
    /// Cookies of the system's host.
    pub cookies: Cookies,
    entered: Vec<System>,
    /// Since when he counts as logged in at each of them, or when one was last used ([`Session::touch`]): milliseconds since
    /// 1970.
    since: BTreeMap<System, i64>,
    /// The term of the URP's classroom list, which the URP keeps in its session once the list was requested.
    pub classroom_term: Option<String>,
    /// What an academic system told in this session and wants to be told again, by its adapter's names.
    facts: BTreeMap<String, String>,
    /// When the last request was begun, for systems that want a pause between two.
    begun: Option<Instant>,
    /// Whether a password was sent since the session was made or loaded: an attempt sends one at most. Not stored.
    password_sent: bool,
    /// On whose behalf the system is asked; not stored.
    pub asker: Asker,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    cookies: String,
    entered: Vec<System>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    since: BTreeMap<System, i64>,
    #[serde(default)]
    classroom_term: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    facts: BTreeMap<String, String>,
    /// [`Session::begun`] in milliseconds since 1970: a replica goes on where another one stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<i64>,
}

/// Now, in milliseconds since 1970. The clock of the campus, which tests set, has no say in pauses between requests, nor in
/// how old a session is.
fn now() -> i64 {
    Clock::system().now().timestamp_millis()
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("entered", &self.entered).finish_non_exhaustive()
    }
}

impl Session {
    /// A new session, used for `account`.
    #[must_use]
    pub fn of(account: &str) -> Self {
        Self::default().asked_for(account)
    }

    /// The same session, used for `account`.
    #[must_use]
    pub fn asked_for(self, account: &str) -> Self {
        // A pseudonym only within this process, which is enough to distinguish accounts.
        static HASH: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self { asker: Asker::Account(HASH.hash_one(account)), ..self }
    }

    /// The session as text, to be sealed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let stored = Stored {
            cookies: self.cookies.to_text(),
            entered: self.entered.clone(),
            since: self.since.clone(),
            classroom_term: self.classroom_term.clone(),
            facts: self.facts.clone(),
            begun: self.begun.map(|at| now() - i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX)),
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// The session from [`Session::to_text`]; a new one for any other text.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        serde_json::from_str::<Stored>(text)
            .map(|s| Self {
                cookies: Cookies::from_text(&s.cookies),
                entered: s.entered,
                since: s.since,
                classroom_term: s.classroom_term,
                facts: s.facts,
                begun: s.begun.and_then(|at| {
                    let ago = Duration::from_millis(u64::try_from(now() - at).ok()?);
                    Instant::now().checked_sub(ago)
                }),
                password_sent: false,
                asker: Asker::default(),
            })
            .unwrap_or_default()
    }

    /// Whether the student is logged in at `system`, as far as we know.
    #[must_use]
    pub fn is_in(&self, system: System) -> bool {
        self.entered.contains(&system)
    }

    /// Whether the student is logged in at `system`, and the login or the last use ([`Session::touch`]) is less than `life`
    /// ago.
    #[must_use]
    pub fn is_in_within(&self, system: System, life: Duration) -> bool {
        self.age_at(system).is_some_and(|age| age < life)
    }

    /// How long ago the login at `system`, or the last use, is; `None` when the student is not logged in there as far as
    /// we know, or nobody knows since when.
    #[must_use]
    pub fn age_at(&self, system: System) -> Option<Duration> {
        let since = self.since.get(&system).filter(|_| self.is_in(system))?;
        // Another replica's clock may be ahead of this one's.
        Some(Duration::from_millis(u64::try_from(now().saturating_sub(*since)).unwrap_or_default()))
    }

    /// Notes a login at `system`. A login that was noted before does not become younger.
    pub fn enter(&mut self, system: System) {
        if !self.is_in(system) {
            self.entered.push(system);
            self.since.insert(system, now());
        }
    }

    /// Notes that `system` has just answered in this session, if the student is logged in there: its time begins anew.
    pub fn touch(&mut self, system: System) {
        if self.is_in(system) {
            self.since.insert(system, now());
        }
    }

    /// Makes every login and use older.
    #[cfg(test)]
    pub fn age(&mut self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        for since in self.since.values_mut() {
            *since = since.saturating_sub(by);
        }
    }

    /// Notes that the session at `system` has ended; with the VPN, also what is behind it. What an academic system told
    /// in it stays until another one begins.
    pub fn leave(&mut self, system: System) {
        if system == System::Vpn {
            self.entered.clear();
            self.since.clear();
        }
        self.entered.retain(|entered| *entered != system);
        self.since.remove(&system);
        if !self.is_in(System::Urp) {
            self.classroom_term = None;
        }
    }

    /// Notes that a password is about to be sent. Returns whether that may be done: not a second time.
    pub fn begin_password(&mut self) -> bool {
        !std::mem::replace(&mut self.password_sent, true)
    }

    /// Whether a password was sent since the session was made or loaded.
    #[must_use]
    pub fn password_was_sent(&self) -> bool {
        self.password_sent
    }

    /// What the system told under this name in this session.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.get(name).map(String::as_str)
    }

    /// Keeps what the system told, until the session ends.
    pub fn note(&mut self, name: &str, fact: String) {
        self.facts.insert(name.to_owned(), fact);
    }

    /// Forgets what the system told under this name.
    pub fn forget_fact(&mut self, name: &str) {
        self.facts.remove(name);
    }

    /// Forgets everything that the system told, because it begins a session of its own.
    pub fn forget_facts(&mut self) {
        self.facts.clear();
    }

    /// Waits until `pause` is over since the last request was begun, and begins another.
    pub async fn pace(&mut self, pause: Duration) {
        if let Some(begun) = self.begun {
            tokio::time::sleep_until(begun + pause).await;
        }
        self.begun = Some(Instant::now());
    }

    /// A new session for the same account.
    #[must_use]
    pub fn fresh(&self) -> Self {
        Self { asker: self.asker, ..Self::default() }
    }

    /// Forgets everything but the account.
    pub fn clear(&mut self) {
        *self = self.fresh();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_mins(12);

    #[test]
    fn a_session_is_believed_for_its_life_after_its_last_use_by_every_replica() {
        let mut session = Session::of("311509000001");
        assert!(!session.is_in_within(System::Eams, LIFE));
        session.enter(System::Eams);
        session.age(Duration::from_mins(11));
        session = Session::from_text(&session.to_text());
        assert!(session.is_in_within(System::Eams, LIFE));
        session.touch(System::Eams);
        session.age(Duration::from_mins(11));
        assert!(session.is_in_within(System::Eams, LIFE), "its time began anew");
        session.age(Duration::from_mins(2));
        assert!(session.is_in(System::Eams) && !session.is_in_within(System::Eams, LIFE));
    }

    #[test]
    fn a_login_becomes_younger_by_another_one_only() {
        let mut session = Session::of("311509000001");
        session.touch(System::Cas);
        assert!(!session.is_in_within(System::Cas, LIFE), "nobody is logged in");
        session.enter(System::Cas);
        session.age(LIFE);
        session.enter(System::Cas);
        assert!(!session.is_in_within(System::Cas, LIFE), "the same login");
        session.leave(System::Cas);
        session.enter(System::Cas);
        assert!(session.is_in_within(System::Cas, LIFE));
    }

    #[test]
    fn a_session_of_unknown_age_is_not_believed() {
        let stored = r#"{"cookies":"[]","entered":["eams"]}"#;
        let session = Session::from_text(stored);
        assert!(session.is_in(System::Eams) && !session.is_in_within(System::Eams, LIFE));
        assert_eq!(session.age_at(System::Eams), None);
    }
}
