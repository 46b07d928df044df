//! Copies of pages that nobody understood: kept only with the setting, cleaned and sealed, and read by a command.

use campus_sim::{Fault, Mode, System};
use chrono::TimeDelta;
use wehpu_engine::store::ChangedPage;

use super::{bind, hpu};
use crate::support::{KEY_1, KEY_2, Settings, Student, TestApp, run_engine, setup};

/// A student meets a record and a course table that have changed.
async fn meet_changed_pages(app: &TestApp) -> Student<'_> {
    let student = app.student(1).await;
    app.sim.set_fault(System::Eams, Fault::new(Mode::RenamedColumn).on("record"));
    bind(&student).await.expect_error(503, "CAMPUS_CHANGED");
    app.sim.clear_faults();
    bind(&student).await.expect(201);
    app.sim.set_fault(System::Eams, Fault::new(Mode::RenamedColumn).on("table"));
    student.course().await.expect_error(503, "CAMPUS_CHANGED");
    app.idle().await;
    student
}

/// Database and keys: all that the command needs.
fn settings(app: &TestApp, keys: &str) -> Settings {
    let mut settings = Settings::default();
    settings.set("WEHPU_MONGODB_URI", &app.db.uri()).set("WEHPU_CREDENTIAL_KEYS", keys);
    settings
}

/// What `wehpu-engine parse` says of a page, and its exit code.
async fn parsed(page: &str, text: &str) -> (Option<i32>, String) {
    let file = std::env::temp_dir().join(format!("wehpu-test-{}-{page}", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let read = run_engine(&["parse", page, file.to_str().unwrap()], &Settings::default()).await;
    std::fs::remove_file(&file).unwrap();
    (read.code, read.stderr)
}

#[tokio::test]
async fn a_page_that_has_changed_is_kept_sealed_and_without_whose_it_is() {
    hpu()
        .settings(|settings| {
            settings.set("WEHPU_KEEP_CHANGED_PAGES", "on");
        })
        .run(async |app| {
            let student = meet_changed_pages(app).await;
            let who = [student.campus.number.as_str(), &student.campus.name, &student.campus.id_number, "10000000000"];
            let kept = app.db.all("changed_pages").await;
            assert_eq!(kept.len(), 2, "each page once, although the table was asked for again: {kept:?}");
            for document in &kept {
                assert!(document.get_str("sealed").unwrap().starts_with("s1."), "{document}");
                assert!(who.iter().all(|part| !document.to_string().contains(part)), "{document}");
            }

            let settings = settings(app, KEY_1);
            let listed = run_engine(&["school", "pages"], &settings).await.succeeded();
            assert_eq!(listed.stdout.lines().count(), 2, "{listed:?}");
            let renamed_number = format!("新学号栏：</td><td>{}</td>", "0".repeat(student.campus.number.len()));
            for (page, missing, parts) in [
                ("eams-record", "name and number of the student", [renamed_number.as_str(), "姓名：</td>"]),
                ("eams-course", "the header of the list", ["<th>新课程名称栏</th>", "var unitCount = 11;"]),
            ] {
                let mut lines = listed.stdout.lines().map(|line| line.split('\t').collect::<Vec<_>>());
                let line = lines.find(|line| line[1] == page).unwrap();
                assert_eq!((line[2], line[5]), ("eams", missing), "{listed:?}");
                let copy = run_engine(&["school", "pages", line[0]], &settings).await.succeeded().stdout;
                assert_eq!(line[4], copy.len().to_string());
                assert!(parts.iter().all(|part| copy.contains(part)), "{copy}");
                assert!(who.iter().all(|part| !copy.contains(part)), "{copy}");
                let (code, said) = parsed(page, &copy).await;
                assert_eq!(code, Some(2), "{said}");
                assert!(said.starts_with("CAMPUS_CHANGED"), "{said}");
            }
        })
        .await;
}

#[tokio::test]
async fn nothing_is_kept_without_the_setting() {
    hpu()
        .run(async |app| {
            meet_changed_pages(app).await;
            assert!(app.db.all("changed_pages").await.is_empty());
            let listed = run_engine(&["school", "pages"], &settings(app, KEY_1)).await.succeeded();
            assert!(listed.stdout.is_empty() && listed.stderr.contains("WEHPU_KEEP_CHANGED_PAGES"), "{listed:?}");
            let mut wrong = app.settings.clone();
            wrong.set("WEHPU_KEEP_CHANGED_PAGES", "true");
            let refused = run_engine(&["config"], &wrong).await.failed();
            assert!(refused.stderr.contains("WEHPU_KEEP_CHANGED_PAGES: must be on or off"), "{refused:?}");
        })
        .await;
}

#[tokio::test]
async fn the_newest_copies_of_each_page_are_kept_and_open_with_their_key_only() {
    setup()
        .run(async |app| {
            let engine = &app.replicas[0].app;
            let keep = async |id: &str, page: &str, seconds: i64| {
                let sealed = engine.keys.seal(id, &format!("changedPage/{page}"), "<p>").unwrap();
                let at = app.clock.now() + TimeDelta::seconds(seconds);
                let copy = ChangedPage::new(id, ("eams", page, "rows"), (sealed, 3), at);
                engine.store.changed_pages.keep(&copy).await.unwrap();
            };
            keep("other", "eams-score", 0).await;
            for number in 1..=7_i64 {
                keep(&number.to_string(), "eams-course", number).await;
            }
            let listed = run_engine(&["school", "pages"], &settings(app, KEY_1)).await.succeeded();
            let ids: Vec<_> = listed.stdout.lines().filter_map(|line| line.split('\t').next()).collect();
            assert_eq!(ids, ["7", "6", "5", "4", "3", "other"]);

            let copy = run_engine(&["school", "pages", "7"], &settings(app, KEY_1)).await.succeeded();
            assert_eq!(copy.stdout, "<p>");
            let gone = run_engine(&["school", "pages", "1"], &settings(app, KEY_1)).await.failed();
            assert!(gone.stderr.contains("no copy has this id"), "{gone:?}");
            let closed = run_engine(&["school", "pages", "7"], &settings(app, KEY_2)).await.failed();
            assert!(closed.stderr.contains("WEHPU_CREDENTIAL_KEYS does not have"), "{closed:?}");
        })
        .await;
}
