//! When what failed is tried again. Pure.

use chrono::TimeDelta;

/// Pause before an article that could not be fetched is tried again the first time; doubled each time.
const ITEM: TimeDelta = TimeDelta::hours(1);

/// Longest such pause.
const ITEM_MAX: TimeDelta = TimeDelta::days(7);

/// Pause before a link that the engine does not follow is looked at again: what it leads to hardly changes.
const REFUSED: TimeDelta = TimeDelta::days(30);

/// Pause before a job that failed is tried again the first time; doubled each time.
const JOB: TimeDelta = TimeDelta::minutes(15);

/// Longest such pause.
const JOB_MAX: TimeDelta = TimeDelta::hours(6);

/// How long to leave an article alone that was tried `attempts` times in vain, the last one included.
pub(super) fn of_item(attempts: u32) -> TimeDelta {
    doubled(ITEM, attempts, ITEM_MAX)
}

/// How long to leave a link alone that the engine does not follow.
pub(super) fn of_refused() -> TimeDelta {
    REFUSED
}

/// How long to leave a job alone that failed `failures` times in a row, the last one included.
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
