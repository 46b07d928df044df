//! Begin and end of lessons, by season.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

/// A lesson that ends after midnight must end before this hour.
const SMALL_HOURS: u32 = 2;

/// Begin and end of a section (a lesson of 50 minutes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionTime {
    /// Begin, local time.
    pub begin: NaiveTime,
    /// End, local time; smaller than the begin when the last lesson of a day ends after midnight.
    pub end: NaiveTime,
}

/// Lesson times as the variables say them: the university has other times in summer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LessonTimes {
    /// The sections of a day outside the summer, first to last.
    pub usual: Vec<SectionTime>,
    /// The summer and its sections; `None` when the usual times hold all year.
    pub summer: Option<(Season, Vec<SectionTime>)>,
}

/// A part of each year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Season {
    /// First day, as month and day.
    pub first: (u32, u32),
    /// Last day, as month and day; before the first when the season goes on into the next year.
    pub last: (u32, u32),
}

impl Season {
    /// Whether `day` is in the season.
    #[must_use]
    pub fn has(&self, day: NaiveDate) -> bool {
        let day = (day.month(), day.day());
        if self.first <= self.last {
            (self.first..=self.last).contains(&day)
        } else {
            day >= self.first || day <= self.last
        }
    }
}

/// Reads `08:00-08:50`.
pub(crate) fn section_time(text: &str) -> Option<SectionTime> {
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
    let (begin, end) = text.split_once('-')?;
    Some(SectionTime { begin: time(begin)?, end: time(end)? })
}

/// Whether the sections of a day are in order of time, without overlap. Only the last can end after midnight.
pub(crate) fn sections_ascend(sections: &[SectionTime]) -> bool {
    let midnight = |s: &SectionTime| s.end < s.begin && s.end.hour() < SMALL_HOURS;
    sections.windows(2).all(|s| s[0].begin < s[0].end && s[0].end <= s[1].begin)
        && sections.last().is_some_and(|s| s.begin < s.end || midnight(s))
}
