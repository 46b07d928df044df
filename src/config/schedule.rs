//! Schedules of jobs: cron expressions in the university's time. Pure.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};

use crate::clock::campus_time;

/// A cron expression in the time of Asia/Shanghai (UTC+8, no daylight saving, so every time exists once a day).
#[derive(Debug, Clone)]
pub struct Schedule(Cron);

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSchedule {
    /// Not five fields, or one of them cannot be read.
    #[error("must be a cron expression of five fields ({0})")]
    Malformed(String),
    /// No date fits, such as 30 February.
    #[error("is a cron expression for a time that never comes")]
    Never,
}

impl FromStr for Schedule {
    type Err = BadSchedule;

    fn from_str(text: &str) -> Result<Self, BadSchedule> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| BadSchedule::Malformed(error.to_string()))?;
        let schedule = Self(cron);
        let comes = schedule.next(DateTime::UNIX_EPOCH).is_some();
        comes.then_some(schedule).ok_or(BadSchedule::Never)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Schedule {
    /// The last scheduled time up to `now`. Of several missed times only this one is caught up.
    #[must_use]
    pub fn latest(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.find_previous_occurrence(&campus_time(now), true).ok().map(|at| at.to_utc())
    }

    /// The first scheduled time after `now`.
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.find_next_occurrence(&campus_time(now), false).ok().map(|at| at.to_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_those_of_the_university() {
        // Monday 2 am in Jiaozuo is Sunday 6 pm in Greenwich.
        let weekdays = schedule("0 2 * * 1-5");
        assert_eq!(weekdays.next(at("2026-11-21T00:00:00Z")), Some(at("2026-11-22T18:00:00Z")));
        assert_eq!(weekdays.latest(at("2026-11-22T17:59:59Z")), Some(at("2026-11-19T18:00:00Z")));
        assert_eq!(weekdays.latest(at("2026-11-22T18:00:00Z")), Some(at("2026-11-22T18:00:00Z")));
        assert_eq!(weekdays.next(at("2026-11-22T18:00:00Z")), Some(at("2026-11-23T18:00:00Z")));
    }

    #[test]
    fn of_many_missed_times_only_the_last_is_made_up_for() {
        let daily = schedule("20 2 * * *");
        assert_eq!(daily.latest(at("2026-11-24T00:00:00Z")), Some(at("2026-11-23T18:20:00Z")));
        assert_eq!(daily.latest(at("2027-01-01T00:00:00Z")), Some(at("2026-12-31T18:20:00Z")));
    }

    #[test]
    fn days_of_the_week_may_be_a_list_or_names() {
        for text in ["30 2 * * 1,3,5", "30 2 * * MON,WED,FRI"] {
            let bulletin = schedule(text);
            assert_eq!(bulletin.next(at("2026-11-24T00:00:00Z")), Some(at("2026-11-24T18:30:00Z")), "{text}");
        }
        assert_eq!(schedule("30 2 * * 1,3,5").to_string(), "30 2 * * 1,3,5");
    }

    #[test]
    fn a_text_that_is_no_schedule_is_refused_with_a_reason() {
        for text in ["", "0 2 * *", "0 0 2 * * 1", "61 2 * * *", "0 2 * * 8", "every day", "0 2 * * 1-5 2026 1"] {
            assert!(matches!(text.parse::<Schedule>(), Err(BadSchedule::Malformed(_))), "{text}");
        }
        assert_eq!("0 0 30 2 *".parse::<Schedule>().unwrap_err(), BadSchedule::Never);
    }
}
