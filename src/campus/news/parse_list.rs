//! List pages of the university news.

use url::Url;

use crate::campus::{
    feed::{Links, ListPage},
    page::{
        Layer, PageError,
        dom::{Page, text_of},
    },
};

/// Name of this page on the command line and in errors.
const PAGE: &str = "news-list";

/// Part of the path of an article, in lower case.
const ARTICLE: &str = "/contents/";

/// The pager's link to the last page, which exists even on a page without articles.
const PAGER: &str = "尾页";

/// Reads the articles in the order of the page; `address` is the page's own.
pub fn parse_list(html: &str, address: &Url) -> Result<ListPage, PageError> {
    let page = Page::parse(html)?;
    let list = Links::entries(&page, address, ARTICLE);
    list.filter(|list| !list.is_empty() || (has_pager(&page) && page.is_whole()))
        .ok_or_else(|| page.instead(Layer::Vpn, PAGE, "the list of articles"))
}

fn has_pager(page: &Page<'_>) -> bool {
    page.elements("a").any(|link| text_of(link).contains(PAGER))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn address() -> Url {
        Url::parse("http://news.example/list?pageNum=1").unwrap()
    }

    fn read(name: &str) -> Result<ListPage, PageError> {
        parse_list(&fixture(name), &address())
    }

    #[test]
    fn articles_are_read_with_their_dates_and_hostile_links_are_refused() {
        insta::assert_json_snapshot!(read("news/list.gbk.html").unwrap());
    }

    #[test]
    fn a_page_past_the_end_is_empty() {
        assert_eq!(read("news/list-end.gbk.html"), Ok(ListPage::default()));
    }

    #[test]
    fn a_list_whose_articles_have_other_addresses_is_changed_and_not_empty() {
        let moved = fixture("news/list.gbk.html").replace("/contents/", "/archive/");
        assert!(matches!(parse_list(&moved, &address()), Err(PageError::Changed { page: "news-list", .. })));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(read("maintenance.gbk.html"), Err(PageError::Maintenance));
        assert!(matches!(read("garbage.html"), Err(PageError::Changed { page: "news-list", .. })));
        assert!(matches!(read("news/article.gbk.html"), Err(PageError::Changed { .. })));
    }

    proptest! {
        #[test]
        fn links_of_mutilated_pages_never_leave_the_host(page in mutilated("news/list.gbk.html")) {
            for link in parse_list(&page, &address()).unwrap_or_default().links {
                prop_assert_eq!(link.url.origin(), address().origin());
                prop_assert!(!link.title.is_empty());
            }
        }

        #[test]
        fn a_mutilated_list_is_no_empty_one_while_an_entry_is_left(page in mutilated("news/list.gbk.html")) {
            let left = page.to_ascii_lowercase().contains(ARTICLE);
            prop_assert!(!left || parse_list(&page, &address()) != Ok(ListPage::default()));
        }
    }
}
