//! The request limiter: requests of any kind per user, shared by all replicas, without a database write for each
//! request.
//!
//! Of a budget of `B` requests in a window, a replica grants a user the first `B/8` on its own. The rest, `B - B/8`, is
//! shared by all replicas through one counter in the database, from which they draw `B/16` at a time. A user who stays
//! far below the limit costs no write, others one in `B/16` requests. With `N` replicas
//! - nobody is refused before `B` requests: what one replica has drawn and another could have used is less than what
//!   the first granted on its own;
//! - nobody gets more than `B + (N - 1) * B/8`: 150 instead of 120 with three replicas;
//! - a budget below 8 is exact.
//!
//! A window begins at a multiple of its length, as with every other limit. While the database does not answer, each
//! replica grants `B` on its own: stored data stays readable during an election.

use std::{collections::HashMap, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use tokio_util::task::TaskTracker;

use crate::{clock::Clock, config::Rate, error::ApiError, store::Limits};

/// Longest wait for the shared counter; after that the request goes on without it.
const PATIENCE: Duration = Duration::from_millis(300);

/// Most users that a replica counts in one window, some 3 MB. Further ones are not counted: such a flood is no longer
/// one user's doing.
const MAX_USERS: usize = 100_000;

/// Number of locks for drawing. Users with the same lock wait for each other.
const TURNS: usize = 64;

/// Counts requests.
#[derive(Debug)]
pub struct Burst {
    budget: Option<Budget>,
    limits: Limits,
    clock: Clock,
    tasks: TaskTracker,
    window: Mutex<Window>,
    turns: [tokio::sync::Mutex<()>; TURNS],
}

/// How a user's requests are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Budget {
    /// Requests in total.
    total: u32,
    /// What each replica grants on its own.
    free: u32,
    /// What a replica draws from the shared counter at a time.
    chunk: u32,
    period: Duration,
}

impl Budget {
    fn new(rate: Rate) -> Self {
        let free = rate.count / 8;
        Self { total: rate.count, free, chunk: (free / 2).max(1), period: rate.period }
    }

    /// What all replicas share.
    fn shared(self) -> u32 {
        self.total - self.free
    }
}

/// The users of the current window.
#[derive(Debug, Default)]
struct Window {
    number: i64,
    users: HashMap<u64, Usage>,
}

#[derive(Debug, Clone, Copy)]
struct Usage {
    /// Requests granted.
    taken: u32,
    /// Requests that can still be granted without drawing.
    left: u32,
    /// The shared budget is used up.
    refused: bool,
}

/// What a replica can decide on its own.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Taken,
    Refused,
    /// Only the shared counter knows.
    Ask,
}

impl Window {
    /// Takes one request of `user` in window `number`.
    fn take(&mut self, number: i64, user: u64, budget: Budget) -> Answer {
        if self.number != number {
            self.number = number;
            self.users.clear();
        }
        if self.users.len() >= MAX_USERS && !self.users.contains_key(&user) {
            return Answer::Taken;
        }
        let fresh = Usage { taken: 0, left: budget.free, refused: false };
        let usage = self.users.entry(user).or_insert(fresh);
        match usage {
            Usage { left: 0, refused: true, .. } => Answer::Refused,
            Usage { left: 0, .. } => Answer::Ask,
            _ => {
                usage.left -= 1;
                usage.taken += 1;
                Answer::Taken
            }
        }
    }

    /// Adds what was drawn; `None`: the counter did not answer.
    fn grant(&mut self, number: i64, user: u64, granted: Option<u32>, budget: Budget) {
        let Some(usage) = self.users.get_mut(&user).filter(|_| self.number == number) else { return };
        let granted = granted.unwrap_or_else(|| budget.chunk.min(budget.total.saturating_sub(usage.taken)));
        usage.left += granted;
        usage.refused = granted == 0;
    }
}

impl Burst {
    /// Allows as many requests as `rate`; without one, any number.
    #[must_use]
    pub fn new(rate: Option<Rate>, limits: Limits, clock: Clock, tasks: TaskTracker) -> Self {
        Self {
            budget: rate.map(Budget::new),
            limits,
            clock,
            tasks,
            window: Mutex::default(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::default()),
        }
    }

    /// Counts one request of `open_id`, whose pseudonym is `user`.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] when the budget is used up.
    pub async fn take(&self, user: u64, open_id: &str) -> Result<(), ApiError> {
        let Some(budget) = self.budget else { return Ok(()) };
        let now = self.clock.now();
        let period = i64::try_from(budget.period.as_millis()).unwrap_or(i64::MAX).max(1);
        let (millis, number) = (now.timestamp_millis(), now.timestamp_millis().div_euclid(period));
        let refused = || {
            let left = u64::try_from(period - millis.rem_euclid(period)).unwrap_or_default();
            ApiError::RateLimited(Duration::from_millis(left))
        };
        match self.window().take(number, user, budget) {
            Answer::Taken => return Ok(()),
            Answer::Refused => return Err(refused()),
            Answer::Ask => {}
        }
        let turn = usize::try_from(user % TURNS as u64).unwrap_or_default();
        let _turn = self.turns[turn].lock().await;
        // An earlier request may have drawn enough.
        let mut answer = self.window().take(number, user, budget);
        if answer == Answer::Ask {
            let granted = self.draw(open_id, budget).await;
            let mut window = self.window();
            window.grant(number, user, granted, budget);
            answer = window.take(number, user, budget);
        }
        if answer == Answer::Refused { Err(refused()) } else { Ok(()) }
    }

    /// Draws from the shared budget; `None` when the database does not answer in time.
    async fn draw(&self, open_id: &str, budget: Budget) -> Option<u32> {
        let (limits, key, now) = (self.limits.clone(), format!("burst/{open_id}"), self.clock.now());
        // A task of its own, so that the write is not dropped half-way when the request goes on without it.
        let drawn = self
            .tasks
            .spawn(async move { limits.reserve(&key, budget.period, budget.chunk, budget.shared(), now).await });
        match tokio::time::timeout(PATIENCE, drawn).await {
            Ok(Ok(Ok(granted))) => Some(granted),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "request limit counted by this replica alone");
                None
            }
            Ok(Err(_)) | Err(_) => None,
        }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { count: 120, period: Duration::from_mins(1) };

    /// Runs replicas in the given order until every replica refuses. Returns how many requests were granted.
    fn run(budget: Budget, replicas: usize, order: impl Fn(usize) -> usize) -> u32 {
        let mut windows: Vec<Window> = (0..replicas).map(|_| Window::default()).collect();
        let (mut count, mut through, mut refused) = (0, 0, 0);
        for request in 0.. {
            let window = &mut windows[order(request)];
            let mut answer = window.take(1, 7, budget);
            if answer == Answer::Ask {
                count += budget.chunk;
                let granted = (budget.shared() + budget.chunk).saturating_sub(count).min(budget.chunk);
                window.grant(1, 7, Some(granted), budget);
                answer = window.take(1, 7, budget);
            }
            match answer {
                Answer::Taken => (through, refused) = (through + 1, 0),
                Answer::Refused => refused += 1,
                Answer::Ask => panic!("asked twice"),
            }
            if refused > 3 * replicas {
                break;
            }
        }
        through
    }

    #[test]
    fn nobody_is_refused_early_and_nobody_gets_more_than_the_bound() {
        for count in [1, 5, 8, 16, 20, 100, 120, 1000] {
            let budget = Budget::new(Rate { count, ..RATE });
            for replicas in 1..=5_usize {
                let bound = count + (u32::try_from(replicas).unwrap() - 1) * (count / 8);
                for through in [run(budget, replicas, |n| n % replicas), run(budget, replicas, |n| n / 40 % replicas)] {
                    assert!((count..=bound).contains(&through), "{through} of {count} with {replicas} replicas");
                }
            }
            assert_eq!(run(budget, 1, |_| 0), count);
        }
    }

    #[test]
    fn a_new_window_begins_anew() {
        let (budget, mut window) = (Budget::new(Rate { count: 8, ..RATE }), Window::default());
        assert_eq!(window.take(1, 7, budget), Answer::Taken);
        assert_eq!(window.take(1, 7, budget), Answer::Ask);
        window.grant(1, 7, Some(0), budget);
        assert_eq!(window.take(1, 7, budget), Answer::Refused);
        assert_eq!(window.take(1, 8, budget), Answer::Taken);
        assert_eq!(window.take(2, 7, budget), Answer::Taken);
    }

    #[test]
    fn without_the_database_a_replica_lets_the_whole_budget_through() {
        let (budget, mut window, mut through) = (Budget::new(RATE), Window::default(), 0);
        loop {
            match window.take(1, 7, budget) {
                Answer::Taken => through += 1,
                Answer::Ask => window.grant(1, 7, None, budget),
                Answer::Refused => break,
            }
        }
        assert_eq!(through, 120);
    }
}
