//! The mini-program's pages as it calls them, one after the other; what all calls have in common; and campus traffic.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wehpu_engine::{http, model::Class, store::Article};

use crate::support::{Answer, PNG, Student, field, file, setup};

/// Every call of the contract that needs a token: method, path, and a body that is right.
const CALLS: [(&str, &str); 19] = [
    ("POST", "/api/bind"),
    ("GET", "/api/user"),
    ("GET", "/api/user/{id}"),
    ("PUT", "/api/user"),
    ("GET", "/api/course"),
    ("GET", "/api/score"),
    ("POST", "/api/classroom"),
    ("GET", "/api/physical"),
    ("GET", "/api/calendar"),
    ("GET", "/api/library/borrowing"),
    ("GET", "/api/library/books"),
    ("GET", "/api/library/books/{id}"),
    ("POST", "/api/rsp/repair"),
    ("GET", "/api/rss/{classify}"),
    ("GET", "/api/rss/{classify}/{id}"),
    ("POST", "/api/feedback"),
    ("GET", "/api/donation"),
    ("POST", "/api/notify"),
    ("POST", "/api/upload"),
];

#[tokio::test]
async fn every_call_without_a_token_is_403() {
    setup()
        .run(async |app| {
            for (method, path) in CALLS {
                let path = path.replace("{classify}", "news").replace("{id}", "311509000001");
                let request = app.request(method.parse().unwrap(), &path);
                Answer::of(request.send().await.unwrap()).await.expect_error(403, "TOKEN_INVALID");
            }
        })
        .await;
}

#[test]
fn every_call_of_the_contract_is_described() {
    let description = serde_json::to_value(http::description()).unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    for (method, path) in CALLS.into_iter().chain([("POST", "/api/login")]) {
        let operation = &description["paths"][path][method.to_lowercase()];
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{method} {path} has no description");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')) && answers.len() > 1, "{method} {path}");
    }
}

#[tokio::test]
async fn the_mini_program_works_in_every_page() {
    setup()
        .run(async |app| {
            for class in [Class::News, Class::Notice] {
                let article = Article { key: "a".to_owned(), title: "标题".to_owned(), ..Article::default() };
                app.replicas[0].app.store.articles.put(class, &article, app.clock.now()).await.unwrap();
            }
            app.db.replicated().await;
            let student = app.student(1).await;
            assert_eq!(student.get("/api/user").await.expect(200).data()["bind"], false);
            student.bind().await;
            let campus = &student.campus;
            student.get("/api/calendar").await.expect(200);
            student.course().await.expect_data(false);
            student.get("/api/score").await.expect_data(false);
            let rooms = [("building", "1"), ("weekly", "3"), ("section", "3,4"), ("week", "2")];
            student.post_form("/api/classroom", &rooms).await.expect_data(false);
            student.get("/api/physical").await.expect_data(false);
            student.get("/api/library/borrowing").await.expect_error(400, "NO_LIBRARY_PASSWORD");
            student.change("libPassWord", &campus.library_password).await.expect(201);
            student.get("/api/library/borrowing").await.expect_data(false);
            let books = student.get("/api/library/books?q=Rust").await.expect_data(false);
            let id = books.data()[0]["id"].as_str().unwrap();
            student.get(&format!("/api/library/books/{id}")).await.expect_data(false);
            for class in ["news", "notice"] {
                let list = student.get(&format!("/api/rss/{class}?start=0&count=10")).await.expect(200);
                let id = list.data()[0]["_id"].as_str().unwrap();
                student.get(&format!("/api/rss/{class}/{id}")).await.expect(200);
            }
            let parts = [
                field("folder", "repair"),
                field("prefix", "prefix-repair-"),
                file("wx-file://tmp_1.png", "image/png", PNG),
            ];
            let upload = student.upload(&parts).await.expect(201);
            let picture = upload.data()["url"][0].as_str().unwrap().to_owned();
            let order = [
                ("projectSerial", "1"),
                ("projectName", "水"),
                ("mobile", "13800000000"),
                ("bUserName", "张三"),
                ("bContent", "漏水"),
                ("bAddress", "3-214"),
                ("areaSerial", "1"),
                ("areaName", "南"),
                ("imgList", picture.as_str()),
            ];
            student.post_form("/api/rsp/repair", &order).await.expect(201);
            let report =
                json!({ "content": "课表打不开", "labels": "bug", "images": picture, "nick": "", "model": "MI 5" });
            student.post_json("/api/feedback", &report).await.expect(201);
            student.get("/api/donation").await.expect_data(false);
            student.get(&format!("/api/user/{}", campus.number)).await.expect(200);
            let message = json!({
                "studentId": campus.number, "templateId": "AT1107", "formId": "1",
                "data": { "keyword1": { "value": "卡", "color": "#000" } },
            });
            student.post_json("/api/notify", &message).await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn a_form_may_name_its_charset_and_json_may_take_its_place() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let rooms = "building=1&weekly=3&section=3%2C4&week=2";
            for kind in
                ["application/x-www-form-urlencoded; charset=UTF-8", "APPLICATION/X-WWW-FORM-URLENCODED;charset=utf-8"]
            {
                let request = student.request(Method::POST, "/api/classroom").header("content-type", kind).body(rooms);
                student.send(request).await.expect_data(false);
            }
            let json = json!({ "building": "1", "weekly": 3, "section": "3,4", "week": "2" }).to_string();
            let request = student.request(Method::POST, "/api/classroom");
            let request = request.header("content-type", "application/json; charset=utf-8").body(json);
            student.send(request).await.expect_data(false);
            assert_eq!(app.sim.count_of("urp.classroom"), 1);
        })
        .await;
}

/// A page of campus data, the request it costs, and how long it stays fresh.
const WARM: [(&str, &str, Duration); 4] = [
    ("/api/course", "urp.course", Duration::from_hours(25)),
    ("/api/score", "urp.score", Duration::from_mins(3)),
    ("/api/library/borrowing", "library.borrowing", Duration::from_mins(6)),
    ("/api/library/books?q=Rust", "library.search", Duration::from_mins(6)),
];

/// All requests to the campus.
fn traffic(app: &crate::support::TestApp) -> u64 {
    use campus_sim::System;
    app.campus_requests()
        + [System::Library, System::Physical, System::Repair].map(|s| app.sim.count(s)).iter().sum::<u64>()
}

#[tokio::test]
async fn a_warm_call_makes_one_campus_request() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.change("libPassWord", &student.campus.library_password).await.expect(201);
            for (path, request, beyond) in WARM {
                student.get(path).await.expect_data(false);
                app.clock.advance(beyond);
                if request == "urp.course" {
                    // Sessions are not kept for a day: a page of a shorter life opens it again.
                    student.get("/api/score").await.expect_data(false);
                }
                app.sim.reset_counts();
                student.get(path).await.expect_data(false);
                assert_eq!((app.sim.count_of(request), traffic(app)), (1, 1), "{path}: {:?}", app.sim.counts());
            }
        })
        .await;
}

#[tokio::test]
async fn the_first_page_of_a_session_costs_five_campus_requests_at_most() {
    for path in ["/api/course", "/api/score", "/api/physical", "/api/library/borrowing"] {
        setup()
            .run(async |app| {
                let student = app.bound(1).await;
                student.change("libPassWord", &student.campus.library_password).await.expect(201);
                app.db.collection("sessions").delete_many(mongodb::bson::doc! {}).await.unwrap();
                app.sim.expire_sessions(None);
                student.get(path).await.expect_data(false);
                assert!(traffic(app) <= 5, "{path}: {:?}", app.sim.counts());
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_equal_calls_at_once_are_one_campus_request() {
    setup()
        .replicas(3)
        .run(async |app| {
            let student = app.bound(1).await;
            student.change("libPassWord", &student.campus.library_password).await.expect(201);
            let seats: Vec<Student<'_>> = (0..99).map(|n| student.at(&app.replicas[n % 3])).collect();
            student.get("/api/library/borrowing").await.expect_data(false);
            student.get("/api/score").await.expect_data(false);
            for (path, request) in [("/api/score", "urp.score"), ("/api/library/borrowing", "library.borrowing")] {
                app.clock.advance(Duration::from_mins(6));
                app.sim.reset_counts();
                let answers = join_all(seats.iter().map(|seat| seat.get(path))).await;
                let first = answers[0].data().clone();
                assert!(answers.into_iter().all(|answer| *answer.expect_data(false).data() == first));
                assert_eq!((app.sim.count_of(request), traffic(app)), (1, 1), "{path}: {:?}", app.sim.counts());
            }
            app.clock.advance(Duration::from_mins(6));
            app.sim.reset_counts();
            let rooms: Value = json!({ "building": 2, "weekly": 3, "section": "5,6", "week": 2 });
            for answer in join_all(seats.iter().map(|seat| seat.post_json("/api/classroom", &rooms))).await {
                answer.expect_data(false);
            }
            assert_eq!(app.sim.count_of("urp.classroom"), 1, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn more_requests_of_a_user_than_the_burst_limit_are_429_until_the_minute_is_over() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_LIMIT_BURST", "20/1m"))
        .run(async |app| {
            let (hasty, other) = (app.student(1).await, app.student(2).await);
            for _ in 0..20 {
                hasty.get("/api/calendar").await.expect(200);
            }
            hasty.get("/api/calendar").await.expect_error(429, "RATE_LIMITED");
            other.get("/api/calendar").await.expect(200);
            app.clock.advance(Duration::from_mins(1));
            hasty.get("/api/calendar").await.expect(200);
        })
        .await;
}
