//! How much may be stored: by one account, and by all together.
//!
//! What an upload may need (its declared length, else the largest) is reserved with its document, before the sums are
//! looked at. Of those that come at the same moment each sees the others, so that no bound is passed; near a bound all of
//! them may be refused although one would have fitted. Sums are made of the documents of files and of nothing else: what
//! a killed engine has reserved goes when its document is swept away.
//!
//! The sum of an account is looked up each time. That of all files reads an index entry for each, so a replica does with a
//! sum of the last half minute as long as it has given out little since: an eighth of what was free, at most
//! `MAX_UNSEEN`. By that much for each replica but one the bound can be passed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use super::ObjectError;
use crate::store::{Files, StoreError};

/// Most bytes that a replica gives out between two sums: five of the largest uploads.
const MAX_UNSEEN: u64 = 100 * 1024 * 1024;

/// How long a sum of all files is made do with.
const SUM_AGE: Duration = Duration::from_secs(30);

/// The bounds, and what is known of the files.
#[derive(Debug)]
pub(super) struct Quota {
    all: Option<u64>,
    per_account: Option<u64>,
    sum: Mutex<Option<Sum>>,
}

/// A sum of all files, reservations included.
#[derive(Debug, Clone, Copy)]
struct Sum {
    bytes: u64,
    at: DateTime<Utc>,
    /// What this replica has given out since.
    given: u64,
}

impl Sum {
    /// Whether `bytes` more can be given out without another look.
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

    /// Whether `bytes` that `owner` has reserved are within the bounds.
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
        // One at a time: the sum that one makes is good for those who wait.
        let mut sum = self.sum.lock().await;
        if let Some(known) = sum.as_mut().filter(|sum| sum.covers(bytes, bound, now)) {
            known.given += bytes;
            return Ok(());
        }
        let all = Self::add_up(files).await?;
        *sum = Some(Sum { bytes: all, at: now, given: 0 });
        if all > bound { Err(ObjectError::StorageFull) } else { Ok(()) }
    }

    /// Sets the gauges `storage_bytes` and, where there is a bound, `storage_quota_bytes`.
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
