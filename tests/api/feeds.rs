//! `/api/rss`: pages of articles, and articles.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures_util::future::join_all;
use mongodb::bson::{DateTime, doc, oid::ObjectId};
use reqwest::{Method, Url};
use serde_json::Value;
use wehpu_engine::model::{CLASSES, Class};
use wehpu_engine::store::Article;

use crate::support::{Student, TestApp, run_engine, setup};

/// Stores `count` articles, the first of them the oldest; several have the same day.
async fn seed(app: &TestApp, class: Class, count: u32) {
    let articles = &app.replicas[0].app.store.articles;
    for n in 0..count {
        let article = Article {
            key: format!("{}/{n}", class.name()),
            title: format!("{} {n}", class.name()),
            time: format!("2017-12-{:02}", n / 7 + 1),
            tag: Some("校园".to_owned()),
            content: format!("<p>第 {n} 篇</p>"),
            ..Article::default()
        };
        articles.put(class, &article, app.clock.now()).await.unwrap();
    }
    app.db.replicated().await;
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|article| article["_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_of_every_class_show_each_article_once_the_newest_first() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for class in CLASSES {
                seed(app, class, 25).await;
                let path = format!("/api/rss/{}", class.name());
                let whole = student.get(&format!("{path}?start=0&count=50")).await.expect(200);
                let whole = whole.data().as_array().unwrap().clone();
                assert_eq!(whole.len(), 25);
                assert!(whole.windows(2).all(|pair| pair[0]["time"].as_str() >= pair[1]["time"].as_str()));
                let mut paged = Vec::new();
                for start in [0, 10, 20] {
                    let page = student.get(&format!("{path}?start={start}")).await.expect(200);
                    paged.extend(page.data().as_array().unwrap().clone());
                }
                assert_eq!(paged, whole);
                assert_eq!(ids(&Value::from(paged)).into_iter().collect::<HashSet<_>>().len(), 25);
                student.get(&format!("{path}?start=25")).await.expect_error(404, "NOT_FOUND");
                for article in &whole {
                    let fields: Vec<_> = article.as_object().unwrap().keys().map(String::as_str).collect();
                    assert!(
                        fields.iter().all(|f| ["_id", "title", "time", "tag", "timestamp"].contains(f)),
                        "{fields:?}"
                    );
                }
            }
        })
        .await;
}

#[tokio::test]
async fn times_have_dashes_and_two_digits_in_every_class_and_order_by_the_day() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let store = &app.replicas[0].app.store.articles;
            for class in CLASSES {
                for (n, time) in ["2017/9/30", "2017年11月9日", "2017/10/8"].into_iter().enumerate() {
                    let article = Article {
                        key: n.to_string(),
                        title: time.to_owned(),
                        time: time.to_owned(),
                        ..Article::default()
                    };
                    store.put(class, &article, app.clock.now()).await.unwrap();
                }
                app.db.replicated().await;
                let list = student.get(&format!("/api/rss/{}", class.name())).await.expect(200);
                let times: Vec<_> =
                    list.data().as_array().unwrap().iter().map(|article| article["time"].clone()).collect();
                assert_eq!(times, ["2017-11-09", "2017-10-08", "2017-09-30"], "{}", class.name());
                let id = &ids(list.data())[0];
                let whole = student.get(&format!("/api/rss/{}/{id}", class.name())).await.expect(200);
                assert_eq!(whole.data()["time"], "2017-11-09");
            }
        })
        .await;
}

#[tokio::test]
async fn articles_stored_in_another_form_are_shown_with_dashes() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let day = |text: &str| {
                DateTime::from_millis(text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis())
            };
            let stored = [
                doc! { "title": "a", "time": "2017/11/9", "key": "a", "publishedAt": day("2017-11-08T16:00:00Z") },
                doc! { "title": "b", "time": "2017-11-10", "key": "b", "publishedAt": day("2017-11-09T16:00:00Z") },
                doc! { "title": "c", "time": "2017-11-8", "__v": 0, "publishedAt": day("2017-11-07T16:00:00Z") },
            ];
            app.db.collection("logistics").insert_many(stored).await.unwrap();
            app.db.replicated().await;
            let list = student.get("/api/rss/logistics").await.expect(200);
            let times: Vec<_> = list.data().as_array().unwrap().iter().map(|article| article["time"].clone()).collect();
            assert_eq!(times, ["2017-11-10", "2017-11-09", "2017-11-08"]);
        })
        .await;
}

#[tokio::test]
async fn an_article_is_shown_whole() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let lecture = Article {
                key: "a".to_owned(),
                title: "学术讲座".to_owned(),
                time: "2017年12月1日 15:00".to_owned(),
                content: "内容".to_owned(),
                place: Some("1号楼".to_owned()),
                speaker: Some("李四".to_owned()),
                ..Article::default()
            };
            app.replicas[0].app.store.articles.put(Class::Lecture, &lecture, app.clock.now()).await.unwrap();
            app.db.replicated().await;
            let list = student.get("/api/rss/lecture").await.expect(200);
            let id = &ids(list.data())[0];
            let answer = student.get(&format!("/api/rss/lecture/{id}")).await.expect(200);
            for (field, value) in [
                ("title", "学术讲座"),
                ("time", "2017-12-01 15:00"),
                ("content", "内容"),
                ("place", "1号楼"),
                ("speaker", "李四"),
            ] {
                assert_eq!(answer.data()[field], value);
            }
            assert!(answer.data().get("href").is_none());
        })
        .await;
}

#[tokio::test]
async fn href_is_a_string_also_where_the_old_service_stored_a_list() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let id = ObjectId::new();
            let address = "https://files.example/a.doc";
            let old = doc! {
                "_id": id, "title": "放假通知", "content": "", "href": [address, "https://files.example/b.doc"],
                "timestamp": DateTime::from_millis(1_512_090_123_000), "__v": 0,
            };
            app.db.collection("notices").insert_one(old).await.unwrap();
            app.db.replicated().await;
            let answer = student.get(&format!("/api/rss/notice/{}", id.to_hex())).await.expect(200);
            assert_eq!(answer.data()["href"], address);
            let list = student.get("/api/rss/notice").await.expect(200);
            assert_eq!(list.data()[0]["time"], "2017-12-01");
        })
        .await;
}

#[tokio::test]
async fn an_unknown_class_and_an_id_of_no_article_are_404() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            seed(app, Class::News, 1).await;
            let id = ids(student.get("/api/rss/news").await.expect(200).data())[0].clone();
            let unknown = ObjectId::new().to_hex();
            for path in [
                "gossip".to_owned(),
                "lectures".to_owned(),
                "users".to_owned(),
                format!("gossip/{id}"),
                format!("logistics/{id}"),
                format!("news/{unknown}"),
                "news/1".to_owned(),
                "news/not-an-object-id-at-all".to_owned(),
                "news/%7B%22$gt%22:%22%22%7D".to_owned(),
                "notice".to_owned(),
            ] {
                student.get(&format!("/api/rss/{path}")).await.expect_error(404, "NOT_FOUND");
            }
        })
        .await;
}

#[tokio::test]
async fn start_and_count_out_of_range_are_400() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            seed(app, Class::News, 1).await;
            for query in [
                "start=-1",
                "start=x",
                "start=1.5",
                "start=99999999999999999999",
                "count=0",
                "count=-1",
                "count=51",
                "count=x",
                "count=10&count=20",
            ] {
                student.get(&format!("/api/rss/news?{query}")).await.expect_error(400, "BAD_REQUEST");
            }
        })
        .await;
}

#[tokio::test]
async fn a_search_finds_chinese_words_in_title_and_content_and_no_patterns() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let articles = &app.replicas[0].app.store.articles;
            for (n, (title, content)) in [
                ("关于期末考试安排的通知", "请各班按时参加"),
                ("停水通知", "3号楼期末检修 (Water)"),
                ("放假通知", "注意安全"),
            ]
            .into_iter()
            .enumerate()
            {
                let time = format!("2017-12-0{}", n + 1);
                let (key, title, content) = (n.to_string(), title.to_owned(), content.to_owned());
                let article = Article { key, title, time, content, ..Article::default() };
                articles.put(Class::Notice, &article, app.clock.now()).await.unwrap();
            }
            app.db.replicated().await;
            let found = async |q: &str| {
                let q: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
                let answer = student.get(&format!("/api/rss/notice?q={q}")).await;
                let titles = answer.data().as_array().cloned().unwrap_or_default();
                titles.iter().map(|found| found["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(found("期末").await, ["停水通知", "关于期末考试安排的通知"]);
            assert_eq!(found("期末 water").await, ["停水通知"]);
            assert_eq!(found("通知").await.len(), 3);
            for nothing in ["寒假", ".*", "(停", "期末|放假"] {
                assert!(found(nothing).await.is_empty(), "{nothing}");
            }
            student.get("/api/rss/notice?q=a+b+c+d+e+f").await.expect_error(400, "BAD_REQUEST");
        })
        .await;
}

#[tokio::test]
async fn a_feed_reader_gets_the_newest_articles_without_a_token_and_once() {
    setup()
        .run(async |app| {
            seed(app, Class::News, 40).await;
            let fetch = async |etag: &str| {
                let request = app.request_at(&app.replicas[0].url, Method::GET, "/api/rss/news.atom");
                request.header("if-none-match", etag).send().await.unwrap()
            };
            let answer = fetch("").await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], "application/atom+xml; charset=utf-8");
            assert_eq!(answer.headers()["cache-control"], "public, max-age=600");
            let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
            let text = answer.text().await.unwrap();
            assert_eq!(text.matches("<entry>").count(), 30);
            assert!(text.contains("<title>news 39</title>") && !text.contains("<title>news 9</title>"), "{text}");
            assert_eq!(fetch(&etag).await.status(), 304);
            app.get("/api/rss/sport.atom").await.expect(403);
        })
        .await;
}

/// The addresses of all feeds, as path and query.
async fn addresses(student: &Student<'_>) -> HashMap<String, String> {
    let answer = student.post_form("/api/rss/subscription", &[]).await.expect(201);
    let feeds = answer.data()["feeds"].as_array().unwrap().clone();
    let address = |feed: Value| {
        let url: Url = feed["url"].as_str().unwrap().parse().unwrap();
        assert_eq!(url.query().is_none(), feed["public"].as_bool().unwrap(), "{feed}");
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        (feed["classify"].as_str().unwrap().to_owned(), format!("{}{query}", url.path()))
    };
    feeds.into_iter().map(address).collect()
}

async fn read(app: &TestApp, path: &str) -> (u16, String, String) {
    let answer = app.request(Method::GET, path).send().await.unwrap();
    let cached = answer.headers()["cache-control"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), cached, answer.text().await.unwrap())
}

#[tokio::test]
async fn what_lies_behind_the_vpn_is_read_under_a_personal_address_only() {
    setup()
        .run(async |app| {
            for class in CLASSES {
                seed(app, class, 3).await;
            }
            let student = app.bound(1).await;
            let addresses = addresses(&student).await;
            for class in ["news", "logistics"] {
                let (status, cached, _) = read(app, &addresses[class]).await;
                assert_eq!((status, cached.as_str()), (200, "public, max-age=600"), "{class}");
            }
            for class in ["lecture", "notice"] {
                let (status, cached, text) = read(app, &addresses[class]).await;
                assert_eq!((status, cached.as_str()), (200, "private, no-cache"), "{class}");
                let (_, token) = addresses[class].split_once("token=").unwrap();
                assert!(text.contains("<entry>") && !text.contains(token), "{text}");
                for wrong in ["", "?token=", "?token=abc", "?token=%24gt", &format!("?token={}", "0".repeat(64))] {
                    let answer = app.get(&format!("/api/rss/{class}.atom{wrong}")).await.expect_error(404, "NOT_FOUND");
                    assert_eq!(answer.message(), "没有这个订阅");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn a_personal_address_of_feeds_opens_no_calendar_and_that_of_a_calendar_no_feed() {
    setup()
        .run(async |app| {
            seed(app, Class::Notice, 1).await;
            let student = app.bound(1).await;
            let feeds = addresses(&student).await;
            let calendar = student.post_form("/api/course/subscription", &[]).await.expect(201);
            let calendar: Url = calendar.data()["url"].as_str().unwrap().parse().unwrap();
            let (_, token) = feeds["notice"].split_once('?').unwrap();
            app.get(&format!("/api/course.ics?{token}")).await.expect_error(404, "NOT_FOUND");
            let path = format!("/api/rss/notice.atom?{}", calendar.query().unwrap());
            app.get(&path).await.expect_error(404, "NOT_FOUND");
            assert_eq!(read(app, &feeds["notice"]).await.0, 200);
        })
        .await;
}

#[tokio::test]
async fn personal_addresses_of_feeds_end_with_their_successors_revocation_unbinding_and_deletion() {
    setup()
        .run(async |app| {
            seed(app, Class::Lecture, 1).await;
            let student = app.bound(1).await;
            let gone = async |path: &str| app.get(path).await.expect_error(404, "NOT_FOUND");
            let fresh = async || {
                let address = addresses(&student).await["lecture"].clone();
                app.db.replicated().await;
                assert_eq!(read(app, &address).await.0, 200);
                address
            };
            let delete = async |path: &str| student.send(student.request(Method::DELETE, path)).await.expect(200);
            let (first, second) = (fresh().await, fresh().await);
            gone(&first).await;
            delete("/api/course/subscription").await;
            assert_eq!(read(app, &second).await.0, 200, "only the calendar's ends");
            delete("/api/rss/subscription").await;
            gone(&second).await;
            let third = fresh().await;
            delete("/api/bind").await;
            gone(&third).await;
            student.post_form("/api/rss/subscription", &[]).await.expect_error(400, "NOT_BOUND");
            student.bind().await;
            gone(&third).await;
            let last = fresh().await;
            app.replicas[0].app.store.subscriptions.revoke(&student.open_id).await.unwrap();
            gone(&last).await;
            let last = fresh().await;
            delete("/api/user").await;
            gone(&last).await;
            assert!(app.db.all("feed_subscriptions").await.is_empty());
        })
        .await;
}

#[tokio::test]
async fn the_operator_says_which_feeds_are_public() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_PUBLIC_FEEDS", "none"))
        .run(async |app| {
            seed(app, Class::News, 1).await;
            app.get("/api/rss/news.atom").await.expect_error(404, "NOT_FOUND");
            let all = app.start_replica(|settings| _ = settings.set("WEHPU_PUBLIC_FEEDS", "notice, news")).await;
            let request = app.request_at(&all.url, Method::GET, "/api/rss/news.atom?token=whatever");
            assert_eq!(request.send().await.unwrap().status(), 200);
            let mut settings = app.settings.clone();
            settings.set("WEHPU_PUBLIC_FEEDS", "news,lectures");
            let refused = run_engine(&["config"], &settings).await;
            assert!(refused.stderr.contains("WEHPU_PUBLIC_FEEDS: must be"), "{refused:?}");
        })
        .await;
}

#[tokio::test]
async fn an_account_searches_twenty_times_a_minute_in_articles_and_library_together() {
    setup()
        .run(async |app| {
            let (student, other) = (app.bound(1).await, app.student(2).await);
            seed(app, Class::News, 1).await;
            for n in 0..10 {
                student.get(&format!("/api/rss/news?q=news%20{n}")).await;
                student.get(&format!("/api/library/books?q=Rust{n}")).await;
            }
            let asked = app.sim.count_of("library.search");
            for path in ["/api/rss/news?q=news", "/api/library/books?q=Rust"] {
                let answer = student.get(path).await.expect_error(429, "RATE_LIMITED");
                assert!((1..=60).contains(&answer.retry_after()), "{answer:?}");
            }
            assert_eq!(app.sim.count_of("library.search"), asked);
            // Who is refused and goes on is refused without a write.
            let counted = app.db.all("limits").await;
            for _ in 0..5 {
                student.get("/api/rss/news?q=news").await.expect_error(429, "RATE_LIMITED");
            }
            assert_eq!(app.db.all("limits").await, counted);
            student.get("/api/rss/news").await.expect(200);
            student.get("/api/rss/news?q=%20").await.expect(200);
            other.get("/api/rss/news?q=news").await.expect(200);
            app.clock.advance(Duration::from_mins(1));
            student.get("/api/rss/news?q=news").await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn a_few_searches_run_at_once_and_one_too_many_is_told_to_come_again() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_LIMIT_SEARCH", "off"))
        .run(async |app| {
            let student = app.student(1).await;
            seed(app, Class::News, 1).await;
            let searches = &app.replicas[0].app.searches;
            let running = join_all((0..2).map(|_| searches.take())).await;
            assert!(running.iter().all(Result::is_ok));
            // Six wait for two seconds; all others are refused at once.
            let answers = join_all((0..20).map(|_| student.get("/api/rss/news?q=news"))).await;
            for answer in answers {
                let answer = answer.expect_error(503, "OVERLOADED");
                assert!(answer.retry_after() > 0, "{answer:?}");
            }
            student.get("/api/rss/news").await.expect(200);
            drop(running);
            student.get("/api/rss/news?q=news").await.expect(200);
        })
        .await;
}
