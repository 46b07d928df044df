//! The old service's defects, one test each, named after what must not come back.

use campus_sim::{Fault, System};
use mongodb::bson::doc;
use reqwest::Method;
use serde_json::json;

use crate::support::{Student, setup};

#[tokio::test]
async fn the_first_login_of_a_user_does_not_answer_500() {
    setup()
        .run(async |app| {
            let answer = app.log_in("first-time").await.expect(201);
            assert!(answer.data()["token"].is_string());
        })
        .await;
}

#[tokio::test]
async fn a_login_does_not_reset_bind() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for _ in 0..3 {
                assert_eq!(app.log_in(&student.open_id).await.expect(200).data()["bind"], true);
            }
            student.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn the_current_week_is_not_absent_from_the_calendar() {
    setup()
        .run(async |app| {
            let answer = app.student(1).await.get("/api/calendar").await.expect(200);
            assert!((1..=20).contains(&answer.data()["currentWeekly"].as_u64().unwrap()));
        })
        .await;
}

#[tokio::test]
async fn a_page_without_rows_does_not_leave_the_student_without_an_answer() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_fault(System::Urp, Fault::empty());
            student.course().await.expect_error(404, "NOT_FOUND");
        })
        .await;
}

#[tokio::test]
async fn an_outage_does_not_replace_a_stored_table_by_nothing() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.course().await.expect_data(false);
            app.next_day().await;
            app.sim.set_fault(System::Urp, Fault::maintenance());
            student.course().await.expect_data(true);
            app.sim.clear_faults();
            assert_eq!(student.course().await.expect_data(false).data(), stored.data());
        })
        .await;
}

#[tokio::test]
async fn after_binding_another_number_the_former_students_table_is_not_served() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let former = student.course().await.expect_data(false);
            let student = student.with_account(app.sim.student_at(2));
            student.bind().await;
            assert_ne!(student.course().await.expect_data(false).data(), former.data());
        })
        .await;
}

#[tokio::test]
async fn no_key_but_the_allowed_ones_can_be_written_through_put_user() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let before = app.db.user(&student.open_id).await;
            for key in ["openId", "bind", "studentId", "isAdmin"] {
                student.change(key, "true").await.expect_error(400, "BAD_REQUEST");
            }
            assert_eq!(app.db.user(&student.open_id).await, before);
        })
        .await;
}

#[tokio::test]
async fn query_operators_are_not_taken_for_a_student_number_or_any_text() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let operator = json!({ "$gt": "" });
            let bind = json!({ "studentId": operator, "vpnPassWord": "x", "jwcPassWord": "x" });
            student.post_json("/api/bind", &bind).await.expect_error(400, "BAD_REQUEST");
            app.post_json("/api/login", &json!({ "code": operator })).await.expect_error(400, "BAD_REQUEST");
            let change = json!({ "key": "nickName", "value": operator });
            student
                .send(student.request(Method::PUT, "/api/user").json(&change))
                .await
                .expect_error(400, "BAD_REQUEST");
            student.get("/api/user/%7B%22$gt%22:%22%22%7D").await.expect_error(404, "NOT_FOUND");
        })
        .await;
}

#[tokio::test]
async fn a_user_without_a_library_password_is_answered() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let users = app.db.collection("users");
            let without = doc! { "$unset": { "libPassWord": "" } };
            users.update_one(doc! { "openId": &student.open_id }, without).await.unwrap();
            student.get("/api/user").await.expect(200);
            student.course().await.expect_data(false);
            student.bind().await;
        })
        .await;
}

#[tokio::test]
async fn two_accounts_of_one_wechat_user_cannot_come_into_being() {
    setup()
        .run(async |app| {
            Student::log_in(app, "alice", app.sim.student_at(1)).await;
            let again = app.db.collection("users").insert_one(doc! { "openId": "alice", "bind": false }).await;
            assert!(again.is_err(), "the database itself refuses a second one");
        })
        .await;
}

#[tokio::test]
async fn a_repair_is_answered() {
    setup()
        .run(async |app| {
            let order = [
                ("projectSerial", "1"),
                ("projectName", "水"),
                ("mobile", "13800000000"),
                ("bUserName", "张三"),
                ("bContent", "漏水"),
                ("bAddress", "3-214"),
                ("areaSerial", "1"),
                ("areaName", "南"),
            ];
            app.bound(1).await.post_form("/api/rsp/repair", &order).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn a_score_page_without_rows_is_answered() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.clear_scores(&student.campus.number);
            student.get("/api/score").await.expect_error(404, "NOT_FOUND");
        })
        .await;
}

#[tokio::test]
async fn an_outage_does_not_replace_stored_scores_by_nothing() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.get("/api/score").await.expect_data(false);
            app.db.replicated().await;
            app.next_day().await;
            app.sim.set_fault(System::Urp, Fault::maintenance());
            assert_eq!(student.get("/api/score").await.expect_data(true).data(), stored.data());
        })
        .await;
}

#[tokio::test]
async fn the_library_page_of_a_user_without_a_library_password_does_not_hang() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.get("/api/library/borrowing").await.expect_error(400, "NO_LIBRARY_PASSWORD");
        })
        .await;
}

#[tokio::test]
async fn two_classroom_queries_do_not_share_one_cache_key() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let ask = async |building: &str, weekly: &str| {
                let query = [("building", building), ("weekly", weekly), ("section", "1,2"), ("week", "1")];
                student.post_form("/api/classroom", &query).await.expect_data(false).data().clone()
            };
            assert_ne!(ask("1", "11").await, ask("11", "1").await);
        })
        .await;
}

#[tokio::test]
async fn after_binding_another_number_the_former_students_scores_are_not_served() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let former = student.get("/api/score").await.expect_data(false);
            let student = student.with_account(app.sim.student_at(2));
            student.bind().await;
            assert_ne!(student.get("/api/score").await.expect_data(false).data(), former.data());
        })
        .await;
}

#[tokio::test]
async fn notify_does_not_take_query_operators_as_student_id() {
    setup()
        .run(async |app| {
            let (sender, _receiver) = (app.bound(1).await, app.bound(2).await);
            for operator in [json!({ "$gt": "" }), json!({ "$ne": "" }), json!({ "$regex": "." })] {
                let message = json!({ "studentId": operator, "templateId": "AT1107", "data": {} });
                sender.post_json("/api/notify", &message).await.expect_error(400, "BAD_REQUEST");
            }
            assert!(app.sim.sent().messages.is_empty());
        })
        .await;
}

#[tokio::test]
async fn an_upload_without_a_file_does_not_end_the_process() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            student.upload(&[]).await.expect_error(400, "BAD_REQUEST");
            student.get("/api/user").await.expect(200);
        })
        .await;
}
