use proptest::prelude::*;

use super::*;
use crate::campus::page::fixture::{fixture, mutilated};
use crate::campus::page::{Closed, Layer};
use crate::model::academic::Weeks;

mod styles;

fn read(html: &str) -> Timetable {
    let read = parse_table(html).unwrap();
    assert_eq!(read.unread, []);
    read.data
}

fn error(name: &str) -> PageError {
    parse_table(&fixture(name)).unwrap_err()
}

fn missing(html: &str) -> &'static str {
    match parse_table(html) {
        Err(PageError::Changed { page: "eams-course", missing }) => missing,
        other => panic!("{other:?}"),
    }
}

/// The usual page with one text replaced wherever it is.
fn course_with(from: &str, to: &str) -> String {
    let page = fixture("eams/course.html");
    assert!(page.contains(from), "{from}");
    page.replace(from, to)
}

#[test]
fn the_table_of_a_term_is_read_whole() {
    insta::assert_json_snapshot!(read(&fixture("eams/course.html")));
}

#[test]
fn eleven_to_fourteen_arguments_and_teachers_before_the_room_are_read() {
    insta::assert_json_snapshot!(read(&fixture("eams/course-arguments.html")));
}

#[test]
fn a_row_without_a_number_shifts_the_lessons_after_it() {
    let table = read(&fixture("eams/course-noon.html"));
    let told: Vec<_> = table.meetings.iter().map(|m| (m.name.as_str(), m.first, m.last)).collect();
    assert_eq!(told, [("大学物理", 4, 4), ("大学物理", 5, 5)]);
    let noon = &table.unscheduled[0];
    assert_eq!((noon.name.as_str(), noon.note.as_str()), ("大学物理", "周三 午间课；1号教学楼1207"));
    assert_eq!(table.times.len(), 5);
}

#[test]
fn a_term_without_courses_is_an_empty_table_with_times() {
    let table = read(&fixture("eams/course-empty.html"));
    assert_eq!((table.meetings.len(), table.unscheduled.len(), table.times.len()), (0, 0, 11));
}

#[test]
fn equal_blocks_count_once() {
    let page = fixture("eams/course.html");
    let begin = page.find("    var teachers").unwrap();
    let end = page.find("table0.marshalTable").unwrap();
    let twice = format!("{}{}{}", &page[..end], &page[begin..end], &page[end..]);
    assert_eq!(read(&twice), read(&page));
}

#[test]
fn a_course_that_is_not_listed_is_kept_without_its_code() {
    let page = course_with(">990015010.001</a>", ">990015010.777</a>");
    let table = read(&page);
    let mathematics = table.meetings.iter().find(|meeting| meeting.lesson == "990015010.001").unwrap();
    assert_eq!((mathematics.code.as_str(), mathematics.name.as_str()), ("", "高等数学A(一),下"));
    assert!(table.unscheduled.iter().any(|course| course.lesson == "990015010.777"));
}

#[test]
fn the_origin_of_the_weeks_must_be_known() {
    for origin in ["(1,1,20)", "(2,1)", "(from,1,20)", "(2,20,1)"] {
        assert_eq!(missing(&course_with("(2,1,20)", origin)), "known week origin", "{origin}");
    }
    assert_eq!(missing(&course_with("marshalTable", "showTable")), "known week origin");
    let shown = read(&course_with("(2,1,20)", "(2,3,5)"));
    assert!(shown.meetings.iter().all(|meeting| meeting.weeks.iter().all(|week| (3..=5).contains(&week))));
}

#[test]
fn weeks_may_be_counted_from_the_year() {
    let later = "0".repeat(35) + &"1".repeat(18);
    let page = course_with("(2,1,20)", "(36,1,17)");
    let are_weeks = |text: &str| text.len() == 53 && text.bytes().all(|bit| matches!(bit, b'0' | b'1'));
    let parts: Vec<&str> = page.split('"').map(|part| if are_weeks(part) { &later } else { part }).collect();
    let table = read(&parts.join("\""));
    assert!(table.meetings.iter().all(|meeting| meeting.weeks == Weeks::range(1, 17)));
}

#[test]
fn a_script_of_another_kind_is_a_changed_page() {
    assert_eq!(missing(&course_with("unitCount = 11", "unitCount = 0")), "a number of lessons in a day");
    assert_eq!(missing(&course_with("unitCount", "units")), "unitCount");
    assert_eq!(missing(&course_with("TaskActivity", "Activity")), "an activity of the known kind");
    assert_eq!(missing(&course_with("activity = new", "task = new")), "an activity of the known kind");
    assert_eq!(missing(&course_with("index =", "place =")), "the place of an activity");
    assert_eq!(missing(&course_with("0*unitCount", "7*unitCount")), "the place of an activity");
    assert_eq!(missing(&course_with("20417(990015010.001)", "20417")), "the number of an activity");
    assert_eq!(missing(&course_with("\"0110", "\"0x10")), "known week origin");
    let short = course_with(",null,null,assistantName,\"\",\"\")", ")").replace(",\"312\",", ",");
    assert_eq!(missing(&short), "the arguments of an activity");
}

#[test]
fn a_page_saved_from_a_browser_has_no_script_and_is_no_table() {
    assert_eq!(missing(&fixture("eams/course-saved.html")), "unitCount");
}

#[test]
fn a_page_without_its_list_is_no_table() {
    assert_eq!(missing(&course_with("课程序号", "班号")), "the header of the list");
    let page = fixture("eams/course.html");
    assert_eq!(missing(&page[..page.rfind("</table>").unwrap()]), "the end of the list");
}

#[test]
fn rooms_are_split_where_they_have_the_usual_form() {
    assert_eq!(rooms("3103[南校区3号教学楼](南校区)"), ("3103", "南校区3号教学楼", "南校区"));
    assert_eq!(rooms("*A[1][2](东(新)区)"), ("A[1][2](东(新)区)", "", ""));
    assert_eq!(rooms("A[1][2](东区)"), ("A", "1][2", "东区"));
    assert_eq!(rooms("* 田径场"), ("田径场", "", ""));
    assert_eq!(rooms(""), ("", "", ""));
    assert_eq!(rooms("[教学楼](校区)"), ("", "教学楼", "校区"));
}

#[test]
fn tags_and_entities_in_literals_are_no_text() {
    assert_eq!(plain("工程图学<sup>双语</sup>&nbsp;A&amp;B"), "工程图学双语 A&B");
    assert_eq!(plain("  C++ \t语言 "), "C++ 语言");
}

#[test]
fn other_pages_are_told_apart() {
    assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
    assert_eq!(error("eams/session-ended.html"), PageError::SessionExpired(Layer::Eams));
    assert_eq!(error("eams/duplicate-login.html"), PageError::Again);
    assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
    assert!(matches!(error("eams/no-permission.html"), PageError::Closed(Closed::Permission, _)));
    assert!(matches!(error("eams/red-line.html"), PageError::Closed(Closed::Other, _)));
    assert_eq!(error("vpn/login-page.html"), PageError::SessionExpired(Layer::Vpn));
    assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
    assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
}

proptest! {
    #[test]
    fn a_mutilated_table_is_data_or_an_error(page in mutilated("eams/course.html")) {
        if let Ok(read) = parse_table(&page) {
            let Timetable { meetings, unscheduled, .. } = read.data;
            prop_assert!(!meetings.is_empty() || !unscheduled.is_empty(), "courses do not vanish");
            prop_assert!(meetings.iter().all(|m| (1..=7).contains(&m.weekday) && 1 <= m.first && m.first <= m.last));
        }
    }
}
