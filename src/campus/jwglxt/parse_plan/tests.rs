use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::campus::page::Layer;
use crate::campus::page::fixture::{fixture, mutilated};

const COUNTED: &str = "计划总课程62门通过40门，未通过1门；未修12门；在读9门！计划外：通过2门，未通过0门！";

const COUNTS: PlanCounts =
    PlanCounts { planned: 62, passed: 40, failed: 1, open: 12, taking: 9, extra_passed: 2, extra_failed: 0 };

fn read(html: &str) -> Reading<PlanPage> {
    parse_plan(html).unwrap()
}

fn page() -> String {
    fixture("jwglxt/plan.html")
}

/// A group where something is missing.
fn group(name: &str, need: f64, have: f64, nodes: Vec<PlanNode>) -> PlanNode {
    PlanNode {
        name: name.to_owned(),
        need: Some(need),
        have: Some(have),
        state: PlanNodeState::Missing,
        nodes,
        ..PlanNode::default()
    }
}

/// A page whose list of groups is this.
fn with_list(list: &str) -> String {
    format!("<html><div id=alertBox>{COUNTED}</div><ul class=treeview>{list}</ul></html>")
}

fn paragraph(name: &str, need: &str) -> String {
    format!("<p class=title1>{name} 要求学分:{need} 获得学分:0 未获得学分:{need}</p>")
}

fn changed(html: &str) -> &'static str {
    match parse_plan(html) {
        Err(PageError::Changed { page: PAGE, missing }) => missing,
        other => panic!("{other:?}"),
    }
}

fn unread<T>(read: &Reading<T>) -> Vec<(&'static str, &str)> {
    read.unread.iter().map(|cell| (cell.column, cell.text.as_str())).collect()
}

#[test]
fn the_plan_is_read_as_a_tree() {
    let read = read(&page());
    assert_eq!(read.unread, []);
    let general = group(
        "通识教育课程平台",
        47.0,
        30.0,
        vec![
            group("通识教育课程平台 必修课程", 41.0, 30.0, vec![]),
            group("通识教育课程平台 选修课程", 6.0, 0.0, vec![]),
        ],
    );
    let special = group(
        "专业教育课程平台",
        98.5,
        61.5,
        vec![
            group("专业教育课程平台 必修课程", 80.5, 55.5, vec![]),
            group("专业教育课程平台 选修课程", 18.0, 6.0, vec![]),
        ],
    );
    let plan = Plan {
        need: Some(160.0),
        have: Some(101.5),
        gpa: Some(3.12),
        nodes: vec![general, special, group("创新创业与素质拓展", 14.5, 10.0, vec![])],
        ..Plan::default()
    };
    let leaves = ["0C51A2F0", "0C51A2F1", "0C60B7D1", "0C60B7D2", "0C7E3310"].map(str::to_owned).to_vec();
    assert_eq!(read.data, PlanPage { plan, counts: Some(COUNTS), leaves });
}

#[test]
fn scripts_and_paragraphs_tell_the_same_plan() {
    assert_eq!(read(&fixture("jwglxt/plan-list.html")), read(&page()));
}

#[test]
fn a_page_saved_by_a_browser_has_each_group_once() {
    let written = "</script>通识教育课程平台&nbsp;要求学分:47.0&nbsp;获得学分:30.0&nbsp;&nbsp;未获得学分:17.0&nbsp;\
                   <span id='showKcAB12CD34'></span></p>";
    let saved = page().replacen("</script></p>", written, 1);
    assert_eq!(saved.matches(NEED).count(), page().matches(NEED).count() + 1);
    assert_eq!(read(&saved), read(&page()));
}

#[test]
fn the_number_of_tags_does_not_matter() {
    let many = page().replace("</body>", &format!("<table>{}</table></body>", "<tr><td>".repeat(30_000)));
    assert_eq!(read(&many), read(&page()));
}

#[test]
fn the_numbers_of_courses_are_read_or_told() {
    assert_eq!(counts(COUNTED), Some(COUNTS));
    for other in
        ["计划总课程62门", "计划总课程62门未通过1门", "计划总课程六十二门通过40门", "计划总课程62门，含通过40门"]
    {
        assert_eq!(counts(other), None, "{other}");
    }
    let read = read(&page().replace("在读9门", "在读若干门"));
    assert_eq!(read.data.counts, None);
    assert_eq!(unread(&read), [(PLANNED, COUNTED.replace('9', "若干").as_str())]);
}

#[test]
fn the_average_is_the_first_decimal_number() {
    let read = ["（GPA）：3.12。", "2026-09-01 3.5", "2026.09.01，3.05.", "90.25", "3", ""].map(gpa);
    assert_eq!(read, [Some(3.12), Some(3.5), Some(3.05), Some(90.25), None, None]);
}

#[test]
fn credits_that_are_not_understood_are_told() {
    let read = self::read(&page().replace(":80.5&nbsp;", ":另定&nbsp;").replace(":6.0&nbsp;&nbsp;", ":-&nbsp;&nbsp;"));
    let told = [
        (NEED, "必修课程 要求学分:另定 获得学分:55.5 未获得学分:25.0"),
        (HAVE, "选修课程 要求学分:18.0 获得学分:- 未获得学分:12.0"),
    ];
    assert_eq!(unread(&read), told);
    assert_eq!((read.data.plan.need, read.data.plan.have), (None, None), "a sum would lack a group");
    assert_eq!(read.data.leaves.len(), 4);
}

#[test]
fn a_group_is_as_far_as_its_credits() {
    let state = |have: &str, missing: &str| {
        let list = with_list(&format!("<li><p class=title1>实践 要求学分:4 {have} {missing}</p>"));
        self::read(&list).data.plan.nodes[0].state
    };
    assert_eq!(state("获得学分:4", "未获得学分:0.0"), PlanNodeState::Passed);
    assert_eq!(state("获得学分:3", "未获得学分:1"), PlanNodeState::Missing);
    assert_eq!(state("获得学分:4", ""), PlanNodeState::Passed);
    assert_eq!(state("获得学分:3.5", ""), PlanNodeState::Missing);
    assert_eq!(state("", ""), PlanNodeState::Unknown);
}

#[test]
fn only_groups_without_groups_are_summed_and_named_after_the_one_around_them() {
    let list = format!(
        "<li>{}<ul><li>{}<ul><li>{}</li></ul></li></ul></li><li>{}</li>",
        paragraph("平台", "10"),
        paragraph("选修课", "0.1"),
        paragraph("任选课程", "0.1"),
        paragraph("必修课程", "0.2")
    );
    let plan = read(&with_list(&list)).data.plan;
    assert_eq!((plan.need, plan.have), (Some(0.3), Some(0.0)));
    let middle = &plan.nodes[0].nodes[0];
    assert_eq!((middle.name.as_str(), middle.nodes[0].name.as_str()), ("选修课", "选修课 任选课程"));
    assert_eq!(plan.nodes[1].name, "必修课程");
}

#[test]
fn groups_that_scripts_write_to_an_unknown_place_have_no_sum() {
    let list = page().replace("treeview treeview-gray", "plan");
    let plan = read(&list).data.plan;
    assert_eq!((plan.nodes.len(), plan.need, plan.have), (7, None, None));
}

#[test]
fn a_plan_without_courses_is_empty_only_where_the_page_says_so() {
    let none = COUNTED.replace("62", "0").replace("40", "0").replace("12", "0").replace(['1', '9', '2'], "0");
    let html = with_list("").replace(COUNTED, &none);
    let read = read(&html);
    assert_eq!((read.data.plan, read.data.leaves.len()), (Plan::default(), 0));
    assert_eq!(read.data.counts, Some(PlanCounts::default()));
    assert_eq!(changed(&with_list("")), NEED);
    assert_eq!(changed(&html.replace("在读0门", "")), NEED);
}

#[test]
fn a_page_without_its_parts_is_changed_and_never_an_empty_plan() {
    let whole = page();
    assert_eq!(changed(&whole.replace("alertBox", "box")), BOX);
    assert_eq!(changed(&whole.replace(PLANNED, "总课程")), PLANNED);
    assert_eq!(changed(&whole.replace("yqxf", "xf")), NEED);
    assert_eq!(changed(&whole.replace("</html>", "")), "the end of the page");
    assert_eq!(changed(&whole.replacen("</ul>", "", 1)), "the end of the list");
    assert_eq!(changed(&whole.replacen("</ul>", "</ul></ul>", 1)), "ul.treeview");
    let list = fixture("jwglxt/plan-list.html");
    assert_eq!(changed(&list.replace("treeview treeview-gray", "plan")), "ul.treeview");
    assert_eq!(changed(&list.replace("title1", "title2")), NEED);
    let level = format!("<ul><li>{}", paragraph("组", "1"));
    let deep = format!("<li>{}{}</li>", level.repeat(9), "</li></ul>".repeat(9));
    assert_eq!(changed(&with_list(&deep)), "a plan of few levels");
}

#[test]
fn another_page_is_no_plan() {
    let error = |name: &str| parse_plan(&fixture(name)).unwrap_err();
    assert_eq!(parse_plan(""), Err(PageError::SessionExpired(Layer::Jwglxt)));
    assert_eq!(error("jwglxt/login-page.html"), PageError::SessionExpired(Layer::Jwglxt));
    assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
    assert!(matches!(error("jwglxt/no-function.html"), PageError::Closed(..)));
    assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    assert!(matches!(error("jwglxt/score.json"), PageError::Changed { .. }));
}

/// The usual course with these values instead.
fn course(values: &Value) -> Reading<Vec<PlanCourse>> {
    let mut row =
        json!({"KCH": "9071330", "KCMC": "测量学", "XF": "3.5", "XDZT": "4", "KCXZMC": "必修", "MAXCJ": "85"});
    for (key, value) in values.as_object().unwrap() {
        row[key] = value.clone();
    }
    parse_plan_courses(&json!([row]).to_string()).unwrap()
}

#[test]
fn the_courses_of_a_group_are_read() {
    let read = parse_plan_courses(&fixture("jwglxt/plan-courses.json")).unwrap();
    assert_eq!(read.unread, []);
    let course = |code: &str, name: &str, credit: &str, score: &str, state, compulsory| PlanCourse {
        code: code.to_owned(),
        name: name.to_owned(),
        credit: credit.to_owned(),
        score: score.to_owned(),
        state,
        compulsory: Some(compulsory),
    };
    let expected = [
        course("9071330", "电工技术(2)", "3.5", "", PlanCourseState::Taking, true),
        course("9070025", "高等数学A(2)", "5.5", "62", PlanCourseState::Passed, true),
        course("9070311", "大学物理(1)", "3.0", "51", PlanCourseState::Failed, true),
        course("9071502", "程序设计实践(24版，", "2.0", "", PlanCourseState::Open, false),
        course("9080107", "书法鉴赏", "1.0", "良好", PlanCourseState::Passed, false),
    ];
    assert_eq!(read.data, expected);
}

#[test]
fn a_group_without_courses_has_an_empty_list() {
    assert_eq!(parse_plan_courses("[]"), Ok(Reading::default()));
}

#[test]
fn a_state_that_is_not_known_or_contradicts_the_mark_is_told() {
    for (state, mark) in [("5", "85"), ("已修", ""), ("4", "59"), ("2", "60"), ("3", "85"), ("3", "缺考")] {
        let read = course(&json!({"XDZT": state, "MAXCJ": mark}));
        assert_eq!(read.data[0].state, PlanCourseState::Unknown, "{state} {mark}");
        assert_eq!(unread(&read), [("XDZT", state)]);
    }
    for (state, mark, expected) in [
        (json!(4), "", PlanCourseState::Passed),
        (json!("2"), "缺考", PlanCourseState::Failed),
        (json!("1"), "48", PlanCourseState::Taking),
        (json!(""), "85", PlanCourseState::Unknown),
    ] {
        let read = course(&json!({"XDZT": state, "MAXCJ": mark}));
        assert_eq!((read.data[0].state, read.unread.len()), (expected, 0), "{state} {mark}");
    }
}

#[test]
fn a_course_is_compulsory_or_not_by_its_property() {
    let compulsory = |property: &str| course(&json!({ "KCXZMC": property })).data[0].compulsory;
    assert_eq!(
        ["必修", "专业选修课", "任选", "实践", ""].map(compulsory),
        [Some(true), Some(false), Some(false), None, None]
    );
}

#[test]
fn courses_without_their_keys_are_changed() {
    let whole = fixture("jwglxt/plan-courses.json");
    for key in ["KCMC", "XDZT"] {
        let error = parse_plan_courses(&whole.replace(&format!("\"{key}\""), "\"other\"")).unwrap_err();
        assert_eq!(error, PageError::Changed { page: PAGE, missing: key });
    }
    for other in ["null", "{}", "[1]", "[{}]"] {
        assert!(matches!(parse_plan_courses(other), Err(PageError::Changed { .. })), "{other}");
    }
    let error = |name: &str| parse_plan_courses(&fixture(name)).unwrap_err();
    assert_eq!(parse_plan_courses(""), Err(PageError::SessionExpired(Layer::Jwglxt)));
    assert_eq!(error("jwglxt/login-page.html"), PageError::SessionExpired(Layer::Jwglxt));
    assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
    assert!(matches!(error("jwglxt/grid-strict.html"), PageError::Closed(..)));
}

proptest! {
    #[test]
    fn a_mutilated_plan_is_an_error_or_no_empty_one(html in mutilated("jwglxt/plan.html")) {
        if let Ok(Reading { data, .. }) = parse_plan(&html) {
            prop_assert!(!data.plan.nodes.is_empty() && !data.leaves.is_empty());
        }
    }

    #[test]
    fn a_mutilated_list_is_an_error_or_no_empty_one(html in mutilated("jwglxt/plan-list.html")) {
        if let Ok(Reading { data, .. }) = parse_plan(&html) {
            prop_assert!(!data.plan.nodes.is_empty() && !data.leaves.is_empty());
        }
    }

    #[test]
    fn mutilated_courses_are_an_error_or_no_empty_list(body in mutilated("jwglxt/plan-courses.json")) {
        if let Ok(Reading { data, .. }) = parse_plan_courses(&body) {
            prop_assert!(!data.is_empty());
        }
    }
}
