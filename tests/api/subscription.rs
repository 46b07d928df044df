//! The course table as a calendar that other programs subscribe to.

use std::time::Duration;

use campus_sim::{Fault, System};
use reqwest::{Method, StatusCode, Url};

use crate::support::{Student, TestApp, setup};

/// Subscribes; gives path and query of the address.
async fn subscribe(student: &Student<'_>) -> String {
    let answer = student.post_form("/api/course/subscription", &[]).await.expect(201);
    let url: Url = answer.data()["url"].as_str().unwrap().parse().unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}

async fn fetch(app: &TestApp, path: &str, etag: Option<&str>) -> (StatusCode, String, String) {
    let mut request = app.request_at(&app.replicas[0].url, Method::GET, path);
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    let response = request.send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    let etag = header("etag");
    if response.status() == StatusCode::OK {
        assert_eq!(header("content-type"), "text/calendar; charset=utf-8");
        assert_eq!(header("cache-control"), "private, no-cache");
    }
    (response.status(), etag, response.text().await.unwrap())
}

#[tokio::test]
async fn a_calendar_program_gets_the_course_table_without_a_login() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let path = subscribe(&student).await;
            let (status, etag, text) = fetch(app, &path, None).await;
            assert_eq!(status, StatusCode::OK, "{text}");
            assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
            assert!(text.contains("Asia/Shanghai") && text.lines().all(|line| line.len() <= 75), "{text}");
            let unfolded = text.replace("\r\n ", "");
            let scheduled = student.campus.courses.iter().filter(|course| !course.sessions.is_empty());
            for course in scheduled {
                assert!(unfolded.contains(&format!("SUMMARY:{}", course.name)), "{} is not in {unfolded}", course.name);
            }
            assert!(!text.contains(&student.campus.number) && !text.contains(&student.open_id), "{text}");
            let (status, _, text) = fetch(app, &path, Some(&etag)).await;
            assert_eq!((status, text.as_str()), (StatusCode::NOT_MODIFIED, ""));
        })
        .await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_successor_its_revocation_and_its_bind() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let gone = async |path: &str| app.get(path).await.expect_error(404, "NOT_FOUND");
            let first = subscribe(&student).await;
            // From here on every member knows it, so that one which lags behind would still open it.
            app.db.replicated().await;
            let second = subscribe(&student).await;
            gone(&first).await;
            app.db.replicated().await;
            assert_eq!(fetch(app, &second, None).await.0, StatusCode::OK);
            student.send(student.request(Method::DELETE, "/api/course/subscription")).await.expect(200);
            gone(&second).await;
            let third = subscribe(&student).await;
            app.db.replicated().await;
            student.send(student.request(Method::DELETE, "/api/bind")).await.expect(200);
            gone(&third).await;
            for path in ["/api/course.ics", "/api/course.ics?token=", "/api/course.ics?token=abc"] {
                gone(path).await;
            }
        })
        .await;
}

#[tokio::test]
async fn only_who_is_bound_can_subscribe() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            student.post_form("/api/course/subscription", &[]).await.expect_error(400, "NOT_BOUND");
        })
        .await;
}

#[tokio::test]
async fn a_subscription_survives_an_outage_of_the_campus() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let path = subscribe(&student).await;
            let (_, _, before) = fetch(app, &path, None).await;
            app.next_day().await;
            app.clock.advance(Duration::from_hours(1));
            app.sim.set_fault(System::Vpn, Fault::server_error());
            assert_eq!(fetch(app, &path, None).await, (StatusCode::OK, etag_of(app, &path).await, before));
        })
        .await;
}

async fn etag_of(app: &TestApp, path: &str) -> String {
    fetch(app, path, None).await.1
}

#[tokio::test]
async fn a_calendar_without_courses_is_a_calendar_without_events() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let path = subscribe(&student).await;
            app.sim.set_fault(System::Urp, Fault::empty());
            let (status, etag, text) = fetch(app, &path, None).await;
            assert_eq!(status, StatusCode::OK, "{text}");
            assert!(text.starts_with("BEGIN:VCALENDAR") && !text.contains("VEVENT"), "{text}");
            app.clock.advance(Duration::from_hours(1));
            assert_eq!(fetch(app, &path, Some(&etag)).await.0, StatusCode::NOT_MODIFIED, "it is the same");
        })
        .await;
}
