//! A student's session at a campus system (or at the VPN and the systems behind it): cookies, and where the student is
//! logged in as far as we know.

use std::{
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use serde::{Deserialize, Serialize};

use crate::outbound::{Asker, Cookies, System};

/// A session. It is as secret as the passwords behind it: stored sealed, never logged.
#[derive(Clone, Default)]
pub struct Session {
    /// Cookies of the system's host.
    pub cookies: Cookies,
    entered: Vec<System>,
    /// The term of the URP's classroom list, which the URP keeps in its session once the list was requested.
    pub classroom_term: Option<String>,
    /// On whose behalf the system is asked; not stored.
    pub asker: Asker,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    cookies: String,
    entered: Vec<System>,
    #[serde(default)]
    classroom_term: Option<String>,
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
            classroom_term: self.classroom_term.clone(),
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
                classroom_term: s.classroom_term,
                asker: Asker::default(),
            })
            .unwrap_or_default()
    }

    /// Whether the student is logged in at `system`, as far as we know.
    #[must_use]
    pub fn is_in(&self, system: System) -> bool {
        self.entered.contains(&system)
    }

    /// Notes a login at `system`.
    pub fn enter(&mut self, system: System) {
        if !self.is_in(system) {
            self.entered.push(system);
        }
    }

    /// Notes that the session at `system` has ended; with the VPN, also what is behind it.
    pub fn leave(&mut self, system: System) {
        if system == System::Vpn {
            self.entered.clear();
        }
        self.entered.retain(|entered| *entered != system);
        if !self.is_in(System::Urp) {
            self.classroom_term = None;
        }
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
