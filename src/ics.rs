//! A course table as a calendar (RFC 5545), pure: class hours, term and section times in, text out. The same input gives the
//! same text, byte for byte.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use crate::{
    config::{LessonTimes, Term},
    crypto::sha256_hex,
    model::{ClassHour, CourseTable, WeekSpan},
};

/// The university's time zone: UTC+8 without daylight saving since 1991 (IANA tz database).
const ZONE: &str = "BEGIN:VTIMEZONE\r\nTZID:Asia/Shanghai\r\nBEGIN:STANDARD\r\nDTSTART:19910915T000000\r\n\
                    TZOFFSETFROM:+0800\r\nTZOFFSETTO:+0800\r\nTZNAME:CST\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";

/// Longest line, in octets, the line break not counted (RFC 5545 §3.1).
const MAX_LINE: usize = 75;

/// What a calendar is made of.
#[derive(Debug, Clone, Copy)]
pub struct Timetable<'a> {
    /// The class hours.
    pub table: &'a CourseTable,
    /// When they were read from the academic system.
    pub fetched_at: DateTime<Utc>,
    /// The term they belong to.
    pub term: &'a Term,
    /// When lessons begin and end.
    pub lessons: &'a LessonTimes,
    /// What makes the events of this student others than those of anybody else.
    pub owner: &'a str,
}

/// The calendar: one event for each class hour and span of weeks in which its lessons are at the same time of day: where the
/// season changes within a span, there is one event before and one after. Class hours without a time are left out.
#[must_use]
pub fn calendar(timetable: &Timetable<'_>) -> String {
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//wehpu//wehpu-engine//ZH\r\n");
    text.push_str("CALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\n");
    line(&mut text, "X-WR-CALNAME", &escaped(&format!("课表 {}", timetable.term.name)));
    text.push_str("X-WR-TIMEZONE:Asia/Shanghai\r\nREFRESH-INTERVAL;VALUE=DURATION:PT12H\r\nX-PUBLISHED-TTL:PT12H\r\n");
    text.push_str(ZONE);
    let mut uids: Vec<String> = Vec::new();
    let table = timetable.table;
    let days = [&table.mon, &table.tue, &table.wed, &table.thu, &table.fri, &table.sat, &table.sun];
    // The class hours of a meeting of more than two lessons are one event.
    for hour in days.into_iter().flatten().filter(|hour| hour.begins_meeting()) {
        for span in &hour.weekly {
            for run in runs(timetable, hour, *span) {
                event(&mut text, timetable, hour, &run, &mut uids);
            }
        }
    }
    text.push_str("END:VCALENDAR\r\n");
    text
}

/// Weeks in a row in which a class hour is at the same time of day.
struct Run {
    /// The first week of the term and the last one.
    weeks: (u8, u8),
    /// The day in the first week.
    date: NaiveDate,
    begin: NaiveTime,
    /// Before the begin where it is after midnight.
    end: NaiveTime,
}

/// The runs of a span of weeks, without the weeks in which a class hour has no known time.
fn runs(timetable: &Timetable<'_>, hour: &ClassHour, span: WeekSpan) -> Vec<Run> {
    let (first, last) = match span {
        WeekSpan::Single(week) => (week, week),
        WeekSpan::Range(first, last) => (first, last.max(first)),
    };
    let mut runs: Vec<Run> = Vec::new();
    for week in first..=last {
        let Some((date, begin, end)) = when(timetable, hour, week) else { continue };
        match runs.last_mut() {
            Some(run) if (run.weeks.1 + 1, run.begin, run.end) == (week, begin, end) => run.weeks.1 = week,
            _ => runs.push(Run { weeks: (week, week), date, begin, end }),
        }
    }
    runs
}

fn event(text: &mut String, timetable: &Timetable<'_>, hour: &ClassHour, run: &Run, uids: &mut Vec<String>) {
    let (first, last) = run.weeks;
    let uid = unused(uids, uid(timetable, hour, first, last));
    let stamp = timetable.fetched_at.format("%Y%m%dT%H%M%SZ").to_string();
    let moment = |date: NaiveDate, time: NaiveTime| date.and_time(time).format("%Y%m%dT%H%M%S").to_string();
    let ends_on = if run.end < run.begin { run.date.succ_opt().unwrap_or(run.date) } else { run.date };
    text.push_str("BEGIN:VEVENT\r\n");
    line(text, "UID", &uid);
    line(text, "DTSTAMP", &stamp);
    line(text, "DTSTART;TZID=Asia/Shanghai", &moment(run.date, run.begin));
    line(text, "DTEND;TZID=Asia/Shanghai", &moment(ends_on, run.end));
    if last > first {
        line(text, "RRULE", &format!("FREQ=WEEKLY;COUNT={}", last - first + 1));
    }
    line(text, "SUMMARY", &escaped(&hour.name));
    if !hour.place.is_empty() {
        line(text, "LOCATION", &escaped(&hour.place));
    }
    let weeks = if last > first { format!("第{first}-{last}周") } else { format!("第{first}周") };
    let time = lessons(hour).map_or_else(
        || hour.time.clone(),
        |[first, last]| match last {
            last if last > first => format!("{first}-{last}"),
            _ => first.to_string(),
        },
    );
    let mut description = format!("{weeks} 第{time}节");
    if !hour.teacher.is_empty() {
        description.push_str("\n教师：");
        description.push_str(&hour.teacher);
    }
    line(text, "DESCRIPTION", &escaped(&description));
    text.push_str("END:VEVENT\r\n");
}

/// Day, begin and end of a class hour in a week of the term; `None` when its weekday, its sections or their times are
/// unknown.
fn when(timetable: &Timetable<'_>, hour: &ClassHour, week: u8) -> Option<(NaiveDate, NaiveTime, NaiveTime)> {
    let weekday = hour.week.filter(|day| (1..=7).contains(day))?;
    let days = (u64::from(week).checked_sub(1)?) * 7 + u64::from(weekday - 1);
    let [first, last] = lessons(hour)?;
    let date = timetable.term.start.checked_add_days(Days::new(days))?;
    let sections = timetable.lessons.on(date);
    let section = |number: u8| sections.get(usize::from(number).checked_sub(1)?);
    Some((date, section(first)?.begin, section(last)?.end))
}

/// The first and the last lesson: of the whole meeting where they are known, else of the pair.
fn lessons(hour: &ClassHour) -> Option<[u8; 2]> {
    hour.sections.or_else(|| {
        let (first, last) = hour.time.split_once('-')?;
        Some([first.parse().ok()?, last.parse().ok()?])
    })
}

/// Stays the same when only the place or the teacher changes, so that calendars move an event instead of doubling it.
fn uid(timetable: &Timetable<'_>, hour: &ClassHour, first: u8, last: u8) -> String {
    let weekday = hour.week.unwrap_or_default();
    // The evening's further lessons have no pair.
    let time = match lessons(hour) {
        Some([first, last]) if hour.time.is_empty() => format!("{first}-{last}"),
        _ => hour.time.clone(),
    };
    let identity = [timetable.owner, &timetable.term.name, &hour.name, &time].join("\n");
    let hash = sha256_hex(format!("{identity}\n{weekday}\n{first}-{last}").as_bytes());
    format!("{}@wehpu", &hash[..32])
}

/// `uid`, numbered when it was used before: the same course twice at the same time, in two rooms.
fn unused(uids: &mut Vec<String>, uid: String) -> String {
    let before = uids.iter().filter(|used| **used == uid).count();
    uids.push(uid.clone());
    if before == 0 { uid } else { format!("{before}-{uid}") }
}

/// A value of type TEXT (RFC 5545 §3.3.11); control characters but line breaks are dropped.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' | ';' | ',' => {
                text.push('\\');
                text.push(c);
            }
            '\n' => text.push_str("\\n"),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

/// Writes a content line, folded between characters.
fn line(text: &mut String, name: &str, value: &str) {
    let mut length = 0;
    for c in name.chars().chain([':']).chain(value.chars()) {
        if length + c.len_utf8() > MAX_LINE {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(c);
        length += c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Season, SectionTime};

    fn hour(name: &str, week: u8, time: &str, weekly: &[WeekSpan]) -> ClassHour {
        ClassHour {
            name: name.to_owned(),
            place: "1教1304".to_owned(),
            time: time.to_owned(),
            week: Some(week),
            weekly: weekly.to_vec(),
            teacher: "丁四 徐五".to_owned(),
            rel: 1,
            sections: None,
        }
    }

    fn time(hour: u32, minute: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
    }

    fn sections(begins: &[(u32, u32)]) -> Vec<SectionTime> {
        let section = |(hour, minute): &(u32, u32)| SectionTime {
            begin: time(*hour, *minute),
            end: time(*hour, *minute) + chrono::Duration::minutes(50),
        };
        begins.iter().map(section).collect()
    }

    fn lessons() -> LessonTimes {
        let summer = Season { first: (5, 1), last: (9, 30) };
        LessonTimes {
            usual: sections(&[(8, 0), (9, 0), (10, 10), (11, 10), (14, 30), (15, 30)]),
            summer: Some((
                summer,
                sections(&[(8, 0), (9, 0), (10, 10), (11, 10), (15, 0), (16, 0), (22, 30), (23, 30)]),
            )),
        }
    }

    fn write(hours: Vec<ClassHour>) -> String {
        let term = Term { name: "2017-2018-1-1".to_owned(), start: "2017-09-04".parse().unwrap(), weeks: 20 };
        calendar(&Timetable {
            table: &CourseTable::from(hours),
            fetched_at: "2017-11-24T08:00:00Z".parse().unwrap(),
            term: &term,
            lessons: &lessons(),
            owner: "0123456789abcdef",
        })
    }

    /// Begin, end and rule of each event.
    fn events(text: &str) -> Vec<(String, String, Option<String>)> {
        let event = |event: &str| {
            let value = |name: &str| event.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
            let at = |name: &str| value(&format!("{name};TZID=Asia/Shanghai:")).unwrap();
            (at("DTSTART"), at("DTEND"), value("RRULE:"))
        };
        text.split("BEGIN:VEVENT").skip(1).map(event).collect()
    }

    #[test]
    fn each_date_has_the_lesson_times_of_its_season() {
        // Week 4 is that of 25 September, the last in summer; week 5 begins on 2 October.
        let rule = |count: u8| Some(format!("FREQ=WEEKLY;COUNT={count}"));
        let event = |begin: &str, end: &str, count| (begin.to_owned(), end.to_owned(), count);
        let afternoon = write(vec![hour("大学物理", 3, "5-6", &[WeekSpan::Range(2, 8)])]);
        assert_eq!(
            events(&afternoon),
            [
                event("20170913T150000", "20170913T165000", rule(3)),
                event("20171004T143000", "20171004T162000", rule(4)),
            ]
        );
        let last_day = write(vec![hour("大学物理", 6, "5-6", &[WeekSpan::Range(4, 5)])]);
        assert_eq!(
            events(&last_day),
            [event("20170930T150000", "20170930T165000", None), event("20171007T143000", "20171007T162000", None)]
        );
        let morning = write(vec![hour("高等数学", 3, "1-2", &[WeekSpan::Range(2, 8)])]);
        assert_eq!(events(&morning), [event("20170913T080000", "20170913T095000", rule(7))], "mornings are the same");
    }

    #[test]
    fn a_lesson_that_ends_after_midnight_ends_on_the_next_day() {
        let late = write(vec![hour("选修课", 1, "7-8", &[WeekSpan::Single(1)])]);
        assert_eq!(events(&late), [("20170904T223000".to_owned(), "20170905T002000".to_owned(), None)]);
    }

    #[test]
    fn a_summer_may_go_on_into_the_next_year() {
        let season = Season { first: (11, 1), last: (2, 15) };
        let has = |day: &str| season.has(day.parse().unwrap());
        assert!(has("2017-11-01") && has("2018-01-01") && has("2018-02-15"));
        assert!(!has("2017-10-31") && !has("2018-02-16"));
    }

    #[test]
    fn a_table_becomes_a_calendar() {
        let text = write(vec![
            hour("高等数学, A; 上\\下", 1, "1-2", &[WeekSpan::Range(1, 8), WeekSpan::Single(10)]),
            hour("大学物理", 3, "5-6", &[WeekSpan::Range(6, 12)]),
        ]);
        insta::assert_snapshot!(text.replace("\r\n", "\n"));
    }

    #[test]
    fn every_line_ends_with_cr_lf_and_none_is_longer_than_75_octets() {
        let text = write(vec![hour(&"马克思主义基本原理概论".repeat(9), 5, "3-4", &[WeekSpan::Range(1, 16)])]);
        assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
        assert!(text.split("\r\n").all(|line| line.len() <= MAX_LINE));
        assert!(text.replace("\r\n ", "").contains(&"马克思主义基本原理概论".repeat(9)));
    }

    #[test]
    fn what_has_no_time_is_left_out() {
        let unknown = hour("形势与政策", 1, "", &[WeekSpan::Range(1, 8)]);
        let late = hour("选修课", 1, "9-10", &[WeekSpan::Range(1, 8)]);
        let unscheduled = ClassHour { week: None, ..hour("实习", 1, "1-2", &[WeekSpan::Single(1)]) };
        assert!(!write(vec![unknown, late, unscheduled]).contains("VEVENT"));
    }

    #[test]
    fn a_meeting_of_four_lessons_is_one_event_that_ends_with_its_last_lesson() {
        let piece =
            |time: &str| ClassHour { sections: Some([3, 6]), ..hour("实验", 1, time, &[WeekSpan::Single(1)]) };
        let text = write(vec![piece("3-4"), piece("5-6")]);
        assert_eq!(text.matches("BEGIN:VEVENT").count(), 1);
        assert!(text.contains("DTSTART;TZID=Asia/Shanghai:20170904T101000"), "{text}");
        // Lessons 5 and later are those of the summer.
        assert!(text.contains("DTEND;TZID=Asia/Shanghai:20170904T165000"), "{text}");
        assert!(text.contains("第3-6节"), "{text}");
        let last = ClassHour { sections: Some([6, 6]), ..hour("体育", 1, "5-6", &[WeekSpan::Single(1)]) };
        assert!(write(vec![last]).contains("DTSTART;TZID=Asia/Shanghai:20170904T160000"));
    }

    #[test]
    fn a_uid_outlives_a_change_of_room_and_is_never_used_twice() {
        let uids =
            |text: &str| text.lines().filter_map(|l| l.strip_prefix("UID:").map(str::to_owned)).collect::<Vec<_>>();
        let one = hour("大学物理", 3, "5-6", &[WeekSpan::Range(6, 12)]);
        let moved = ClassHour { place: "3教3201".to_owned(), ..one.clone() };
        assert_eq!(uids(&write(vec![one.clone()])), uids(&write(vec![moved.clone()])));
        let both = uids(&write(vec![one, moved]));
        assert!(both.len() == 2 && both[0] != both[1]);
    }

    #[test]
    fn text_from_a_page_cannot_add_properties() {
        let evil = hour("课\r\nATTENDEE:mailto:x@example.com", 1, "1-2", &[WeekSpan::Single(1)]);
        assert!(write(vec![evil]).split("\r\n").all(|line| !line.starts_with("ATTENDEE")));
    }
}
