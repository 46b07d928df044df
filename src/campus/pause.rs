//! When not to log in. A system that wants a captcha, or accepts no logins from our address, gets none for a while,
//! because all students share that address. A locked account gets a pause of its own. One whose password was answered by a
//! captcha waits for its student; one whose password was answered by a slider gets none for a while from him either.
//!
//! Each engine keeps its own pauses, and needs one login to learn of each.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::{
    CampusError,
    page::{Barrier, Said},
};
use crate::outbound::System;

/// How long no automatic login is sent to a system that accepts none from us. Further logins would prolong the bar at
/// systems that count them.
pub const SYSTEM_PAUSE: Duration = Duration::from_mins(10);

/// How long no login is sent for a locked account, not even by hand: as long as these systems lock one.
pub const ACCOUNT_PAUSE: Duration = Duration::from_hours(1);

/// How long no login is sent by hand for an account whose password was answered by a slider. Nobody can answer one here, so
/// each login would be a password for nothing.
pub const SLIDER_PAUSE: Duration = Duration::from_mins(10);

/// How long no automatic login is sent for such an account. Then one password finds out whether the slider is still wanted,
/// since no captcha is shown to the student that would have him log in by hand.
pub const SLIDER_WAIT: Duration = Duration::from_hours(24);

/// Most accounts that are remembered. With more, the one whose pause ends first is forgotten.
const MAX_ACCOUNTS: usize = 10_000;

/// A login that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    /// Where.
    pub(super) system: System,
    /// The account's name there.
    pub(super) account: &'a str,
    /// Whether a person has just typed the password and waits; otherwise the login is automatic.
    pub(super) by_hand: bool,
}

#[derive(Debug, Default)]
struct Held {
    systems: HashMap<System, (Instant, Barrier)>,
    accounts: HashMap<(System, String), Instant>,
    /// Accounts whose password was answered by a captcha or a slider, and when: it would be again.
    stopped: HashMap<(System, String), (Barrier, Instant)>,
}

/// The pauses of this engine.
#[derive(Debug, Clone, Default)]
pub(super) struct Pauses(Arc<Mutex<Held>>);

impl Pauses {
    /// Does `login` unless there is a pause, and learns from its outcome. A login by hand is sent even while the system
    /// is paused, because no other account depends on it; if it works, the pause ends.
    pub(super) async fn around<T>(
        &self,
        caller: Caller<'_>,
        login: impl Future<Output = Result<T, CampusError>>,
    ) -> Result<T, CampusError> {
        self.check(caller)?;
        let outcome = login.await;
        self.learn(caller, &outcome);
        outcome
    }

    /// No automatic login is sent for this account until one by hand has worked: its password was answered by a captcha.
    pub(super) fn await_student(&self, caller: Caller<'_>) {
        self.stop(caller, Barrier::Captcha);
    }

    /// No login is sent for this account for [`SLIDER_PAUSE`], and no automatic one for [`SLIDER_WAIT`]: its password was
    /// answered by a slider. One by hand that works ends both.
    pub(super) fn await_slider(&self, caller: Caller<'_>) {
        self.stop(caller, Barrier::Slider);
    }

    fn stop(&self, caller: Caller<'_>, barrier: Barrier) {
        let mut held = self.held();
        if held.stopped.len() >= MAX_ACCOUNTS {
            // Each of them then costs one more password.
            held.stopped.clear();
        }
        held.stopped.insert((caller.system, caller.account.to_owned()), (barrier, Instant::now()));
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock()
    }

    fn check(&self, caller: Caller<'_>) -> Result<(), CampusError> {
        let system = caller.system;
        let mut held = self.held();
        let now = Instant::now();
        if let Some((until, barrier)) = held.systems.get(&system).copied() {
            if until <= now {
                held.systems.remove(&system);
                metrics::gauge!("campus_logins_paused", "system" => system.name()).set(0.0);
            } else if !caller.by_hand {
                metrics::counter!("campus_logins_withheld_total", "system" => system.name(), "reason" => barrier.word())
                    .increment(1);
                return Err(CampusError::LoginPaused(system, until - now));
            }
        }
        let key = (system, caller.account.to_owned());
        if let Some((barrier, since)) = held.stopped.get(&key).copied()
            && now.duration_since(since) < wait_at(barrier, caller.by_hand)
        {
            metrics::counter!("campus_logins_withheld_total", "system" => system.name(), "reason" => barrier.word())
                .increment(1);
            return Err(match barrier {
                Barrier::Slider => CampusError::Barred(system, barrier, Said::default()),
                Barrier::Captcha | Barrier::Address => CampusError::CaptchaWanted(system),
            });
        }
        match held.accounts.get(&key).copied() {
            Some(until) if until > now => {
                metrics::counter!("campus_logins_withheld_total", "system" => system.name(), "reason" => "locked")
                    .increment(1);
                Err(CampusError::Locked(system, Said::default()))
            }
            Some(_) => {
                held.accounts.remove(&key);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn learn<T>(&self, caller: Caller<'_>, outcome: &Result<T, CampusError>) {
        let now = Instant::now();
        let paused = |system: System, reason: &'static str| {
            metrics::counter!("campus_login_pauses_total", "system" => system.name(), "reason" => reason).increment(1);
        };
        match outcome {
            Ok(_) => {
                self.held().stopped.remove(&(caller.system, caller.account.to_owned()));
                let ended = self.held().systems.remove(&caller.system);
                if ended.is_some() {
                    metrics::gauge!("campus_logins_paused", "system" => caller.system.name()).set(0.0);
                }
            }
            // Most sliders are told by the login page, before a password is sent: no login is saved by a pause, which would
            // only hide the reason from those who ask next. Where only the answer to a password tells, the account waits.
            Err(CampusError::Barred(system, barrier, said)) if *barrier != Barrier::Slider => {
                tracing::error!(%system, barrier = barrier.word(), said = said.for_log(), "logins are paused");
                paused(*system, barrier.word());
                metrics::gauge!("campus_logins_paused", "system" => system.name()).set(1.0);
                self.held().systems.insert(*system, (now + SYSTEM_PAUSE, *barrier));
            }
            Err(CampusError::Locked(system, _)) => {
                paused(*system, "locked");
                let mut held = self.held();
                if held.accounts.len() >= MAX_ACCOUNTS {
                    let first = held.accounts.iter().min_by_key(|(_, until)| **until).map(|(key, _)| key.clone());
                    first.and_then(|key| held.accounts.remove(&key));
                }
                held.accounts.insert((*system, caller.account.to_owned()), now + ACCOUNT_PAUSE);
            }
            Err(_) => {}
        }
    }
}

/// How long a login waits after one for the same account whose password was answered by `barrier`.
fn wait_at(barrier: Barrier, by_hand: bool) -> Duration {
    match (barrier, by_hand) {
        (Barrier::Slider, true) => SLIDER_PAUSE,
        (Barrier::Slider, false) => SLIDER_WAIT,
        (_, true) => Duration::ZERO,
        (_, false) => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Caller<'static> = Caller { system: System::Vpn, account: "311509000001", by_hand: false };
    const OTHER: Caller<'static> = Caller { account: "311509000002", ..ME };

    async fn barred(pauses: &Pauses, caller: Caller<'_>) {
        let answer = async { Err::<(), _>(CampusError::Barred(System::Vpn, Barrier::Address, Said::default())) };
        assert!(matches!(pauses.around(caller, answer).await, Err(CampusError::Barred(..))));
    }

    async fn login(pauses: &Pauses, caller: Caller<'_>) -> Result<bool, CampusError> {
        pauses.around(caller, async { Ok(true) }).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_barred_address_pauses_the_logins_of_everybody_at_that_system_and_of_nobody_elsewhere() {
        let pauses = Pauses::default();
        barred(&pauses, ME).await;
        assert_eq!(login(&pauses, OTHER).await, Err(CampusError::LoginPaused(System::Vpn, SYSTEM_PAUSE)));
        assert_eq!(login(&pauses, Caller { system: System::Library, ..ME }).await, Ok(true));
        tokio::time::advance(SYSTEM_PAUSE).await;
        assert_eq!(login(&pauses, OTHER).await, Ok(true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_by_hand_is_sent_all_the_same_and_ends_the_pause_when_it_works() {
        let pauses = Pauses::default();
        barred(&pauses, ME).await;
        barred(&pauses, Caller { by_hand: true, ..OTHER }).await;
        assert!(login(&pauses, ME).await.is_err());
        assert_eq!(login(&pauses, Caller { by_hand: true, ..OTHER }).await, Ok(true));
        assert_eq!(login(&pauses, ME).await, Ok(true));
    }

    #[tokio::test]
    async fn a_slider_pauses_nobody_so_that_everybody_is_told_of_it() {
        let pauses = Pauses::default();
        let answer = async { Err::<(), _>(CampusError::Barred(System::Jwglxt, Barrier::Slider, Said::default())) };
        let caller = Caller { system: System::Jwglxt, ..ME };
        assert!(matches!(pauses.around(caller, answer).await, Err(CampusError::Barred(..))));
        assert_eq!(login(&pauses, caller).await, Ok(true));
    }

    #[tokio::test]
    async fn an_account_whose_password_was_answered_by_a_captcha_waits_for_its_student() {
        let pauses = Pauses::default();
        pauses.await_student(ME);
        assert_eq!(login(&pauses, ME).await, Err(CampusError::CaptchaWanted(System::Vpn)));
        assert_eq!(login(&pauses, OTHER).await, Ok(true));
        assert_eq!(login(&pauses, Caller { by_hand: true, ..ME }).await, Ok(true));
        assert_eq!(login(&pauses, ME).await, Ok(true));
    }

    fn slider() -> Result<bool, CampusError> {
        Err(CampusError::Barred(System::Vpn, Barrier::Slider, Said::default()))
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_whose_password_was_answered_by_a_slider_sends_none_for_a_while_not_even_by_hand() {
        let pauses = Pauses::default();
        let by_hand = Caller { by_hand: true, ..ME };
        for told in [ME, by_hand] {
            pauses.await_slider(told);
            for caller in [ME, by_hand] {
                assert_eq!(login(&pauses, caller).await, slider(), "{caller:?}");
            }
            assert_eq!(login(&pauses, OTHER).await, Ok(true));
            tokio::time::advance(SLIDER_PAUSE).await;
            assert_eq!(login(&pauses, ME).await, slider());
            assert_eq!(login(&pauses, by_hand).await, Ok(true));
            assert_eq!(login(&pauses, ME).await, Ok(true), "the login by hand has worked");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_automatic_login_finds_out_that_a_slider_is_gone() {
        let pauses = Pauses::default();
        pauses.await_slider(ME);
        tokio::time::advance(SLIDER_WAIT).await;
        assert_eq!(login(&pauses, ME).await, Ok(true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_locked_account_pauses_only_itself_whoever_asks() {
        let pauses = Pauses::default();
        let answer = async { Err::<(), _>(CampusError::Locked(System::Vpn, Said::new("帐号已被锁定"))) };
        assert!(pauses.around(ME, answer).await.is_err());
        for by_hand in [false, true] {
            assert!(matches!(login(&pauses, Caller { by_hand, ..ME }).await, Err(CampusError::Locked(..))));
        }
        assert_eq!(login(&pauses, OTHER).await, Ok(true));
        tokio::time::advance(ACCOUNT_PAUSE).await;
        assert_eq!(login(&pauses, ME).await, Ok(true));
    }
}
