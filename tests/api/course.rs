//! `GET /api/course`: the right table, with as few campus requests as possible.

use std::collections::HashMap;

use campus_sim::{Course, Fault, System};
use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::support::setup;

/// What the contract makes of the courses the campus knows, all colours set to 1.
fn table(courses: &[Course]) -> Value {
    const DAYS: [&str; 8] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "oth"];
    let mut days: HashMap<&str, Vec<Value>> = HashMap::new();
    for course in courses {
        let teacher = course.teachers.join(" ");
        if course.sessions.is_empty() {
            let session = json!({
                "name": course.name, "place": "", "time": "", "week": "", "weekly": "", "teacher": teacher, "rel": 1
            });
            days.entry("oth").or_default().push(session);
        }
        for session in &course.sessions {
            let building = ["综合楼", "学楼", "号", "训练", "区", "地"];
            let building = building.iter().fold(session.building.clone(), |name, filler| name.replace(filler, ""));
            let time = match session.section {
                1 => "1-2",
                3 => "3-4",
                5 => "5-6",
                7 => "7-8",
                9 => "9-10",
                _ => "",
            };
            let value = json!({
                "name": course.name, "place": building + &session.room.replace("(多)", ""), "time": time,
                "week": session.weekday, "weekly": weeks(&session.weeks), "teacher": teacher, "rel": 1,
                "sections": [session.section, session.section + session.sections - 1],
            });
            days.entry(DAYS[usize::from(session.weekday) - 1]).or_default().push(value);
        }
    }
    DAYS.into_iter().map(|day| (day.to_owned(), json!(days.remove(day).unwrap_or_default()))).collect()
}

/// `6-12,14-17周上` → `[[6,12],[14,17]]`.
fn weeks(text: &str) -> Value {
    let spans = text.split('周').next().unwrap().split(',');
    spans.map(|span| json!(span.split('-').map(|week| week.parse::<u8>().unwrap()).collect::<Vec<_>>())).collect()
}

/// The sessions of a table, in its order.
fn sessions(table: &Value) -> Vec<&Value> {
    table.as_object().unwrap().values().flat_map(|day| day.as_array().unwrap()).collect()
}

#[tokio::test]
async fn the_table_is_that_of_the_campus() {
    setup()
        .run(async |app| {
            for index in 1..=5 {
                let student = app.bound(index).await;
                let answer = student.course().await.expect_data(false);
                let mut shown = answer.data().clone();
                let mut colours: HashMap<String, u64> = HashMap::new();
                for session in sessions(&shown) {
                    let rel = session["rel"].as_u64().unwrap();
                    assert!((1..=5).contains(&rel), "{session}");
                    let name = session["name"].as_str().unwrap().to_owned();
                    assert_eq!(*colours.entry(name).or_insert(rel), rel, "a course has one colour: {session}");
                }
                for day in shown.as_object_mut().unwrap().values_mut() {
                    for session in day.as_array_mut().unwrap() {
                        session["rel"] = json!(1);
                    }
                }
                assert_eq!(shown, table(&student.campus.courses));
            }
        })
        .await;
}

#[tokio::test]
async fn the_first_table_takes_one_request_with_the_session_of_the_bind() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.course().await.expect_data(false);
            assert_eq!((app.campus_requests(), app.sim.count_of("urp.course")), (1, 1), "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn the_first_table_of_a_new_session_takes_at_most_five_requests() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.db.collection("sessions").delete_many(doc! {}).await.unwrap();
            student.course().await.expect_data(false);
            assert!(app.campus_requests() <= 5, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_fresh_table_comes_from_the_store_on_every_replica() {
    setup()
        .replicas(2)
        .run(async |app| {
            let student = app.bound(1).await;
            let first = student.course().await.expect_data(false);
            app.sim.reset_counts();
            for replica in &app.replicas {
                let again = student.at(replica).course().await.expect_data(false);
                assert_eq!((again.data(), again.fetched_at()), (first.data(), first.fetched_at()));
            }
            assert_eq!(app.campus_requests(), 0);
        })
        .await;
}

#[tokio::test]
async fn an_old_table_is_fetched_anew_with_one_request_of_the_same_session_by_any_replica() {
    setup()
        .replicas(2)
        .run(async |app| {
            let student = app.bound(1).await;
            let mut before = student.course().await.expect_data(false).fetched_at().to_owned();
            for replica in &app.replicas {
                app.next_day().await;
                app.sim.reset_counts();
                let answer = student.at(replica).course().await.expect_data(false);
                assert!(answer.fetched_at() > before.as_str(), "{answer:?}");
                answer.fetched_at().clone_into(&mut before);
                assert_eq!((app.campus_requests(), app.sim.count_of("urp.course")), (1, 1), "{:?}", app.sim.counts());
            }
        })
        .await;
}

#[tokio::test]
async fn the_freshness_is_as_configured() {
    setup()
        .settings(|s| {
            s.set("WEHPU_FRESH_COURSE", "10m");
        })
        .run(async |app| {
            let student = app.bound(1).await;
            student.course().await.expect_data(false);
            app.clock.advance(std::time::Duration::from_secs(599));
            student.course().await.expect_data(false);
            assert_eq!(app.sim.count_of("urp.course"), 1);
            app.clock.advance(std::time::Duration::from_secs(1));
            student.course().await.expect_data(false);
            assert_eq!(app.sim.count_of("urp.course"), 2);
        })
        .await;
}

#[tokio::test]
async fn a_change_at_the_campus_is_shown_after_the_next_refresh() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let before = student.course().await.expect_data(false);
            app.sim.edit_student(&student.campus.number, |s| "改名的课程".clone_into(&mut s.courses[0].name));
            app.next_day().await;
            let after = student.course().await.expect_data(false);
            assert_ne!(before.data(), after.data());
            assert!(after.data().to_string().contains("改名的课程"));
        })
        .await;
}

#[tokio::test]
async fn an_expired_session_is_renewed_unseen() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.course().await.expect_data(false);
            for (system, vpn_logins) in [(Some(System::Urp), 0), (Some(System::Vpn), 1), (None, 1)] {
                app.next_day().await;
                app.sim.expire_sessions(system);
                app.sim.reset_counts();
                student.course().await.expect_data(false);
                assert_eq!(app.sim.count_of("urp.login.ok"), 1, "{system:?}: {:?}", app.sim.counts());
                assert_eq!(app.sim.count_of("vpn.login.ok"), vpn_logins, "{system:?}: {:?}", app.sim.counts());
                assert!(app.campus_requests() <= 7, "{system:?}: {:?}", app.sim.counts());
            }
        })
        .await;
}

#[tokio::test]
async fn a_session_that_ends_again_and_again_is_not_renewed_without_end() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_fault(System::Urp, Fault::expired());
            student.course().await.expect_error(503, "CAMPUS_DOWN");
            assert!(app.sim.count_of("urp.login") <= 2, "{:?}", app.sim.counts());
            app.sim.clear_faults();
            student.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn who_is_not_bound_is_told_so() {
    setup()
        .run(async |app| {
            app.student(1).await.course().await.expect_error(400, "NOT_BOUND");
            assert_eq!(app.campus_requests(), 0);
        })
        .await;
}

#[tokio::test]
async fn a_table_without_rows_and_nothing_stored_is_not_found() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.clear_courses(&student.campus.number);
            student.course().await.expect_error(404, "NOT_FOUND");
            assert!(app.db.all("courses").await.is_empty());
        })
        .await;
}

#[tokio::test]
async fn a_table_without_rows_never_replaces_the_stored_one() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.course().await.expect_data(false);
            app.next_day().await;
            app.sim.set_fault(System::Urp, Fault::empty());
            let answer = student.course().await.expect_data(true);
            assert_eq!((answer.data(), answer.fetched_at()), (stored.data(), stored.fetched_at()));
            app.sim.clear_faults();
            student.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn a_snapshot_of_another_term_is_not_shown() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.course().await.expect_data(false);
            let next_term = app.start_replica(|s| _ = s.set("WEHPU_TERM", "2017-2018-2-1")).await;
            app.sim.set_fault(System::Urp, Fault::server_error());
            student.at(&next_term).course().await.expect_error(503, "CAMPUS_DOWN");
            student.course().await.expect_data(false);
        })
        .await;
}
