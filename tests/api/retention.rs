//! How long accounts are kept that nobody uses, and what their owners have agreed to.

use std::time::Duration;

use mongodb::bson::{DateTime, Document, doc};
use reqwest::Method;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wehpu_engine::accounts::retention::{PER_DAY, daily, delete_unused, due};

use crate::support::{PNG, TestApp, file, run_engine, setup};

/// Just longer than an unused account is kept by default.
const TOO_LONG: Duration = Duration::from_hours(541 * 24);

/// One day's work, as a replica does it by itself.
async fn work(app: &TestApp) -> Option<u64> {
    daily(&app.replicas[0].app, &CancellationToken::new()).await.unwrap()
}

async fn open_ids(app: &TestApp) -> Vec<String> {
    let mut all: Vec<_> = app.db.all("users").await.iter().map(|u| u.get_str("openId").unwrap().to_owned()).collect();
    all.sort();
    all
}

#[tokio::test]
async fn an_account_without_a_login_for_eighteen_months_is_deleted_as_its_owner_would_have_done_it() {
    setup()
        .run(async |app| {
            let leaving = app.bound(1).await;
            leaving.course().await.expect_data(false);
            leaving.get("/api/score").await.expect_data(false);
            leaving.post_form("/api/course/subscription", &[]).await.expect(201);
            leaving.post_form("/api/rss/subscription", &[]).await.expect(201);
            leaving.upload(&[file("a.png", "image/png", PNG)]).await.expect(201);
            app.clock.advance(TOO_LONG);
            let staying = app.bound(2).await;
            assert_eq!(work(app).await, Some(1));
            app.idle().await;
            let left = app.db.dump().await;
            for trace in
                [&leaving.open_id, &leaving.campus.number, &leaving.campus.name, &leaving.campus.courses[0].name]
            {
                assert!(!left.contains(trace.as_str()), "{trace} is left in {left}");
            }
            for collection in ["files", "fs.files", "fs.chunks", "subscriptions", "feed_subscriptions"] {
                assert!(app.db.all(collection).await.is_empty(), "{collection}");
            }
            assert_eq!(open_ids(app).await, [staying.open_id.as_str()]);
            staying.course().await.expect_data(false);
            app.log_in(&leaving.open_id).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn whoever_logs_in_now_and_then_is_kept() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for _ in 0..2 {
                app.clock.advance(Duration::from_hours(300 * 24));
                app.log_in(&student.open_id).await.expect(200);
            }
            app.clock.advance(Duration::from_hours(539 * 24));
            assert_eq!(work(app).await, Some(0));
            assert_eq!(open_ids(app).await, [student.open_id]);
        })
        .await;
}

#[tokio::test]
async fn of_several_replicas_one_does_the_work_of_a_day() {
    setup()
        .replicas(2)
        .run(async |app| {
            app.student(1).await;
            app.clock.advance(TOO_LONG);
            let stop = CancellationToken::new();
            let (one, other) = tokio::join!(daily(&app.replicas[0].app, &stop), daily(&app.replicas[1].app, &stop));
            let mut done = [one.unwrap(), other.unwrap()];
            done.sort_unstable();
            assert_eq!(done, [None, Some(1)]);
            assert_eq!(work(app).await, None, "not a second time on that day");
            // The database's own time counts for the lease.
            app.db.collection("leases").delete_many(doc! {}).await.unwrap();
            assert_eq!(work(app).await, Some(0));
        })
        .await;
}

#[tokio::test]
async fn what_a_day_deletes_is_bounded() {
    setup()
        .run(async |app| {
            let long_ago = DateTime::from_millis(1_500_000_000_000);
            let accounts: Vec<Document> =
                (0..7).map(|n| doc! { "openId": format!("o{n}"), "bind": false, "lastLoginAt": long_ago }).collect();
            app.db.collection("users").insert_many(accounts).await.unwrap();
            let engine = &app.replicas[0].app;
            assert_eq!(due(engine).await.unwrap().unwrap().accounts, 7);
            let stop = CancellationToken::new();
            assert_eq!(delete_unused(engine, 3, &stop).await.unwrap().accounts, 3);
            assert_eq!(open_ids(app).await.len(), 4);
            stop.cancel();
            assert_eq!(delete_unused(engine, 3, &stop).await.unwrap().accounts, 0, "told to stop");
            assert_eq!(delete_unused(engine, PER_DAY, &CancellationToken::new()).await.unwrap().accounts, 4);
        })
        .await;
}

#[tokio::test]
async fn an_account_that_cannot_be_deleted_does_not_lift_the_bound_of_a_day() {
    setup()
        .run(async |app| {
            let long_ago = DateTime::from_millis(1_500_000_000_000);
            let unreadable =
                doc! { "openId": "broken", "bind": false, "lastLoginAt": long_ago, "knownNumbers": "no list" };
            app.db.collection("users").insert_one(unreadable).await.unwrap();
            let other = doc! { "openId": "unused", "bind": false, "lastLoginAt": long_ago };
            app.db.collection("users").insert_one(other).await.unwrap();
            let (engine, stop) = (&app.replicas[0].app, CancellationToken::new());
            daily(engine, &stop).await.unwrap_err();
            assert_eq!(open_ids(app).await, ["broken"]);
            assert_eq!(daily(engine, &stop).await.unwrap(), None, "what is left waits for the next day");
            app.db.collection("leases").delete_many(doc! {}).await.unwrap();
            for _ in 0..2 {
                daily(engine, &stop).await.expect_err("nothing was deleted: it is tried again at the next check");
            }
        })
        .await;
}

#[tokio::test]
async fn an_account_whose_last_login_is_not_known_counts_from_the_migration() {
    setup()
        .empty_database()
        .run(async |app| {
            let old = doc! { "openId": "of-the-old-service", "bind": false, "lastLoginAt": null };
            let known = doc! { "openId": "known", "bind": false, "lastLoginAt": DateTime::now() };
            app.db.collection("users").insert_many([old, known]).await.unwrap();
            run_engine(&["migrate"], &app.settings).await.succeeded();
            let since = |user: Option<Document>| user.unwrap().get_datetime("knownSince").ok().copied();
            assert!(since(app.db.user("of-the-old-service").await).is_some());
            assert!(since(app.db.user("known").await).is_none());
            let replica = app.start_replica(|_| {}).await;
            app.clock.advance(Duration::from_hours(530 * 24));
            assert_eq!(due(&replica.app).await.unwrap().unwrap().accounts, 0);
            app.clock.advance(Duration::from_hours(20 * 24));
            let unused = due(&replica.app).await.unwrap().unwrap();
            assert_eq!(unused.accounts, 2);
            assert!(unused.oldest.is_some());
            assert_eq!(daily(&replica.app, &CancellationToken::new()).await.unwrap(), Some(2));
            assert!(app.db.all("users").await.is_empty());
        })
        .await;
}

#[tokio::test]
async fn a_dry_run_counts_and_deletes_nothing_and_the_command_itself_deletes() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            // The command's clock is the real one.
            let long_ago = DateTime::from_millis(DateTime::now().timestamp_millis() - 541 * 86_400_000);
            let back = doc! { "$set": { "lastLoginAt": long_ago } };
            app.db.collection("users").update_one(doc! { "openId": &student.open_id }, back).await.unwrap();
            app.student(2).await;
            let counted = run_engine(&["retention", "--dry-run"], &app.settings).await.succeeded();
            assert!(counted.stdout.starts_with("1 accounts would be deleted, the oldest last used on "), "{counted:?}");
            assert!(!counted.stdout.contains(&student.open_id), "{counted:?}");
            assert_eq!(open_ids(app).await.len(), 2);
            let mut off = app.settings.clone();
            off.set("WEHPU_RETENTION", "off");
            let kept = run_engine(&["retention"], &off).await.succeeded();
            assert!(kept.stdout.contains("off"), "{kept:?}");
            assert_eq!(open_ids(app).await.len(), 2);
            let done = run_engine(&["retention"], &app.settings).await.succeeded();
            assert!(done.stdout.contains("1 of 1 accounts deleted"), "{done:?}");
            assert_eq!(open_ids(app).await.len(), 1);
            student.course().await.expect_error(403, "TOKEN_INVALID");
        })
        .await;
}

#[tokio::test]
async fn accounts_can_be_kept_for_ever_but_not_for_less_than_a_quarter_of_a_year() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_RETENTION", "off"))
        .run(async |app| {
            app.student(1).await;
            app.clock.advance(TOO_LONG * 10);
            assert_eq!(work(app).await, None);
            assert_eq!(due(&app.replicas[0].app).await.unwrap(), None);
            for (retention, ttl) in [("89d", "7d"), ("0s", "7d"), ("soon", "7d"), ("90d", "91d")] {
                let mut settings = app.settings.clone();
                settings.set("WEHPU_RETENTION", retention).set("WEHPU_JWT_TTL", ttl);
                let refused = run_engine(&["config"], &settings).await;
                assert!(refused.stderr.contains("WEHPU_RETENTION: must be"), "{retention}: {refused:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_bind_keeps_to_which_text_the_student_agreed_and_when() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let campus = &student.campus;
            let bind = async |consent: &str| {
                let fields = [
                    ("studentId", campus.number.as_str()),
                    ("vpnPassWord", &campus.vpn_password),
                    ("jwcPassWord", &campus.urp_password),
                    ("consent", consent),
                ];
                student.post_form("/api/bind", &fields).await
            };
            let shown = async || student.get("/api/me/export").await.expect(200).data()["account"]["consent"].clone();
            bind("").await.expect(201);
            assert!(shown().await.is_null());
            bind(&"长".repeat(33)).await.expect_error(400, "BAD_REQUEST");
            bind("2026-11").await.expect(201);
            let at = app.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            assert_eq!(shown().await, json!({ "version": "2026-11", "at": at }));
            student.bind().await;
            assert_eq!(shown().await["version"], "2026-11", "a bind of a client that does not ask takes nothing back");
            student.send(student.request(Method::DELETE, "/api/bind")).await.expect(200);
            assert!(shown().await.is_null());
        })
        .await;
}
