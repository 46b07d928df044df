//! Whose data is it: an account sees what the campus showed it, with its own passwords, and nothing else.

use std::time::Duration;

use campus_sim::{Fault, System};
use mongodb::bson::doc;
use reqwest::Method;
use serde_json::Value;

use crate::support::{PNG, STUDENT_DATA, Student, TestApp, file, setup, text_of};

const BORROWING: &str = "/api/library/borrowing";
const RENEW: &str = "/api/library/renew";

/// A student with loans one of which can be renewed, his library password given, and an intruder: another account that
/// is bound to the same number.
async fn reader_and_intruder(app: &TestApp) -> (Student<'_>, Student<'_>) {
    let borrowers = app.sim.students(1, 20).into_iter().enumerate();
    let (index, _) = borrowers.into_iter().find(|(_, student)| student.loans.len() > 1).unwrap();
    let (victim, intruder) = victim_and_intruder(app, index + 1).await;
    app.sim.edit_student(&victim.campus.number, |campus| campus.loans[0].renewable = true);
    victim.change("libPassWord", &victim.campus.library_password).await.expect(201);
    (victim, intruder)
}

async fn victim_and_intruder(app: &TestApp, index: usize) -> (Student<'_>, Student<'_>) {
    let victim = app.bound(index).await;
    let intruder = Student::log_in(app, "oWxIntruder", victim.campus.clone()).await;
    intruder.bind().await;
    app.sim.reset_counts();
    (victim, intruder)
}

/// The campus has another URP password now, with which only the victim binds again; all campus sessions are over.
async fn change_password(app: &TestApp, victim: &Student<'_>) {
    app.sim.set_password(&victim.campus.number, System::Urp, "changed-at-the-campus");
    app.sim.expire_sessions(None);
    victim.try_bind(&victim.campus.vpn_password, "changed-at-the-campus").await.expect(201);
}

async fn subscribe(student: &Student<'_>) -> String {
    let answer = student.post_form("/api/course/subscription", &[]).await.expect(201);
    let url: reqwest::Url = answer.data()["url"].as_str().unwrap().parse().unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}

async fn text(app: &TestApp, path: &str) -> String {
    app.request(Method::GET, path).send().await.unwrap().text().await.unwrap().replace("\r\n ", "")
}

async fn export(student: &Student<'_>) -> Value {
    student.get("/api/me/export").await.expect(200).data().clone()
}

#[tokio::test]
async fn who_never_gave_a_library_password_sees_nobodys_loans() {
    setup()
        .run(async |app| {
            let (victim, intruder) = reader_and_intruder(app).await;
            victim.get(BORROWING).await.expect_data(false);
            app.db.replicated().await;
            intruder.get(BORROWING).await.expect_error(400, "NO_LIBRARY_PASSWORD");
            let number = victim.campus.loans[0].copy_number.clone();
            intruder.post_form(RENEW, &[("number", &number)]).await.expect_error(400, "NO_LIBRARY_PASSWORD");
            assert_eq!(export(&intruder).await["campus"]["borrowing"], serde_json::json!([]));
            assert_eq!(export(&victim).await["campus"]["borrowing"].as_array().unwrap().len(), 1);
        })
        .await;
}

#[tokio::test]
async fn who_gave_a_wrong_library_password_sees_nobodys_loans_however_often_they_are_refreshed() {
    setup()
        .run(async |app| {
            let (victim, intruder) = reader_and_intruder(app).await;
            intruder.change("libPassWord", "guess").await.expect(201);
            let number = victim.campus.loans[0].copy_number.clone();
            for renewed in [false, true] {
                victim.get(BORROWING).await.expect_data(false);
                if renewed {
                    victim.post_form(RENEW, &[("number", &number)]).await.expect_data(false);
                }
                app.db.replicated().await;
                intruder.get(BORROWING).await.expect_error(400, "WRONG_PASSWORD");
                intruder.post_form(RENEW, &[("number", &number)]).await.expect_error(400, "WRONG_PASSWORD");
                app.clock.advance(Duration::from_mins(6));
            }
            let export = export(&intruder).await;
            assert_eq!(export["campus"]["borrowing"], serde_json::json!([]));
            assert!(export["credentials"].as_array().unwrap().iter().any(|c| c["refused"] == true), "{export}");
        })
        .await;
}

#[tokio::test]
async fn who_replaced_his_library_password_by_a_wrong_one_keeps_the_loans_he_knew_as_stale() {
    setup()
        .run(async |app| {
            let (reader, _) = reader_and_intruder(app).await;
            let known = reader.get(BORROWING).await.expect_data(false);
            reader.change("libPassWord", "forgotten").await.expect(201);
            app.sim.expire_sessions(None);
            app.sim.edit_student(&reader.campus.number, |campus| campus.loans.clear());
            app.db.replicated().await;
            app.clock.advance(Duration::from_mins(6));
            let shown = reader.get(BORROWING).await.expect_data(true);
            assert_eq!((shown.data(), shown.fetched_at()), (known.data(), known.fetched_at()));
        })
        .await;
}

#[tokio::test]
async fn a_changed_campus_password_locks_an_intruder_out_of_everything_newer() {
    setup()
        .run(async |app| {
            let (victim, intruder) = victim_and_intruder(app, 1).await;
            let known = intruder.course().await.expect_data(false);
            let known_scores = intruder.get("/api/score").await.expect_data(false);
            let known_summary = intruder.get("/api/score/summary").await.expect_data(false);
            let calendar = subscribe(&intruder).await;
            let known_calendar = text(app, &calendar).await;
            change_password(app, &victim).await;
            app.sim.edit_student(&victim.campus.number, |s| {
                "新的课程".clone_into(&mut s.courses[0].name);
                "新的课程".clone_into(&mut s.scores[0].name);
                "100".clone_into(&mut s.scores[0].mark);
            });
            for _ in 0..2 {
                app.next_day().await;
                for path in ["/api/course", "/api/score"] {
                    let shown = victim.get(path).await.expect_data(false).data().to_string();
                    assert!(shown.contains("新的课程"), "{path}: {shown}");
                }
                app.db.replicated().await;
                let course = intruder.course().await.expect_data(true);
                assert_eq!((course.data(), course.fetched_at()), (known.data(), known.fetched_at()));
                assert_eq!(intruder.get("/api/score").await.expect_data(true).data(), known_scores.data());
                assert_eq!(intruder.get("/api/score/summary").await.expect_data(true).data(), known_summary.data());
                assert_eq!(text(app, &calendar).await, known_calendar);
                let export = export(&intruder).await.to_string();
                assert!(!export.contains("新的课程"), "{export}");
            }
        })
        .await;
}

#[tokio::test]
async fn who_never_looked_before_the_password_changed_sees_nothing() {
    setup()
        .run(async |app| {
            let (victim, intruder) = victim_and_intruder(app, 1).await;
            let calendar = subscribe(&intruder).await;
            change_password(app, &victim).await;
            for path in ["/api/course", "/api/score", "/api/physical"] {
                victim.get(path).await.expect_data(false);
            }
            app.db.replicated().await;
            // The id number is not what has changed: the physical tests stay open to who bound once.
            for path in ["/api/course", "/api/score", "/api/score/summary"] {
                intruder.get(path).await.expect_error(400, "WRONG_PASSWORD");
            }
            app.get(&calendar).await.expect_error(400, "WRONG_PASSWORD");
            let export = export(&intruder).await;
            for kind in ["courses", "scores", "borrowing"] {
                assert_eq!(export["campus"][kind], serde_json::json!([]), "{export}");
            }
        })
        .await;
}

#[tokio::test]
async fn after_the_victims_deletion_an_intruder_has_nothing_that_was_the_victims() {
    setup()
        .run(async |app| {
            let (victim, intruder) = victim_and_intruder(app, 1).await;
            for path in ["/api/course", "/api/score"] {
                victim.get(path).await.expect_data(false);
            }
            change_password(app, &victim).await;
            app.db.replicated().await;
            victim.send(victim.request(Method::DELETE, "/api/user")).await.expect(200);
            app.idle().await;
            for path in ["/api/course", "/api/score"] {
                intruder.get(path).await.expect_error(400, "WRONG_PASSWORD");
            }
            assert!(!app.db.dump().await.contains(&victim.open_id));
        })
        .await;
}

#[tokio::test]
async fn a_replica_that_waits_for_a_refresh_takes_nothing_that_another_account_fetched() {
    setup()
        .replicas(2)
        .run(async |app| {
            let (victim, intruder) = victim_and_intruder(app, 1).await;
            change_password(app, &victim).await;
            app.sim.reset_counts();
            app.sim.set_fault(System::Urp, Fault::slow(Duration::from_millis(500)).on("course"));
            let at_once = async {
                app.sim.wait_for("urp.course", 1).await;
                intruder.at(&app.replicas[1]).course().await
            };
            let (own, others) = tokio::join!(victim.course(), at_once);
            own.expect_data(false);
            others.expect_error(400, "WRONG_PASSWORD");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_accounts_of_one_number_each_ask_the_campus_once_one_after_the_other() {
    setup()
        .replicas(3)
        .run(async |app| {
            let (one, other) = victim_and_intruder(app, 1).await;
            let seats: Vec<_> = (0..60).map(|n| [&one, &other][n % 2].at(&app.replicas[n / 2 % 3])).collect();
            for answer in futures_util::future::join_all(seats.iter().map(Student::course)).await {
                answer.expect_data(false);
            }
            assert_eq!(app.sim.count_of("urp.course"), 2, "{:?}", app.sim.counts());
            assert_eq!(app.db.all("courses").await.len(), 2);
        })
        .await;
}

#[tokio::test]
async fn what_no_password_opens_and_classrooms_are_asked_for_once_for_everybody() {
    setup()
        .run(async |app| {
            let (one, other) = (app.bound(1).await, app.bound(2).await);
            let classroom = [("building", "1"), ("weekly", "3"), ("section", "1,2"), ("week", "2")];
            for student in [&one, &other] {
                student.get("/api/library/books?q=Rust").await.expect_data(false);
                student.post_form("/api/classroom", &classroom).await.expect(200);
                app.db.replicated().await;
            }
            assert_eq!(app.sim.count_of("library.search"), 1, "{:?}", app.sim.counts());
            assert_eq!(app.db.all("classrooms").await.len(), 1);
        })
        .await;
}

/// What a student who uses everything leaves: one document at least of every kind that belongs to an account.
async fn use_everything(student: &Student<'_>) {
    student.see_everything().await;
    subscribe(student).await;
    student.upload(&[file("a.png", "image/png", PNG)]).await.expect(201);
}

/// The collections in which an account leaves something, how many of their documents name it, and what else is there.
async fn traces(app: &TestApp, open_id: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for name in app.db.database().list_collection_names().await.unwrap() {
        let documents = app.db.all(&name).await;
        let own = documents.iter().filter(|document| document.to_string().contains(open_id)).count();
        found.push((name, own));
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_deletion_removes_exactly_the_leavers_own_of_every_kind() {
    setup()
        .run(async |app| {
            let index = (1..40).find(|index| {
                let student = app.sim.student_at(*index);
                !student.loans.is_empty() && !student.scores.is_empty() && !student.courses.is_empty()
            });
            let (leaving, staying) = victim_and_intruder(app, index.unwrap()).await;
            for student in [&leaving, &staying] {
                use_everything(student).await;
            }
            leaving.try_bind("guess", "guess").await.expect_error(400, "WRONG_PASSWORD");
            // Under a number that he left at an engine which knew of no owners.
            let former = doc! { "openId": &leaving.open_id, "studentId": "311509999999" };
            app.db.collection("courses").insert_one(doc! { "owner": former, "term": "2016-2017-2-1" }).await.unwrap();
            app.idle().await;
            let kinds = traces(app, &leaving.open_id).await;
            let there = |kind: &str| kinds.iter().any(|(name, own)| name == kind && *own > 0);
            let mut every = app.student_collections();
            every.extend(["users", "sessions", "files", "subscriptions"].map(str::to_owned));
            for kind in every.iter().map(String::as_str).chain(["login_codes", "limits"]) {
                assert!(there(kind), "nothing of {kind}: {kinds:?}");
            }
            let others = traces(app, &staying.open_id).await;
            let mut kept = Vec::new();
            for kind in &every {
                let mut all = app.db.all(kind).await;
                all.retain(|entry| !entry.to_string().contains(&leaving.open_id));
                kept.push(all);
            }

            leaving.send(leaving.request(Method::DELETE, "/api/user")).await.expect(200);
            app.idle().await;
            assert!(traces(app, &leaving.open_id).await.iter().all(|(_, own)| *own == 0), "something is left");
            assert_eq!(traces(app, &staying.open_id).await, others_without_new(others, app).await);
            for (kind, before) in every.into_iter().zip(kept) {
                assert_eq!(app.db.all(&kind).await, before, "{kind} of the other account");
            }
            app.db.replicated().await;
            for path in STUDENT_DATA {
                staying.get(path).await.expect_data(false);
            }
        })
        .await;
}

/// The same, with the collections that exist only now.
async fn others_without_new(mut before: Vec<(String, usize)>, app: &TestApp) -> Vec<(String, usize)> {
    for name in app.db.database().list_collection_names().await.unwrap() {
        if !before.iter().any(|(known, _)| *known == name) {
            before.push((name, 0));
        }
    }
    before.sort();
    before
}

#[tokio::test]
async fn an_unbind_removes_exactly_the_leavers_own() {
    setup()
        .run(async |app| {
            let (leaving, staying) = victim_and_intruder(app, 1).await;
            for student in [&leaving, &staying] {
                for path in ["/api/course", "/api/score", "/api/physical"] {
                    student.get(path).await.expect_data(false);
                }
            }
            leaving.send(leaving.request(Method::DELETE, "/api/bind")).await.expect(200);
            app.idle().await;
            for kind in ["courses", "scores", "physical", "sessions"] {
                let left = app.db.all(kind).await;
                let of =
                    |student: &Student<'_>| left.iter().filter(|d| d.to_string().contains(&student.open_id)).count();
                assert_eq!(of(&leaving), 0, "{kind}: {left:?}");
                assert!(of(&staying) > 0, "{kind}: {left:?}");
            }
            let user = app.db.user(&leaving.open_id).await.unwrap();
            assert_eq!(text_of(&user, "studentId"), "");
        })
        .await;
}

#[tokio::test]
async fn what_an_engine_before_the_upgrade_stores_is_shown_to_nobody_and_goes_with_the_number() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.course().await.expect_data(false);
            let own = app.db.collection("courses").find_one(doc! {}).await.unwrap().unwrap();
            let now = mongodb::bson::DateTime::from_millis(app.clock.now().timestamp_millis());
            // As the former version writes: by number and term, not by the account that fetched it.
            for kind in ["courses", "scores", "physical", "borrowing"] {
                let key =
                    doc! { "studentId": &student.campus.number, "term": "2017-2018-1-1", "fetchedAt": { "$lte": now } };
                let set = doc! { "$set": { "data": own.get("data").unwrap(), "fetchedAt": now } };
                for _ in 0..2 {
                    app.db.collection(kind).update_one(key.clone(), set.clone()).upsert(true).await.unwrap();
                }
            }
            assert_eq!(app.db.all("courses").await.len(), 2, "it changes no account's own");
            let other = Student::log_in(app, "oWxOtherPhone", student.campus.clone()).await;
            other.bind().await;
            app.db.replicated().await;
            app.sim.set_fault(System::Urp, Fault::server_error());
            other.course().await.expect_error(503, "CAMPUS_DOWN");
            app.sim.clear_faults();
            student.send(student.request(Method::DELETE, "/api/bind")).await.expect(200);
            app.idle().await;
            for kind in ["courses", "scores", "physical", "borrowing"] {
                assert!(app.db.all(kind).await.is_empty(), "{kind}");
            }
        })
        .await;
}

#[tokio::test]
async fn what_a_leaver_had_is_found_by_an_index() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.course().await.expect_data(false);
            for kind in app.student_collections() {
                let own = doc! { "owner.openId": &student.open_id, "owner.studentId": &student.campus.number };
                let leaving = doc! { "$or": [own.clone(), { "studentId": &student.campus.number }] };
                for filter in [own, leaving] {
                    let find = doc! { "explain": { "find": &kind, "filter": filter }, "verbosity": "queryPlanner" };
                    let plan = app.db.database().run_command(find).await.unwrap();
                    let plan =
                        plan.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap().to_string();
                    assert!(plan.contains("IXSCAN") && !plan.contains("COLLSCAN"), "{kind}: {plan}");
                }
            }
        })
        .await;
}
