//! What an engine keeps in memory: never behind what was written, wherever it was written; and there when the database is
//! not.

use std::time::Duration;

use campus_sim::System;
use mongodb::bson::{Document, doc};
use reqwest::{Method, StatusCode, header::IF_NONE_MATCH};
use tokio::net::TcpListener;
use wehpu_engine::store::SnapshotKey;

use crate::support::{Answer, Relays, Replica, STUDENT_DATA, Setup, Student, TestApp, eventually, setup};

/// Replicas that keep what they read.
fn remembering(replicas: usize) -> Setup {
    setup().replicas(replicas).settings(|s| {
        s.set("WEHPU_CACHE", "4MiB").set("WEHPU_ENGINES_ADDR", "127.0.0.1:0");
    })
}

/// Has every replica read what is about the student, so that it is in their memory.
async fn read_everywhere(app: &TestApp, student: &Student<'_>) {
    for replica in &app.replicas {
        let student = student.at(replica);
        student.get("/api/user").await;
        student.course().await;
    }
}

/// What every replica but `writer` shows, right after a write was answered.
async fn shown_elsewhere<'a>(app: &'a TestApp, student: &Student<'a>, writer: usize, path: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (number, replica) in app.replicas.iter().enumerate() {
        if number != writer {
            answers.push(student.at(replica).get(path).await);
        }
    }
    answers
}

/// Changes a student's nickname past every engine.
async fn rename_by_hand(app: &TestApp, student: &Student<'_>, name: &str) {
    let same = doc! { "openId": &student.open_id };
    app.db.collection("users").update_one(same, doc! { "$set": { "nickName": name } }).await.unwrap();
    app.db.replicated().await;
}

async fn nickname(student: &Student<'_>) -> String {
    student.get("/api/user").await.expect(200).data()["nickName"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_was_read_a_moment_ago_is_not_read_again() {
    remembering(1)
        .run(async |app| {
            let student = app.bound(1).await;
            let table = student.course().await.expect_data(false);
            // Since the table was stored, both are read once.
            let name = nickname(&student).await;
            student.course().await.expect_data(false);
            rename_by_hand(app, &student, "past every engine").await;
            app.db.collection("courses").delete_many(doc! {}).await.unwrap();
            app.db.replicated().await;
            assert_eq!(nickname(&student).await, name);
            assert_eq!(student.course().await.expect_data(false).data(), table.data());
        })
        .await;
}

#[tokio::test]
async fn a_nickname_is_seen_at_once_through_every_other_replica() {
    remembering(3)
        .run(async |app| {
            let student = app.bound(1).await;
            for round in 0..30 {
                read_everywhere(app, &student).await;
                let writer = round % app.replicas.len();
                let name = format!("name {round}");
                student.at(&app.replicas[writer]).change("nickName", &name).await.expect(201);
                for answer in shown_elsewhere(app, &student, writer, "/api/user").await {
                    assert_eq!(answer.data()["nickName"], name.as_str(), "{answer:?}");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn a_bind_and_its_end_are_seen_at_once_through_every_other_replica() {
    remembering(3)
        .run(async |app| {
            let student = app.student(1).await;
            for round in 0..3 {
                read_everywhere(app, &student).await;
                student.at(&app.replicas[round]).bind().await;
                for answer in shown_elsewhere(app, &student, round, "/api/user").await {
                    assert_eq!(answer.data()["bind"], true, "{answer:?}");
                }
                read_everywhere(app, &student).await;
                let unbind = student.at(&app.replicas[round]).request(Method::DELETE, "/api/bind");
                student.send(unbind).await.expect(200);
                for answer in shown_elsewhere(app, &student, round, "/api/user").await {
                    assert_eq!(answer.data()["bind"], false, "{answer:?}");
                }
                for answer in shown_elsewhere(app, &student, round, "/api/course").await {
                    assert_ne!(answer.status, StatusCode::OK, "{answer:?}");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn a_newer_table_is_seen_at_once_through_every_other_replica() {
    remembering(3)
        .run(async |app| {
            let student = app.bound(1).await;
            for writer in 0..app.replicas.len() {
                read_everywhere(app, &student).await;
                app.next_day().await;
                let newer = student.at(&app.replicas[writer]).course().await.expect_data(false);
                for answer in shown_elsewhere(app, &student, writer, "/api/course").await {
                    assert_eq!(answer.fetched_at(), newer.fetched_at(), "{answer:?}");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn a_newer_table_is_seen_at_once_although_the_one_in_memory_is_still_fresh() {
    remembering(3)
        .run(async |app| {
            let student = app.bound(1).await;
            for writer in 0..app.replicas.len() {
                read_everywhere(app, &student).await;
                let store = &app.replicas[writer].app.store;
                let user = store.users.find(&student.open_id).await.unwrap().unwrap();
                let (courses, key) = (&store.student_data.courses, SnapshotKey::own(&user, "2017-2018-1-1"));
                let known = courses.find_latest(&key).await.unwrap().unwrap();
                app.clock.advance(Duration::from_mins(1));
                courses.save(&key, &known.data, app.clock.now()).await.unwrap();
                let newer = app.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
                for answer in shown_elsewhere(app, &student, writer, "/api/course").await {
                    assert_eq!(answer.fetched_at(), newer, "{answer:?}");
                }
            }
        })
        .await;
}

/// Ends something by this request through each replica, for a student of its own; every other replica then answers
/// `/api/user` with one of these codes, and shows no table.
async fn is_over_everywhere(app: &TestApp, method: &Method, path: &str, codes: &[&str]) {
    for writer in 0..app.replicas.len() {
        let student = app.bound(1 + writer).await;
        read_everywhere(app, &student).await;
        student.send(student.at(&app.replicas[writer]).request(method.clone(), path)).await.expect(200);
        for answer in shown_elsewhere(app, &student, writer, "/api/user").await {
            assert!(codes.contains(&answer.code()), "{answer:?}");
        }
        for answer in shown_elsewhere(app, &student, writer, "/api/course").await {
            answer.expect_error(403, "TOKEN_INVALID");
        }
    }
}

#[tokio::test]
async fn a_logout_is_seen_at_once_through_every_other_replica() {
    remembering(3)
        .run(async |app| is_over_everywhere(app, &Method::POST, "/api/logout", &["TOKEN_INVALID"]).await)
        .await;
}

#[tokio::test]
async fn a_deletion_is_seen_at_once_through_every_other_replica() {
    // There is no account any more; a replica that has read the list of revocations since does not look for it.
    let codes = ["NOT_FOUND", "TOKEN_INVALID"];
    remembering(3).run(async |app| is_over_everywhere(app, &Method::DELETE, "/api/user", &codes).await).await;
}

#[tokio::test]
async fn a_refused_password_is_seen_at_once_through_every_other_replica() {
    remembering(3)
        .run(async |app| {
            let student = app.bound(1).await;
            read_everywhere(app, &student).await;
            app.sim.set_password(&student.campus.number, System::Urp, "another");
            app.sim.expire_sessions(None);
            app.next_day().await;
            assert!(student.at(&app.replicas[0]).course().await.is_stale());
            let tried = app.campus_requests();
            for answer in shown_elsewhere(app, &student, 0, "/api/course").await {
                assert!(answer.is_stale(), "{answer:?}");
            }
            assert_eq!(app.campus_requests(), tried, "nobody sends the password again");
        })
        .await;
}

#[tokio::test]
async fn a_member_that_does_not_confirm_is_removed_and_costs_one_write_its_lease() {
    remembering(2)
        .run(async |app| {
            let student = app.bound(1).await;
            // It takes connections and never answers, as an engine that is stopped does.
            let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = silent.local_addr().unwrap().to_string();
            let engines = app.db.collection("engines");
            engines.insert_one(doc! { "_id": "silent", "address": address, "key": "its key" }).await.unwrap();
            student.change("nickName", "after its lease").await.expect(201);
            assert_eq!(engines.count_documents(doc! { "_id": "silent" }).await.unwrap(), 0);
            assert_eq!(nickname(&student.at(&app.replicas[1])).await, "after its lease");
        })
        .await;
}

#[tokio::test]
async fn an_engine_that_was_removed_forgets_everything_and_comes_back() {
    remembering(1)
        .run(async |app| {
            let student = app.bound(1).await;
            let (engines, before) = (app.db.collection("engines"), nickname(&student).await);
            let known: Document = engines.find_one(doc! {}).await.unwrap().unwrap();
            rename_by_hand(app, &student, "while it was removed").await;
            assert_eq!(nickname(&student).await, before);
            engines.delete_many(doc! {}).await.unwrap();
            let seen = async || (nickname(&student).await == "while it was removed").then_some(());
            eventually("the engine to notice that it was removed", seen).await;
            let back = async || engines.find_one(doc! {}).await.unwrap();
            assert_ne!(eventually("the engine to come back", back).await, known);
        })
        .await;
}

#[tokio::test]
async fn a_replica_that_loses_the_database_stops_counting_its_memory_as_current() {
    remembering(1)
        .run(async |app| {
            let student = app.bound(1).await;
            let relays = Relays::start().await;
            let relayed = relays.replica(app).await;
            let there = student.at(&relayed);
            nickname(&there).await;
            (0..relays.members()).for_each(|member| relays.stop(member));
            let lapsed = async || (!relayed.app.store.coherence.is_leased()).then_some(());
            eventually("its lease to end", lapsed).await;
            student.change("nickName", "behind its back").await.expect(201);
            (0..relays.members()).for_each(|member| relays.start_again(member));
            let current = async || {
                let answer = there.get("/api/user").await;
                (answer.status == StatusCode::OK && answer.meta()["stale"] != true).then_some(answer)
            };
            let answer = eventually("the replica to see the database again", current).await;
            assert_eq!(answer.data()["nickName"], "behind its back");
        })
        .await;
}

#[tokio::test]
async fn students_seen_lately_and_articles_are_shown_while_no_member_answers() {
    const ARTICLES: &str = "/api/rss/news?count=5";
    remembering(1)
        .run(async |app| {
            let article = doc! { "key": "a", "title": "标题", "content": "正文", "time": "2017-12-01" };
            app.db.collection("news").insert_one(article).await.unwrap();
            app.db.replicated().await;
            let student = app.bound(1).await;
            let relays = Relays::start().await;
            let relayed: Replica = relays.replica(app).await;
            let there = student.at(&relayed);
            there.see_everything().await;
            let before = there.get(ARTICLES).await.expect(200);
            let paths = STUDENT_DATA.into_iter().chain(["/api/user", ARTICLES]);
            for path in paths.clone() {
                there.get(path).await.expect(200);
            }
            (0..relays.members()).for_each(|member| relays.stop(member));
            let away = async || (!relayed.app.store.members().any()).then_some(());
            eventually("the replica to see no member", away).await;
            let lapsed = async || (!relayed.app.store.coherence.is_leased()).then_some(());
            eventually("its lease to end", lapsed).await;
            app.clock.advance(Duration::from_mins(10));
            for path in paths {
                let answer = there.get(path).await.expect(200);
                assert!(answer.is_stale(), "{path}: {answer:?}");
                assert_eq!(answer.meta()["reason"], "DATABASE_UNAVAILABLE", "{path}: {answer:?}");
            }
            assert_eq!(there.get(ARTICLES).await.data(), before.data());
            there.change("nickName", "nobody can store this").await.expect_error(503, "DATABASE_UNAVAILABLE");
            // Nobody who was not seen is invented.
            let unseen = app.student(2).await.at(&relayed);
            unseen.get("/api/user").await.expect_error(503, "DATABASE_UNAVAILABLE");
        })
        .await;
}

#[tokio::test]
async fn an_answer_that_the_caller_has_already_is_304() {
    remembering(1)
        .run(async |app| {
            let student = app.bound(1).await;
            student.see_everything().await;
            for path in STUDENT_DATA {
                let whole = student.get(path).await.expect(200);
                let tag = whole.header("etag").to_owned();
                let again = student.request(Method::GET, path).header(IF_NONE_MATCH, &tag).send().await.unwrap();
                assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
                assert_eq!(again.headers()["etag"], tag.as_str(), "{path}");
                assert_eq!(again.headers()["cache-control"], "no-store", "{path}");
                assert!(again.bytes().await.unwrap().is_empty(), "{path}");
                let other = student.request(Method::GET, path).header(IF_NONE_MATCH, "\"another\"");
                assert_eq!(student.send(other).await.expect(200).data(), whole.data(), "{path}");
            }
        })
        .await;
}
