use campus_sim::{Fault, FeedItem, System};
use reqwest::get;

use crate::support::{gbk, start, texts};

const LIST: &str = "SiteFiles/Inner/dynamic/output.aspx?publishmentSystemID=543&pageNodeID=544&pageNum=";

/// Addresses in a page of the list.
fn links(page: &str) -> Vec<&str> {
    page.split("<li><a href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn the_list_is_walked_back_from_the_newest_to_the_oldest() {
    let sim = start().await;
    let mut ids = Vec::new();
    for number in 1..=5 {
        let page = gbk(get(format!("{}/{LIST}{number}", sim.url("news"))).await.unwrap()).await;
        assert!(page.contains("尾页"), "the pager is on every page");
        let start = format!("{}/news/contents/543/", sim.url("news"));
        let visible = page.split("<!--").next().unwrap();
        let articles: Vec<_> = links(visible).into_iter().filter_map(|link| link.strip_prefix(&start)).collect();
        assert_eq!(articles.len(), [10, 10, 10, 7, 0][number - 1], "page {number}");
        assert_eq!(texts(&page, ".NewsList li > span").len(), articles.len());
        ids.extend(articles.iter().map(|name| name.strip_suffix(".html").unwrap().parse::<u32>().unwrap()));
    }
    assert!(ids.iter().copied().eq((90_001..=90_037).rev()));
    assert_eq!((sim.count_of("news.list"), sim.count_of("news.article")), (5, 0));
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn an_article_has_title_source_date_text_and_pictures() {
    let sim = start().await;
    sim.put_feed_item(
        System::News,
        FeedItem {
            id: 95_000,
            title: "A & B <新>".to_owned(),
            date: "2017-12-02".to_owned(),
            tag: "宣传部".to_owned(),
            paragraphs: vec!["第一段。".to_owned(), "第二段 <i>".to_owned()],
            images: vec!["/news/upload/1.jpg".to_owned()],
            ..FeedItem::default()
        },
    );
    let list = gbk(get(format!("{}/{LIST}1", sim.url("news"))).await.unwrap()).await;
    assert_eq!(texts(&list, ".NewsList a")[0], "A & B <新>");
    let page = gbk(get(format!("{}/news/contents/543/95000.html", sim.url("news"))).await.unwrap()).await;
    assert_eq!(texts(&page, ".NewsTitle"), ["A & B <新>"]);
    assert!(texts(&page, "td").contains(&"供稿人：宣传部 发布：admin 2017-12-02 点击：".to_owned()), "{page}");
    assert_eq!(texts(&page, "#NewsContent p.p0"), ["第一段。", "第二段 <i>"]);
    assert!(page.contains("<img border=\"0\" src=\"/news/upload/1.jpg\">"));
    let gone = get(format!("{}/news/contents/543/1.html", sim.url("news"))).await.unwrap();
    assert_eq!(gone.status(), 404);
    assert_eq!(sim.count_of("news.article"), 2);
}

#[tokio::test]
async fn an_empty_list_is_still_the_list_and_a_broken_one_is_not() {
    let sim = start().await;
    sim.set_fault(System::News, Fault::empty().times(1));
    sim.set_fault(System::Logistics, Fault::maintenance());
    let page = gbk(get(format!("{}/{LIST}1", sim.url("news"))).await.unwrap()).await;
    assert!(page.contains("尾页") && texts(&page, ".NewsList li").is_empty());
    sim.set_fault(System::News, Fault::maintenance().on("list"));
    let page = gbk(get(format!("{}/{LIST}1", sim.url("news"))).await.unwrap()).await;
    assert!(page.contains("系统维护中") && !page.contains("尾页"));
    let article = get(format!("{}/news/contents/543/90001.html", sim.url("news"))).await.unwrap();
    assert!(gbk(article).await.contains("NewsTitle"), "the fault is the list's");
    let wrong = get(format!("{}/{LIST}0", sim.url("news"))).await.unwrap();
    assert_eq!((wrong.status().as_u16(), sim.unexpected_requests().len()), (501, 1));
}
