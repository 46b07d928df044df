//! What a test can do to the CAS and to the academic systems that have no VPN around them.

use std::time::Duration;

use super::Sim;
use crate::system::System;
use crate::systems::cas::CasCaptcha;
use crate::systems::jwglxt::JwglxtCaptcha;
use crate::world::lock;

impl Sim {
    /// From now on the CAS asks for a captcha at these times; at first it never does.
    pub fn set_cas_captcha(&self, need: CasCaptcha) {
        self.systems().cas.set_captcha(need);
    }

    /// What the CAS's captcha with this token says; none when it was answered already.
    #[must_use]
    pub fn cas_captcha_answer(&self, token: &str) -> Option<String> {
        self.systems().cas.answers.with(token, |answer| answer.clone())
    }

    /// What the captcha says that the CAS showed last, to whomever.
    #[must_use]
    pub fn last_cas_captcha(&self) -> Option<String> {
        lock(&self.systems().cas.last_answer).clone()
    }

    /// What the captcha of EAMS's own login says that was last shown to this session (the value of its `JSESSIONID`).
    #[must_use]
    pub fn eams_captcha_answer(&self, session: &str) -> Option<String> {
        self.systems().eams.captcha_answer(session)
    }

    /// From now on the login of jwglxt wants this captcha; at first it wants none.
    pub fn set_jwglxt_captcha(&self, captcha: JwglxtCaptcha) {
        self.systems().jwglxt.set_captcha(captcha);
    }

    /// What the picture of jwglxt says that was last shown to this session (the value of its `JSESSIONID`), or how many
    /// pixels the piece of its slider must be moved.
    #[must_use]
    pub fn jwglxt_captcha_answer(&self, session: &str) -> Option<String> {
        self.systems().jwglxt.captcha_answer(session)
    }

    /// From now on requests of one session must begin this long after one another, and never beside one another; else
    /// EAMS answers with the page that says one clicks too fast, and jwglxt cuts the connection. None = any time, as at
    /// first. The steps of a login through the CAS follow at once in life, so they count for nothing.
    ///
    /// # Panics
    /// When the system knows no pace: `eams` and `jwglxt` do.
    pub fn set_pace(&self, system: System, pace: Option<Duration>) {
        if let Err(why) = self.try_set_pace(system, pace) {
            panic!("{why}");
        }
    }

    pub(crate) fn try_set_pace(&self, system: System, pace: Option<Duration>) -> Result<(), String> {
        match system {
            System::Eams => self.systems().eams.set_pace(pace),
            System::Jwglxt => self.systems().jwglxt.set_pace(pace),
            other => return Err(format!("{other} has no pace, eams and jwglxt have")),
        }
        Ok(())
    }

    /// From now on a login ends the student's earlier ones, or leaves them alone, as at first.
    ///
    /// # Panics
    /// When the system cannot do that: only `eams` can.
    pub fn set_one_login(&self, system: System, on: bool) {
        if let Err(why) = self.try_set_one_login(system, on) {
            panic!("{why}");
        }
    }

    pub(crate) fn try_set_one_login(&self, system: System, on: bool) -> Result<(), String> {
        match system {
            System::Eams => self.systems().eams.set_one_login(on),
            other => return Err(format!("{other} allows many logins, only eams can do otherwise")),
        }
        Ok(())
    }
}
