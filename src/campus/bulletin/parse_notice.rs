//! A notice that is a text.

use super::address::unwrap;
use crate::campus::{
    feed::{ArticlePage, Link, date_in, images_of, paragraphs_of},
    page::{
        Layer, PageError,
        dom::{Page, text_of},
    },
};

/// Name of this page on the command line and in errors.
pub(super) const PAGE: &str = "bulletin-notice";

/// Reads the notice; a missing title or date is taken from the `link` to it.
pub fn parse_notice(html: &str, link: &Link) -> Result<ArticlePage, PageError> {
    let page = Page::parse(html)?;
    let Some(content) = page.any_by_id("Label3") else {
        return Err(page.instead(Layer::Vpn, PAGE, "the text"));
    };
    let label = |id: &str| page.any_by_id(id).map(text_of).filter(|text| !text.is_empty());
    let time = label("Label2").and_then(|text| date_in(&text));
    Ok(ArticlePage {
        title: label("Label1").unwrap_or_else(|| link.title.clone()),
        time: time.or_else(|| link.date.clone()).unwrap_or_default(),
        tag: None,
        text: paragraphs_of(content),
        images: images_of(content, |source| unwrap(source, &link.url)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn link() -> Link {
        Link {
            url: Url::parse("http://10.0.0.5/swfweb/ggxx.aspx?id=7").unwrap(),
            title: "题".to_owned(),
            date: Some("2017-11-30".to_owned()),
        }
    }

    fn read(name: &str) -> Result<ArticlePage, PageError> {
        parse_notice(&fixture(name), &link())
    }

    #[test]
    fn a_notice_is_read_with_its_paragraphs_and_the_inner_addresses_of_its_images() {
        insta::assert_json_snapshot!(read("bulletin/notice.gbk.html").unwrap());
    }

    #[test]
    fn what_the_page_lacks_is_taken_from_the_link() {
        let notice = parse_notice("<span id=Label3>文</span>", &link()).unwrap();
        assert_eq!((notice.title.as_str(), notice.time.as_str()), ("题", "2017-11-30"));
    }

    #[test]
    fn maintenance_garbage_and_an_ended_session_are_told_apart() {
        assert_eq!(read("maintenance.gbk.html"), Err(PageError::Maintenance));
        assert!(matches!(read("garbage.html"), Err(PageError::Changed { page: "bulletin-notice", .. })));
        assert_eq!(read("vpn/login-page.html"), Err(PageError::SessionExpired(Layer::Vpn)));
    }

    proptest! {
        #[test]
        fn mutilated_notices_have_a_title_or_are_an_error(page in mutilated("bulletin/notice.gbk.html")) {
            if let Ok(notice) = parse_notice(&page, &link()) {
                prop_assert!(!notice.title.is_empty());
            }
        }
    }
}
