//! What jwglxt does beside answering.

use std::time::Duration;

use campus_sim::{CampusSim, Fault, JwglxtCaptcha, Mode, System};
use futures_util::future::join;

use super::played::DEMO_ZF;
use crate::support::{Student, TestApp, setup};

/// Reads table, scores and rooms afresh.
async fn everything(student: &Student<'_>) -> [serde_json::Value; 3] {
    let query = [("building", "1"), ("weekly", "12"), ("section", "1,2"), ("week", "5")];
    let rooms = student.post_form("/api/classroom", &query).await.expect_data(false);
    let (table, scores) =
        (student.course().await.expect_data(false), student.get("/api/score").await.expect_data(false));
    [table, scores, rooms].map(|answer| answer.data().clone())
}

#[tokio::test]
async fn a_session_that_ends_in_any_way_is_opened_again() {
    for mode in [Mode::ExpiredEmpty, Mode::Expired200, Mode::Expired302] {
        DEMO_ZF
            .setup()
            .run(async |app| {
                let student = DEMO_ZF.reader(app, 1).await;
                app.next_day().await;
                app.sim.reset_counts();
                app.sim.set_fault(System::Jwglxt, Fault::new(mode).on("table").times(1));
                student.course().await.expect_data(false);
                assert_eq!(app.sim.count_of("jwglxt.password_posts"), 1, "{mode:?}");
            })
            .await;
    }
}

#[tokio::test]
async fn what_is_closed_is_named_and_stored_data_served() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            let student = DEMO_ZF.reader(app, 1).await;
            app.next_day().await;
            for mode in [Mode::NoFunction, Mode::Night] {
                app.sim.set_fault(System::Jwglxt, Fault::new(mode).on("table"));
                let stale = student.course().await.expect_data(true);
                assert_eq!(stale.json["meta"]["reason"], "CAMPUS_CLOSED", "{mode:?}: {stale:?}");
                app.sim.clear_faults();
            }
        })
        .await;
}

#[tokio::test]
async fn other_builds_show_the_same_data() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            let student = DEMO_ZF.reader(app, 1).await;
            let usual = everything(&student).await;
            for mode in [Mode::StrictGrid, Mode::SmallPages, Mode::MasksDiffer, Mode::NullRecord, Mode::NoBeginTimes] {
                app.next_day().await;
                app.sim.expire_sessions(None);
                app.sim.set_fault(System::Jwglxt, Fault::new(mode));
                assert_eq!(everything(&student).await, usual, "{mode:?}");
                app.sim.clear_faults();
            }
        })
        .await;
}

#[tokio::test]
async fn a_login_that_is_thrown_away_is_sent_again_only_where_the_profile_says_so() {
    for (twice, posts) in [(false, 1), (true, 2)] {
        setup()
            .profile(move |sim| {
                let profile = sim.profile("demo-zf").unwrap();
                profile.replacen("pace = \"0s\"", &format!("pace = \"0s\"\nlogin_twice = {twice}"), 1)
            })
            .run(async |app| {
                app.sim.set_fault(System::Jwglxt, Fault::new(Mode::FirstPostLost).times(1));
                let student = DEMO_ZF.student(app, 1).await;
                let tried = DEMO_ZF.bind(&student).await;
                if twice {
                    tried.expect(201)
                } else {
                    tried.expect_error(503, "CAMPUS_CHANGED")
                };
                assert_eq!(app.sim.count_of("jwglxt.password_posts"), posts);
            })
            .await;
    }
}

#[tokio::test]
async fn a_slider_is_named_no_password_is_sent_and_stored_data_is_served() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            let student = DEMO_ZF.reader(app, 1).await;
            app.sim.set_jwglxt_captcha(JwglxtCaptcha::Slider);
            app.sim.expire_sessions(None);
            app.next_day().await;
            app.sim.reset_counts();
            for _ in 0..2 {
                let stale = student.course().await.expect_data(true);
                assert_eq!(stale.json["meta"]["reason"], "SLIDER_REQUIRED", "{stale:?}");
            }
            student.post_form("/api/session", &[]).await.expect_error(503, "SLIDER_REQUIRED");
            let other = DEMO_ZF.student(app, 2).await;
            DEMO_ZF.bind(&other).await.expect_error(503, "SLIDER_REQUIRED");
            other.course().await.expect_error(400, "NOT_BOUND");
            assert_eq!(app.sim.count_of("jwglxt.password_posts"), 0, "{:?}", app.sim.counts());

            app.sim.set_jwglxt_captcha(JwglxtCaptcha::None);
            DEMO_ZF.bind(&other).await.expect(201);
            student.course().await.expect_data(false);
        })
        .await;
}

/// The profile of a school whose login page says nothing of the captcha: only the answer to a password does.
fn told_by_the_answer(sim: &CampusSim) -> String {
    sim.profile("demo-zf").unwrap().replacen("pace = \"0s\"", "pace = \"0s\"\ncaptcha = \"none\"", 1)
}

#[tokio::test]
async fn a_slider_that_only_the_answer_to_a_login_names_costs_a_reader_one_password() {
    setup()
        .profile(told_by_the_answer)
        .run(async |app| {
            let student = DEMO_ZF.reader(app, 1).await;
            app.sim.set_jwglxt_captcha(JwglxtCaptcha::Slider);
            app.sim.expire_sessions(None);
            app.next_day().await;
            app.sim.reset_counts();
            for _ in 0..3 {
                let stale = student.course().await.expect_data(true);
                assert_eq!(stale.json["meta"]["reason"], "SLIDER_REQUIRED", "{stale:?}");
                student.post_form("/api/session", &[]).await.expect_error(503, "SLIDER_REQUIRED");
            }
            assert_eq!(app.sim.count_of("jwglxt.password_posts"), 1, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_slider_that_only_the_answer_to_a_bind_names_costs_an_account_one_password_and_no_other_account_any() {
    setup()
        .profile(told_by_the_answer)
        .run(async |app| {
            let (student, other) = (DEMO_ZF.student(app, 1).await, DEMO_ZF.student(app, 2).await);
            app.sim.set_jwglxt_captcha(JwglxtCaptcha::Slider);
            for _ in 0..2 {
                DEMO_ZF.bind(&student).await.expect_error(503, "SLIDER_REQUIRED");
            }
            assert_eq!(app.sim.count_of("jwglxt.password_posts"), 1, "{:?}", app.sim.counts());

            app.sim.set_jwglxt_captcha(JwglxtCaptcha::None);
            DEMO_ZF.bind(&student).await.expect_error(503, "SLIDER_REQUIRED");
            DEMO_ZF.bind(&other).await.expect(201);
            assert_eq!(app.sim.count_of("jwglxt.password_posts"), 2, "{:?}", app.sim.counts());
        })
        .await;
}

/// How often the newer and the older address of a page were asked.
fn asked(app: &TestApp, page: &str) -> (u64, u64) {
    (app.sim.count_of(&format!("jwglxt.{page}")), app.sim.count_of(&format!("jwglxt.older_{page}")))
}

#[tokio::test]
async fn the_older_addresses_are_not_asked_where_the_newer_ones_answer() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            let student = DEMO_ZF.reader(app, 1).await;
            student.get("/api/score").await.expect_data(false);
            for fault in [Fault::new(Mode::NoFunction), Fault::empty()] {
                app.next_day().await;
                app.sim.set_fault(System::Jwglxt, fault.on("scores"));
                student.get("/api/score").await.expect(200);
                app.sim.clear_faults();
            }
            assert_eq!(asked(app, "table"), (1, 0));
            assert_eq!(asked(app, "scores"), (3, 0), "what has worked is refused or empty for another reason");
        })
        .await;
}

#[tokio::test]
async fn an_older_build_is_asked_at_its_own_addresses_after_one_try() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            for page in ["table", "scores"] {
                app.sim.set_fault(System::Jwglxt, Fault::new(Mode::NotFound).on(page));
            }
            for index in [1, 2] {
                let student = DEMO_ZF.reader(app, index).await;
                student.get("/api/score").await.expect_data(false);
            }
            assert_eq!((asked(app, "table"), asked(app, "scores")), ((1, 2), (1, 2)));

            // The school renews its system.
            app.sim.clear_faults();
            for page in ["older_table", "older_scores"] {
                app.sim.set_fault(System::Jwglxt, Fault::new(Mode::NotFound).on(page));
            }
            let student = DEMO_ZF.reader(app, 3).await;
            student.get("/api/score").await.expect_data(false);
            assert_eq!((asked(app, "table"), asked(app, "scores")), ((2, 3), (2, 3)));
        })
        .await;
}

#[tokio::test]
async fn an_address_without_right_or_data_leads_to_the_older_one_while_neither_has_worked() {
    for fault in [Fault::new(Mode::NoFunction), Fault::empty()] {
        DEMO_ZF
            .setup()
            .run(async |app| {
                let student = DEMO_ZF.reader(app, 1).await;
                app.sim.set_fault(System::Jwglxt, fault.clone().on("scores"));
                student.get("/api/score").await.expect_data(false);
                assert_eq!(asked(app, "scores"), (1, 1), "{fault:?}");
                app.next_day().await;
                student.get("/api/score").await.expect_data(false);
                assert_eq!(asked(app, "scores"), (1, 2), "{fault:?}");
            })
            .await;
    }
}

#[tokio::test]
async fn no_answer_of_the_other_address_beside_an_empty_list_leads_to_a_login_or_is_told() {
    for fault in [Fault::server_error(), Fault::garbage(), Fault::maintenance(), Fault::new(Mode::Expired200)] {
        DEMO_ZF
            .setup()
            .run(async |app| {
                let student = DEMO_ZF.reader(app, 1).await;
                app.sim.reset_counts();
                app.sim.set_fault(System::Jwglxt, Fault::empty().on("scores"));
                app.sim.set_fault(System::Jwglxt, fault.clone().on("older_scores"));
                // No marks yet.
                student.get("/api/score").await.expect_error(404, "NOT_FOUND");
                assert_eq!(asked(app, "scores"), (1, 1), "{fault:?}");
                assert_eq!(app.sim.count_of("jwglxt.password_posts"), 0, "{fault:?}: {:?}", app.sim.counts());
            })
            .await;
    }
}

#[tokio::test]
async fn an_empty_list_says_nothing_about_its_address() {
    for fault in [Fault::new(Mode::NoFunction), Fault::new(Mode::NotFound), Fault::empty()] {
        DEMO_ZF
            .setup()
            .run(async |app| {
                let (first, second) = (DEMO_ZF.reader(app, 1).await, DEMO_ZF.reader(app, 2).await);
                app.sim.set_fault(System::Jwglxt, fault.clone().on("scores"));
                app.sim.set_fault(System::Jwglxt, Fault::empty().on("older_scores"));
                first.get("/api/score").await.expect_error(404, "NOT_FOUND");
                assert_eq!(asked(app, "scores"), (1, 1), "{fault:?}");
                app.sim.clear_faults();
                second.get("/api/score").await.expect_data(false);
                assert_eq!(asked(app, "scores"), (2, 1), "{fault:?}");
            })
            .await;
    }
}

#[tokio::test]
async fn an_older_address_that_becomes_empty_or_refuses_leads_back_to_the_newer_one() {
    for renewed in [Fault::empty(), Fault::new(Mode::NoFunction)] {
        DEMO_ZF
            .setup()
            .run(async |app| {
                app.sim.set_fault(System::Jwglxt, Fault::new(Mode::NotFound).on("scores"));
                let student = DEMO_ZF.reader(app, 1).await;
                student.get("/api/score").await.expect_data(false);
                assert_eq!(asked(app, "scores"), (1, 1), "{renewed:?}");

                app.sim.clear_faults();
                app.sim.set_fault(System::Jwglxt, renewed.clone().on("older_scores"));
                app.next_day().await;
                student.get("/api/score").await.expect_data(true);
                assert_eq!(asked(app, "scores"), (1, 2), "{renewed:?}");
                app.next_day().await;
                student.get("/api/score").await.expect_data(false);
                assert_eq!(asked(app, "scores"), (2, 2), "{renewed:?}");
            })
            .await;
    }
}

#[tokio::test]
async fn an_empty_list_that_comes_late_takes_nothing_from_what_another_read_has_learned() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            let (freshman, student) = (DEMO_ZF.reader(app, 1).await, DEMO_ZF.reader(app, 2).await);
            app.sim.clear_scores(&freshman.campus.number);
            app.sim.set_fault(System::Jwglxt, Fault::slow(Duration::from_secs(1)).on("scores").times(1));
            let early = async { freshman.get("/api/score").await.expect_error(404, "NOT_FOUND") };
            let late = async {
                app.sim.wait_for("jwglxt.scores", 1).await;
                app.sim.set_fault(System::Jwglxt, Fault::new(Mode::NoFunction).on("scores"));
                student.get("/api/score").await.expect_data(false)
            };
            join(early, late).await;
            app.next_day().await;
            student.get("/api/score").await.expect_data(false);
            assert_eq!(asked(app, "scores"), (2, 3));
        })
        .await;
}

#[tokio::test]
async fn a_page_that_is_at_neither_address_is_told() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            app.sim.set_fault(System::Jwglxt, Fault::new(Mode::NotFound).on("scores"));
            app.sim.set_fault(System::Jwglxt, Fault::new(Mode::NotFound).on("older_scores"));
            let student = DEMO_ZF.reader(app, 1).await;
            student.get("/api/score").await.expect_error(503, "CAMPUS_CHANGED");
        })
        .await;
}
