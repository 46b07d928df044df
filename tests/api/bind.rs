//! `POST /api/bind`.

use campus_sim::{Fault, System};
use mongodb::bson::doc;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Settings, setup, text_of};

fn without_limit(settings: &mut Settings) {
    settings.set("WEHPU_LIMIT_BIND", "off");
}

/// Which of the two logins worked, as the client reads it.
fn which_worked(answer: &Answer) -> (bool, bool) {
    (answer.data()["vpn"].as_bool().unwrap(), answer.data()["jwc"].as_bool().unwrap())
}

#[tokio::test]
async fn every_400_of_a_bind_tells_that_neither_login_worked() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let right = json!({ "studentId": "311509000001", "vpnPassWord": "x", "jwcPassWord": "x" });
            let mut bodies =
                vec![json!({}), json!({ "studentId": { "$gt": "" }, "vpnPassWord": "x", "jwcPassWord": "x" })];
            for field in ["studentId", "vpnPassWord", "jwcPassWord"] {
                let (mut without, mut wrong) = (right.clone(), right.clone());
                without.as_object_mut().unwrap().remove(field);
                wrong[field] = json!("");
                bodies.extend([without, wrong]);
            }
            let mut answers = Vec::new();
            for body in &bodies {
                answers.push(student.post_json("/api/bind", body).await);
            }
            let malformed = student.request(Method::POST, "/api/bind").header("content-type", "application/json");
            answers.push(student.send(malformed.body("[1]")).await);
            answers.push(student.post_form("/api/bind", &[("studentId", "1"), ("studentId", "2")]).await);
            for answer in answers {
                let answer = answer.expect_error(400, "BAD_REQUEST");
                assert_eq!(*answer.data(), json!({ "vpn": false, "jwc": false }), "{answer:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn right_passwords_bind_and_name_the_student() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let answer = student.try_bind_rightly().await.expect(201);
            assert_eq!(*answer.data(), json!({ "vpn": true, "jwc": true }));
            let user = student.get("/api/user").await.expect(200);
            let expected = json!({
                "nickName": "", "studentId": student.campus.number, "name": student.campus.name, "bind": true,
                "academic": "urp", "offers": ["table", "scores", "rooms", "record"],
            });
            assert_eq!(*user.data(), expected);
            assert!(app.campus_requests() <= 5, "{:?}", app.sim.counts());
        })
        .await;
}

#[tokio::test]
async fn json_binds_like_a_form_and_a_number_is_taken_as_its_digits() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let number: u64 = student.campus.number.parse().unwrap();
            let body = json!({
                "studentId": number,
                "vpnPassWord": student.campus.vpn_password,
                "jwcPassWord": student.campus.urp_password,
            });
            student.post_json("/api/bind", &body).await.expect(201);
            app.sim.set_password(&student.campus.number, System::Vpn, "123456");
            let body =
                json!({ "studentId": number, "vpnPassWord": 123_456, "jwcPassWord": student.campus.urp_password });
            student.post_json("/api/bind", &body).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn passwords_of_every_kind_reach_the_campus_as_they_are() {
    setup()
        .settings(without_limit)
        .run(async |app| {
            let student = app.student(1).await;
            for password in ["&=+%25 #?/\\\"'<>", " leading and trailing ", "$where", "{\"$gt\":\"\"}", "p"] {
                app.sim.set_password(&student.campus.number, System::Vpn, password);
                app.sim.set_password(&student.campus.number, System::Urp, password);
                let answer = student.try_bind(password, password).await;
                assert_eq!(answer.status, 201, "{password:?}: {answer:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_wrong_vpn_password_is_told_apart_and_sent_once() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let answer = student.try_bind("wrong", &student.campus.urp_password).await;
            let answer = answer.expect_error(400, "WRONG_PASSWORD");
            assert_eq!(which_worked(&answer), (false, false));
            assert_eq!(app.sim.count_of("vpn.login"), 1);
            assert_eq!(app.sim.count(System::Urp), 0);
            assert_eq!(student.get("/api/user").await.data()["bind"], false);
        })
        .await;
}

#[tokio::test]
async fn a_wrong_urp_password_is_told_apart_and_sent_once() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let answer = student.try_bind(&student.campus.vpn_password, "wrong").await;
            let answer = answer.expect_error(400, "WRONG_PASSWORD");
            assert_eq!(which_worked(&answer), (true, false));
            assert_eq!(answer.data()["account"], "urp");
            assert!(!answer.data()["reason"].as_str().unwrap().is_empty());
            assert_eq!(app.sim.count_of("urp.login.wrong_password"), 1);
            assert_eq!(app.sim.count_of("vpn.login"), 1);
            assert_eq!(student.get("/api/user").await.data()["bind"], false);
        })
        .await;
}

#[tokio::test]
async fn a_student_number_that_the_campus_does_not_know_does_not_bind() {
    setup()
        .run(async |app| {
            let mut stranger = app.sim.student_at(1);
            stranger.number = "311599999999".to_owned();
            let student = app.student(1).await.with_account(stranger);
            let answer = student.try_bind_rightly().await.expect_error(400, "WRONG_PASSWORD");
            assert_eq!(which_worked(&answer), (false, false));
        })
        .await;
}

#[tokio::test]
async fn a_failed_bind_leaves_an_earlier_one_as_it_was() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let before = app.db.user(&student.open_id).await.unwrap();
            student.try_bind("wrong", "wrong").await.expect_error(400, "WRONG_PASSWORD");
            app.sim.set_fault(System::Urp, Fault::server_error());
            student.with_account(app.sim.student_at(2)).try_bind_rightly().await.expect_error(503, "CAMPUS_DOWN");
            assert_eq!(app.db.user(&student.open_id).await.unwrap(), before);
            app.sim.clear_faults();
            student.course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn a_campus_that_is_down_is_no_wrong_password_and_nothing_is_stored() {
    let faults = [
        (Fault::server_error(), "CAMPUS_DOWN"),
        (Fault::dropped(), "CAMPUS_DOWN"),
        (Fault::hang(), "CAMPUS_DOWN"),
        (Fault::maintenance(), "CAMPUS_DOWN"),
        (Fault::garbage(), "CAMPUS_CHANGED"),
    ];
    setup()
        .settings(|s| {
            s.set("WEHPU_LIMIT_BIND", "off").set("WEHPU_CAMPUS_TIMEOUT", "2s");
        })
        .run(async |app| {
            let student = app.student(1).await;
            let before = app.db.user(&student.open_id).await;
            for system in [System::Vpn, System::Urp] {
                for (fault, code) in &faults {
                    // A new replica each time: its breaker has not seen the faults before.
                    let student = student.at(&app.start_replica(|_| {}).await);
                    app.sim.set_fault(system, fault.clone());
                    let answer = student.try_bind_rightly().await;
                    assert_eq!((answer.status, answer.code()), (503, *code), "{system} {fault:?}: {answer:?}");
                    assert!(answer.retry_after() > 0 && answer.data().is_null(), "{answer:?}");
                    app.sim.clear_faults();
                }
            }
            assert_eq!(app.db.user(&student.open_id).await, before);
            assert!(app.db.all("sessions").await.is_empty());
            student.bind().await;
        })
        .await;
}

#[tokio::test]
async fn a_captcha_read_wrongly_once_does_not_stop_a_bind() {
    setup()
        .run(async |app| {
            app.sim.reject_captchas(1);
            app.student(1).await.bind().await;
            assert_eq!(app.sim.count_of("urp.login.wrong_captcha"), 1);
            assert_eq!(app.sim.count_of("urp.login.ok"), 1);
        })
        .await;
}

#[tokio::test]
async fn captchas_refused_without_end_are_given_up_after_a_few() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.sim.reject_captchas(u32::MAX);
            student.try_bind_rightly().await.expect_error(503, "CAPTCHA_FAILED");
            let (logins, captchas) = (app.sim.count_of("urp.login"), app.sim.count_of("urp.captcha"));
            assert!((1..=5).contains(&logins) && captchas <= 10, "{:?}", app.sim.counts());
            assert_eq!(student.get("/api/user").await.data()["bind"], false);
            app.sim.reject_captchas(0);
            student.bind().await;
        })
        .await;
}

#[tokio::test]
async fn credentials_are_stored_sealed_and_of_the_id_number_only_what_is_needed() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.course().await.expect_data(false);
            student.change("libPassWord", "lib-secret-words").await.expect(201);
            let campus = &student.campus;
            let dump = app.db.dump().await;
            let (kept, dropped) = (&campus.id_number[10..], &campus.id_number[..10]);
            for secret in [&campus.vpn_password, &campus.urp_password, "lib-secret-words", kept, dropped, "TWFID"] {
                assert!(!dump.contains(secret), "{secret} is in the database as it is");
            }
            let user = app.db.user(&student.open_id).await.unwrap();
            let open = |field: &str| {
                let sealed = app.replicas[0].app.keys.open(&student.open_id, field, text_of(&user, field)).unwrap();
                secrecy::ExposeSecret::expose_secret(&sealed).to_owned()
            };
            assert_eq!(open("vpnPassWord"), campus.vpn_password);
            assert_eq!(open("jwcPassWord"), campus.urp_password);
            assert_eq!(open("idNumber"), kept);
            assert_eq!(open("libPassWord"), "lib-secret-words");
        })
        .await;
}

#[tokio::test]
async fn a_bind_to_another_student_number_never_shows_the_former_ones_data() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let first = student.course().await.expect_data(false);
            student.change("libPassWord", "lib-000001").await.expect(201);

            let student = student.with_account(app.sim.student_at(2));
            student.bind().await;
            let user = app.db.user(&student.open_id).await.unwrap();
            assert_eq!(text_of(&user, "libPassWord"), "", "the library password was that of the former number");
            // While the campus is down there is nothing to show, least of all the other table.
            app.sim.set_fault(System::Urp, Fault::server_error());
            student.course().await.expect_error(503, "CAMPUS_DOWN");
            app.sim.clear_faults();
            let second = student.course().await.expect_data(false);
            assert_ne!(first.data(), second.data());

            let student = student.with_account(app.sim.student_at(1));
            student.bind().await;
            assert_eq!(student.course().await.expect_data(false).data(), first.data());
            assert_eq!(student.get("/api/user").await.data()["name"], student.campus.name);
        })
        .await;
}

#[tokio::test]
async fn two_accounts_may_bind_one_student_number() {
    setup()
        .run(async |app| {
            let (one, other) = (app.bound(1).await, app.student(2).await);
            let other = other.with_account(app.sim.student_at(1));
            other.bind().await;
            let (a, b) = (one.course().await.expect_data(false), other.course().await.expect_data(false));
            assert_eq!(a.data(), b.data());
        })
        .await;
}

#[tokio::test]
async fn a_password_that_no_longer_works_is_one_accounts_matter_and_shows_it_nothing_of_the_other() {
    setup()
        .run(async |app| {
            let (one, other) = (app.bound(1).await, app.student(2).await);
            app.sim.set_password(&one.campus.number, System::Urp, "new-password");
            app.sim.expire_sessions(None);
            let other = other.with_account(app.sim.student_at(1));
            other.bind().await;
            one.course().await.expect_error(400, "WRONG_PASSWORD");
            other.course().await.expect_data(false);
            app.db.replicated().await;
            one.course().await.expect_error(400, "WRONG_PASSWORD");
        })
        .await;
}

#[tokio::test]
async fn unusual_names_id_numbers_and_passwords_of_the_campus_do_no_harm() {
    setup()
        .settings(without_limit)
        .run(async |app| {
            let student = app.student(1).await;
            let rebind = async |change: &dyn Fn(&mut campus_sim::Student)| {
                app.sim.put_student(app.sim.invent_student("311509000001"));
                app.sim.edit_student("311509000001", |s| change(s));
                student.with_account(app.sim.student_at(1)).try_bind_rightly().await
            };
            rebind(&|s| "阿卜杜热西提·阿卜杜热合曼".clone_into(&mut s.name)).await.expect(201);
            rebind(&|s| "110101800101001".clone_into(&mut s.id_number)).await.expect(201);
            let strange = rebind(&|s| s.name = "长".repeat(200)).await;
            assert!(strange.status == 201 || strange.code() == "CAMPUS_CHANGED", "{strange:?}");
            // Longer than the VPN's key can encrypt.
            let answer = rebind(&|s| s.vpn_password = "密".repeat(64)).await.expect_error(400, "WRONG_PASSWORD");
            assert_eq!(which_worked(&answer), (false, false));
            // A student from abroad has a passport number there.
            rebind(&|s| "G12345678".clone_into(&mut s.id_number)).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn an_account_of_the_old_service_binds_anew_and_keeps_what_it_had() {
    setup()
        .run(async |app| {
            let legacy = doc! {
                "openId": "legacy", "nickName": "老用户", "avatarUrl": "https://img.example/1", "gender": 1, "city": "焦作",
                "bind": true, "studentId": "311509000007", "name": "旧名", "vpnPassWord": "0a1b2c", "jwcPassWord": "0a1b2c",
                "libPassWord": "0a1b2c", "idNumber": "0a1b2c", "dormitory": "三号楼", "timestamp": "1512100800000", "__v": 0,
            };
            app.db.collection("users").insert_one(legacy).await.unwrap();
            let student = crate::support::Student::log_in(app, "legacy", app.sim.student_at(7)).await;
            assert_eq!(student.get("/api/user").await.expect(200).data()["bind"], true);
            student.bind().await;
            student.course().await.expect_data(false);
            let user = app.db.user("legacy").await.unwrap();
            for (field, value) in [("nickName", "老用户"), ("city", "焦作"), ("dormitory", "三号楼"), ("timestamp", "1512100800000")]
            {
                assert_eq!(text_of(&user, field), value);
            }
            assert_eq!((user.get_i32("gender").unwrap(), user.get_i32("__v").unwrap()), (1, 0));
            assert_eq!(text_of(&user, "name"), student.campus.name);
        })
        .await;
}

#[tokio::test]
async fn an_account_of_the_old_service_with_empty_fields_still_works() {
    setup()
        .run(async |app| {
            let legacy = doc! { "openId": "legacy", "nickName": null, "studentId": null, "name": null, "bind": false };
            // As a document that was there before the validator.
            let users = app.db.collection("users");
            users.insert_one(legacy).bypass_document_validation(true).await.unwrap();
            let student = crate::support::Student::log_in(app, "legacy", app.sim.student_at(7)).await;
            student.get("/api/user").await.expect(200);
            student.bind().await;
        })
        .await;
}
