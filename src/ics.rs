//! A course table as a calendar (RFC 5545), pure: sessions, term and section times in, text out. The same input gives the
//! same text, byte for byte.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use crate::{
    campus::urp::parse_course::{CourseTable, Session, WeekSpan},
    config::{SectionTime, Term},
    crypto::sha256_hex,
};

/// The university's time zone: UTC+8 without daylight saving since 1991 (IANA tz database).
const ZONE: &str = "BEGIN:VTIMEZONE\r\nTZID:Asia/Shanghai\r\nBEGIN:STANDARD\r\nDTSTART:19910915T000000\r\n\
                    TZOFFSETFROM:+0800\r\nTZOFFSETTO:+0800\r\nTZNAME:CST\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";

/// Longest line, in octets, the line break not counted (RFC 5545 §3.1).
const MAX_LINE: usize = 75;

/// What a calendar is made of.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The sessions.
    pub table: &'a CourseTable,
    /// When they were read from the academic system.
    pub fetched_at: DateTime<Utc>,
    /// The term they belong to.
    pub term: &'a Term,
    /// When each section begins and ends, the first one first.
    pub sections: &'a [SectionTime],
    /// What makes the events of this student others than those of anybody else.
    pub owner: &'a str,
}

/// The calendar: one event for each session and span of weeks. Sessions without a time are left out.
#[must_use]
pub fn calendar(source: &Source<'_>) -> String {
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//wehpu//wehpu-engine//ZH\r\n");
    text.push_str("CALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\n");
    line(&mut text, "X-WR-CALNAME", &escaped(&format!("课表 {}", source.term.name)));
    text.push_str("X-WR-TIMEZONE:Asia/Shanghai\r\nREFRESH-INTERVAL;VALUE=DURATION:PT12H\r\nX-PUBLISHED-TTL:PT12H\r\n");
    text.push_str(ZONE);
    let mut uids: Vec<String> = Vec::new();
    let table = source.table;
    let days = [&table.mon, &table.tue, &table.wed, &table.thu, &table.fri, &table.sat, &table.sun];
    for session in days.into_iter().flatten() {
        for span in &session.weekly {
            event(&mut text, source, session, *span, &mut uids);
        }
    }
    text.push_str("END:VCALENDAR\r\n");
    text
}

fn event(text: &mut String, source: &Source<'_>, session: &Session, span: WeekSpan, uids: &mut Vec<String>) {
    let (first, last) = match span {
        WeekSpan::Single(week) => (week, week),
        WeekSpan::Range(first, last) => (first, last.max(first)),
    };
    let Some((date, begin, end)) = when(source, session, first) else { return };
    let uid = unused(uids, uid(source, session, first, last));
    let stamp = source.fetched_at.format("%Y%m%dT%H%M%SZ").to_string();
    let moment = |time: NaiveTime| date.and_time(time).format("%Y%m%dT%H%M%S").to_string();
    text.push_str("BEGIN:VEVENT\r\n");
    line(text, "UID", &uid);
    line(text, "DTSTAMP", &stamp);
    line(text, "DTSTART;TZID=Asia/Shanghai", &moment(begin));
    line(text, "DTEND;TZID=Asia/Shanghai", &moment(end));
    if last > first {
        line(text, "RRULE", &format!("FREQ=WEEKLY;COUNT={}", last - first + 1));
    }
    line(text, "SUMMARY", &escaped(&session.name));
    if !session.place.is_empty() {
        line(text, "LOCATION", &escaped(&session.place));
    }
    let weeks = if last > first { format!("第{first}-{last}周") } else { format!("第{first}周") };
    let mut description = format!("{weeks} 第{}节", session.time);
    if !session.teacher.is_empty() {
        description.push_str("\n教师：");
        description.push_str(&session.teacher);
    }
    line(text, "DESCRIPTION", &escaped(&description));
    text.push_str("END:VEVENT\r\n");
}

/// Day, begin and end of a session in a week of the term; `None` when its weekday, its sections or their times are
/// unknown.
fn when(source: &Source<'_>, session: &Session, week: u8) -> Option<(NaiveDate, NaiveTime, NaiveTime)> {
    let weekday = session.week.filter(|day| (1..=7).contains(day))?;
    let days = (u64::from(week).checked_sub(1)?) * 7 + u64::from(weekday - 1);
    let (first, last) = session.time.split_once('-').unwrap_or((&session.time, &session.time));
    let section = |number: &str| source.sections.get(number.parse::<usize>().ok()?.checked_sub(1)?);
    Some((source.term.start.checked_add_days(Days::new(days))?, section(first)?.begin, section(last)?.end))
}

/// Stays the same when only the place or the teacher changes, so that calendars move an event instead of doubling it.
fn uid(source: &Source<'_>, session: &Session, first: u8, last: u8) -> String {
    let weekday = session.week.unwrap_or_default();
    let identity = [source.owner, &source.term.name, &session.name, &session.time].join("\n");
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

    fn session(name: &str, week: u8, time: &str, weekly: &[WeekSpan]) -> Session {
        Session {
            name: name.to_owned(),
            place: "1教1304".to_owned(),
            time: time.to_owned(),
            week: Some(week),
            weekly: weekly.to_vec(),
            teacher: "丁四 徐五".to_owned(),
            rel: 1,
        }
    }

    fn sections() -> Vec<SectionTime> {
        let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        [(8, 0), (9, 0), (10, 10), (11, 10), (13, 30), (14, 30)]
            .map(|(hour, minute)| SectionTime {
                begin: time(hour, minute),
                end: time(hour, minute) + chrono::Duration::minutes(50),
            })
            .to_vec()
    }

    fn write(sessions: Vec<Session>) -> String {
        let term = Term { name: "2017-2018-1-1".to_owned(), start: "2017-09-04".parse().unwrap(), weeks: 20 };
        calendar(&Source {
            table: &CourseTable::from(sessions),
            fetched_at: "2017-11-24T08:00:00Z".parse().unwrap(),
            term: &term,
            sections: &sections(),
            owner: "0123456789abcdef",
        })
    }

    #[test]
    fn a_table_becomes_a_calendar() {
        let text = write(vec![
            session("高等数学, A; 上\\下", 1, "1-2", &[WeekSpan::Range(1, 8), WeekSpan::Single(10)]),
            session("大学物理", 3, "5-6", &[WeekSpan::Range(6, 12)]),
        ]);
        insta::assert_snapshot!(text.replace("\r\n", "\n"));
    }

    #[test]
    fn every_line_ends_with_cr_lf_and_none_is_longer_than_75_octets() {
        let text = write(vec![session(&"马克思主义基本原理概论".repeat(9), 5, "3-4", &[WeekSpan::Range(1, 16)])]);
        assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
        assert!(text.split("\r\n").all(|line| line.len() <= MAX_LINE));
        assert!(text.replace("\r\n ", "").contains(&"马克思主义基本原理概论".repeat(9)));
    }

    #[test]
    fn what_has_no_time_is_left_out() {
        let unknown = session("形势与政策", 1, "", &[WeekSpan::Range(1, 8)]);
        let late = session("选修课", 1, "9-10", &[WeekSpan::Range(1, 8)]);
        let unscheduled = Session { week: None, ..session("实习", 1, "1-2", &[WeekSpan::Single(1)]) };
        assert!(!write(vec![unknown, late, unscheduled]).contains("VEVENT"));
    }

    #[test]
    fn a_uid_outlives_a_change_of_room_and_is_never_used_twice() {
        let uids =
            |text: &str| text.lines().filter_map(|l| l.strip_prefix("UID:").map(str::to_owned)).collect::<Vec<_>>();
        let one = session("大学物理", 3, "5-6", &[WeekSpan::Range(6, 12)]);
        let moved = Session { place: "3教3201".to_owned(), ..one.clone() };
        assert_eq!(uids(&write(vec![one.clone()])), uids(&write(vec![moved.clone()])));
        let both = uids(&write(vec![one, moved]));
        assert!(both.len() == 2 && both[0] != both[1]);
    }

    #[test]
    fn text_from_a_page_cannot_add_properties() {
        let evil = session("课\r\nATTENDEE:mailto:x@example.com", 1, "1-2", &[WeekSpan::Single(1)]);
        assert!(write(vec![evil]).split("\r\n").all(|line| !line.starts_with("ATTENDEE")));
    }
}
