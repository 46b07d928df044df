//! Scores, physical tests and empty classrooms: the pages, and what is left of them when the campus misbehaves.

use std::time::Duration;

use campus_sim::{Fault, Score, System};
use serde_json::{Value, json};

use crate::support::{Student, setup};

/// What the contract makes of the scores the campus knows.
fn shown(scores: &[Score]) -> Value {
    let score = |s: &Score| {
        json!({
            "number": s.number, "name": s.name, "highest": s.highest, "lowest": s.lowest, "average": s.average,
            "mark": s.mark, "rank": s.rank,
        })
    };
    scores.iter().map(score).collect()
}

/// Beyond the freshness of scores.
const THREE_MINUTES: Duration = Duration::from_mins(3);

#[tokio::test]
async fn scores_are_those_of_the_campus_and_all_of_them_strings() {
    setup()
        .run(async |app| {
            for index in 1..=4 {
                let student = app.bound(index).await;
                let answer = student.get("/api/score").await.expect_data(false);
                assert_eq!(*answer.data(), shown(&student.campus.scores));
                let rows = answer.data().as_array().unwrap();
                assert!(
                    !rows.is_empty()
                        && rows.iter().flat_map(|row| row.as_object().unwrap().values()).all(Value::is_string)
                );
                assert!(!answer.fetched_at().is_empty());
            }
        })
        .await;
}

#[tokio::test]
async fn no_scores_yet_is_404() {
    setup()
        .run(async |app| {
            app.bound(9).await.get("/api/score").await.expect_error(404, "NOT_FOUND");
        })
        .await;
}

#[tokio::test]
async fn a_course_that_disappears_stays_and_the_newest_mark_wins() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let before = student.campus.scores.clone();
            student.get("/api/score").await.expect_data(false);
            app.sim.edit_student(&student.campus.number, |campus| {
                campus.scores.remove(0);
                "100".clone_into(&mut campus.scores[0].mark);
            });
            app.clock.advance(THREE_MINUTES);
            let answer = student.get("/api/score").await.expect_data(false);
            let mut after = before[1..].to_vec();
            "100".clone_into(&mut after[0].mark);
            after.push(before[0].clone());
            assert_eq!(*answer.data(), shown(&after));
        })
        .await;
}

#[tokio::test]
async fn neither_an_outage_nor_an_empty_page_removes_a_score() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.get("/api/score").await.expect_data(false);
            app.db.replicated().await;
            for fault in
                [Fault::empty(), Fault::maintenance(), Fault::server_error(), Fault::garbage(), Fault::dropped()]
            {
                app.clock.advance(THREE_MINUTES);
                app.sim.set_fault(System::Urp, fault);
                assert_eq!(student.get("/api/score").await.expect_data(true).data(), stored.data());
            }
        })
        .await;
}

#[tokio::test]
async fn a_page_that_lost_all_its_rows_removes_no_score() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.get("/api/score").await.expect_data(false);
            app.db.replicated().await;
            app.sim.clear_scores(&student.campus.number);
            app.clock.advance(THREE_MINUTES);
            assert_eq!(student.get("/api/score").await.expect_data(true).data(), stored.data());
        })
        .await;
}

#[tokio::test]
async fn an_outage_without_anything_stored_is_503_and_not_404() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_fault(System::Urp, Fault::maintenance());
            student.get("/api/score").await.expect_error(503, "CAMPUS_DOWN");
        })
        .await;
}

#[tokio::test]
async fn the_summary_counts_credits_and_weighs_marks() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.edit_student(&student.campus.number, |campus| {
                campus.scores.truncate(2);
                for (score, (credit, mark)) in campus.scores.iter_mut().zip([("3", "90"), ("1", "50")]) {
                    credit.clone_into(&mut score.credit);
                    mark.clone_into(&mut score.mark);
                }
            });
            let answer = student.get("/api/score/summary").await.expect_data(false);
            assert_eq!(*answer.data(), json!({ "courses": 2, "credits": 3.0, "average": 80.0 }));
        })
        .await;
}

#[tokio::test]
async fn pages_of_campus_data_ask_for_a_bind_first() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for path in ["/api/course", "/api/score", "/api/score/summary", "/api/physical"] {
                student.get(path).await.expect_error(400, "NOT_BOUND");
            }
            classroom(&student, QUERY).await.expect_error(400, "NOT_BOUND");
            assert_eq!(app.campus_requests(), 0);
        })
        .await;
}

#[tokio::test]
async fn physical_tests_are_those_of_the_campus_and_stay_fresh_for_days() {
    setup()
        .run(async |app| {
            for index in 1..=3 {
                let student = app.bound(index).await;
                let answer = student.get("/api/physical").await.expect_data(false);
                assert_eq!(*answer.data(), json!(student.campus.fitness));
                app.db.replicated().await;
                app.sim.reset_counts();
                app.clock.advance(Duration::from_hours(24));
                assert_eq!(student.get("/api/physical").await.expect_data(false).data(), answer.data());
                assert_eq!(app.sim.count(System::Physical), 0);
            }
        })
        .await;
}

#[tokio::test]
async fn no_physical_test_yet_is_404() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.edit_student(&student.campus.number, |campus| campus.fitness.clear());
            student.get("/api/physical").await.expect_error(404, "NOT_FOUND");
        })
        .await;
}

#[tokio::test]
async fn an_outage_of_physical_education_leaves_the_stored_tests_and_the_other_pages() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_FRESH_PHYSICAL", "1h"))
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_fault(System::Physical, Fault::maintenance());
            student.get("/api/physical").await.expect_error(503, "CAMPUS_DOWN");
            student.get("/api/score").await.expect_data(false);
            app.sim.clear_faults();
            let stored = student.get("/api/physical").await.expect_data(false);
            app.db.replicated().await;
            app.clock.advance(Duration::from_hours(2));
            app.sim.set_fault(System::Physical, Fault::server_error());
            assert_eq!(student.get("/api/physical").await.expect_data(true).data(), stored.data());
        })
        .await;
}

/// Building, week, section and weekday.
type Query<'a> = [(&'a str, &'a str); 4];

const QUERY: Query<'static> = query("1", "5", "1,2", "3");

const fn query<'a>(building: &'a str, weekly: &'a str, section: &'a str, week: &'a str) -> Query<'a> {
    [("building", building), ("weekly", weekly), ("section", section), ("week", week)]
}

async fn classroom(student: &Student<'_>, query: Query<'_>) -> crate::support::Answer {
    student.post_form("/api/classroom", &query).await
}

#[tokio::test]
async fn empty_classrooms_come_by_floor_from_a_form_and_from_json() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let answer = classroom(&student, QUERY).await.expect_data(false);
            let floors = answer.data().as_array().unwrap();
            assert!(!floors.is_empty());
            for floor in floors {
                let rooms = floor.as_array().unwrap();
                let level = |room: &Value| room["room"].as_str().unwrap().chars().nth(1).unwrap();
                assert!(rooms.iter().all(|room| level(room) == level(&rooms[0])), "{floor}");
                for room in rooms {
                    assert_eq!(room.as_object().unwrap().len(), 3, "{room}");
                    assert_eq!(room["building"], "1号教学楼");
                    assert!(!room["room"].as_str().unwrap().contains('('), "{room}");
                    assert!(room["volume"].as_str().unwrap().parse::<u32>().is_ok(), "{room}");
                }
            }
            for body in [
                json!({ "building": 1, "weekly": 5, "section": "1,2", "week": 3 }),
                json!({ "building": "1", "weekly": "5", "section": "1,2", "week": "3" }),
            ] {
                assert_eq!(student.post_json("/api/classroom", &body).await.expect_data(false).data(), answer.data());
            }
        })
        .await;
}

#[tokio::test]
async fn each_bad_parameter_of_the_classroom_search_is_400() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let bad = [
                ("building", ["0", "19", "", "x", "1.5", "-1"]),
                ("weekly", ["0", "30", "", "x", "1.5", "-1"]),
                ("section", ["1", "1-2", "2,3", "11,12", "", "1,2,3"]),
                ("week", ["0", "8", "", "x", "1.5", "-1"]),
            ];
            for (name, values) in bad {
                for value in values {
                    let fields = QUERY.map(|(n, v)| (n, if n == name { value } else { v }));
                    classroom(&student, fields).await.expect_error(400, "BAD_REQUEST");
                }
                let without: Vec<_> = QUERY.into_iter().filter(|(n, _)| *n != name).collect();
                student.post_form("/api/classroom", &without).await.expect_error(400, "BAD_REQUEST");
            }
            assert_eq!(app.campus_requests(), 0);
        })
        .await;
}

#[tokio::test]
async fn two_classroom_queries_never_share_an_answer() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let queries = [
                query("1", "11", "1,2", "1"),
                query("11", "1", "1,2", "1"),
                query("1", "1", "1,2", "1"),
                query("1", "1", "1,2", "2"),
                query("1", "2", "1,2", "1"),
                query("1", "12", "3,4", "1"),
                query("1", "1", "3,4", "1"),
            ];
            let mut answers = Vec::new();
            for query in queries {
                answers.push(classroom(&student, query).await.expect_data(false).data().clone());
            }
            assert_eq!(app.sim.count_of("urp.classroom"), queries.len() as u64);
            for (query, answer) in queries.into_iter().zip(&answers) {
                assert_eq!(classroom(&student, query).await.expect_data(false).data(), answer);
                assert_eq!(answers.iter().filter(|other| *other == answer).count(), 1, "{query:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn empty_classrooms_are_asked_once_an_hour_for_everybody() {
    setup()
        .run(async |app| {
            let (one, other) = (app.bound(1).await, app.bound(2).await);
            let first = classroom(&one, QUERY).await.expect_data(false);
            app.clock.advance(Duration::from_mins(59));
            app.db.replicated().await;
            let second = classroom(&other, QUERY).await.expect_data(false);
            assert_eq!((second.data(), second.fetched_at()), (first.data(), first.fetched_at()));
            assert_eq!(app.sim.count_of("urp.classroom"), 1);
            app.clock.advance(Duration::from_mins(2));
            assert_ne!(classroom(&other, QUERY).await.expect_data(false).fetched_at(), first.fetched_at());
            assert_eq!(app.sim.count_of("urp.classroom"), 2);
        })
        .await;
}

#[tokio::test]
async fn a_warm_classroom_search_is_one_campus_request() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            classroom(&student, QUERY).await.expect_data(false);
            app.sim.reset_counts();
            let other = query("2", "6", "3,4", "1");
            let found = classroom(&student, other).await.expect_data(false);
            assert_eq!((app.campus_requests(), app.sim.count_of("urp.classroom")), (1, 1), "{:?}", app.sim.counts());
            // The campus forgets the session, and with it the term that was chosen.
            app.sim.expire_sessions(Some(System::Urp));
            app.clock.advance(Duration::from_hours(2));
            assert_eq!(classroom(&student, other).await.expect_data(false).data(), found.data());
            assert_eq!(app.sim.count_of("urp.classroom_form"), 1, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn no_empty_classroom_is_404() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_fault(System::Urp, Fault::empty().on("classroom"));
            classroom(&student, QUERY).await.expect_error(404, "NOT_FOUND");
        })
        .await;
}
