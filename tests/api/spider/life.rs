//! Spiders as processes: together, killed, told to end.

use std::time::Duration;

use campus_sim::{Fault, FeedItem, System};
use mongodb::bson::{Document, doc};
use wehpu_engine::feeds::JOBS;

use super::{assert_all_there, settings};
use crate::support::{Engine, Settings, TestApp, eventually, setup};

/// Above what a new leader takes: a lease of 15 s, and 3 s between two looks.
const TAKE_OVER: Duration = Duration::from_secs(30);

/// A spider whose requests are a little apart, so that there is something to be interrupted.
fn unhurried(s: &mut Settings) {
    settings(s);
    s.set("WEHPU_SPIDER_PAUSE", "20ms");
}

async fn job(app: &TestApp, name: &str) -> Option<Document> {
    app.db.collection("schedulers").find_one(doc! { "_id": name }).await.unwrap()
}

/// Whether the last run of a job has ended and left nothing out.
fn is_done(job: &Document) -> bool {
    let outcome = job.get_document("last").and_then(|last| last.get_str("outcome"));
    outcome.is_ok_and(|outcome| outcome == "done") && job.get_bool("unfinished").is_ok_and(|unfinished| !unfinished)
}

/// Waits until every job has been run to its end.
async fn all_done(app: &TestApp) {
    for name in JOBS.map(wehpu_engine::feeds::Job::name) {
        eventually("every job to end", async || job(app, name).await.filter(is_done).map(|_| ())).await;
    }
}

/// How many runs of `job` this spider has ended, by its own account.
async fn runs(spider: &Engine, job: &str) -> u32 {
    let (_, metrics) = spider.admin("/metrics").await;
    let of_job = |line: &&str| line.starts_with("spider_runs_total") && line.contains(&format!(r#"job="{job}""#));
    metrics.lines().filter(of_job).filter_map(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).sum()
}

/// Waits until this spider has looked at every job after it was run.
async fn looked(spider: &Engine) {
    eventually("a spider to look", async || {
        let (_, metrics) = spider.admin("/metrics").await;
        let seen = |job: &str| metrics.contains(&format!(r#"spider_last_success_timestamp_seconds{{job="{job}"}}"#));
        JOBS.into_iter().all(|job| seen(job.name())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn of_two_spiders_started_together_each_job_is_run_by_one_once() {
    setup()
        .settings(unhurried)
        .run(async |app| {
            let (mut one, mut two) = (Engine::spider(&app.settings), Engine::spider(&app.settings));
            tokio::join!(one.wait_until_ready(), two.wait_until_ready());
            all_done(app).await;
            tokio::join!(looked(&one), looked(&two));
            for name in JOBS.map(wehpu_engine::feeds::Job::name) {
                assert_eq!(job(app, name).await.unwrap().get_i64("fence").unwrap(), 1, "{name} was begun once");
                assert_eq!(runs(&one, name).await + runs(&two, name).await, 1, "{name}");
            }
            assert_all_there(app).await;
            assert_eq!(one.admin("/readyz").await.0, 200);
            for spider in [&mut one, &mut two] {
                spider.signal("TERM").await;
                assert_eq!(spider.ended().await.0, Some(0));
            }
        })
        .await;
}

/// A spider in the middle of the news, whose articles come slowly.
async fn at_work(app: &TestApp) -> Engine {
    app.sim.set_fault(System::News, Fault::slow(Duration::from_millis(300)).on("article"));
    let mut spider = Engine::spider(&app.settings);
    spider.wait_until_ready().await;
    app.sim.wait_for("news.article", 4).await;
    spider
}

#[tokio::test]
async fn a_leader_that_is_killed_is_replaced_within_thirty_seconds() {
    setup()
        .settings(unhurried)
        .run(async |app| {
            let mut leader = at_work(app).await;
            let mut standby = Engine::spider(&app.settings);
            standby.wait_until_ready().await;
            leader.signal("KILL").await;
            leader.ended().await;
            let going_on = standby.printed("the other to go on", |line| {
                line.contains("going on with a run that did not end") && line.contains("news")
            });
            tokio::time::timeout(TAKE_OVER, going_on).await.expect("nobody took over");
            app.sim.clear_faults();
            all_done(app).await;
            assert_all_there(app).await;
        })
        .await;
}

#[tokio::test]
async fn a_leader_that_was_only_stopped_writes_nothing_when_it_comes_back() {
    setup()
        .settings(unhurried)
        .run(async |app| {
            let mut leader = at_work(app).await;
            leader.signal("STOP").await;
            app.sim.clear_faults();
            let mut other = Engine::spider(&app.settings);
            other.printed("the other to go on", |line| line.contains("going on with a run that did not end")).await;
            all_done(app).await;
            let stored =
                async || (app.db.all("news").await, app.db.all("schedulers").await, app.db.all("failures").await);
            let before = stored().await;
            leader.signal("CONT").await;
            leader.printed("the former leader to notice", |line| line.contains("run interrupted")).await;
            looked(&leader).await;
            assert_eq!(stored().await, before);
            assert_all_there(app).await;
        })
        .await;
}

#[tokio::test]
async fn a_spider_that_is_told_to_end_gives_its_job_to_the_next_at_once() {
    setup()
        .settings(unhurried)
        .run(async |app| {
            app.sim.set_fault(System::News, Fault::slow(Duration::from_millis(400)).on("article"));
            let mut spider = Engine::spider(&app.settings);
            app.sim.wait_for("news.article", 4).await;
            spider.signal("TERM").await;
            let (code, output) = spider.ended().await;
            assert_eq!(code, Some(0), "{output:#?}");
            let left = job(app, "news").await.unwrap();
            assert!(left.get_bool("unfinished").unwrap() && !left.contains_key("leaseUntil"), "{left}");
            app.sim.clear_faults();
            let _next = Engine::spider(&app.settings);
            all_done(app).await;
            assert_all_there(app).await;
        })
        .await;
}

#[tokio::test]
async fn killed_again_and_again_the_spider_loses_nothing_and_stores_nothing_twice() {
    const KILLS: u32 = 6;
    setup()
        .settings(unhurried)
        .run(async |app| {
            for n in 0..60 {
                let date = format!("2016-{:02}-{:02}", 12 - n / 28, 28 - n % 28);
                let title = format!("旧闻 {n}");
                app.sim.put_feed_item(System::News, FeedItem { id: 10_000 + n, title, date, ..FeedItem::default() });
            }
            let mut moment = u64::from(std::process::id());
            for _ in 0..KILLS {
                app.sim.reset_counts();
                let mut spider = Engine::spider(&app.settings);
                // Somewhere in a list, in articles, or just after another job's end.
                moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                app.sim.wait_for("news.list", 1).await;
                app.sim.wait_for("news.article", (moment >> 33) % 15).await;
                spider.signal("KILL").await;
                spider.ended().await;
                // As if the dead spider's lease had run out.
                let lease = doc! { "$unset": { "leaseUntil": "" } };
                app.db.collection("schedulers").update_many(doc! {}, lease).await.unwrap();
            }
            let _spider = Engine::spider(&app.settings);
            all_done(app).await;
            assert_all_there(app).await;
        })
        .await;
}

#[tokio::test]
async fn a_spider_waits_for_the_migrations_to_be_complete() {
    setup()
        .empty_database()
        .run(async |app| {
            let mut spider = Engine::spider(&app.settings);
            let (code, output) = spider.ended().await;
            assert_eq!(code, Some(1), "{output:#?}");
            assert!(output.iter().any(|line| line.contains("0001_users") && line.contains("migrate")), "{output:#?}");
        })
        .await;
}

#[tokio::test]
async fn a_job_that_was_missed_is_made_up_for_once() {
    setup()
        .settings(unhurried)
        .run(async |app| {
            let mut first = Engine::spider(&app.settings);
            all_done(app).await;
            first.signal("TERM").await;
            first.ended().await;
            // Its last scheduled time was long ago, and many were missed since.
            let long_ago = mongodb::bson::DateTime::from_millis(1_512_000_000_000);
            let missed = doc! { "$set": { "due": long_ago } };
            app.db.collection("schedulers").update_one(doc! { "_id": "logistics" }, missed).await.unwrap();
            app.sim.put_feed_item(
                System::Logistics,
                FeedItem { id: 999, title: "补上".to_owned(), ..FeedItem::default() },
            );
            let next = Engine::spider(&app.settings);
            eventually("the missed run", async || {
                let job = job(app, "logistics").await.filter(is_done)?;
                job.get_i64("fence").is_ok_and(|fence| fence == 2).then_some(())
            })
            .await;
            assert_all_there(app).await;
            looked(&next).await;
            assert_eq!(job(app, "logistics").await.unwrap().get_i64("fence").unwrap(), 2);
            assert_eq!(job(app, "news").await.unwrap().get_i64("fence").unwrap(), 1);
        })
        .await;
}
