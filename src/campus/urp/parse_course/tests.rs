use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::campus::page::fixture::{fixture, mutilated};

fn error(name: &str) -> PageError {
    parse_sessions(&fixture(name)).unwrap_err()
}

/// A page with a course list that holds nothing but `rows`.
fn list(rows: &str) -> String {
    let empty = fixture("urp/course-empty.gbk.html");
    let end = empty.rfind("</thead>").unwrap() + "</thead>".len();
    format!("{}{rows}{}", &empty[..end], &empty[end..])
}

/// The cells of a course's first row, up to the weeks.
fn course(name: &str) -> String {
    format!("<td>方案<td>1<td>{name}<td>01<td>2<td>必修<td>考试<td>甲*<td><img><td>正常<td>置入")
}

fn slot(weeks: &str, weekday: &str, section: &str) -> String {
    format!("<td>&nbsp;{weeks}<td>{weekday}<td>{section}<td>2<td>南校区<td>1号教学楼<td>1304(多)")
}

#[test]
fn every_session_is_read_with_its_course() {
    insta::assert_json_snapshot!(parse_sessions(&fixture("urp/course.gbk.html")).unwrap());
}

#[test]
fn sessions_are_sorted_by_weekday_and_unscheduled_courses_stand_apart() {
    insta::assert_json_snapshot!(parse_course_table(&fixture("urp/course.gbk.html")).unwrap());
}

#[test]
fn a_student_without_courses_has_an_empty_table() {
    let table = parse_course_table(&fixture("urp/course-empty.gbk.html")).unwrap();
    assert!(table.is_empty());
}

#[test]
fn a_heading_without_the_list_is_a_changed_page_and_not_an_empty_table() {
    let page = fixture("urp/course.gbk.html").replace(">节次<", ">课节<");
    assert!(matches!(parse_sessions(&page), Err(PageError::Changed { page: "urp-course", .. })));
    assert!(matches!(parse_sessions("<title>学生选课结果</title>"), Err(PageError::Changed { .. })));
}

#[test]
fn courses_without_a_slot_share_a_row_with_the_next_course() {
    let none = "<td>&nbsp;".repeat(7);
    let row = format!(
        "<tr>{}{none}{}{none}{}{}</tr>",
        course("军训"),
        course("形势与政策"),
        course("体育"),
        slot("1周上", "5", "三")
    );
    let sessions = parse_sessions(&list(&row)).unwrap();
    let seen: Vec<_> = sessions.iter().map(|session| (session.name.as_str(), session.week)).collect();
    assert_eq!(seen, [("军训", None), ("形势与政策", None), ("体育", Some(5))]);
}

#[test]
fn a_further_session_belongs_to_the_course_above_it() {
    let rows = format!(
        "<tr>{}{}<tr>{}<tr>{}",
        course("编译原理"),
        slot("1周上", "1", "一"),
        slot("2周上", "2", "三"),
        "<td>&nbsp;".repeat(7)
    );
    let sessions = parse_sessions(&list(&rows)).unwrap();
    assert_eq!(sessions.len(), 2, "an empty slot of a scheduled course is no session");
    assert_eq!((sessions[1].name.as_str(), sessions[1].week, sessions[1].rel), ("编译原理", Some(2), 1));

    let orphan = list(&format!("<tr>{}", slot("1周上", "1", "一")));
    assert!(matches!(parse_sessions(&orphan), Err(PageError::Changed { .. })));
}

#[test]
fn a_page_cut_off_in_the_middle_of_a_row_is_refused() {
    let page = list(&format!("<tr>{}{}", course("编译原理"), "<td>1周上<td>1"));
    assert_eq!(parse_sessions(&page), Err(PageError::Changed { page: "urp-course", missing: "a cell of a row" }));
}

#[test]
fn columns_may_be_added_on_either_side_of_the_weeks() {
    let page = fixture("urp/course.gbk.html");
    let sessions = parse_sessions(&page).unwrap();
    let added = list(&format!("<tr>{}<td>新<td>1周上<td>1<td>一<td>2<td>南校区<td>主楼<td>201<td>新", course("法学")))
        .replace("周次</th>", "新列</th><th>周次</th>")
        .replace("教室</th>", "教室</th><th>末列</th>");
    let other = parse_sessions(&added).unwrap();
    assert_eq!((other[0].place.as_str(), other[0].week, other[0].time.as_str()), ("主楼201", Some(1), "1-2"));
    assert!(!sessions.is_empty());
}

#[test]
fn places_are_written_in_short() {
    assert_eq!(place("1号教学楼", "1304(多)"), "1教1304");
    assert_eq!(place("理化综合楼", "106(多)"), "理化106");
    assert_eq!(place("训练地", "北区操场"), "北区操场");
    assert_eq!(place("", ""), "");
}

#[test]
fn weeks_are_read_whole_or_not_at_all() {
    let json = |cell| serde_json::to_value(weeks(cell)).unwrap();
    assert_eq!(json("1-8周上"), json!([[1, 8]]));
    assert_eq!(json("6-12,14-17周上"), json!([[6, 12], [14, 17]]));
    assert_eq!(json("1周上"), json!([[1]]));
    assert_eq!(json("3，5-6周"), json!([[3], [5, 6]]));
    assert_eq!(json("1-7周单"), json!([[1], [3], [5], [7]]));
    assert_eq!(json("1-6周(双)"), json!([[2], [4], [6]]));
    for unknown in ["", "周上", "8-1周", "0周", "1-", "1-300周", "1-8,周上", "1-2-3周"] {
        assert_eq!(json(unknown), json!([]), "{unknown}");
    }
}

#[test]
fn sections_and_weekdays_are_chinese_or_latin_numerals() {
    let times = ["一", "三", "五", "七", "九", "1", "十", "十一", "", "晚"].map(time);
    assert_eq!(times, ["1-2", "3-4", "5-6", "7-8", "9-10", "1-2", "9-10", "", "", ""]);
    let days = ["1", "7", "日", "三", "0", "8", "", "-1"].map(weekday);
    assert_eq!(days, [Some(1), Some(7), Some(7), Some(3), None, None, None, None]);
}

#[test]
fn colours_go_up_and_down_in_the_order_of_the_week() {
    let names = ["甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸"];
    let rows: String = names.map(|name| format!("<tr>{}{}", course(name), slot("1周上", "1", "一"))).concat();
    let first_of_all = format!("<tr>{}{}<tr>{}", course("子"), slot("1周上", "7", "一"), slot("1周上", "7", "三"));
    let sessions = parse_sessions(&list(&(first_of_all + &rows))).unwrap();
    let colours: Vec<u8> = sessions.iter().map(|session| session.rel).collect();
    assert_eq!(colours, [3, 3, 1, 2, 3, 4, 5, 4, 3, 2, 1, 2], "Sunday's course comes last in the week");
}

#[test]
fn a_login_page_instead_of_the_table_is_an_expired_session() {
    assert_eq!(error("urp/login-page.gbk.html"), PageError::SessionExpired(Layer::Urp));
    assert_eq!(error("vpn/login-page.html"), PageError::SessionExpired(Layer::Vpn));
    assert_eq!(error("vpn/login-redirect.html"), PageError::SessionExpired(Layer::Vpn));
}

#[test]
fn maintenance_garbage_and_nothing_are_told_apart() {
    assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
    assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    assert!(matches!(parse_sessions(""), Err(PageError::Changed { .. })));
}

#[test]
fn a_stored_table_reads_back_as_it_was() {
    let table = parse_course_table(&fixture("urp/course.gbk.html")).unwrap();
    let stored = serde_json::to_value(&table).unwrap();
    assert_eq!(stored["oth"][0]["week"], json!(""));
    assert_eq!(stored["oth"][0]["weekly"], json!(""));
    assert_eq!(serde_json::from_value::<CourseTable>(stored).unwrap(), table);
}

#[test]
fn a_table_with_impossible_weeks_is_not_read_back() {
    let session =
        |weekly| json!({"name": "", "place": "", "time": "", "week": 1, "weekly": weekly, "teacher": "", "rel": 1});
    assert!(serde_json::from_value::<Session>(session(json!([[1, 2]]))).is_ok());
    assert!(serde_json::from_value::<Session>(session(json!([[1, 2, 3]]))).is_err());
    assert!(serde_json::from_value::<Session>(session(json!([[]]))).is_err());
}

proptest! {
    #[test]
    fn a_mutilated_table_is_an_error_or_keeps_to_the_contract(page in mutilated("urp/course.gbk.html")) {
        if let Ok(sessions) = parse_sessions(&page) {
            for session in &sessions {
                prop_assert!((1..=5).contains(&session.rel));
                prop_assert!(session.week.is_none_or(|day| (1..=7).contains(&day)));
                prop_assert!(["", "1-2", "3-4", "5-6", "7-8", "9-10"].contains(&session.time.as_str()));
            }
            let table = CourseTable::from(sessions);
            let stored = serde_json::to_string(&table).unwrap();
            prop_assert_eq!(serde_json::from_str::<CourseTable>(&stored).unwrap(), table);
        }
    }

    #[test]
    fn weeks_of_any_text_never_panic(cell in proptest::collection::vec(any::<char>(), 0..30).prop_map(String::from_iter)) {
        weeks(&cell);
    }
}
