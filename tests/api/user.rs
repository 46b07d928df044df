//! `GET /api/user`, `GET /api/user/:id`, `PUT /api/user`.

use std::time::Duration;

use mongodb::bson::doc;
use reqwest::Method;
use serde_json::json;

use crate::support::{setup, text_of};

#[tokio::test]
async fn every_key_that_may_be_set_is_set_by_form_and_json() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for (key, value) in [
                ("dormitory", "三号楼 412"),
                ("nickName", "小明 🎓"),
                ("avatarUrl", "https://img.example/a.png?x=1&y=2"),
            ] {
                let answer = student.change(key, value).await.expect(201);
                assert_eq!(*answer.data(), json!({ "studentId": student.campus.number }));
                assert_eq!(text_of(&app.db.user(&student.open_id).await.unwrap(), key), value);
            }
            let body = json!({ "key": "nickName", "value": 2017 });
            student.send(student.request(Method::PUT, "/api/user").json(&body)).await.expect(201);
            assert_eq!(student.get("/api/user").await.data()["nickName"], "2017");
        })
        .await;
}

#[tokio::test]
async fn a_library_password_is_sealed_and_its_refusal_forgotten() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let refused = doc! { "$set": { "rejected": ["libPassWord", "vpnPassWord"] } };
            let users = app.db.collection("users");
            users.update_one(doc! { "openId": &student.open_id }, refused).await.unwrap();
            student.change("libPassWord", "library-secret").await.expect(201);
            let user = app.db.user(&student.open_id).await.unwrap();
            assert!(text_of(&user, "libPassWord").starts_with("s1."), "{user}");
            assert!(!app.db.dump().await.contains("library-secret"));
            let rejected: Vec<_> = user.get_array("rejected").unwrap().iter().filter_map(|r| r.as_str()).collect();
            assert_eq!(rejected, ["vpnPassWord"]);
        })
        .await;
}

#[tokio::test]
async fn a_bind_of_the_same_number_keeps_the_library_password_and_whether_it_was_refused() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.change("libPassWord", "library-secret").await.expect(201);
            let refused = doc! { "$set": { "rejected": ["libPassWord", "jwcPassWord"] } };
            let users = app.db.collection("users");
            users.update_one(doc! { "openId": &student.open_id }, refused).await.unwrap();
            let before = app.db.user(&student.open_id).await.unwrap();
            student.bind().await;
            let after = app.db.user(&student.open_id).await.unwrap();
            assert_eq!(text_of(&after, "libPassWord"), text_of(&before, "libPassWord"));
            let rejected: Vec<_> = after.get_array("rejected").unwrap().iter().filter_map(|r| r.as_str()).collect();
            assert_eq!(rejected, ["libPassWord"]);
        })
        .await;
}

#[tokio::test]
async fn a_key_that_may_not_be_set_is_refused_and_nothing_changes() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let before = app.db.user(&student.open_id).await;
            let keys = [
                "openId",
                "_id",
                "bind",
                "studentId",
                "name",
                "vpnPassWord",
                "jwcPassWord",
                "idNumber",
                "rejected",
                "tokensValidAfter",
                "createdAt",
                "$set",
                "$where",
                "__proto__",
                "constructor",
                "prototype",
                "nickName.x",
                "nickName ",
                "NICKNAME",
                "nickname",
                "nickName\u{ff0e}",
                "libPassWord.0",
                ".",
                "*",
                "duplicateOf",
            ];
            for key in keys {
                let answer = student.change(key, "true").await;
                assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST"), "{key}: {answer:?}");
            }
            assert_eq!(app.db.user(&student.open_id).await, before);
        })
        .await;
}

#[tokio::test]
async fn a_value_that_makes_no_sense_for_its_key_is_refused() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let long = "长".repeat(65);
            for (key, value) in [
                ("nickName", long.as_str()),
                ("dormitory", &long),
                ("avatarUrl", "javascript:alert(1)"),
                ("avatarUrl", "http://img.example/a.png"),
                ("avatarUrl", "//img.example/a.png"),
                ("avatarUrl", " https://img.example/a.png"),
            ] {
                student.change(key, value).await.expect_error(400, "BAD_REQUEST");
            }
            student.change("nickName", &"长".repeat(64)).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn a_user_sets_his_own_fields_and_nobody_elses() {
    setup()
        .run(async |app| {
            let (alice, bob) = (app.student(1).await, app.student(2).await);
            let before = app.db.user(&bob.open_id).await;
            let fields = [("key", "nickName"), ("value", "x"), ("openId", &bob.open_id), ("studentId", "311509000002")];
            alice.send(alice.request(Method::PUT, "/api/user").form(&fields)).await.expect(201);
            assert_eq!(app.db.user(&bob.open_id).await, before);
        })
        .await;
}

#[tokio::test]
async fn another_student_is_shown_with_number_and_name_and_no_more() {
    setup()
        .run(async |app| {
            let (alice, bob) = (app.bound(1).await, app.bound(2).await);
            app.db.replicated().await;
            let answer = alice.get(&format!("/api/user/{}", bob.campus.number)).await.expect(200);
            assert_eq!(*answer.data(), json!({ "studentId": bob.campus.number, "name": bob.campus.name }));
        })
        .await;
}

#[tokio::test]
async fn only_who_is_bound_is_told_the_names_of_others() {
    setup()
        .run(async |app| {
            let (stranger, other) = (app.student(1).await, app.bound(2).await);
            app.db.replicated().await;
            let path = format!("/api/user/{}", other.campus.number);
            stranger.get(&path).await.expect_error(400, "NOT_BOUND");
            stranger.get("/api/user/311509000399").await.expect_error(400, "NOT_BOUND");
            stranger.bind().await;
            stranger.get(&path).await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn who_is_not_there_or_not_bound_is_not_found() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for id in
                ["311509000399", "0", "31150900000a", "311509000001311509000001", "undefined", "null", "%24gt", "-1"]
            {
                student.get(&format!("/api/user/{id}")).await.expect_error(404, "NOT_FOUND");
            }
            app.db
                .collection("users")
                .insert_one(doc! { "openId": "x", "bind": false, "studentId": "311509000398" })
                .await
                .unwrap();
            app.db.replicated().await;
            student.get("/api/user/311509000398").await.expect_error(404, "NOT_FOUND");
        })
        .await;
}

#[tokio::test]
async fn names_cannot_be_read_by_counting_student_numbers() {
    setup()
        .replicas(2)
        .run(async |app| {
            let (student, other) = (app.bound(1).await, app.bound(2).await);
            app.db.replicated().await;
            for n in 0..10 {
                let at = student.at(&app.replicas[n % 2]);
                at.get(&format!("/api/user/3115090001{n:02}")).await.expect_error(404, "NOT_FOUND");
            }
            let path = format!("/api/user/{}", student.campus.number);
            for replica in &app.replicas {
                let answer = student.at(replica).get(&path).await.expect_error(429, "RATE_LIMITED");
                assert!((1..=86_400).contains(&answer.retry_after()), "{answer:?}");
            }
            other.get(&path).await.expect(200);
            student.get("/api/user").await.expect(200);
            app.clock.advance(Duration::from_hours(24));
            student.get(&path).await.expect(200);
        })
        .await;
}
