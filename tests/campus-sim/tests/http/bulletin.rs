use campus_sim::{CampusSim, FeedItem, Lecture, System};
use reqwest::Response;

use crate::support::{Browser, gbk, start, texts};

const HOST: &str = "218.196.240.155";

/// A browser with the service account's VPN session.
async fn signed_in(sim: &CampusSim) -> Browser {
    let browser = Browser::new(sim);
    assert!(browser.vpn_login("311509000000", "vpn-000000").await.contains("欢迎您"));
    browser
}

async fn ask(browser: &Browser, path: &str) -> Response {
    browser.client.get(format!("{}/web/1/http/1/{HOST}/swfweb/{path}", browser.vpn)).send().await.unwrap()
}

#[tokio::test]
async fn the_board_shows_lectures_and_notices_through_the_vpn() {
    let sim = start().await;
    let page = ask(&Browser::new(&sim), "hpugg.aspx").await.text().await.unwrap();
    assert_eq!(texts(&page, "title"), ["登录 SSL VPN"]);
    assert_eq!(sim.count(System::Bulletin), 0);

    let browser = signed_in(&sim).await;
    let page = gbk(ask(&browser, "hpugg.aspx").await).await;
    let lectures = sim.lectures();
    let cells = texts(&page, "tr[align=left] div");
    assert_eq!((lectures.len(), cells.len()), (8, 32));
    for (lecture, row) in lectures.iter().zip(cells.chunks(4)) {
        let when = format!("{} {}", lecture.time, lecture.place);
        assert_eq!(row, [lecture.title.as_str(), &lecture.speaker, &when, &lecture.content]);
    }
    let titles: Vec<_> = sim.feed_items(System::Bulletin).into_iter().map(|item| item.title).collect();
    assert_eq!(texts(&page, ".panes div div span a"), titles);
    assert!(page.contains("sf_script"), "the VPN has been at it");
    for address in
        ["\"ggxx.aspx?id=1\"", "\"/vpn/web/2/http/1/218.196.240.155/swfweb/ggxx.aspx?id=2\"", "\"upload/7.doc\""]
    {
        assert!(page.contains(&format!("href={address}")), "{address}: {page}");
    }
    assert_eq!((sim.count_of("bulletin.board"), sim.count_of("vpn.relay")), (1, 1));
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn lectures_and_notices_come_and_go() {
    let sim = start().await;
    let browser = signed_in(&sim).await;
    let old = sim.lectures().remove(0);
    sim.put_lecture(Lecture { title: "新讲座".to_owned(), ..Lecture::default() });
    sim.put_lecture(Lecture { speaker: "改".to_owned(), ..old.clone() });
    sim.remove_lecture(&sim.lectures()[2].title);
    sim.put_feed_item(
        System::Bulletin,
        FeedItem {
            id: 40,
            title: "外".to_owned(),
            link: Some("http://127.0.0.1:81/x".to_owned()),
            ..FeedItem::default()
        },
    );
    let page = gbk(ask(&browser, "hpugg.aspx").await).await;
    let cells = texts(&page, "tr[align=left] div");
    assert_eq!(
        (cells.len(), cells[0].as_str(), cells[4].as_str(), cells[5].as_str()),
        (32, "新讲座", old.title.as_str(), "改")
    );
    assert_eq!(texts(&page, ".panes div div span a")[0], "外");
    assert!(page.contains("href=\"/vpn/web/2/http/1/127.0.0.1:81/x\""), "the VPN relays whatever host: {page}");
}

#[tokio::test]
async fn a_notice_is_a_page_with_labels() {
    let sim = start().await;
    let browser = signed_in(&sim).await;
    for id in [4, 6] {
        let item = sim.feed_items(System::Bulletin).into_iter().find(|item| item.id == id).unwrap();
        let page = gbk(ask(&browser, &format!("ggxx.aspx?id={id}")).await).await;
        assert_eq!(texts(&page, "#Label1"), [item.title]);
        assert_eq!(texts(&page, "#Label2"), if id == 4 { vec![item.date] } else { Vec::new() });
        let text = texts(&page, "#Label3").join("");
        assert!(item.paragraphs.iter().all(|paragraph| text.contains(paragraph)), "{page}");
    }
    for gone in ["ggxx.aspx?id=99", "ggxx.aspx?id=7", "upload/99.doc"] {
        assert_eq!(ask(&browser, gone).await.status(), 404, "{gone}");
    }
    assert_eq!(ask(&browser, "other.aspx").await.status(), 501);
}

#[tokio::test]
async fn a_notice_can_be_a_file_that_the_vpn_leaves_alone() {
    let sim = start().await;
    let browser = signed_in(&sim).await;
    let files =
        [("3.pdf", "application/pdf"), ("7.doc", "application/msword"), ("11.zip", "application/x-zip-compressed")];
    for (name, content_type) in files {
        let response = ask(&browser, &format!("upload/{name}")).await;
        assert_eq!(response.headers()["content-type"], content_type);
        let bytes = response.bytes().await.unwrap();
        let items = sim.feed_items(System::Bulletin);
        let own = items.iter().find_map(|item| match &item.kind {
            campus_sim::FeedKind::File { name: own, bytes } if own == name => Some(bytes.clone()),
            _ => None,
        });
        assert_eq!(Some(bytes.to_vec()), own);
    }
    assert_eq!(sim.count_of("bulletin.notice"), 3);
}
