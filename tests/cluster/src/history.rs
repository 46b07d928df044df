//! The history of every nickname: what each client wrote and read, when it asked and when the answer was there, all on
//! one clock. At the end each account's history must be that of one register ([`crate::linearizable`]), whichever engine
//! and member answered.
//!
//! A read may show an older value where the service says so: own accounts are read from the primary, and from a
//! secondary only while there is none, or when it stays silent for a second (`src/store/reads.rs`). A secondary may not
//! know yet that a majority has the last write. Such reads are only checked for values that nobody wrote, and those that
//! were old are counted.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    api::{Account, Answer, Api, Kind},
    linearizable::{Action, Operation, Violation, check},
    lock,
};

/// A nickname that was never written: the engine makes accounts with an empty one.
const INITIAL: u64 = 0;

/// The engine asks a secondary, too, when the primary has been silent for this long: `SILENCE` in `src/store/reads.rs`.
const HEDGED: Duration = Duration::from_secs(1);

/// Most operations of a violation that are printed.
const SHOWN: usize = 20;

/// The operations of all clients on the nicknames, by account.
#[derive(Debug)]
pub struct History {
    begun: Instant,
    accounts: Mutex<BTreeMap<String, Vec<Operation>>>,
}

impl Default for History {
    fn default() -> Self {
        Self { begun: Instant::now(), accounts: Mutex::default() }
    }
}

/// A span of time.
pub type Span = (Instant, Instant);

/// The result of the check.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    /// Accounts with a history.
    pub accounts: usize,
    /// Their operations.
    pub operations: usize,
    /// Reads that a secondary may have answered.
    pub reads_of_secondaries: usize,
    /// Those that returned a value although a later one had been acknowledged before.
    pub old_reads: usize,
    /// The longest time between that acknowledgement and the read, in milliseconds.
    pub oldest_ms: u128,
    /// Accounts whose history is not that of one register.
    pub violations: usize,
    /// The first violation, an operation in each line.
    #[serde(skip)]
    pub first: Vec<String>,
}

impl History {
    /// Writes the nickname of `account` and notes it, unless it was refused.
    pub async fn write(&self, api: &Api, kind: Kind, account: &Account, number: u64) -> Answer {
        let call = Instant::now();
        let answer = api.set(kind, account, "nickName", &number.to_string()).await;
        if !answer.is_refusal() {
            self.note(account, Action::Write(number), call, answer.is_ok());
        }
        answer
    }

    /// Reads the nickname of `account` and notes it. Returns the number with the answer, if there is one.
    pub async fn read(&self, api: &Api, kind: Kind, account: &Account) -> (Answer, Option<u64>) {
        let call = Instant::now();
        let answer = api.get(kind, "/api/user", Some(account)).await;
        let name = answer.body["data"]["nickName"].as_str().filter(|_| answer.is_ok());
        let number = name.map(|name| name.parse().unwrap_or(INITIAL));
        if let Some(number) = number {
            self.note(account, Action::Read(number), call, true);
        }
        (answer, number)
    }

    /// Notes an operation that has just ended, with or without an answer.
    fn note(&self, account: &Account, action: Action, call: Instant, answered: bool) {
        let answer = answered.then(|| self.begun.elapsed());
        let operation = Operation { action, call: self.since_begin(call), answer };
        lock(&self.accounts).entry(account.open_id.clone()).or_default().push(operation);
    }

    fn since_begin(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.begun)
    }

    /// Checks all accounts. In the `disturbed` spans an engine may have found no primary.
    #[must_use]
    pub fn judge(&self, disturbed: &[Span]) -> Outcome {
        let disturbed: Vec<(Duration, Duration)> =
            disturbed.iter().map(|(from, to)| (self.since_begin(*from), self.since_begin(*to))).collect();
        let accounts = lock(&self.accounts);
        let mut outcome = Outcome { accounts: accounts.len(), ..Outcome::default() };
        let mut first: Option<Duration> = None;
        for (account, operations) in accounts.iter() {
            outcome.operations += operations.len();
            let (loose, strict): (Vec<Operation>, Vec<Operation>) =
                operations.iter().partition(|operation| may_be_old(operation, &disturbed));
            outcome.count_old(operations, &loose);
            let invented = invented(operations, &loose);
            let violation = check(&strict, INITIAL).err();
            outcome.violations += usize::from(violation.is_some() || invented.is_some());
            let shown = invented.map(|read| (read.call, vec![line(read)])).into_iter();
            let shown = shown.chain(violation.map(|violation| shown_window(&strict, &violation)));
            for (at, lines) in shown {
                if first.is_none_or(|first| at < first) {
                    first = Some(at);
                    outcome.first = std::iter::once(format!("account {account}:")).chain(lines).collect();
                }
            }
        }
        outcome
    }
}

impl Outcome {
    /// The numbers in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text =
            format!("{} of {} accounts are not, {} operations", self.violations, self.accounts, self.operations);
        if self.reads_of_secondaries > 0 {
            _ = write!(
                text,
                "; of {} reads without a primary {} returned an older value, by {} ms at most",
                self.reads_of_secondaries, self.old_reads, self.oldest_ms
            );
        }
        text
    }

    /// Counts those of the `loose` reads of an account that returned an older value.
    fn count_old(&mut self, operations: &[Operation], loose: &[Operation]) {
        let replaced = Replaced::new(operations);
        self.reads_of_secondaries += loose.len();
        for read in loose {
            let Action::Read(value) = read.action else { continue };
            if let Some(age) = replaced.at(value).and_then(|at| read.call.checked_sub(at)).filter(|age| !age.is_zero())
            {
                self.old_reads += 1;
                self.oldest_ms = self.oldest_ms.max(age.as_millis());
            }
        }
    }
}

/// Whether a secondary may have answered this read.
fn may_be_old(operation: &Operation, disturbed: &[(Duration, Duration)]) -> bool {
    let Operation { action: Action::Read(_), call, answer: Some(answer) } = *operation else { return false };
    answer.saturating_sub(call) >= HEDGED || disturbed.iter().any(|(from, to)| call <= *to && answer >= *from)
}

/// The first of the `loose` reads that returned a value which nobody had begun to write.
fn invented<'a>(operations: &[Operation], loose: &'a [Operation]) -> Option<&'a Operation> {
    let mut begun: BTreeMap<u64, Duration> = BTreeMap::from([(INITIAL, Duration::ZERO)]);
    for operation in operations {
        if let Action::Write(value) = operation.action {
            let first = begun.entry(value).or_insert(operation.call);
            *first = operation.call.min(*first);
        }
    }
    loose.iter().find(|read| match (read.action, read.answer) {
        (Action::Read(value), Some(answer)) => begun.get(&value).is_none_or(|begun| *begun > answer),
        _ => false,
    })
}

/// When the values of an account were replaced by later ones.
struct Replaced {
    /// When the write of each value was acknowledged.
    acknowledged: BTreeMap<u64, Duration>,
    /// The acknowledged writes by the time of their calls: the call, and the earliest answer of it and all later ones.
    later: Vec<(Duration, Duration)>,
}

impl Replaced {
    fn new(operations: &[Operation]) -> Self {
        let mut acknowledged = BTreeMap::from([(INITIAL, Duration::ZERO)]);
        let mut later = Vec::new();
        for operation in operations {
            if let Operation { action: Action::Write(value), call, answer: Some(answer) } = *operation {
                acknowledged.insert(value, answer);
                later.push((call, answer));
            }
        }
        later.sort_unstable();
        let mut earliest = Duration::MAX;
        for (_, answer) in later.iter_mut().rev() {
            earliest = earliest.min(*answer);
            *answer = earliest;
        }
        Self { acknowledged, later }
    }

    /// When a write was acknowledged that began after that of `value` was; `None`: not yet, or that of `value` never was.
    fn at(&self, value: u64) -> Option<Duration> {
        let acknowledged = *self.acknowledged.get(&value)?;
        let next = self.later.partition_point(|(call, _)| *call <= acknowledged);
        self.later.get(next).map(|(_, answer)| *answer)
    }
}

/// When a violation began, and its operations in words; the unexplained one is marked.
fn shown_window(history: &[Operation], violation: &Violation) -> (Duration, Vec<String>) {
    let mut lines: Vec<String> = Vec::new();
    let skipped = violation.window.len().saturating_sub(SHOWN);
    // The first is often the write of the value that was read; the last are those around the unexplained one.
    let (head, tail) = violation.window.split_at(violation.window.len().min(1));
    for place in head.iter().chain(tail.iter().skip(skipped)) {
        let mark = if *place == violation.unexplained { "  ← nothing explains this" } else { "" };
        lines.push(line(&history[*place]) + mark);
    }
    (history[violation.unexplained].call, lines)
}

/// An operation in words, with its times since the beginning of the run.
fn line(operation: &Operation) -> String {
    let what = match operation.action {
        Action::Write(value) => format!("write {value}"),
        Action::Read(value) => format!("read {value}"),
    };
    let call = operation.call.as_secs_f64();
    match operation.answer {
        Some(answer) => format!("{call:.3} s to {:.3} s: {what}", answer.as_secs_f64()),
        None => format!("{call:.3} s, no answer: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history with operations at these milliseconds: the action, its call and its answer.
    fn history(operations: &[(Action, u64, Option<u64>)]) -> History {
        let history = History::default();
        let made = operations.iter().map(|(action, call, answer)| Operation {
            action: *action,
            call: Duration::from_millis(*call),
            answer: answer.map(Duration::from_millis),
        });
        lock(&history.accounts).insert("account".to_owned(), made.collect());
        history
    }

    fn span(history: &History, from: u64, to: u64) -> Span {
        (history.begun + Duration::from_millis(from), history.begun + Duration::from_millis(to))
    }

    #[test]
    fn an_old_value_is_a_violation_when_the_primary_answered() {
        use Action::{Read, Write};
        let history = history(&[(Write(1), 0, Some(5)), (Write(2), 10, Some(20)), (Read(1), 100, Some(110))]);
        let outcome = history.judge(&[span(&history, 200, 300)]);
        assert_eq!((outcome.accounts, outcome.operations, outcome.violations), (1, 3, 1));
        assert!(outcome.first.last().unwrap().contains("read 1  ←"), "{:?}", outcome.first);
        assert_eq!(outcome.reads_of_secondaries, 0);
    }

    #[test]
    fn an_old_value_is_counted_and_allowed_when_a_secondary_may_have_answered() {
        use Action::{Read, Write};
        let writes = [(Write(1), 0, Some(5)), (Write(2), 10, Some(20))];
        let read = |from, to| history(&[writes[0], writes[1], (Read(1), from, Some(to))]);
        let without_primary = read(100, 110);
        let outcome = without_primary.judge(&[span(&without_primary, 105, 300)]);
        assert_eq!((outcome.violations, outcome.old_reads, outcome.oldest_ms), (0, 1, 80));
        let hedged = read(100, 1100).judge(&[]);
        assert_eq!((hedged.violations, hedged.old_reads, hedged.reads_of_secondaries), (0, 1, 1));
    }

    #[test]
    fn a_value_that_nobody_wrote_is_a_violation_whoever_answered() {
        use Action::{Read, Write};
        let history = history(&[(Write(1), 0, Some(5)), (Read(7), 100, Some(2000)), (Write(7), 3000, Some(3005))]);
        let outcome = history.judge(&[]);
        assert_eq!(outcome.violations, 1);
        assert!(outcome.first[1].ends_with("read 7"), "{:?}", outcome.first);
    }

    #[test]
    fn a_value_is_old_only_when_a_later_write_was_acknowledged_before_the_read() {
        use Action::{Read, Write};
        let history = history(&[
            (Write(1), 0, Some(5)),
            // At the same time as each other: either may be the later one.
            (Write(2), 10, Some(40)),
            (Write(3), 20, Some(30)),
            (Read(2), 50, Some(60)),
            (Read(3), 50, Some(60)),
            (Read(1), 25, Some(29)),
            (Read(1), 35, Some(36)),
        ]);
        let outcome = history.judge(&[span(&history, 0, 100)]);
        assert_eq!((outcome.violations, outcome.old_reads, outcome.oldest_ms), (0, 1, 5));
    }

    #[test]
    fn the_first_violation_of_all_accounts_is_shown() {
        use Action::{Read, Write};
        let early = [(Write(1), 0, Some(5)), (Read(0), 10, Some(20))];
        let late = [(Write(1), 0, Some(5)), (Read(0), 90, Some(95))];
        let both = history(&early);
        let other = history(&late);
        let operations = lock(&other.accounts).remove("account").unwrap();
        lock(&both.accounts).insert("a later one".to_owned(), operations);
        let outcome = both.judge(&[]);
        assert_eq!((outcome.violations, outcome.first[0].as_str()), (2, "account account:"));
    }
}
