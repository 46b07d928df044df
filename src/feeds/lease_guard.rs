//! The lease of a run: extended in time, and known to be lost before another spider can take it. Every writer calls
//! [`LeaseGuard::check`] first; a write that is late all the same is refused by the database, which compares run
//! numbers.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::store::{Run, Schedulers};

/// How long the lease lasts without an extension. A spider that dies is replaced after this plus [`super::POLL`].
pub(super) const TTL: Duration = Duration::from_secs(15);

/// How often it is extended.
const RENEW: Duration = Duration::from_secs(5);

/// Pause before an extension that failed is retried.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the lease counts as held after it was requested: shorter than it lasts, by the time from a check to the end
/// of the write.
const SURE: Duration = Duration::from_secs(12);

/// Another spider holds the lease, or may hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost;

/// The lease of one run.
#[derive(Debug)]
pub(super) struct LeaseGuard {
    schedulers: Schedulers,
    job: &'static str,
    fence: i64,
    until: Mutex<Instant>,
    lost: CancellationToken,
}

impl LeaseGuard {
    /// The lease of `run`, requested at `asked`.
    pub(super) fn new(schedulers: &Schedulers, run: &Run, asked: Instant) -> Self {
        Self {
            schedulers: schedulers.clone(),
            job: run.job,
            fence: run.fence,
            until: Mutex::new(asked + SURE),
            lost: CancellationToken::new(),
        }
    }

    /// Fails when the lease is lost.
    pub(super) fn check(&self) -> Result<(), Lost> {
        let until = *self.until.lock();
        if Instant::now() >= until {
            self.lost.cancel();
        }
        if self.lost.is_cancelled() { Err(Lost) } else { Ok(()) }
    }

    /// Waits until the lease is lost.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Extends the lease until it is lost.
    pub(super) async fn keep(&self) {
        let mut pause = RENEW;
        while self.check().is_ok() {
            sleep(pause).await;
            let asked = Instant::now();
            match timeout(RENEW, self.schedulers.renew(self.job, self.fence, TTL)).await {
                Ok(Ok(true)) => {
                    *self.until.lock() = asked + SURE;
                    pause = RENEW;
                }
                Ok(Ok(false)) => self.lost.cancel(),
                Ok(Err(_)) | Err(_) => pause = AGAIN,
            }
        }
    }
}
