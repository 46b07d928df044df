//! Many at once, on several replicas.

use std::collections::HashMap;

use campus_sim::{Fault, System};
use futures_util::future::join_all;
use reqwest::Method;

use crate::support::{Answer, Student, TestApp, eventually, setup};

async fn log_in_at(app: &TestApp, replica: usize, code: &str) -> Answer {
    let request = app.request_at(&app.replicas[replica % app.replicas.len()].url, Method::POST, "/api/login");
    Answer::of(request.form(&[("code", code)]).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_first_logins_at_once_make_two_hundred_accounts() {
    setup()
        .replicas(3)
        .run(async |app| {
            let codes: Vec<String> = (0..200).map(|n| app.sim.wechat_code(&format!("student{n}"))).collect();
            let logins = codes.iter().enumerate().map(|(n, code)| log_in_at(app, n, code));
            for answer in join_all(logins).await {
                answer.expect(201);
            }
            assert_eq!(app.db.all("users").await.len(), 200);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_logins_of_one_user_at_once_make_one_account_and_one_of_them_is_the_first() {
    setup()
        .replicas(3)
        .run(async |app| {
            let users = 20;
            let codes: Vec<(usize, String)> =
                (0..users * 10).map(|n| (n % users, app.sim.wechat_code(&format!("student{}", n % users)))).collect();
            let logins = codes.iter().enumerate().map(async |(n, (user, code))| (*user, log_in_at(app, n, code).await));
            let mut firsts: HashMap<usize, usize> = HashMap::new();
            for (user, answer) in join_all(logins).await {
                assert!([200, 201].contains(&answer.status), "{answer:?}");
                *firsts.entry(user).or_default() += usize::from(answer.status == 201);
            }
            assert!(firsts.values().all(|count| *count == 1), "{firsts:?}");
            assert_eq!(app.db.all("users").await.len(), users);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_sent_to_two_replicas_at_once_is_answered_alike_by_both() {
    setup()
        .replicas(2)
        .run(async |app| {
            for user in 0..20 {
                let code = app.sim.wechat_code(&format!("student{user}"));
                let (one, other) = tokio::join!(log_in_at(app, 0, &code), log_in_at(app, 1, &code));
                assert_eq!((one.status, other.status), (201, 201), "{one:?} {other:?}");
                for answer in [one, other] {
                    let token = format!("Bearer {}", answer.data()["token"].as_str().unwrap());
                    app.get_as(&token, "/api/user").await.expect(200);
                }
            }
            assert_eq!(app.db.all("users").await.len(), 20);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_for_one_table_make_one_campus_login_and_one_page() {
    setup()
        .replicas(3)
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.expire_sessions(None);
            app.db.collection("sessions").delete_many(mongodb::bson::doc! {}).await.unwrap();
            let seats: Vec<_> = (0..100).map(|n| student.at(&app.replicas[n % 3])).collect();
            let answers = join_all(seats.iter().map(Student::course)).await;
            let first = answers[0].data().clone();
            for answer in answers {
                assert_eq!(*answer.expect_data(false).data(), first);
            }
            for operation in ["vpn.login", "urp.login", "urp.course"] {
                assert_eq!(app.sim.count_of(operation), 1, "{operation}: {:?}", app.sim.counts());
            }
            assert!(app.campus_requests() <= 5, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_met_by_a_burst_on_three_replicas_is_sent_once() {
    setup()
        .replicas(3)
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_password(&student.campus.number, System::Urp, "changed-at-the-campus");
            app.sim.expire_sessions(None);
            let seats: Vec<_> = (0..30).map(|n| student.at(&app.replicas[n % 3])).collect();
            for answer in join_all(seats.iter().map(Student::course)).await {
                answer.expect_error(400, "WRONG_PASSWORD");
            }
            assert_eq!(app.sim.count_of("urp.login.wrong_password"), 1, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binds_of_many_students_at_once_do_not_mix_them_up() {
    setup()
        .replicas(3)
        .run(async |app| {
            let students = join_all((1..=12).map(|index| app.student(index))).await;
            let seats: Vec<_> = students.iter().enumerate().map(|(n, s)| s.at(&app.replicas[n % 3])).collect();
            join_all(seats.iter().map(Student::bind)).await;
            let tables = join_all(seats.iter().map(Student::course)).await;
            for (seat, table) in seats.iter().zip(tables) {
                let shown = table.expect_data(false).data().to_string();
                assert!(seat.campus.courses.iter().all(|course| shown.contains(&course.name)), "{shown}");
                let user = seat.get("/api/user").await;
                assert_eq!(user.data()["name"], seat.campus.name);
                assert_eq!(user.data()["studentId"], seat.campus.number);
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_sent_many_at_once_stay_within_the_limit_and_reach_the_campus_no_more_often() {
    setup()
        .replicas(3)
        .run(async |app| {
            let student = app.student(1).await;
            let seats: Vec<_> = (0..20).map(|n| student.at(&app.replicas[n % 3])).collect();
            let answers = join_all(seats.iter().map(|seat| seat.try_bind("guess", "guess"))).await;
            let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
            assert_eq!((count(400), count(429)), (3, 17));
            assert_eq!(app.sim.count_of("vpn.login"), 3);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bind_that_its_client_gave_up_is_finished_all_the_same() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.sim.set_fault(System::Urp, Fault::slow(std::time::Duration::from_millis(300)).on("student"));
            let bind = student.try_bind_rightly();
            tokio::select! {
                answer = bind => panic!("answered before the campus did: {answer:?}"),
                () = app.sim.wait_for("urp.student", 1) => {}
            }
            eventually("the bind to be stored", async || {
                (student.get("/api/user").await.data()["bind"] == true).then_some(())
            })
            .await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_deleted_during_a_bind_does_not_come_back() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.sim.set_fault(System::Urp, Fault::slow(std::time::Duration::from_millis(500)).on("student"));
            let delete = async {
                app.sim.wait_for("urp.student", 1).await;
                let own = mongodb::bson::doc! { "openId": &student.open_id };
                app.db.collection("users").delete_one(own).await.unwrap();
            };
            let (answer, ()) = tokio::join!(student.try_bind_rightly(), delete);
            answer.expect_error(403, "TOKEN_INVALID");
            assert!(app.db.all("users").await.is_empty());
        })
        .await;
}
