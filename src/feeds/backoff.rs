//! When a failure is retried. Pure.

use chrono::TimeDelta;

/// Pause before the first retry of an article; doubled each time.
const ITEM: TimeDelta = TimeDelta::hours(1);

/// Longest pause before a retry of an article.
const ITEM_MAX: TimeDelta = TimeDelta::days(7);

/// Pause before a retry of a link that the engine does not follow: its target hardly changes.
const REFUSED: TimeDelta = TimeDelta::days(30);

/// Pause before the first retry of a job; doubled each time.
const JOB: TimeDelta = TimeDelta::minutes(15);

/// Longest pause before a retry of a job.
const JOB_MAX: TimeDelta = TimeDelta::hours(6);

/// Pause before the retry of an article after `attempts` failures.
pub(super) fn of_item(attempts: u32) -> TimeDelta {
    doubled(ITEM, attempts, ITEM_MAX)
}

/// Pause before the retry of a link that the engine does not follow.
pub(super) fn of_refused() -> TimeDelta {
    REFUSED
}

/// Pause before the retry of a job after `failures` failed runs in a row.
pub(super) fn of_job(failures: u32) -> TimeDelta {
    doubled(JOB, failures, JOB_MAX)
}

fn doubled(first: TimeDelta, times: u32, most: TimeDelta) -> TimeDelta {
    let factor = 1_i32.checked_shl(times.saturating_sub(1)).filter(|factor| *factor > 0).unwrap_or(i32::MAX);
    first.checked_mul(factor).map_or(most, |pause| pause.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        assert_eq!(of_item(1), TimeDelta::hours(1));
        assert_eq!(of_item(4), TimeDelta::hours(8));
        assert_eq!(of_job(1), TimeDelta::minutes(15));
        assert_eq!(of_job(3), TimeDelta::hours(1));
        for times in [10, 31, 32, 33, u32::MAX] {
            assert_eq!((of_item(times), of_job(times)), (TimeDelta::days(7), TimeDelta::hours(6)), "{times}");
        }
    }
}
