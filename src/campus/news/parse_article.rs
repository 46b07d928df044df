//! An article of the university news.

use scraper::ElementRef;

use crate::campus::{
    feed::{ArticlePage, Link, date_in, images_of, paragraphs_of},
    page::{
        Layer, PageError,
        dom::{Page, text_of},
    },
};

/// Name of this page on the command line and in errors.
pub(super) const PAGE: &str = "news-article";

/// Label before the name of the author.
const AUTHOR: &str = "供稿人";

/// Word after that name.
const PUBLISHED: &str = "发布";

/// How many elements around the author can hold the date.
const LEVELS: usize = 3;

/// Reads the article; a missing title or date is taken from the `link` to it.
pub fn parse_article(html: &str, link: &Link) -> Result<ArticlePage, PageError> {
    let page = Page::parse(html)?;
    let instead = |missing| Err(page.instead(Layer::Vpn, PAGE, missing));
    let Some(content) = page.any_by_id("NewsContent") else { return instead("the text") };
    let Some(title) = page.of_class("NewsTitle").next() else { return instead("the title") };
    let title = Some(text_of(title)).filter(|title| !title.is_empty()).unwrap_or_else(|| link.title.clone());
    let (tag, time) = about(&page).unwrap_or_default();
    Ok(ArticlePage {
        title,
        time: time.or_else(|| link.date.clone()).unwrap_or_default(),
        tag,
        text: paragraphs_of(content),
        images: images_of(content, |source| link.url.join(source).ok()),
    })
}

/// Author and date, from the row that names the author.
fn about(page: &Page<'_>) -> Option<(Option<String>, Option<String>)> {
    let named = page.having_text(AUTHOR)?;
    let around = std::iter::once(named).chain(named.ancestors().filter_map(ElementRef::wrap));
    let rows: Vec<String> = around.take(LEVELS).map(text_of).collect();
    let behind = |row: &str| row.split_once(AUTHOR).map(|(_, behind)| behind.to_owned());
    let time = rows.iter().find_map(|row| date_in(&behind(row)?));
    let tag = rows.iter().find_map(|row| author(&behind(row)?));
    Some((tag, time))
}

fn author(text: &str) -> Option<String> {
    let text = text.trim_start_matches([':', '：', ' ']);
    let end = text.find(PUBLISHED).unwrap_or(text.len());
    let name = text[..end].split(' ').next().unwrap_or_default();
    // Not the date of a row without an author.
    (!name.is_empty() && date_in(name).is_none()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn link() -> Link {
        Link {
            url: Url::parse("http://news.example/news/contents/543/90001.html").unwrap(),
            title: "题".to_owned(),
            date: Some("2017-11-30".to_owned()),
        }
    }

    fn read(name: &str) -> Result<ArticlePage, PageError> {
        parse_article(&fixture(name), &link())
    }

    #[test]
    fn an_article_is_read_with_author_date_paragraphs_and_images() {
        insta::assert_json_snapshot!(read("news/article.gbk.html").unwrap());
    }

    #[test]
    fn what_the_page_lacks_is_taken_from_the_link() {
        let bare = "<div class='a NewsTitle'></div><div id=NewsContent>文</div>";
        let article = parse_article(bare, &link()).unwrap();
        assert_eq!((article.title.as_str(), article.time.as_str(), article.tag), ("题", "2017-11-30", None));
        let dated = format!("{bare}<table><tr><td>供稿人：<td>发布：admin<td>2017-12-02</table>");
        let article = parse_article(&dated, &link()).unwrap();
        assert_eq!((article.time.as_str(), article.tag), ("2017-12-02", None));
    }

    #[test]
    fn an_article_about_maintenance_is_an_article() {
        let page = fixture("news/article.gbk.html").replace("</p>", "系统维护</p>");
        assert!(parse_article(&page, &link()).unwrap().text.contains("系统维护"));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(read("maintenance.gbk.html"), Err(PageError::Maintenance));
        assert!(matches!(read("garbage.html"), Err(PageError::Changed { page: "news-article", .. })));
    }

    proptest! {
        #[test]
        fn mutilated_articles_have_a_title_or_are_an_error(page in mutilated("news/article.gbk.html")) {
            if let Ok(article) = parse_article(&page, &link()) {
                prop_assert!(!article.title.is_empty());
                prop_assert!(article.text.lines().all(|line| !line.trim().is_empty()));
            }
        }
    }
}
