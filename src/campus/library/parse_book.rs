//! The copies of one book (`GET /Book.aspx?id=…`).

use scraper::ElementRef;

use crate::campus::page::dom::{Page, cells_of, rows_of, text_of};
use crate::campus::page::{Layer, PageError};
use crate::model::BookCopy;

/// Name of this page on the command line and in errors.
const PAGE: &str = "library-book";

/// Id of the catalogue's result table, which is absent when it would be empty.
const TABLE: &str = "ctl00_ContentPlaceHolder1_GridView1";

/// State of a copy that can be borrowed.
const AVAILABLE: &str = "可借";

/// Reads the copies in the order of the page. No copies are an empty list.
pub fn parse_copies(html: &str) -> Result<Vec<BookCopy>, PageError> {
    let page = Page::parse(html)?;
    let Some(table) = page.by_id("table", TABLE) else {
        let is_book = page.has_form_to("Book.aspx") && is_without_copies(&page);
        return if is_book { Ok(Vec::new()) } else { Err(page.instead(Layer::Library, PAGE, "the list of copies")) };
    };
    let columns = columns(table);
    let rows = rows_of(table).filter(|row| row.attr("align") == Some("left"));
    let copies: Option<Vec<BookCopy>> = rows.map(|row| copy(row, columns)).collect();
    let copies = copies.ok_or(PageError::Changed { page: PAGE, missing: "a cell of a copy" })?;
    if copies.is_empty() && !is_without_copies(&page) {
        return Err(PageError::Changed { page: PAGE, missing: "the rows of the copies" });
    }
    Ok(copies)
}

/// Whether a page without rows is complete and shows nothing that only copies have.
fn is_without_copies(page: &Page<'_>) -> bool {
    page.is_whole() && !page.mentions("GridView1_ctl") && !["可借", "借出时间"].iter().any(|word| page.shows(word))
}

/// The columns of place, lending date, due date and state: from the header, or their usual positions.
fn columns(table: ElementRef<'_>) -> [usize; 4] {
    let header: Vec<String> = rows_of(table).take(1).flat_map(cells_of).map(text_of).collect();
    [("位置", 0), ("借出", 3), ("应还", 4), ("状态", 5)]
        .map(|(word, usual)| header.iter().position(|name| name.contains(word)).unwrap_or(usual))
}

fn copy(row: ElementRef<'_>, [place, start, end, state]: [usize; 4]) -> Option<BookCopy> {
    let cells: Vec<String> = cells_of(row).map(text_of).collect();
    let cell = |position: usize| cells.get(position).cloned();
    let state = u8::from(cell(state)? == AVAILABLE);
    Some(BookCopy { place: cell(place)?, start: cell(start)?, end: cell(end)?, state })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_copies(&fixture(name)).unwrap_err()
    }

    #[test]
    fn every_copy_is_read_with_its_state() {
        insta::assert_json_snapshot!(parse_copies(&fixture("library/book.html")).unwrap());
    }

    #[test]
    fn without_a_header_the_columns_are_where_they_always_stood() {
        let page = fixture("library/book.html");
        let copies = parse_copies(&page).unwrap();
        assert_eq!(parse_copies(&page.replace("<th scope=\"col\">", "<th>?").replace("时间", "")), Ok(copies));
    }

    #[test]
    fn a_book_without_copies_is_an_empty_list() {
        assert_eq!(parse_copies(&fixture("library/book-none.html")), Ok(vec![]));
    }

    #[test]
    fn a_row_that_is_too_short_is_a_changed_page() {
        let page = fixture("library/book.html").replace("<td align=\"center\"", "<!-- --><div");
        assert!(matches!(parse_copies(&page), Err(PageError::Changed { page: "library-book", .. })));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
        assert_eq!(error("library/login-page.html"), PageError::SessionExpired(Layer::Library));
    }

    proptest! {
        #[test]
        fn mutilated_copies_are_data_or_an_error(page in mutilated("library/book.html")) {
            if let Ok(copies) = parse_copies(&page) {
                prop_assert!(!copies.is_empty(), "copies do not vanish");
            }
            for copy in parse_copies(&page).unwrap_or_default() {
                prop_assert!(copy.state <= 1);
            }
        }
    }
}
