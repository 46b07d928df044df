//! Empty classrooms at schools whose academic system tells the term itself.

use campus_sim::{CampusSim, Fault, Mode, System};

use super::{bind, hpu, played::DEMO_ZF};
use crate::support::setup;

const QUERY: [(&str, &str); 4] = [("building", "1"), ("weekly", "12"), ("section", "1,2"), ("week", "5")];

#[tokio::test]
async fn without_the_dates_of_the_term_no_classroom_is_looked_for_and_that_is_said() {
    hpu()
        .run(async |app| {
            app.sim.set_fault(System::Eams, Fault::new(Mode::NoCalendar));
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            app.sim.reset_counts();
            student.post_form("/api/classroom", &QUERY).await.expect_error(404, "TERM_UNKNOWN");
            assert_eq!(app.sim.count(System::Eams), 0, "{:?}", app.sim.counts());
            assert!(app.db.all("classrooms").await.is_empty());
        })
        .await;
}

#[tokio::test]
async fn stored_classrooms_are_served_without_the_dates_of_the_term_and_say_why_they_are_old() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            let stored = student.post_form("/api/classroom", &QUERY).await.expect_data(false).data().clone();
            app.next_day().await;
            let forgetful = app.start_replica(|_| {}).await;
            let terms = app.replicas[0].app.store.database().collection::<mongodb::bson::Document>("terms");
            let no_dates = mongodb::bson::doc! { "$unset": { "monday": "", "weeks": "" } };
            terms.update_many(mongodb::bson::doc! {}, no_dates).await.unwrap();
            app.db.replicated().await;
            let stale = student.at(&forgetful).post_form("/api/classroom", &QUERY).await.expect_data(true);
            assert_eq!(stale.json["meta"]["reason"], "TERM_UNKNOWN", "{stale:?}");
            assert_eq!(*stale.data(), stored);
        })
        .await;
}

/// The demonstration school, where postgraduates may look for classrooms, too.
fn classrooms_for_everybody(sim: &CampusSim) -> String {
    let more = r#"abilities = ["table", "scores", "rooms", "record", "terms"]

[academic.options]
captcha = "auto"
pace = "0s"
"#;
    sim.profile("demo-zf").unwrap() + more
}

#[tokio::test]
async fn each_academic_system_is_asked_for_its_own_classrooms() {
    setup()
        .profile(classrooms_for_everybody)
        .run(async |app| {
            let undergraduate = DEMO_ZF.student(app, 1).await;
            let postgraduate = app.student(2).await.with_account(app.sim.student("902409000002").unwrap());
            for student in [&undergraduate, &postgraduate] {
                DEMO_ZF.bind(student).await.expect(201);
                student.post_form("/api/classroom", &QUERY).await.expect_data(false);
                app.db.replicated().await;
            }
            let stored = app.db.all("classrooms").await;
            assert_eq!(stored.len(), 2, "{stored:?}");
            for academic in ["academic=jwglxt/undergraduate ", "academic=jwglxt/postgraduate "] {
                assert!(format!("{stored:?}").contains(academic), "{academic} is missing: {stored:?}");
            }
            assert_eq!(app.sim.count_of("jwglxt.rooms"), 2, "{:?}", app.sim.counts());
        })
        .await;
}
