//! A course table as a calendar (RFC 5545), pure: class hours, term and section times in, text out. The same input gives the
//! same text, byte for byte.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc, Weekday};

use crate::{
    clock::campus_date,
    crypto::sha256_hex,
    model::{ClassHour, CourseTable, WeekSpan, academic::Term},
    school::{School, Swap, Times, TimesSource},
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
    /// The school: when lessons begin and end, and which days are held on others.
    pub school: &'a School,
    /// What makes the events of this student others than those of anybody else.
    pub owner: &'a str,
}

/// The calendar: one event for each class hour and span of weeks in which its lessons are at the same time of day: where the
/// season changes within a span, there is one event before and one after. A day that is cancelled or held on another day is
/// left out of it; the day on which it is held has an event of its own. Class hours without a time are left out.
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
            let runs = runs(timetable, hour, *span);
            let usual = runs.iter().filter_map(|run| series(timetable, hour, run));
            for event in usual.chain(moved(timetable, hour, *span)) {
                put(&mut text, timetable, hour, event, &mut uids);
            }
        }
    }
    text.push_str("END:VCALENDAR\r\n");
    text
}

/// Begin and end of a class hour. The end is before the begin where it is after midnight.
type Span = (NaiveTime, NaiveTime);

/// Weeks in a row in which a class hour is at the same time of day.
struct Run {
    /// The first week of the term and the last one.
    weeks: (u8, u8),
    /// The day in the first week.
    date: NaiveDate,
    time: Span,
    /// Those of its days that are cancelled or held on another day.
    swapped: Vec<NaiveDate>,
}

/// The runs of a span of weeks, without the weeks in which a class hour has no known time.
fn runs(timetable: &Timetable<'_>, hour: &ClassHour, span: WeekSpan) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for week in weeks(span) {
        let Some(date) = day(timetable, hour, week) else { continue };
        let Some(time) = when(timetable, hour, date) else { continue };
        let swapped = swap_of(timetable, date).map(|swap| swap.from);
        match runs.last_mut() {
            Some(run) if (run.weeks.1 + 1, run.time) == (week, time) => {
                run.weeks.1 = week;
                run.swapped.extend(swapped);
            }
            _ => runs.push(Run { weeks: (week, week), date, time, swapped: swapped.into_iter().collect() }),
        }
    }
    runs
}

/// An event that takes place once, or a week apart.
struct Event {
    uid: String,
    /// The first day.
    date: NaiveDate,
    time: Span,
    /// Number of weeks from the first day to the last one.
    count: usize,
    /// Days between them on which it does not take place.
    without: Vec<NaiveDate>,
    summary: String,
    description: String,
}

/// The event of a run; `None` when none of its days is left.
fn series(timetable: &Timetable<'_>, hour: &ClassHour, run: &Run) -> Option<Event> {
    let (first, last) = run.weeks;
    // It begins and ends with a day on which it takes place: not every program leaves out the first day of a series.
    let days: Vec<NaiveDate> = run.date.iter_weeks().take(usize::from(last - first) + 1).collect();
    let takes_place = |day: &NaiveDate| !run.swapped.contains(day);
    let (from, to) = (days.iter().position(takes_place)?, days.iter().rposition(takes_place)?);
    Some(Event {
        uid: format!("{}@wehpu", identity(timetable, hour, run.weeks)),
        date: days[from],
        time: run.time,
        count: to - from + 1,
        without: days[from..=to].iter().filter(|day| !takes_place(day)).copied().collect(),
        summary: hour.name.clone(),
        description: description(hour, run.weeks, None),
    })
}

/// The events of the days of a span that are held on other days, at the time of day that those have.
fn moved(timetable: &Timetable<'_>, hour: &ClassHour, span: WeekSpan) -> impl Iterator<Item = Event> {
    weeks(span).filter_map(move |week| {
        let from = day(timetable, hour, week)?;
        let to = swap_of(timetable, from)?.to?;
        let id = identity(timetable, hour, (week, week));
        Some(Event {
            uid: format!("{id}-{}@wehpu", to.format("%Y%m%d")),
            date: to,
            time: when(timetable, hour, to)?,
            count: 1,
            without: Vec::new(),
            summary: format!("{}（调课）", hour.name),
            description: description(hour, (week, week), Some(from)),
        })
    })
}

/// Writes an event.
fn put(text: &mut String, timetable: &Timetable<'_>, hour: &ClassHour, event: Event, uids: &mut Vec<String>) {
    let stamp = timetable.fetched_at.format("%Y%m%dT%H%M%SZ").to_string();
    let moment = |date: NaiveDate, time: NaiveTime| date.and_time(time).format("%Y%m%dT%H%M%S").to_string();
    let (begin, end) = event.time;
    let ends_on = if end < begin { event.date.succ_opt().unwrap_or(event.date) } else { event.date };
    text.push_str("BEGIN:VEVENT\r\n");
    line(text, "UID", &unused(uids, event.uid));
    line(text, "DTSTAMP", &stamp);
    line(text, "DTSTART;TZID=Asia/Shanghai", &moment(event.date, begin));
    line(text, "DTEND;TZID=Asia/Shanghai", &moment(ends_on, end));
    if event.count > 1 {
        line(text, "RRULE", &format!("FREQ=WEEKLY;COUNT={}", event.count));
    }
    if !event.without.is_empty() {
        let begins: Vec<String> = event.without.iter().map(|day| moment(*day, begin)).collect();
        line(text, "EXDATE;TZID=Asia/Shanghai", &begins.join(","));
    }
    line(text, "SUMMARY", &escaped(&event.summary));
    if !hour.place.is_empty() {
        line(text, "LOCATION", &escaped(&hour.place));
    }
    line(text, "DESCRIPTION", &escaped(&event.description));
    text.push_str("END:VEVENT\r\n");
}

/// Weeks, lessons and teacher; `of`: the day whose class hour it is, where it is held on another day.
fn description(hour: &ClassHour, (first, last): (u8, u8), of: Option<NaiveDate>) -> String {
    let weeks = if last > first { format!("第{first}-{last}周") } else { format!("第{first}周") };
    let time = lessons(hour).map_or_else(
        || hour.time.clone(),
        |[first, last]| match last {
            last if last > first => format!("{first}-{last}"),
            _ => first.to_string(),
        },
    );
    let mut lines = vec![format!("{weeks} 第{time}节")];
    if let Some(day) = of {
        let weekday = match day.weekday() {
            Weekday::Mon => '一',
            Weekday::Tue => '二',
            Weekday::Wed => '三',
            Weekday::Thu => '四',
            Weekday::Fri => '五',
            Weekday::Sat => '六',
            Weekday::Sun => '日',
        };
        lines.push(format!("{}月{}日（周{weekday}）的课", day.month(), day.day()));
    }
    if !hour.teacher.is_empty() {
        lines.push(format!("教师：{}", hour.teacher));
    }
    lines.join("\n")
}

fn weeks(span: WeekSpan) -> RangeInclusive<u8> {
    match span {
        WeekSpan::Single(week) => week..=week,
        WeekSpan::Range(first, last) => first..=last.max(first),
    }
}

/// The day of a class hour in a week of the term; `None` when its weekday or the dates of the term are unknown.
fn day(timetable: &Timetable<'_>, hour: &ClassHour, week: u8) -> Option<NaiveDate> {
    let weekday = hour.week.filter(|day| (1..=7).contains(day))?;
    let days = (u64::from(week).checked_sub(1)?) * 7 + u64::from(weekday - 1);
    timetable.term.dates?.monday.checked_add_days(Days::new(days))
}

/// What the school says of the classes of `date`; `None`: they are held as usual.
fn swap_of<'a>(timetable: &Timetable<'a>, date: NaiveDate) -> Option<&'a Swap> {
    timetable.school.swaps.iter().find(|swap| swap.from == date)
}

/// Begin and end of a class hour that is held on `date`; `None` when its lessons or their times are unknown.
fn when(timetable: &Timetable<'_>, hour: &ClassHour, date: NaiveDate) -> Option<Span> {
    let campus = hour.campus.as_deref().unwrap_or_default();
    let times = timetable.school.times_on(campus, date)?;
    shown(timetable, hour, times).or_else(|| {
        let [first, last] = lessons(hour)?;
        let section = |number: u8| times.sections.get(usize::from(number).checked_sub(1)?);
        Some((section(first)?.begin, section(last)?.end))
    })
}

/// Begin and end as the page of the table showed them, where the school says that they count. The page knows only the
/// season of the day on which it was fetched.
fn shown(timetable: &Timetable<'_>, hour: &ClassHour, times: &Times) -> Option<Span> {
    if times.source != TimesSource::System || !times.has(campus_date(timetable.fetched_at)) {
        return None;
    }
    let [begin, end] = hour.clock.as_ref()?;
    let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
    Some((time(begin)?, time(end)?))
}

/// The first and the last lesson: of the whole meeting where they are known, else of the pair.
fn lessons(hour: &ClassHour) -> Option<[u8; 2]> {
    hour.sections.or_else(|| {
        let (first, last) = hour.time.split_once('-')?;
        Some([first.parse().ok()?, last.parse().ok()?])
    })
}

/// Names a class hour in the weeks from `first` to `last`. Stays the same when only the place or the teacher changes, so
/// that calendars move an event instead of doubling it.
fn identity(timetable: &Timetable<'_>, hour: &ClassHour, (first, last): (u8, u8)) -> String {
    let weekday = hour.week.unwrap_or_default();
    // The evening's further lessons have no pair.
    let time = match lessons(hour) {
        Some([first, last]) if hour.time.is_empty() => format!("{first}-{last}"),
        _ => hour.time.clone(),
    };
    let identity = [timetable.owner, &timetable.term.name, &hour.name, &time].join("\n");
    let hash = sha256_hex(format!("{identity}\n{weekday}\n{first}-{last}").as_bytes());
    hash[..32].to_owned()
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
    use crate::{
        model::{
            academic::TermDates,
            lessons::{LessonTimes, Season, SectionTime},
        },
        school::{read, read_text, times_of},
    };

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
            key: None,
            campus: None,
            clock: None,
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
        let school = School { times: times_of(&lessons()), ..read("hpu-urp", false).school.unwrap() };
        write_at(&school, ("2017-2018-1-1", "2017-09-04"), "2017-11-24T08:00:00Z", hours)
    }

    /// `term`: its name and first day.
    fn write_at(school: &School, term: (&str, &str), fetched_at: &str, hours: Vec<ClassHour>) -> String {
        let dates = TermDates { monday: term.1.parse().unwrap(), weeks: 20 };
        let term = Term { name: term.0.to_owned(), system_id: String::new(), dates: Some(dates) };
        calendar(&Timetable {
            table: &CourseTable::from(hours),
            fetched_at: fetched_at.parse().unwrap(),
            term: &term,
            school,
            owner: "0123456789abcdef",
        })
    }

    /// At a school with two campuses, in the autumn of 2026, whose week 4 has 1 October.
    fn write_2026(school: &School, hours: Vec<ClassHour>) -> String {
        write_at(school, ("2026-2027-1", "2026-09-07"), "2026-09-20T08:00:00Z", hours)
    }

    fn demo_zf() -> School {
        read("demo-zf", false).school.unwrap()
    }

    fn on_campus(campus: &str, hour: ClassHour) -> ClassHour {
        ClassHour { campus: Some(campus.to_owned()), ..hour }
    }

    fn event(begin: &str, end: &str, count: u8) -> (String, String, Option<String>) {
        (begin.to_owned(), end.to_owned(), (count > 1).then(|| format!("FREQ=WEEKLY;COUNT={count}")))
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
        let afternoon = write(vec![hour("大学物理", 3, "5-6", &[WeekSpan::Range(2, 8)])]);
        assert_eq!(
            events(&afternoon),
            [event("20170913T150000", "20170913T165000", 3), event("20171004T143000", "20171004T162000", 4)]
        );
        let last_day = write(vec![hour("大学物理", 6, "5-6", &[WeekSpan::Range(4, 5)])]);
        assert_eq!(
            events(&last_day),
            [event("20170930T150000", "20170930T165000", 1), event("20171007T143000", "20171007T162000", 1)]
        );
        let morning = write(vec![hour("高等数学", 3, "1-2", &[WeekSpan::Range(2, 8)])]);
        assert_eq!(events(&morning), [event("20170913T080000", "20170913T095000", 7)], "mornings are the same");
    }

    /// Three seasons, one of them over New Year, with more than ten lessons, and a campus with times of its own.
    const THREE_SEASONS: &str = r#"extends = "demo-zf"
[[times]]
id = "winter"
until = "11-30"
[[times]]
id = "dark"
campus = "*"
from = "12-01"
until = "04-30"
sections = ["08:30-09:15", "09:25-10:10", "10:20-11:05", "11:15-12:00", "13:30-14:15", "14:25-15:10", "15:20-16:05", "16:15-17:00", "18:00-18:45", "18:55-19:40", "19:50-20:35", "20:45-21:30", "21:40-22:25"]
[[times]]
id = "west"
campus = "2"
sections = ["07:30-08:15", "08:25-09:10"]
"#;

    #[test]
    fn a_school_may_have_any_number_of_seasons_and_campuses_with_times_of_their_own() {
        let school = read_text("three.toml", THREE_SEASONS, false).school.unwrap();
        let east = hour("大学物理", 2, "5-6", &[WeekSpan::Range(3, 18)]);
        let text = write_2026(&school, vec![on_campus("东校区", east.clone())]);
        let three = [
            event("20260922T143000", "20260922T161000", 2),
            event("20261006T140000", "20261006T154000", 8),
            event("20261201T133000", "20261201T151000", 6),
        ];
        assert_eq!(events(&text), three);
        assert_eq!(events(&write_2026(&school, vec![east])), three, "a campus that is not known has the times of all");

        let west = on_campus("西校区", hour("高等数学", 2, "1-2", &[WeekSpan::Range(3, 18)]));
        assert_eq!(events(&write_2026(&school, vec![west])), [event("20260922T073000", "20260922T091000", 16)]);

        let evening = hour("选修课", 1, "", &[WeekSpan::Range(12, 14)]);
        let text = write_2026(&school, vec![ClassHour { sections: Some([11, 13]), ..evening }]);
        assert_eq!(events(&text), [event("20261207T195000", "20261207T222500", 1)], "the other days have ten lessons");
    }

    #[test]
    fn a_day_that_is_moved_is_left_out_and_held_on_the_other_day() {
        let friday = hour("大学物理", 5, "3-4", &[WeekSpan::Range(2, 8)]);
        let text = write_2026(&demo_zf(), vec![friday]);
        let held = [event("20260918T100000", "20260918T114000", 7), event("20261010T100000", "20261010T114000", 1)];
        assert_eq!(events(&text), held);
        let text = text.replace("\r\n ", "");
        assert_eq!(text.matches("EXDATE;TZID=Asia/Shanghai:20261002T100000\r\n").count(), 1, "{text}");
        assert_eq!(text.matches("EXDATE").count(), 1, "{text}");
        assert!(text.contains("SUMMARY:大学物理（调课）\r\n"), "{text}");
        assert!(text.contains(r"DESCRIPTION:第4周 第3-4节\n10月2日（周五）的课\n教师：丁四 徐五"), "{text}");
        assert!(text.contains("-20261010@wehpu\r\n"), "{text}");
    }

    #[test]
    fn a_series_begins_and_ends_with_a_day_that_is_held() {
        // 1 October, the Thursday of week 4, is cancelled.
        let thursday = |weeks| write_2026(&demo_zf(), vec![hour("大学物理", 4, "3-4", &[weeks])]);
        let later = thursday(WeekSpan::Range(4, 8));
        assert_eq!(events(&later), [event("20261008T100000", "20261008T114000", 4)]);
        let before = thursday(WeekSpan::Range(2, 4));
        assert_eq!(events(&before), [event("20260917T100000", "20260917T114000", 2)]);
        assert!(!later.contains("EXDATE") && !before.contains("EXDATE"));
        assert!(events(&thursday(WeekSpan::Single(4))).is_empty());
    }

    #[test]
    fn swaps_do_not_chain_and_the_day_itself_decides_the_season() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let mut school = demo_zf();
        school.swaps = vec![
            Swap { from: date("2026-09-30"), to: Some(date("2026-10-07")) },
            Swap { from: date("2026-10-07"), to: None },
        ];
        let wednesday = hour("大学物理", 3, "5-6", &[WeekSpan::Range(4, 5)]);
        let text = write_2026(&school, vec![wednesday]);
        assert_eq!(events(&text), [event("20261007T140000", "20261007T154000", 1)], "a class of the summer in winter");
    }

    #[test]
    fn what_the_page_shows_counts_in_the_season_in_which_it_was_fetched() {
        let shown = ClassHour {
            clock: Some(["14:40".to_owned(), "16:20".to_owned()]),
            ..hour("大学物理", 2, "5-6", &[WeekSpan::Range(3, 6)])
        };
        let mut school = demo_zf();
        let winter = event("20261006T140000", "20261006T154000", 2);
        let by_profile = write_2026(&school, vec![shown.clone()]);
        assert_eq!(events(&by_profile), [event("20260922T143000", "20260922T161000", 2), winter.clone()]);
        for times in &mut school.times {
            times.source = TimesSource::System;
        }
        let by_system = write_2026(&school, vec![shown]);
        assert_eq!(events(&by_system), [event("20260922T144000", "20260922T162000", 2), winter]);
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
