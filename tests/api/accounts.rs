//! Leaving: log out, unbind, delete.

use mongodb::bson::doc;
use reqwest::Method;
use wehpu_engine::readthrough::each;

use crate::support::{PNG, Student, file, setup, text_of};

async fn delete(student: &Student<'_>, path: &str) -> crate::support::Answer {
    student.send(student.request(Method::DELETE, path)).await
}

#[tokio::test]
async fn after_a_logout_no_token_works_on_any_replica_and_a_new_login_does() {
    setup()
        .replicas(2)
        .run(async |app| {
            let student = app.bound(1).await;
            let other_phone = Student::log_in(app, &student.open_id, student.campus.clone()).await;
            student.post_form("/api/logout", &[]).await.expect(200);
            for seat in [&student, &other_phone] {
                for replica in &app.replicas {
                    seat.at(replica).get("/api/user").await.expect_error(403, "TOKEN_INVALID");
                }
            }
            let again = app.log_in(&student.open_id).await.expect(200);
            assert_eq!(again.data()["bind"], true);
            let token = format!("Bearer {}", again.data()["token"].as_str().unwrap());
            app.get_as(&token, "/api/user").await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn a_logout_ends_login_codes_and_the_calendar_address_too() {
    setup()
        .replicas(2)
        .run(async |app| {
            let student = app.bound(1).await;
            let code = app.sim.wechat_code(&student.open_id);
            // Repeated, it logs in again: up to now.
            for _ in 0..2 {
                app.post_form("/api/login", &[("code", &code)]).await.expect(200);
            }
            let subscription = student.post_form("/api/course/subscription", &[]).await.expect(201);
            let address: reqwest::Url = subscription.data()["url"].as_str().unwrap().parse().unwrap();
            let address = format!("{}?{}", address.path(), address.query().unwrap());
            let calendar = app.request(Method::GET, &address).send().await.unwrap();
            assert_eq!(calendar.status(), 200);
            app.db.replicated().await;
            student.post_form("/api/logout", &[]).await.expect(200);
            for replica in &app.replicas {
                let login = app.request_at(&replica.url, Method::POST, "/api/login").form(&[("code", &code)]);
                let login = crate::support::Answer::of(login.send().await.unwrap()).await;
                login.expect_error(400, "WECHAT_CODE_INVALID");
                let calendar = app.request_at(&replica.url, Method::GET, &address).send().await.unwrap();
                assert_eq!(calendar.status(), 404);
            }
            app.log_in(&student.open_id).await.expect(200);
            app.get(&address).await.expect_error(404, "NOT_FOUND");
        })
        .await;
}

#[tokio::test]
async fn an_unbind_forgets_the_passwords_and_what_they_showed() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.see_everything().await;
            delete(&student, "/api/bind").await.expect(200);
            assert_eq!(student.get("/api/user").await.expect(200).data()["bind"], false);
            student.course().await.expect_error(400, "NOT_BOUND");
            student.get("/api/score").await.expect_error(400, "NOT_BOUND");
            let user = app.db.user(&student.open_id).await.unwrap();
            for field in ["vpnPassWord", "jwcPassWord", "libPassWord", "idNumber"] {
                assert!(user.get_str(field).unwrap_or_default().is_empty(), "{field}: {user}");
            }
            app.idle().await;
            for collection in app.student_collections() {
                let left = app.db.all(&collection).await;
                assert!(left.is_empty(), "{left:?}");
            }
            assert!(app.db.all("sessions").await.is_empty());
            student.bind().await;
            student.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_and_its_tokens_do_not_work() {
    setup()
        .replicas(2)
        .run(async |app| {
            let student = app.bound(1).await;
            student.see_everything().await;
            student.upload(&[file("a.png", "image/png", PNG)]).await.expect(201);
            delete(&student, "/api/user").await.expect(200);
            for replica in &app.replicas {
                student.at(replica).get("/api/course").await.expect_error(403, "TOKEN_INVALID");
            }
            app.idle().await;
            let left = app.db.dump().await;
            for trace in
                [&student.open_id, &student.campus.number, &student.campus.name, &student.campus.courses[0].name]
            {
                assert!(!left.contains(trace.as_str()), "{trace} is left in {left}");
            }
            app.log_in(&student.open_id).await.expect(201);
            student.get("/api/user").await.expect_error(403, "TOKEN_INVALID");
        })
        .await;
}

#[tokio::test]
async fn another_account_of_the_same_student_keeps_its_data() {
    setup()
        .run(async |app| {
            let leaving = app.bound(1).await;
            let staying = Student::log_in(app, "oWxOtherPhone", app.sim.student_at(1)).await;
            staying.bind().await;
            let table = staying.course().await.expect_data(false);
            delete(&leaving, "/api/user").await.expect(200);
            assert_eq!(staying.course().await.expect_data(false).data(), table.data());
            assert_eq!(staying.get("/api/user").await.expect(200).data()["bind"], true);
        })
        .await;
}

#[tokio::test]
async fn an_export_has_everything_but_the_secrets() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let other = app.bound(2).await;
            student.see_everything().await;
            other.course().await.expect_data(false);
            let answer = student.get("/api/me/export").await.expect(200);
            for kind in each(&app.replicas[0].app.store.student_data) {
                assert_eq!(answer.data()["campus"][kind.name].as_array().unwrap().len(), 1, "{}", kind.name);
            }
            let text = answer.data().to_string();
            assert!(text.contains(&student.campus.number) && text.contains(&student.campus.courses[0].name), "{text}");
            let secrets = [&student.campus.vpn_password, &student.campus.urp_password, &student.campus.id_number];
            for hidden in secrets.into_iter().chain([&other.campus.number, &other.open_id]) {
                assert!(!text.contains(hidden.as_str()), "{hidden} in {text}");
            }
        })
        .await;
}

#[tokio::test]
async fn binding_another_number_forgets_what_the_former_one_showed() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.see_everything().await;
            let moved = student.with_account(app.sim.student_at(2));
            moved.bind().await;
            assert_eq!(moved.course().await.expect_data(false).data().as_object().unwrap().len(), 8);
            app.idle().await;
            for collection in app.student_collections().into_iter().chain(["sessions", "leases"].map(str::to_owned)) {
                let left = app.db.all(&collection).await;
                assert!(left.iter().all(|entry| !entry.to_string().contains(&student.campus.number)), "{left:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn export_and_deletion_look_everything_up_by_an_index() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.course().await.expect_data(false);
            student.upload(&[file("a.png", "image/png", PNG)]).await.expect(201);
            student.get(&format!("/api/user/{}", student.campus.number)).await.expect(200);
            app.idle().await;
            app.db.database().run_command(doc! { "profile": 2 }).await.unwrap();
            let export = student.get("/api/me/export").await.expect(200);
            let counted: Vec<_> =
                export.data()["limits"].as_array().unwrap().iter().map(|l| l["what"].clone()).collect();
            assert!(counted.contains(&"upload".into()) && counted.contains(&"lookup".into()), "{counted:?}");
            delete(&student, "/api/user").await.expect(200);
            app.idle().await;
            app.db.database().run_command(doc! { "profile": 0 }).await.unwrap();
            let statements = app.db.all("system.profile").await;
            assert!(statements.iter().any(|s| s.to_string().contains("limits")), "nothing was recorded");
            for statement in statements {
                assert_ne!(text_of(&statement, "planSummary"), "COLLSCAN", "{statement}");
            }
        })
        .await;
}
