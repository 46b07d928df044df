//! How EAMS calls courses, classes, people and rooms.

use crate::rng::Rng;
use crate::student::{Course, Session};
use crate::world::{BUILDINGS, Building};

/// A number for something that is known by a name; the same for the same name.
pub(super) fn id_of(kind: &str, name: &str, low: u32, high: u32) -> u32 {
    Rng::of(0, kind, name).between(low, high)
}

/// Number of a class among a course's parallel ones (课程序号): `990015010.001`.
pub(super) fn lesson_number(number: &str, sequence: &str) -> String {
    format!("{number}.{sequence:0>3}")
}

/// The system's own number of a class.
pub(super) fn lesson_id(lesson: &str) -> u32 {
    id_of("lesson", lesson, 10_000, 99_999)
}

/// The system's own number of a student (`ids` of the course table).
pub(super) fn person_id(number: &str) -> u32 {
    id_of("person", number, 10_000, 99_999_999)
}

/// The lesson number of a course.
pub(super) fn lesson_of(course: &Course) -> String {
    lesson_number(&course.number, &course.sequence)
}

/// Credits without a needless decimal: `3`, `5.5`.
pub(super) fn credit(text: &str) -> &str {
    text.strip_suffix(".0").unwrap_or(text)
}

/// A building as EAMS writes it.
pub(super) fn building_title(name: &str) -> String {
    BUILDINGS.iter().find(|building| building.name == name).map_or_else(|| name.to_owned(), Building::title)
}

/// A room as the course table writes it: `3103[南校区3号教学楼](南校区)`. Its equipment is no part of its name.
pub(super) fn room(session: &Session) -> String {
    if session.room.is_empty() && session.building.is_empty() {
        return String::new();
    }
    let room = session.room.trim_end_matches("(多)");
    format!("{room}[{}]({})", building_title(&session.building), session.campus)
}

/// Text for a string in double quotes in a script.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
