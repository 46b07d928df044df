//! Misbehaving items, and control of the feeds.

use campus_sim::{Behaviour, CampusSim, FeedItem, System};
use reqwest::{Client, Method, Response, redirect};
use serde_json::{Value, json};

use crate::support::{Browser, gbk, start};

async fn behave(sim: &CampusSim, behaviour: Behaviour) -> reqwest::Result<Response> {
    sim.edit_feed_item(System::News, 90_037, |item| item.behaviour = behaviour);
    let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    client.get(format!("{}/news/contents/543/90037.html", sim.url("news"))).send().await
}

#[tokio::test]
async fn one_item_misbehaves_and_the_others_do_not() {
    let sim = start().await;
    assert_eq!(behave(&sim, Behaviour::ServerError).await.unwrap().status(), 500);
    let elsewhere = behave(&sim, Behaviour::RedirectTo("http://127.0.0.1/secret".to_owned())).await.unwrap();
    assert_eq!(
        (elsewhere.status().as_u16(), &elsewhere.headers()["location"]),
        (302, &"http://127.0.0.1/secret".parse().unwrap())
    );
    let again = behave(&sim, Behaviour::RedirectLoop).await.unwrap();
    assert_eq!((again.status().as_u16(), again.headers()["location"].to_str().unwrap()), (302, again.url().path()));
    let other = reqwest::get(format!("{}/news/contents/543/90036.html", sim.url("news"))).await.unwrap();
    assert!(gbk(other).await.contains("NewsTitle"));
    assert!(gbk(behave(&sim, Behaviour::Normal).await.unwrap()).await.contains("NewsTitle"));
}

#[tokio::test]
async fn an_item_that_hangs_has_arrived_and_is_never_answered() {
    let sim = start().await;
    tokio::select! {
        answer = behave(&sim, Behaviour::Hang) => panic!("it answered: {answer:?}"),
        () = sim.wait_for("news.article", 1) => {}
    }
}

#[tokio::test]
async fn a_huge_item_announces_no_length_and_is_made_while_it_is_read() {
    let sim = start().await;
    let mut response = behave(&sim, Behaviour::Huge).await.unwrap();
    assert_eq!((response.status().as_u16(), response.content_length()), (200, None));
    let mut read = 0;
    while read < 5_000_000 {
        read += response.chunk().await.unwrap().expect("it goes on").len();
    }
}

#[tokio::test]
async fn notices_misbehave_behind_the_vpn() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    browser.vpn_login("311509000000", "vpn-000000").await;
    sim.edit_feed_item(System::Bulletin, 7, |item| item.behaviour = Behaviour::Huge);
    sim.edit_feed_item(System::Bulletin, 8, |item| item.behaviour = Behaviour::RedirectLoop);
    let url = |path| format!("{}/web/1/http/1/218.196.240.155/swfweb/{path}", browser.vpn);
    let mut file = browser.client.get(url("upload/7.doc")).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "application/msword");
    assert!(file.chunk().await.unwrap().unwrap().starts_with(b"\xd0\xcf\x11\xe0"));
    assert!(browser.client.get(url("ggxx.aspx?id=8")).send().await.unwrap_err().is_redirect());
    assert_eq!(sim.unexpected_requests(), [""; 0], "the loop stays inside the VPN");
}

async fn ask(sim: &CampusSim, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut request = Client::new().request(method, format!("{}/_sim/{path}", sim.base_url()));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
}

#[tokio::test]
async fn items_are_listed_added_changed_and_removed() {
    let sim = start().await;
    let (_, list) = ask(&sim, Method::GET, "feeds/news", None).await;
    assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (37, &json!(90_037)));
    let (status, new) = ask(&sim, Method::PUT, "feeds/news/90100", Some(json!({"title": "新"}))).await;
    assert_eq!((status, &new["date"], &new["kind"]), (201, &list[0]["date"], &json!("html")));
    let change = json!({"behaviour": {"redirectTo": "http://127.0.0.1/"}});
    let (status, changed) = ask(&sim, Method::PUT, "feeds/news/90100", Some(change)).await;
    assert_eq!((status, &changed["title"]), (200, &json!("新")));
    let newest = sim.feed_items(System::News).remove(0);
    assert_eq!(newest.behaviour, Behaviour::RedirectTo("http://127.0.0.1/".to_owned()));
    assert_eq!(ask(&sim, Method::GET, "feeds/news/90100", None).await.1, changed);
    assert_eq!(ask(&sim, Method::DELETE, "feeds/news/90100", None).await.0, 204);
    assert_eq!(ask(&sim, Method::GET, "feeds/news/90100", None).await.0, 404);

    let file = json!([{"id": 2, "kind": {"file": {"name": "2.pdf", "bytes": "JVBERg=="}}}, {"id": 1}]);
    assert_eq!(ask(&sim, Method::PUT, "feeds/bulletin", Some(file)).await.0, 204);
    let ids: Vec<_> = sim.feed_items(System::Bulletin).iter().map(|item| item.id).collect();
    assert_eq!(ids, [2, 1]);
}

#[tokio::test]
async fn lectures_are_listed_added_changed_and_removed() {
    let sim = start().await;
    let lecture = json!({"title": "新讲座", "speaker": "甲"});
    assert_eq!(ask(&sim, Method::PUT, "lectures", Some(lecture.clone())).await.0, 201);
    assert_eq!(ask(&sim, Method::PUT, "lectures", Some(lecture)).await.0, 200);
    let (_, list) = ask(&sim, Method::GET, "lectures", None).await;
    assert_eq!((list.as_array().unwrap().len(), &list[0]["speaker"]), (9, &json!("甲")));
    assert_eq!(ask(&sim, Method::DELETE, "lectures/新讲座", None).await.0, 204);
    assert_eq!((ask(&sim, Method::DELETE, "lectures/新讲座", None).await.0, sim.lectures().len()), (404, 8));
}

#[tokio::test]
async fn what_is_wrong_with_an_item_is_said() {
    let sim = start().await;
    let file = json!({"kind": {"file": {"name": "a.doc", "bytes": ""}}});
    let cases = [
        (Method::GET, "feeds/library", None, 404, "library"),
        (Method::GET, "feeds/nwes", None, 404, "nwes"),
        (Method::GET, "feeds/news/x", None, 400, "'x'"),
        (Method::DELETE, "feeds/news/1", None, 404, "1"),
        (Method::PUT, "feeds/news/1", Some(json!({"titel": ""})), 400, "titel"),
        (Method::PUT, "feeds/news/1", Some(json!({"behaviour": "rude"})), 400, "rude"),
        (Method::PUT, "feeds/news/1", Some(file), 400, "bulletin"),
        (Method::PUT, "feeds/news", Some(json!([{"id": 1}, {"id": 1}])), 400, "two items"),
        (Method::PUT, "lectures", Some(json!({"speaker": "x"})), 400, "title"),
        (Method::POST, "lectures", None, 405, "lectures"),
    ];
    for (method, path, body, status, word) in cases {
        let (answered, answer) = ask(&sim, method.clone(), path, body).await;
        assert_eq!(answered, status, "{method} {path}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(word), "{method} {path}: {answer}");
    }
    assert_eq!(sim.feed_items(System::News).len(), 37);
}

#[tokio::test]
#[should_panic(expected = "library publishes nothing")]
async fn a_test_that_asks_for_the_items_of_another_system_fails() {
    start().await.put_feed_item(System::Library, FeedItem::default());
}
