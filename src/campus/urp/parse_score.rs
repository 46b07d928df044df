//! The scores of the current term (`bxqcjcxAction.do`).

use crate::campus::page::dom::{Grid, Page, text_of};
use crate::campus::page::{Layer, Leaf, PageError, pager_of, total_of};
use crate::model::{Score, ScoreRow};

/// Name of this page on the command line and in errors.
const PAGE: &str = "urp-score";

/// Heading of the list, also above an empty one.
const MARKER: &str = "本学期成绩";

/// Columns without which a row cannot be understood.
const COLUMNS: [&str; 7] = ["课程号", "课程名", "课程最高分", "课程最低分", "课程平均分", "成绩", "名次"];

/// Action that shows the list and its further pages.
const ACTION: &str = "bxqcjcxAction.do?";

/// Longest query of a link to a further page, in bytes.
const MAX_QUERY: usize = 300;

/// Reads one page of the list, and the path of the next one.
pub fn parse_score_page(html: &str) -> Result<Leaf<ScoreRow, String>, PageError> {
    let rows = parse_scores(html)?;
    let page = Page::parse(html)?;
    let mut links =
        page.elements("a").filter(|link| ["下一页", "下页"].iter().any(|word| text_of(*link).contains(word)));
    let next = links.find_map(|link| next_path(link.attr("href")?));
    Ok(Leaf { rows, pager: pager_of(&page), total: total_of(&page), next })
}

/// The path of a link to a further page, without what the VPN writes before it.
fn next_path(href: &str) -> Option<String> {
    let (_, query) = href.split_once(ACTION)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "=&._-%".contains(c);
    (query.len() <= MAX_QUERY && query.chars().all(plain)).then(|| format!("/{ACTION}{query}"))
}

/// Reads the scores in the order of the page. No scores yet are an empty list; a missing list is an error.
pub fn parse_scores(html: &str) -> Result<Vec<ScoreRow>, PageError> {
    let page = Page::parse(html)?;
    if !page.shows(MARKER) {
        return Err(page.instead(Layer::Urp, PAGE, "the heading 本学期成绩"));
    }
    let Some(grid) = Grid::with_columns(&page, &COLUMNS) else {
        return Err(page.instead(Layer::Urp, PAGE, "the header of the list"));
    };
    let Some(records) = grid.records() else {
        return Err(PageError::Changed { page: PAGE, missing: "a cell of a row" });
    };
    let rows = records.into_iter().map(|record| {
        let text = |name: &str| grid.column(name).map(|column| record[column].clone()).unwrap_or_default();
        ScoreRow {
            score: Score {
                number: text("课程号"),
                name: text("课程名"),
                highest: text("课程最高分"),
                lowest: text("课程最低分"),
                average: text("课程平均分"),
                mark: text("成绩"),
                rank: text("名次"),
            },
            serial: text("课序号"),
            english_name: text("英文课程名"),
            credit: text("学分"),
            course_type: text("课程属性"),
            failed_reason: text("未通过原因"),
        }
    });
    let rows: Vec<ScoreRow> = rows.filter(|row| !row.score.name.is_empty() || !row.score.number.is_empty()).collect();
    if rows.is_empty() {
        if let Some(refusal) = page.refusal() {
            return Err(refusal);
        }
        if !page.is_whole() {
            return Err(PageError::Changed { page: PAGE, missing: "the end of the page" });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};
    use crate::campus::page::{Closed, Said};

    fn error(name: &str) -> PageError {
        parse_scores(&fixture(name)).unwrap_err()
    }

    #[test]
    fn every_score_is_read_with_its_course() {
        insta::assert_json_snapshot!(parse_scores(&fixture("urp/score.gbk.html")).unwrap());
    }

    #[test]
    fn the_part_the_api_shows_has_exactly_seven_texts() {
        let rows = parse_scores(&fixture("urp/score.gbk.html")).unwrap();
        let json = serde_json::to_value(&rows[0].score).unwrap();
        let fields = json.as_object().unwrap();
        assert_eq!(fields.len(), 7);
        assert!(fields.values().all(serde_json::Value::is_string));
    }

    #[test]
    fn no_scores_yet_is_an_empty_list() {
        assert_eq!(parse_scores(&fixture("urp/score-empty.gbk.html")), Ok(vec![]));
    }

    #[test]
    fn a_heading_without_a_list_is_a_changed_page_and_not_an_empty_list() {
        let page = fixture("urp/score-empty.gbk.html").replace("成绩</th>", "分数</th>");
        assert!(matches!(parse_scores(&page), Err(PageError::Changed { page: "urp-score", .. })));
        assert!(matches!(parse_scores("<b>本学期成绩查询列表</b>"), Err(PageError::Changed { .. })));
    }

    #[test]
    fn a_refusal_in_place_of_the_list_is_no_changed_page_and_no_empty_list() {
        let said = Said::new("成绩查询开关已关闭！");
        assert_eq!(error("urp/score-closed.gbk.html"), PageError::Closed(Closed::SwitchedOff, said));
        assert_eq!(error("urp/database-busy.gbk.html"), PageError::SessionExpired(Layer::Urp));
    }

    #[test]
    fn a_page_of_several_says_so_and_names_the_next_one() {
        let leaf = parse_score_page(&fixture("urp/score-two-pages.gbk.html")).unwrap();
        assert_eq!((leaf.rows.len(), leaf.total, leaf.pager.map(|pager| pager.pages)), (2, Some(12), Some(2)));
        assert_eq!(leaf.next.as_deref(), Some("/bxqcjcxAction.do?totalrows=12&page=2&pageSize=10"));
        assert_eq!(parse_score_page(&fixture("urp/score.gbk.html")).unwrap().next, None);
        assert_eq!(
            next_path("/web/2/http/1/218.196.240.97/bxqcjcxAction.do?page=2").unwrap(),
            "/bxqcjcxAction.do?page=2"
        );
        assert_eq!(next_path("http://evil.example/"), None);
        assert_eq!(next_path("bxqcjcxAction.do?page=2/../x"), None);
    }

    #[test]
    fn columns_may_change_places() {
        let page = fixture("urp/score.gbk.html");
        let moved = page.replace("课程最高分", "~").replace("课程最低分", "课程最高分").replace('~', "课程最低分");
        let (before, after) = (parse_scores(&page).unwrap(), parse_scores(&moved).unwrap());
        assert_eq!(before[0].score.highest, after[0].score.lowest);
    }

    #[test]
    fn a_page_cut_off_in_the_middle_of_a_row_is_refused() {
        let page = fixture("urp/score.gbk.html");
        let half = page.rfind("中等").unwrap();
        assert!(matches!(parse_scores(&page[..half]), Err(PageError::Changed { missing: "a cell of a row", .. })));
    }

    #[test]
    fn a_login_page_instead_of_the_list_is_an_expired_session() {
        assert_eq!(error("urp/login-page.gbk.html"), PageError::SessionExpired(Layer::Urp));
        assert_eq!(error("vpn/login-redirect.html"), PageError::SessionExpired(Layer::Vpn));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    #[test]
    fn a_stored_row_reads_back_as_it_was() {
        let rows = parse_scores(&fixture("urp/score.gbk.html")).unwrap();
        let stored = serde_json::to_string(&rows).unwrap();
        assert_eq!(serde_json::from_str::<Vec<ScoreRow>>(&stored).unwrap(), rows);
    }

    proptest! {
        #[test]
        fn a_mutilated_list_is_data_or_an_error(page in mutilated("urp/score.gbk.html")) {
            if let Ok(rows) = parse_scores(&page) {
                prop_assert!(!rows.is_empty(), "a filled list is no empty one");
                prop_assert!(rows.iter().all(|row| !row.score.name.is_empty() || !row.score.number.is_empty()));
            }
        }
    }
}
