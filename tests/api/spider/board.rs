//! Lectures and notices of the bulletin board.

use campus_sim::{FeedItem, FeedKind, Lecture, System};
use reqwest::Method;
use wehpu_engine::{feeds::Job, store::RunOutcome};

use super::{article, collected, failures, run, settings, spider};
use crate::support::{TestApp, setup, text_of};

fn file(id: u32, title: &str, name: &str, bytes: &[u8]) -> FeedItem {
    let kind = FeedKind::File { name: name.to_owned(), bytes: bytes.to_vec() };
    FeedItem { id, title: title.to_owned(), kind, ..FeedItem::default() }
}

/// What is behind the address of a notice's file.
async fn download(app: &TestApp, href: &str) -> Vec<u8> {
    let path = href.strip_prefix("https://wehpu.example").expect("a public address of the service");
    let answer = app.request(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn notices_that_are_files_can_be_fetched_from_the_service() {
    setup()
        .settings(settings)
        .run(async |app| {
            collected(&spider(app).await, Job::Bulletin).await;
            app.db.replicated().await;
            let mut files = 0;
            for item in app.sim.feed_items(System::Bulletin) {
                let notice = article(app, Job::Bulletin, &item.title).await;
                if let FeedKind::File { bytes, .. } = &item.kind {
                    assert_eq!(&download(app, text_of(&notice, "href")).await, bytes);
                    files += 1;
                } else {
                    assert!(!notice.contains_key("href") && !text_of(&notice, "content").is_empty(), "{notice}");
                }
            }
            assert!(files >= 3);
            assert!(app.db.all("files").await.iter().all(|file| text_of(file, "owner") == "service:spider"));
        })
        .await;
}

#[tokio::test]
async fn the_same_file_in_two_notices_is_stored_once() {
    setup()
        .settings(settings)
        .run(async |app| {
            for (id, title) in [(71, "甲"), (72, "乙")] {
                app.sim.put_feed_item(System::Bulletin, file(id, title, &format!("{id}.pdf"), b"%PDF-1.4 same"));
            }
            let spider = spider(app).await;
            collected(&spider, Job::Bulletin).await;
            let (first, second) = (article(app, Job::Bulletin, "甲").await, article(app, Job::Bulletin, "乙").await);
            assert_eq!(first.get_str("href").unwrap(), second.get_str("href").unwrap());
            let files = app.db.all("files").await.len();
            collected(&spider, Job::Bulletin).await;
            assert_eq!(app.db.all("files").await.len(), files);
            assert_eq!(app.db.all("fs.files").await.len(), files);
        })
        .await;
}

#[tokio::test]
async fn a_file_that_was_replaced_is_fetched_again_and_the_old_address_still_works() {
    setup()
        .settings(settings)
        .run(async |app| {
            app.sim.put_feed_item(System::Bulletin, file(71, "甲", "71.pdf", b"%PDF-1.4 first"));
            let spider = spider(app).await;
            collected(&spider, Job::Bulletin).await;
            let before = article(app, Job::Bulletin, "甲").await;
            app.sim.put_feed_item(System::Bulletin, file(71, "甲", "71.pdf", b"%PDF-1.4 second"));
            let last = collected(&spider, Job::Bulletin).await;
            assert_eq!((last.counts.new, last.counts.changed), (0, 1));
            let after = article(app, Job::Bulletin, "甲").await;
            assert_eq!(after.get("_id"), before.get("_id"));
            app.db.replicated().await;
            assert_eq!(download(app, text_of(&after, "href")).await, b"%PDF-1.4 second");
            assert_eq!(download(app, text_of(&before, "href")).await, b"%PDF-1.4 first");
        })
        .await;
}

#[tokio::test]
async fn a_file_of_a_type_that_is_not_stored_is_recorded_and_its_notice_still_listed() {
    setup()
        .settings(settings)
        .run(async |app| {
            app.sim.put_feed_item(System::Bulletin, file(71, "程序", "71.pdf", b"MZ\x90\x00 not a document"));
            let spider = spider(app).await;
            let (last, told) = run(&spider, Job::Bulletin).await;
            assert_eq!((last.outcome, last.counts.failed), (RunOutcome::Done, 0));
            assert!(told.contains(&"refused (file_type) 程序".to_owned()), "{told:#?}");
            let notice = article(app, Job::Bulletin, "程序").await;
            assert!(!notice.contains_key("href") && text_of(&notice, "content").contains("附件"), "{notice}");
            let recorded = ("程序".to_owned(), "file_type".to_owned(), 1);
            assert!(failures(app).await.contains(&recorded));
            collected(&spider, Job::Bulletin).await;
            assert!(failures(app).await.contains(&recorded), "not asked for again and again");
        })
        .await;
}

#[tokio::test]
async fn a_lecture_is_one_by_title_and_time() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            collected(&spider, Job::Bulletin).await;
            let lectures = app.db.all("lectures").await.len();
            let lecture = Lecture {
                title: "一致性".to_owned(),
                speaker: "李四".to_owned(),
                time: "2017年12月8日 15:00".to_owned(),
                place: "图书馆报告厅".to_owned(),
                content: "欢迎参加。".to_owned(),
            };
            app.sim.put_lecture(lecture.clone());
            assert_eq!(collected(&spider, Job::Bulletin).await.counts.new, 1);
            app.sim.put_lecture(Lecture { place: "1号楼".to_owned(), ..lecture.clone() });
            let last = collected(&spider, Job::Bulletin).await;
            assert_eq!((last.counts.new, last.counts.changed), (0, 1));
            let all = app.db.all("lectures").await;
            assert_eq!(all.len(), lectures + 1);
            let stored = all.iter().find(|stored| text_of(stored, "title") == lecture.title).unwrap();
            for (field, value) in
                [("speaker", "李四"), ("time", "2017-12-08 15:00"), ("place", "1号楼"), ("content", "欢迎参加。")]
            {
                assert_eq!(text_of(stored, field), value);
            }
        })
        .await;
}

#[tokio::test]
async fn a_refused_password_is_sent_once_and_then_left_to_a_person() {
    setup()
        .settings(|s| {
            settings(s);
            s.set("WEHPU_BULLETIN_VPN_PASSWORD", "wrong");
        })
        .run(async |app| {
            let (last, _) = run(&spider(app).await, Job::Bulletin).await;
            assert_eq!(last.outcome, RunOutcome::Failed);
            assert_eq!(app.sim.count_of("vpn.login"), 1);
            let status = spider(app).await.status(Job::Bulletin).await.unwrap();
            assert!(status.state.rejected && status.next.is_none(), "{status:?}");
        })
        .await;
}
