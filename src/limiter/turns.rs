//! Work that only a few may do at once. Others wait in a short queue, or are told to come again.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ApiError;

/// Article searches at once in a replica: each may scan a whole collection (up to 600 ms for ten thousand articles),
/// and a database member has two spare cores for all replicas.
const SEARCHES: usize = 2;

/// Searches that may wait for their turn, and how long: as long as a person would wait.
const WAITING_SEARCHES: usize = 6;
const SEARCH_PATIENCE: Duration = Duration::from_secs(2);

/// Turns for some work.
#[derive(Debug)]
pub struct Turns {
    /// Those who wait and those whose turn it is.
    admitted: Semaphore,
    running: Semaphore,
    patience: Duration,
}

/// One turn, until it is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    _admitted: SemaphorePermit<'a>,
    _running: SemaphorePermit<'a>,
}

impl Turns {
    /// `at_once` turns, and a queue of `waiting` more, each for at most `patience`.
    #[must_use]
    pub fn new(at_once: usize, waiting: usize, patience: Duration) -> Self {
        Self { admitted: Semaphore::new(at_once + waiting), running: Semaphore::new(at_once), patience }
    }

    /// Turns for article searches.
    #[must_use]
    pub fn for_searches() -> Self {
        Self::new(SEARCHES, WAITING_SEARCHES, SEARCH_PATIENCE)
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`] when the queue is full, or the turn does not come in time.
    pub async fn take(&self) -> Result<Turn<'_>, ApiError> {
        let admitted = self.admitted.try_acquire().map_err(|_| ApiError::Overloaded)?;
        match tokio::time::timeout(self.patience, self.running.acquire()).await {
            Ok(Ok(running)) => Ok(Turn { _admitted: admitted, _running: running }),
            Ok(Err(_)) | Err(_) => Err(ApiError::Overloaded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_few_at_once_some_wait_and_the_rest_is_told_to_come_again() {
        let turns = Turns::new(1, 1, Duration::from_secs(2));
        let first = turns.take().await.unwrap();
        let (second, third) = tokio::join!(turns.take(), turns.take());
        assert_eq!(second.unwrap_err(), ApiError::Overloaded, "its turn did not come in time");
        assert_eq!(third.unwrap_err(), ApiError::Overloaded, "somebody waits already");
        let (second, ()) = tokio::join!(turns.take(), async { drop(first) });
        let second = second.unwrap();
        drop(second);
        turns.take().await.unwrap();
    }
}
