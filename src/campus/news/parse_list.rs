//! List pages of the university news.

use scraper::ElementRef;
use url::Url;

use crate::campus::{
    feed::{Links, ListPage, date_near, title_of},
    page::{Layer, PageError, dom::Page},
};

/// The name of this page on the command line and in errors.
const PAGE: &str = "news-list";

/// What the path of an article has in it.
const ARTICLE: &str = "/contents/";

/// The pager's link to the last page, which even a page without articles has.
const PAGER: &str = "尾页";

/// Reads the articles in the order of the page; `address` is the page's own. An entry of the list that leads elsewhere is
/// told from the links of menus by its date.
pub fn parse_list(html: &str, address: &Url) -> Result<ListPage, PageError> {
    let page = Page::parse(html)?;
    let mut links = Links::new(address);
    for link in page.elements("a") {
        let Some(href) = link.attr("href") else { continue };
        let url = address.join(href.trim()).ok();
        let is_article = url.as_ref().is_some_and(|url| url.path().contains(ARTICLE));
        let date = if is_article || is_entry(link) { date_near(link) } else { None };
        let is_own = url.as_ref().is_some_and(|url| url.origin() == address.origin());
        if is_article || (date.is_some() && !is_own) {
            links.take(href, url, title_of(link), date);
        }
    }
    let list = links.finish();
    let known = !list.links.is_empty() || !list.refused.is_empty() || page.shows(PAGER);
    if known { Ok(list) } else { Err(page.instead(Layer::Vpn, PAGE, "the list of articles")) }
}

/// Whether a link stands in an entry of a list.
fn is_entry(link: ElementRef<'_>) -> bool {
    link.ancestors().filter_map(ElementRef::wrap).take(3).any(|part| part.value().name() == "li")
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
    }
}
