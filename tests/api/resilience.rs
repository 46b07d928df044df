//! What a student sees of an outage: as little as possible.

use std::time::Duration;

use campus_sim::{Fault, System};
use futures_util::future::join_all;
use mongodb::bson::Document;

use crate::support::{Answer, STUDENT_DATA, Student, TestApp, eventually, setup};

/// Every way in which a system can misbehave.
fn faults() -> [Fault; 8] {
    [
        Fault::slow(Duration::from_millis(200)),
        Fault::server_error(),
        Fault::dropped(),
        Fault::hang(),
        Fault::garbage(),
        Fault::maintenance(),
        Fault::empty(),
        Fault::expired(),
    ]
}

fn outages() -> Vec<(System, Fault)> {
    let urp = faults().into_iter().skip(1).map(|fault| (System::Urp, fault));
    let vpn = [Fault::server_error(), Fault::hang(), Fault::maintenance(), Fault::garbage()];
    urp.chain(vpn.into_iter().map(|fault| (System::Vpn, fault))).collect()
}

#[tokio::test]
async fn in_every_kind_of_outage_the_stored_table_is_served_and_kept() {
    setup()
        .settings(|s| {
            s.set("WEHPU_CAMPUS_TIMEOUT", "1s");
        })
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.course().await.expect_data(false);
            let before = app.db.all("courses").await;
            app.next_day().await;
            for (system, fault) in outages() {
                app.db.replicated().await;
                // A new replica each time: its breaker has not seen the other outages.
                let student = student.at(&app.start_replica(|_| {}).await);
                app.sim.set_fault(system, fault.clone());
                let answer = student.course().await;
                assert_eq!(answer.status, 200, "{system} {fault:?}: {answer:?}");
                assert!(answer.is_stale(), "{system} {fault:?}: {answer:?}");
                assert_eq!((answer.data(), answer.fetched_at()), (stored.data(), stored.fetched_at()), "{fault:?}");
                app.sim.clear_faults();
                assert_eq!(app.db.all("courses").await, before, "{system} {fault:?}");
            }
            let answer = student.course().await.expect_data(false);
            assert!(answer.fetched_at() > stored.fetched_at());
        })
        .await;
}

/// One request of every kind that asks somebody outside; `true`: what it asks for is stored already.
async fn everything(app: &TestApp, student: &Student<'_>, round: usize) -> Vec<(&'static str, bool, Answer)> {
    let code = app.sim.wechat_code(&student.open_id);
    let report = format!("第 {round} 次打不开课程表");
    let room = [("building", "1"), ("weekly", "11"), ("section", "1,2"), ("week", "1")];
    let order = [
        ("projectSerial", "0102"),
        ("projectName", "水龙头"),
        ("mobile", "13800000000"),
        ("bUserName", "张三"),
        ("bContent", "水龙头关不上"),
        ("bAddress", "3号楼 214"),
        ("areaSerial", "01"),
        ("areaName", "南校区"),
    ];
    let books = format!("/api/library/books?q=k{round}");
    let (report, login) = ([("content", report.as_str())], [("code", code.as_str())]);
    let stored = async |path| (path, true, student.get(path).await);
    let posted = async |path, fields: &[(&str, &str)]| (path, false, student.post_form(path, fields).await);
    let others = async {
        let answers = tokio::join!(
            async { ("/api/library/books", false, student.get(&books).await) },
            posted("/api/classroom", &room),
            posted("/api/rsp/repair", &order),
            posted("/api/feedback", &report),
            posted("/api/login", &login),
        );
        <[_; 5]>::from(answers)
    };
    let (stored, others) = tokio::join!(join_all(STUDENT_DATA.map(stored)), others);
    stored.into_iter().chain(others).collect()
}

#[tokio::test]
async fn whatever_a_system_does_each_answer_is_clear_what_is_stored_is_kept_and_fresh_data_comes_afterwards() {
    setup()
        .settings(|s| {
            s.set("WEHPU_CAMPUS_TIMEOUT", "1s").set("WEHPU_LIMIT_FEEDBACK", "off").set("WEHPU_LIMIT_LOOKUP", "off");
            // Old after each round, as the other tables are.
            s.set("WEHPU_FRESH_PHYSICAL", "24h");
        })
        .run(async |app| {
            let student = app.bound(1).await;
            student.change("libPassWord", &student.campus.library_password).await.expect(201);
            for (path, is_stored, answer) in everything(app, &student, 0).await {
                assert!(answer.status < 300 || !is_stored && answer.status == 404, "{path}: {answer:?}");
            }
            let kept = async || {
                let mut all = Vec::new();
                for collection in app.student_collections() {
                    all.push(app.db.all(&collection).await);
                }
                all
            };
            let before = kept().await;
            app.next_day().await;
            let systems = [
                System::Vpn,
                System::Urp,
                System::Library,
                System::Physical,
                System::Repair,
                System::Wechat,
                System::Github,
            ];
            let mut round = 0;
            for system in systems {
                let errcode = (system == System::Wechat).then(|| Fault::errcode(-1));
                // No loans at all are a list of loans.
                let sensible = |fault: &Fault| system != System::Library || *fault != Fault::empty();
                for fault in faults().into_iter().chain(errcode).filter(sensible) {
                    round += 1;
                    // Old data is to be served in each round, whatever the rounds before have brought.
                    app.clock.advance(Duration::from_hours(25));
                    let well = Student::log_in(app, &student.open_id, student.campus.clone()).await;
                    app.db.replicated().await;
                    let student = well.at(&app.start_replica(|_| {}).await);
                    app.sim.set_fault(system, fault.clone());
                    for (path, is_stored, answer) in everything(app, &student, round).await {
                        let what = format!("{path} with {system} {fault:?}: {answer:?}");
                        match answer.status {
                            200..400 => {}
                            404 => assert!(!is_stored, "{what}"),
                            502 | 503 => assert!(!is_stored && answer.retry_after() > 0, "{what}"),
                            _ => panic!("{what}"),
                        }
                    }
                    app.sim.clear_faults();
                    app.idle().await;
                    // The breakers of this replica have seen nothing of it.
                    for path in STUDENT_DATA {
                        let answer = well.get(path).await;
                        assert!(
                            answer.status == 200 && !answer.is_stale(),
                            "{path} after {system} {fault:?}: {answer:?}"
                        );
                    }
                    for (before, after) in before.iter().zip(kept().await) {
                        // A system that was well has brought the same data with a new date.
                        let data =
                            |all: &[Document]| all.iter().map(|one| one.get("data").cloned()).collect::<Vec<_>>();
                        assert_eq!(data(before), data(&after), "{system} {fault:?}");
                    }
                }
            }
        })
        .await;
}

#[tokio::test]
async fn with_nothing_stored_an_outage_is_said_to_be_one() {
    let outages = [
        (System::Urp, Fault::server_error(), "CAMPUS_DOWN"),
        (System::Urp, Fault::dropped(), "CAMPUS_DOWN"),
        (System::Urp, Fault::hang(), "CAMPUS_DOWN"),
        (System::Urp, Fault::maintenance(), "CAMPUS_DOWN"),
        (System::Urp, Fault::garbage(), "CAMPUS_CHANGED"),
        (System::Vpn, Fault::server_error(), "CAMPUS_DOWN"),
    ];
    setup()
        .settings(|s| {
            s.set("WEHPU_CAMPUS_TIMEOUT", "1s");
        })
        .run(async |app| {
            let student = app.bound(1).await;
            for (system, fault, code) in outages {
                let student = student.at(&app.start_replica(|_| {}).await);
                app.sim.set_fault(system, fault.clone());
                let answer = student.course().await;
                assert_eq!((answer.status, answer.code()), (503, code), "{system} {fault:?}: {answer:?}");
                assert!(answer.retry_after() > 0, "{answer:?}");
                assert!(app.db.all("courses").await.is_empty());
            }
            app.sim.clear_faults();
            student.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn an_open_breaker_spares_the_campus_and_closes_after_it_recovers() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.course().await.expect_data(false);
            app.next_day().await;
            app.sim.set_fault(System::Urp, Fault::server_error());
            for _ in 0..10 {
                student.course().await.expect_data(true);
            }
            app.sim.reset_counts();
            let answers = join_all((0..50).map(|_| student.course())).await;
            for answer in answers {
                assert_eq!(answer.expect_data(true).data(), stored.data());
            }
            // A slow machine may come to the first probe meanwhile.
            assert!(app.campus_requests() <= 1, "{:?}", app.sim.counts());
            app.sim.clear_faults();
            eventually("fresh data after the campus recovered", async || {
                (!student.course().await.expect(200).is_stale()).then_some(())
            })
            .await;
        })
        .await;
}

#[tokio::test]
async fn an_open_breaker_answers_at_once_that_the_campus_is_down_when_nothing_is_stored() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_fault(System::Vpn, Fault::server_error());
            app.sim.expire_sessions(None);
            for _ in 0..10 {
                student.course().await.expect_error(503, "CAMPUS_DOWN");
            }
            app.sim.reset_counts();
            for answer in join_all((0..20).map(|_| student.course())).await {
                answer.expect_error(503, "CAMPUS_DOWN");
            }
            assert!(app.campus_requests() <= 1, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn a_refresh_that_takes_long_serves_what_is_stored_and_finishes_in_the_background() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.course().await.expect_data(false);
            app.next_day().await;
            app.sim.reset_counts();
            app.sim.set_fault(System::Urp, Fault::slow(Duration::from_secs(7)).on("course"));
            let answer = student.course().await.expect_data(true);
            assert_eq!(answer.data(), stored.data());
            eventually("the refresh to finish", async || {
                (!student.course().await.expect(200).is_stale()).then_some(())
            })
            .await;
            assert_eq!(app.sim.count_of("urp.course"), 1, "the refresh under way was joined, not repeated");
        })
        .await;
}

/// Refuses the stored password of `system` at the next refresh and checks that it is sent once, never again.
async fn refused_once(system: System, outcome: &str) {
    setup()
        .replicas(2)
        .run(async |app| {
            let student = app.bound(1).await;
            let stored = student.course().await.expect_data(false);
            app.next_day().await;
            app.sim.set_password(&student.campus.number, system, "changed-at-the-campus");
            app.sim.expire_sessions(None);
            let answer = student.course().await.expect_data(true);
            assert_eq!(answer.data(), stored.data());
            assert_eq!(app.sim.count_of(outcome), 1, "{:?}", app.sim.counts());
            app.sim.reset_counts();
            for replica in app.replicas.iter().chain(&app.replicas) {
                assert_eq!(student.at(replica).course().await.expect_data(true).data(), stored.data());
            }
            assert_eq!(app.campus_requests(), 0, "a refused password is not sent again: {:?}", app.sim.counts());

            let renewed = student.with_account(app.sim.student(&student.campus.number).unwrap());
            renewed.bind().await;
            for replica in &app.replicas {
                renewed.at(replica).course().await.expect_data(false);
            }
            assert_eq!(app.sim.count_of(outcome), 0);
        })
        .await;
}

#[tokio::test]
async fn a_vpn_password_that_was_changed_is_sent_once_and_not_again_before_the_next_bind() {
    refused_once(System::Vpn, "vpn.login.refused").await;
}

#[tokio::test]
async fn a_urp_password_that_was_changed_is_sent_once_and_not_again_before_the_next_bind() {
    refused_once(System::Urp, "urp.login.wrong_password").await;
}

#[tokio::test]
async fn a_refused_password_with_nothing_stored_asks_for_a_new_bind() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_password(&student.campus.number, System::Urp, "changed-at-the-campus");
            app.sim.expire_sessions(None);
            for _ in 0..2 {
                student.course().await.expect_error(400, "WRONG_PASSWORD");
            }
            assert_eq!(app.sim.count_of("urp.login.wrong_password"), 1);
        })
        .await;
}

#[tokio::test]
async fn a_failed_bind_with_old_passwords_does_not_forget_that_they_were_refused() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_password(&student.campus.number, System::Urp, "changed-at-the-campus");
            app.sim.expire_sessions(None);
            student.course().await.expect_error(400, "WRONG_PASSWORD");
            student.try_bind_rightly().await.expect_error(400, "WRONG_PASSWORD");
            app.sim.reset_counts();
            student.course().await.expect_error(400, "WRONG_PASSWORD");
            assert_eq!(app.campus_requests(), 0, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn the_requests_to_a_system_at_one_time_are_bounded() {
    setup()
        .settings(|s| {
            s.set("WEHPU_CAMPUS_CONCURRENCY", "2");
        })
        .run(async |app| {
            let students: Vec<Student<'_>> = join_all((1..=8).map(|index| app.student(index))).await;
            for student in &students {
                student.bind().await;
            }
            app.sim.reset_counts();
            app.sim.set_fault(System::Urp, Fault::slow(Duration::from_millis(100)));
            for answer in join_all(students.iter().map(Student::course)).await {
                answer.expect_data(false);
            }
            assert_eq!(app.sim.peak(System::Urp), 2);
        })
        .await;
}

#[tokio::test]
async fn a_lease_that_a_dead_replica_left_behind_holds_nobody_up_for_long() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let past = mongodb::bson::DateTime::from_millis(0);
            let left = mongodb::bson::doc! {
                "_id": format!("urp/{}", student.campus.number), "owner": "a dead replica", "expiresAt": past,
            };
            app.db.collection("leases").insert_one(left).await.unwrap();
            student.course().await.expect_data(false);
        })
        .await;
}
