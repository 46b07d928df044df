//! The weekly table of a term (`POST courseTableForStd!courseTable.action`): a grid whose rows are the lessons of the day,
//! the script that fills it, and the list of courses.
//!
//! A page that was saved from a browser has a filled grid and no script any more; such a page is not read.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::script::{Script, scripts};
use super::signals::{instead, signal_on};
use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{PageError, Reading, Said, UnreadCell, clean};
use crate::model::academic::{Meeting, Timetable, Unscheduled};

mod activities;
mod courses;
mod heads;
mod weeks;

use activities::{Activity, Reader};
use courses::courses;
use heads::{Head, Heads};

/// Name of this page on the command line and in errors.
const PAGE: &str = "eams-course";

/// Longest name, in characters.
const MAX_NAME: usize = 100;

/// Longest note, in characters.
const MAX_NOTE: usize = 200;

/// The days of the week, for notes.
const DAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

/// Reads the table. A term without courses is an empty table; a page without the script of a table or without the list of
/// courses is an error.
///
/// A course in a row without the number of a lesson (`午间课`) is unscheduled: its note tells day and row.
pub fn parse_table(html: &str) -> Result<Reading<Timetable>, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let source = scripts(&page);
    let script = Script::of(&source);
    let mut unread = Vec::new();
    let Some(reader) = Reader::of(&script, &mut unread)? else {
        return Err(instead(&page, PAGE, "unitCount"));
    };
    let units = reader.units;
    let activities = reader.read()?;
    let heads = Heads::read(&page, units)?;
    let listed = courses(&page, html)?;
    unread.extend(heads.unread.into_iter().chain(listed.unread));

    let mut table = Timetable { times: heads.data.times.clone(), ..Timetable::default() };
    let with_time: HashSet<&str> = activities.iter().map(|activity| activity.lesson.as_str()).collect();
    let codes: HashMap<&str, &str> =
        listed.data.iter().map(|course| (course.lesson.as_str(), course.code.as_str())).collect();
    let unlisted = with_time.iter().filter(|lesson| !codes.contains_key(**lesson)).count();
    if unlisted > 0 {
        metrics::counter!("eams_unlisted_total").increment(unlisted as u64);
    }
    for (meeting, places) in together(&activities, units, &codes) {
        lay(&mut table, &meeting, &places, &heads.data)?;
    }
    let without = listed.data.iter().filter(|course| !with_time.contains(course.lesson.as_str()));
    table.unscheduled.extend(without.cloned());
    Ok(Reading { data: table, unread })
}

/// The meetings of all activities without their lessons, each once, and the units of the day in which they are.
fn together(activities: &[Activity], units: u32, codes: &HashMap<&str, &str>) -> Vec<(Meeting, BTreeSet<u32>)> {
    let mut meetings: Vec<(Meeting, BTreeSet<u32>)> = Vec::new();
    for activity in activities {
        let (room, building, campus) = rooms(&activity.place);
        for place in &activity.places {
            let meeting = Meeting {
                code: codes.get(activity.lesson.as_str()).copied().unwrap_or_default().to_owned(),
                lesson: activity.lesson.clone(),
                name: activity.name.clone(),
                teachers: activity.teachers.clone(),
                // The reader has refused days after Sunday.
                weekday: u8::try_from(place / units + 1).unwrap_or(7),
                weeks: activity.weeks,
                campus: campus.to_owned(),
                building: building.to_owned(),
                room: room.to_owned(),
                note: activity.note.clone(),
                ..Meeting::default()
            };
            match meetings.iter_mut().find(|(known, _)| *known == meeting) {
                Some((_, places)) => {
                    places.insert(place % units);
                }
                None => meetings.push((meeting, BTreeSet::from([place % units]))),
            }
        }
    }
    meetings
}

/// Adds a meeting to the table, once for each run of consecutive lessons.
fn lay(table: &mut Timetable, meeting: &Meeting, units: &BTreeSet<u32>, heads: &Heads) -> Result<(), PageError> {
    // First and last lesson of each run, and the unit that it ends with.
    let mut runs: Vec<(u8, u8, u32)> = Vec::new();
    for &unit in units {
        match (heads.of(unit)?, runs.last_mut()) {
            (Head::Lesson(lesson), Some((_, last, end))) if *end + 1 == unit && *last + 1 == lesson => {
                (*last, *end) = (lesson, unit);
            }
            (Head::Lesson(lesson), _) => runs.push((lesson, lesson, unit)),
            (Head::Named(name), _) => table.unscheduled.push(unscheduled(meeting, &name)),
        }
    }
    table.meetings.extend(runs.into_iter().map(|(first, last, _)| Meeting { first, last, ..meeting.clone() }));
    Ok(())
}

/// A meeting in a row without the number of a lesson.
fn unscheduled(meeting: &Meeting, row: &str) -> Unscheduled {
    let day = DAYS[usize::from(meeting.weekday - 1)];
    let place = format!("{}{}", meeting.building, meeting.room);
    let note = [format!("{day} {row}"), place, meeting.note.clone()];
    let note = note.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("；");
    Unscheduled {
        code: meeting.code.clone(),
        lesson: meeting.lesson.clone(),
        name: meeting.name.clone(),
        teachers: meeting.teachers.clone(),
        weeks: meeting.weeks,
        note: limited(&note, MAX_NOTE),
    }
}

/// Room, building and campus of `3103[南校区3号教学楼](南校区)`; any other text is the room as a whole. A star before it
/// goes.
fn rooms(place: &str) -> (&str, &str, &str) {
    let place = place.trim().trim_start_matches('*').trim_start();
    let parts = || {
        let (rest, campus) = place.strip_suffix(')')?.rsplit_once('(')?;
        let (room, building) = rest.strip_suffix(']')?.split_once('[')?;
        (!campus.contains(')')).then_some((room.trim(), building.trim(), campus.trim()))
    };
    parts().unwrap_or((place, "", ""))
}

/// The text of a literal, in which schools have tags and entities.
fn plain(text: &str) -> String {
    if !text.contains(['<', '&']) {
        return clean(text);
    }
    Page::parse(text).ok().and_then(|page| page.elements("body").next().map(text_of)).unwrap_or_default()
}

/// The names in a list with commas.
fn names_in(text: &str) -> Vec<String> {
    text.split([',', '，', '、']).map(clean).filter(|name| !name.is_empty()).collect()
}

/// The text without what is beyond the limit.
pub(super) fn limited(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

fn unread(column: &'static str, text: &str) -> UnreadCell {
    UnreadCell { page: PAGE, column, text: Said::new(text) }
}

#[cfg(test)]
mod tests;
