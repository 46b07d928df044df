//! The student's record (`GET stdDetail.action`). The page also shows how to reach the student and the family, and a
//! photograph: only the table of the studies is looked at, and of it only the values named here.

use scraper::ElementRef;

use super::list::bare;
use super::signals::{instead, signal_on};
use crate::campus::page::PageError;
use crate::campus::page::dom::{Page, cells_of, has_class, label_of, rows_of, text_of};
use crate::model::academic::StudentRecord;

/// Name of this page on the command line and in errors.
const PAGE: &str = "eams-record";

/// Id of the part with the studies; the parts with contacts have others.
const STUDIES: &str = "tabPage1";

/// Longest value, in characters. A longer one has swallowed what follows it on a damaged page.
const MAX_VALUE: usize = 40;

/// Reads who the student is. Whether it is the one who logged in is for the caller to compare.
pub fn parse_record(html: &str) -> Result<StudentRecord, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let tables = page.by_id("div", STUDIES).into_iter().flat_map(|part| part.descendent_elements());
    let mut tables = tables.filter(|element| element.value().name() == "table");
    // Name and number must stand in one table: a family's table has names as well.
    let record = tables.find_map(|table| {
        let value = |label| value_of(table, label);
        let (number, name) = (value("学号")?, value("姓名")?);
        let or_empty = |label| value(label).unwrap_or_default();
        Some(StudentRecord {
            number,
            name,
            grade: or_empty("所在年级"),
            college: value("行政管理院系").unwrap_or_else(|| or_empty("院系")),
            major: or_empty("专业"),
            class: or_empty("行政班级"),
            campus: or_empty("校区"),
            level: or_empty("学历层次"),
        })
    });
    record.ok_or_else(|| instead(&page, PAGE, "name and number of the student"))
}

/// The text in the cell to the right of a label, if there is one.
fn value_of(table: ElementRef<'_>, label: &str) -> Option<String> {
    let is_label = |cell: &ElementRef<'_>| label_of(*cell).is_some_and(|text| bare(&text) == label);
    rows_of(table).find_map(|row| {
        let mut cells = cells_of(row);
        cells.find(|cell| has_class(*cell, "title") && is_label(cell))?;
        let value = text_of(cells.next().filter(|cell| !has_class(*cell, "title"))?);
        (1..=MAX_VALUE).contains(&value.chars().count()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_record(&fixture(name)).unwrap_err()
    }

    #[test]
    fn the_record_is_read_by_its_labels() {
        insta::assert_json_snapshot!(parse_record(&fixture("eams/record.html")).unwrap());
    }

    #[test]
    fn the_college_may_have_another_label_and_the_rest_may_be_missing() {
        let page = fixture("eams/record.html").replace("行政管理院系", "院系").replace("校区：", "地址：");
        let record = parse_record(&page).unwrap();
        assert_eq!((record.college.as_str(), record.campus.as_str()), ("测绘与国土信息工程学院", ""));
    }

    #[test]
    fn names_of_the_family_are_never_read() {
        let page = fixture("eams/record.html");
        assert!(page.contains("林远山"), "the page names a parent");
        let without = page.replacen("姓名", "名字", 1);
        assert!(matches!(parse_record(&without), Err(PageError::Changed { page: "eams-record", .. })));
        let open = page.replacen("</table>", "", 1).replacen("</div>", "", 1);
        if let Ok(record) = parse_record(&open) {
            assert_eq!(record.name, "林知夏");
        }
    }

    #[test]
    fn a_record_without_a_number_is_a_changed_page() {
        let page = fixture("eams/record.html").replacen("311509000001", "&nbsp;", 1);
        assert!(matches!(parse_record(&page), Err(PageError::Changed { .. })));
    }

    #[test]
    fn other_pages_are_told_apart() {
        assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_record_has_number_and_name_and_nothing_of_the_family(page in mutilated("eams/record.html")) {
            if let Ok(record) = parse_record(&page) {
                prop_assert!(!record.number.is_empty() && !record.name.is_empty());
                prop_assert!(!serde_json::to_string(&record).unwrap().contains("林远山"));
            }
        }
    }
}
