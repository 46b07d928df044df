//! A circuit breaker. Repeated failures trip it, and requests fail at once. After a while it is half-open: one request
//! probes the system, and its outcome closes the breaker or trips it again.

use std::time::Duration;

use metrics::Label;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

/// Failures in a row that trip the breaker. One student's first table takes five requests, so a single broken page does
/// not trip it.
const THRESHOLD: u32 = 5;

/// How long it stays tripped before a probe: well below the 30 s in which service must resume after the campus does.
const COOLDOWN: Duration = Duration::from_secs(5);

/// Number of accounts that must get unreadable pages before those count: one student's broken page or dead session
/// proves nothing about other students.
const ACCOUNTS: usize = 3;

/// On whose behalf a system is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asker {
    /// The service itself, such as the spider. All its failures count.
    #[default]
    Service,
    /// An account, by its pseudonym.
    Account(u64),
}

/// The breaker refuses the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open;

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Unreadable pages, and up to [`ACCOUNTS`] accounts that got them.
    unreadable: u32,
    accounts: Vec<u64>,
    opened: Option<Instant>,
    probing: bool,
}

/// The breaker of one system.
#[derive(Debug)]
pub struct Breaker {
    /// That of the system, with what tells it apart from others of its kind: `jwglxt/undergraduate`.
    name: String,
    labels: Vec<Label>,
    state: Mutex<State>,
}

/// Permit for one request. Dropped without a verdict (the caller went away) it changes nothing.
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Breaker {
    /// A closed breaker of the system `name`, which labels its metrics.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let labels = vec![Label::from_static_parts("system", name)];
        Self { name: name.to_owned(), labels, state: Mutex::default() }
    }

    /// A closed breaker of one of several systems of the kind `name`. Its metrics have the label `part`, too.
    #[must_use]
    pub fn of_part(name: &'static str, part: &str) -> Self {
        let labels = vec![Label::from_static_parts("system", name), Label::new("part", part.to_owned())];
        Self { name: format!("{name}/{part}"), labels, state: Mutex::default() }
    }

    /// Its name in logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether it is open.
    fn measure(&self, open: bool) {
        metrics::gauge!("breaker_open", self.labels.clone()).set(f64::from(u8::from(open)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Whether a request would be refused now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let state = self.state();
        state.opened.is_some_and(|at| state.probing || at.elapsed() < COOLDOWN)
    }

    /// Whether the breaker is tripped or half-open: a request would be refused, or be a probe.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.state().opened.is_some()
    }

    /// A permit for one request.
    ///
    /// # Errors
    /// [`Open`] while the system must not be asked.
    pub fn admit(&self) -> Result<Permit<'_>, Open> {
        let mut state = self.state();
        match state.opened {
            None => Ok(Permit { breaker: self, probe: false }),
            Some(at) if !state.probing && at.elapsed() >= COOLDOWN => {
                state.probing = true;
                Ok(Permit { breaker: self, probe: true })
            }
            Some(_) => Err(Open),
        }
    }
}

impl State {
    /// Failures in a row that count.
    fn count(&self) -> u32 {
        let unreadable = if self.accounts.len() >= ACCOUNTS { self.unreadable } else { 0 };
        self.failures.saturating_add(unreadable)
    }

    fn forget(&mut self) {
        self.failures = 0;
        self.unreadable = 0;
        self.accounts.clear();
    }
}

impl Permit<'_> {
    /// Record success. A tripped breaker closes only by its probe: a late answer to an earlier request proves little.
    pub fn success(self) {
        let mut state = self.breaker.state();
        if state.opened.is_some() && !self.probe {
            return;
        }
        if state.opened.take().is_some() {
            tracing::info!(system = self.breaker.name(), "breaker closed");
        }
        state.forget();
        self.breaker.measure(false);
    }

    /// Record failure.
    pub fn failure(self) {
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        self.open_if_due(&mut state);
    }

    /// Record an unreadable answer. It counts once [`ACCOUNTS`] accounts got such answers in a row. A probe with this
    /// outcome closes the breaker: the system answers, and one account's broken page must not keep it from the others.
    pub fn unreadable(self, asker: Asker) {
        let Asker::Account(account) = asker else { return self.failure() };
        let mut state = self.breaker.state();
        if self.probe {
            state.forget();
            state.opened = None;
            tracing::info!(system = self.breaker.name(), "breaker closed: it answers, though not readably");
            self.breaker.measure(false);
        }
        state.unreadable = state.unreadable.saturating_add(1);
        if state.accounts.len() < ACCOUNTS && !state.accounts.contains(&account) {
            state.accounts.push(account);
        }
        if !self.probe && state.count() >= THRESHOLD && state.opened.is_none() {
            self.open(&mut state);
        }
    }

    fn open_if_due(&self, state: &mut State) {
        if self.probe || (state.opened.is_none() && state.count() >= THRESHOLD) {
            self.open(state);
        }
    }

    fn open(&self, state: &mut State) {
        if state.opened.is_none() {
            tracing::warn!(system = self.breaker.name(), failures = state.count(), "breaker opened");
        }
        state.opened = Some(Instant::now());
        self.breaker.measure(true);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.state().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.admit().unwrap().failure();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_repeated_failures_and_closes_when_a_probe_succeeds() {
        let breaker = Breaker::new("test");
        fail(&breaker, THRESHOLD - 1);
        assert!(!breaker.is_open());
        fail(&breaker, 1);
        assert!(breaker.is_open());
        assert_eq!(breaker.admit().unwrap_err(), Open);

        tokio::time::advance(COOLDOWN).await;
        assert!(!breaker.is_open() && breaker.is_in_doubt());
        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_err(), "only one probe at a time");
        probe.success();
        assert!(!breaker.is_open() && !breaker.is_in_doubt());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_opens_it_again_and_an_abandoned_one_lets_the_next_probe() {
        let breaker = Breaker::new("test");
        fail(&breaker, THRESHOLD);
        tokio::time::advance(COOLDOWN).await;
        breaker.admit().unwrap().failure();
        assert!(breaker.is_open());
        tokio::time::advance(COOLDOWN).await;
        drop(breaker.admit().unwrap());
        breaker.admit().unwrap().success();
        assert!(!breaker.is_open());
    }

    fn unreadable(breaker: &Breaker, account: u64, times: u32) {
        for _ in 0..times {
            breaker.admit().unwrap().unreadable(Asker::Account(account));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_unreadable_pages_of_one_or_two_accounts_never_open_it_and_those_of_three_do() {
        let breaker = Breaker::new("test");
        unreadable(&breaker, 1, 3 * THRESHOLD);
        unreadable(&breaker, 2, 3 * THRESHOLD);
        assert!(!breaker.is_open());
        unreadable(&breaker, 3, 1);
        assert!(breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn failures_count_whoever_meets_them_and_the_service_itself_is_believed() {
        let breaker = Breaker::new("test");
        unreadable(&breaker, 1, THRESHOLD);
        fail(&breaker, THRESHOLD - 1);
        assert!(!breaker.is_open());
        breaker.admit().unwrap().unreadable(Asker::Service);
        assert!(breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_with_a_broken_page_does_not_keep_it_open_by_probing() {
        let breaker = Breaker::new("test");
        fail(&breaker, THRESHOLD);
        tokio::time::advance(COOLDOWN).await;
        breaker.admit().unwrap().unreadable(Asker::Account(1));
        assert!(!breaker.is_open());
        unreadable(&breaker, 2, THRESHOLD);
        assert!(!breaker.is_open());
        unreadable(&breaker, 3, 1);
        assert!(breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_between_failures_starts_the_count_again() {
        let breaker = Breaker::new("test");
        fail(&breaker, THRESHOLD - 1);
        breaker.admit().unwrap().success();
        fail(&breaker, THRESHOLD - 1);
        assert!(!breaker.is_open());
    }

    #[test]
    fn the_breakers_of_a_kind_have_metrics_of_their_own() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let [first, second] = ["first", "second"].map(|part| Breaker::of_part("jwglxt", part));
            fail(&first, THRESHOLD);
            second.admit().unwrap().success();
        });
        let told = recorder.handle().render();
        for line in
            [r#"breaker_open{system="jwglxt",part="first"} 1"#, r#"breaker_open{system="jwglxt",part="second"} 0"#]
        {
            assert!(told.lines().any(|told| told == line), "{line} is missing from\n{told}");
        }
    }
}
