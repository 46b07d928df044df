//! The results of the yearly fitness test (`GET /welcome.aspx`).

use scraper::ElementRef;

use crate::campus::page::dom::{Page, cells_of, rows_of, text_of};
use crate::campus::page::{Layer, PageError, Reading, Said, UnreadCell, split_label};
use crate::model::PhysicalYear;

/// Name of this page on the command line and in errors.
const PAGE: &str = "physical-scores";

/// Class of the tables, one per year.
const TABLE_CLASS: &str = "score-table";

/// Labels that only results have.
const DISCIPLINES: [&str; 6] = ["身高", "体重", "肺活量", "立定跳远", "50米", "坐位体前屈"];

/// Words in labels of derived values, which are no results: `体重指数`, `肺活量得分`.
const DERIVED: [&str; 4] = ["指数", "得分", "评分", "等级"];

/// Reads the years in the order of the page. No test yet is an empty list. An unknown label is an unread cell.
pub fn parse_physical(html: &str) -> Result<Reading<Vec<PhysicalYear>>, PageError> {
    let page = Page::parse(html)?;
    if !is_welcome(&page) {
        return Err(page.instead(Layer::Physical, PAGE, "the tables of the years"));
    }
    let mut unread = Vec::new();
    let years: Vec<PhysicalYear> = score_tables(&page).map(|table| year(table, &mut unread)).collect();
    if years.iter().any(|year| year.year.is_empty()) {
        return Err(PageError::Changed { page: PAGE, missing: "the label 年度" });
    }
    // A page that shows something only results have is not a page without results.
    let shows_results = page.mentions(TABLE_CLASS) || DISCIPLINES.iter().any(|name| page.mentions(name));
    if years.is_empty() && (shows_results || !page.is_whole()) {
        return Err(PageError::Changed { page: PAGE, missing: "the tables of the years" });
    }
    Ok(Reading { data: years, unread })
}

/// Whether this is the page after a login; it has no tables before the first test.
pub(super) fn is_welcome(page: &Page<'_>) -> bool {
    score_tables(page).next().is_some() || (page.shows("学号：") && page.shows("姓名：") && !page.has_password_input())
}

fn score_tables<'a>(page: &'a Page<'_>) -> impl Iterator<Item = ElementRef<'a>> {
    page.elements("table").filter(|table| table.value().classes().any(|class| class == TABLE_CLASS))
}

fn year(table: ElementRef<'_>, unread: &mut Vec<UnreadCell>) -> PhysicalYear {
    let mut year = PhysicalYear::default();
    for cell in rows_of(table).flat_map(cells_of) {
        let text = text_of(cell);
        match split_label(&text) {
            Some((label, value)) => match field(&mut year, label) {
                Some(field) => value.clone_into(field),
                None if value.is_empty() => {}
                None => unread.push(unread_cell(label)),
            },
            None if text.is_empty() => {}
            None => unread.push(unread_cell(&text)),
        }
    }
    year
}

/// Only the label: the value is personal.
fn unread_cell(label: &str) -> UnreadCell {
    UnreadCell { page: PAGE, column: "label", text: Said::new(label) }
}

/// Labels carry units (`身高(cm)`), and name one or both of the disciplines that differ between men and women.
fn field<'a>(year: &'a mut PhysicalYear, label: &str) -> Option<&'a mut String> {
    if DERIVED.iter().any(|word| label.contains(word)) {
        return None;
    }
    let named = |words: &[&str]| words.iter().any(|word| label.starts_with(word));
    Some(match () {
        () if named(&["年度", "学年"]) => &mut year.year,
        () if named(&["身高"]) => &mut year.height,
        () if named(&["体重"]) => &mut year.weight,
        () if named(&["肺活量"]) => &mut year.vital_capacity,
        () if named(&["立定跳远"]) => &mut year.long_jump,
        () if named(&["50米"]) => &mut year.sprint,
        () if named(&["坐位体前屈"]) => &mut year.flexion,
        () if named(&["1000米", "800米"]) => &mut year.long_run,
        () if named(&["引体向上", "仰卧起坐"]) => &mut year.pull_or_situp,
        () if named(&["总分"]) => &mut year.total_score,
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_physical(&fixture(name)).unwrap_err()
    }

    #[test]
    fn every_year_is_read_with_times_and_total_whole() {
        insta::assert_json_snapshot!(parse_physical(&fixture("physical/welcome.html")).unwrap().data);
    }

    #[test]
    fn the_disciplines_of_women_go_to_the_same_fields() {
        insta::assert_json_snapshot!(parse_physical(&fixture("physical/welcome-female.html")).unwrap().data);
    }

    #[test]
    fn no_test_yet_is_an_empty_list() {
        assert_eq!(parse_physical(&fixture("physical/welcome-none.html")), Ok(Reading::default()));
    }

    #[test]
    fn a_result_under_an_unknown_label_is_told_without_its_value() {
        let page = fixture("physical/welcome.html").replacen("体重(kg)：65.5", "体重指数：21.4", 1);
        let read = parse_physical(&page).unwrap();
        assert_eq!((read.data[0].weight.as_str(), read.data[1].weight.as_str()), ("", "66"));
        assert_eq!(read.unread, [unread_cell("体重指数")]);
        for name in ["physical/welcome.html", "physical/welcome-female.html"] {
            assert_eq!(parse_physical(&fixture(name)).unwrap().unread, [], "{name}");
        }
    }

    #[test]
    fn tables_without_a_year_are_a_changed_page() {
        let page = fixture("physical/welcome.html").replace("年度", "次数");
        assert!(matches!(parse_physical(&page), Err(PageError::Changed { page: "physical-scores", .. })));
    }

    #[test]
    fn a_login_page_instead_of_the_results_is_an_expired_session() {
        assert_eq!(error("physical/login-page.html"), PageError::SessionExpired(Layer::Physical));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn mutilated_results_have_their_year_or_are_an_error(page in mutilated("physical/welcome.html")) {
            if let Ok(read) = parse_physical(&page) {
                prop_assert!(!read.data.is_empty(), "results do not vanish");
                prop_assert!(read.data.iter().all(|year| !year.year.is_empty()));
            }
        }
    }
}
