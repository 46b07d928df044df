//! Begin and end of lessons, by season.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

use super::Reader;

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

/// Lesson times: the university has other times in summer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LessonTimes {
    /// The sections of a day outside the summer, first to last.
    pub usual: Vec<SectionTime>,
    /// The summer and its sections; `None` when the usual times hold all year.
    pub summer: Option<(Season, Vec<SectionTime>)>,
}

impl LessonTimes {
    /// The sections on `day`, first to last.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> &[SectionTime] {
        match &self.summer {
            Some((season, times)) if season.has(day) => times,
            _ => &self.usual,
        }
    }
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

/// Reads the lesson times of both seasons.
pub(super) fn read(r: &mut Reader) -> Option<LessonTimes> {
    let usual = r.required("WEHPU_SECTION_TIMES", section_times);
    let in_summer = r.required("WEHPU_SECTION_TIMES_SUMMER", section_times);
    let summer = r.required("WEHPU_SUMMER", |v| if v == "off" { Ok(None) } else { season(v).map(Some) });
    let (usual, in_summer, summer) = (usual?, in_summer?, summer?);
    Some(LessonTimes { usual, summer: summer.map(|season| (season, in_summer)) })
}

fn season(v: &str) -> Result<Season, String> {
    // A leap year, so that 02-29 is a valid day.
    let day = |text: &str| NaiveDate::parse_from_str(&format!("2000-{}", text.trim()), "%Y-%m-%d").ok();
    let days = v.split_once('/').and_then(|(first, last)| Some((day(first)?, day(last)?)));
    let (first, last) = days.ok_or_else(|| "must be month-day/month-day, or off".to_owned())?;
    Ok(Season { first: (first.month(), first.day()), last: (last.month(), last.day()) })
}

fn section_times(v: &str) -> Result<Vec<SectionTime>, String> {
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
    let section = |part: &str| {
        let (begin, end) = part.split_once('-')?;
        Some(SectionTime { begin: time(begin)?, end: time(end)? })
    };
    let sections: Option<Vec<SectionTime>> = v.split(',').map(section).collect();
    let sections = sections.ok_or_else(|| "must be HH:MM-HH:MM joined by commas".to_owned())?;
    // Only the last lesson of a day can end after midnight.
    let midnight = |s: &SectionTime| s.end < s.begin && s.end.hour() < SMALL_HOURS;
    let in_order = sections.windows(2).all(|s| s[0].begin < s[0].end && s[0].end <= s[1].begin)
        && sections.last().is_some_and(|s| s.begin < s.end || midnight(s));
    if in_order { Ok(sections) } else { Err("must be in order of time, without overlap".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result of reading these variables, or the problems.
    fn read_with(variables: &[(&str, &str)]) -> Result<LessonTimes, String> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut reader = Reader::new(owned);
        let built = read(&mut reader);
        reader.finish(built).map_err(|e| e.to_string())
    }

    /// The begins of the lessons of a day.
    fn begins(lessons: &LessonTimes, day: &str) -> Vec<String> {
        let sections = lessons.on(day.parse().unwrap());
        sections.iter().map(|section| section.begin.format("%H:%M").to_string()).collect()
    }

    #[test]
    fn the_default_times_are_those_of_the_university_in_each_season() {
        let lessons = read_with(&[]).unwrap();
        let mornings = ["08:00", "09:00", "10:10", "11:10"];
        let winter = ["14:30", "15:30", "16:30", "17:30", "19:00", "20:00", "21:00", "22:00", "23:00"];
        let summer = ["15:00", "16:00", "17:00", "18:00", "19:30", "20:30", "21:30", "22:30", "23:30"];
        for day in ["2017-01-01", "2017-04-30", "2017-10-01"] {
            assert_eq!(begins(&lessons, day), [&mornings[..], &winter].concat(), "{day}");
        }
        for day in ["2017-05-01", "2017-09-30"] {
            assert_eq!(begins(&lessons, day), [&mornings[..], &summer].concat(), "{day}");
        }
        let all = lessons.usual.iter().chain(&lessons.summer.as_ref().unwrap().1);
        assert!(all.map(|s| s.end.signed_duration_since(s.begin).num_minutes().rem_euclid(1440)).all(|m| m == 50));
    }

    #[test]
    fn a_university_without_summer_times_switches_them_off() {
        let lessons =
            read_with(&[("WEHPU_SUMMER", "off"), ("WEHPU_SECTION_TIMES", "07:30-08:15,08:25-09:10")]).unwrap();
        assert_eq!(begins(&lessons, "2017-07-01"), ["07:30", "08:25"]);
    }

    #[test]
    fn malformed_times_and_seasons_are_named() {
        for (name, value) in [
            ("WEHPU_SECTION_TIMES", "8-9"),
            ("WEHPU_SECTION_TIMES", "08:00-08:50,08:30-09:20"),
            ("WEHPU_SECTION_TIMES", "23:30-00:20,08:00-08:50"),
            ("WEHPU_SECTION_TIMES_SUMMER", "23:30-12:00"),
            ("WEHPU_SECTION_TIMES_SUMMER", "08:00-08:00"),
            ("WEHPU_SUMMER", "05-01"),
            ("WEHPU_SUMMER", "05-01/09-31"),
            ("WEHPU_SUMMER", "on"),
        ] {
            let problem = read_with(&[(name, value)]).unwrap_err();
            assert!(problem.starts_with(&format!("{name}: ")), "{value}: {problem}");
        }
    }
}
