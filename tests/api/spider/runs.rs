//! News and logistics news: what a run finds, and what the next one does.

use std::time::Duration;

use campus_sim::{Behaviour, Fault, FeedItem, System};
use wehpu_engine::{
    feeds::{JOBS, Job},
    store::RunOutcome,
};

use super::{article, assert_all_there, collected, failures, run, settings, spider, stored};
use crate::support::{TestApp, setup, text_of};

/// An item that is new to everybody.
fn item(id: u32, title: &str) -> FeedItem {
    FeedItem { id, title: title.to_owned(), paragraphs: vec![format!("{title}。")], ..FeedItem::default() }
}

/// So many more news, older than all others.
fn more_news(app: &TestApp, count: u32) {
    for n in 0..count {
        let date = format!("2016-{:02}-{:02}", 12 - n / 28 % 12, 28 - n % 28);
        app.sim.put_feed_item(System::News, FeedItem { date, ..item(10_000 + n, &format!("旧闻 {n}")) });
    }
}

#[tokio::test]
async fn a_first_run_collects_everything_and_a_second_finds_nothing_new() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            for job in JOBS {
                let last = collected(&spider, job).await;
                assert_eq!((last.counts.new, last.counts.changed, last.counts.failed), (last.counts.seen, 0, 0));
            }
            assert_all_there(app).await;
            let before = (app.db.all("news").await, app.db.all("notices").await, app.db.all("lectures").await);
            app.sim.reset_counts();
            for job in JOBS {
                let last = collected(&spider, job).await;
                assert_eq!((last.counts.new, last.counts.changed, last.counts.failed), (0, 0, 0), "{last:?}");
            }
            let after = (app.db.all("news").await, app.db.all("notices").await, app.db.all("lectures").await);
            assert_eq!(after, before);
            assert_eq!(app.sim.count_of("news.list"), 2, "it goes back to what it knows, and looks at two pages");
            assert_eq!(app.sim.count_of("news.article"), 20);
        })
        .await;
}

#[tokio::test]
async fn articles_are_served_as_the_campus_shows_them_the_newest_first() {
    setup()
        .settings(settings)
        .run(async |app| {
            for job in JOBS {
                collected(&spider(app).await, job).await;
            }
            app.db.replicated().await;
            let student = app.student(1).await;
            for (class, system) in [("news", System::News), ("logistics", System::Logistics)] {
                let listed = student.get(&format!("/api/rss/{class}?count=50")).await.expect(200);
                let titles: Vec<&str> = listed
                    .data()
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|article| article["title"].as_str().unwrap())
                    .collect();
                let source = app.sim.feed_items(system);
                let dates: Vec<&str> = source.iter().map(|item| item.date.as_str()).collect();
                assert!(dates.windows(2).all(|pair| pair[0] >= pair[1]), "the simulator lists the newest first");
                let wanted: Vec<&str> = source.iter().map(|item| item.title.as_str()).collect();
                assert_eq!(titles, wanted, "{class}");
            }
            let with_image = app.sim.feed_items(System::News).into_iter().find(|item| !item.images.is_empty()).unwrap();
            let id = article(app, Job::News, &with_image.title).await.get_object_id("_id").unwrap();
            let whole = student.get(&format!("/api/rss/news/{id}")).await.expect(200);
            assert_eq!(whole.data()["images"].as_array().unwrap().len(), with_image.images.len());
            let content = whole.data()["content"].as_str().unwrap();
            assert!(content.lines().count() >= with_image.paragraphs.len().min(2), "paragraphs are kept: {content}");
            assert!(!content.contains('<'), "{content}");
        })
        .await;
}

#[tokio::test]
async fn an_item_that_was_added_is_collected_and_nothing_else_changes() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            collected(&spider, Job::News).await;
            let before = stored(app, Job::News).await;
            app.sim.put_feed_item(System::News, item(99_001, "新来的"));
            let last = collected(&spider, Job::News).await;
            assert_eq!((last.counts.new, last.counts.changed), (1, 0));
            let after = stored(app, Job::News).await;
            assert_eq!(after.len(), before.len() + 1);
            assert!(before.iter().all(|article| after.contains(article)));
        })
        .await;
}

#[tokio::test]
async fn an_item_that_was_edited_is_changed_and_keeps_its_id() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            collected(&spider, Job::Logistics).await;
            let newest = app.sim.feed_items(System::Logistics)[0].clone();
            let before = article(app, Job::Logistics, &newest.title).await;
            app.sim.edit_feed_item(System::Logistics, newest.id, |item| item.paragraphs = vec!["更正。".to_owned()]);
            let (last, told) = run(&spider, Job::Logistics).await;
            assert_eq!((last.counts.new, last.counts.changed), (0, 1), "{told:#?}");
            assert!(told.contains(&format!("changed {}", newest.title)), "{told:#?}");
            let after = article(app, Job::Logistics, &newest.title).await;
            assert_eq!(after.get("_id"), before.get("_id"));
            assert!(text_of(&after, "content").contains("更正"));
        })
        .await;
}

#[tokio::test]
async fn more_items_than_a_page_holds_are_all_found_between_two_runs() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            collected(&spider, Job::News).await;
            for n in 0..35 {
                app.sim.put_feed_item(System::News, item(99_000 + n, &format!("新闻 {n}")));
            }
            assert_eq!(collected(&spider, Job::News).await.counts.new, 35);
            collected(&spider, Job::Logistics).await;
            collected(&spider, Job::Bulletin).await;
            assert_all_there(app).await;
        })
        .await;
}

#[tokio::test]
async fn a_source_with_many_pages_is_collected_with_few_requests_at_once() {
    setup()
        .settings(settings)
        .run(async |app| {
            more_news(app, 300);
            let spider = spider(app).await;
            assert_eq!(collected(&spider, Job::News).await.counts.new, 337);
            assert!(app.sim.peak(System::News) <= 2, "{}", app.sim.peak(System::News));
        })
        .await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_fails_the_job_and_harms_nothing() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            collected(&spider, Job::News).await;
            let before = app.db.all("news").await;
            for fault in [Fault::server_error(), Fault::garbage(), Fault::maintenance(), Fault::empty()] {
                app.sim.set_fault(System::News, fault.clone().on("list").times(2));
                // A new one, with a breaker that knows of no earlier failure.
                let (last, _) = run(&super::spider(app).await, Job::News).await;
                assert_eq!(last.outcome, RunOutcome::Failed, "{fault:?}");
                assert!(last.why.is_some());
                app.sim.clear_faults();
            }
            assert_eq!(app.db.all("news").await, before);
            let status = spider.status(Job::News).await.unwrap();
            assert!(status.next.is_some_and(|next| next < app.clock.now() + Duration::from_hours(3)), "{status:?}");
            collected(&spider, Job::News).await;
        })
        .await;
}

#[tokio::test]
async fn a_broken_page_in_the_middle_of_a_list_is_made_up_for_by_the_next_run() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            // The first page is on its way when the list breaks: both tries for the second page fail.
            app.sim.set_fault(System::News, Fault::slow(Duration::from_millis(500)).on("list").times(1));
            let breaking = async {
                app.sim.wait_for("news.list", 1).await;
                app.sim.set_fault(System::News, Fault::server_error().on("list").times(2));
            };
            let ((last, told), ()) = tokio::join!(run(&spider, Job::News), breaking);
            assert_eq!((last.outcome, last.counts.new), (RunOutcome::Partial, 27), "{told:#?}");
            assert_eq!(collected(&spider, Job::News).await.counts.new, 10);
            collected(&spider, Job::Logistics).await;
            collected(&spider, Job::Bulletin).await;
            assert_all_there(app).await;
        })
        .await;
}

#[tokio::test]
async fn an_article_that_hangs_or_fails_keeps_no_other_and_is_tried_again_later() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            let items = app.sim.feed_items(System::News);
            let (hanging, failing) = (items[3].clone(), items[36].clone());
            app.sim.edit_feed_item(System::News, hanging.id, |item| item.behaviour = Behaviour::Hang);
            app.sim.edit_feed_item(System::News, failing.id, |item| item.behaviour = Behaviour::ServerError);
            let last = collected(&spider, Job::News).await;
            assert_eq!((last.counts.new, last.counts.failed), (35, 2));
            assert_eq!(failures(app).await.len(), 2);

            // Left alone at first, then tried again: also the one on a page that is not looked at any more.
            app.sim.reset_counts();
            let last = collected(&spider, Job::News).await;
            assert_eq!((last.counts.new, last.counts.failed), (0, 0));
            app.sim.edit_feed_item(System::News, failing.id, |item| item.behaviour = Behaviour::Normal);
            app.clock.advance(Duration::from_hours(1));
            let last = collected(&spider, Job::News).await;
            assert_eq!((last.counts.new, last.counts.failed), (1, 1));
            let left = failures(app).await;
            assert_eq!(
                left.iter().map(|(title, _, attempts)| (title, *attempts)).collect::<Vec<_>>(),
                [(&hanging.title, 2)]
            );

            app.sim.edit_feed_item(System::News, hanging.id, |item| item.behaviour = Behaviour::Normal);
            app.clock.advance(Duration::from_hours(1));
            assert_eq!(collected(&spider, Job::News).await.counts.new, 0, "the second pause is longer");
            app.clock.advance(Duration::from_hours(1));
            assert_eq!(collected(&spider, Job::News).await.counts.new, 1);
            assert!(failures(app).await.is_empty());
            collected(&spider, Job::Logistics).await;
            collected(&spider, Job::Bulletin).await;
            assert_all_there(app).await;
        })
        .await;
}

#[tokio::test]
async fn a_source_that_goes_down_during_a_run_is_no_fault_of_its_articles() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            let down = async {
                app.sim.wait_for("news.article", 5).await;
                app.sim.set_fault(System::News, Fault::server_error());
            };
            let ((last, _), ()) = tokio::join!(run(&spider, Job::News), down);
            assert_eq!(last.outcome, RunOutcome::Failed);
            let blamed = failures(app).await.len();
            assert!(blamed < 30, "{blamed} articles were given up");
            app.sim.clear_faults();
            app.clock.advance(Duration::from_hours(2));
            collected(&spider, Job::News).await;
            collected(&spider, Job::Logistics).await;
            collected(&spider, Job::Bulletin).await;
            assert_all_there(app).await;
        })
        .await;
}

#[tokio::test]
async fn a_source_that_is_silent_for_long_is_reported() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            let stale = async || spider.status(Job::News).await.unwrap().is_stale(app.clock.now(), spider.stale());
            assert!(!stale().await, "it has not run");
            collected(&spider, Job::News).await;
            assert!(!stale().await, "everything was new");
            app.clock.advance(Duration::from_hours(15 * 24));
            collected(&spider, Job::News).await;
            assert!(stale().await);
            app.sim.put_feed_item(System::News, item(99_001, "终于"));
            collected(&spider, Job::News).await;
            assert!(!stale().await);
        })
        .await;
}
