//! Begin and end of lessons, from the variables.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use super::Reader;
use crate::{
    model::lessons::{LessonTimes, Season, SectionTime, section_time, sections_ascend},
    school::{self, School},
};

/// Reads the lesson times of both seasons.
pub(super) fn read(r: &mut Reader) -> Option<LessonTimes> {
    let usual = r.required("WEHPU_SECTION_TIMES", section_times);
    let in_summer = r.required("WEHPU_SECTION_TIMES_SUMMER", section_times);
    let summer = r.required("WEHPU_SUMMER", |v| if v == "off" { Ok(None) } else { season(v).map(Some) });
    let (usual, in_summer, summer) = (usual?, in_summer?, summer?);
    Some(LessonTimes { usual, summer: summer.map(|season| (season, in_summer)) })
}

/// The school with the lesson times of the variables, where one of them is set.
pub(super) fn for_school(r: &Reader, school: Arc<School>, lessons: &LessonTimes) -> Arc<School> {
    let names = ["WEHPU_SECTION_TIMES", "WEHPU_SECTION_TIMES_SUMMER", "WEHPU_SUMMER"];
    if !names.iter().any(|name| r.is_set(name)) {
        return school;
    }
    Arc::new(School { times: school::times_of(lessons), ..Arc::unwrap_or_clone(school) })
}

fn season(v: &str) -> Result<Season, String> {
    // A leap year, so that 02-29 is a valid day.
    let day = |text: &str| NaiveDate::parse_from_str(&format!("2000-{}", text.trim()), "%Y-%m-%d").ok();
    let days = v.split_once('/').and_then(|(first, last)| Some((day(first)?, day(last)?)));
    let (first, last) = days.ok_or_else(|| "must be month-day/month-day, or off".to_owned())?;
    Ok(Season { first: (first.month(), first.day()), last: (last.month(), last.day()) })
}

fn section_times(v: &str) -> Result<Vec<SectionTime>, String> {
    let sections: Option<Vec<SectionTime>> = v.split(',').map(section_time).collect();
    let sections = sections.ok_or_else(|| "must be HH:MM-HH:MM joined by commas".to_owned())?;
    if sections_ascend(&sections) { Ok(sections) } else { Err("must be in order of time, without overlap".to_owned()) }
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
        let day = day.parse().unwrap();
        let times = school::times_of(lessons).into_iter().find(|times| times.has(day)).unwrap();
        times.sections.iter().map(|section| section.begin.format("%H:%M").to_string()).collect()
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
