//! What an academic system shows of a student, in words that fit every such system. Adapters yield these types; the shapes
//! of the API are made of them in one place, whatever the system.

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize, Serializer};

use super::WeekSpan;

/// A set of weeks of a term, counted from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Weeks(u64);

impl Weeks {
    /// The last week that a set can have; the longest terms have some 30.
    pub const LAST: u8 = 60;

    /// From `first` to `last`, both included; weeks beyond 1 to [`Weeks::LAST`] are left out.
    #[must_use]
    pub fn range(first: u8, last: u8) -> Self {
        (first..=last.min(Self::LAST)).collect()
    }

    /// Whether the set has this week.
    #[must_use]
    pub fn contains(self, week: u8) -> bool {
        (1..=Self::LAST).contains(&week) && self.0 >> week & 1 == 1
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The weeks, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (1..=Self::LAST).filter(move |&week| self.contains(week))
    }

    /// The weeks of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same weeks as spans of consecutive ones.
    #[must_use]
    pub fn spans(self) -> Vec<WeekSpan> {
        let mut spans: Vec<(u8, u8)> = Vec::new();
        for week in self.iter() {
            match spans.last_mut() {
                Some((_, last)) if *last + 1 == week => *last = week,
                _ => spans.push((week, week)),
            }
        }
        let span = |(first, last)| if first == last { WeekSpan::Single(first) } else { WeekSpan::Range(first, last) };
        spans.into_iter().map(span).collect()
    }
}

/// Written as its spans: `[[1,2],[4,10]]`.
impl Serialize for Weeks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.spans())
    }
}

impl FromIterator<u8> for Weeks {
    fn from_iter<I: IntoIterator<Item = u8>>(weeks: I) -> Self {
        Self(weeks.into_iter().filter(|week| (1..=Self::LAST).contains(week)).fold(0, |set, week| set | 1 << week))
    }
}

/// A term as the system lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TermEntry {
    /// The label that people know: `2026-2027-1`.
    pub label: String,
    /// What the system calls it in requests: an id, or a year and a number.
    pub system_id: String,
    /// Whether the system shows it when asked for none.
    pub current: bool,
}

/// A term as this service knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Term {
    /// The label that people know; the key of everything stored. `2026-2027-1`, or as the URP writes it `2017-2018-1-1`.
    /// Empty while no term is known.
    pub name: String,
    /// What the academic system calls it in requests; empty where it is not known.
    pub system_id: String,
    /// When it takes place; `None` where neither the configuration nor the system tells.
    pub dates: Option<TermDates>,
}

/// When a term takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TermDates {
    /// Monday of week 1.
    #[serde(serialize_with = "date")]
    pub monday: NaiveDate,
    /// Number of weeks.
    pub weeks: u8,
}

/// One meeting of a course in the week: consecutive lessons of a day in one room, in some weeks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meeting {
    /// Number of the course, empty where the table does not tell it.
    pub code: String,
    /// Number of the class among the course's parallel classes.
    pub lesson: String,
    /// Name of the course.
    pub name: String,
    /// Teachers, in the order of the system.
    pub teachers: Vec<String>,
    /// 1 (Monday) to 7.
    pub weekday: u8,
    /// First lesson of the day, counted from 1.
    pub first: u8,
    /// Last lesson of the day.
    pub last: u8,
    /// The weeks in which it takes place.
    pub weeks: Weeks,
    /// Campus, empty where unknown, as building and room.
    pub campus: String,
    /// Building as the system writes it.
    pub building: String,
    /// Room as the system writes it.
    pub room: String,
    /// What else the system says: an experiment, a group.
    pub note: String,
}

/// A course without a fixed time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unscheduled {
    /// Number of the course.
    pub code: String,
    /// Number of the class.
    pub lesson: String,
    /// Name of the course.
    pub name: String,
    /// Teachers.
    pub teachers: Vec<String>,
    /// The weeks, if they are known.
    pub weeks: Weeks,
    /// What else the system says.
    pub note: String,
}

/// Begin and end of a lesson, as a system shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LessonTime {
    /// Number of the lesson in the day, counted from 1.
    pub lesson: u8,
    /// Begin, local time.
    #[serde(serialize_with = "hours_and_minutes")]
    pub begin: NaiveTime,
    /// End, local time.
    #[serde(serialize_with = "hours_and_minutes")]
    pub end: NaiveTime,
}

/// As `2026-09-07`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn date<S: Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

/// As `08:00`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn hours_and_minutes<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.format("%H:%M"))
}

/// A student's timetable of a term.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timetable {
    /// The meetings, in the order of the system.
    pub meetings: Vec<Meeting>,
    /// Courses without a fixed time.
    pub unscheduled: Vec<Unscheduled>,
    /// The times of the lessons as the page shows them; empty where it does not.
    pub times: Vec<LessonTime>,
}

/// What kind of attempt at a course a mark is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, strum::IntoStaticStr, Serialize)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Attempt {
    /// The usual examination.
    #[default]
    Normal,
    /// A second examination after a failed one (补考).
    Makeup,
    /// The course was taken again (重修).
    Retake,
    /// The examination was put off (缓考).
    Deferred,
    /// The student need not take the course (免修).
    Exempt,
}

/// A mark of a student in a course.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grade {
    /// Label of the term.
    pub term: String,
    /// Number of the course.
    pub code: String,
    /// Number of the class.
    pub lesson: String,
    /// Name of the course.
    pub name: String,
    /// Kind of the course (课程类别).
    pub kind: String,
    /// Compulsory or elective (课程属性).
    pub property: String,
    /// Credits as the system writes them.
    pub credit: String,
    /// The mark as the system writes it: a number or a word.
    pub mark: String,
    /// Grade points as the system writes them.
    pub points: String,
    /// Which attempt.
    pub attempt: Attempt,
    /// Whether the course is not part of the student's main subject.
    pub minor: bool,
    /// Marks that the mark is made of: name and value.
    pub parts: Vec<(String, String)>,
}

/// Whether an examination has a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExamState {
    /// Day, begin and end are known.
    Set,
    /// The school has not set it yet, or what it says of it is not understood.
    #[default]
    Unset,
}

/// An examination that a student has to take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exam {
    /// Name of the course.
    pub name: String,
    /// Number of the course, empty where the system does not tell it.
    pub code: String,
    /// Number of the class.
    pub lesson: String,
    /// Kind of the examination, such as 期末考试.
    pub kind: String,
    /// The examinations it belongs to, as the system names them.
    pub batch: String,
    /// Day.
    #[serde(serialize_with = "date_or_null")]
    pub date: Option<NaiveDate>,
    /// Begin, local time.
    #[serde(serialize_with = "time_or_null")]
    pub begin: Option<NaiveTime>,
    /// End, local time.
    #[serde(serialize_with = "time_or_null")]
    pub end: Option<NaiveTime>,
    /// Campus, empty where unknown, as building, room and seat.
    pub campus: String,
    /// Building as the system writes it.
    pub building: String,
    /// Room as the system writes it.
    pub room: String,
    /// Number of the seat as the system writes it.
    pub seat: String,
    /// Whether it has a time.
    pub state: ExamState,
    /// What else the system says.
    pub note: String,
}

/// As `2026-09-07`, or `null`.
#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn date_or_null<S: Serializer>(date: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
    match date {
        Some(date) => serializer.collect_str(date),
        None => serializer.serialize_none(),
    }
}

/// As `08:00`, or `null`.
#[expect(clippy::ref_option, reason = "serde passes a reference")]
fn time_or_null<S: Serializer>(time: &Option<NaiveTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&time.format("%H:%M")),
        None => serializer.serialize_none(),
    }
}

/// What a student must do for the degree, and how much of it is done. Credits are numbers here, because they are
/// compared; `None` where the system tells none.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Credits that are required.
    pub need: Option<f64>,
    /// Credits that the student has.
    pub have: Option<f64>,
    /// Grade point average.
    pub gpa: Option<f64>,
    /// What the system says of the whole, such as 未通过.
    pub result: String,
    /// When the system looked, as it writes it.
    pub checked_at: String,
    /// The uppermost groups of courses.
    pub nodes: Vec<PlanNode>,
}

/// How many of its groups a group of courses wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanRule {
    /// All of them.
    All,
    /// At least one.
    Any,
    /// The system tells no rule.
    #[default]
    None,
}

/// How far a group of courses is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanNodeState {
    /// Done.
    Passed,
    /// Something is missing.
    Missing,
    /// The system does not tell.
    #[default]
    Unknown,
}

/// A group of courses of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanNode {
    /// Its name.
    pub name: String,
    /// How many of its groups it wants.
    pub rule: PlanRule,
    /// Credits that are required. Those of a group hold those of its groups.
    pub need: Option<f64>,
    /// Credits that the student has.
    pub have: Option<f64>,
    /// How far it is.
    pub state: PlanNodeState,
    /// Its groups.
    pub nodes: Vec<PlanNode>,
    /// Its own courses.
    pub courses: Vec<PlanCourse>,
}

/// How far a course of a plan is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanCourseState {
    /// Passed.
    Passed,
    /// Not passed.
    Failed,
    /// Taken now.
    Taking,
    /// Not taken yet.
    Open,
    /// The system does not tell, or what it says is not understood.
    #[default]
    Unknown,
}

/// A course of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanCourse {
    /// Number of the course.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Credits as the system writes them.
    pub credit: String,
    /// The mark as the system writes it, empty where there is none.
    pub score: String,
    /// How far it is.
    pub state: PlanCourseState,
    /// Whether the student must take it; `None` where the system does not tell.
    pub compulsory: Option<bool>,
}

/// A group of examinations that a system lists together, such as the finals of a term.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExamBatch {
    /// What the system calls it in requests.
    pub system_id: String,
    /// Its name.
    pub name: String,
    /// Whether the system shows it when asked for none.
    pub current: bool,
}

/// What a student has still to evaluate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluations {
    /// Number of evaluations that are open.
    pub open: usize,
}

/// A building that rooms can be searched in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Building {
    /// What the system calls it in requests.
    pub system_id: String,
    /// Its name.
    pub title: String,
}

/// A room that is free at the time asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreeRoom {
    /// Campus.
    pub campus: String,
    /// Building as the system writes it.
    pub building: String,
    /// Room as the system writes it.
    pub room: String,
    /// Number of seats as the system writes it.
    pub seats: String,
    /// Kind of the room.
    pub kind: String,
}

/// When and where a room should be free. A system takes either the date or week and weekday.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomQuery {
    /// The day.
    pub date: NaiveDate,
    /// Week of the term.
    pub week: u8,
    /// 1 (Monday) to 7.
    pub weekday: u8,
    /// First lesson.
    pub first: u8,
    /// Last lesson.
    pub last: u8,
    /// Name of the building as the system writes it.
    pub building: String,
    /// What the school's profile calls the building; at jwglxt the number that the system knows it by.
    pub building_id: String,
    /// What the profile calls its campus; at jwglxt as for the building.
    pub campus_id: String,
}

/// Who a student is, as far as this service needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudentRecord {
    /// Student number.
    pub number: String,
    /// Name.
    pub name: String,
    /// Year of entry.
    pub grade: String,
    /// College.
    pub college: String,
    /// Major.
    pub major: String,
    /// Class.
    pub class: String,
    /// Campus.
    pub campus: String,
    /// Level of education, such as 本科.
    pub level: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weeks_are_told_as_spans() {
        let weeks: Weeks = [1, 2, 4, 5, 6, 9, 0, 200].into_iter().collect();
        assert_eq!(weeks.spans(), [WeekSpan::Range(1, 2), WeekSpan::Range(4, 6), WeekSpan::Single(9)]);
        assert!(!weeks.contains(0) && !weeks.contains(3) && weeks.contains(9));
        assert!(Weeks::default().is_empty());
        assert_eq!(Weeks::range(59, 80).iter().collect::<Vec<_>>(), [59, 60]);
    }

    proptest! {
        #[test]
        fn spans_of_weeks_are_the_same_weeks(weeks in proptest::collection::vec(1..=Weeks::LAST, 0..30)) {
            let set: Weeks = weeks.into_iter().collect();
            let again = set.spans().into_iter().map(|span| match span {
                WeekSpan::Single(week) => Weeks::range(week, week),
                WeekSpan::Range(first, last) => Weeks::range(first, last),
            });
            prop_assert_eq!(again.fold(Weeks::default(), Weeks::and), set);
        }
    }
}
