//! An article of the logistics department's news.

use scraper::ElementRef;

use crate::campus::{
    feed::{ArticlePage, Link, date_in, images_of, paragraphs_of},
    page::{
        Layer, PageError,
        dom::{Page, text_of},
    },
};

/// Name of this page on the command line and in errors.
pub(super) const PAGE: &str = "logistics-article";

/// Position of the section among the links of the path above the article.
const SECTION: usize = 1;

/// Reads the article; a missing title or date is taken from the `link` to it.
pub fn parse_article(html: &str, link: &Link) -> Result<ArticlePage, PageError> {
    let page = Page::parse(html)?;
    let instead = |missing| Err(page.instead(Layer::Vpn, PAGE, missing));
    let Some(content) = page.of_class("Newstxt").next() else { return instead("the text") };
    let Some(title) = page.of_class("title").flat_map(|part| below(part, "h2")).next() else {
        return instead("the title");
    };
    let title = Some(text_of(title)).filter(|title| !title.is_empty()).unwrap_or_else(|| link.title.clone());
    let mut dates = page.of_class("title").flat_map(|part| below(part, "span")).map(text_of);
    let time = dates.find_map(|text| date_in(&text));
    let section = page.of_class("centerrighthead").flat_map(|part| below(part, "a")).nth(SECTION).map(text_of);
    Ok(ArticlePage {
        title,
        time: time.or_else(|| link.date.clone()).unwrap_or_default(),
        tag: section.filter(|section| !section.is_empty()),
        text: paragraphs_of(content),
        images: images_of(content, |source| link.url.join(source).ok()),
    })
}

fn below<'a>(part: ElementRef<'a>, name: &'static str) -> impl Iterator<Item = ElementRef<'a>> {
    part.descendent_elements().filter(move |element| element.value().name() == name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn link() -> Link {
        Link {
            url: Url::parse("http://logistics.example/dsh/Pchome/newsInfoDesc?ID=25").unwrap(),
            title: "题".to_owned(),
            date: Some("2017-11-30".to_owned()),
        }
    }

    fn read(name: &str) -> Result<ArticlePage, PageError> {
        parse_article(&fixture(name), &link())
    }

    #[test]
    fn an_article_is_read_with_section_date_paragraphs_and_images() {
        insta::assert_json_snapshot!(read("logistics/article.html").unwrap());
    }

    #[test]
    fn what_the_page_lacks_is_taken_from_the_link() {
        let bare = "<div class=title><h2></h2></div><div class=Newstxt>文</div>";
        let article = parse_article(bare, &link()).unwrap();
        assert_eq!((article.title.as_str(), article.time.as_str(), article.tag), ("题", "2017-11-30", None));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(read("maintenance.gbk.html"), Err(PageError::Maintenance));
        assert!(matches!(read("garbage.html"), Err(PageError::Changed { page: "logistics-article", .. })));
    }

    proptest! {
        #[test]
        fn mutilated_articles_have_a_title_or_are_an_error(page in mutilated("logistics/article.html")) {
            if let Ok(article) = parse_article(&page, &link()) {
                prop_assert!(!article.title.is_empty());
            }
        }
    }
}
