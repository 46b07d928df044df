//! A student's timetable of a term (`xskbcx_cxXsgrkb.html`).
//!
//! Two rows of one course are usual: another teacher or another room for some weeks. Every row is a meeting of its own.

use serde_json::Value;

use super::numbers::{differs, lessons, weekday, weeks};
use super::rows::{Row, rows_of};
use super::signals::json_of;
use crate::campus::page::{Closed, PageError, Reading, Said, UnreadCell};
use crate::model::academic::{Meeting, Timetable, Unscheduled};

/// Name of this page on the command line and in errors.
const PAGE: &str = "zf-table";

/// The room of a meeting that has none yet.
const NO_ROOM: &str = "未排地点";

/// The keys of the lessons, best first. `jcor` is none: it spans neighbouring rows, too.
const LESSONS: [&str; 2] = ["jcs", "jc"];

/// The keys by which the two lists name the same things.
struct Keys {
    teachers: &'static str,
    weeks: &'static str,
}

/// `kbList`: courses with a time.
const SCHEDULED: Keys = Keys { teachers: "xm", weeks: "zcd" };

/// `sjkList`: practical courses, most of them without a time.
const PRACTICAL: Keys = Keys { teachers: "jsxm", weeks: "qsjsz" };

/// Reads the timetable in the order of the system. A student without courses has an empty one.
///
/// A time that is not understood makes the course an unscheduled one, so that it does not vanish; weeks that are not
/// understood are none. Both are told as unread.
pub fn parse_table(body: &str) -> Result<Reading<Timetable>, PageError> {
    let answer = json_of(body, PAGE)?;
    if is_hidden(&answer) {
        return Err(PageError::Closed(Closed::SwitchedOff, Said::default()));
    }
    let scheduled = rows_of(&answer["kbList"], PAGE, "kbList", &[&["kcmc"], &["xqj"], &LESSONS, &["zcd"]])?;
    let practical = match &answer["sjkList"] {
        Value::Null if !scheduled.is_empty() => Vec::new(),
        list => rows_of(list, PAGE, "sjkList", &[&["kcmc"]])?,
    };
    let mut read = Reading::<Timetable>::default();
    for row in scheduled {
        read_row(row, &SCHEDULED, &mut read);
    }
    for row in practical {
        read_row(row, &PRACTICAL, &mut read);
    }
    Ok(read)
}

/// Whether the school does not show this term now.
fn is_hidden(answer: &Value) -> bool {
    Row::of(answer).is_some_and(|answer| answer.text("xnxqsfkz") == "true") || answer["xnxqsfkz"] == true
}

fn read_row(row: Row<'_>, keys: &Keys, read: &mut Reading<Timetable>) {
    let (day_text, lesson_text, week_text) = (row.text("xqj"), row.first_text(&LESSONS), row.text(keys.weeks));
    let (day, range, weeks) = (weekday(&day_text), lessons(&lesson_text), weeks(&week_text));
    let time = day.zip(range);
    let understood = [
        ("xqj", &day_text, time.is_some() || (day.is_some() && !lesson_text.is_empty())),
        ("jcs", &lesson_text, time.is_some() || (range.is_some() && !day_text.is_empty())),
        (keys.weeks, &week_text, weeks.is_some()),
    ];
    for (column, text, _) in understood.into_iter().filter(|(_, text, understood)| !understood && !text.is_empty()) {
        read.unread.push(UnreadCell { page: PAGE, column, text: Said::new(text) });
    }
    if let Some(weeks) = weeks
        && differs(&row.text("oldzc"), weeks.iter())
    {
        count_difference();
    }
    let (code, lesson) = (row.first_text(&["kch", "kch_id"]), row.text("jxb_id"));
    let (name, teachers) = (row.first_text(&["kcmc", "jxbmc"]), row.names(keys.teachers));
    let weeks = weeks.unwrap_or_default();
    let Some((weekday, (first, last))) = time else {
        let note = match row.text("qtkcgs") {
            note if note.is_empty() => [day_text, lesson_text].join(" ").trim().to_owned(),
            note => note,
        };
        read.data.unscheduled.push(Unscheduled { code, lesson, name, teachers, weeks, note });
        return;
    };
    if differs(&row.text("oldjc"), first..=last) {
        count_difference();
    }
    read.data.meetings.push(Meeting {
        code,
        lesson,
        name,
        teachers,
        weekday,
        first,
        last,
        weeks,
        campus: row.text("xqmc"),
        // The table tells no building; names of rooms such as 东区-B103 hold it in ways that differ.
        building: String::new(),
        room: row.text_but("cdmc", NO_ROOM),
        note: String::new(),
    });
}

/// Counts a mask of weeks or lessons that says something else than the text beside it; the text is believed.
fn count_difference() {
    metrics::counter!("zf_mask_differs_total").increment(1);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn read(body: &str) -> Reading<Timetable> {
        parse_table(body).unwrap()
    }

    /// A table whose only row is the usual one with these values instead.
    fn one(values: &Value) -> Reading<Timetable> {
        let mut row = json!({"kcmc": "测量学", "xm": "钟岚", "xqj": "1", "jcs": "1-2", "jc": "1-2节", "zcd": "1-4周"});
        for (key, value) in values.as_object().unwrap() {
            row[key] = value.clone();
        }
        read(&json!({"kbList": [row], "sjkList": []}).to_string())
    }

    fn unread(read: &Reading<Timetable>) -> Vec<(&'static str, &str)> {
        read.unread.iter().map(|cell| (cell.column, cell.text.as_str())).collect()
    }

    fn differences(body: &str) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || drop(parse_table(body)));
        let told = recorder.handle().render();
        told.lines().find_map(|line| line.strip_prefix("zf_mask_differs_total ")).unwrap_or("0").to_owned()
    }

    #[test]
    fn every_meeting_is_read_and_practical_courses_stand_apart() {
        let read = read(&fixture("jwglxt/table.json"));
        assert_eq!(read.unread, []);
        insta::assert_json_snapshot!(read.data);
    }

    #[test]
    fn two_rows_of_a_course_stay_two_meetings() {
        let table = read(&fixture("jwglxt/table.json")).data;
        let of_course = table.meetings.iter().filter(|meeting| meeting.name == "电工技术(2)");
        let teachers: Vec<_> = of_course.map(|meeting| meeting.teachers.join(" ")).collect();
        assert_eq!(teachers, ["钟岚", "钟岚 贺一舟"]);
    }

    #[test]
    fn a_practical_course_with_a_time_is_a_meeting() {
        let table = read(&fixture("jwglxt/table.json")).data;
        let meeting = table.meetings.iter().find(|meeting| meeting.name == "数字测图实习").unwrap();
        assert_eq!((meeting.weekday, meeting.first, meeting.last), (6, 1, 4));
        assert_eq!(meeting.weeks.iter().collect::<Vec<_>>(), [15, 16]);
    }

    #[test]
    fn a_student_without_courses_has_an_empty_table() {
        assert_eq!(read(&fixture("jwglxt/table-empty.json")), Reading::default());
    }

    #[test]
    fn a_table_without_its_lists_is_changed_and_never_an_empty_one() {
        let whole = fixture("jwglxt/table.json");
        for key in ["kbList", "kcmc", "xqj", "zcd"] {
            let error = parse_table(&whole.replace(&format!("\"{key}\""), "\"other\"")).unwrap_err();
            assert_eq!(error, PageError::Changed { page: PAGE, missing: key });
        }
        for other in ["{}", "null", "[]", r#"{"kbList":null,"sjkList":[]}"#, r#"{"kbList":[]}"#, r#"{"kbList":[1]}"#] {
            assert!(matches!(parse_table(other), Err(PageError::Changed { .. })), "{other}");
        }
        assert!(parse_table(&whole.replace("sjkList", "other")).is_ok(), "older systems have only one list");
    }

    #[test]
    fn a_term_that_the_school_hides_is_closed() {
        let closed = PageError::Closed(Closed::SwitchedOff, Said::default());
        assert_eq!(parse_table(&fixture("jwglxt/table-hidden.json")), Err(closed));
    }

    #[test]
    fn lessons_are_read_from_the_second_key_where_the_first_is_missing() {
        let meeting = &one(&json!({"jcs": null, "jc": "9-11节"})).data.meetings[0];
        assert_eq!((meeting.first, meeting.last), (9, 11));
    }

    #[test]
    fn a_room_that_is_not_given_yet_is_empty() {
        assert_eq!(one(&json!({"cdmc": "未排地点"})).data.meetings[0].room, "");
        assert_eq!(one(&json!({"cdmc": "东区-B103"})).data.meetings[0].room, "东区-B103");
    }

    #[test]
    fn what_is_not_understood_is_told_and_the_course_stays() {
        let strange = one(&json!({"xqj": "八", "jcs": "晚", "zcd": "见通知"}));
        assert_eq!(unread(&strange), [("xqj", "八"), ("jcs", "晚"), ("zcd", "见通知")]);
        let course = &strange.data.unscheduled[0];
        assert_eq!((course.name.as_str(), course.note.as_str()), ("测量学", "八 晚"));

        for (half, told) in [(json!({"xqj": ""}), ("jcs", "1-2")), (json!({"jcs": "", "jc": ""}), ("xqj", "1"))] {
            let half = one(&half);
            assert_eq!((unread(&half), half.data.unscheduled.len()), (vec![told], 1));
        }

        let weeks = one(&json!({"zcd": "1-4周,另行通知"}));
        assert_eq!(unread(&weeks), [("zcd", "1-4周,另行通知")]);
        assert!(weeks.data.meetings[0].weeks.is_empty());
    }

    #[test]
    fn a_course_without_any_time_is_unscheduled_and_no_question() {
        let read = one(&json!({"xqj": null, "jcs": "", "jc": null, "zcd": ""}));
        assert_eq!((read.unread.len(), read.data.meetings.len(), read.data.unscheduled.len()), (0, 0, 1));
    }

    #[test]
    fn a_mask_that_differs_is_counted_and_the_text_counts() {
        let whole = fixture("jwglxt/table.json");
        assert_eq!(differences(&whole), "0");
        let other = whole.replace("\"1007\"", "\"1005\"").replace("\"oldjc\":\"48\"", "\"oldjc\":\"3\"");
        assert_eq!(differences(&other), "2");
        assert_eq!(read(&other), read(&whole));
    }

    #[test]
    fn another_answer_is_no_table() {
        let error = |name: &str| parse_table(&fixture(name)).unwrap_err();
        assert_eq!(error("jwglxt/login-page.html"), PageError::SessionExpired(Layer::Jwglxt));
        assert_eq!(parse_table(""), Err(PageError::SessionExpired(Layer::Jwglxt)));
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("jwglxt/no-function.html"), PageError::Closed(..)));
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
        assert!(matches!(error("jwglxt/score.json"), PageError::Changed { missing: "kbList", .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_table_is_an_error_or_no_empty_one(body in mutilated("jwglxt/table.json")) {
            if let Ok(Reading { data: table, .. }) = parse_table(&body) {
                prop_assert!(!table.meetings.is_empty() || !table.unscheduled.is_empty());
                for meeting in &table.meetings {
                    prop_assert!((1..=7).contains(&meeting.weekday));
                    prop_assert!(1 <= meeting.first && meeting.first <= meeting.last);
                }
            }
        }
    }
}
