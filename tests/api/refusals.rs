//! What a campus system says in place of what was asked for, and what becomes of passwords, sessions and breakers.

use std::time::Duration;

use campus_sim::{Fault, System};
use futures_util::future::join_all;

use crate::support::{Answer, Student, TestApp, eventually, setup};

/// More requests than the breaker stands of failures.
const MANY: usize = 8;

fn full() -> Fault {
    Fault::says("系统已到达最大授权用户限制")
}

#[tokio::test]
async fn a_full_vpn_at_rush_hour_marks_no_password_and_everybody_is_served_once_it_is_over() {
    setup()
        .run(async |app| {
            let students: Vec<Student<'_>> = join_all((1..=4).map(|index| app.bound(index))).await;
            app.sim.set_fault(System::Vpn, full());
            app.sim.expire_sessions(None);
            for student in &students {
                student.course().await.expect_error(503, "CAMPUS_DOWN");
            }
            assert!(app.sim.count_of("vpn.login.told") >= 3);
            app.sim.clear_faults();
            for student in &students {
                eventually("the table after the rush hour", async || {
                    (student.course().await.status == 200).then_some(())
                })
                .await;
            }
        })
        .await;
}

#[tokio::test]
async fn a_login_answered_by_an_unknown_text_is_a_fault_of_the_system_and_not_of_the_password() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for (system, text) in [(System::Vpn, "认证未通过"), (System::Urp, "发生异状"), (System::Vpn, "")] {
                app.sim.set_fault(system, Fault::says(text));
                app.sim.expire_sessions(None);
                student.course().await.expect_error(503, "CAMPUS_DOWN");
                app.sim.clear_faults();
            }
            student.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn a_bind_at_a_vpn_that_is_full_or_closed_is_not_told_that_the_password_is_wrong() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.sim.set_fault(System::Vpn, full());
            student.try_bind_rightly().await.expect_error(503, "CAMPUS_DOWN");
            app.sim.set_fault(System::Vpn, Fault::says("您无法在当前时间使用本服务器登录"));
            let answer = student.try_bind_rightly().await.expect_error(503, "CAMPUS_CLOSED");
            assert_eq!(answer.data()["reason"], "您无法在当前时间使用本服务器登录");
        })
        .await;
}

#[tokio::test]
async fn a_vpn_that_wants_a_captcha_or_bars_our_address_is_sent_no_login_on_its_own() {
    for text in ["请输入验证码", "您的IP地址已被锁定，请稍后再试"] {
        setup()
            .run(async |app| {
                let students: Vec<Student<'_>> = join_all((1..=3).map(|index| app.bound(index))).await;
                let stored = students[0].course().await.expect_data(false);
                app.next_day().await;
                app.sim.set_fault(System::Vpn, Fault::says(text).on("login"));
                app.sim.expire_sessions(None);
                assert_eq!(students[0].course().await.expect_data(true).data(), stored.data());
                assert_eq!(app.sim.count_of("vpn.login.told"), 1);
                app.sim.clear_faults();
                app.sim.reset_counts();
                for student in &students[1..] {
                    let answer = student.course().await.expect_error(503, "LOGIN_PAUSED");
                    assert!(answer.retry_after() > 0);
                }
                assert_eq!(app.sim.count_of("vpn.login"), 0, "{:?}", app.sim.counts());
                // Somebody who binds is waiting: his login is sent, and that it works ends the pause.
                students[1].bind().await;
                students[2].course().await.expect_data(false);
            })
            .await;
    }
}

#[tokio::test]
async fn a_locked_account_pauses_only_itself_and_its_password_is_kept() {
    setup()
        .run(async |app| {
            let (locked, other) = (app.bound(1).await, app.bound(2).await);
            app.sim.set_fault(System::Vpn, Fault::says("该帐号已被锁定").on("login").times(1));
            app.sim.expire_sessions(None);
            let answer = locked.course().await.expect_error(400, "ACCOUNT_LOCKED");
            assert_eq!(answer.data()["reason"], "该帐号已被锁定");
            app.sim.reset_counts();
            locked.course().await.expect_error(400, "ACCOUNT_LOCKED");
            locked.try_bind_rightly().await.expect_error(400, "ACCOUNT_LOCKED");
            assert_eq!(app.campus_requests(), 0, "{:?}", app.sim.counts());
            other.course().await.expect_data(false);
            // A replica that knows nothing of the lock tries the password that was kept.
            locked.at(&app.start_replica(|_| {}).await).course().await.expect_data(false);
        })
        .await;
}

fn closed(answer: Answer, text: &str, said: &str) {
    let answer = answer.expect_error(503, "CAMPUS_CLOSED");
    assert_eq!((answer.message(), answer.data()["reason"].as_str()), (text, Some(said)), "{answer:?}");
}

#[tokio::test]
async fn a_refusal_of_a_system_that_works_says_what_to_do_and_opens_no_breaker() {
    setup()
        .run(async |app| {
            let (student, other) = (app.bound(1).await, app.bound(2).await);
            let said = "没有完成评估,不能查看课表信息!";
            app.sim.set_fault(System::Urp, Fault::says(said).on("course"));
            for _ in 0..MANY {
                closed(student.course().await, "请先完成评教", said);
            }
            app.sim.set_fault(System::Urp, Fault::says("成绩查询开关已关闭！").on("score"));
            closed(student.get("/api/score").await, "学校暂未开放此项查询", "成绩查询开关已关闭！");
            app.sim.clear_faults();
            other.course().await.expect_data(false);
            assert_eq!(
                app.sim.count_of("vpn.login"),
                0,
                "a refusal is no reason to log in again: {:?}",
                app.sim.counts()
            );
        })
        .await;
}

#[tokio::test]
async fn a_refusal_leaves_the_stored_table_to_be_served() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.course().await.expect_data(false);
            app.next_day().await;
            app.sim.set_fault(System::Urp, Fault::says("请先评教").on("course"));
            assert_eq!(student.course().await.expect_data(true).data(), stored.data());
        })
        .await;
}

/// Reads until the breaker would be open if these failures counted.
async fn insist(student: &Student<'_>, code: &str) {
    for _ in 0..MANY {
        student.course().await.expect_error(503, code);
    }
}

#[tokio::test]
async fn one_students_unreadable_pages_close_the_campus_to_nobody_else() {
    setup()
        .run(async |app| {
            let (broken, other) = (app.bound(1).await, app.bound(2).await);
            app.sim.set_fault(System::Urp, Fault::garbage().on("course"));
            insist(&broken, "CAMPUS_CHANGED").await;
            app.sim.clear_faults();
            other.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn pages_that_three_students_cannot_read_open_the_breaker() {
    setup()
        .run(async |app| {
            let students: Vec<Student<'_>> = join_all((1..=4).map(|index| app.bound(index))).await;
            app.sim.set_fault(System::Urp, Fault::garbage());
            for student in students[..3].iter().chain(&students[..3]) {
                assert_eq!(student.course().await.status, 503);
            }
            app.sim.reset_counts();
            students[3].course().await.expect_error(503, "CAMPUS_DOWN");
            assert_eq!(app.campus_requests(), 0, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_dead_session_that_answers_500_or_busy_is_made_anew_and_the_table_comes() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for fault in [Fault::dead(), Fault::says("数据库忙请稍候再试"), Fault::maintenance(), Fault::garbage()]
            {
                app.next_day().await;
                let student = Student::log_in(app, &student.open_id, student.campus.clone()).await;
                app.sim.reset_counts();
                app.sim.set_fault(System::Urp, fault.clone().on("course").times(1));
                student.course().await.expect_data(false);
                assert_eq!(app.sim.count_of("vpn.login"), 1, "{fault:?}: {:?}", app.sim.counts());
            }
        })
        .await;
}

#[tokio::test]
async fn a_session_of_the_library_that_answers_500_is_made_anew() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.change("libPassWord", &student.campus.library_password).await.expect(201);
            student.get("/api/library/borrowing").await.expect_data(false);
            app.clock.advance(Duration::from_hours(25));
            let student = Student::log_in(app, &student.open_id, student.campus.clone()).await;
            app.sim.set_fault(System::Library, Fault::dead().times(1));
            student.get("/api/library/borrowing").await.expect_data(false);
            assert_eq!(app.sim.count_of("library.login"), 2);
        })
        .await;
}

/// Whether the stored sessions of `app` are those of `before`.
async fn sessions(app: &TestApp) -> Vec<mongodb::bson::Document> {
    app.db.all("sessions").await
}

#[tokio::test]
async fn the_stored_session_is_replaced_only_by_a_login_that_works() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let before = sessions(app).await;
            app.sim.set_fault(System::Urp, Fault::server_error().on("course").times(1));
            app.sim.set_fault(System::Vpn, full());
            student.course().await.expect_error(503, "CAMPUS_DOWN");
            assert_eq!(sessions(app).await, before);
            app.sim.clear_faults();
            app.sim.reset_counts();
            student.course().await.expect_data(false);
            assert_eq!(app.sim.count_of("vpn.login"), 0, "the old session still worked: {:?}", app.sim.counts());
        })
        .await;
}
