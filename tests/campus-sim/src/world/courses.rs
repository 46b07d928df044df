//! Invents a course table.

use super::catalog::{BUILDINGS, SPORTS, Subject, TAUGHT, UNSCHEDULED};
use super::people;
use crate::rng::Rng;
use crate::student::{Course, Session};

const WEEKS: [&str; 10] = [
    "1-8周上",
    "1-16周上",
    "2-5周上",
    "9-16周上",
    "5-12,14-18周上",
    "1-6,8-11,13-15周上",
    "3周上",
    "1-10周",
    "7-9,11周上",
    "10,12,14周上",
];

/// Formats tenths of a credit the way the system does: `3.5`, `2.0`.
pub(super) fn credit(tenths: u32) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// A number like the catalogue's: nine digits, the same for the same name wherever it occurs.
pub(super) fn course_number(name: &str) -> String {
    let mut rng = Rng::of(0, "course number", name);
    format!("3{:08}", rng.between(1_000_000, 99_999_999))
}

fn teachers(rng: &mut Rng) -> Vec<String> {
    let count = if rng.chance(15) { 2 } else { 1 };
    (0..count).map(|_| people::name(rng)).collect()
}

fn indoor(rng: &mut Rng, slot: (u8, u8)) -> Session {
    let building = rng.pick(&BUILDINGS[..10]);
    let (floor, index) = (rng.between(1, building.floors), rng.between(0, building.rooms - 1));
    let equipment = if rng.chance(70) { "(多)" } else { "" };
    Session {
        weeks: (*rng.pick(&WEEKS)).to_owned(),
        weekday: slot.0,
        section: slot.1,
        sections: 2,
        campus: building.campus().to_owned(),
        building: building.name.to_owned(),
        room: format!("{}{equipment}", building.room(floor, index)),
    }
}

fn course(rng: &mut Rng, subject: &Subject, sessions: Vec<Session>) -> Course {
    let required = rng.chance(70);
    Course {
        number: course_number(subject.name),
        sequence: format!("{:02}", rng.between(1, 24)),
        name: subject.name.to_owned(),
        credit: credit(subject.tenths),
        kind: if required { "必修" } else { *rng.pick(&["选修", "任选"]) }.to_owned(),
        exam: if required && !sessions.is_empty() { "考试" } else { "考查" }.to_owned(),
        teachers: teachers(rng),
        sessions,
    }
}

/// Six to nine courses: taught ones without clashes, one outdoors now and then, at least one without a time slot.
pub(super) fn invent(rng: &mut Rng) -> Vec<Course> {
    let mut slots: Vec<(u8, u8)> =
        (1..=5).flat_map(|weekday| [1, 3, 5, 7, 9].map(|section| (weekday, section))).chain([(6, 1), (7, 5)]).collect();
    let mut subjects: Vec<&Subject> = TAUGHT.iter().collect();
    let mut courses = Vec::new();
    for index in 0..rng.between(4, 6) {
        let Some(subject) = rng.draw(&mut subjects) else { break };
        // The first course always has several sessions: a table without a continuation row would be no test of it.
        let count = if index == 0 { rng.between(2, 3) } else { rng.between(1, 3) };
        let sessions = (0..count).filter_map(|_| rng.draw(&mut slots).map(|slot| indoor(rng, slot))).collect();
        courses.push(course(rng, subject, sessions));
    }
    if rng.chance(60)
        && let Some(slot) = rng.draw(&mut slots)
    {
        let subject = Subject { name: "体育(3)", english: "", tenths: 10 };
        let room = format!("{}场地", rng.pick(&SPORTS));
        let outdoors = Session { building: "西区训练地".to_owned(), room, ..indoor(rng, slot) };
        courses.push(course(rng, &subject, vec![outdoors]));
    }
    let mut unscheduled: Vec<&Subject> = UNSCHEDULED.iter().collect();
    let most = 9 - u32::try_from(courses.len()).unwrap_or(9);
    let least = 6_u32.saturating_sub(u32::try_from(courses.len()).unwrap_or(0)).max(1);
    for _ in 0..rng.between(least, most.min(3)) {
        let Some(subject) = rng.draw(&mut unscheduled) else { break };
        // Anywhere but first, two in a row as often as not: their rows lack the closing tag.
        let at = 1 + rng.below(courses.len());
        courses.insert(at, course(rng, subject, Vec::new()));
    }
    courses
}
