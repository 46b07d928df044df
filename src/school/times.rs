//! When the lessons of a day begin and end, by campus and season.

use chrono::{Datelike, NaiveDate};

use super::{
    fields::{Fields, Report},
    file::Value,
    places::Campus,
    values::{choice, list, name, text},
};
use crate::model::lessons::{LessonTimes, Season, SectionTime, section_time, sections_ascend};

/// Most lessons of a day.
const MAX_SECTIONS: usize = 20;

/// Begin and end of the lessons of a day, for some campuses and days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// Short name of this season.
    pub id: String,
    /// Id of the campus; `None` for all campuses without times of their own.
    pub campus: Option<String>,
    /// The part of the year; `None` for all of it.
    pub season: Option<Season>,
    /// Where the times come from.
    pub source: TimesSource,
    /// The lessons of a day, first to last.
    pub sections: Vec<SectionTime>,
}

impl Times {
    /// Whether they hold on `day`.
    #[must_use]
    pub fn has(&self, day: NaiveDate) -> bool {
        self.season.is_none_or(|season| season.has(day))
    }
}

/// Where the times of lessons come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum TimesSource {
    /// From the profile.
    Profile,
    /// From the page of the course table; from the profile where that lacks them.
    System,
}

/// Reads one `[[times]]`. `campuses`: all of them, unless they could not be read.
pub(super) fn read(mut fields: Fields<'_>, campuses: Option<&[Campus]>) -> Option<Times> {
    let id = fields.required("id", "\"summer\"", name);
    let campus = fields.required("campus", "\"*\"", text(24));
    let from = fields.optional("from", "\"05-01\"", month_and_day);
    let until = fields.optional("until", "\"09-30\"", month_and_day);
    let source = fields.defaulted("source", &Value::Text("profile".to_owned()), choice);
    let sections = fields.required("sections", "[\"08:00-08:45\", \"08:55-09:40\"]", sections);
    if let (Some(campus), Some(campuses)) = (&campus, campuses)
        && campus != "*"
        && campuses.iter().all(|known| known.id != *campus)
    {
        fields.problem("campus", "is neither * nor the id of a [[campus]]", "campus = \"*\"");
    }
    let season = match (from, until) {
        (Some(first), Some(last)) => Some(Season { first, last }),
        (None, None) => None,
        (Some(_), None) => {
            fields.problem("until", "is missing beside from", "until = \"09-30\"");
            None
        }
        (None, Some(_)) => {
            fields.problem("from", "is missing beside until", "from = \"05-01\"");
            None
        }
    };
    fields.finish();
    Some(Times {
        id: id?,
        campus: campus.map(|id| (id != "*").then_some(id))?,
        season,
        source: source?,
        sections: sections?,
    })
}

fn month_and_day(value: &Value) -> Result<(u32, u32), String> {
    let Value::Text(text) = value else { return Err("must be month-day in quotation marks".to_owned()) };
    // A leap year, so that 02-29 is a valid day.
    let day = NaiveDate::parse_from_str(&format!("2000-{text}"), "%Y-%m-%d").ok().filter(|_| text.len() == 5);
    day.map(|day| (day.month(), day.day())).ok_or_else(|| "must be a day of the year as month-day".to_owned())
}

fn sections(value: &Value) -> Result<Vec<SectionTime>, String> {
    let section = |value: &Value| {
        match value {
            Value::Text(text) => section_time(text),
            _ => None,
        }
        .ok_or_else(|| "is no HH:MM-HH:MM".to_owned())
    };
    match list(section)(value)? {
        sections if !sections_ascend(&sections) => Err("must be in order of time, without overlap".to_owned()),
        sections if sections.len() > MAX_SECTIONS => Err(format!("must be at most {MAX_SECTIONS}")),
        sections => Ok(sections),
    }
}

/// The same times as the variables say them: those of the summer, and those of the rest of the year.
#[must_use]
pub fn times_of(lessons: &LessonTimes) -> Vec<Times> {
    let times = |id: &str, season, sections: &[SectionTime]| Times {
        id: id.to_owned(),
        campus: None,
        season,
        source: TimesSource::Profile,
        sections: sections.to_vec(),
    };
    match &lessons.summer {
        Some((summer, sections)) => {
            let beside = |(month, day), other: fn(&NaiveDate) -> Option<NaiveDate>| {
                let day = NaiveDate::from_ymd_opt(2000, month, day).as_ref().and_then(other);
                day.map_or((1, 1), |day| (day.month(), day.day()))
            };
            let (after, before) = (beside(summer.last, NaiveDate::succ_opt), beside(summer.first, NaiveDate::pred_opt));
            let usual = Season { first: after, last: before };
            vec![times("summer", Some(*summer), sections), times("usual", Some(usual), &lessons.usual)]
        }
        None => vec![times("all", None, &lessons.usual)],
    }
}

/// Notes where the seasons of a campus do not cover each day of the year once, and campuses without times.
pub(super) fn check(report: &Report, times: &[Times], campuses: &[Campus]) {
    let example = "from = \"10-01\" and until = \"04-30\" beside from = \"05-01\" and until = \"09-30\"";
    let mut seen: Vec<&Option<String>> = Vec::new();
    for first in times {
        if seen.contains(&&first.campus) {
            continue;
        }
        seen.push(&first.campus);
        let group: Vec<&Times> = times.iter().filter(|times| times.campus == first.campus).collect();
        let name = first.campus.as_deref().unwrap_or("*");
        for day in leap_year() {
            let mut holding = group.iter().filter(|times| times.has(day));
            let (one, another) = (holding.next(), holding.next());
            let day = day.format("%m-%d");
            match (one, another) {
                (None, _) => report.problem(
                    &format!("times[{}]", first.id),
                    &format!("no season of campus {name} has {day}: together they must cover the year"),
                    example,
                ),
                (Some(one), Some(another)) => report.problem(
                    &format!("times[{}].from", another.id),
                    &format!("{day} is in {} and in {} of campus {name}", one.id, another.id),
                    example,
                ),
                (Some(_), None) => continue,
            }
            // The first day that is wrong tells enough.
            break;
        }
    }
    let everywhere = times.iter().any(|times| times.campus.is_none());
    for campus in campuses.iter().filter(|_| !everywhere && !times.is_empty()) {
        if times.iter().all(|times| times.campus.as_ref() != Some(&campus.id)) {
            let what = "no [[times]] are for this campus, and none for all";
            report.problem(&format!("campus[{}].id", campus.id), what, "campus = \"*\" in [[times]]");
        }
    }
}

/// The days of a year that has a 29 February.
fn leap_year() -> impl Iterator<Item = NaiveDate> {
    NaiveDate::from_ymd_opt(2000, 1, 1).into_iter().flat_map(|first| first.iter_days().take(366))
}
