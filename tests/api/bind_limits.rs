//! How often passwords may be tried with `POST /api/bind`.

use std::time::Duration;

use campus_sim::{Fault, System};
use futures_util::future::join_all;
use reqwest::Method;

use crate::support::{Student, TestApp, setup};

const WRONG: &str = "WRONG_PASSWORD";
const LIMITED: &str = "RATE_LIMITED";

/// Another WeChat account that tries the number of the student with index 1, to which it was never bound.
async fn stranger(app: &TestApp, index: usize) -> Student<'_> {
    app.student(100 + index).await.with_account(app.sim.student_at(1))
}

async fn guess(student: &Student<'_>) -> crate::support::Answer {
    student.try_bind("guess", "guess").await
}

#[tokio::test]
async fn an_account_fails_three_times_an_hour_with_one_number_and_may_try_another_one() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for _ in 0..3 {
                guess(&student).await.expect_error(400, WRONG);
            }
            let answer = student.try_bind_rightly().await.expect_error(429, LIMITED);
            assert!((1..=3600).contains(&answer.retry_after()), "{answer:?}");
            assert_eq!(app.sim.count_of("vpn.login"), 3, "the fourth try did not reach the campus");
            student.with_account(app.sim.student_at(2)).bind().await;
            app.clock.advance(Duration::from_hours(1));
            student.bind().await;
        })
        .await;
}

#[tokio::test]
async fn an_account_fails_ten_times_a_day_on_every_replica_together() {
    setup()
        .replicas(2)
        .run(async |app| {
            let student = app.student(1).await;
            for index in 0..10 {
                let at = student.at(&app.replicas[index % 2]).with_account(app.sim.student_at(20 + index));
                guess(&at).await.expect_error(400, WRONG);
            }
            for replica in &app.replicas {
                let answer = student.at(replica).try_bind_rightly().await.expect_error(429, LIMITED);
                assert!((1..=86_400).contains(&answer.retry_after()), "{answer:?}");
            }
            app.clock.advance(Duration::from_hours(24));
            student.bind().await;
        })
        .await;
}

#[tokio::test]
async fn what_strangers_try_with_a_number_reaches_the_campus_five_times_an_hour() {
    setup()
        .run(async |app| {
            for index in 0..5 {
                guess(&stranger(app, index).await).await.expect_error(400, WRONG);
            }
            let sixth = stranger(app, 5).await;
            let answer = sixth.try_bind_rightly().await.expect_error(429, LIMITED);
            assert!((1..=3600).contains(&answer.retry_after()), "{answer:?}");
            assert_eq!(app.sim.count_of("vpn.login"), 5);
            sixth.with_account(app.sim.student_at(2)).bind().await;
            app.clock.advance(Duration::from_hours(1));
            sixth.bind().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_of_many_strangers_at_once_reach_the_campus_no_more_often() {
    setup()
        .replicas(3)
        .run(async |app| {
            let strangers = join_all((0..20).map(|index| stranger(app, index))).await;
            let seats: Vec<_> = strangers.iter().enumerate().map(|(n, s)| s.at(&app.replicas[n % 3])).collect();
            let answers = join_all(seats.iter().map(guess)).await;
            let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
            assert_eq!((count(400), count(429)), (5, 15));
            assert_eq!(app.sim.count_of("vpn.login"), 5);
        })
        .await;
}

#[tokio::test]
async fn strangers_never_lock_out_an_account_that_is_or_was_bound_to_the_number() {
    setup()
        .run(async |app| {
            let (bound, unbound, moved) = (app.bound(1).await, stranger(app, 20).await, stranger(app, 21).await);
            for was in [&unbound, &moved] {
                was.bind().await;
            }
            unbound.send(unbound.request(Method::DELETE, "/api/bind")).await.expect(200);
            moved.with_account(app.sim.student_at(2)).bind().await;
            let dump = app.db.user(&unbound.open_id).await.unwrap().to_string();
            assert!(!dump.contains(&unbound.campus.number), "a number that was left is not kept: {dump}");
            for index in 0..5 {
                guess(&stranger(app, index).await).await.expect_error(400, WRONG);
            }
            stranger(app, 5).await.try_bind_rightly().await.expect_error(429, LIMITED);
            for known in [&bound, &unbound, &moved] {
                known.bind().await;
            }
        })
        .await;
}

#[tokio::test]
async fn that_an_account_was_bound_is_in_its_export_and_goes_with_the_account() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.send(student.request(Method::DELETE, "/api/bind")).await.expect(200);
            let export = student.get("/api/me/export").await.expect(200);
            let known = export.data()["knownNumbers"].as_array().unwrap();
            assert_eq!(known.len(), 1, "{export:?}");
            let word = known[0].as_str().unwrap().to_owned();
            student.send(student.request(Method::DELETE, "/api/user")).await.expect(200);
            app.idle().await;
            assert!(!app.db.dump().await.contains(&word));
        })
        .await;
}

#[tokio::test]
async fn successful_binds_are_not_counted() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for _ in 0..12 {
                student.bind().await;
            }
            let left = app.db.all("limits").await;
            let counted = left.iter().filter(|window| window.get_i64("count").is_ok_and(|count| count != 0));
            assert_eq!(counted.count(), 0, "{left:?}");
        })
        .await;
}

#[tokio::test]
async fn failures_that_say_nothing_about_a_password_are_not_counted() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.sim.reject_captchas(u32::MAX);
            for _ in 0..2 {
                student.try_bind_rightly().await.expect_error(503, "CAPTCHA_FAILED");
            }
            app.sim.reject_captchas(0);
            for system in [System::Vpn, System::Urp] {
                app.sim.set_fault(system, Fault::server_error());
                for _ in 0..4 {
                    student.try_bind_rightly().await.expect_error(503, "CAMPUS_DOWN");
                }
                app.sim.clear_faults();
            }
            // A replica whose breaker is closed.
            student.at(&app.start_replica(|_| {}).await).bind().await;
        })
        .await;
}

#[tokio::test]
async fn an_export_of_a_student_names_no_account_that_tried_his_number() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let guesser = stranger(app, 1).await;
            guess(&guesser).await.expect_error(400, WRONG);
            let text = student.get("/api/me/export").await.expect(200).data().to_string();
            assert!(text.contains("bind/strangers") && !text.contains(&guesser.open_id), "{text}");
        })
        .await;
}
