//! Sessions and the week they form, as the API shows them and snapshots keep them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A class hour of a course: a place, a time, and the weeks in which it takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassHour {
    /// Name of the course.
    pub name: String,
    /// Building and room in short (`1教1304`), empty when unknown.
    pub place: String,
    /// `1-2`, `3-4`, `5-6`, `7-8`, `9-10`, or empty when unknown.
    pub time: String,
    /// 1 (Monday) to 7, or unscheduled, which is `""` in JSON.
    #[serde(with = "blank_when_none")]
    #[schema(value_type = WeekdayOrBlank)]
    pub week: Option<u8>,
    /// The weeks of the term; none when they are unknown, which is `""` in JSON.
    #[serde(with = "blank_when_empty")]
    #[schema(value_type = WeeksOrBlank)]
    pub weekly: Vec<WeekSpan>,
    /// The teachers' names, separated by spaces.
    pub teacher: String,
    /// A colour from 1 to 5, the same for all class hours of a course.
    pub rel: u8,
    /// The first and last lesson of the whole meeting. A meeting of more than two lessons is several class hours, one per
    /// pair, with the same `sections`. Absent when unknown, and in data stored before 2026-12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sections: Option<[u8; 2]>,
    /// Names the meeting: the same for all its class hours, and also after its room, its teacher or its later weeks
    /// changed. Absent where the academic system does not number its courses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The campus as the academic system writes it. Absent when unknown, and in data stored before 2026-12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campus: Option<String>,
    /// Begin and end of the whole meeting (`08:00`, `09:40`) as the page of the table shows them: they hold in the season
    /// in which it was fetched. Absent where the page shows no times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<[String; 2]>,
}

/// The pairs of lessons that the client knows.
const PAIRS: [&str; 5] = ["1-2", "3-4", "5-6", "7-8", "9-10"];

/// The pairs that the lessons `first` to `last` touch. Evening lessons from the eleventh on have no pair; a meeting of
/// only those is one piece without a pair.
#[must_use]
pub fn pairs(first: u8, last: u8) -> Vec<&'static str> {
    let touched: Vec<_> = (1..).step_by(2).zip(PAIRS).filter(|(odd, _)| first <= odd + 1 && *odd <= last).collect();
    if touched.is_empty() { vec![""] } else { touched.into_iter().map(|(_, pair)| pair).collect() }
}

impl ClassHour {
    /// Whether this is the first class hour of its meeting.
    #[must_use]
    pub fn begins_meeting(&self) -> bool {
        let (first, _) = self.time.split_once('-').unwrap_or_default();
        match (self.sections, first.parse::<u8>()) {
            (Some([begin, _]), Ok(first)) => begin <= first + 1 && first <= begin,
            _ => true,
        }
    }
}

/// Weeks of the term, counted from 1; `[6,12]` or `[1]` in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<u8>", try_from = "Vec<u8>")]
pub enum WeekSpan {
    /// A single week.
    Single(u8),
    /// From a week up to and including another.
    Range(u8, u8),
}

impl From<WeekSpan> for Vec<u8> {
    fn from(span: WeekSpan) -> Self {
        match span {
            WeekSpan::Single(week) => vec![week],
            WeekSpan::Range(first, last) => vec![first, last],
        }
    }
}

impl TryFrom<Vec<u8>> for WeekSpan {
    type Error = &'static str;

    fn try_from(weeks: Vec<u8>) -> Result<Self, Self::Error> {
        match weeks[..] {
            [week] => Ok(Self::Single(week)),
            [first, last] => Ok(Self::Range(first, last)),
            _ => Err("weeks are one number or two"),
        }
    }
}

/// A student's week.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CourseTable {
    /// Sessions on Monday, in the order of the page, as on the other days.
    pub mon: Vec<ClassHour>,
    /// Sessions on Tuesday.
    pub tue: Vec<ClassHour>,
    /// Sessions on Wednesday.
    pub wed: Vec<ClassHour>,
    /// Sessions on Thursday.
    pub thu: Vec<ClassHour>,
    /// Sessions on Friday.
    pub fri: Vec<ClassHour>,
    /// Sessions on Saturday.
    pub sat: Vec<ClassHour>,
    /// Sessions on Sunday.
    pub sun: Vec<ClassHour>,
    /// Courses without a weekday.
    pub oth: Vec<ClassHour>,
}

impl CourseTable {
    pub(super) fn days(&self) -> [&Vec<ClassHour>; 8] {
        [&self.mon, &self.tue, &self.wed, &self.thu, &self.fri, &self.sat, &self.sun, &self.oth]
    }

    fn day_mut(&mut self, weekday: Option<u8>) -> &mut Vec<ClassHour> {
        match weekday {
            Some(1) => &mut self.mon,
            Some(2) => &mut self.tue,
            Some(3) => &mut self.wed,
            Some(4) => &mut self.thu,
            Some(5) => &mut self.fri,
            Some(6) => &mut self.sat,
            Some(7) => &mut self.sun,
            _ => &mut self.oth,
        }
    }
}

impl From<Vec<ClassHour>> for CourseTable {
    fn from(hours: Vec<ClassHour>) -> Self {
        let mut table = Self::default();
        for hour in hours {
            table.day_mut(hour.week).push(hour);
        }
        table
    }
}

/// Gives every course its colour: up and down from 1 to 5 in the order in which the week shows them, Monday first,
/// courses without a weekday last. So neighbours differ, and the client looks as it always did.
pub fn colour(hours: &mut [ClassHour]) {
    const WAVE: [u8; 8] = [1, 2, 3, 4, 5, 4, 3, 2];
    let mut order: Vec<usize> = (0..hours.len()).collect();
    order.sort_by_key(|&position| hours[position].week.unwrap_or(u8::MAX));
    let mut colours: HashMap<String, u8> = HashMap::new();
    for position in order {
        let hour = &mut hours[position];
        let next = WAVE[colours.len() % WAVE.len()];
        hour.rel = *colours.entry(hour.name.clone()).or_insert(next);
    }
}

/// 1 (Monday) to 7, or `""`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what `blank_when_none` writes")]
enum WeekdayOrBlank {
    Weekday(u8),
    Blank(String),
}

/// Weeks as `[6,12]` or `[1]`, or `""`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what `blank_when_empty` writes")]
enum WeeksOrBlank {
    Weeks(Vec<Vec<u8>>),
    Blank(String),
}

/// A value, or the `""` that the client expects instead of nothing.
#[derive(Deserialize)]
#[serde(untagged)]
enum Blankable<T> {
    Value(T),
    Blank(String),
}

impl<T> Blankable<T> {
    fn into_option<E: serde::de::Error>(self) -> Result<Option<T>, E> {
        match self {
            Self::Value(value) => Ok(Some(value)),
            Self::Blank(text) if text.is_empty() => Ok(None),
            Self::Blank(_) => Err(E::custom("neither a value nor blank")),
        }
    }
}

mod blank_when_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Blankable;

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(week: &Option<u8>, serializer: S) -> Result<S::Ok, S::Error> {
        match week {
            Some(week) => week.serialize(serializer),
            None => serializer.serialize_str(""),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
        Blankable::deserialize(deserializer)?.into_option()
    }
}

mod blank_when_empty {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Blankable, WeekSpan};

    pub(super) fn serialize<S: Serializer>(spans: &[WeekSpan], serializer: S) -> Result<S::Ok, S::Error> {
        if spans.is_empty() { serializer.serialize_str("") } else { spans.serialize(serializer) }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<WeekSpan>, D::Error> {
        Ok(Blankable::deserialize(deserializer)?.into_option()?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_that_a_meeting_touches_is_one_piece() {
        assert_eq!(pairs(5, 8), ["5-6", "7-8"]);
        assert_eq!(pairs(1, 8), ["1-2", "3-4", "5-6", "7-8"]);
        assert_eq!(pairs(7, 7), ["7-8"]);
        assert_eq!(pairs(8, 9), ["7-8", "9-10"]);
        assert_eq!(pairs(9, 12), ["9-10"]);
        assert_eq!(pairs(11, 13), [""]);
    }
}
