//! `/api/me/accounts`: who else is bound to my number, and how to end that.

use std::time::Duration;

use campus_sim::{Fault, System};
use reqwest::Method;

use crate::support::{Answer, Student, TestApp, setup};

const ACCOUNTS: &str = "/api/me/accounts";

async fn unbind_others(student: &Student<'_>) -> Answer {
    student.send(student.request(Method::DELETE, "/api/me/accounts/others")).await
}

/// Another account that is bound to the number of `student`.
async fn another<'a>(app: &'a TestApp, open_id: &str, student: &Student<'_>) -> Student<'a> {
    let other = Student::log_in(app, open_id, student.campus.clone()).await;
    other.bind().await;
    other
}

#[tokio::test]
async fn a_student_is_told_how_many_other_accounts_are_bound_and_since_when_but_not_whose() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            assert_eq!(student.get(ACCOUNTS).await.expect(200).data()["count"], 0);
            app.clock.advance(Duration::from_mins(1));
            let first = app.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            another(app, "oWxIntruder1", &student).await;
            app.clock.advance(Duration::from_mins(1));
            another(app, "oWxIntruder2", &student).await;
            app.bound(2).await;
            let answer = student.get(ACCOUNTS).await.expect(200);
            assert_eq!(answer.data()["count"], 2);
            let accounts = answer.data()["accounts"].as_array().unwrap();
            assert_eq!(accounts.len(), 2, "{answer:?}");
            assert_eq!(accounts[0], serde_json::json!({ "boundAt": first }));
            assert!(!answer.data().to_string().contains("oWx"), "{answer:?}");
            app.student(3).await.get(ACCOUNTS).await.expect_error(400, "NOT_BOUND");
        })
        .await;
}

#[tokio::test]
async fn whom_the_campus_knows_unbinds_the_others_and_ends_their_tokens() {
    setup()
        .replicas(2)
        .run(async |app| {
            let student = app.bound(1).await;
            let intruder = another(app, "oWxIntruder", &student).await;
            let elsewhere = app.bound(2).await;
            for account in [&student, &intruder, &elsewhere] {
                account.course().await.expect_data(false);
            }
            let subscription = intruder.post_form("/api/course/subscription", &[]).await.expect(201);
            let address: reqwest::Url = subscription.data()["url"].as_str().unwrap().parse().unwrap();
            let address = format!("{}?{}", address.path(), address.query().unwrap());
            let code = app.sim.wechat_code("oWxIntruder");
            app.post_form("/api/login", &[("code", &code)]).await.expect(200);
            app.sim.reset_counts();

            let answer = unbind_others(&student).await.expect(200);
            assert_eq!(answer.data()["count"], 1);
            assert_eq!(
                (app.sim.count_of("vpn.login.ok"), app.sim.count_of("urp.login.ok")),
                (1, 1),
                "in this very request"
            );
            for replica in &app.replicas {
                intruder.at(replica).get("/api/user").await.expect_error(403, "TOKEN_INVALID");
            }
            app.post_form("/api/login", &[("code", &code)]).await.expect_error(400, "WECHAT_CODE_INVALID");
            app.get(&address).await.expect_error(404, "NOT_FOUND");
            app.idle().await;
            for kind in ["courses", "sessions", "subscriptions"] {
                let left = app.db.all(kind).await;
                assert!(!format!("{left:?}").contains("oWxIntruder"), "{kind}: {left:?}");
            }
            let again = Student::log_in(app, "oWxIntruder", student.campus.clone()).await;
            assert_eq!(again.get("/api/user").await.expect(200).data()["bind"], false);
            app.db.replicated().await;
            for kept in [&student, &elsewhere] {
                assert_eq!(kept.get("/api/user").await.expect(200).data()["bind"], true);
                kept.course().await.expect_data(false);
            }
            assert_eq!(student.get(ACCOUNTS).await.expect(200).data()["count"], 0);
            assert_eq!(unbind_others(&student).await.expect(200).data()["count"], 0);
        })
        .await;
}

#[tokio::test]
async fn whose_password_the_campus_refuses_unbinds_nobody_and_it_is_sent_once() {
    setup()
        .run(async |app| {
            for system in [System::Vpn, System::Urp] {
                let index = if system == System::Vpn { 1 } else { 2 };
                let intruder = app.bound(index).await;
                let student = another(app, &format!("oWxStudent{index}"), &intruder).await;
                // The intruder's campus session is still open: it proves nothing.
                app.sim.set_password(&student.campus.number, system, "changed-at-the-campus");
                app.sim.reset_counts();
                for _ in 0..3 {
                    unbind_others(&intruder).await.expect_error(400, "WRONG_PASSWORD");
                }
                assert_eq!(app.sim.count_of("vpn.login"), 1, "{:?}", app.sim.counts());
                student.get("/api/user").await.expect(200);
                assert_eq!(student.get(ACCOUNTS).await.expect(200).data()["count"], 1);
                let export = intruder.get("/api/me/export").await.expect(200);
                assert!(export.data()["credentials"].as_array().unwrap().iter().any(|c| c["refused"] == true));
            }
        })
        .await;
}

#[tokio::test]
async fn while_the_campus_is_away_nobody_is_unbound() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let other = another(app, "oWxOther", &student).await;
            app.sim.set_fault(System::Vpn, Fault::server_error());
            let answer = unbind_others(&student).await.expect_error(503, "CAMPUS_DOWN");
            assert!(answer.retry_after() > 0, "{answer:?}");
            other.get("/api/user").await.expect(200);
            assert_eq!(student.get(ACCOUNTS).await.expect(200).data()["count"], 1);
            app.sim.clear_faults();
            assert_eq!(unbind_others(&student).await.expect(200).data()["count"], 1);
        })
        .await;
}

#[tokio::test]
async fn only_who_is_bound_unbinds_others_and_at_most_five_times_an_hour() {
    setup()
        .run(async |app| {
            unbind_others(&app.student(2).await).await.expect_error(400, "NOT_BOUND");
            let student = app.bound(1).await;
            for _ in 0..5 {
                unbind_others(&student).await.expect(200);
            }
            let answer = unbind_others(&student).await.expect_error(429, "RATE_LIMITED");
            assert!((1..=3600).contains(&answer.retry_after()), "{answer:?}");
            assert_eq!(app.sim.count_of("vpn.login"), 5);
        })
        .await;
}

#[tokio::test]
async fn an_account_that_was_unbound_by_another_is_no_stranger_to_the_number() {
    setup()
        .run(async |app| {
            // It may have been the student himself, thrown out by somebody who knows his passwords.
            let intruder = app.bound(1).await;
            let student = another(app, "oWxStudent", &intruder).await;
            unbind_others(&intruder).await.expect(200);
            for index in 10..15 {
                let stranger = app.student(index).await.with_account(student.campus.clone());
                stranger.try_bind("guess", "guess").await.expect_error(400, "WRONG_PASSWORD");
            }
            let student = Student::log_in(app, "oWxStudent", student.campus.clone()).await;
            student.bind().await;
        })
        .await;
}
