use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    campus::page::fixture::{fixture, mutilated},
    model::Rows,
};

fn read(html: &str) -> Result<Vec<ClassHour>, PageError> {
    parse_class_hours(html, 20).map(|read| read.data)
}

fn table(html: &str) -> Result<CourseTable, PageError> {
    parse_course_table(html, 20).map(|read| read.data)
}

fn error(name: &str) -> PageError {
    read(&fixture(name)).unwrap_err()
}

/// A page whose course list holds only `rows`.
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
fn every_class_hour_is_read_with_its_course() {
    insta::assert_json_snapshot!(read(&fixture("urp/course.gbk.html")).unwrap());
}

#[test]
fn sessions_are_sorted_by_weekday_and_unscheduled_courses_stand_apart() {
    insta::assert_json_snapshot!(table(&fixture("urp/course.gbk.html")).unwrap());
}

#[test]
fn a_student_without_courses_has_an_empty_table() {
    let table = table(&fixture("urp/course-empty.gbk.html")).unwrap();
    assert_eq!(table.rows(), 0);
}

#[test]
fn a_heading_without_the_list_is_a_changed_page_and_not_an_empty_table() {
    let page = fixture("urp/course.gbk.html").replace(">节次<", ">课节<");
    assert!(matches!(read(&page), Err(PageError::Changed { page: "urp-course", .. })));
    assert!(matches!(read("<title>学生选课结果</title>"), Err(PageError::Changed { .. })));
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
    let hours = read(&list(&row)).unwrap();
    let seen: Vec<_> = hours.iter().map(|hour| (hour.name.as_str(), hour.week)).collect();
    assert_eq!(seen, [("军训", None), ("形势与政策", None), ("体育", Some(5))]);
}

#[test]
fn a_further_class_hour_belongs_to_the_course_above_it() {
    let rows = format!(
        "<tr>{}{}<tr>{}<tr>{}",
        course("编译原理"),
        slot("1周上", "1", "一"),
        slot("2周上", "2", "三"),
        "<td>&nbsp;".repeat(7)
    );
    let hours = read(&list(&rows)).unwrap();
    assert_eq!(hours.len(), 2, "an empty slot of a scheduled course is no hour");
    assert_eq!((hours[1].name.as_str(), hours[1].week, hours[1].rel), ("编译原理", Some(2), 1));

    let orphan = list(&format!("<tr>{}", slot("1周上", "1", "一")));
    assert!(matches!(read(&orphan), Err(PageError::Changed { .. })));
}

#[test]
fn a_page_cut_off_in_the_middle_of_a_row_is_refused() {
    let page = list(&format!("<tr>{}{}", course("编译原理"), "<td>1周上<td>1"));
    assert_eq!(read(&page), Err(PageError::Changed { page: "urp-course", missing: "a cell of a row" }));
}

#[test]
fn columns_may_be_added_on_either_side_of_the_weeks() {
    let page = fixture("urp/course.gbk.html");
    let hours = read(&page).unwrap();
    let added = list(&format!("<tr>{}<td>新<td>1周上<td>1<td>一<td>2<td>南校区<td>主楼<td>201<td>新", course("法学")))
        .replace("周次</th>", "新列</th><th>周次</th>")
        .replace("教室</th>", "教室</th><th>末列</th>");
    let other = read(&added).unwrap();
    assert_eq!((other[0].place.as_str(), other[0].week, other[0].time.as_str()), ("主楼201", Some(1), "1-2"));
    assert!(!hours.is_empty());
}

#[test]
fn places_are_written_in_short() {
    assert_eq!(place("1号教学楼", "1304(多)"), "1教1304");
    assert_eq!(place("理化综合楼", "106(多)"), "理化106");
    assert_eq!(place("训练地", "北区操场"), "北区操场");
    assert_eq!(place("", ""), "");
}

/// `name time [first, last] weekday weeks` of every class hour.
fn told(name: &str) -> Vec<String> {
    let line = |hour: &ClassHour| {
        let ClassHour { name, time, sections, week, weekly, .. } = hour;
        json!([name, time, sections, week, weekly]).to_string()
    };
    read(&fixture(name)).unwrap().iter().map(line).collect()
}

#[test]
fn every_lesson_of_a_long_meeting_is_shown_one_class_hour_for_each_pair() {
    assert_eq!(
        told("urp/course-four-lessons.gbk.html"),
        [
            r#"["形势与政策-5","5-6",[5,8],7,[[6]]]"#,
            r#"["形势与政策-5","7-8",[5,8],7,[[6]]]"#,
            r#"["设计表现基础a","1-2",[1,8],4,[[1]]]"#,
            r#"["设计表现基础a","3-4",[1,8],4,[[1]]]"#,
            r#"["设计表现基础a","5-6",[1,8],4,[[1]]]"#,
            r#"["设计表现基础a","7-8",[1,8],4,[[1]]]"#,
            r#"["民间武术套路1","7-8",[7,7],4,[[1,12],[14,17]]]"#,
            r#"["民间武术套路1","7-8",[8,8],4,[[1,12],[14,17]]]"#,
        ]
    );
}

#[test]
fn weeks_with_a_name_are_all_the_odd_or_the_even_ones_of_the_term() {
    let lines = told("urp/course-named-weeks.gbk.html");
    assert_eq!(lines[0], r#"["博雅太极","",null,null,[[1,20]]]"#);
    assert_eq!(lines[1], r#"["大学物理实验","5-6",[5,6],3,[[1],[3],[5],[7],[9],[11],[13],[15],[17],[19]]]"#);
    assert_eq!(lines[2], r#"["电路实验","5-6",[5,6],3,[[2],[4],[6],[8],[10],[12],[14],[16],[18],[20]]]"#);
    assert!(parse_class_hours(&fixture("urp/course-named-weeks.gbk.html"), 20).unwrap().unread.is_empty());
}

#[test]
fn a_filled_cell_that_is_not_understood_is_told_with_its_column_and_its_text() {
    let rows = format!("<tr>{}{}", course("军训"), slot("见通知", "某天", "晚"));
    let unread = parse_class_hours(&list(&rows), 20).unwrap().unread;
    let told: Vec<_> = unread.iter().map(|cell| (cell.page, cell.column, cell.text.as_str())).collect();
    assert_eq!(told, [("urp-course", "周次", "见通知"), ("urp-course", "星期", "某天"), ("urp-course", "节次", "晚")]);
}

#[test]
fn cells_over_several_rows_hold_for_each_of_them() {
    let first =
        "<td rowspan=2>&nbsp;1-8周上<td rowspan=2>3<td>一<td>2<td rowspan=2>南校区<td rowspan=2>1号教学楼<td>1101";
    let course = course("测量学").replace("<td>", "<td rowspan=2>");
    let hours = read(&list(&format!("<tr>{course}{first}<tr><td>三<td>2<td>1102"))).unwrap();
    let told: Vec<_> = hours.iter().map(|s| (s.name.as_str(), s.week, s.time.as_str(), s.place.as_str())).collect();
    assert_eq!(told, [("测量学", Some(3), "1-2", "1教1101"), ("测量学", Some(3), "3-4", "1教1102")]);
}

#[test]
fn a_refusal_in_place_of_the_list_is_no_changed_page_and_no_empty_table() {
    let refused = error("urp/course-evaluate-first.gbk.html");
    let said = Said::new("没有完成评估,不能查看课表信息!");
    assert_eq!(refused, PageError::Closed(crate::campus::page::Closed::Evaluate, said));
    let empty =
        fixture("urp/course-empty.gbk.html").replace("</body>", "<font>没有完成评估,不能查看课表信息!</font></body>");
    assert!(matches!(read(&empty), Err(PageError::Closed(..))));
}

#[test]
fn colours_go_up_and_down_in_the_order_of_the_week() {
    let names = ["甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸"];
    let rows: String = names.map(|name| format!("<tr>{}{}", course(name), slot("1周上", "1", "一"))).concat();
    let first_of_all = format!("<tr>{}{}<tr>{}", course("子"), slot("1周上", "7", "一"), slot("1周上", "7", "三"));
    let hours = read(&list(&(first_of_all + &rows))).unwrap();
    let colours: Vec<u8> = hours.iter().map(|hour| hour.rel).collect();
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
    assert!(matches!(read(""), Err(PageError::Changed { .. })));
}

#[test]
fn a_stored_table_reads_back_as_it_was() {
    let table = table(&fixture("urp/course.gbk.html")).unwrap();
    let stored = serde_json::to_value(&table).unwrap();
    assert_eq!(stored["oth"][0]["week"], json!(""));
    assert_eq!(stored["oth"][0]["weekly"], json!(""));
    assert_eq!(serde_json::from_value::<CourseTable>(stored).unwrap(), table);
}

#[test]
fn a_table_with_impossible_weeks_is_not_read_back() {
    let hour =
        |weekly| json!({"name": "", "place": "", "time": "", "week": 1, "weekly": weekly, "teacher": "", "rel": 1});
    assert!(serde_json::from_value::<ClassHour>(hour(json!([[1, 2]]))).is_ok());
    assert!(serde_json::from_value::<ClassHour>(hour(json!([[1, 2, 3]]))).is_err());
    assert!(serde_json::from_value::<ClassHour>(hour(json!([[]]))).is_err());
}

proptest! {
    #[test]
    fn a_mutilated_table_is_an_error_or_keeps_to_the_contract(page in mutilated("urp/course.gbk.html")) {
        if let Ok(hours) = read(&page) {
            prop_assert!(!hours.is_empty(), "a filled table is no empty one");
            for hour in &hours {
                prop_assert!((1..=5).contains(&hour.rel));
                prop_assert!(hour.week.is_none_or(|day| (1..=7).contains(&day)));
                prop_assert!(["", "1-2", "3-4", "5-6", "7-8", "9-10"].contains(&hour.time.as_str()));
            }
            let table = CourseTable::from(hours);
            let stored = serde_json::to_string(&table).unwrap();
            prop_assert_eq!(serde_json::from_str::<CourseTable>(&stored).unwrap(), table);
        }
    }
}
