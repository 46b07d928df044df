//! One list of promises to the mini-program, kept at every school.

use campus_sim::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use super::played::{BY_FILE, DEMO_ZF, HPU, HPU_URP, School};
use crate::support::{Student, TestApp, eventually};

/// Makes a test of each promise at each school.
macro_rules! at_every_school {
    ($($promise:ident),+ $(,)?) => {
        at_every_school!(@school hpu_urp HPU_URP [$($promise),+]);
        at_every_school!(@school hpu HPU [$($promise),+]);
        at_every_school!(@school demo_zf DEMO_ZF [$($promise),+]);
        at_every_school!(@school by_file BY_FILE [$($promise),+]);
    };
    (@school $module:ident $school:ident [$($promise:ident),+]) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $promise() {
                    super::$promise(&super::$school).await;
                }
            )+
        }
    };
}

at_every_school! {
    the_calls_of_the_mini_program_have_the_same_shapes,
    a_wrong_password_is_named_and_sent_once,
    a_changed_password_is_sent_once_and_stored_data_stays,
    a_system_that_is_away_leaves_stored_data_and_comes_back_by_itself,
    a_page_that_nobody_understands_replaces_nothing,
    an_ended_session_is_opened_again_unseen,
    a_hundred_equal_requests_on_three_replicas_are_one_login,
    a_table_without_rows_is_no_table,
    a_deletion_leaves_nothing_of_the_campus,
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn the_calls_of_the_mini_program_have_the_same_shapes(school: &School) {
    school
        .setup()
        .run(async |app| {
            let student = school.student(app, 1).await;
            assert_eq!(student.get("/api/user").await.expect(200).data()["bind"], false);
            student.course().await.expect_error(400, "NOT_BOUND");
            assert_eq!(*school.bind(&student).await.expect(201).data(), json!({ "vpn": true, "jwc": true }));
            let user = student.get("/api/user").await;
            assert_eq!(user.data()["name"], json!(student.campus.name));
            assert_eq!(user.data()["bind"], true);

            check_table(school, &student, student.course().await.expect_data(false).data());
            let scores = student.get("/api/score").await.expect_data(false);
            let first = &scores.data()[0];
            assert_eq!(keys(first), ["average", "highest", "lowest", "mark", "name", "number", "rank"]);
            let known: Vec<&str> = student.campus.scores.iter().map(|score| score.name.as_str()).collect();
            assert!(known.contains(&first["name"].as_str().unwrap()), "{first}");
            let summary = student.get("/api/score/summary").await;
            assert!(summary.data()["courses"].as_u64().unwrap() > 0, "{summary:?}");

            let calendar = student.get("/api/calendar").await;
            assert!(calendar.data()["totalWeekly"].as_u64().unwrap() >= 18, "{calendar:?}");
            let query = [("building", "1"), ("weekly", "12"), ("section", "1,2"), ("week", "5")];
            let rooms = student.post_form("/api/classroom", &query).await.expect_data(false);
            assert_eq!(keys(&rooms.data()[0][0]), ["building", "room", "volume"]);

            check_calendar_file(app, &student).await;
            let export = student.get("/api/me/export").await;
            assert!(export.json.to_string().contains(&student.campus.courses[0].name));
            student.send(student.request(Method::DELETE, "/api/bind")).await.expect(200);
            student.course().await.expect_error(400, "NOT_BOUND");
        })
        .await;
}

/// The table has the student's courses, each class hour in the contract's form.
fn check_table(school: &School, student: &Student<'_>, table: &Value) {
    assert_eq!(keys(table), ["fri", "mon", "oth", "sat", "sun", "thu", "tue", "wed"]);
    let hours: Vec<&Value> = table.as_object().unwrap().values().flat_map(|day| day.as_array().unwrap()).collect();
    for course in &student.campus.courses {
        assert!(hours.iter().any(|hour| hour["name"] == json!(course.name)), "{} is missing", course.name);
    }
    for hour in hours {
        let pair = hour["time"].as_str().unwrap();
        assert!(["", "1-2", "3-4", "5-6", "7-8", "9-10"].contains(&pair), "{hour}");
        assert!((1..=5).contains(&hour["rel"].as_u64().unwrap()), "{hour}");
        assert!(hour["teacher"].is_string() && hour["place"].is_string(), "{hour}");
        assert_eq!(hour["key"].is_string(), school.id != "hpu-urp", "{hour}");
    }
}

async fn check_calendar_file(app: &TestApp, student: &Student<'_>) {
    let address = student.post_form("/api/course/subscription", &[]).await.expect(201);
    let url = address.data()["url"].as_str().unwrap().to_owned();
    let path = url.split_once("/api/").map(|(_, path)| format!("/api/{path}")).unwrap();
    let file = app.request(Method::GET, &path).send().await.unwrap().text().await.unwrap();
    assert!(file.contains("BEGIN:VEVENT") && file.contains("TZID=Asia/Shanghai"), "{file}");
}

async fn a_wrong_password_is_named_and_sent_once(school: &School) {
    school
        .setup()
        .run(async |app| {
            let student = school.student(app, 1).await;
            let refused = school.bind_with(&student, "not-his").await.expect_error(400, "WRONG_PASSWORD");
            assert_eq!(refused.data()["vpn"], true, "{refused:?}");
            assert_eq!(refused.data()["jwc"], false, "{refused:?}");
            assert_eq!(app.sim.count_of(school.password_posts), 1, "{:?}", app.sim.counts());
            school.bind(&student).await.expect(201);
        })
        .await;
}

async fn a_changed_password_is_sent_once_and_stored_data_stays(school: &School) {
    school
        .setup()
        .run(async |app| {
            let student = school.reader(app, 1).await;
            school.change_password(app, &student);
            app.sim.expire_sessions(None);
            app.next_day().await;
            app.sim.reset_counts();
            for _ in 0..3 {
                let stale = student.course().await.expect_data(true);
                assert_eq!(stale.json["meta"]["reason"], "WRONG_PASSWORD", "{stale:?}");
            }
            assert_eq!(app.sim.count_of(school.password_posts), 1, "{:?}", app.sim.counts());
        })
        .await;
}

async fn a_system_that_is_away_leaves_stored_data_and_comes_back_by_itself(school: &School) {
    school
        .setup()
        .run(async |app| {
            let student = school.reader(app, 1).await;
            let stored = student.course().await.data().clone();
            app.next_day().await;
            app.sim.set_fault(school.academic, Fault::dropped());
            let stale = student.course().await.expect_data(true);
            assert_eq!(stale.json["meta"]["reason"], "CAMPUS_DOWN", "{stale:?}");
            assert_eq!(*stale.data(), stored);
            app.sim.clear_faults();
            eventually("fresh data is back", async || {
                (student.course().await.json["meta"]["stale"] == json!(false)).then_some(())
            })
            .await;
        })
        .await;
}

async fn a_page_that_nobody_understands_replaces_nothing(school: &School) {
    school
        .setup()
        .run(async |app| {
            let student = school.reader(app, 1).await;
            let stored = student.course().await.data().clone();
            app.next_day().await;
            app.sim.set_fault(school.academic, Fault::garbage().on(school.table));
            let stale = student.course().await.expect_data(true);
            assert_eq!(stale.json["meta"]["reason"], "CAMPUS_CHANGED", "{stale:?}");
            assert_eq!(*stale.data(), stored);
        })
        .await;
}

async fn an_ended_session_is_opened_again_unseen(school: &School) {
    school
        .setup()
        .run(async |app| {
            let student = school.reader(app, 1).await;
            app.next_day().await;
            app.sim.expire_sessions(None);
            app.sim.reset_counts();
            student.course().await.expect_data(false);
            assert_eq!(app.sim.count_of(school.password_posts), 1, "{:?}", app.sim.counts());
        })
        .await;
}

async fn a_hundred_equal_requests_on_three_replicas_are_one_login(school: &School) {
    school
        .setup()
        .replicas(3)
        .run(async |app| {
            let student = school.student(app, 1).await;
            school.bind(&student).await.expect(201);
            app.db.replicated().await;
            app.sim.expire_sessions(None);
            app.sim.reset_counts();
            let replicas: Vec<_> = app.replicas.iter().map(|replica| student.at(replica)).collect();
            let requests = (0..100).map(|n| replicas[n % 3].course());
            for answer in futures_util::future::join_all(requests).await {
                answer.expect_data(false);
            }
            assert_eq!(app.sim.count_of(school.password_posts), 1, "{:?}", app.sim.counts());
            let tables = app.sim.count_of(&format!("{}.{}", school.academic, school.table));
            assert!(tables <= 2, "the one that met the ended session, and the table: {:?}", app.sim.counts());
        })
        .await;
}

async fn a_table_without_rows_is_no_table(school: &School) {
    school
        .setup()
        .run(async |app| {
            let student = school.student(app, 1).await;
            app.sim.clear_courses(&student.campus.number);
            school.bind(&student).await.expect(201);
            student.course().await.expect_error(404, "NOT_FOUND");
            assert!(app.db.all("courses").await.is_empty());
        })
        .await;
}

async fn a_deletion_leaves_nothing_of_the_campus(school: &School) {
    school
        .setup()
        .run(async |app| {
            let student = school.reader(app, 1).await;
            student.send(student.request(Method::DELETE, "/api/user")).await.expect(200);
            app.idle().await;
            app.db.replicated().await;
            student.course().await.expect_error(403, "TOKEN_INVALID");
            let database = app.replicas[0].app.store.database();
            for collection in
                app.student_collections().into_iter().chain(["users".to_owned(), "pending_logins".to_owned()])
            {
                let left = database
                    .collection::<mongodb::bson::Document>(&collection)
                    .count_documents(mongodb::bson::doc! {})
                    .await
                    .unwrap();
                assert_eq!(left, 0, "{collection}");
            }
        })
        .await;
}
