//! How much may be stored: per account, and in total.
//!
//! An upload first reserves its declared length (or the maximum) with its document; then the sums are checked.
//! Simultaneous uploads see each other, so no limit is passed; near a limit all of them may be refused although one
//! would have fitted. Sums come only from the documents of files: what a killed engine reserved is released when its
//! document is swept away.
//!
//! The account's sum is read each time. The total reads one index entry per file, so a replica uses a total of the last
//! half minute while it has given out little since: an eighth of what was free, at most `MAX_UNSEEN`. The limit can be
//! passed by that much for each replica but one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use super::ObjectError;
use crate::store::{Files, StoreError};

/// Most bytes that a replica gives out between two totals: five of the largest uploads.
const MAX_UNSEEN: u64 = 100 * 1024 * 1024;

/// How long a total is used.
const SUM_AGE: Duration = Duration::from_secs(30);

/// The limits, and the last total.
#[derive(Debug)]
pub(super) struct Quota {
    all: Option<u64>,
    per_account: Option<u64>,
    sum: Mutex<Option<Sum>>,
}

/// A total of all files, including reserved bytes.
#[derive(Debug, Clone, Copy)]
struct Sum {
    bytes: u64,
    at: DateTime<Utc>,
    /// Bytes that this replica has given out since.
    given: u64,
}

impl Sum {
    /// Whether `bytes` more can be given out without a new total.
    fn covers(self, bytes: u64, bound: u64, now: DateTime<Utc>) -> bool {
        let age = now - self.at;
        let recent = age >= chrono::TimeDelta::zero() && age.to_std().is_ok_and(|age| age < SUM_AGE);
        let free = bound.saturating_sub(self.bytes);
        recent && self.given.saturating_add(bytes) <= (free / 8).min(MAX_UNSEEN)
    }
}

impl Quota {
    pub(super) fn new(all: Option<u64>, per_account: Option<u64>) -> Self {
        Self { all, per_account, sum: Mutex::default() }
    }

    /// Whether the `bytes` that `owner` has reserved are within the limits.
    ///
    /// # Errors
    /// [`ObjectError::QuotaExceeded`], [`ObjectError::StorageFull`], [`ObjectError::Store`].
    pub(super) async fn check(
        &self,
        files: &Files,
        owner: &str,
        bytes: u64,
        now: DateTime<Utc>,
    ) -> Result<(), ObjectError> {
        if let Some(bound) = self.per_account
            && files.bytes_of(owner).await? > bound
        {
            return Err(ObjectError::QuotaExceeded);
        }
        let Some(bound) = self.all else { return Ok(()) };
        // One at a time: those who wait can use the total that the first one reads.
        let mut sum = self.sum.lock().await;
        if let Some(known) = sum.as_mut().filter(|sum| sum.covers(bytes, bound, now)) {
            known.given += bytes;
            return Ok(());
        }
        let all = Self::add_up(files).await?;
        *sum = Some(Sum { bytes: all, at: now, given: 0 });
        if all > bound { Err(ObjectError::StorageFull) } else { Ok(()) }
    }

    /// Sets the gauge `storage_bytes` and, with a limit, `storage_quota_bytes`.
    pub(super) async fn measure(&self, files: &Files) -> Result<(), StoreError> {
        Self::add_up(files).await?;
        if let Some(bound) = self.all {
            metrics::gauge!("storage_quota_bytes").set(float(bound));
        }
        Ok(())
    }

    async fn add_up(files: &Files) -> Result<u64, StoreError> {
        let bytes = files.all_bytes().await?;
        metrics::gauge!("storage_bytes").set(float(bytes));
        Ok(bytes)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of bytes are far below 2^53")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn a_sum_is_made_do_with_while_little_was_given_out_since() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let sum = |bytes: u64, given: u64| Sum { bytes: bytes * MIB, at: now, given: given * MIB };
        let later = now + chrono::TimeDelta::seconds(29);
        assert!(sum(0, 0).covers(20 * MIB, 2048 * MIB, later));
        assert!(!sum(0, 0).covers(20 * MIB, 2048 * MIB, now + chrono::TimeDelta::seconds(30)));
        assert!(!sum(0, 0).covers(20 * MIB, 2048 * MIB, now - chrono::TimeDelta::seconds(1)));
        assert!(sum(0, 80).covers(20 * MIB, 2048 * MIB, now));
        assert!(!sum(0, 81).covers(20 * MIB, 2048 * MIB, now));
        assert!(!sum(2000, 0).covers(20 * MIB, 2048 * MIB, now), "an eighth of 48 is 6");
        assert!(!sum(3000, 0).covers(1, 2048 * MIB, now));
    }
}
