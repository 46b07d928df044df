//! What a run reports while it goes on, and the status of a job.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Job, Off};
use crate::{
    config::Schedule,
    model::Class,
    store::{RunOutcome, Scheduler},
};

/// The outcome of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Collected for the first time.
    New,
    /// Collected before, with another text.
    Changed,
    /// Collected before, not changed.
    Unchanged,
    /// Not collected, for this reason; to be retried.
    Failed(&'static str),
    /// Not collected: it leads where the engine does not go.
    Refused(&'static str),
    /// Not tried: it failed lately.
    Waiting,
}

impl What {
    /// Short lower-case word for metrics and people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Failed(_) => "failed",
            Self::Refused(_) => "refused",
            Self::Waiting => "waiting",
        }
    }

    /// Why it was not collected.
    #[must_use]
    pub fn why(self) -> Option<&'static str> {
        match self {
            Self::Failed(why) | Self::Refused(why) => Some(why),
            _ => None,
        }
    }
}

/// An item that a run has handled.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// What kind of article.
    pub class: Class,
    /// Its title as far as known.
    pub title: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Its outcome.
    pub what: What,
}

/// Receives every item as soon as it is handled.
pub type Watch = Box<dyn Fn(Item<'_>) + Send + Sync>;

/// The status of a job.
#[derive(Debug, Clone)]
pub struct Status {
    /// The job.
    pub job: Job,
    /// When it runs, or why it never does.
    pub schedule: Result<Schedule, Off>,
    /// Its stored state.
    pub state: Scheduler,
    /// When it runs next.
    pub next: Option<DateTime<Utc>>,
    /// How many articles are recorded as failed.
    pub failing: u64,
}

impl Status {
    /// How long ago the newest item appeared.
    #[must_use]
    pub fn newest_age(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.state.newest_at.map(|at| now - at)
    }

    /// Whether the job runs and its source has brought nothing new for longer than `stale`: its pages have probably
    /// changed.
    #[must_use]
    pub fn is_stale(&self, now: DateTime<Utc>, stale: Duration) -> bool {
        let (Ok(_), Some(last)) = (&self.schedule, &self.state.last) else { return false };
        let newest = self.state.new_at.max(self.state.newest_at);
        let longest = TimeDelta::from_std(stale).unwrap_or(TimeDelta::MAX);
        newest.map_or(last.outcome == RunOutcome::Done, |at| now - at > longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Counts, LastRun};

    #[test]
    fn a_source_is_stale_when_it_ran_and_brought_nothing_new_for_long() {
        let now: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().unwrap();
        let days = |days: i64| Some(now - TimeDelta::days(days));
        let last =
            LastRun { ended_at: now, millis: 1, outcome: RunOutcome::Done, why: None, counts: Counts::default() };
        let status = |last: Option<LastRun>, new_at, newest_at| Status {
            job: Job::News,
            schedule: Ok("0 2 * * *".parse().unwrap()),
            state: Scheduler { last, new_at, newest_at, ..Scheduler::default() },
            next: None,
            failing: 0,
        };
        let stale = |status: Status| status.is_stale(now, Duration::from_hours(14 * 24));
        assert!(!stale(status(None, None, None)), "it never ran");
        assert!(stale(status(Some(last.clone()), None, None)), "it never brought anything");
        assert!(stale(status(Some(last.clone()), days(15), days(20))));
        assert!(!stale(status(Some(last.clone()), days(13), days(20))));
        assert!(!stale(status(Some(last.clone()), days(15), days(2))));
        let given_up = Status { schedule: Err(Off::NoFeed), ..status(Some(last), days(15), days(20)) };
        assert!(!stale(given_up), "the school has given the feed up");
    }
}
