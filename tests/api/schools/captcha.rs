//! A captcha that only the student can read: binds and sessions go on with his answer, on any replica.

use campus_sim::{CampusSim, CasCaptcha, Fault, JwglxtCaptcha, Mode, System};
use reqwest::Method;
use serde_json::Value;

use super::{bind, bind_with, hpu, played::DEMO_ZF};
use crate::support::{Answer, Student, TestApp, setup};

/// Answers the captcha of this 409.
async fn answer(student: &Student<'_>, asked: &Answer, read: &str) -> Answer {
    let id = asked.data()["captcha"]["id"].as_str().unwrap();
    let (number, password) = (student.campus.number.as_str(), student.campus.cas_password.as_str());
    let fields = [("studentId", number), ("password", password), ("captchaId", id), ("captcha", read)];
    student.post_form("/api/bind", &fields).await
}

/// What the captcha says that the campus showed last.
fn reading(app: &TestApp) -> String {
    app.sim.last_cas_captcha().expect("a captcha was shown")
}

fn check_captcha(asked: &Answer, wrong: bool) {
    assert_eq!((asked.status, asked.code()), (409, "CAPTCHA_REQUIRED"), "{asked:?}");
    let captcha: &Value = &asked.data()["captcha"];
    assert_eq!(captcha["id"].as_str().unwrap().len(), 32);
    assert_eq!(captcha["kind"], "picture");
    assert!(captcha["image"].as_str().unwrap().starts_with("data:image/"), "{captcha}");
    assert_eq!(captcha["wrong"], wrong);
}

#[tokio::test]
async fn a_bind_goes_on_with_the_answer_on_another_replica() {
    hpu()
        .replicas(2)
        .run(async |app| {
            app.sim.set_cas_captcha(CasCaptcha::Always);
            let student = app.student(1).await;
            let asked = bind(&student).await;
            check_captcha(&asked, false);
            assert_eq!(app.sim.count_of("cas.password_posts"), 0, "no password before the answer");

            let wrong = answer(&student, &asked, "no such answer").await;
            check_captcha(&wrong, true);
            let elsewhere = student.at(&app.replicas[1]);
            answer(&elsewhere, &wrong, &reading(app)).await.expect(201);
            assert_eq!(app.sim.count_of("cas.password_posts"), 2, "one with each answer");
            student.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn an_answer_to_a_captcha_of_nobody_or_of_somebody_else_begins_anew() {
    hpu()
        .run(async |app| {
            app.sim.set_cas_captcha(CasCaptcha::Always);
            let (student, stranger) = (app.student(1).await, app.student(2).await);
            let asked = bind(&student).await;
            check_captcha(&asked, false);
            let read = reading(app);
            let stranger = stranger.with_account(student.campus.clone());
            check_captcha(&answer(&stranger, &asked, &read).await, false);
            assert_eq!(app.sim.count_of("cas.password_posts"), 0);

            answer(&student, &asked, &read).await.expect(201);
            check_captcha(&answer(&student, &asked, &read).await, false);
            assert_eq!(app.sim.count_of("cas.password_posts"), 1, "an answer works once");
        })
        .await;
}

#[tokio::test]
async fn what_waits_for_an_answer_holds_no_password() {
    hpu()
        .run(async |app| {
            app.sim.set_cas_captcha(CasCaptcha::Always);
            let student = app.student(1).await;
            check_captcha(&bind(&student).await, false);
            let store = &app.replicas[0].app.store;
            let kept: Option<mongodb::bson::Document> =
                store.database().collection("pending_logins").find_one(mongodb::bson::doc! {}).await.unwrap();
            let kept = kept.expect("the login waits");
            let sealed = kept.get_str("sealed").unwrap();
            let field = format!("pending/{}", student.campus.number);
            let opened = app.replicas[0].app.keys.open(&student.open_id, &field, sealed).unwrap();
            let text = secrecy::ExposeSecret::expose_secret(&opened).to_owned();
            assert!(!text.contains(&student.campus.cas_password), "{text}");
            assert!(text.contains("lt"), "it holds the flow: {text}");
        })
        .await;
}

#[tokio::test]
async fn a_refresh_that_needs_a_captcha_serves_what_is_stored_until_the_student_opens_the_session() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            student.course().await.expect_data(false);
            app.sim.set_cas_captcha(CasCaptcha::Always);
            app.sim.expire_sessions(None);
            app.next_day().await;

            let stale = student.course().await.expect_data(true);
            assert_eq!(stale.json["meta"]["reason"], "CAPTCHA_REQUIRED", "{stale:?}");

            let asked = student.post_form("/api/session", &[]).await;
            check_captcha(&asked, false);
            let id = asked.data()["captcha"]["id"].as_str().unwrap();
            let fields = [("captchaId", id), ("captcha", &reading(app))];
            student.post_form("/api/session", &fields).await.expect(200);
            student.course().await.expect_data(false);
            assert_eq!(app.sim.count_of("cas.password_posts"), 2, "one at the bind, one with the answer");
        })
        .await;
}

/// EAMS by its own login, which always shows a picture.
fn own_login(sim: &CampusSim) -> String {
    sim.profile("hpu")
        .unwrap()
        .replace("plain_http = \"accepted\"", "plain_http = \"accepted\"\nlogin = \"own\"")
        .replace("[cas]", "[captcha]\neams = \"user\"\n\n[cas]")
}

/// The session in which a login waits for its answer.
pub(super) async fn waiting_session(app: &TestApp, student: &Student<'_>) -> String {
    let store = &app.replicas[0].app.store;
    let kept: Option<mongodb::bson::Document> =
        store.database().collection("pending_logins").find_one(mongodb::bson::doc! {}).await.unwrap();
    let kept = kept.expect("the login waits");
    let field = format!("pending/{}", student.campus.number);
    let opened = app.replicas[0].app.keys.open(&student.open_id, &field, kept.get_str("sealed").unwrap()).unwrap();
    let text = secrecy::ExposeSecret::expose_secret(&opened).to_owned();
    let (_, value) = text.split_once("JSESSIONID=").expect("a session");
    value.chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[tokio::test]
async fn the_own_login_of_eams_goes_on_with_what_the_student_read() {
    setup()
        .profile(own_login)
        .run(async |app| {
            let student = app.student(1).await;
            let asked = bind_with(&student, &student.campus.eams_password).await;
            check_captcha(&asked, false);
            assert_eq!(app.sim.count_of("eams.password_posts"), 0, "no password before the answer");
            let read = app.sim.eams_captcha_answer(&waiting_session(app, &student).await).unwrap();
            let id = asked.data()["captcha"]["id"].as_str().unwrap();
            let (number, password) = (student.campus.number.as_str(), student.campus.eams_password.as_str());
            let fields = [("studentId", number), ("password", password), ("captchaId", id), ("captcha", &read)];
            student.post_form("/api/bind", &fields).await.expect(201);
            assert_eq!(app.sim.count_of("eams.password_posts"), 1);
            student.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn the_picture_of_jwglxt_is_read_by_the_student() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            app.sim.set_jwglxt_captcha(JwglxtCaptcha::Picture);
            let student = DEMO_ZF.student(app, 1).await;
            let asked = DEMO_ZF.bind(&student).await;
            check_captcha(&asked, false);
            assert_eq!(app.sim.count_of("jwglxt.password_posts"), 0, "no password before the answer");
            let read = app.sim.jwglxt_captcha_answer(&waiting_session(app, &student).await).unwrap();
            let id = asked.data()["captcha"]["id"].as_str().unwrap();
            let (number, password) = (student.campus.number.as_str(), student.campus.zf_password.as_str());
            let fields = [("studentId", number), ("password", password), ("captchaId", id), ("captcha", &read)];
            student.post_form("/api/bind", &fields).await.expect(201);
            assert_eq!(app.sim.count_of("jwglxt.password_posts"), 1);
        })
        .await;
}

#[tokio::test]
async fn an_answer_sends_one_password_also_when_the_term_cannot_be_asked_for() {
    hpu()
        .run(async |app| {
            app.sim.set_cas_captcha(CasCaptcha::Always);
            app.sim.set_fault(System::Eams, Fault::server_error().on("terms"));
            let student = app.student(1).await;
            let asked = bind(&student).await;
            check_captcha(&asked, false);
            answer(&student, &asked, &reading(app)).await.expect(201);
            assert_eq!(app.sim.count_of("cas.password_posts"), 1, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_session_that_has_ended_unnoticed_is_opened_with_the_answer() {
    DEMO_ZF
        .setup()
        .run(async |app| {
            let student = DEMO_ZF.reader(app, 1).await;
            app.sim.set_jwglxt_captcha(JwglxtCaptcha::Picture);
            app.sim.expire_sessions(None);
            app.sim.reset_counts();
            let asked = student.post_form("/api/session", &[]).await;
            check_captcha(&asked, false);
            let read = app.sim.jwglxt_captcha_answer(&waiting_session(app, &student).await).unwrap();
            let id = asked.data()["captcha"]["id"].as_str().unwrap();
            student.post_form("/api/session", &[("captchaId", id), ("captcha", &read)]).await.expect(200);
            assert_eq!(app.sim.count_of("jwglxt.password_posts"), 1, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_bind_with_an_answer_never_takes_a_session_that_lives_for_the_password() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            app.sim.set_cas_captcha(CasCaptcha::Always);
            app.sim.set_fault(System::Cas, Fault::new(Mode::RefuseTicket));
            app.sim.set_fault(System::Eams, Fault::server_error().on("record").times(1));
            let asked = student.post_form("/api/session", &[]).await;
            check_captcha(&asked, false);
            let id = asked.data()["captcha"]["id"].as_str().unwrap();
            let number = student.campus.number.as_str();
            let fields =
                [("studentId", number), ("password", "not-his"), ("captchaId", id), ("captcha", &reading(app))];
            student.post_form("/api/bind", &fields).await.expect_error(400, "WRONG_PASSWORD");
        })
        .await;
}

/// Requests to EAMS and its sign-on since the last reset.
fn requests(app: &TestApp) -> u64 {
    app.sim.count(System::Cas) + app.sim.count(System::Eams)
}

#[tokio::test]
async fn with_all_pictures_used_up_the_campus_is_not_asked() {
    hpu()
        .settings(|s| {
            s.set("WEHPU_LIMIT_CAPTCHA", "2/1h");
        })
        .run(async |app| {
            let (student, other) = (app.student(1).await, app.student(2).await);
            bind(&student).await.expect(201);
            app.sim.set_cas_captcha(CasCaptcha::Always);
            app.sim.expire_sessions(None);
            check_captcha(&bind(&student).await, false);
            let asked = bind(&student).await;
            check_captcha(&asked, false);
            let read = reading(app);
            app.sim.reset_counts();

            let refused = bind(&student).await.expect_error(429, "RATE_LIMITED");
            assert!((1..=3600).contains(&refused.retry_after()), "{refused:?}");
            student.post_form("/api/session", &[]).await.expect_error(429, "RATE_LIMITED");
            unbind_others(&student, "").await.expect_error(429, "RATE_LIMITED");
            assert_eq!(requests(app), 0, "{:?}", app.sim.counts());
            answer(&student, &asked, &read).await.expect(201);
            check_captcha(&bind(&other).await, false);
        })
        .await;
}

#[tokio::test]
async fn a_login_that_meets_no_picture_uses_none_up() {
    hpu()
        .settings(|s| {
            s.set("WEHPU_LIMIT_CAPTCHA", "1/1h");
        })
        .run(async |app| {
            let student = app.student(1).await;
            bind_with(&student, "not-his").await.expect_error(400, "WRONG_PASSWORD");
            app.idle().await;
            bind(&student).await.expect(201);
            app.idle().await;
            student.post_form("/api/session", &[]).await.expect(200);
            app.idle().await;
            unbind_others(&student, "").await.expect(200);
            app.idle().await;
            app.sim.set_fault(System::Cas, Fault::dropped());
            bind(&student).await.expect_error(503, "CAMPUS_DOWN");
            app.sim.clear_faults();
            app.idle().await;

            app.sim.set_cas_captcha(CasCaptcha::Always);
            check_captcha(&bind(&student).await, false);
            bind(&student).await.expect_error(429, "RATE_LIMITED");
        })
        .await;
}

async fn unbind_others(student: &Student<'_>, query: &str) -> Answer {
    student.send(student.request(Method::DELETE, &format!("/api/me/accounts/others{query}"))).await
}

#[tokio::test]
async fn the_other_accounts_are_unbound_with_what_the_student_read() {
    hpu()
        .replicas(2)
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            let other = app.student(2).await.with_account(student.campus.clone());
            bind(&other).await.expect(201);
            app.db.replicated().await;
            app.sim.set_cas_captcha(CasCaptcha::Always);
            app.sim.reset_counts();

            let mut asked = unbind_others(&student, "").await;
            check_captcha(&asked, false);
            // More often than passwords are confirmed in an hour: none is sent before the answer.
            for _ in 0..5 {
                asked = unbind_others(&student, "").await;
                check_captcha(&asked, false);
            }
            assert_eq!(app.sim.count_of("cas.password_posts"), 0, "{:?}", app.sim.counts());
            other.get("/api/user").await.expect(200);
            let id = asked.data()["captcha"]["id"].as_str().unwrap();
            let wrong = unbind_others(&student, &format!("?captchaId={id}&captcha=nosuchanswer")).await;
            check_captcha(&wrong, true);
            other.get("/api/user").await.expect(200);

            let id = wrong.data()["captcha"]["id"].as_str().unwrap();
            let query = format!("?captchaId={id}&captcha={}", reading(app));
            let unbound = unbind_others(&student.at(&app.replicas[1]), &query).await.expect(200);
            assert_eq!(unbound.data()["count"], 1);
            assert_eq!(app.sim.count_of("cas.password_posts"), 2, "one with each answer");
            other.get("/api/user").await.expect_error(403, "TOKEN_INVALID");
        })
        .await;
}
