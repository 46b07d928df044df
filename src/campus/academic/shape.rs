//! From what an academic system shows to the shapes of the API, whichever system it was. Pure.

use crate::{
    crypto::sha256_hex,
    model::{
        ClassHour, CourseTable, Room, Score, ScoreRow,
        academic::{Attempt, FreeRoom, Grade, LessonTime, Meeting, Timetable, Unscheduled},
        by_floor, colour, pairs,
    },
};

/// Length of the key of a meeting, in hexadecimal digits.
const KEY_DIGITS: usize = 16;

/// The place of a meeting in short, from campus, building and room.
pub type Place<'a> = &'a dyn Fn(&str, &str, &str) -> String;

/// The table of a term: a class hour for each pair of lessons that a meeting touches, in the order of the week.
#[must_use]
pub fn course_table(term: &str, mut timetable: Timetable, place: Place<'_>) -> CourseTable {
    timetable.meetings.sort_by_key(|meeting| (meeting.weekday, meeting.first, meeting.last));
    let times = &timetable.times;
    let scheduled = timetable.meetings.iter().flat_map(|meeting| class_hours(term, meeting, times, place));
    let unscheduled = timetable.unscheduled.iter().map(|course| without_a_time(term, course));
    let mut hours: Vec<ClassHour> = scheduled.chain(unscheduled).collect();
    colour(&mut hours);
    CourseTable::from(hours)
}

fn class_hours(
    term: &str,
    meeting: &Meeting,
    times: &[LessonTime],
    place: Place<'_>,
) -> impl Iterator<Item = ClassHour> {
    let identity = first_of([&meeting.lesson, &meeting.code, &meeting.name]);
    let (weekday, first, last) = (meeting.weekday, meeting.first, meeting.last);
    let begins = meeting.weeks.iter().next().unwrap_or_default();
    let hour = ClassHour {
        name: meeting.name.clone(),
        place: place(&meeting.campus, &meeting.building, &meeting.room),
        time: String::new(),
        week: Some(weekday),
        weekly: meeting.weeks.spans(),
        teacher: meeting.teachers.join(" "),
        rel: 1,
        sections: Some([first, last]),
        key: Some(key(&format!("{term}|{identity}|{weekday}|{first}|{last}|{begins}"))),
        campus: (!meeting.campus.is_empty()).then(|| meeting.campus.clone()),
        clock: clock(times, first, last),
    };
    pairs(first, last).into_iter().map(move |time| ClassHour { time: time.to_owned(), ..hour.clone() })
}

/// Begin of the lesson `first` and end of the lesson `last`, if the page shows both.
fn clock(times: &[LessonTime], first: u8, last: u8) -> Option<[String; 2]> {
    let of = |lesson: u8| times.iter().find(|time| time.lesson == lesson);
    Some([of(first)?.begin, of(last)?.end].map(|time| time.format("%H:%M").to_string()))
}

fn without_a_time(term: &str, course: &Unscheduled) -> ClassHour {
    let identity = first_of([&course.lesson, &course.code, &course.name]);
    ClassHour {
        name: course.name.clone(),
        place: String::new(),
        time: String::new(),
        week: None,
        weekly: course.weeks.spans(),
        teacher: course.teachers.join(" "),
        rel: 1,
        sections: None,
        key: Some(key(&format!("{term}|{identity}"))),
        campus: None,
        clock: None,
    }
}

fn first_of(names: [&String; 3]) -> &str {
    names.into_iter().find(|name| !name.is_empty()).map_or("", String::as_str)
}

fn key(identity: &str) -> String {
    sha256_hex(identity.as_bytes())[..KEY_DIGITS].to_owned()
}

/// The rows of a list of scores. What such a system does not tell (best, worst and average mark, rank) is empty.
#[must_use]
pub fn score_rows(grades: Vec<Grade>) -> Vec<ScoreRow> {
    grades.into_iter().map(score_row).collect()
}

fn score_row(grade: Grade) -> ScoreRow {
    // An attempt that was put off has no mark yet; the word tells why.
    let mark = match grade.attempt {
        Attempt::Deferred if grade.mark.is_empty() => "缓考".to_owned(),
        Attempt::Exempt if grade.mark.is_empty() => "免修".to_owned(),
        _ => grade.mark,
    };
    ScoreRow {
        score: Score { number: grade.code, name: grade.name, mark, ..Score::default() },
        serial: grade.lesson,
        english_name: String::new(),
        credit: grade.credit,
        course_type: grade.property,
        failed_reason: String::new(),
    }
}

/// Free rooms, one list per floor.
#[must_use]
pub fn floors(rooms: Vec<FreeRoom>) -> Vec<Vec<Room>> {
    let room = |room: FreeRoom| Room { building: room.building, room: room.room, volume: room.seats };
    by_floor(rooms.into_iter().map(room).filter(|room| !room.room.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{WeekSpan, academic::Weeks};

    fn meeting(name: &str, weekday: u8, (first, last): (u8, u8)) -> Meeting {
        Meeting {
            lesson: format!("{name}.001"),
            name: name.to_owned(),
            teachers: vec!["钟岚".to_owned(), "贺一舟".to_owned()],
            weekday,
            first,
            last,
            weeks: Weeks::range(1, 8),
            building: "南校区3号教学楼".to_owned(),
            room: "3103".to_owned(),
            ..Meeting::default()
        }
    }

    fn table(meetings: Vec<Meeting>) -> CourseTable {
        let timetable = Timetable { meetings, ..Timetable::default() };
        course_table("2026-2027-1", timetable, &|_, _, room| room.to_owned())
    }

    fn times(hours: &[ClassHour]) -> Vec<&str> {
        hours.iter().map(|hour| hour.time.as_str()).collect()
    }

    #[test]
    fn a_meeting_is_a_class_hour_for_each_pair_it_touches() {
        let table = table(vec![meeting("实验", 2, (3, 5)), meeting("高数", 1, (1, 2)), meeting("选修", 2, (11, 13))]);
        assert_eq!(times(&table.mon), ["1-2"]);
        assert_eq!(times(&table.tue), ["3-4", "5-6", ""]);
        assert_eq!(table.tue[0].sections, Some([3, 5]));
        assert_eq!(table.tue[0].key, table.tue[1].key, "the pieces of a meeting have one key");
        assert_eq!(table.mon[0].weekly, [WeekSpan::Range(1, 8)]);
        assert_eq!((table.mon[0].teacher.as_str(), table.mon[0].place.as_str()), ("钟岚 贺一舟", "3103"));
        assert_eq!((table.mon[0].rel, table.tue[0].rel), (1, 2));
    }

    #[test]
    fn the_key_of_a_meeting_stays_when_its_room_or_its_last_week_changes() {
        let key = |meeting: Meeting| table(vec![meeting]).mon[0].key.clone().unwrap();
        let before = key(meeting("高数", 1, (1, 2)));
        assert_eq!(before.len(), 16);
        let moved = Meeting { room: "3201".to_owned(), weeks: Weeks::range(1, 16), ..meeting("高数", 1, (1, 2)) };
        assert_eq!(key(moved), before);
        assert_ne!(key(meeting("高数", 1, (3, 4))), before);
    }

    #[test]
    fn a_class_hour_has_its_campus_and_the_times_that_the_page_shows_of_its_meeting() {
        let time = |lesson: u8, begin: &str, end: &str| LessonTime {
            lesson,
            begin: begin.parse().unwrap(),
            end: end.parse().unwrap(),
        };
        let shown = [time(3, "10:10:00", "11:00:00"), time(4, "11:10:00", "12:00:00"), time(5, "14:30:00", "15:20:00")];
        let there = Meeting { campus: "南校区".to_owned(), ..meeting("实验", 2, (3, 5)) };
        let timetable = Timetable {
            meetings: vec![there, meeting("选修", 2, (5, 6))],
            times: shown.into(),
            ..Timetable::default()
        };
        let table = course_table("2026-2027-1", timetable, &|_, _, room| room.to_owned());
        let [first, second, other] = &table.tue[..] else { panic!("{:?}", table.tue) };
        assert_eq!(first.clock, Some(["10:10".to_owned(), "15:20".to_owned()]));
        assert_eq!((&first.clock, first.campus.as_deref()), (&second.clock, Some("南校区")));
        assert_eq!((&other.clock, &other.campus), (&None, &None), "the page shows no sixth lesson");
    }

    #[test]
    fn a_course_without_a_time_stands_apart() {
        let course =
            Unscheduled { name: "认识实习".to_owned(), weeks: Weeks::range(17, 18), ..Unscheduled::default() };
        let timetable = Timetable { unscheduled: vec![course], ..Timetable::default() };
        let table = course_table("2026-2027-1", timetable, &|_, _, _| String::new());
        assert_eq!(table.oth[0].name, "认识实习");
        assert_eq!(table.oth[0].weekly, [WeekSpan::Range(17, 18)]);
        assert_eq!((table.oth[0].week, table.oth[0].time.as_str()), (None, ""));
    }

    #[test]
    fn what_the_system_does_not_tell_of_a_score_is_empty() {
        let grade = Grade { code: "990015010".to_owned(), mark: "78".to_owned(), ..Grade::default() };
        let put_off = Grade { attempt: Attempt::Deferred, ..Grade::default() };
        let rows = score_rows(vec![grade, put_off]);
        assert_eq!((rows[0].score.number.as_str(), rows[0].score.mark.as_str()), ("990015010", "78"));
        assert_eq!(rows[0].score.highest, "");
        assert_eq!(rows[1].score.mark, "缓考");
    }
}
