//! Misbehaviour on command.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::system::{Kind, Operation, System};

/// How a system misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Waits, then answers as usual.
    #[serde(rename = "slow")]
    Slow,
    /// Never answers; lasts until the client goes away.
    #[serde(rename = "hang")]
    Hang,
    /// Answers 500.
    #[serde(rename = "500")]
    ServerError,
    /// Closes the connection without an answer.
    #[serde(rename = "drop")]
    Drop,
    /// Answers 200 with random bytes.
    #[serde(rename = "garbage")]
    Garbage,
    /// Answers 200 with a page that announces maintenance.
    #[serde(rename = "maintenance")]
    Maintenance,
    /// Answers with the page asked for, but its table has no rows (JSON calls: an empty object).
    #[serde(rename = "empty")]
    Empty,
    /// Treats every session as expired: the login page comes instead (`WeChat`: 42001, `GitHub`: 401).
    #[serde(rename = "expired")]
    Expired,
    /// Ends the session like `Expired`, but answers 500, as an application server does that lost it.
    #[serde(rename = "dead")]
    Dead,
    /// Answers a login, or a page of the academic system, with a text in place of what was asked for.
    #[serde(rename = "says")]
    Says,
    /// `WeChat` only: answers with an error code.
    #[serde(rename = "errcode")]
    Errcode,
}

/// A fault as it is set for one system.
///
/// `Slow` to `Maintenance` touch every request of the system, `Expired` only those that need a session, `Empty` only
/// those that show a table, so that with `times` = 1 the first request that *can* be touched is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How the system misbehaves.
    pub mode: Mode,
    /// How long `slow` waits, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// How many requests it touches; absent = until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Touches only this operation of the system, for instance `course`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What `errcode` answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errcode: Option<i64>,
    /// What `says` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Fault {
    const fn new(mode: Mode) -> Self {
        Self { mode, millis: None, times: None, operation: None, errcode: None, text: None }
    }

    /// Waits this long, then answers.
    #[must_use]
    pub fn slow(wait: Duration) -> Self {
        Self { millis: Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)), ..Self::new(Mode::Slow) }
    }

    /// Never answers.
    #[must_use]
    pub const fn hang() -> Self {
        Self::new(Mode::Hang)
    }

    /// Answers 500.
    #[must_use]
    pub const fn server_error() -> Self {
        Self::new(Mode::ServerError)
    }

    /// Closes the connection without an answer.
    #[must_use]
    pub const fn dropped() -> Self {
        Self::new(Mode::Drop)
    }

    /// Answers 200 with random bytes.
    #[must_use]
    pub const fn garbage() -> Self {
        Self::new(Mode::Garbage)
    }

    /// Answers 200 with a maintenance page.
    #[must_use]
    pub const fn maintenance() -> Self {
        Self::new(Mode::Maintenance)
    }

    /// The right page without rows.
    #[must_use]
    pub const fn empty() -> Self {
        Self::new(Mode::Empty)
    }

    /// The login page in place of every page that needs a session.
    #[must_use]
    pub const fn expired() -> Self {
        Self::new(Mode::Expired)
    }

    /// Status 500 in place of every page that needs a session, and the session ends.
    #[must_use]
    pub const fn dead() -> Self {
        Self::new(Mode::Dead)
    }

    /// This text in place of what was asked for, with status 200.
    #[must_use]
    pub fn says(text: &str) -> Self {
        Self { text: Some(text.to_owned()), ..Self::new(Mode::Says) }
    }

    /// `WeChat` answers with this error code.
    #[must_use]
    pub fn errcode(code: i64) -> Self {
        Self { errcode: Some(code), ..Self::new(Mode::Errcode) }
    }

    /// Touches only the next `count` requests.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self { times: Some(count), ..self }
    }

    /// Touches only one operation, named without the system: `course`, not `urp.course`.
    #[must_use]
    pub fn on(self, operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..self }
    }

    /// What is wrong with this fault for that system, if anything.
    pub(crate) fn check(&self, system: System) -> Result<(), String> {
        match (self.mode, self.millis, self.errcode) {
            (Mode::Slow, None, _) => Err("mode slow needs 'millis'".to_owned()),
            (Mode::Errcode, _, None) => Err("mode errcode needs 'errcode'".to_owned()),
            (Mode::Says, ..) if self.text.is_none() => Err("mode says needs 'text'".to_owned()),
            (Mode::Says | Mode::Dead, ..) if !matches!(system, System::Vpn | System::Urp | System::Library) => {
                Err(format!("modes says and dead work for vpn, urp and library, not for {system}"))
            }
            (Mode::Errcode, ..) if system != System::Wechat => {
                Err(format!("mode errcode works for wechat, not for {system}"))
            }
            (mode, Some(_), _) if mode != Mode::Slow => Err("'millis' goes with mode slow only".to_owned()),
            (mode, _, Some(_)) if mode != Mode::Errcode => Err("'errcode' goes with mode errcode only".to_owned()),
            _ => Ok(()),
        }
    }

    fn touches(&self, operation: Operation) -> bool {
        let named = self.operation.as_deref().is_none_or(|name| name == operation.name);
        named
            && match self.mode {
                Mode::Dead => matches!(operation.kind, Kind::Page | Kind::Table),
                Mode::Says => {
                    operation.name == "login"
                        || (operation.system == System::Urp && matches!(operation.kind, Kind::Page | Kind::Table))
                }
                Mode::Expired => matches!(operation.kind, Kind::Page | Kind::Table | Kind::Api),
                Mode::Empty => matches!(operation.kind, Kind::Table | Kind::List | Kind::Api),
                Mode::Errcode => operation.kind == Kind::Api,
                Mode::Slow | Mode::Hang | Mode::ServerError | Mode::Drop | Mode::Garbage | Mode::Maintenance => true,
            }
    }
}

/// The faults that are set, at most one for each system and operation.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(System, Fault)>);

impl Faults {
    /// Sets a fault in the place of the one for the same system and operation.
    pub(crate) fn set(&mut self, system: System, fault: Fault) {
        self.0.retain(|(other, old)| *other != system || old.operation != fault.operation);
        self.0.push((system, fault));
    }

    /// Clears the faults of one system, or all.
    pub(crate) fn clear(&mut self, system: Option<System>) {
        self.0.retain(|(other, _)| system.is_some_and(|system| system != *other));
    }

    /// What is set.
    pub(crate) fn all(&self) -> &[(System, Fault)] {
        &self.0
    }

    /// The fault that touches this request, used up by one. One that names the operation goes first.
    pub(crate) fn take(&mut self, operation: Operation) -> Option<Fault> {
        let index = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, (system, fault))| *system == operation.system && fault.touches(operation))
            .max_by_key(|(_, (_, fault))| fault.operation.is_some())
            .map(|(index, _)| index)?;
        let fault = &mut self.0[index].1;
        match &mut fault.times {
            None => Some(fault.clone()),
            Some(left) => {
                *left = left.saturating_sub(1);
                if *left == 0 { Some(self.0.remove(index).1) } else { Some(fault.clone()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Fault, Faults, Mode};
    use crate::system::{Kind, Operation, System};

    const CAPTCHA: Operation = Operation::new(System::Urp, "captcha", Kind::Open);
    const COURSE: Operation = Operation::new(System::Urp, "course", Kind::Table);

    #[test]
    fn a_fault_for_two_requests_touches_two() {
        let mut faults = Faults::default();
        faults.set(System::Urp, Fault::hang().times(2));
        assert!(faults.take(CAPTCHA).is_some());
        assert!(faults.take(COURSE).is_some());
        assert!(faults.take(COURSE).is_none());
    }

    #[test]
    fn an_expired_session_waits_for_a_request_that_needs_one() {
        let mut faults = Faults::default();
        faults.set(System::Urp, Fault::expired().times(1));
        assert!(faults.take(CAPTCHA).is_none());
        assert_eq!(faults.take(COURSE).map(|fault| fault.mode), Some(Mode::Expired));
        assert!(faults.take(COURSE).is_none());
    }

    #[test]
    fn a_named_operation_goes_before_the_whole_system() {
        let mut faults = Faults::default();
        faults.set(System::Urp, Fault::garbage().on("course"));
        faults.set(System::Urp, Fault::slow(Duration::from_millis(5)));
        assert_eq!(faults.take(COURSE).map(|fault| fault.mode), Some(Mode::Garbage));
        assert_eq!(faults.take(CAPTCHA).map(|fault| fault.mode), Some(Mode::Slow));
        faults.clear(Some(System::Vpn));
        assert_eq!(faults.all().len(), 2);
        faults.clear(None);
        assert!(faults.all().is_empty());
    }

    #[test]
    fn a_senseless_fault_is_explained() {
        let fault: Fault = serde_json::from_str(r#"{"mode":"slow"}"#).unwrap();
        assert!(fault.check(System::Urp).unwrap_err().contains("millis"));
        assert!(Fault::errcode(45011).check(System::Urp).is_err());
        assert!(Fault::errcode(45011).check(System::Wechat).is_ok());
        assert!(serde_json::from_str::<Fault>(r#"{"mode":"500","tmies":1}"#).is_err());
    }
}
