//! The marks of a student (`cjcx_cxXsgrcj.html`), page by page.

use super::rows::{Row, leaf_of};
use super::terms::label_of;
use crate::campus::page::{Leaf, PageError, Reading, Said, UnreadCell};
use crate::model::academic::{Attempt, Grade};

/// Name of this page on the command line and in errors.
const PAGE: &str = "zf-score";

/// Name of the part that holds a mark in per cent, where the mark itself is a word or on another scale.
const PERCENT: &str = "百分制";

/// Value of `kcbj` for a course of the main subject.
const MAIN: &str = "主修";

/// A row of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GradeRow {
    /// The mark.
    pub grade: Grade,
    /// Whether the system has declared it void. It counts among the rows of the list, so it is dropped only when all
    /// pages are joined.
    pub void: bool,
}

/// The grades of the rows that are not void.
#[must_use]
pub fn valid(rows: Vec<GradeRow>) -> Vec<Grade> {
    rows.into_iter().filter(|row| !row.void).map(|row| row.grade).collect()
}

/// Reads one page of the list. `number`: which page was asked for, from 1. No marks yet are an empty list.
pub fn parse_score_page(body: &str, number: u32) -> Result<Reading<Leaf<GradeRow, u32>>, PageError> {
    let mut unread = Vec::new();
    let needed: [&[&'static str]; 3] = [&["kcmc"], &["cj"], &["xnmmc", "xnm"]];
    let data = leaf_of(body, PAGE, number, &needed, |row| grade_row(row, &mut unread))?;
    Ok(Reading { data, unread })
}

fn grade_row(row: Row<'_>, unread: &mut Vec<UnreadCell>) -> GradeRow {
    let kind = row.text("ksxz");
    let attempt = attempt(&kind).unwrap_or_else(|| {
        unread.push(UnreadCell { page: PAGE, column: "ksxz", text: Said::new(&kind) });
        Attempt::Normal
    });
    let (mark, percent, subject) = (row.text("cj"), row.text("bfzcj"), row.text("kcbj"));
    let says_more = !percent.is_empty() && !is_same(&mark, &percent);
    let grade = Grade {
        term: term(row),
        code: row.first_text(&["kch", "kch_id"]),
        lesson: row.text("jxb_id"),
        name: row.text("kcmc"),
        kind: row.text("kclbmc"),
        property: row.text("kcxzmc"),
        credit: row.text("xf"),
        mark,
        points: row.text("jd"),
        attempt,
        minor: !subject.is_empty() && subject != MAIN,
        parts: says_more.then(|| (PERCENT.to_owned(), percent)).into_iter().collect(),
    };
    GradeRow { grade, void: row.text("cjsfzf") == "是" }
}

/// The label of a row's term, by the names that the system shows, else by its numbers.
fn term(row: Row<'_>) -> String {
    match (row.text("xnmmc"), row.text("xqmmc")) {
        (year, part) if !year.is_empty() && !part.is_empty() => format!("{year}-{part}"),
        _ => label_of(&row.text("xnm"), &row.text("xqm")).unwrap_or_default(),
    }
}

/// `None` for a kind of examination that is not known.
fn attempt(kind: &str) -> Option<Attempt> {
    const KINDS: [(&str, Attempt); 6] = [
        ("重修", Attempt::Retake),
        ("补考", Attempt::Makeup),
        ("缓考", Attempt::Deferred),
        ("免", Attempt::Exempt),
        ("正考", Attempt::Normal),
        ("正常", Attempt::Normal),
    ];
    if kind.is_empty() {
        return Some(Attempt::Normal);
    }
    KINDS.into_iter().find_map(|(word, attempt)| kind.contains(word).then_some(attempt))
}

/// Whether two texts are the same number or the same text: `85` and `85.0`.
fn is_same(a: &str, b: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    a == b || number(a).zip(number(b)).is_some_and(|(a, b)| (a - b).abs() < f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::campus::listing::Leaves;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn read(body: &str, number: u32) -> Leaf<GradeRow, u32> {
        parse_score_page(body, number).unwrap().data
    }

    /// The usual row with these values instead.
    fn one(values: &Value) -> Reading<Leaf<GradeRow, u32>> {
        let mut row = json!({"kcmc": "测量学", "cj": "85", "xnmmc": "2026-2027", "xqmmc": "1"});
        for (key, value) in values.as_object().unwrap() {
            row[key] = value.clone();
        }
        parse_score_page(&json!({"items": [row], "totalResult": 1, "totalPage": 1}).to_string(), 1).unwrap()
    }

    fn grade(values: &Value) -> Grade {
        one(values).data.rows.remove(0).grade
    }

    #[test]
    fn every_mark_is_read_with_its_course_and_void_ones_are_dropped() {
        let leaf = read(&fixture("jwglxt/score.json"), 1);
        assert_eq!((leaf.rows.len(), leaf.total, leaf.next), (6, Some(6), None));
        assert!(!leaf.is_part());
        insta::assert_json_snapshot!(valid(leaf.rows));
    }

    #[test]
    fn the_pages_of_a_list_make_a_whole_one_although_a_row_is_void() {
        let mut leaves = Leaves::new();
        let first = read(&fixture("jwglxt/score-page-1.json"), 1);
        assert!(first.is_part());
        assert_eq!(leaves.take(first), Some(2));
        assert_eq!(leaves.take(read(&fixture("jwglxt/score-page-2.json"), 2)), None);
        let list = leaves.finish();
        assert_eq!((list.data.len(), list.partial), (5, false));
        assert_eq!(valid(list.data).len(), 4);
    }

    #[test]
    fn no_marks_yet_are_an_empty_list() {
        assert_eq!(read(&fixture("jwglxt/score-empty.json"), 1).rows, []);
    }

    #[test]
    fn a_list_without_its_rows_or_their_keys_is_changed_and_never_an_empty_one() {
        let whole = fixture("jwglxt/score.json");
        for key in ["items", "kcmc", "cj", "xnmmc"] {
            let error = parse_score_page(&whole.replace(&format!("\"{key}\""), "\"other\""), 1).unwrap_err();
            assert_eq!(error, PageError::Changed { page: PAGE, missing: key });
        }
        assert!(matches!(parse_score_page("null", 1), Err(PageError::Changed { .. })));
    }

    #[test]
    fn kinds_of_examinations_are_attempts_and_an_unknown_one_is_told() {
        for (kind, attempt) in [
            ("正考", Attempt::Normal),
            ("正常考试", Attempt::Normal),
            ("补考一", Attempt::Makeup),
            ("重修", Attempt::Retake),
            ("缓考", Attempt::Deferred),
            ("免修", Attempt::Exempt),
            ("", Attempt::Normal),
        ] {
            let read = one(&json!({ "ksxz": kind }));
            assert_eq!((read.data.rows[0].grade.attempt, read.unread.len()), (attempt, 0), "{kind}");
        }
        let read = one(&json!({"ksxz": "刷分"}));
        assert_eq!((read.unread[0].column, read.unread[0].text.as_str()), ("ksxz", "刷分"));
    }

    #[test]
    fn a_mark_in_per_cent_is_kept_where_it_says_more_than_the_mark() {
        let parts = |mark: &str, percent: &str| grade(&json!({"cj": mark, "bfzcj": percent})).parts;
        assert_eq!(parts("良好", "85"), [("百分制".to_owned(), "85".to_owned())]);
        assert_eq!((parts("85", "85.0"), parts("缺考", "")), (vec![], vec![]));
    }

    #[test]
    fn a_course_of_another_subject_is_a_minor_one() {
        let minor = |mark: &str| grade(&json!({ "kcbj": mark })).minor;
        assert_eq!((minor("主修"), minor("辅修"), minor("")), (false, true, false));
    }

    #[test]
    fn a_term_is_named_by_what_the_system_shows_else_by_its_numbers() {
        assert_eq!(grade(&json!({})).term, "2026-2027-1");
        assert_eq!(grade(&json!({"xnmmc": "", "xnm": "2025", "xqm": "12"})).term, "2025-2026-2");
    }

    #[test]
    fn another_answer_is_no_list() {
        let error = |name: &str| parse_score_page(&fixture(name), 1).unwrap_err();
        assert_eq!(error("jwglxt/login-page.html"), PageError::SessionExpired(Layer::Jwglxt));
        assert_eq!(parse_score_page("", 1), Err(PageError::SessionExpired(Layer::Jwglxt)));
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("jwglxt/grid-strict.html"), PageError::Closed(..)));
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_list_is_an_error_or_no_empty_one(body in mutilated("jwglxt/score.json")) {
            if let Ok(read) = parse_score_page(&body, 1) {
                prop_assert!(!read.data.rows.is_empty());
            }
        }
    }
}
