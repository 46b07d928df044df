//! The board: complete lectures, and links to notices.

use std::collections::HashSet;

use scraper::ElementRef;
use serde::Serialize;
use url::Url;

use super::address::unwrap;
use crate::{
    campus::{
        feed::{Links, ListPage, date_near, paragraphs_of, title_of},
        page::{
            Layer, PageError,
            dom::{Page, has_class, text_of},
            split_label,
        },
    },
    day,
};

/// Name of this page on the command line and in errors.
pub(super) const PAGE: &str = "bulletin-board";

/// Class of the elements around the notices.
const NOTICES: &str = "panes";

/// Labels of a lecture's fields.
const LABELS: [&str; 11] =
    ["题目", "主题", "讲座题目", "报告题目", "主讲人", "主讲", "报告人", "时间", "内容", "讲座内容", "内容简介"];

/// Labels that only lectures have.
const SPEAKERS: [&str; 4] = ["主讲人：", "主讲人:", "报告人：", "报告人:"];

/// Longest reported text of an unread row, in characters.
const MAX_UNREAD: usize = 100;

/// Labels of a lecture's place.
const PLACES: [&str; 2] = ["地点：", "地点:"];

/// A lecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lecture {
    /// Title.
    pub title: String,
    /// Who gives the lecture.
    pub speaker: String,
    /// When, as the board writes it: `2017年12月1日 15:00`.
    pub time: String,
    /// Where; empty when it cannot be separated from the time.
    pub place: String,
    /// Its subject, one paragraph per line.
    pub content: String,
}

/// The content of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Board {
    /// Lectures in the order of the page, each pair of title and time once.
    pub lectures: Vec<Lecture>,
    /// Texts of rows among the lectures that could not be read, cut to 100 characters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// Links to notices, with their inner addresses.
    pub notices: ListPage,
}

/// Reads the board; `home` is its inner address.
pub fn parse_board(html: &str, home: &Url) -> Result<Board, PageError> {
    let page = Page::parse(html)?;
    let mut seen = HashSet::new();
    let (mut lectures, mut unread) = (Vec::new(), Vec::new());
    for row in page.elements("tr").filter(|row| is_left(*row)) {
        match lecture(row) {
            Some(lecture) if seen.insert((lecture.title.clone(), lecture.time.clone())) => lectures.push(lecture),
            Some(_) => {}
            None => unread.extend(unread_text(row)),
        }
    }
    if lectures.is_empty() && (!unread.is_empty() || shows_lectures(&page)) {
        return Err(page.instead(Layer::Vpn, PAGE, "lectures"));
    }
    let mut links = Links::new(home);
    for link in page.elements("a").filter(|link| is_notice(*link)) {
        let Some(href) = link.attr("href") else { continue };
        links.take(href, unwrap(href, home), title_of(link), date_near(link));
    }
    let notices = links.finish();
    if notices.is_empty() && shows_notices(&page) {
        return Err(page.instead(Layer::Vpn, PAGE, "notices"));
    }
    Ok(Board { lectures, unread, notices })
}

/// Whether a page without a readable lecture shows one all the same, or is incomplete.
fn shows_lectures(page: &Page<'_>) -> bool {
    !page.is_whole()
        || SPEAKERS.iter().any(|label| page.mentions(label))
        || page.elements("tr").any(|row| lecture(row).is_some())
}

/// Whether a page without a readable notice shows one all the same, lacks the place for notices, or is incomplete. An
/// empty place has frames without an address in them.
fn shows_notices(page: &Page<'_>) -> bool {
    let is_of_none =
        |place: ElementRef<'_>| place.child_elements().next().is_some() && !place.inner_html().contains("href");
    let mut places = page.of_class(NOTICES).peekable();
    !page.is_whole() || places.peek().is_none() || !places.all(is_of_none)
}

fn is_left(row: ElementRef<'_>) -> bool {
    row.attr("align").is_some_and(|align| align.eq_ignore_ascii_case("left"))
}

/// Whether a row holds rows of its own, as a frame around lectures does.
fn is_frame(row: ElementRef<'_>) -> bool {
    row.descendent_elements().skip(1).any(|part| part.value().name() == "tr")
}

/// The text of a row that is divided like a lecture and yet is none. A row without divisions is a remark.
fn unread_text(row: ElementRef<'_>) -> Option<String> {
    if is_frame(row) || divisions(row).is_empty() {
        return None;
    }
    let text: String = text_of(row).chars().take(MAX_UNREAD).collect();
    (!text.is_empty()).then_some(text)
}

/// The lecture in a row.
fn lecture(row: ElementRef<'_>) -> Option<Lecture> {
    if is_frame(row) {
        return None;
    }
    let [title, speaker, when, content] = fields(row)?;
    let title = without_label(text_of(title));
    let (time, place) = time_and_place(&text_of(when));
    let content = without_label(paragraphs_of(content));
    (!title.is_empty()).then(|| Lecture { title, speaker: without_label(text_of(speaker)), time, place, content })
}

/// The first four divisions of a row side by side, inside any number of common frames.
fn fields(row: ElementRef<'_>) -> Option<[ElementRef<'_>; 4]> {
    let mut outermost = divisions(row);
    while let [frame] = outermost[..] {
        outermost = divisions(frame);
    }
    outermost.truncate(4);
    outermost.try_into().ok()
}

/// The outermost divisions below `part`.
fn divisions(part: ElementRef<'_>) -> Vec<ElementRef<'_>> {
    let mut found: Vec<ElementRef<'_>> = Vec::new();
    let mut next = part.first_child();
    while let Some(node) = next {
        let division = ElementRef::wrap(node).filter(|element| element.value().name() == "div");
        let below = if division.is_some() { None } else { node.first_child() };
        found.extend(division);
        let (mut at, mut behind) = (node, below);
        while behind.is_none() && at.id() != part.id() {
            behind = at.next_sibling();
            match at.parent() {
                Some(parent) => at = parent,
                None => break,
            }
        }
        next = behind;
    }
    found
}

fn without_label(text: String) -> String {
    match split_label(&text) {
        Some((label, value)) if LABELS.contains(&label) => value.to_owned(),
        _ => text,
    }
}

/// When and where: the place follows its label, the clock time, or the date.
fn time_and_place(text: &str) -> (String, String) {
    let text = without_label(text.to_owned());
    let labelled = PLACES.iter().find_map(|label| text.split_once(label));
    let (time, place) = labelled.unwrap_or_else(|| text.split_at(end_of_time(&text)));
    let trim = |part: &str| part.trim_matches([' ', ',', '，', ';', '；', '、', '。']).to_owned();
    (trim(time), trim(place))
}

/// Where the time ends: after the last clock time, else after the word that holds the date, else at the end.
fn end_of_time(text: &str) -> usize {
    let colons = text.char_indices().filter(|(_, c)| matches!(c, ':' | '：'));
    let mut clocks = colons.filter_map(|(at, colon)| {
        let behind = at + colon.len_utf8();
        let minutes = text[behind..].bytes().take_while(u8::is_ascii_digit).count();
        let hours = text[..at].bytes().next_back().is_some_and(|byte| byte.is_ascii_digit());
        (hours && minutes == 2).then_some(behind + minutes)
    });
    if let Some(end) = clocks.next_back() {
        return end;
    }
    let Some(day) = day::find(text) else { return text.len() };
    text[day.at.end..].find(' ').map_or(text.len(), |offset| day.at.end + offset)
}

/// Whether a link is in the place for notices: in a `span` in the panes, and in no lecture's row.
fn is_notice(link: ElementRef<'_>) -> bool {
    let mut in_span = false;
    for around in link.ancestors().filter_map(ElementRef::wrap) {
        match around.value().name() {
            "span" => in_span = true,
            "tr" if is_left(around) && lecture(around).is_some() => return false,
            _ if has_class(around, NOTICES) => return in_span,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn home() -> Url {
        Url::parse("http://10.0.0.5/swfweb/hpugg.aspx").unwrap()
    }

    fn read(name: &str) -> Result<Board, PageError> {
        parse_board(&fixture(name), &home())
    }

    #[test]
    fn lectures_and_notices_are_read_and_hostile_links_are_refused() {
        insta::assert_json_snapshot!(read("bulletin/board.gbk.html").unwrap());
    }

    #[test]
    fn an_empty_board_is_a_board() {
        let board = parse_board("<div class='panes'><div></div></div></html>", &home()).unwrap();
        assert_eq!(board, Board { lectures: vec![], unread: vec![], notices: ListPage::default() });
    }

    #[test]
    fn a_row_that_is_no_lecture_any_more_is_told_and_a_board_of_such_rows_is_changed() {
        let strange = "<tr align='left'><td><div>题目</div><div>张教授</div></td></tr>";
        let board = |rows: &str| format!("<table>{rows}</table><div class='panes'><div></div></div></html>");
        let whole = "<tr align='left'><td><div>题</div><div>人</div><div>时</div><div>文</div></td></tr>";
        let read = parse_board(&board(&[whole, strange].concat()), &home()).unwrap();
        assert_eq!((read.lectures.len(), read.unread), (1, vec!["题目张教授".to_owned()]));
        assert!(matches!(parse_board(&board(strange), &home()), Err(PageError::Changed { .. })));
        let remark = parse_board(&board("<tr align='left'><td>没有讲座</td></tr>"), &home()).unwrap();
        assert!(remark.lectures.is_empty() && remark.unread.is_empty());
    }

    #[test]
    fn time_and_place_are_told_apart_as_far_as_they_can_be() {
        let told = |text: &str| time_and_place(text);
        let both = |time: &str, place: &str| (time.to_owned(), place.to_owned());
        assert_eq!(told("2017年12月1日 15:00 理化综合楼报告厅"), both("2017年12月1日 15:00", "理化综合楼报告厅"));
        assert_eq!(told("2017年12月1日 15:00-17:30，一号楼"), both("2017年12月1日 15:00-17:30", "一号楼"));
        assert_eq!(told("时间：12月1日15：00地点：一号楼"), both("12月1日15：00", "一号楼"));
        assert_eq!(told("2017-12-01下午 一号楼"), both("2017-12-01下午", "一号楼"));
        assert_eq!(told("下周三下午"), both("下周三下午", ""));
        assert_eq!(told(""), both("", ""));
    }

    #[test]
    fn maintenance_garbage_and_an_ended_session_are_told_apart() {
        assert_eq!(read("maintenance.gbk.html"), Err(PageError::Maintenance));
        assert!(matches!(read("garbage.html"), Err(PageError::Changed { page: "bulletin-board", .. })));
        assert_eq!(read("vpn/login-page.html"), Err(PageError::SessionExpired(Layer::Vpn)));
    }

    proptest! {
        #[test]
        fn links_of_mutilated_boards_never_leave_the_host(page in mutilated("bulletin/board.gbk.html")) {
            let Ok(board) = parse_board(&page, &home()) else { return Ok(()) };
            for link in board.notices.links {
                prop_assert_eq!(link.url.origin(), home().origin());
                prop_assert!(!link.title.is_empty());
            }
            prop_assert!(board.lectures.iter().all(|lecture| !lecture.title.is_empty()));
        }

        #[test]
        fn a_mutilated_board_is_no_empty_one_while_a_lecture_or_a_notice_is_left(
            page in mutilated("bulletin/board.gbk.html"),
        ) {
            let Ok(board) = parse_board(&page, &home()) else { return Ok(()) };
            prop_assert!(!board.lectures.is_empty() || !page.contains("主讲人："));
            let left = page.contains("<div class=\"panes\"><div><div><span><a href=");
            prop_assert!(!board.notices.is_empty() || !left);
        }
    }
}
