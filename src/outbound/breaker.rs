//! A circuit breaker: after repeated failures a system is not asked for a while; then one request probes it, and its
//! outcome closes the breaker or opens it again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Failures in a row that open the breaker. One student's first table takes five requests, so a single broken page
/// does not open it.
const THRESHOLD: u32 = 5;

/// How long it stays open before a probe; well below the 30 s in which service must resume after the campus does.
const COOLDOWN: Duration = Duration::from_secs(5);

/// The breaker is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open;

#[derive(Debug, Default)]
struct State {
    failures: u32,
    opened: Option<Instant>,
    probing: bool,
}

/// The breaker of one system.
#[derive(Debug)]
pub struct Breaker {
    name: &'static str,
    state: Mutex<State>,
}

/// Leave to ask once. Dropped without a verdict (the caller went away) it changes nothing.
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Breaker {
    /// A closed breaker; `name` labels its metrics.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether asking now would be refused.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let state = self.state();
        state.opened.is_some_and(|at| state.probing || at.elapsed() < COOLDOWN)
    }

    /// Whether the system failed repeatedly and has not answered well since: asking would be refused, or be a probe.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.state().opened.is_some()
    }

    /// Leave to ask, or [`Open`].
    ///
    /// # Errors
    /// [`Open`] while the system is not to be asked.
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

impl Permit<'_> {
    /// The system works. An open breaker closes only for its probe: a late answer to an earlier request proves little.
    pub fn success(self) {
        let mut state = self.breaker.state();
        if state.opened.is_some() && !self.probe {
            return;
        }
        if state.opened.take().is_some() {
            tracing::info!(system = self.breaker.name, "breaker closed");
        }
        state.failures = 0;
        metrics::gauge!("breaker_open", "system" => self.breaker.name).set(0.0);
    }

    /// The system does not work: one failure more.
    pub fn failure(self) {
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        if self.probe || state.failures == THRESHOLD {
            if state.opened.is_none() {
                tracing::warn!(system = self.breaker.name, failures = state.failures, "breaker opened");
            }
            state.opened = Some(Instant::now());
            metrics::gauge!("breaker_open", "system" => self.breaker.name).set(1.0);
        }
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

    #[tokio::test(start_paused = true)]
    async fn a_success_between_failures_starts_the_count_again() {
        let breaker = Breaker::new("test");
        fail(&breaker, THRESHOLD - 1);
        breaker.admit().unwrap().success();
        fail(&breaker, THRESHOLD - 1);
        assert!(!breaker.is_open());
    }
}
