//! A student's session at the VPN and the systems behind it: cookies, and what is logged in as far as we know.

use serde::{Deserialize, Serialize};

use crate::outbound::Cookies;

/// A session. It is as secret as the passwords that made it: stored sealed, never logged.
#[derive(Clone, Default)]
pub struct Session {
    /// Cookies of the VPN's host.
    pub cookies: Cookies,
    /// Logged in at the VPN, until it says otherwise.
    pub vpn: bool,
    /// Logged in at the URP, until it says otherwise.
    pub urp: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    cookies: String,
    vpn: bool,
    urp: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("vpn", &self.vpn).field("urp", &self.urp).finish_non_exhaustive()
    }
}

impl Session {
    /// The session as text, to be sealed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let stored = Stored { cookies: self.cookies.to_text(), vpn: self.vpn, urp: self.urp };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// The session that [`Session::to_text`] wrote; a new one for any other text.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        serde_json::from_str::<Stored>(text)
            .map(|s| Self { cookies: Cookies::from_text(&s.cookies), vpn: s.vpn, urp: s.urp })
            .unwrap_or_default()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
