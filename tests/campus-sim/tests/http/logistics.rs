use campus_sim::{Fault, System};
use reqwest::get;

use crate::support::{gbk, start, texts};

const LIST: &str = "dsh/Pchome/GetNewsListbySub?RowCount=0&PageSize=10&LgType=1&PID=0101&PageIndex=";

#[tokio::test]
async fn the_list_is_a_fragment_in_gbk_that_ends_with_an_empty_page() {
    let sim = start().await;
    for (number, rows) in [(1, 10), (2, 10), (3, 5)] {
        let page = gbk(get(format!("{}/{LIST}{number}", sim.url("logistics"))).await.unwrap()).await;
        assert_eq!(texts(&page, "ul.newslist li a").len(), rows);
        let newest = 25 - 10 * (number - 1);
        assert!(page.contains(&format!("<a href=\"/logistics/dsh/Pchome/newsInfoDesc?ID={newest}\">")), "{page}");
    }
    sim.set_fault(System::Logistics, Fault::empty().times(1));
    for number in [1, 4] {
        // Without articles nothing in the fragment is Chinese.
        let page = get(format!("{}/{LIST}{number}", sim.url("logistics"))).await.unwrap().text().await.unwrap();
        assert!(page.contains("class=\"newslist\"") && !page.contains("<li"), "{page}");
    }
    let wrong = get(format!("{}/dsh/Pchome/GetNewsListbySub?PageIndex=1", sim.url("logistics"))).await.unwrap();
    assert_eq!((wrong.status().as_u16(), sim.count_of("logistics.list")), (501, 5));
}

#[tokio::test]
async fn an_article_is_utf_8() {
    let sim = start().await;
    let item = sim.feed_items(System::Logistics).remove(0);
    let url = format!("{}/dsh/Pchome/newsInfoDesc?ID={}", sim.url("logistics"), item.id);
    let bytes = get(&url).await.unwrap().bytes().await.unwrap();
    let page = String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(texts(&page, ".title h2"), [item.title]);
    assert_eq!(texts(&page, ".title span"), ["2017/12/1"]);
    assert_eq!(texts(&page, ".centerrighthead a")[1], item.tag);
    let text = texts(&page, ".Newstxt").join("");
    assert!(item.paragraphs.iter().all(|paragraph| text.contains(paragraph)), "{page}");
    sim.remove_feed_item(System::Logistics, item.id);
    assert_eq!(get(&url).await.unwrap().status(), 404);
    assert_eq!(sim.count_of("logistics.article"), 2);
}
