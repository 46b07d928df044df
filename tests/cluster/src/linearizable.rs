//! Whether the operations of several clients on one register can be explained by a single value that is written and read
//! at one moment each, some time between the call and the answer of the operation. Such a history is linearizable.
//!
//! The search of Wing and Gong: try the operations under way in every order, and give an order up as soon as a read does
//! not return the value. It goes along the time ("just-in-time linearization"), keeps all orders that are still possible
//! as states side by side, and looks at a state only once, however many orders lead to it; without that, twelve
//! operations at once have 479 million orders, with it some ten thousand states.
//!
//! A write without an answer may take effect at any later time, or never.
//!
//! Sources: J. Wing and C. Gong, "Testing and verifying concurrent objects", J. Parallel Distrib. Comput. 17 (1993);
//! G. Lowe, "Testing for linearizability", Concurrency Computat. Pract. Exper. 29 (2017), both the search along the time
//! and the states looked at once; A. Horn and D. Kroening, "Faster linearizability checking via P-compositionality",
//! FORTE 2015: each account is checked by itself. The checkers Knossos and Porcupine do the same.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

/// What an operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Wrote this value.
    Write(u64),
    /// Returned this value.
    Read(u64),
}

/// An operation of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// What it did.
    pub action: Action,
    /// When it began, on the clock of all clients.
    pub call: Duration,
    /// When its answer was there; `None`: it is not known whether it was carried out.
    pub answer: Option<Duration>,
}

/// Why a history is not linearizable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The operation (by its place in the history) whose answer nothing explains, although everything before does.
    pub unexplained: usize,
    /// It and the operations around it, by the time of their calls: those that were under way with it or with the last
    /// write before it, and the write of the value that it read.
    pub window: Vec<usize>,
}

/// Checks a history of one register, in any order, whose value was `initial` at the beginning.
///
/// # Errors
/// The first violation in time.
pub fn check(history: &[Operation], initial: u64) -> Result<(), Violation> {
    let mut search = Search::new(history, initial);
    for (_, event, operation) in events(history) {
        match event {
            Event::Call => search.call(operation),
            Event::Answer => {
                if !search.answer(operation) {
                    return Err(Violation { unexplained: operation, window: window(history, operation) });
                }
            }
            Event::Forget => search.forget(operation),
        }
    }
    Ok(())
}

/// What happens to an operation. At the same moment calls come first: then the operations overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// It may take effect from now on.
    Call,
    /// It has taken effect by now.
    Answer,
    /// A write without an answer whose value nobody reads from now on. Whether it takes effect later makes no
    /// difference: an explanation with it is one without it, too.
    Forget,
}

/// The events in order. Operations without an effect on anything have none: reads without an answer, and writes without
/// an answer whose value nobody read.
fn events(history: &[Operation]) -> Vec<(Duration, Event, usize)> {
    let mut last_read: HashMap<u64, Duration> = HashMap::new();
    for operation in history {
        if let (Action::Read(value), Some(answer)) = (operation.action, operation.answer) {
            let last = last_read.entry(value).or_default();
            *last = answer.max(*last);
        }
    }
    let mut events = Vec::new();
    for (place, operation) in history.iter().enumerate() {
        let end = match (operation.answer, operation.action) {
            (Some(answer), _) => Some((answer, Event::Answer)),
            (None, Action::Write(value)) => last_read.get(&value).map(|last| (*last, Event::Forget)),
            (None, Action::Read(_)) => None,
        };
        if let Some((end, event)) = end.filter(|(end, _)| *end >= operation.call) {
            events.extend([(operation.call, Event::Call, place), (end, event, place)]);
        }
    }
    events.sort_unstable();
    events
}

/// One way in which everything so far may have happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    /// The register's value.
    value: u64,
    /// The operations under way that have taken effect, by place, in ascending order.
    done: Vec<usize>,
}

impl State {
    fn has_done(&self, operation: usize) -> bool {
        self.done.binary_search(&operation).is_ok()
    }

    fn with(mut self, operation: usize) -> Self {
        if let Err(at) = self.done.binary_search(&operation) {
            self.done.insert(at, operation);
        }
        self
    }

    fn without(mut self, operation: usize) -> Self {
        if let Ok(at) = self.done.binary_search(&operation) {
            self.done.remove(at);
        }
        self
    }
}

/// The search, at one moment.
struct Search<'a> {
    history: &'a [Operation],
    /// Operations under way.
    open: Vec<usize>,
    /// All ways in which everything so far may have happened.
    states: HashSet<State>,
}

impl<'a> Search<'a> {
    fn new(history: &'a [Operation], initial: u64) -> Self {
        Self { history, open: Vec::new(), states: HashSet::from([State { value: initial, done: Vec::new() }]) }
    }

    /// A read takes effect as soon as the value is the one that it returns: it changes nothing, so it never helps to wait.
    fn call(&mut self, operation: usize) {
        self.open.push(operation);
        if let Action::Read(read) = self.history[operation].action {
            let at_once = |state: State| if state.value == read { state.with(operation) } else { state };
            self.states = self.states.drain().map(at_once).collect();
        }
    }

    /// Keeps the ways in which `operation` has taken effect, after as many of the open writes as that needs. Returns
    /// whether there is one.
    fn answer(&mut self, operation: usize) -> bool {
        let mut to_do: Vec<State> = self.states.drain().collect();
        let mut met: HashSet<State> = to_do.iter().cloned().collect();
        while let Some(state) = to_do.pop() {
            if state.has_done(operation) {
                self.states.insert(state.without(operation));
                continue;
            }
            for write in self.open.iter().copied().filter(|open| !state.has_done(*open)) {
                if let Action::Write(value) = self.history[write].action {
                    let next = self.after(&state, write, value);
                    if met.insert(next.clone()) {
                        to_do.push(next);
                    }
                }
            }
        }
        self.open.retain(|open| *open != operation);
        !self.states.is_empty()
    }

    /// The state after an open write has taken effect, and the open reads of its value.
    fn after(&self, before: &State, write: usize, value: u64) -> State {
        let reads = self.open.iter().filter(|open| self.history[**open].action == Action::Read(value));
        let after = State { value, done: before.done.clone() }.with(write);
        reads.fold(after, |state, read| state.with(*read))
    }

    fn forget(&mut self, operation: usize) {
        self.open.retain(|open| *open != operation);
        self.states = self.states.drain().map(|state| state.without(operation)).collect();
    }
}

/// The operations around `unexplained`.
fn window(history: &[Operation], unexplained: usize) -> Vec<usize> {
    let Operation { action, call, answer } = history[unexplained];
    let end = answer.unwrap_or(Duration::MAX);
    let is_write = |operation: &&Operation| matches!(operation.action, Action::Write(_));
    let before = history.iter().filter(is_write).filter(|write| write.answer.is_some_and(|answer| answer < call));
    let begin = before.max_by_key(|write| write.answer).map_or(call, |write| write.call);
    let is_around = |operation: &Operation| {
        operation.call <= end && operation.answer.is_some_and(|answer| answer >= begin)
            || matches!((action, operation.action), (Action::Read(read), Action::Write(written)) if read == written)
    };
    let mut window: Vec<usize> = (0..history.len()).filter(|place| is_around(&history[*place])).collect();
    window.sort_by_key(|place| history[*place].call);
    window
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn write(value: u64, call: u64, answer: u64) -> Operation {
        Operation { action: Action::Write(value), call: at(call), answer: Some(at(answer)) }
    }

    fn read(value: u64, call: u64, answer: u64) -> Operation {
        Operation { action: Action::Read(value), call: at(call), answer: Some(at(answer)) }
    }

    fn unclear(value: u64, call: u64) -> Operation {
        Operation { action: Action::Write(value), call: at(call), answer: None }
    }

    fn is_linearizable(history: &[Operation]) -> bool {
        check(history, 0).is_ok()
    }

    #[test]
    fn operations_one_after_the_other_return_what_was_written_last() {
        assert!(is_linearizable(&[]));
        assert!(is_linearizable(&[read(0, 0, 1), write(1, 2, 3), read(1, 4, 5), write(2, 6, 7), read(2, 8, 9)]));
        assert!(!is_linearizable(&[write(1, 0, 1), read(0, 2, 3)]));
        assert!(!is_linearizable(&[write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)]));
        assert!(!is_linearizable(&[write(1, 0, 1), read(7, 2, 3)]));
    }

    #[test]
    fn a_read_beside_a_write_may_return_either_value() {
        assert!(is_linearizable(&[write(1, 0, 10), read(0, 2, 3), read(1, 4, 5), read(1, 11, 12)]));
        assert!(is_linearizable(&[write(1, 0, 1), write(2, 2, 9), read(1, 3, 8), read(2, 10, 11)]));
        // Calls and answers of the same moment overlap.
        assert!(is_linearizable(&[write(1, 0, 5), read(0, 5, 6)]));
    }

    #[test]
    fn a_value_that_one_client_has_seen_is_not_taken_back_for_another() {
        assert!(!is_linearizable(&[write(1, 0, 10), read(1, 2, 3), read(0, 4, 5)]));
        // Both writes may have been first, but not for two readers in two ways.
        let both = [write(1, 0, 10), write(2, 0, 10)];
        assert!(is_linearizable(&[both[0], both[1], read(2, 11, 12), read(2, 13, 14)]));
        assert!(!is_linearizable(&[both[0], both[1], read(2, 11, 12), read(1, 13, 14)]));
        assert!(!is_linearizable(&[both[0], both[1], read(1, 2, 3), read(2, 4, 5), read(1, 6, 7)]));
    }

    #[test]
    fn a_write_without_an_answer_happens_at_any_later_time_or_never() {
        assert!(is_linearizable(&[write(1, 0, 1), unclear(2, 2), read(1, 3, 4), read(1, 100, 101)]));
        assert!(is_linearizable(&[write(1, 0, 1), unclear(2, 2), read(1, 3, 4), read(2, 100, 101)]));
        // After a later write, too: it was held up on its way.
        assert!(is_linearizable(&[unclear(2, 0), write(3, 5, 6), read(3, 7, 8), read(2, 9, 10), read(2, 11, 12)]));
    }

    #[test]
    fn a_write_without_an_answer_happens_once_and_not_before_its_call() {
        assert!(!is_linearizable(&[unclear(2, 0), write(3, 5, 6), read(2, 7, 8), write(4, 9, 10), read(2, 11, 12)]));
        assert!(!is_linearizable(&[unclear(2, 0), read(2, 1, 2), read(0, 3, 4)]));
        assert!(!is_linearizable(&[read(2, 0, 1), unclear(2, 2)]));
        assert!(!is_linearizable(&[read(2, 0, 1), unclear(2, 2), read(2, 3, 4)]));
    }

    #[test]
    fn the_first_violation_is_shown_with_what_was_around_it() {
        let history = [write(1, 0, 1), write(2, 2, 3), write(3, 10, 11), read(1, 12, 13), read(9, 20, 21)];
        assert_eq!(check(&history, 0), Err(Violation { unexplained: 3, window: vec![0, 2, 3] }));
        // Other operations under way at the same time belong to it, those long before do not.
        let history = [read(0, 0, 1), write(1, 2, 3), read(1, 4, 5), unclear(8, 4), write(2, 6, 7), read(1, 8, 9)];
        assert_eq!(check(&history, 0), Err(Violation { unexplained: 5, window: vec![1, 4, 5] }));
    }

    #[test]
    fn many_writes_at_once_that_nothing_explains_are_given_up_soon() {
        // 12! orders, and none of them explains the read.
        let mut history: Vec<Operation> = (1..=12).map(|value| write(value, value, 100)).collect();
        history.push(read(99, 101, 102));
        assert_eq!(check(&history, 0).map_err(|violation| violation.unexplained), Err(12));
        history[12] = read(5, 101, 102);
        assert!(is_linearizable(&history));
    }

    /// What a real register answers to some clients that each do one operation after the other. Every seventh write gets
    /// no answer, and every other one of these does not happen.
    fn played(clients: usize, rounds: u64, seed: u64) -> Vec<Operation> {
        let mut chance = Chance::new(seed);
        let mut planned = Vec::new();
        for client in 0..clients {
            let mut now = 0;
            for round in 0..rounds {
                let [call, effect, answer] = [10, 20, 20].map(|most| {
                    now += 1 + chance.below(most);
                    now
                });
                let writes = chance.below(2) == 0;
                let number = round * 100 + u64::try_from(client).unwrap() + 1;
                planned.push((effect, call, answer, writes.then_some(number)));
            }
        }
        planned.sort_unstable();
        let (mut value, mut history) = (0, Vec::new());
        for (_, call, answer, writes) in planned {
            match writes {
                Some(number) if number % 7 == 0 => {
                    if number % 2 == 0 {
                        value = number;
                    }
                    history.push(unclear(number, call));
                }
                Some(number) => {
                    value = number;
                    history.push(write(number, call, answer));
                }
                None => history.push(read(value, call, answer)),
            }
        }
        history
    }

    #[test]
    fn a_long_history_of_many_clients_is_checked_in_moments() {
        let mut history = played(8, 1000, 1);
        let begun = std::time::Instant::now();
        assert_eq!(check(&history, 0), Ok(()));
        // One read in the middle that returns an old value is found.
        let place = history.len() / 2;
        let spoilt = (place..history.len()).find(|place| matches!(history[*place].action, Action::Read(_))).unwrap();
        let old = history[..spoilt / 2].iter().rev().find_map(|operation| match operation.action {
            Action::Write(value) if operation.answer.is_some() => Some(value),
            _ => None,
        });
        history[spoilt].action = Action::Read(old.unwrap());
        assert_eq!(check(&history, 0).map_err(|violation| violation.unexplained), Err(spoilt));
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }

    /// Whether some order of the operations explains all answers, by trying every order.
    fn by_trying(history: &[Operation], value: u64, left: &[usize]) -> bool {
        let answered = |place: &&usize| history[**place].answer.is_some();
        let Some(soonest) = left.iter().filter(answered).filter_map(|place| history[*place].answer).min() else {
            return true;
        };
        left.iter().any(|next| {
            let rest: Vec<usize> = left.iter().copied().filter(|place| place != next).collect();
            history[*next].call <= soonest
                && match history[*next].action {
                    Action::Write(written) => by_trying(history, written, &rest),
                    Action::Read(read) => read == value && by_trying(history, value, &rest),
                }
        })
    }

    #[test]
    fn it_says_the_same_as_trying_every_order() {
        let mut chance = Chance::new(2);
        let mut held = 0;
        for _ in 0..3000 {
            let mut operation = |_| {
                let call = chance.below(12);
                let answer = call + 1 + chance.below(6);
                match (chance.below(5), chance.below(3)) {
                    (0 | 1, value) => write(value, call, answer),
                    (2, value) => unclear(value, call),
                    (_, value) => read(value, call, answer),
                }
            };
            let history: Vec<Operation> = (0..6).map(&mut operation).collect();
            let explained = by_trying(&history, 0, &[0, 1, 2, 3, 4, 5]);
            assert_eq!(is_linearizable(&history), explained, "{history:?}");
            held += usize::from(explained);
        }
        assert!((300..2700).contains(&held), "{held} of 3000 are linearizable: one kind is hardly tried");
    }
}
