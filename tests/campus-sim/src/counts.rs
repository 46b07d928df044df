//! Counts of the requests to each system.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Serialize;
use tokio::sync::Notify;

use crate::system::{Operation, System};
use crate::world::lock;

/// Most unexpected requests that are remembered word for word; all are counted.
const REMEMBERED: usize = 200;

/// Everything counted since the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// By system name; a system without requests is absent.
    pub systems: BTreeMap<&'static str, SystemCounts>,
    /// Requests to paths nobody answers, as `METHOD /path?query`, at most 200 of them.
    pub unexpected: Vec<String>,
    /// How many of those there were.
    pub unexpected_total: u64,
}

/// The counts of one system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SystemCounts {
    /// All requests.
    pub total: u64,
    /// Most requests under way at the same time.
    pub peak: usize,
    /// By operation, for instance `captcha`.
    pub operations: BTreeMap<&'static str, u64>,
    /// What became of logins, for instance `login.wrong_captcha`.
    pub outcomes: BTreeMap<&'static str, u64>,
    #[serde(skip)]
    under_way: usize,
}

/// Counts, behind a lock.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    counts: Mutex<Counts>,
    changed: Notify,
}

impl Counter {
    /// Counts a request; it is under way until the guard is dropped.
    pub(crate) fn begin(&self, operation: Operation) -> UnderWay<'_> {
        let mut counts = lock(&self.counts);
        let system = counts.systems.entry(operation.system.name()).or_default();
        system.total += 1;
        *system.operations.entry(operation.name).or_default() += 1;
        system.under_way += 1;
        system.peak = system.peak.max(system.under_way);
        self.changed.notify_waiters();
        UnderWay { counter: self, system: operation.system }
    }

    /// Counts what became of a request.
    pub(crate) fn outcome(&self, system: System, outcome: &'static str) {
        *lock(&self.counts).systems.entry(system.name()).or_default().outcomes.entry(outcome).or_default() += 1;
        self.changed.notify_waiters();
    }

    /// Ends as soon as a count is this high.
    pub(crate) async fn reached(&self, name: &str, count: u64) {
        loop {
            // Asked for before looking, so that a change in between is not missed.
            let changed = self.changed.notified();
            if self.of(name) >= count {
                return;
            }
            changed.await;
        }
    }

    /// Counts a request nobody answers.
    pub(crate) fn unexpected(&self, request: String) {
        let mut counts = lock(&self.counts);
        counts.unexpected_total += 1;
        if counts.unexpected.len() < REMEMBERED {
            counts.unexpected.push(request);
        }
    }

    /// A copy of the counts.
    pub(crate) fn snapshot(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// Starts counting from zero. Requests under way stay under way.
    pub(crate) fn reset(&self) {
        let mut counts = lock(&self.counts);
        let old = std::mem::take(&mut *counts);
        for (name, system) in old.systems {
            if system.under_way > 0 {
                let still = SystemCounts { under_way: system.under_way, peak: system.under_way, ..Default::default() };
                counts.systems.insert(name, still);
            }
        }
    }

    /// The count of a system (`urp`), an operation (`urp.course`) or an outcome (`urp.login.ok`).
    pub(crate) fn of(&self, name: &str) -> u64 {
        let counts = lock(&self.counts);
        let (system, rest) = name.split_once('.').map_or((name, None), |(system, rest)| (system, Some(rest)));
        let Some(system) = counts.systems.get(system) else { return 0 };
        match rest {
            None => system.total,
            Some(rest) => system.operations.get(rest).or_else(|| system.outcomes.get(rest)).copied().unwrap_or(0),
        }
    }
}

/// A request that is being answered; also one whose client went away ends when this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay<'a> {
    counter: &'a Counter,
    system: System,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(system) = lock(&self.counter.counts).systems.get_mut(self.system.name()) {
            system.under_way = system.under_way.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;
    use crate::system::{Kind, Operation, System};

    const LOGIN: Operation = Operation::new(System::Urp, "login", Kind::Open);

    #[test]
    fn requests_are_counted_by_system_operation_and_outcome() {
        let counter = Counter::default();
        drop(counter.begin(LOGIN));
        let (first, second) = (counter.begin(LOGIN), counter.begin(LOGIN));
        counter.outcome(System::Urp, "login.ok");
        assert_eq!((counter.of("urp"), counter.of("urp.login"), counter.of("urp.login.ok")), (3, 3, 1));
        assert_eq!((counter.of("vpn"), counter.of("urp.course")), (0, 0));
        assert_eq!(counter.snapshot().systems["urp"].peak, 2);
        counter.reset();
        assert_eq!(counter.of("urp"), 0);
        assert_eq!(counter.snapshot().systems["urp"].peak, 2, "two are still under way");
        drop((first, second));
        counter.reset();
        assert!(counter.snapshot().systems.is_empty());
    }
}
