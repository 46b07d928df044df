//! What can go wrong between the service, the central sign-on and EAMS: the answers named, stored data served, at most
//! one password sent, recovery by itself.

use std::time::Duration;

use campus_sim::{CasCaptcha, Fault, Mode, System};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::{bind, bind_with, hpu};
use crate::support::{Answer, Student, TestApp, eventually, setup};

/// A bound student with a stored table, on the next day.
async fn reader(app: &TestApp) -> Student<'_> {
    let student = app.student(1).await;
    bind(&student).await.expect(201);
    student.course().await.expect_data(false);
    app.next_day().await;
    app.sim.reset_counts();
    student
}

/// Something that goes wrong: what it is, and how it is brought about.
type Trouble = (&'static str, fn(&TestApp));

fn reason(answer: &Answer) -> &str {
    answer.json["meta"]["reason"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_refused_password_says_which_account_it_was_and_where_to_try_it() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            let refused = bind_with(&student, "not-his").await.expect_error(400, "WRONG_PASSWORD");
            assert_eq!(refused.data()["account"], "cas");
            assert!(!refused.data()["reason"].as_str().unwrap().is_empty());
        })
        .await;
}

#[tokio::test]
async fn a_locked_account_is_told_and_left_alone() {
    hpu()
        .run(async |app| {
            app.sim.set_fault(System::Cas, Fault::new(Mode::Locked));
            let student = app.student(1).await;
            bind(&student).await.expect_error(400, "ACCOUNT_LOCKED");
            bind(&student).await.expect_error(400, "ACCOUNT_LOCKED");
            assert_eq!(app.sim.count_of("cas.password_posts"), 1, "nothing is sent for a locked account");
        })
        .await;
}

#[tokio::test]
async fn a_sign_on_that_is_away_leaves_stored_data_and_comes_back_by_itself() {
    hpu()
        .run(async |app| {
            let student = reader(app).await;
            app.sim.expire_sessions(None);
            app.sim.set_fault(System::Cas, Fault::dropped());
            let stale = student.course().await.expect_data(true);
            assert_eq!(reason(&stale), "CAMPUS_DOWN", "{stale:?}");
            assert_eq!(app.sim.count_of("cas.password_posts"), 0);
            app.sim.clear_faults();
            eventually("fresh data is back", async || {
                (student.course().await.json["meta"]["stale"] == json!(false)).then_some(())
            })
            .await;
        })
        .await;
}

#[tokio::test]
async fn a_ticket_that_is_not_accepted_any_more_costs_one_password() {
    hpu()
        .run(async |app| {
            let student = reader(app).await;
            app.sim.expire_sessions(Some(System::Eams));
            app.sim.set_fault(System::Cas, Fault::new(Mode::RefuseTicket).times(1));
            student.course().await.expect_data(false);
            assert_eq!(app.sim.count_of("cas.password_posts"), 1, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_login_page_that_is_too_old_is_not_answered_with_the_password_again() {
    hpu()
        .run(async |app| {
            app.sim.set_fault(System::Cas, Fault::new(Mode::FlowExpired));
            let student = app.student(1).await;
            let failed = bind(&student).await;
            assert!(failed.status >= 500, "{failed:?}");
            assert_eq!(app.sim.count_of("cas.password_posts"), 1);
        })
        .await;
}

#[tokio::test]
async fn a_login_that_wants_the_password_encrypted_gets_none() {
    hpu()
        .run(async |app| {
            app.sim.set_fault(System::Cas, Fault::new(Mode::PublicKey));
            let student = app.student(1).await;
            bind(&student).await.expect_error(503, "CAMPUS_CHANGED");
            assert_eq!(app.sim.count_of("cas.password_posts"), 0);
        })
        .await;
}

#[tokio::test]
async fn a_page_that_comes_back_after_a_pause_is_fresh() {
    for mode in [Mode::TooFast, Mode::DuplicateLogin] {
        hpu()
            .run(async |app| {
                let student = reader(app).await;
                app.sim.set_fault(System::Eams, Fault::new(mode).on("table").times(1));
                student.course().await.expect_data(false);
                assert_eq!(app.sim.count_of("cas.password_posts"), 0, "{mode:?}");
            })
            .await;
    }
}

#[tokio::test]
async fn what_the_system_does_not_let_him_see_is_named_and_stored_data_served() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            student.get("/api/score").await.expect_data(false);
            app.next_day().await;
            for mode in [Mode::EvaluationWall, Mode::NoPermission] {
                app.sim.set_fault(System::Eams, Fault::new(mode).on("scores"));
                let stale = student.get("/api/score").await.expect_data(true);
                assert_eq!(reason(&stale), "CAMPUS_CLOSED", "{mode:?}: {stale:?}");
                app.sim.clear_faults();
            }
        })
        .await;
}

#[tokio::test]
async fn the_record_of_somebody_else_binds_nobody() {
    hpu()
        .run(async |app| {
            app.sim.set_fault(System::Eams, Fault::new(Mode::WrongStudent));
            let student = app.student(1).await;
            bind(&student).await.expect_error(503, "CAMPUS_CHANGED");
            student.course().await.expect_error(400, "NOT_BOUND");
        })
        .await;
}

#[tokio::test]
async fn a_column_of_another_name_is_told_and_one_at_another_place_is_read() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            let stored = student.get("/api/score").await.expect_data(false).data().clone();
            app.next_day().await;
            app.sim.set_fault(System::Eams, Fault::new(Mode::RenamedColumn).on("scores"));
            let stale = student.get("/api/score").await.expect_data(true);
            assert_eq!(reason(&stale), "CAMPUS_CHANGED", "{stale:?}");
            app.sim.clear_faults();
            app.sim.set_fault(System::Eams, Fault::new(Mode::MovedColumn).on("scores"));
            assert_eq!(*student.get("/api/score").await.expect_data(false).data(), stored);
        })
        .await;
}

#[tokio::test]
async fn no_read_fails_while_one_thing_after_the_other_goes_wrong() {
    hpu()
        .replicas(3)
        .run(async |app| {
            let mut students = Vec::new();
            for index in 1..=4 {
                let student = app.student(index).await;
                bind(&student).await.expect(201);
                student.course().await.expect_data(false);
                students.push(student);
            }
            let everywhere = async || {
                let readers = students
                    .iter()
                    .flat_map(|student| app.replicas.iter().map(|replica| student.at(replica)).collect::<Vec<_>>());
                join_all(readers.map(async |student| student.course().await)).await
            };
            let troubles: [Trouble; 5] = [
                ("the sign-on is dead", |app| app.sim.set_fault(System::Cas, Fault::dropped())),
                ("EAMS is dead", |app| app.sim.set_fault(System::Eams, Fault::dropped())),
                ("tickets are refused", |app| app.sim.set_fault(System::Cas, Fault::new(Mode::RefuseTicket))),
                ("captchas are wanted", |app| app.sim.set_cas_captcha(CasCaptcha::Always)),
                ("the table has changed", |app| {
                    app.sim.set_fault(System::Eams, Fault::new(Mode::RenamedColumn).on("table"));
                }),
            ];
            for (what, trouble) in troubles {
                app.next_day().await;
                app.sim.expire_sessions(None);
                trouble(app);
                app.sim.reset_counts();
                for answer in everywhere().await {
                    assert_eq!(answer.status, 200, "{what}: {answer:?}");
                }
                let sent = app.sim.count_of("cas.password_posts");
                assert!(sent <= 4, "{what}: {sent} passwords for four students");
                app.sim.clear_faults();
                app.sim.set_cas_captcha(CasCaptcha::Never);
                eventually("all students have fresh data again", async || {
                    let answers = everywhere().await;
                    answers.iter().all(|answer| answer.json["meta"]["stale"] == json!(false)).then_some(())
                })
                .await;
            }
        })
        .await;
}

#[tokio::test]
async fn the_ticket_ends_with_the_bind() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            student.send(student.request(Method::DELETE, "/api/bind")).await.expect(200);
            app.idle().await;
            assert_eq!(app.sim.count_of("cas.logout"), 1);
        })
        .await;
}

#[tokio::test]
async fn what_a_build_shows_in_another_form_is_the_same() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            let stored = student.course().await.expect_data(false).data().clone();
            app.next_day().await;
            app.sim.set_fault(System::Eams, Fault::week_origin(36));
            assert_eq!(*student.course().await.expect_data(false).data(), stored);
            app.sim.clear_faults();
            app.next_day().await;
            app.sim.set_fault(System::Eams, Fault::week_origin(1));
            let stale = student.course().await.expect_data(true);
            assert_eq!(reason(&stale), "CAMPUS_CHANGED", "{stale:?}");
        })
        .await;
}

#[tokio::test]
async fn a_term_without_dates_leaves_the_table_and_no_calendar() {
    hpu()
        .run(async |app| {
            app.sim.set_fault(System::Eams, Fault::new(Mode::NoCalendar));
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            student.course().await.expect_data(false);
            student.get("/api/calendar").await.expect_error(404, "TERM_UNKNOWN");
        })
        .await;
}

#[tokio::test]
async fn a_service_ticket_that_comes_too_late_costs_no_second_password() {
    hpu()
        .run(async |app| {
            app.sim.set_fault(System::Cas, Fault::late_ticket(Duration::ZERO));
            let student = app.student(1).await;
            bind(&student).await.expect_error(503, "CAMPUS_DOWN");
            assert_eq!(app.sim.count_of("cas.password_posts"), 1);
        })
        .await;
}

#[tokio::test]
async fn a_session_is_never_asked_faster_than_the_profile_allows() {
    setup()
        .profile(|sim| sim.profile("hpu").unwrap().replace("pace = \"0s\"", "pace = \"200ms\""))
        .run(async |app| {
            app.sim.set_pace(System::Eams, Some(Duration::from_millis(150)));
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            student.course().await.expect_data(false);
            student.get("/api/score").await.expect_data(false);
            assert_eq!(app.sim.count_of("eams.parallel"), 0, "{:?}", app.sim.counts());
            assert!(app.sim.count_of("eams.table") == 1 && app.sim.count_of("eams.scores") == 1, "asked once each");
        })
        .await;
}

#[tokio::test]
async fn one_attempt_sends_one_password_whatever_fails_after_the_login() {
    for (operation, answered) in [("terms", 201), ("calendar", 201), ("record", 503)] {
        hpu()
            .run(async |app| {
                app.sim.set_fault(System::Eams, Fault::server_error().on(operation));
                let student = app.student(1).await;
                let tried = bind(&student).await;
                assert_eq!(tried.status, answered, "{operation}: {tried:?}");
                assert_eq!(app.sim.count_of("cas.password_posts"), 1, "{operation}: {:?}", app.sim.counts());
            })
            .await;
    }
}

#[tokio::test]
async fn dates_of_the_term_stay_when_the_calendar_fails() {
    hpu()
        .run(async |app| {
            let student = reader(app).await;
            app.sim.set_fault(System::Eams, Fault::server_error().on("calendar"));
            student.course().await.expect_data(false);
            student.get("/api/calendar").await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn a_password_that_was_answered_by_a_captcha_is_not_sent_again_without_the_student() {
    hpu()
        .run(async |app| {
            let student = reader(app).await;
            app.sim.set_cas_captcha(CasCaptcha::After(1));
            let stranger = app.student(2).await.with_account(student.campus.clone());
            bind_with(&stranger, "not-his").await.expect_error(400, "WRONG_PASSWORD");
            app.sim.expire_sessions(None);
            app.sim.reset_counts();
            for _ in 0..5 {
                let stale = student.course().await.expect_data(true);
                assert_eq!(reason(&stale), "CAPTCHA_REQUIRED", "{stale:?}");
            }
            assert!(app.sim.count_of("cas.password_posts") <= 1, "{:?}", app.sim.counts());
        })
        .await;
}
