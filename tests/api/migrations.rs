//! `wehpu-engine migrate`: an empty database, one of the old service, and everything that can come in between.

use mongodb::bson::{Document, doc, oid::ObjectId};

use crate::support::{run_engine, setup, text_of};

#[tokio::test]
async fn migrate_twice_applies_everything_once() {
    setup()
        .empty_database()
        .run(async |app| {
            let pending = run_engine(&["migrate", "--status"], &app.settings).await.succeeded();
            assert!(pending.stdout.lines().all(|line| line.starts_with("pending")), "{pending:?}");
            let first = run_engine(&["migrate"], &app.settings).await.succeeded();
            assert!(first.stdout.contains("applied 0001_users"), "{first:?}");
            let records = app.db.all("migrations").await;
            let second = run_engine(&["migrate"], &app.settings).await.succeeded();
            assert!(!second.stdout.contains("applied"), "{second:?}");
            assert_eq!(app.db.all("migrations").await, records);
            let status = run_engine(&["migrate", "--status"], &app.settings).await.succeeded();
            assert_eq!(status.stdout.lines().count(), records.len(), "{status:?}");
            assert!(!status.stdout.contains("pending"), "{status:?}");
            assert!(app.db.all("leases").await.is_empty(), "the lease was given back");
        })
        .await;
}

#[tokio::test]
async fn two_at_once_apply_everything_once() {
    setup()
        .empty_database()
        .run(async |app| {
            let migrate = || run_engine(&["migrate"], &app.settings);
            let (one, other) = tokio::join!(migrate(), migrate());
            let (one, other) = (one.succeeded(), other.succeeded());
            let applied = format!("{}{}", one.stdout, other.stdout).matches("applied ").count();
            assert_eq!(applied, app.db.all("migrations").await.len(), "{one:?} {other:?}");
        })
        .await;
}

#[tokio::test]
async fn an_interrupted_run_is_repeated() {
    setup()
        .empty_database()
        .run(async |app| {
            run_engine(&["migrate"], &app.settings).await.succeeded();
            let migrations = app.db.collection("migrations");
            for id in ["0001_users", "0003_short_lived"] {
                migrations.delete_one(doc! { "_id": id }).await.unwrap();
            }
            let again = run_engine(&["migrate"], &app.settings).await.succeeded();
            assert_eq!(again.stdout.matches("applied ").count(), 2, "{again:?}");
        })
        .await;
}

#[tokio::test]
async fn a_lease_of_a_run_that_was_killed_does_not_stop_the_next_for_ever() {
    setup()
        .empty_database()
        .run(async |app| {
            let over = mongodb::bson::DateTime::from_millis(0);
            let left = doc! { "_id": "migrate", "owner": "killed", "expiresAt": over };
            app.db.collection("leases").insert_one(left).await.unwrap();
            run_engine(&["migrate"], &app.settings).await.succeeded();
        })
        .await;
}

#[tokio::test]
async fn a_migration_that_was_changed_after_it_was_applied_is_refused() {
    setup()
        .run(async |app| {
            let changed = doc! { "$set": { "checksum": "0".repeat(64) } };
            app.db.collection("migrations").update_one(doc! { "_id": "0002_snapshots" }, changed).await.unwrap();
            for arguments in [&["migrate"][..], &["migrate", "--status"]] {
                let refused = run_engine(arguments, &app.settings).await.failed();
                assert!(refused.stderr.contains("0002_snapshots"), "{refused:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_database_that_is_away_is_waited_for_as_long_as_told() {
    setup()
        .run(async |app| {
            let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut settings = app.settings.clone();
            let uri = format!("mongodb://engine:hunter2@{nowhere}/wehpu?replicaSet=away&serverSelectionTimeoutMS=200");
            settings.set("WEHPU_MONGODB_URI", &uri);
            let away = run_engine(&["migrate", "--wait", "1s"], &settings).await.failed();
            assert!(!format!("{away:?}").contains("hunter2"), "{away:?}");
        })
        .await;
}

fn old_user(open_id: &str, bind: bool, timestamp: &str) -> Document {
    doc! {
        "_id": ObjectId::new(), "openId": open_id, "bind": bind, "timestamp": timestamp, "nickName": format!("{open_id} {timestamp}"),
        "studentId": if bind { "311509000001" } else { "" }, "name": "", "__v": 0,
    }
}

#[tokio::test]
async fn duplicate_users_of_the_old_service_are_merged_without_losing_any() {
    setup()
        .empty_database()
        .run(async |app| {
            let users = app.db.collection("users");
            let old = [
                old_user("bound-first", true, "1512100000000"),
                old_user("bound-first", false, "1512200000000"),
                old_user("newest", false, "1512100000000"),
                old_user("newest", false, "1512300000000"),
                old_user("newest", false, "1512200000000"),
                old_user("alone", false, "1512100000000"),
                doc! { "nickName": "without openId" },
                doc! { "openId": null, "nickName": "null openId 1" },
                doc! { "openId": null, "nickName": "null openId 2" },
            ];
            users.insert_many(&old).await.unwrap();
            run_engine(&["migrate"], &app.settings).await.succeeded();
            assert_eq!(app.db.all("users").await.len(), old.len(), "nothing is deleted");
            for (open_id, kept) in [
                ("bound-first", "bound-first 1512100000000"),
                ("newest", "newest 1512300000000"),
                ("alone", "alone 1512100000000"),
            ] {
                let user = app.db.user(open_id).await.unwrap();
                assert_eq!(text_of(&user, "nickName"), kept);
                assert_eq!(users.count_documents(doc! { "openId": open_id }).await.unwrap(), 1);
            }
            for (open_id, others) in [("bound-first", 1), ("newest", 2), ("alone", 0)] {
                assert_eq!(users.count_documents(doc! { "duplicateOf": open_id }).await.unwrap(), others, "{open_id}");
            }
            let replica = app.start_replica(|_| {}).await;
            let request = app.request_at(&replica.url, reqwest::Method::POST, "/api/login");
            let login = request.form(&[("code", &app.sim.wechat_code("bound-first"))]).send().await.unwrap();
            assert_eq!(crate::support::Answer::of(login).await.expect(200).data()["bind"], true);
        })
        .await;
}

#[tokio::test]
async fn a_dry_run_prints_what_each_step_would_touch_and_touches_nothing() {
    setup()
        .empty_database()
        .run(async |app| {
            let users = [
                old_user("twice", true, "1512100000000"),
                old_user("twice", false, "1512200000000"),
                old_user("once", false, "1512200000000"),
            ];
            app.db.collection("users").insert_many(&users).await.unwrap();
            app.db.collection("news").insert_one(doc! { "title": "a", "time": "2017-12-01" }).await.unwrap();
            let counted = run_engine(&["migrate", "--dry-run"], &app.settings).await.succeeded();
            for line in [
                "pending 0001_users",
                "  1 aggregate users: 1 documents",
                "  2 createIndexes users (openId, studentId): 3 documents",
                "  3 collMod users",
                "pending 0006_articles",
                "  1 update news: 1 documents",
            ] {
                assert!(counted.stdout.lines().any(|printed| printed == line), "{line}: {counted:?}");
            }
            assert!(app.db.all("migrations").await.is_empty());
            assert_eq!(app.db.all("users").await, users);
            run_engine(&["migrate"], &app.settings).await.succeeded();
            let nothing = run_engine(&["migrate", "--dry-run"], &app.settings).await.succeeded();
            assert_eq!(nothing.stdout, "0 migrations to apply\n");
        })
        .await;
}

#[tokio::test]
async fn tables_of_the_old_service_stay_where_they_are() {
    setup()
        .empty_database()
        .run(async |app| {
            let old = [
                doc! { "openId": "alice", "term": "2017-2018-1-1", "courses": "[]" },
                doc! { "openId": "alice", "term": "2017-2018-1-1", "courses": "[]" },
            ];
            app.db.collection("courses").insert_many(&old).await.unwrap();
            run_engine(&["migrate"], &app.settings).await.succeeded();
            assert_eq!(app.db.all("courses").await.len(), 2);
        })
        .await;
}

/// A snapshot as it was stored before migration 0010: by number and term.
fn ownerless(student_id: &str, data: &Document) -> Document {
    let now = mongodb::bson::DateTime::now();
    doc! { "_id": ObjectId::new(), "studentId": student_id, "term": "2017-2018-1-1", "data": data, "fetchedAt": now }
}

fn bound_user(open_id: &str, student_id: &str, rejected: &[&str]) -> Document {
    doc! {
        "openId": open_id, "bind": true, "studentId": student_id, "name": "某人", "nickName": "", "vpnPassWord": "s1.t1.a",
        "jwcPassWord": "s1.t1.a", "libPassWord": "s1.t1.a", "idNumber": "s1.t1.a", "rejected": rejected,
    }
}

#[tokio::test]
async fn a_stored_table_goes_to_each_account_that_is_bound_to_the_number_and_whose_password_was_not_refused() {
    setup()
        .empty_database()
        .run(async |app| {
            const ONE: &str = "311509000001";
            const OTHER: &str = "311509000002";
            const KINDS: [&str; 4] = ["courses", "scores", "physical", "borrowing"];
            let mut without_library = bound_user("no-library", OTHER, &[]);
            without_library.extend(doc! { "libPassWord": "", "rejected": null });
            let accounts = [
                bound_user("well", ONE, &[]),
                bound_user("urp-refused", ONE, &["jwcPassWord"]),
                bound_user("vpn-refused", ONE, &["vpnPassWord"]),
                bound_user("library-refused", ONE, &["libPassWord"]),
                bound_user("id-refused", ONE, &["idNumber"]),
                without_library,
                doc! { "openId": "unbound", "bind": false, "studentId": "", "name": "" },
                doc! { "openId": "half", "bind": false, "studentId": ONE, "name": "" },
            ];
            app.db.collection("users").insert_many(&accounts).await.unwrap();
            let day: Vec<Document> = Vec::new();
            let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "oth"];
            let table: Document = days.into_iter().map(|name| (name.to_owned(), day.clone().into())).collect();
            let mut before = Vec::new();
            for kind in KINDS {
                let stored = [ownerless(ONE, &table), ownerless(OTHER, &table)];
                app.db.collection(kind).insert_many(&stored).await.unwrap();
                before.push(stored);
            }
            let old_service = doc! { "openId": "well", "term": "2017-2018-1-1", "courses": "[]" };
            app.db.collection("courses").insert_one(old_service).await.unwrap();
            run_engine(&["migrate"], &app.settings).await.succeeded();

            let first = app.db.dump().await;
            for again in [false, true] {
                if again {
                    let record = doc! { "_id": "0010_own_snapshots" };
                    app.db.collection("migrations").delete_one(record).await.unwrap();
                    run_engine(&["migrate"], &app.settings).await.succeeded();
                }
                let mut owners = Vec::new();
                for (kind, before) in KINDS.into_iter().zip(&before) {
                    for owned in app.db.all(kind).await {
                        let Ok(owner) = owned.get_document("owner") else { continue };
                        let source = before.iter().find(|old| text_of(old, "studentId") == text_of(owner, "studentId"));
                        let source = source.unwrap();
                        for field in ["term", "data", "fetchedAt"] {
                            assert_eq!(owned.get(field), source.get(field), "{kind} {owned}");
                        }
                        owners.push(format!("{kind} {} {}", text_of(owner, "openId"), text_of(owner, "studentId")));
                    }
                    let left = app.db.all(kind).await;
                    assert!(before.iter().all(|old| left.contains(old)), "an engine before it still reads them");
                }
                owners.sort();
                let expected = [
                    "borrowing id-refused",
                    "borrowing urp-refused",
                    "borrowing vpn-refused",
                    "borrowing well",
                    "courses id-refused",
                    "courses library-refused",
                    "courses no-library",
                    "courses well",
                    "physical library-refused",
                    "physical no-library",
                    "physical urp-refused",
                    "physical vpn-refused",
                    "physical well",
                    "scores id-refused",
                    "scores library-refused",
                    "scores no-library",
                    "scores well",
                ];
                let expected = expected
                    .map(|owner| format!("{owner} {}", if owner.ends_with("no-library") { OTHER } else { ONE }));
                assert_eq!(owners, expected, "{first}");
            }

            // With the campus away, who had a table has it, and nobody else.
            app.db.replicated().await;
            app.sim.set_fault(campus_sim::System::Vpn, campus_sim::Fault::server_error());
            let replica = app.start_replica(|_| {}).await;
            for (open_id, status) in [("well", 200), ("no-library", 200), ("urp-refused", 400), ("unbound", 400)] {
                let request = app.request_at(&replica.url, reqwest::Method::POST, "/api/login");
                let login = request.form(&[("code", &app.sim.wechat_code(open_id))]).send().await.unwrap();
                let login = crate::support::Answer::of(login).await.expect(200);
                let request = app.request_at(&replica.url, reqwest::Method::GET, "/api/course");
                let request = request.bearer_auth(login.data()["token"].as_str().unwrap());
                let answer = crate::support::Answer::of(request.send().await.unwrap()).await;
                assert_eq!(answer.status, status, "{open_id}: {answer:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn migrations_end_what_nobody_owns_after_a_month_and_nothing_that_somebody_owns() {
    setup()
        .run(async |app| {
            for kind in ["courses", "scores", "physical", "borrowing"] {
                let indexes = app.db.collection(kind).list_indexes().await.unwrap();
                let indexes: Vec<_> = futures_util::TryStreamExt::try_collect(indexes).await.unwrap();
                let ending = indexes.iter().filter_map(|index| {
                    let options = index.options.clone()?;
                    Some((options.expire_after?, options.partial_filter_expression?))
                });
                let ending: Vec<_> = ending.collect();
                let of_nobody = doc! { "studentId": { "$gt": "" } };
                assert_eq!(ending, [(std::time::Duration::from_hours(30 * 24), of_nobody)], "{kind}");
            }
        })
        .await;
}

#[tokio::test]
async fn files_and_counters_of_former_versions_get_what_they_lacked() {
    setup()
        .empty_database()
        .run(async |app| {
            let now = mongodb::bson::DateTime::now();
            let old_file = |id: &str, owner: &str, folder: &str, prefix: &str| {
                doc! {
                    "_id": id, "owner": owner, "at": now, "type": "png", "length": 1_i64, "folder": folder, "prefix": prefix,
                }
            };
            let mut unfinished = doc! { "_id": "unfinished", "owner": "oA", "at": now };
            unfinished.insert("until", now);
            let old = [
                old_file("reported", "oA", "feedback", "misc"),
                old_file("ordered", "oA", "misc", "repair"),
                old_file("other", "oA", "misc", "avatar"),
                old_file("notice", "service:spider", "notice", "notice"),
                unfinished,
            ];
            app.db.collection("files").insert_many(old).await.unwrap();
            // The database's expiry must not come first.
            let later = mongodb::bson::DateTime::from_millis(now.timestamp_millis() + 86_400_000);
            let windows = [
                ("upload/oA/86400000/1700000000000", vec!["oA"]),
                ("bind/student/311509000001/3600000/1700000000000", vec!["student", "311509000001"]),
            ];
            for (id, _) in &windows {
                let window = doc! { "_id": *id, "count": 1_i64, "expiresAt": later };
                app.db.collection("limits").insert_one(window).await.unwrap();
            }
            let check = async || {
                for file in app.db.all("files").await {
                    let marks = (file.contains_key("usedAt"), file.contains_key("expiresAt"));
                    let expected = match text_of(&file, "_id") {
                        "reported" | "ordered" => (true, false),
                        "other" => (false, true),
                        _ => (false, false),
                    };
                    assert_eq!(marks, expected, "{file}");
                    if let Ok(expires_at) = file.get_datetime("expiresAt") {
                        let days = (expires_at.timestamp_millis() - now.timestamp_millis()) / 86_400_000;
                        assert_eq!(days, 180, "{file}");
                    }
                }
                for (id, owners) in &windows {
                    let window = app.db.collection("limits").find_one(doc! { "_id": *id }).await.unwrap().unwrap();
                    let named: Vec<_> =
                        window.get_array("owners").unwrap().iter().map(|owner| owner.as_str().unwrap()).collect();
                    assert_eq!(named, *owners, "{window}");
                }
            };
            run_engine(&["migrate"], &app.settings).await.succeeded();
            check().await;
            app.db.collection("migrations").delete_one(doc! { "_id": "0011_uploads_and_limits" }).await.unwrap();
            run_engine(&["migrate"], &app.settings).await.succeeded();
            check().await;
        })
        .await;
}
