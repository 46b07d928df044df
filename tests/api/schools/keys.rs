//! Keys of a profile that change what the campus is asked: how long sessions and tickets are believed, and the project.

use std::time::Duration;

use campus_sim::System;
use chrono::TimeDelta;
use mongodb::bson::{Document, doc};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{
    bind, hpu,
    played::{DEMO_ZF, HPU},
};
use crate::support::{Student, TestApp, setup};

const DAY: Duration = Duration::from_hours(24);

/// The student's stored session: its document, and what it holds.
async fn stored(app: &TestApp, student: &Student<'_>) -> (Document, Value) {
    app.idle().await;
    app.db.replicated().await;
    let (store, keys) = (&app.replicas[0].app.store, &app.replicas[0].app.keys);
    let sessions = store.database().collection::<Document>("sessions");
    let kept = sessions.find_one(doc! { "openId": &student.open_id }).await.unwrap().expect("a session is kept");
    let opened = keys.open(&student.open_id, &field(student, &kept), kept.get_str("sealed").unwrap()).unwrap();
    let session = serde_json::from_str(opened.expose_secret()).unwrap();
    (kept, session)
}

/// What a stored session is sealed for.
fn field(student: &Student<'_>, kept: &Document) -> String {
    let id = kept.get_str("_id").unwrap();
    format!("session/{}", id.strip_suffix(&format!("/{}", student.open_id)).unwrap())
}

/// Makes the student's stored session and its ticket older by this much.
async fn age(app: &TestApp, student: &Student<'_>, by: Duration) {
    age_those(app, student, by, |_| true).await;
}

/// Makes the student's logins at these systems older by this much.
async fn age_those(app: &TestApp, student: &Student<'_>, by: Duration, wanted: impl Fn(&str) -> bool) {
    let (kept, mut session) = stored(app, student).await;
    let by = i64::try_from(by.as_millis()).unwrap();
    for (system, since) in session["since"].as_object_mut().unwrap() {
        if wanted(system) {
            *since = Value::from(since.as_i64().unwrap() - by);
        }
    }
    let (store, keys) = (&app.replicas[0].app.store, &app.replicas[0].app.keys);
    let sealed = keys.seal(&student.open_id, &field(student, &kept), &session.to_string()).unwrap();
    let id = kept.get_str("_id").unwrap();
    let sessions = store.database().collection::<Document>("sessions");
    sessions.update_one(doc! { "_id": id }, doc! { "$set": { "sealed": sealed } }).await.unwrap();
}

#[tokio::test]
async fn a_session_past_its_life_is_not_tried_although_it_lives_at_the_campus() {
    hpu()
        .run(async |app| {
            let student = HPU.reader(app, 1).await;
            for (minutes, logins) in [(11, 0), (13, 1)] {
                app.next_day().await;
                age(app, &student, Duration::from_mins(minutes)).await;
                app.sim.reset_counts();
                student.course().await.expect_data(false);
                let counted = ["cas.tickets_used", "cas.password_posts"].map(|name| app.sim.count_of(name));
                assert_eq!(counted, [logins, 0], "after {minutes} minutes");
            }
        })
        .await;
}

#[tokio::test]
async fn without_a_ticket_a_session_past_its_life_costs_a_login() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            let student = DEMO_ZF.reader(app, 1).await;
            for (minutes, logins) in [(14, 0), (16, 1)] {
                app.next_day().await;
                age(app, &student, Duration::from_mins(minutes)).await;
                app.sim.reset_counts();
                student.course().await.expect_data(false);
                assert_eq!(app.sim.count_of("jwglxt.password_posts"), logins, "after {minutes} minutes");
            }
        })
        .await;
}

#[tokio::test]
async fn a_ticket_past_its_life_is_not_tried_although_the_sign_on_would_take_it() {
    hpu()
        .run(async |app| {
            let student = HPU.reader(app, 1).await;
            // Its use after six days has not made it younger.
            for (days, passwords) in [(6, 0), (2, 1)] {
                app.next_day().await;
                age(app, &student, DAY * days).await;
                app.sim.reset_counts();
                student.course().await.expect_data(false);
                assert_eq!(app.sim.count_of("cas.password_posts"), passwords, "{days} days later");
            }
        })
        .await;
}

/// Whether the student's stored session holds a ticket, and how much longer it is kept.
async fn ticket(app: &TestApp, student: &Student<'_>) -> (bool, TimeDelta) {
    let (kept, session) = stored(app, student).await;
    let expires_at = kept.get_datetime("expiresAt").unwrap().to_chrono();
    (session["cookies"].as_str().unwrap().contains("CASTGC"), expires_at - app.clock.now())
}

#[tokio::test]
async fn a_ticket_is_kept_for_its_life_and_no_longer_however_often_its_session_is_used() {
    hpu()
        .run(async |app| {
            let student = HPU.reader(app, 1).await;
            app.next_day().await;
            age(app, &student, DAY * 6).await;
            student.course().await.expect_data(false);
            let (is_kept, left) = ticket(app, &student).await;
            assert!(is_kept && left > TimeDelta::hours(12) && left <= TimeDelta::days(1), "{left}");

            // The session goes on after the life of its ticket.
            app.next_day().await;
            age_those(app, &student, DAY * 2, |system| system == "cas").await;
            app.sim.reset_counts();
            student.course().await.expect_data(false);
            assert_eq!(ticket(app, &student).await, (false, TimeDelta::hours(12)));
            assert_eq!(app.sim.count(System::Cas), 0, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn the_project_is_named_where_students_have_several() {
    setup()
        .profile(|sim| {
            let profile = sim.profile("hpu").unwrap();
            profile.replacen("pace = \"0s\"", "pace = \"0s\"\nproject = \"1\"", 1)
        })
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            student.course().await.expect_data(false);
            assert_eq!(app.sim.count_of("eams.entry"), 0);
            assert!(app.sim.count_of("eams.project_entry") > 0, "{:?}", app.sim.counts());
        })
        .await;
}
