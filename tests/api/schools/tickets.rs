//! The ticket of the central sign-on ends when its account leaves the student.

use campus_sim::{Fault, System};
use reqwest::Method;

use super::{bind, hpu};
use crate::support::in_time;

#[tokio::test]
async fn a_bind_to_another_number_ends_the_former_ticket_and_not_the_new_one() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            bind(&student).await.expect(201);
            app.idle().await;
            assert_eq!(app.sim.count_of("cas.logout"), 0, "the same number");

            let other = student.with_account(app.sim.student_at(2));
            bind(&other).await.expect(201);
            app.idle().await;
            assert_eq!(app.sim.count_of("cas.logout"), 1, "{:?}", app.sim.counts());
            app.sim.expire_sessions(Some(System::Eams));
            app.sim.reset_counts();
            other.course().await.expect_data(false);
            assert_eq!(app.sim.count_of("cas.password_posts"), 0, "its ticket works: {:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_sign_on_that_ends_no_ticket_keeps_nobody_from_binding_and_unbinding() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            app.sim.set_fault(System::Cas, Fault::server_error().on("logout"));
            let other = student.with_account(app.sim.student_at(2));
            bind(&other).await.expect(201);
            app.idle().await;
            student.send(student.request(Method::DELETE, "/api/bind")).await.expect(200);
            app.idle().await;
            assert_eq!(app.sim.count_of("cas.logout"), 2, "{:?}", app.sim.counts());
            app.db.replicated().await;
            assert!(app.db.all("sessions").await.is_empty());
            bind(&student).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn nobody_waits_for_a_sign_on_that_does_not_answer_the_log_out() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            app.sim.set_fault(System::Cas, Fault::hold().on("logout"));
            student.send(student.request(Method::DELETE, "/api/bind")).await.expect(200);
            in_time("the log-out", app.sim.wait_for("cas.logout", 1)).await;
            assert_eq!(app.sim.count_of("cas.tickets_ended"), 0, "it is held");
            // Had the student waited, the log-out would be given up by now, and the sign-on would never come to end the
            // ticket.
            app.sim.clear_faults();
            in_time("the end of the ticket", app.sim.wait_for("cas.tickets_ended", 1)).await;
            app.idle().await;
            assert_eq!(app.sim.count_of("cas.logout"), 1, "{:?}", app.sim.counts());
        })
        .await;
}
