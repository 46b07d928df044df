//! How far a student is with the teaching plan (`GET myPlanCompl.action`): the totals, and below them a list in which
//! groups of courses and their courses are rows alike. `wehpu-engine parse` reads this page; no client asks for it.

use scraper::ElementRef;

use super::list::{List, bare, columns_spanned};
use super::parse_table::limited;
use super::signals::{instead, signal_on};
use crate::campus::page::dom::{Page, cells_of, has_class, label_of, rows_of, text_of};
use crate::campus::page::{PageError, Reading, Said, UnreadCell};
use crate::model::academic::{Plan, PlanCourse, PlanCourseState, PlanNode, PlanNodeState, PlanRule};

/// Name of this page on the command line and in errors.
const PAGE: &str = "eams-plan";

/// Class of the table with the totals.
const TOTALS: &str = "infoTable";

/// Label of the credits that the plan requires, and the name of their column.
const NEED: &str = "要求学分";

/// The column that tells whether something is done has one of two names.
const DONE: [&str; 2] = ["完成否", "通过否"];

/// All columns that were seen. At some schools there are two more than at others.
const COLUMNS: [&str; 11] =
    ["序号", "课程代码", "课程名称", "必修", "学位课", NEED, "完成学分", "成绩", DONE[0], DONE[1], "备注"];

/// What stands in brackets behind the name of a group, and how many of its groups it wants then.
const RULES: [(&str, PlanRule); 2] =
    [("所有子项均应满足要求", PlanRule::All), ("所有子项至少一项满足要求", PlanRule::Any)];

/// Begin of a remark in brackets behind the name of a group that is no rule: `小计 60`.
const SUBTOTAL: &str = "小计";

/// Longest name, in characters.
const MAX_NAME: usize = 100;

/// Longest value of the totals, in characters. A longer one has swallowed what follows it on a damaged page.
const MAX_VALUE: usize = 40;

/// Reads the plan. A page with the totals and nothing below them is a plan that nobody has made yet: it has no groups.
/// A page without the totals is an error, as is a list that is not understood.
///
/// A number, a state and a rule of another form, and a filled column that is not known, are unread cells.
pub fn parse_plan(html: &str) -> Result<Reading<Plan>, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let mut unread = Vec::new();
    let tables = page.of_class(TOTALS).filter(|table| table.value().name() == "table");
    let Some(totals) = tables.map(labelled).find(|pairs| pairs.iter().any(|(label, _)| label.contains(NEED))) else {
        return Err(instead(&page, PAGE, "the credits that the plan requires"));
    };
    let mut plan = plan_of(&totals, &mut unread);
    match List::find_spread(&page, html, PAGE, is_header) {
        Ok(list) => plan.nodes = nodes(&list, &mut unread)?,
        Err(PageError::Changed { .. }) if ends_with_totals(html) => {}
        Err(error) => return Err(error),
    }
    Ok(Reading { data: plan, unread })
}

/// The labels of a table, without blanks and colons, and the text in the cell to the right of each.
fn labelled(table: ElementRef<'_>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for row in rows_of(table) {
        let cells: Vec<ElementRef<'_>> = cells_of(row).collect();
        for pair in cells.windows(2).filter(|pair| has_class(pair[0], "title") && !has_class(pair[1], "title")) {
            let value = text_of(pair[1]);
            if value.chars().count() <= MAX_VALUE {
                pairs.push((bare(&label_of(pair[0]).unwrap_or_default()), value));
            }
        }
    }
    pairs
}

/// The plan without its groups.
fn plan_of(totals: &[(String, String)], unread: &mut Vec<UnreadCell>) -> Plan {
    let mut plan = Plan::default();
    for (label, value) in totals {
        match label.as_str() {
            "平均绩点" => plan.gpa = number("平均绩点", value, unread),
            "审核结果" => plan.result.clone_from(value),
            "审核时间" => plan.checked_at.clone_from(value),
            // `要求学分/实修学分` beside `160 / 101.5`
            labels => {
                for (label, value) in labels.split('/').zip(value.split('/')) {
                    match label {
                        NEED => plan.need = number(NEED, value, unread),
                        "实修学分" => plan.have = number("实修学分", value, unread),
                        _ => {}
                    }
                }
            }
        }
    }
    plan
}

/// Whether the page ends with the totals: there is no list below them, and nothing that is left of one.
fn ends_with_totals(html: &str) -> bool {
    let html = html.to_ascii_lowercase();
    let Some((_, rest)) = html.split_once(NEED) else { return false };
    let is_whole = rest.contains("</table") && rest.matches("<div").count() <= rest.matches("</div").count();
    is_whole && !["<table", "<th", "课程"].iter().any(|part| rest.contains(part))
}

fn is_header(names: &[String]) -> bool {
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    ["课程名称", NEED, "完成学分"].into_iter().all(has) && DONE.into_iter().any(has)
}

/// The groups of the list. A row whose first cell goes over several columns is a group, any other a course of the group
/// above it.
fn nodes(list: &List<'_>, unread: &mut Vec<UnreadCell>) -> Result<Vec<PlanNode>, PageError> {
    let mut outline = Outline::default();
    for row in list.rows() {
        if row.iter().all(|cell| text_of(*cell).is_empty()) {
            continue;
        }
        if columns_spanned(row[0]) > 1 {
            let (numbering, group) = group(list, row, unread)?;
            outline.open_group(numbering, group);
        } else {
            let course = course(list, row, unread)?;
            let Some(group) = outline.last_group() else {
                return Err(PageError::Changed { page: PAGE, missing: "the group of a course" });
            };
            group.courses.push(course);
        }
    }
    let unknown = list.names().iter().enumerate().filter(|(_, name)| !COLUMNS.contains(&name.as_str()));
    for (place, name) in unknown {
        let is_filled = |row: &Vec<ElementRef<'_>>| columns_spanned(row[place]) == 1 && !text_of(row[place]).is_empty();
        if list.rows().iter().any(is_filled) {
            unread.push(self::unread("列", name));
        }
    }
    Ok(outline.finish())
}

/// The text in a column of a row; empty where there is no such column.
fn text(list: &List<'_>, row: &[ElementRef<'_>], column: &str) -> String {
    list.column(column).map(|column| text_of(row[column])).unwrap_or_default()
}

/// What the column says that has one of the names of [`DONE`]; `None` for an empty cell and for one that is not
/// understood.
fn is_done(list: &List<'_>, row: &[ElementRef<'_>], unread: &mut Vec<UnreadCell>) -> Option<bool> {
    let column = DONE.into_iter().find(|column| list.column(column).is_some())?;
    let text = text(list, row, column);
    let done = done(&text);
    if done.is_none() && !text.is_empty() {
        unread.push(self::unread(column, &text));
    }
    done
}

/// `是`, `否`, `缺16.5分`, `缺2门`, or several of them: whether nothing is missing.
fn done(text: &str) -> Option<bool> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && !",，;；、".contains(*c)).collect();
    let mut rest = text.as_str();
    let mut done = None;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('是') {
            rest = after;
            done = done.or(Some(true));
        } else if let Some(after) = rest.strip_prefix('否') {
            rest = after;
            done = Some(false);
        } else {
            let number = rest.strip_prefix('缺')?;
            let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            rest = unit.strip_prefix(['分', '门'])?;
            done = Some(false);
        }
    }
    done
}

/// The group of a row, and how it is numbered.
fn group(
    list: &List<'_>,
    row: &[ElementRef<'_>],
    unread: &mut Vec<UnreadCell>,
) -> Result<(Numbering, PlanNode), PageError> {
    let title = text_of(row[0]);
    let (numbering, title) = numbering(&title);
    let (name, rule) = without_rules(title);
    if name.is_empty() {
        return Err(PageError::Changed { page: PAGE, missing: "the name of a group" });
    }
    // The page sets rules apart from names; others than the known ones stay in the name.
    let set_apart = row[0].descendent_elements().filter(|part| part.value().name() == "span").map(text_of);
    for words in set_apart.filter(|words| !without_rules(words).0.is_empty()) {
        unread.push(self::unread("课程名称", &words));
    }
    let node = PlanNode {
        name: limited(name, MAX_NAME),
        rule,
        need: number(NEED, &text(list, row, NEED), unread),
        have: number("完成学分", &text(list, row, "完成学分"), unread),
        state: match is_done(list, row, unread) {
            Some(true) => PlanNodeState::Passed,
            Some(false) => PlanNodeState::Missing,
            None => PlanNodeState::Unknown,
        },
        ..PlanNode::default()
    };
    Ok((numbering, node))
}

/// The course of a row.
fn course(list: &List<'_>, row: &[ElementRef<'_>], unread: &mut Vec<UnreadCell>) -> Result<PlanCourse, PageError> {
    let name = limited(&text(list, row, "课程名称"), MAX_NAME);
    if name.is_empty() {
        return Err(PageError::Changed { page: PAGE, missing: "the name of a course" });
    }
    let score = Some(text(list, row, "成绩")).filter(|score| score != "--").unwrap_or_default();
    let state = match is_done(list, row, unread) {
        Some(true) => PlanCourseState::Passed,
        Some(false) if score.is_empty() => PlanCourseState::Open,
        Some(false) => PlanCourseState::Failed,
        None => PlanCourseState::Unknown,
    };
    let compulsory = text(list, row, "必修");
    let is_compulsory = match compulsory.as_str() {
        "是" => Some(true),
        "否" => Some(false),
        _ => None,
    };
    if is_compulsory.is_none() && !compulsory.is_empty() {
        unread.push(self::unread("必修", &compulsory));
    }
    let (code, credit) = (text(list, row, "课程代码"), text(list, row, NEED));
    Ok(PlanCourse { code, name, credit, score, state, compulsory: is_compulsory })
}

/// How the title of a group is numbered. Groups with the same kind of number are beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbering {
    /// `一`: the first level.
    Chinese,
    /// `(一)`: the second.
    ChineseInBrackets,
    /// `1`; this and what follows is the third level or deeper.
    Number,
    /// `1.1`.
    Dotted,
    /// `(1)`.
    NumberInBrackets,
    /// None that is known.
    None,
}

impl Numbering {
    /// 1 and 2 where the number tells the level, 3 for all deeper ones.
    const fn level(self) -> u8 {
        match self {
            Self::Chinese => 1,
            Self::ChineseInBrackets => 2,
            _ => 3,
        }
    }
}

/// How a title is numbered, and what follows the number: `(一) 必修课程`, `1.1 数学`.
fn numbering(title: &str) -> (Numbering, &str) {
    let is_chinese = |c: char| "一二三四五六七八九十".contains(c);
    let is_digit = |c: char| c.is_ascii_digit();
    if let Some((number, rest)) = title.strip_prefix(['(', '（']).and_then(|inside| inside.split_once([')', '）'])) {
        let number = number.trim();
        return if number.is_empty() {
            (Numbering::None, title)
        } else if number.chars().all(is_chinese) {
            (Numbering::ChineseInBrackets, after_marks(rest))
        } else if number.chars().all(is_digit) {
            (Numbering::NumberInBrackets, after_marks(rest))
        } else {
            (Numbering::None, title)
        };
    }
    let rest = title.trim_start_matches(is_chinese);
    if rest.len() < title.len() && rest.starts_with(is_mark) {
        return (Numbering::Chinese, after_marks(rest));
    }
    let rest = title.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &title[..title.len() - rest.len()];
    if number.starts_with(is_digit) && (number.ends_with('.') || rest.starts_with(is_mark)) {
        let is_dotted = number.trim_end_matches('.').contains('.');
        return (if is_dotted { Numbering::Dotted } else { Numbering::Number }, after_marks(rest));
    }
    (Numbering::None, title)
}

/// Whether a character may stand between a number and a name.
fn is_mark(c: char) -> bool {
    c.is_whitespace() || matches!(c, '、' | '．')
}

fn after_marks(rest: &str) -> &str {
    rest.trim_start_matches(is_mark)
}

/// A title without the known words in brackets at its end, and the rule among them.
fn without_rules(title: &str) -> (&str, PlanRule) {
    let (mut name, mut rule) = (title.trim_end(), PlanRule::None);
    loop {
        let bracket = name.strip_suffix([')', '）']).and_then(|open| open.rsplit_once(['(', '（']));
        let Some((before, words)) = bracket else { return (name, rule) };
        let words: String = words.split_whitespace().collect();
        match RULES.iter().find(|(known, _)| *known == words) {
            Some((_, known)) => rule = *known,
            None if words.starts_with(SUBTOTAL) => {}
            None => return (name, rule),
        }
        name = before.trim_end();
    }
}

/// A number of credits or points. An empty text is none, and so is any other text, which is an unread cell.
fn number(column: &'static str, text: &str, unread: &mut Vec<UnreadCell>) -> Option<f64> {
    let text = text.trim();
    if text.is_empty() || text == "--" {
        return None;
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = text.parse::<f64>().ok().filter(|number| is_plain && number.is_finite());
    if number.is_none() {
        unread.push(self::unread(column, text));
    }
    number
}

/// Builds the groups in the order of the rows.
#[derive(Debug, Default)]
struct Outline {
    done: Vec<PlanNode>,
    /// The groups that may still get rows, each inside the one before it.
    open: Vec<(Numbering, PlanNode)>,
}

impl Outline {
    /// The groups before it with the same kind of number, or of a deeper level, end where a group begins.
    fn open_group(&mut self, numbering: Numbering, group: PlanNode) {
        let beside = self.open.iter().position(|(known, _)| *known == numbering);
        let deeper = self.open.iter().position(|(known, _)| known.level() > numbering.level());
        let keep = beside.or(deeper).unwrap_or(self.open.len());
        while self.open.len() > keep {
            self.close();
        }
        self.open.push((numbering, group));
    }

    fn last_group(&mut self) -> Option<&mut PlanNode> {
        self.open.last_mut().map(|(_, group)| group)
    }

    /// Ends the innermost group.
    fn close(&mut self) {
        let Some((_, group)) = self.open.pop() else { return };
        match self.last_group() {
            Some(around) => around.nodes.push(group),
            None => self.done.push(group),
        }
    }

    fn finish(mut self) -> Vec<PlanNode> {
        while !self.open.is_empty() {
            self.close();
        }
        self.done
    }
}

fn unread(column: &'static str, text: &str) -> UnreadCell {
    UnreadCell { page: PAGE, column, text: Said::new(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};
    use crate::campus::page::{Closed, Layer};

    fn read(html: &str) -> Plan {
        let read = parse_plan(html).unwrap();
        assert_eq!(read.unread, []);
        read.data
    }

    fn error(name: &str) -> PageError {
        parse_plan(&fixture(name)).unwrap_err()
    }

    fn changed(html: &str) -> &'static str {
        match parse_plan(html) {
            Err(PageError::Changed { page: "eams-plan", missing }) => missing,
            other => panic!("{other:?}"),
        }
    }

    fn plan(nodes: Vec<PlanNode>) -> Plan {
        Plan {
            need: Some(160.0),
            have: Some(101.5),
            gpa: Some(3.12),
            result: "未通过".to_owned(),
            checked_at: "2026-09-01 03:10:22".to_owned(),
            nodes,
        }
    }

    /// A group of which something is missing, with nothing in it.
    fn missing(name: &str, need: f64, have: f64) -> PlanNode {
        let state = PlanNodeState::Missing;
        PlanNode { name: name.to_owned(), need: Some(need), have: Some(have), state, ..PlanNode::default() }
    }

    fn course(code: &str, name: &str, credit: &str, score: &str, state: PlanCourseState) -> PlanCourse {
        let [code, name, credit, score] = [code, name, credit, score].map(str::to_owned);
        PlanCourse { code, name, credit, score, state, compulsory: None }
    }

    fn mathematics() -> PlanCourse {
        course("990015010", "高等数学A(一),下", "5.5", "78", PlanCourseState::Passed)
    }

    fn sports() -> PlanCourse {
        course("990201040", "体育(四)", "1", "52", PlanCourseState::Failed)
    }

    #[test]
    fn totals_groups_and_courses_are_read() {
        let writing = course("990410010", "科技写作", "2", "", PlanCourseState::Open);
        let physics = course("990055070", "大学物理实验", "1", "", PlanCourseState::Open);
        let signals = course("990122020", "信号与系统", "4", "良好", PlanCourseState::Passed);
        let compulsory =
            PlanNode { courses: vec![mathematics(), sports(), physics], ..missing("必修课程", 41.0, 30.5) };
        let humanities = PlanNode { courses: vec![writing], ..missing("人文素养", 4.0, 0.0) };
        let elective = PlanNode {
            rule: PlanRule::Any,
            nodes: vec![humanities, missing("艺术审美", 2.0, 0.0)],
            ..missing("选修课程", 6.0, 0.0)
        };
        let general =
            PlanNode {
                rule: PlanRule::All, nodes: vec![compulsory, elective], ..missing("通识教育课程", 47.0, 30.5)
            };
        let professional = PlanNode {
            need: None,
            state: PlanNodeState::Passed,
            courses: vec![signals],
            ..missing("专业教育课程", 0.0, 71.0)
        };
        assert_eq!(read(&fixture("eams/plan.html")), plan(vec![general, professional]));
    }

    #[test]
    fn ten_columns_tell_what_is_compulsory_too() {
        let is = |course: PlanCourse, compulsory| PlanCourse { compulsory: Some(compulsory), ..course };
        let writing = course("990410010", "科技写作", "2", "", PlanCourseState::Unknown);
        let courses = vec![is(mathematics(), true), is(sports(), true), is(writing, false)];
        let compulsory = PlanNode { courses, ..missing("必修课程", 41.0, 30.5) };
        let general =
            PlanNode { rule: PlanRule::All, nodes: vec![compulsory], ..missing("通识教育课程", 47.0, 30.5) };
        assert_eq!(read(&fixture("eams/plan-wide.html")), plan(vec![general]));
    }

    #[test]
    fn a_plan_that_nobody_has_made_yet_has_no_groups() {
        let page = fixture("eams/plan-empty.html");
        assert_eq!(read(&page), plan(vec![]));
        assert_eq!(read(&format!("{page}<div id=\"chartView\"></div>")), plan(vec![]));
        for rest in ["<div id=\"chartView\">", "<table></table>", "<p>课程代码</p>"] {
            assert_eq!(changed(&format!("{page}{rest}")), "the header of the list", "{rest}");
        }
        assert_eq!(changed(&page.replace("</table>", "")), "the header of the list");
    }

    #[test]
    fn a_plan_without_its_totals_or_with_a_torn_list_is_a_changed_page() {
        let page = fixture("eams/plan.html");
        assert_eq!(
            changed(&page.replace("实修学分", "").replace("要求学分/", "")),
            "the credits that the plan requires"
        );
        assert_eq!(changed(&page.replace("infoTable", "gridtable")), "the credits that the plan requires");
        for name in ["课程名称", "完成学分", "完成否"] {
            assert_eq!(changed(&page.replace(&format!("<th>{name}</th>"), "<th>别的</th>")), "the header of the list");
        }
        assert_eq!(changed(&page[..page.rfind("</table>").unwrap()]), "the end of the list");
        assert_eq!(changed(&page.replacen("<td>78</td>", "", 1)), "a cell for each column");
        assert_eq!(changed(&page.replace("科技写作", "")), "the name of a course");
        assert_eq!(changed(&page.replace("2&nbsp;艺术审美", "2&nbsp;(小计 2)")), "the name of a group");
        let courses = page.lines().filter(|line| !line.starts_with("<tr class=\"darkColumn\""));
        assert_eq!(changed(&courses.collect::<Vec<_>>().join("\n")), "the group of a course");
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let told = |file: &str, from: &str, to: &str| {
            let page = fixture(file);
            assert!(page.contains(from), "{from}");
            let read = parse_plan(&page.replacen(from, to, 1)).unwrap();
            let unread = read.unread.iter().map(|cell| (cell.column, cell.text.as_str().to_owned()));
            (unread.collect::<Vec<_>>(), read.data)
        };
        let (unread, plan) = told("eams/plan.html", "缺16.5分", "待审核");
        assert_eq!(unread, [("完成否", "待审核".to_owned())]);
        assert_eq!(plan.nodes[0].state, PlanNodeState::Unknown);
        let (unread, plan) = told("eams/plan.html", "<td>30.5</td>", "<td>约30</td>");
        assert_eq!(unread, [("完成学分", "约30".to_owned())]);
        assert_eq!((plan.nodes[0].need, plan.nodes[0].have), (Some(47.0), None));
        let (unread, plan) = told("eams/plan.html", "所有子项均应满足要求", "至少选两项");
        assert_eq!(unread, [("课程名称", "(至少选两项)".to_owned())]);
        assert_eq!((plan.nodes[0].name.as_str(), plan.nodes[0].rule), ("通识教育课程(至少选两项)", PlanRule::None));
        let (unread, plan) = told("eams/plan.html", "160&nbsp;/&nbsp;101.5", "不详");
        assert_eq!(unread, [("要求学分", "不详".to_owned())]);
        assert_eq!((plan.need, plan.have), (None, None));
        let (unread, _) = told("eams/plan.html", "<th>成绩</th>", "<th>总评</th>");
        assert_eq!(unread, [("列", "总评".to_owned())]);
        let (unread, _) = told("eams/plan-wide.html", "<td>是</td>", "<td>必</td>");
        assert_eq!(unread, [("必修", "必".to_owned())]);
    }

    #[test]
    fn a_title_has_a_number_a_name_and_rules() {
        for (title, number, name) in [
            ("一 通识教育课程", Numbering::Chinese, "通识教育课程"),
            ("十二、实践环节", Numbering::Chinese, "实践环节"),
            ("(一) 必修课程", Numbering::ChineseInBrackets, "必修课程"),
            ("（十）选修课程", Numbering::ChineseInBrackets, "选修课程"),
            ("1 数学", Numbering::Number, "数学"),
            ("2.物理", Numbering::Number, "物理"),
            ("1.2 力学", Numbering::Dotted, "力学"),
            ("(3)化学", Numbering::NumberInBrackets, "化学"),
            ("一年级课程", Numbering::None, "一年级课程"),
            ("3D打印", Numbering::None, "3D打印"),
            ("(英语)四级", Numbering::None, "(英语)四级"),
            ("任选课程", Numbering::None, "任选课程"),
        ] {
            assert_eq!(numbering(title), (number, name), "{title}");
        }
        assert_eq!(without_rules("数学(二)(小计 60)（所有子项均应满足要求）"), ("数学(二)", PlanRule::All));
        assert_eq!(without_rules("数学 (所有子项至少一项满足要求) (小计 60)"), ("数学", PlanRule::Any));
        assert_eq!(without_rules("数学(小计 60)类"), ("数学(小计 60)类", PlanRule::None));
    }

    /// The names of groups, each with those inside it in brackets.
    fn names(nodes: &[PlanNode]) -> String {
        nodes.iter().map(|node| [&node.name, "[", &names(&node.nodes), "]"].concat()).collect()
    }

    #[test]
    fn groups_lie_in_each_other_as_their_numbers_tell() {
        let mut outline = Outline::default();
        for title in ["一 甲", "(一) 乙", "1 丙", "(1) 丁", "2 戊", "其他", "(二) 己", "1 庚", "二 辛", "(一) 壬"]
        {
            let (numbering, name) = numbering(title);
            outline.open_group(numbering, PlanNode { name: name.to_owned(), ..PlanNode::default() });
        }
        assert_eq!(names(&outline.finish()), "甲[乙[丙[丁[]]戊[其他[]]]己[庚[]]]辛[壬[]]");
    }

    #[test]
    fn a_group_can_tell_two_things() {
        assert_eq!([done("是"), done("否"), done("缺x分"), done("")], [Some(true), Some(false), None, None]);
        assert_eq!(["缺16.5分 缺2门", "缺2门，是", "是 缺1门"].map(done), [Some(false); 3]);
    }

    #[test]
    fn other_pages_are_told_apart() {
        assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/session-ended.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
        assert!(matches!(error("eams/no-permission.html"), PageError::Closed(Closed::Permission, _)));
        let closed = |words: &str| PageError::Closed(Closed::Other, Said::new(words));
        assert_eq!(error("eams/red-line.html"), closed("该学期课表尚在编排"));
        assert_eq!(error("eams/way-back.html"), closed("当前学生无培养计划"));
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    /// How deep groups lie in each other, and whether each has a name.
    fn depth(nodes: &[PlanNode]) -> usize {
        assert!(nodes.iter().all(|node| !node.name.is_empty()));
        nodes.iter().map(|node| 1 + depth(&node.nodes)).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn a_mutilated_plan_is_data_or_an_error(page in mutilated("eams/plan.html")) {
            if let Ok(read) = parse_plan(&page) {
                prop_assert!(!read.data.nodes.is_empty() || !page.contains("课程"), "courses do not vanish");
                prop_assert!(depth(&read.data.nodes) <= 6);
            }
        }
    }
}
