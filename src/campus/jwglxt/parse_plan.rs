//! How far a student is with the plan of the studies: the groups of courses (`xsxyqk_cxXsxyqkIndex.html`, a page), and
//! the courses of one group (`xsxyqk_cxJxzxjhxfyqKcxx.html`). So far only the command `parse` reads them.
//!
//! The page is large (1.7 MB were seen) and has more tags than a parser of HTML is given here. So it is cut into tags
//! as text, and only the small pieces that tell a group are parsed. A group stands in a paragraph of the list, or a
//! script joins its text; which groups it belongs to is told by the lists that it stands in.

mod expressions;
mod markup;

use std::borrow::Cow;
use std::collections::HashSet;

use scraper::ElementRef;
use serde::Serialize;

use super::rows::{Row, rows_of};
use super::signals::{instead, json_of};
use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{PageError, Reading, Said, UnreadCell};
use crate::model::academic::{Plan, PlanCourse, PlanCourseState, PlanNode, PlanNodeState};
use expressions::expressions;
use markup::{Piece, Pieces, attribute, content_of, is_of_class};

/// Name of both answers on the command line and in errors.
const PAGE: &str = "zf-plan";

/// Id of the box with the number of courses.
const BOX: &str = "alertBox";

/// Begin of the number of courses; before it stands the grade point average.
const PLANNED: &str = "计划总课程";

/// The labels of a group's credits: required, earned, missing.
const NEED: &str = "要求学分";
const HAVE: &str = "获得学分";
const MISSING: &str = "未获得学分";

/// What the id of a group follows in the id of an element, and the attribute that also has it.
const SHOWN: &str = "showKc";
const NODE: &str = "xfyqjd_id";

/// Longest id of a group, in bytes.
const LONGEST_ID: usize = 64;

/// Longest name of a group, in characters.
const LONGEST_NAME: usize = 100;

/// Most levels of groups.
const MAX_LEVELS: usize = 8;

/// Names that only say whether courses may be chosen, without 课程 or 课 behind them.
const BARE: [&str; 6] = ["必修", "选修", "限选", "任选", "限定选修", "任意选修"];

/// The plan as its page shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanPage {
    /// The groups, without their courses, which are asked for group by group. The credits of the whole are the sums
    /// over the groups without groups; they are `None` where the page does not tell which group is in which, or where
    /// one is not understood.
    pub plan: Plan,
    /// The numbers of courses; `None` where they are not understood.
    pub counts: Option<PlanCounts>,
    /// What requests call the groups without groups, in the order of the page; empty for one whose id is not told.
    pub leaves: Vec<String>,
}

/// Numbers of courses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanCounts {
    /// Courses of the plan.
    pub planned: u32,
    /// Of these, passed.
    pub passed: u32,
    /// Of these, not passed.
    pub failed: u32,
    /// Of these, not taken yet.
    pub open: u32,
    /// Of these, taken now.
    pub taking: u32,
    /// Courses beside the plan, passed.
    pub extra_passed: u32,
    /// Courses beside the plan, not passed.
    pub extra_failed: u32,
}

/// Reads the page. A plan without groups is an empty one only if the page says that it has no courses.
///
/// Numbers of courses and groups that are not understood are told as unread.
pub fn parse_plan(html: &str) -> Result<Reading<PlanPage>, PageError> {
    let missing = |missing| PageError::Changed { page: PAGE, missing };
    let notice = content_of(html, BOX).ok_or_else(|| instead(html, PAGE, BOX))?;
    let notice: String = text_in(&Page::parse(notice)?).chars().filter(|c| !c.is_whitespace()).collect();
    let begin = notice.find(PLANNED).ok_or_else(|| instead(html, PAGE, PLANNED))?;
    let (before, counted) = notice.split_at(begin);
    if !is_whole(html) {
        return Err(missing("the end of the page"));
    }
    let counts = counts(counted);
    let mut unread = Vec::new();
    if counts.is_none() {
        unread.push(UnreadCell { page: PAGE, column: PLANNED, text: Said::new(counted) });
    }
    let snippets = snippets(html).ok_or_else(|| missing("the end of the list"))?;
    let groups = groups(&snippets, &mut unread)?;
    if groups.is_empty() && counts.is_none_or(|counts| counts.planned > 0) {
        return Err(missing(NEED));
    }
    let mut leaves = Vec::new();
    let nodes = nodes(&groups, "", &mut leaves);
    let is_tree = !groups.is_empty() && groups.iter().all(|group| group.level.is_some());
    let is_known = is_tree && unread.iter().all(|cell| cell.column != NEED);
    let sum = |of: fn(&PlanNode) -> Option<f64>| if is_known { total(&nodes, of).map(to_hundredths) } else { None };
    let (need, have) = (sum(|node| node.need), sum(|node| node.have));
    let plan = Plan { need, have, gpa: gpa(before), nodes, ..Plan::default() };
    Ok(Reading { data: PlanPage { plan, counts, leaves }, unread })
}

/// The visible text of a page or of a piece of one, as one clean line.
fn text_in(page: &Page<'_>) -> String {
    page.elements("body").next().map(text_of).unwrap_or_default()
}

/// Whether the page was not cut off: then its last groups would be missing.
fn is_whole(html: &str) -> bool {
    let end = html.trim_end();
    let tail = &end[end.floor_char_boundary(end.len().saturating_sub(200))..];
    tail.to_ascii_lowercase().contains("</html")
}

/// The first decimal number of a text.
fn gpa(text: &str) -> Option<f64> {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|number| number.trim_matches('.'));
    let mut decimals = numbers
        .filter(|number| number.split_once('.').is_some_and(|(whole, part)| whole.len() <= 3 && !part.contains('.')));
    decimals.next()?.parse().ok()
}

/// The numbers of `计划总课程62门通过40门，未通过1门；未修12门；在读9门！计划外：通过2门，未通过0门！`; `None` for any other form.
fn counts(text: &str) -> Option<PlanCounts> {
    let (planned, rest) = count(text, PLANNED)?;
    let (passed, rest) = count(rest, "通过")?;
    let (failed, rest) = count(rest, "未通过")?;
    let (open, rest) = count(rest, "未修")?;
    let (taking, rest) = count(rest, "在读")?;
    let rest = behind(rest, "计划外")?;
    let (extra_passed, rest) = count(rest, "通过")?;
    let (extra_failed, _) = count(rest, "未通过")?;
    Some(PlanCounts { planned, passed, failed, open, taking, extra_passed, extra_failed })
}

/// The number of courses behind a label, and what follows it.
fn count<'a>(text: &'a str, label: &str) -> Option<(u32, &'a str)> {
    let (number, rest) = behind(text, label)?.split_once('门')?;
    Some((number.parse().ok()?, rest))
}

/// What follows a label; nothing but punctuation may stand before it.
fn behind<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.trim_start_matches(|c: char| !c.is_alphanumeric()).strip_prefix(label)
}

/// A piece of the page that may tell a group.
struct Snippet<'a> {
    html: Cow<'a, str>,
    /// The number of lists between it and the uppermost; `None` outside of these.
    level: Option<usize>,
    /// The id of a group, if the element around it names one.
    node: &'a str,
    by_script: bool,
}

/// The paragraphs and the expressions of scripts that may tell a group, in the order of the page. `None` where the list
/// of groups does not end.
fn snippets(html: &str) -> Option<Vec<Snippet<'_>>> {
    let mut found = Vec::new();
    // How many lists are open, and how many were when that of the groups began.
    let (mut lists, mut tree) = (0_usize, None::<usize>);
    let mut node = "";
    let mut paragraph = None;
    for (place, piece) in Pieces::of(html) {
        let level = tree.map(|tree| lists - tree);
        if ["p", "li", "ul"].iter().any(|name| piece.is_of(name))
            && let Some(begin) = paragraph.take()
        {
            let html = Cow::Borrowed(&html[begin..place.start]);
            found.push(Snippet { html, level, node: std::mem::take(&mut node), by_script: false });
        }
        match piece {
            Piece::Start(_, attributes) if piece.is_of("ul") => {
                lists += 1;
                if tree.is_none() && is_of_class(attributes, "treeview") {
                    tree = Some(lists);
                }
            }
            Piece::End(_) if piece.is_of("ul") => {
                tree = tree.filter(|tree| *tree != lists);
                lists = lists.saturating_sub(1);
            }
            Piece::Start(_, attributes) if piece.is_of("li") => node = attribute(attributes, NODE).unwrap_or_default(),
            Piece::Start(_, attributes) if piece.is_of("p") && is_of_class(attributes, "title1") => {
                paragraph = Some(place.end);
                node = attribute(attributes, NODE).unwrap_or(node);
            }
            Piece::Script(script) => {
                for text in expressions(script).into_iter().filter(|text| text.contains(NEED)) {
                    let node = std::mem::take(&mut node);
                    found.push(Snippet { html: Cow::Owned(text), level, node, by_script: true });
                }
            }
            _ => {}
        }
    }
    tree.is_none().then_some(found)
}

/// A group of courses.
struct Group {
    /// As in [`Snippet`].
    level: Option<usize>,
    /// Empty where it is not told.
    id: String,
    name: String,
    need: f64,
    have: Option<f64>,
    missing: Option<f64>,
}

/// The groups in the order of the page, each once: a page that was saved by a browser has both the script and what it
/// wrote.
fn groups(snippets: &[Snippet<'_>], unread: &mut Vec<UnreadCell>) -> Result<Vec<Group>, PageError> {
    let missing = |missing| PageError::Changed { page: PAGE, missing };
    let mut groups: Vec<Group> = Vec::new();
    let mut ids = HashSet::new();
    let (mut in_list, mut outside) = (false, false);
    for snippet in snippets {
        let page = Page::parse(&snippet.html)?;
        let text = text_in(&page);
        let id = page.all().find_map(id_of).or_else(|| known_id(snippet.node)).unwrap_or_default();
        if !text.contains(NEED) || (!id.is_empty() && !ids.insert(id.clone())) {
            continue;
        }
        match group_of(&text) {
            Some(group) => {
                if group.have.is_none() {
                    unread.push(UnreadCell { page: PAGE, column: HAVE, text: Said::new(&text) });
                }
                in_list |= snippet.level.is_some();
                outside |= snippet.level.is_none() && !snippet.by_script;
                groups.push(Group { level: snippet.level, id, ..group });
            }
            None if snippet.by_script && id.is_empty() => {}
            None => unread.push(UnreadCell { page: PAGE, column: NEED, text: Said::new(&text) }),
        }
    }
    // Scripts may write groups to a place that is not known, but then none of them stands in the list.
    if outside || (in_list && groups.iter().any(|group| group.level.is_none())) {
        return Err(missing("ul.treeview"));
    }
    if groups.iter().any(|group| group.level.is_some_and(|level| level >= MAX_LEVELS)) {
        return Err(missing("a plan of few levels"));
    }
    Ok(groups)
}

/// The id of a group that an element names.
fn id_of(element: ElementRef<'_>) -> Option<String> {
    let shown = element.attr("id").and_then(|id| known_id(id.strip_prefix(SHOWN)?));
    shown.or_else(|| known_id(element.attr(NODE)?))
}

/// The text, if it can be the id of a group.
fn known_id(text: &str) -> Option<String> {
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    ((1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(is_id)).then(|| text.to_owned())
}

/// The group of `必修课程 要求学分:41.0 获得学分:30.0 未获得学分:11.0`, without level and id.
fn group_of(text: &str) -> Option<Group> {
    let (name, credits) = text.split_once(NEED)?;
    let (known, rest) = credits.split_once(MISSING).unwrap_or((credits, ""));
    let have = [known, rest].into_iter().find_map(|part| number(part.split_once(HAVE)?.1));
    let name: String = name.trim().chars().take(LONGEST_NAME).collect();
    let need = number(credits).filter(|_| !name.is_empty())?;
    Some(Group { level: None, id: String::new(), name, need, have, missing: number(rest) })
}

/// The number at the beginning of `text`, behind a colon.
fn number(text: &str) -> Option<f64> {
    let text = text.trim_start_matches([':', '：', ' ']);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].parse().ok().filter(|number: &f64| number.is_finite())
}

/// The groups as a tree. `parent`: the name of the group that they are in. `leaves` takes the ids of the groups without
/// groups.
fn nodes(groups: &[Group], parent: &str, leaves: &mut Vec<String>) -> Vec<PlanNode> {
    let mut nodes = Vec::new();
    let mut rest = groups;
    while let Some((group, after)) = rest.split_first() {
        let within = after.iter().take_while(|other| other.level > group.level).count();
        let (inner, next) = after.split_at(within);
        rest = next;
        let is_leaf = inner.is_empty();
        if is_leaf {
            leaves.push(group.id.clone());
        }
        let name =
            if is_leaf && is_bare(&group.name) { format!("{parent} {}", group.name) } else { group.name.clone() };
        nodes.push(PlanNode {
            name: name.trim_start().to_owned(),
            need: Some(group.need),
            have: group.have,
            state: state_of(group),
            nodes: self::nodes(inner, &group.name, leaves),
            ..PlanNode::default()
        });
    }
    nodes
}

/// Whether a name tells nothing without that of the group around it.
fn is_bare(name: &str) -> bool {
    BARE.contains(&name.trim_end_matches("课程").trim_end_matches('课'))
}

fn state_of(group: &Group) -> PlanNodeState {
    let missing = group.missing.or_else(|| Some(group.need - group.have?));
    match missing {
        Some(missing) if missing > 0.0 => PlanNodeState::Missing,
        Some(_) => PlanNodeState::Passed,
        None => PlanNodeState::Unknown,
    }
}

/// The sum over the groups without groups; those around them hold the same credits again.
fn total(nodes: &[PlanNode], of: fn(&PlanNode) -> Option<f64>) -> Option<f64> {
    nodes.iter().map(|node| if node.nodes.is_empty() { of(node) } else { total(&node.nodes, of) }).sum()
}

/// Without what binary fractions add to a sum.
fn to_hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Reads the courses of one group. Many groups have none.
///
/// A state that is not known, or that the mark beside it contradicts, is told as unread.
pub fn parse_plan_courses(body: &str) -> Result<Reading<Vec<PlanCourse>>, PageError> {
    let answer = json_of(body, PAGE)?;
    let rows = rows_of(&answer, PAGE, "the list of courses", &[&["KCMC"], &["XDZT"]])?;
    let mut unread = Vec::new();
    let data = rows.into_iter().map(|row| course(row, &mut unread)).collect();
    Ok(Reading { data, unread })
}

fn course(row: Row<'_>, unread: &mut Vec<UnreadCell>) -> PlanCourse {
    let (score, said) = (row.first_text(&["MAXCJ", "CJ"]), row.text("XDZT"));
    let state = course_state(&said).filter(|state| fits(*state, &score));
    if state.is_none() && !said.is_empty() {
        unread.push(UnreadCell { page: PAGE, column: "XDZT", text: Said::new(&said) });
    }
    let property = row.text("KCXZMC");
    PlanCourse {
        code: row.text("KCH"),
        name: row.text("KCMC"),
        credit: row.text("XF"),
        score,
        state: state.unwrap_or_default(),
        compulsory: if property.contains("必修") { Some(true) } else { property.contains('选').then_some(false) },
    }
}

fn course_state(said: &str) -> Option<PlanCourseState> {
    Some(match said {
        "1" => PlanCourseState::Taking,
        "2" => PlanCourseState::Failed,
        "3" => PlanCourseState::Open,
        "4" => PlanCourseState::Passed,
        _ => return None,
    })
}

/// Whether a course with this mark can be in this state. What the numbers of the states mean was never seen for sure.
fn fits(state: PlanCourseState, score: &str) -> bool {
    let mark = score.parse::<f64>().ok();
    match state {
        PlanCourseState::Passed => mark.is_none_or(|mark| mark >= 60.0),
        PlanCourseState::Failed => mark.is_none_or(|mark| mark < 60.0),
        PlanCourseState::Open => score.is_empty(),
        PlanCourseState::Taking | PlanCourseState::Unknown => true,
    }
}

#[cfg(test)]
mod tests;
