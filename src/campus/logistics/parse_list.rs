//! Lists of the logistics department's news: fragments of a page.

use url::Url;

use crate::campus::{
    feed::{Links, ListPage},
    page::{Layer, PageError, dom::Page},
};

/// Name of this page on the command line and in errors.
const PAGE: &str = "logistics-list";

/// Part of the path of an article, in lower case.
const ARTICLE: &str = "/newsinfodesc";

/// Class of the list, which exists even when it is empty.
const LIST: &str = "newslist";

/// Reads the articles in the order of the page; `address` is the page's own.
pub fn parse_list(html: &str, address: &Url) -> Result<ListPage, PageError> {
    let page = Page::parse(html)?;
    let list = Links::entries(&page, address, ARTICLE);
    list.filter(|list| !list.is_empty() || page.of_class(LIST).next().is_some())
        .ok_or_else(|| page.instead(Layer::Vpn, PAGE, "the list of articles"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn address() -> Url {
        Url::parse("http://logistics.example/dsh/Pchome/GetNewsListbySub?PageIndex=1").unwrap()
    }

    fn read(name: &str) -> Result<ListPage, PageError> {
        parse_list(&fixture(name), &address())
    }

    #[test]
    fn articles_are_read_with_their_dates_and_hostile_links_are_refused() {
        insta::assert_json_snapshot!(read("logistics/list.gbk.html").unwrap());
    }

    #[test]
    fn a_page_past_the_end_is_empty() {
        assert_eq!(parse_list("<ul class=\"newslist\">\r\n</ul>", &address()), Ok(ListPage::default()));
    }

    #[test]
    fn a_list_whose_articles_have_other_addresses_is_changed_and_not_empty() {
        let moved = fixture("logistics/list.gbk.html").replace("newsInfoDesc", "detail");
        assert!(matches!(parse_list(&moved, &address()), Err(PageError::Changed { page: "logistics-list", .. })));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(read("maintenance.gbk.html"), Err(PageError::Maintenance));
        assert!(matches!(read("garbage.html"), Err(PageError::Changed { page: "logistics-list", .. })));
        assert!(matches!(parse_list("", &address()), Err(PageError::Changed { .. })));
    }

    proptest! {
        #[test]
        fn links_of_mutilated_pages_never_leave_the_host(page in mutilated("logistics/list.gbk.html")) {
            for link in parse_list(&page, &address()).unwrap_or_default().links {
                prop_assert_eq!(link.url.origin(), address().origin());
                prop_assert!(!link.title.is_empty());
            }
        }

        #[test]
        fn a_mutilated_list_is_no_empty_one_while_an_entry_is_left(page in mutilated("logistics/list.gbk.html")) {
            let left = page.to_ascii_lowercase().contains(ARTICLE);
            prop_assert!(!left || parse_list(&page, &address()) != Ok(ListPage::default()));
        }
    }
}
