//! Time, injected: the only place that asks the operating system for it, so that tests can set it, and the availability
//! bench can make the clock of one engine wrong.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

/// Asia/Shanghai, the university's time zone: UTC+8 without daylight saving since 1991 (IANA tz database).
const SHANGHAI_OFFSET_SECONDS: i32 = 8 * 3600;

/// A source of the current time; clones share one source.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    fixed: Option<Arc<AtomicI64>>,
    /// How much it is ahead of the system's clock, in milliseconds; below 0: behind. Without effect on a fixed clock.
    ahead: i64,
}

impl Clock {
    /// The operating system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that is `ahead` of the operating system's, or behind it when that is negative (`WEHPU_CLOCK_OFFSET`).
    #[must_use]
    pub fn off_by(ahead: TimeDelta) -> Self {
        Self { fixed: None, ahead: ahead.num_milliseconds() }
    }

    /// A clock that stands at `now` until it is moved.
    #[must_use]
    pub fn fixed(now: DateTime<Utc>) -> Self {
        Self { fixed: Some(Arc::new(AtomicI64::new(now.timestamp_millis()))), ahead: 0 }
    }

    /// Moves a fixed clock forward; the system's clock cannot be moved and stays as it is.
    pub fn advance(&self, by: std::time::Duration) {
        if let Some(fixed) = &self.fixed {
            fixed.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// Now, in UTC, to the millisecond (what BSON keeps).
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        let millis = self.fixed.as_ref().map_or_else(
            || Utc::now().timestamp_millis().saturating_add(self.ahead),
            |fixed| fixed.load(Ordering::SeqCst),
        );
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }

    /// Seconds since 1970, as tokens carry them.
    #[must_use]
    pub fn unix(&self) -> i64 {
        self.now().timestamp()
    }

    /// Today's date at the university.
    #[must_use]
    pub fn campus_date(&self) -> NaiveDate {
        campus_date(self.now())
    }
}

/// The time at the university at a moment.
#[must_use]
pub fn campus_time(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    let utc = || at.fixed_offset();
    FixedOffset::east_opt(SHANGHAI_OFFSET_SECONDS).map_or_else(utc, |zone| at.with_timezone(&zone))
}

/// The date at the university at a moment.
#[must_use]
pub fn campus_date(at: DateTime<Utc>) -> NaiveDate {
    FixedOffset::east_opt(SHANGHAI_OFFSET_SECONDS)
        .map_or_else(|| at.date_naive(), |zone| at.with_timezone(&zone).date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_can_be_ahead_and_behind() {
        for minutes in [10, 0, -10] {
            let ahead = TimeDelta::minutes(minutes);
            let before = Clock::system().now();
            let wrong = Clock::off_by(ahead).now();
            let after = Clock::system().now();
            assert!((before + ahead..=after + ahead).contains(&wrong), "{minutes} minutes");
        }
    }
}
