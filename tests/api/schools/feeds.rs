//! Feeds of articles at a school that does not have them.

use reqwest::Method;
use serde_json::{Value, json};

use super::played::{DEMO_ZF, HPU, School};
use crate::support::{SchoolFile, TestApp, run_engine, setup};

const JOBS: [&str; 3] = ["news", "logistics", "bulletin"];

#[tokio::test]
async fn the_spider_runs_no_job_for_a_feed_that_the_school_does_not_have() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            let all = run_engine(&["spider", "--once"], &app.settings).await.succeeded();
            let told: Vec<&str> = all.stdout.lines().collect();
            assert_eq!(told, JOBS.map(|job| format!("{job}: not configured: the school has no such feed")));
            let one = run_engine(&["spider", "--once", "news"], &app.settings).await.failed();
            assert!(one.stderr.contains("news is not configured: the school has no such feed"), "{one:?}");
            assert!(app.db.all("schedulers").await.is_empty(), "no run has begun");
        })
        .await;
}

#[tokio::test]
async fn a_feed_that_the_school_has_given_up_is_neither_missed_nor_shown() {
    setup()
        .settings(|settings| {
            settings.set("WEHPU_SPIDER_PAUSE", "0s");
        })
        .run(async |app| {
            run_engine(&["spider", "--once", "news"], &app.settings).await.succeeded();
            app.db.replicated().await;
            let student = app.student(1).await;
            let shown = student.get("/api/rss/news?count=1").await.expect(200);
            let id = shown.data()[0]["_id"].as_str().unwrap().to_owned();

            let profile = SchoolFile::write(&app.sim.profile("demo-zf").unwrap());
            let mut settings = app.settings.clone();
            settings.at_school(profile.path()).set("WEHPU_SPIDER_STALE", "1ms");
            let listed = run_engine(&["spider", "--list"], &settings).await.succeeded().stdout;
            for job in JOBS {
                assert!(listed.contains(&format!("{job}: off, the school has no such feed")), "{listed}");
            }
            assert!(!listed.contains("WARNING"), "{listed}");

            let replica = app
                .start_replica(|settings| {
                    settings.at_school(profile.path());
                })
                .await;
            let student = student.at(&replica);
            for class in ["news", "logistics", "lecture", "notice"] {
                student.get(&format!("/api/rss/{class}")).await.expect_error(404, "NOT_OFFERED");
                student.get(&format!("/api/rss/{class}.atom")).await.expect_error(404, "NOT_OFFERED");
            }
            student.get("/api/rss/gossip").await.expect_error(404, "NOT_FOUND");
            // An address that somebody has kept still leads to its article.
            student.get(&format!("/api/rss/news/{id}")).await.expect(200);
            let told = app.request_at(&replica.url, Method::GET, "/api/app").send().await.unwrap();
            assert_eq!(told.json::<Value>().await.unwrap()["data"]["offers"], json!([]));
        })
        .await;
}

/// The classes whose feeds a student is given the addresses of.
async fn feeds(app: &TestApp, school: &School) -> Vec<String> {
    let student = school.student(app, 1).await;
    school.bind(&student).await.expect(201);
    let addresses = student.post_form("/api/rss/subscription", &[]).await.expect(201);
    let feeds = addresses.data()["feeds"].as_array().unwrap().iter();
    feeds.map(|feed| feed["classify"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn only_feeds_that_the_school_has_have_an_address() {
    HPU.setup().run(async |app| assert_eq!(feeds(app, &HPU).await, ["news"])).await;
    DEMO_ZF.setup().run(async |app| assert!(feeds(app, &DEMO_ZF).await.is_empty())).await;
}
