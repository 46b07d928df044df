//! A reader's loans (`GET /Borrowing.aspx`).

use scraper::ElementRef;

use super::turn::{Fields, leaf};
use crate::campus::page::dom::{Page, labelled, rows_of, text_nodes, text_of};
use crate::campus::page::{Layer, Leaf, PageError, clean};
use crate::model::Loan;

/// Name of this page on the command line and in errors.
pub(super) const PAGE: &str = "library-borrowing";

/// Id of the catalogue's result table, which is absent when it would be empty.
const TABLE: &str = "ctl00_ContentPlaceHolder1_GridView1";

/// The labels of a loan.
const LABELS: [&str; 6] = ["馆藏号", "馆藏地", "续借次数", "借书时间", "应还日期", "超期情况"];

/// The link to a loan's book.
const BOOK_LINK: &str = "Book.aspx?id=";

/// Text of a loan that can be renewed.
const RENEWABLE: &str = "可续借";

/// Reads the loans in the order of the page. No loans are an empty list.
pub fn parse_borrowing(html: &str) -> Result<Vec<Loan>, PageError> {
    let page = Page::parse(html)?;
    let rows = loan_rows(&page)?.into_iter().flatten();
    let loans: Option<Vec<Loan>> = rows.map(loan).collect();
    let loans = loans.ok_or(PageError::Changed { page: PAGE, missing: "a label of a loan" })?;
    // A page that shows something only loans have is not a page without loans.
    if loans.is_empty()
        && (page.mentions(BOOK_LINK) || LABELS.iter().any(|label| page.shows(label)) || !page.is_whole())
    {
        return Err(PageError::Changed { page: PAGE, missing: "the rows of the loans" });
    }
    Ok(loans)
}

/// Reads page `number` of the loans, and what to send for the next one.
pub fn parse_loan_page(html: &str, number: u32) -> Result<Leaf<Loan, Fields>, PageError> {
    let loans = parse_borrowing(html)?;
    Ok(leaf(&Page::parse(html)?, loans, number))
}

/// The rows of the loans; `None` when the page has no loans.
pub(super) fn loan_rows<'a>(page: &'a Page<'_>) -> Result<Option<impl Iterator<Item = ElementRef<'a>>>, PageError> {
    let Some(table) = page.by_id("table", TABLE) else {
        let is_own_page = page.has_form_to("Borrowing.aspx") && !page.has_password_input();
        return if is_own_page { Ok(None) } else { Err(page.instead(Layer::Library, PAGE, "the list of loans")) };
    };
    Ok(Some(rows_of(table).filter(|row| row.attr("align") == Some("left"))))
}

pub(super) fn loan(row: ElementRef<'_>) -> Option<Loan> {
    let name = row.descendent_elements().find(|element| element.value().name() == "a").map(text_of)?;
    let [number, place, times, start, end, remain] = labelled(row, LABELS)?;
    let renew = text_nodes(row).any(|text| clean(text) == RENEWABLE);
    Some(Loan { renew, name, place, number, times, start, end, remain })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_borrowing(&fixture(name)).unwrap_err()
    }

    #[test]
    fn every_loan_is_read_by_its_labels() {
        insta::assert_json_snapshot!(parse_borrowing(&fixture("library/borrowing.html")).unwrap());
    }

    #[test]
    fn the_note_that_a_loan_can_be_renewed_shifts_nothing() {
        insta::assert_json_snapshot!(parse_borrowing(&fixture("library/borrowing-renewable.html")).unwrap());
    }

    #[test]
    fn a_page_of_several_says_so_and_what_to_send_for_the_next_one() {
        let leaf = parse_loan_page(&fixture("library/borrowing-two-pages.html"), 1).unwrap();
        assert_eq!((leaf.rows.len(), leaf.pager.map(|pager| (pager.page, pager.pages))), (2, Some((1, 2))));
        let fields = leaf.next.unwrap();
        let value = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        assert_eq!(value("__EVENTTARGET"), Some("ctl00$ContentPlaceHolder1$GridView1"));
        assert_eq!(value("__EVENTARGUMENT"), Some("Page$Next"));
        assert_eq!(value("__VIEWSTATE"), Some("/wEPDwUK"));
        assert_eq!(parse_loan_page(&fixture("library/borrowing.html"), 1).unwrap().next, None);
    }

    #[test]
    fn no_loans_is_an_empty_list() {
        assert_eq!(parse_borrowing(&fixture("library/borrowing-none.html")), Ok(vec![]));
    }

    #[test]
    fn a_row_without_the_labels_is_a_changed_page() {
        let page = fixture("library/borrowing.html");
        let page = LABELS.iter().fold(page, |page, label| page.replace(label, "其他"));
        assert!(matches!(parse_borrowing(&page), Err(PageError::Changed { page: "library-borrowing", .. })));
    }

    #[test]
    fn a_login_page_instead_of_the_loans_is_an_expired_session() {
        assert_eq!(error("library/login-page.html"), PageError::SessionExpired(Layer::Library));
        let in_place = fixture("library/login-page.html").replace("OutLogin.aspx?kind=2", "Borrowing.aspx");
        assert_eq!(parse_borrowing(&in_place), Err(PageError::SessionExpired(Layer::Library)));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn mutilated_loans_are_data_or_an_error(page in mutilated("library/borrowing-renewable.html")) {
            if let Ok(loans) = parse_borrowing(&page) {
                prop_assert!(!loans.is_empty(), "loans do not vanish");
            }
        }
    }
}
