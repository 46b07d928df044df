//! EAMS by its own login.

use campus_sim::{CampusSim, Fault, Mode, System};

use super::{bind_with, captcha::waiting_session};
use crate::support::{Answer, Student, setup};

/// The university's EAMS without a sign-on in front of it.
fn own_login(sim: &CampusSim) -> String {
    let profile = sim.profile("hpu").unwrap();
    profile.replace("plain_http = \"accepted\"", "plain_http = \"accepted\"\nlogin = \"own\"")
}

#[tokio::test]
async fn the_login_page_is_found_at_either_address_and_remembered() {
    setup()
        .profile(own_login)
        .run(async |app| {
            app.sim.set_fault(System::Eams, Fault::new(Mode::PlainLogin));
            let student = app.student(1).await;
            bind_with(&student, "not-his").await.expect_error(400, "WRONG_PASSWORD");
            bind_with(&student, &student.campus.eams_password).await.expect(201);
            student.course().await.expect_data(false);
            assert_eq!(app.sim.count_of("eams.login_page"), 1, "the usual address is tried once");
            assert_eq!(app.sim.count_of("eams.start"), 2, "then the other one: {:?}", app.sim.counts());
            assert_eq!(app.sim.count_of("eams.password_posts"), 2, "one for each bind");
        })
        .await;
}

#[tokio::test]
async fn the_password_goes_where_the_login_page_stands_and_not_where_it_was_asked_for() {
    setup()
        .profile(own_login)
        .run(async |app| {
            app.sim.set_fault(System::Eams, Fault::new(Mode::PlainLogin));
            app.sim.set_fault(System::Eams, Fault::new(Mode::MovedLogin));
            let student = app.student(1).await;
            bind_with(&student, &student.campus.eams_password).await.expect(201);
            student.course().await.expect_data(false);
            assert_eq!(app.sim.count_of("eams.password_posts"), 1, "{:?}", app.sim.counts());
            bind_with(&student, &student.campus.eams_password).await.expect(201);
            assert_eq!(app.sim.count_of("eams.login_page"), 1, "where it stands is remembered");
            assert_eq!(app.sim.count_of("eams.password_posts"), 2, "{:?}", app.sim.counts());
        })
        .await;
}

/// Binds with an answer to the captcha of this 409.
async fn bind_having_read(student: &Student<'_>, asked: &Answer, read: &str) -> Answer {
    let id = asked.data()["captcha"]["id"].as_str().unwrap();
    let (number, password) = (student.campus.number.as_str(), student.campus.eams_password.as_str());
    let fields = [("studentId", number), ("password", password), ("captchaId", id), ("captcha", read)];
    student.post_form("/api/bind", &fields).await
}

#[tokio::test]
async fn a_captcha_without_a_check_beside_it_is_sent_with_the_password() {
    setup()
        .profile(own_login)
        .run(async |app| {
            app.sim.set_fault(System::Eams, Fault::new(Mode::PlainCaptcha));
            let student = app.student(1).await;
            let asked = bind_with(&student, &student.campus.eams_password).await;
            let asked = asked.expect_error(409, "CAPTCHA_REQUIRED");
            assert_eq!(app.sim.count_of("eams.password_posts"), 0, "no password before the answer");

            let wrong = bind_having_read(&student, &asked, "0").await.expect_error(409, "CAPTCHA_REQUIRED");
            assert_eq!(wrong.data()["captcha"]["wrong"], true, "{wrong:?}");
            let read = app.sim.eams_captcha_answer(&waiting_session(app, &student).await).unwrap();
            bind_having_read(&student, &wrong, &read).await.expect(201);
            assert_eq!(app.sim.count_of("eams.password_posts"), 2, "one with each answer");
            assert_eq!(app.sim.count_of("eams.captcha_check"), 0, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_login_page_that_moves_is_found_again() {
    setup()
        .profile(own_login)
        .run(async |app| {
            app.sim.set_fault(System::Eams, Fault::new(Mode::PlainLogin));
            let student = app.student(1).await;
            bind_with(&student, &student.campus.eams_password).await.expect(201);
            app.sim.clear_faults();
            let asked = bind_with(&student, &student.campus.eams_password).await;
            asked.expect_error(409, "CAPTCHA_REQUIRED");
            assert_eq!(app.sim.count_of("eams.login_page"), 2, "{:?}", app.sim.counts());
            assert_eq!(app.sim.count_of("eams.password_posts"), 1);
        })
        .await;
}
