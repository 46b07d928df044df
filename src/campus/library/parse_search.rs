//! Books found in the catalogue (`GET /SearchResult.aspx`).

use scraper::ElementRef;

use super::turn::{Fields, leaf};
use crate::campus::page::dom::{Page, labelled, text_of};
use crate::campus::page::{Layer, Leaf, PageError};
use crate::model::Book;

/// Name of this page on the command line and in errors.
const PAGE: &str = "library-search";

/// Id of the catalogue's result table, which is absent when it would be empty.
const TABLE: &str = "ctl00_ContentPlaceHolder1_GridView1";

/// Part of the ids in the first row of the list.
const FIRST_ROW: &str = "GridView1_ctl02_";

/// The link to a book's page; the book's id follows.
const BOOK_LINK: &str = "Book.aspx?id=";

/// Reads the books in the order of the page. No results are an empty list.
pub fn parse_search(html: &str) -> Result<Vec<Book>, PageError> {
    let page = Page::parse(html)?;
    let Some(table) = page.by_id("table", TABLE) else {
        let is_result = page.has_form_to("SearchResult.aspx") && page.is_whole() && !shows_a_book(&page);
        return if is_result { Ok(Vec::new()) } else { Err(page.instead(Layer::Library, PAGE, "the list of books")) };
    };
    let mut books: Vec<Book> = Vec::new();
    for link in table.descendent_elements() {
        let Some(id) = link.attr("href").and_then(book_id) else { continue };
        // A cover may link to the same page as the title.
        let (title, seen) = (text_of(link), books.last().is_some_and(|book| book.id == id));
        if title.is_empty() || seen {
            continue;
        }
        let missing = PageError::Changed { page: PAGE, missing: "the description of a book" };
        let [call_number, author, publisher] = description(link).ok_or(missing)?;
        books.push(Book { title, id: id.to_owned(), call_number, author, publisher });
    }
    if books.is_empty() && (!page.is_whole() || shows_a_book(&page)) {
        return Err(PageError::Changed { page: PAGE, missing: "the link to a book" });
    }
    Ok(books)
}

/// Reads page `number` of the books, and what to send for the next one.
pub fn parse_search_page(html: &str, number: u32) -> Result<Leaf<Book, Fields>, PageError> {
    let books = parse_search(html)?;
    Ok(leaf(&Page::parse(html)?, books, number))
}

/// Whether the page has something that only a found book has.
fn shows_a_book(page: &Page<'_>) -> bool {
    page.mentions(BOOK_LINK)
        || page.mentions(FIRST_ROW)
        || ["索书号", "责任者", "出版社："].iter().any(|label| page.shows(label))
}

/// The id in a link to a book's page.
fn book_id(href: &str) -> Option<&str> {
    let (_, id) = href.split_once(BOOK_LINK)?;
    id.split(['&', '#']).next().filter(|id| !id.is_empty())
}

/// Call number, author and publisher of the book behind a link: by their labels, or, if those have other names, by
/// their position among the spans.
fn description(link: ElementRef<'_>) -> Option<[String; 3]> {
    let entry = link.ancestors().filter_map(ElementRef::wrap).find(|parent| parent.value().name() == "table")?;
    labelled(entry, ["索书号", "责任者", "出版社"]).or_else(|| {
        let spans = entry.descendent_elements().filter(|element| element.value().name() == "span");
        let spans: Vec<String> = spans.take(6).map(text_of).collect();
        match <[String; 6]>::try_from(spans) {
            Ok([_, call_number, _, author, _, publisher]) => Some([call_number, author, publisher]),
            Err(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_search(&fixture(name)).unwrap_err()
    }

    #[test]
    fn every_book_is_read_whole_although_the_words_found_are_marked() {
        insta::assert_json_snapshot!(parse_search(&fixture("library/search.html")).unwrap());
    }

    #[test]
    fn a_pager_among_the_books_is_no_book() {
        insta::assert_json_snapshot!(parse_search(&fixture("library/search-paged.html")).unwrap());
        let next = parse_search_page(&fixture("library/search-paged.html"), 1).unwrap().next.unwrap();
        assert!(next.contains(&("__EVENTARGUMENT".to_owned(), "Page$2".to_owned())));
    }

    #[test]
    fn under_other_labels_the_places_of_the_spans_decide() {
        let page = fixture("library/search.html");
        let books = parse_search(&page).unwrap();
        let renamed = page.replace("索书号", "索取号").replace("责任者", "著者").replace("出版社：", "出版者：");
        assert_eq!(parse_search(&renamed), Ok(books));
    }

    #[test]
    fn rows_without_links_or_labels_are_no_empty_list() {
        let page = fixture("library/search-paged.html").replace(BOOK_LINK, "B?");
        let page = page.replace("索书号", "?").replace("责任者", "?").replace("出版社", "?");
        assert_eq!(parse_search(&page), Err(PageError::Changed { page: PAGE, missing: "the link to a book" }));
    }

    #[test]
    fn nothing_found_is_an_empty_list() {
        assert_eq!(parse_search(&fixture("library/search-none.html")), Ok(vec![]));
    }

    #[test]
    fn the_id_of_a_book_ends_where_its_parameter_ends() {
        assert_eq!(book_id("/Book.aspx?id=0199&from=1"), Some("0199"));
        assert_eq!(book_id("Book.aspx?id="), None);
        assert_eq!(book_id("Author.aspx?id=1"), None);
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { page: "library-search", .. }));
        assert_eq!(error("library/login-page.html"), PageError::SessionExpired(Layer::Library));
    }

    proptest! {
        #[test]
        fn mutilated_results_have_titles_and_ids_or_are_an_error(page in mutilated("library/search-paged.html")) {
            if let Ok(books) = parse_search(&page) {
                prop_assert!(!books.is_empty(), "books do not vanish");
            }
            for book in parse_search(&page).unwrap_or_default() {
                prop_assert!(!book.title.is_empty() && !book.id.is_empty());
            }
        }
    }
}
