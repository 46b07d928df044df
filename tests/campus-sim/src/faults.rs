//! Misbehaviour on command.

mod mode;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::mode::Mode;
use crate::system::{Operation, System};

/// A fault as it is set for one system.
///
/// `Slow` to `Maintenance` touch every request of the system, `Expired` only those that need a session, `Empty` only
/// those that show a table, and so on, so that with `times` = 1 the first request that *can* be touched is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How the system misbehaves.
    pub mode: Mode,
    /// How long `slow` waits, or how long a ticket is good under `late-ticket`, in milliseconds.
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
    /// Where `week-origin` has the strings of weeks begin, 1 to 53.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<u8>,
}

impl Fault {
    /// A fault of this mode. Modes that need a value have a function of their own.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self { mode, millis: None, times: None, operation: None, errcode: None, text: None, origin: None }
    }

    /// Waits this long, then answers.
    #[must_use]
    pub fn slow(wait: Duration) -> Self {
        Self { millis: Some(millis(wait)), ..Self::new(Mode::Slow) }
    }

    /// Never answers.
    #[must_use]
    pub const fn hang() -> Self {
        Self::new(Mode::Hang)
    }

    /// Answers as usual, but not before the fault is cleared.
    #[must_use]
    pub const fn hold() -> Self {
        Self::new(Mode::Hold)
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

    /// Service tickets that come later than this make EAMS answer 500.
    #[must_use]
    pub fn late_ticket(after: Duration) -> Self {
        Self { millis: Some(millis(after)), ..Self::new(Mode::LateTicket) }
    }

    /// Strings of weeks begin at `origin`, 1 to 53, where 2 is the usual.
    #[must_use]
    pub fn week_origin(origin: u8) -> Self {
        Self { origin: Some(origin), ..Self::new(Mode::WeekOrigin) }
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
        // As it stands in JSON.
        let name = serde_json::to_value(self.mode).ok().and_then(|name| Some(name.as_str()?.to_owned()));
        let name = name.unwrap_or_default();
        let values = [
            ("millis", self.millis.is_some(), matches!(self.mode, Mode::Slow | Mode::LateTicket)),
            ("errcode", self.errcode.is_some(), self.mode == Mode::Errcode),
            ("text", self.text.is_some(), self.mode == Mode::Says),
            ("origin", self.origin.is_some(), self.mode == Mode::WeekOrigin),
        ];
        for (value, given, wanted) in values {
            if wanted && !given {
                return Err(format!("mode {name} needs '{value}'"));
            }
            if given && !wanted {
                return Err(format!("'{value}' does not go with mode {name}"));
            }
        }
        if self.mode == Mode::Hold && self.times.is_some() {
            return Err(format!("'times' does not go with mode {name}: it holds until it is cleared"));
        }
        if self.origin.is_some_and(|origin| !(1..=53).contains(&origin)) {
            return Err("'origin' is 1 to 53".to_owned());
        }
        match self.mode.systems() {
            Some(systems) if !systems.contains(&system) => {
                let known: Vec<_> = systems.iter().map(|system| system.name()).collect();
                Err(format!("mode {name} works for {}, not for {system}", known.join(", ")))
            }
            _ => Ok(()),
        }
    }

    fn touches(&self, operation: Operation) -> bool {
        self.operation.as_deref().is_none_or(|name| name == operation.name) && self.mode.touches(operation)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The faults that are set: for each system and operation at most one, and beside it those that only change the form of
/// an answer, one of each mode.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(System, Fault)>);

impl Faults {
    /// Sets a fault in the place of the one that it cannot stand beside.
    pub(crate) fn set(&mut self, system: System, fault: Fault) {
        let replaces = |old: &Fault| {
            let same = old.mode == fault.mode || !(old.mode.is_form() || fault.mode.is_form());
            old.operation == fault.operation && same
        };
        self.0.retain(|(other, old)| *other != system || !replaces(old));
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

    /// Whether requests like this one are held.
    pub(crate) fn holds(&self, operation: Operation) -> bool {
        self.touching(operation).any(|(_, fault)| fault.mode == Mode::Hold)
    }

    /// The fault that touches this request, used up by one. One that names the operation goes first.
    pub(crate) fn take(&mut self, operation: Operation) -> Option<Fault> {
        let index = self
            .touching(operation)
            .filter(|(_, fault)| !fault.mode.is_form())
            .max_by_key(|(_, fault)| fault.operation.is_some())
            .map(|(index, _)| index)?;
        Some(self.use_up(index))
    }

    /// Those that change the form of the answer to this request, each used up by one.
    pub(crate) fn take_forms(&mut self, operation: Operation) -> Vec<Fault> {
        let touching = self.touching(operation).filter(|(_, fault)| fault.mode.is_form());
        let indices: Vec<_> = touching.map(|(index, _)| index).collect();
        // From the end: one that is removed then moves none of the others.
        indices.into_iter().rev().map(|index| self.use_up(index)).collect()
    }

    fn touching(&self, operation: Operation) -> impl Iterator<Item = (usize, &Fault)> {
        let of_system = self.0.iter().enumerate().filter(move |(_, (system, _))| *system == operation.system);
        of_system.map(|(index, (_, fault))| (index, fault)).filter(move |(_, fault)| fault.touches(operation))
    }

    fn use_up(&mut self, index: usize) -> Fault {
        let fault = &mut self.0[index].1;
        match &mut fault.times {
            None => fault.clone(),
            Some(left) => {
                *left = left.saturating_sub(1);
                if *left == 0 { self.0.remove(index).1 } else { fault.clone() }
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
    fn changes_of_form_stand_beside_one_another_and_beside_one_other_fault() {
        const TABLE: Operation = Operation::new(System::Eams, "table", Kind::Table);
        let mut faults = Faults::default();
        faults.set(System::Eams, Fault::new(Mode::RenamedColumn).times(1));
        faults.set(System::Eams, Fault::week_origin(36));
        faults.set(System::Eams, Fault::garbage());
        faults.set(System::Eams, Fault::slow(Duration::from_millis(5)));
        faults.set(System::Eams, Fault::week_origin(1));
        assert_eq!(faults.take(TABLE).map(|fault| fault.mode), Some(Mode::Slow));
        let forms = |faults: &mut Faults| faults.take_forms(TABLE).len();
        assert_eq!((forms(&mut faults), forms(&mut faults)), (2, 1));
        assert_eq!(faults.take_forms(TABLE)[0].origin, Some(1));
    }

    #[test]
    fn a_senseless_fault_is_explained() {
        let fault: Fault = serde_json::from_str(r#"{"mode":"slow"}"#).unwrap();
        assert!(fault.check(System::Urp).unwrap_err().contains("millis"));
        assert!(Fault::errcode(45011).check(System::Urp).is_err());
        assert!(Fault::errcode(45011).check(System::Wechat).is_ok());
        assert!(serde_json::from_str::<Fault>(r#"{"mode":"500","tmies":1}"#).is_err());
        assert!(Fault::week_origin(54).check(System::Eams).unwrap_err().contains("53"));
        assert!(Fault::hold().check(System::Cas).is_ok());
        assert!(Fault::hold().times(1).check(System::Cas).unwrap_err().contains("times"));
        let error = Fault::new(Mode::TooFast).check(System::Cas).unwrap_err();
        assert!(error.contains("too-fast") && error.contains("eams"), "{error}");
    }
}
