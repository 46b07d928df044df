//! How many requests the campus gets.

use campus_sim::System;

use super::{
    bind, hpu,
    played::{DEMO_ZF, HPU},
};
use crate::support::TestApp;

/// Requests to EAMS and its sign-on since the last reset.
fn all(app: &TestApp) -> u64 {
    app.sim.count(System::Cas) + app.sim.count(System::Eams)
}

/// Those of them that ask for the term, which is done once for everybody.
fn for_the_term(app: &TestApp) -> u64 {
    app.sim.count_of("eams.terms") + app.sim.count_of("eams.calendar")
}

#[tokio::test]
async fn a_first_table_costs_at_most_twelve_requests_the_term_among_them() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            student.course().await.expect_data(false);
            assert!(all(app) <= 12, "{} requests: {:?}", all(app), app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_table_costs_seven_requests_with_a_ticket_and_no_password() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            student.course().await.expect_data(false);
            app.next_day().await;
            app.sim.expire_sessions(Some(System::Eams));
            app.sim.reset_counts();
            student.course().await.expect_data(false);
            let met_the_ended_session = 1;
            let cost = all(app) - for_the_term(app) - met_the_ended_session;
            assert!(cost <= 7, "{cost} requests: {:?}", app.sim.counts());
            assert_eq!(app.sim.count_of("cas.password_posts"), 0);
        })
        .await;
}

#[tokio::test]
async fn a_table_costs_one_request_in_a_living_session() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            student.course().await.expect_data(false);
            app.next_day().await;
            app.sim.reset_counts();
            student.course().await.expect_data(false);
            assert_eq!(all(app) - for_the_term(app), 1, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn the_term_is_asked_for_once_for_everybody() {
    hpu()
        .replicas(3)
        .run(async |app| {
            for (index, replica) in app.replicas.iter().enumerate() {
                let student = app.student(index + 1).await.at(replica);
                bind(&student).await.expect(201);
                student.course().await.expect_data(false);
                app.db.replicated().await;
            }
            assert_eq!(for_the_term(app), 2, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_term_that_one_replica_was_told_is_known_to_the_others_at_once() {
    hpu()
        .replicas(2)
        .run(async |app| {
            let student = app.student(1).await;
            student.get("/api/calendar").await.expect_error(404, "TERM_UNKNOWN");
            bind(&student).await.expect(201);
            student.course().await.expect_data(false);
            app.db.replicated().await;
            student.at(&app.replicas[1]).get("/api/calendar").await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn the_scores_of_the_term_and_what_they_amount_to_cost_one_request() {
    for school in [HPU, DEMO_ZF] {
        school
            .setup()
            .run(async |app| {
                let student = school.student(app, 1).await;
                school.bind(&student).await.expect(201);
                student.get("/api/score/summary").await.expect_data(false);
                student.get("/api/score").await.expect_data(false);
                assert_eq!(app.sim.count_of(&format!("{}.scores", school.academic)), 1, "{:?}", app.sim.counts());
            })
            .await;
    }
}
