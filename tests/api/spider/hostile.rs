//! Links that lead where the engine does not go.

use std::time::Duration;

use campus_sim::{Behaviour, FeedItem, System};
use futures_util::FutureExt;
use tokio::net::TcpListener;
use wehpu_engine::feeds::Job;

use super::{collected, failures, settings, spider, stored};
use crate::support::setup;

#[tokio::test]
async fn links_that_lead_astray_are_refused_and_recorded_and_the_run_goes_on() {
    setup()
        .settings(settings)
        .run(async |app| {
            // Somebody on this machine whom nobody may reach through a link.
            let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let inside = format!("http://{}/admin", trap.local_addr().unwrap());
            let normal = app.sim.feed_items(System::News).len();
            let item = |id: u32, title: &str| FeedItem { id, title: title.to_owned(), ..FeedItem::default() };
            let linked = |id, title: &str, link: &str| FeedItem { link: Some(link.to_owned()), ..item(id, title) };
            let behaving = |id, title: &str, behaviour| FeedItem { behaviour, ..item(id, title) };
            let hostile = [
                linked(1, "本机", &format!("{inside}/contents/1.html")),
                linked(2, "别处", "http://evil.example/news/contents/543/2.html"),
                linked(3, "脚本", "javascript:location='/contents/3'"),
                behaving(4, "转到本机", Behaviour::RedirectTo(inside.clone())),
                behaving(5, "转圈", Behaviour::RedirectLoop),
                behaving(6, "一吉字节", Behaviour::Huge),
            ];
            for item in hostile {
                app.sim.put_feed_item(System::News, item);
            }
            let spider = spider(app).await;
            let last = collected(&spider, Job::News).await;
            assert_eq!(last.counts.new, normal as u64);
            assert_eq!((last.counts.refused, last.counts.failed), (6, 0));
            let mut words: Vec<(String, String)> =
                failures(app).await.into_iter().map(|(title, word, _)| (title, word)).collect();
            words.sort();
            let mut wanted = [
                ("本机", "other_host"),
                ("别处", "other_host"),
                ("脚本", "scheme"),
                ("转到本机", "redirect_elsewhere"),
                ("转圈", "redirect_loop"),
                ("一吉字节", "too_large"),
            ]
            .map(|(title, word)| (title.to_owned(), word.to_owned()));
            wanted.sort();
            assert_eq!(words, wanted);
            assert_eq!(stored(app, Job::News).await.len(), normal);

            // None of them is asked for again the next nights.
            app.sim.reset_counts();
            app.clock.advance(Duration::from_hours(10 * 24));
            let last = collected(&spider, Job::News).await;
            assert_eq!((last.counts.refused, last.counts.new), (0, 0));
            assert!(failures(app).await.iter().all(|(_, _, attempts)| *attempts == 1));
            assert!(trap.accept().now_or_never().is_none(), "somebody was led to this machine");
        })
        .await;
}

#[tokio::test]
async fn a_file_of_a_notice_that_never_ends_is_cut_off_and_leaves_nothing_behind() {
    setup()
        .settings(settings)
        .run(async |app| {
            let mut notice = app.sim.feed_items(System::Bulletin)[0].clone();
            notice.id = 99;
            notice.title = "无尽".to_owned();
            notice.kind = campus_sim::FeedKind::File { name: "99.pdf".to_owned(), bytes: b"%PDF-1.4".to_vec() };
            notice.behaviour = Behaviour::Huge;
            app.sim.put_feed_item(System::Bulletin, notice);
            collected(&spider(app).await, Job::Bulletin).await;
            let recorded = failures(app).await;
            assert!(recorded.contains(&("无尽".to_owned(), "too_large".to_owned(), 1)), "{recorded:?}");
            let files = app.db.all("files").await;
            assert!(files.iter().all(|file| !file.contains_key("until")), "{files:?}");
            assert_eq!(app.db.all("fs.files").await.len(), files.len());
        })
        .await;
}
