//! `wehpu-engine spider --once` and `--list`, for a person.

use std::time::Duration;

use campus_sim::{Behaviour, Fault, FeedItem, System};
use wehpu_engine::store::Claim;

use super::{assert_all_there, settings};
use crate::support::{run_engine, setup};

#[tokio::test]
async fn once_prints_a_line_per_item_and_a_summary_per_job() {
    setup()
        .settings(settings)
        .run(async |app| {
            let stuck = app.sim.feed_items(System::News)[2].clone();
            app.sim.edit_feed_item(System::News, stuck.id, |item| item.behaviour = Behaviour::ServerError);
            let first = run_engine(&["spider", "--once"], &app.settings).await.succeeded();
            let lines = |text: &str, word: &str| text.lines().filter(|line| line.starts_with(word)).count();
            assert_eq!(lines(&first.stdout, "new "), 36 + 25 + 12 + 8, "{first:?}");
            assert_eq!(lines(&first.stdout, "failed "), 1, "{first:?}");
            assert!(
                first.stdout.contains("news: done: 37 seen, 36 new, 0 changed, 0 unchanged, 1 failed"),
                "{first:?}"
            );
            assert!(first.stdout.contains("bulletin: done: 20 seen, 20 new"), "{first:?}");

            app.sim.edit_feed_item(System::News, stuck.id, |item| item.behaviour = Behaviour::Normal);
            app.db.collection("failures").delete_many(mongodb::bson::doc! {}).await.unwrap();
            app.sim.put_feed_item(
                System::News,
                FeedItem { id: 99_001, title: "新来的".to_owned(), ..FeedItem::default() },
            );
            let second = run_engine(&["spider", "--once", "news"], &app.settings).await.succeeded();
            assert_eq!(lines(&second.stdout, "new "), 2, "{second:?}");
            assert!(second.stdout.contains("新来的") && !second.stdout.contains("logistics:"), "{second:?}");
            assert_all_there(app).await;
        })
        .await;
}

#[tokio::test]
async fn once_fails_when_a_job_failed_as_a_whole_and_says_why() {
    setup()
        .settings(settings)
        .run(async |app| {
            app.sim.set_fault(System::Logistics, Fault::server_error());
            let finished = run_engine(&["spider", "--once"], &app.settings).await.failed();
            assert!(finished.stderr.contains("logistics failed") && !finished.stderr.contains("news"), "{finished:?}");
            assert!(finished.stdout.contains("logistics: failed: 0 seen"), "{finished:?}");
            assert!(
                finished.stdout.contains("news: done") && finished.stdout.contains("bulletin: done"),
                "{finished:?}"
            );
        })
        .await;
}

#[tokio::test]
async fn once_leaves_a_job_alone_that_another_spider_is_at_and_names_it() {
    setup()
        .settings(settings)
        .run(async |app| {
            let schedulers = &app.replicas[0].app.store.schedulers;
            let now = app.clock.now();
            let held = ("other-host/0011223344556677", Duration::from_mins(5));
            schedulers.claim("news", Claim::Now, (Some(now), now), held).await.unwrap().unwrap();
            let finished = run_engine(&["spider", "--once", "news"], &app.settings).await.failed();
            assert!(finished.stderr.contains("news is being run by other-host/0011223344556677"), "{finished:?}");
            assert_eq!(app.sim.count(System::News), 0);
        })
        .await;
}

#[tokio::test]
async fn list_shows_each_job_before_and_after_its_runs() {
    setup()
        .settings(settings)
        .run(async |app| {
            let row = |text: &str, job: &str| {
                let row = text.lines().find(|line| line.starts_with(job)).map(str::to_owned);
                row.unwrap_or_else(|| panic!("{job} is not listed: {text}"))
            };
            let before = run_engine(&["spider", "--list"], &app.settings).await.succeeded().stdout;
            assert!(row(&before, "news").contains("0 2 * * 1-5") && row(&before, "news").ends_with("now"), "{before}");
            run_engine(&["spider", "--once"], &app.settings).await.succeeded();
            let after = run_engine(&["spider", "--list"], &app.settings).await.succeeded().stdout;
            for (job, seen) in [("news", "37"), ("logistics", "25"), ("bulletin", "20")] {
                let row = row(&after, job);
                assert!(row.contains("done") && row.contains(seen), "{after}");
                assert!(!row.ends_with("now"), "{after}");
            }
            assert!(!after.contains("WARNING"), "{after}");

            let mut settings = app.settings.clone();
            settings
                .set("WEHPU_SPIDER_STALE", "1ms")
                .set("WEHPU_BULLETIN_STUDENT_ID", "")
                .set("WEHPU_BULLETIN_VPN_PASSWORD", "");
            let stale = run_engine(&["spider", "--list"], &settings).await.succeeded().stdout;
            assert!(stale.contains("news: WARNING: nothing new for longer than 1ms"), "{stale}");
            assert!(row(&stale, "bulletin").contains("off"), "{stale}");
            let off = run_engine(&["spider", "--once", "bulletin"], &settings).await.failed();
            assert!(off.stderr.contains("WEHPU_BULLETIN_STUDENT_ID"), "{off:?}");
        })
        .await;
}

#[tokio::test]
async fn settings_that_make_no_sense_stop_the_start_and_are_named() {
    setup()
        .settings(settings)
        .run(async |app| {
            for (name, value, word) in [
                ("WEHPU_SPIDER_NEWS", "0 2 * *", "cron"),
                ("WEHPU_SPIDER_LOGISTICS", "0 0 30 2 *", "never"),
                ("WEHPU_SPIDER_CONCURRENCY", "0", "1 to 8"),
                ("WEHPU_SPIDER_PAUSE", "2m", "at most 1m"),
                ("WEHPU_SPIDER_MAX_PAGES", "0", "100000"),
                ("WEHPU_SPIDER_STALE", "0s", "longer"),
                ("WEHPU_PUBLIC_URL", "", "WEHPU_BULLETIN_STUDENT_ID"),
            ] {
                let mut settings = app.settings.clone();
                settings.set(name, value);
                let finished = run_engine(&["spider"], &settings).await.failed();
                assert!(finished.stderr.contains(name) && finished.stderr.contains(word), "{finished:?}");
                assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn the_spider_needs_no_secret_of_the_api() {
    setup()
        .settings(settings)
        .run(async |app| {
            let mut settings = app.settings.clone();
            for name in [
                "WEHPU_JWT_SECRET",
                "WEHPU_CREDENTIAL_KEYS",
                "WEHPU_WECHAT_APP_SECRET",
                "WEHPU_GITHUB_TOKEN",
                "WEHPU_TERM",
            ] {
                settings.set(name, "");
            }
            run_engine(&["spider", "--once", "logistics"], &settings).await.succeeded();
            // Nor the engine's database user, when it has its own.
            settings.set("WEHPU_SPIDER_MONGODB_URI", &app.db.uri()).set("WEHPU_MONGODB_URI", "");
            run_engine(&["spider", "--once", "logistics"], &settings).await.succeeded();
            settings.set("WEHPU_SPIDER_MONGODB_URI", "");
            let without = run_engine(&["spider", "--once", "logistics"], &settings).await.failed();
            assert!(without.stderr.contains("WEHPU_MONGODB_URI: is required"), "{without:?}");
        })
        .await;
}
