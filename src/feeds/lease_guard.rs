//! A lease that is held while a run goes on: renewed in time, and known to be lost at the moment somebody else may have
//! it. Anyone who writes asks [`LeaseGuard::check`] first; the database refuses what comes too late all the same, by the number
//! of the run.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::store::{Run, Schedulers};

/// How long a lease lasts without being renewed. A spider that dies is replaced after this and one look ([`super::POLL`]).
pub(super) const TTL: Duration = Duration::from_secs(15);

/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(5);

/// Pause before a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long a lease counts as held after it was asked for: less than it lasts, by what is checked takes until it is
/// written.
const SURE: Duration = Duration::from_secs(12);

/// The lease is somebody else's, or may be.
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
    /// The lease of `run`, which was asked for at `asked`.
    pub(super) fn new(schedulers: &Schedulers, run: &Run, asked: Instant) -> Self {
        Self {
            schedulers: schedulers.clone(),
            job: run.job,
            fence: run.fence,
            until: Mutex::new(asked + SURE),
            lost: CancellationToken::new(),
        }
    }

    /// Whether the lease is held.
    pub(super) fn check(&self) -> Result<(), Lost> {
        let until = *self.until.lock();
        if Instant::now() >= until {
            self.lost.cancel();
        }
        if self.lost.is_cancelled() { Err(Lost) } else { Ok(()) }
    }

    /// Waits until the lease is known to be lost.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Renews the lease until it is lost.
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
