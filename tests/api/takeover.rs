//! From a database as the old service leaves it to this service: `migrate`, `rekey`, `takeover`.

use campus_sim::{Fault, System};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mongodb::bson::{Bson, DateTime, Document, doc};
use serde_json::{Value, json};

use crate::support::{
    Answer, JWT_SECRET, PASSPHRASE, Settings, Student, TestApp, id_made_at, old_cipher, run_engine, setup,
};

/// When the old service stored things, in Unix seconds: an hour of November 2017, within the term.
const STORED: i64 = 1_510_000_000;

/// When it was started. Mongoose's `default: Date.now()` is computed once, so every date is this one.
const BOOTED: i64 = 1_509_000_000_000;

const TERM: &str = "2017-2018-1-1";

fn old_table(course: &str) -> Value {
    let session = json!({ "name": course, "place": "1教1304", "time": "5-6", "week": 3, "weekly": [[6, 12], [14]], "teacher": "丁四", "rel": 1 });
    let unscheduled =
        json!({ "name": "创业基础", "place": "", "time": "", "week": "", "weekly": "", "teacher": "杨静宁", "rel": 2 });
    json!({ "mon": [], "tue": [], "wed": [session], "thu": [], "fri": [], "sat": [], "sun": [], "oth": [unscheduled] })
}

fn old_scores(mark: &str) -> Value {
    json!([{ "number": "990001", "name": "大学语文", "highest": "98", "lowest": "41", "average": "77.5", "mark": mark, "rank": "12" }])
}

fn bson(value: &Value) -> Bson {
    mongodb::bson::serialize_to_bson(value).unwrap()
}

/// A course table as the old service stored it.
fn old_course(open_id: &str, number: u8, table: &Value) -> Document {
    let id = id_made_at(STORED + i64::from(number), number);
    doc! { "_id": id, "openId": open_id, "term": TERM, "courses": bson(table), "__v": 0 }
}

/// Scores as it stored them: without a term.
fn old_score(open_id: &str, number: u8, scores: &Value) -> Document {
    let id = id_made_at(STORED + i64::from(number), number);
    doc! { "_id": id, "openId": open_id, "scores": bson(scores), "__v": 0 }
}

/// A user as it stored him.
fn old_user(open_id: &str, bound: Option<(&campus_sim::Student, &str)>) -> Document {
    let mut user = doc! {
        "openId": open_id, "nickName": "小明", "gender": 1, "city": "Jiaozuo", "avatarUrl": "https://wx.example/a.png",
        "timestamp": DateTime::from_millis(BOOTED), "bind": bound.is_some(), "studentId": "", "name": "", "idNumber": "",
        "vpnPassWord": "", "jwcPassWord": "", "libPassWord": "", "__v": 0,
    };
    if let Some((campus, cipher)) = bound {
        let seal = |plain: &str| old_cipher(cipher, plain);
        user.extend(doc! {
            "studentId": &campus.number, "name": &campus.name, "idNumber": seal(&campus.id_number),
            "vpnPassWord": seal(&campus.vpn_password), "jwcPassWord": seal(&campus.urp_password),
        });
    }
    user
}

async fn insert(app: &TestApp, collection: &str, documents: Vec<Document>) {
    app.db.collection(collection).insert_many(documents).await.unwrap();
}

/// A token that the old service gave out.
fn old_token(app: &TestApp, open_id: &str) -> String {
    let now = app.clock.unix();
    let payload = json!({ "openId": open_id, "nickName": "小明", "iat": now - 60, "exp": now + 3600 });
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &payload, &EncodingKey::from_secret(JWT_SECRET.as_bytes()))
        .unwrap()
}

/// What `takeover` prints about a kind.
fn told(kind: &str, documents: u64, carried: &str, newer: u64, unowned: u64, unread: u64) -> String {
    format!(
        "{kind}: {documents} documents of the old service: {carried}, {newer} no newer than what is there, {unowned} of nobody bound, {unread} without anything to read"
    )
}

fn assert_told(stdout: &str, lines: &[String]) {
    for line in lines {
        assert!(stdout.lines().any(|printed| printed == line), "{line}\nis not in\n{stdout}");
    }
}

#[track_caller]
fn assert_stored(answer: &Answer, data: &Value, stored_at: i64) {
    assert_eq!(answer.data(), data);
    let at = chrono::DateTime::from_timestamp(stored_at, 0).unwrap();
    assert_eq!(answer.fetched_at(), at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string());
}

/// Everything that a student of the old service finds again, whatever cipher it used.
async fn a_deployment_that_used(cipher: &'static str) {
    setup()
        .empty_database()
        .run(async |app| {
            let campus = app.sim.student_at(1);
            let file = "https://wehpu.example/notice/a.doc";
            insert(
                app,
                "users",
                vec![old_user("old-1", Some((&campus, cipher))), old_user("old-1", None), old_user("old-2", None)],
            )
            .await;
            insert(app, "courses", vec![old_course("old-1", 1, &old_table("大学物理"))]).await;
            insert(app, "scores", vec![old_score("old-1", 1, &old_scores("89"))]).await;
            let notice =
                doc! { "title": "放假通知", "content": "", "href": [file], "timestamp": DateTime::from_millis(BOOTED) };
            insert(app, "notices", vec![notice]).await;
            insert(
                app,
                "logistics",
                vec![doc! { "title": "供暖", "time": "2017-12-1", "tag": "通知", "content": "文" }],
            )
            .await;

            run_engine(&["migrate"], &app.settings).await.succeeded();
            let mut settings: Settings = app.settings.clone();
            settings.set("WEHPU_LEGACY_CIPHER", cipher).set("WEHPU_LEGACY_SECRET", PASSPHRASE);
            let sealed = run_engine(&["rekey"], &settings).await.succeeded();
            assert!(sealed.stdout.contains("3 values re-sealed with t1, 0 were already, 0 do not open"), "{sealed:?}");
            let carried = run_engine(&["takeover"], &app.settings).await.succeeded();
            let lines = ["courses", "scores"].map(|kind| told(kind, 1, "1 carried over", 0, 0, 0));
            assert_told(&carried.stdout, &lines);

            app.sim.set_fault(System::Vpn, Fault::server_error());
            let away = app.start_replica(|_| {}).await;
            let student = Student::with_token(app, &away, "old-1", &old_token(app, "old-1"), campus.clone());
            assert_eq!(student.get("/api/user").await.expect(200).data()["studentId"], campus.number);
            assert_stored(&student.course().await.expect_data(true), &old_table("大学物理"), STORED + 1);
            assert_stored(&student.get("/api/score").await.expect_data(true), &old_scores("89"), STORED + 1);
            let notices = student.get("/api/rss/notice").await.expect(200);
            let id = notices.data()[0]["_id"].as_str().unwrap().to_owned();
            assert_eq!(student.get(&format!("/api/rss/notice/{id}")).await.expect(200).data()["href"], file);
            assert_eq!(student.get("/api/rss/logistics").await.expect(200).data()[0]["time"], "2017-12-01");

            app.sim.clear_faults();
            let back = app.start_replica(|_| {}).await;
            let student = student.at(&back);
            let table = student.course().await.expect_data(false).data().to_string();
            assert!(
                campus.courses.iter().all(|course| table.contains(&course.name))
                    && !table.contains("大学物理\",\"place\":\"1教1304")
            );
            let scores = student.get("/api/score").await.expect_data(false).data().to_string();
            assert!(campus.scores.iter().all(|score| scores.contains(&score.name)), "{scores}");
            assert!(scores.contains("大学语文"), "what the campus shows no more stays: {scores}");
        })
        .await;
}

#[tokio::test]
async fn a_database_of_the_old_service_under_aes_128_ctr_serves_its_students() {
    a_deployment_that_used("aes-128-ctr").await;
}

#[tokio::test]
async fn a_database_of_the_old_service_under_aes_192_cfb_serves_its_students() {
    a_deployment_that_used("aes-192-cfb").await;
}

#[tokio::test]
async fn a_database_of_the_old_service_under_aes_256_ofb_serves_its_students() {
    a_deployment_that_used("aes-256-ofb").await;
}

#[tokio::test]
async fn a_database_of_the_old_service_under_aes_192_cbc_serves_its_students() {
    a_deployment_that_used("aes-192-cbc").await;
}

#[tokio::test]
async fn what_cannot_be_carried_over_is_counted_and_left_and_a_second_run_changes_nothing() {
    setup()
        .run(async |app| {
            let campus = app.sim.student_at(1);
            let mut anew = old_user("anew", Some((&campus, "aes-128-ctr")));
            anew.insert("boundAt", DateTime::from_millis(BOOTED));
            insert(
                app,
                "users",
                vec![old_user("old-1", Some((&campus, "aes-128-ctr"))), old_user("unbound", None), anew],
            )
            .await;
            let mut without_term = old_course("old-1", 5, &old_table("e"));
            without_term.remove("term");
            insert(
                app,
                "courses",
                vec![
                    old_course("old-1", 1, &old_table("大学物理")),
                    old_course("old-1", 2, &old_table("新的")),
                    old_course("old-1", 3, &json!("[]")),
                    old_course("unbound", 4, &old_table("d")),
                    without_term,
                    old_course("anew", 6, &old_table("f")),
                    old_course("nobody", 7, &old_table("g")),
                ],
            )
            .await;
            insert(app, "scores", vec![old_score("old-1", 1, &json!([])), old_score("old-1", 2, &old_scores("中等"))])
                .await;
            let before = (app.db.all("courses").await, app.db.all("scores").await);

            let counted = run_engine(&["takeover", "--dry-run"], &app.settings).await.succeeded();
            assert_told(
                &counted.stdout,
                &[told("courses", 7, "2 to carry over", 0, 3, 2), told("scores", 2, "1 to carry over", 0, 0, 1)],
            );
            assert_eq!((app.db.all("courses").await, app.db.all("scores").await), before);

            let done = run_engine(&["takeover"], &app.settings).await.succeeded();
            assert_told(
                &done.stdout,
                &[told("courses", 7, "2 carried over", 0, 3, 2), told("scores", 2, "1 carried over", 0, 0, 1)],
            );
            let after = (app.db.all("courses").await, app.db.all("scores").await);
            assert_eq!((after.0.len(), after.1.len()), (before.0.len() + 1, before.1.len() + 1));
            assert!(before.0.iter().all(|old| after.0.contains(old)), "the old documents stay as they are");

            let again = run_engine(&["takeover"], &app.settings).await.succeeded();
            assert_told(
                &again.stdout,
                &[told("courses", 7, "0 carried over", 2, 3, 2), told("scores", 2, "0 carried over", 1, 0, 1)],
            );
            assert_eq!((app.db.all("courses").await, app.db.all("scores").await), after);
        })
        .await;
}

#[tokio::test]
async fn what_this_service_has_fetched_itself_is_never_replaced_by_something_older() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let fresh = student.course().await.expect_data(false);
            // As if the account had been bound in the old service and its table fetched here.
            let users = app.db.collection("users");
            users.update_one(doc! { "openId": &student.open_id }, doc! { "$unset": { "boundAt": "" } }).await.unwrap();
            insert(app, "courses", vec![old_course(&student.open_id, 1, &old_table("大学物理"))]).await;
            let done = run_engine(&["takeover"], &app.settings).await.succeeded();
            assert_told(&done.stdout, &[told("courses", 1, "0 carried over", 1, 0, 0)]);
            assert_eq!(student.course().await.expect_data(false).data(), fresh.data());
        })
        .await;
}

#[tokio::test]
async fn takeover_waits_for_the_migrations() {
    setup()
        .empty_database()
        .run(async |app| {
            let behind = run_engine(&["takeover"], &app.settings).await.failed();
            assert!(behind.stderr.contains("0001_users"), "{behind:?}");
        })
        .await;
}
