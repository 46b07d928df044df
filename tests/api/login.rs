//! `POST /api/login`.

use std::time::Duration;

use campus_sim::{Fault, System};
use chrono::TimeDelta;
use futures_util::future::join_all;
use mongodb::bson::doc;
use reqwest::Method;
use serde_json::json;
use wehpu_engine::clock::Clock;

use crate::support::{Answer, Loss, Relays, Settings, Student, TestApp, eventually, setup, text_of};

#[tokio::test]
async fn the_first_login_makes_an_account_and_later_ones_find_it() {
    setup()
        .run(async |app| {
            let first = app.log_in("alice").await.expect(201);
            assert_eq!(first.data()["bind"], false);
            let second = app.log_in("alice").await.expect(200);
            assert_eq!(second.data()["bind"], false);
            app.log_in("bob").await.expect(201);
            assert_eq!(app.db.all("users").await.len(), 2);
        })
        .await;
}

#[tokio::test]
async fn form_and_json_log_in_alike_also_with_a_charset() {
    setup()
        .run(async |app| {
            let code = || app.sim.wechat_code("alice");
            app.post_form("/api/login", &[("code", &code())]).await.expect(201);
            app.post_json("/api/login", &json!({ "code": code() })).await.expect(200);
            for kind in ["application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\"", "application/json"] {
                let body = json!({ "code": code(), "unknown": [1, { "a": null }] }).to_string();
                let request = app.request(reqwest::Method::POST, "/api/login").header("content-type", kind).body(body);
                assert_eq!(request.send().await.unwrap().status(), 200, "{kind}");
            }
            let form = "application/x-www-form-urlencoded; charset=UTF-8";
            let body = format!("code={}&encryptedData=&iv=", code());
            let request = app.request(reqwest::Method::POST, "/api/login").header("content-type", form).body(body);
            assert_eq!(request.send().await.unwrap().status(), 200);
        })
        .await;
}

#[tokio::test]
async fn a_token_of_a_login_opens_the_account() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let user = student.get("/api/user").await.expect(200);
            assert_eq!(*user.data(), json!({ "nickName": "", "studentId": "", "name": "", "bind": false }));
        })
        .await;
}

#[tokio::test]
async fn a_login_keeps_the_bind_of_a_bound_student() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let again = app.log_in(&student.open_id).await.expect(200);
            assert_eq!(again.data()["bind"], true);
            let user = student.get("/api/user").await.expect(200);
            assert_eq!(user.data()["bind"], true);
            assert_eq!(user.data()["studentId"], student.campus.number);
        })
        .await;
}

#[tokio::test]
async fn a_repeated_code_answers_like_the_first_time() {
    setup()
        .replicas(2)
        .run(async |app| {
            let code = app.sim.wechat_code("alice");
            let ask = async |replica: usize| {
                let request = app.request_at(&app.replicas[replica].url, reqwest::Method::POST, "/api/login");
                crate::support::Answer::of(request.form(&[("code", &code)]).send().await.unwrap()).await
            };
            let first = ask(0).await.expect(201);
            for replica in [0, 1] {
                let again = ask(replica).await.expect(201);
                assert_eq!(again.data()["bind"], first.data()["bind"]);
                let token = format!("Bearer {}", again.data()["token"].as_str().unwrap());
                app.get_as(&token, "/api/user").await.expect(200);
            }
            assert_eq!(app.sim.count_of("wechat.code2session"), 1);
        })
        .await;
}

#[tokio::test]
async fn a_code_that_is_remembered_only_later_can_be_sent_again_elsewhere() {
    setup()
        .run(async |app| {
            let (relays, watched) = (Relays::start().await, Relays::start().await);
            let (relayed, other) = (relays.replica(app).await, watched.replica(app).await);
            let code = app.sim.wechat_code("alice");
            let ask = async |url: &str| {
                let request = app.request_at(url, Method::POST, "/api/login");
                Answer::of(request.form(&[("code", &code)]).send().await.unwrap()).await
            };
            // It is looked for, exchanged, and from then on the primary takes nothing of this replica.
            relays.lose_all(1..usize::MAX, Loss::Refused);
            ask(&relayed.url).await.expect_error(503, "DATABASE_UNAVAILABLE");
            let (again, ()) = tokio::join!(ask(&other.url), async {
                let mut looks = 0;
                // Once before WeChat says that it is used, and then again and again.
                eventually("the other replica looks for the code more than once", async || {
                    looks += watched.take_statements().iter().filter(|s| *s == "find login_codes").count();
                    (looks >= 3).then_some(())
                })
                .await;
                relays.take_statements();
            });
            again.expect(201);
        })
        .await;
}

#[tokio::test]
async fn a_code_is_remembered_as_long_however_wrong_the_clock_of_the_replica_is() {
    let now = Clock::system().now();
    // By this clock it would be twice as old as MongoDB keeps it.
    setup()
        .clock(Clock::fixed(now - TimeDelta::minutes(10)))
        .run(async |app| {
            app.log_in("alice").await.expect(201);
            let known = app.db.all("login_codes").await;
            let at = known[0].get_datetime("at").unwrap().timestamp_millis();
            // MongoDB is on the same machine.
            assert!(at >= now.timestamp_millis() - 1000, "{known:?}");
        })
        .await;
}

#[tokio::test]
async fn a_code_that_wechat_does_not_know_is_to_be_replaced() {
    setup()
        .run(async |app| {
            app.post_form("/api/login", &[("code", "never-minted")]).await.expect_error(400, "WECHAT_CODE_INVALID");
            assert!(app.db.all("users").await.is_empty());
        })
        .await;
}

#[tokio::test]
async fn a_code_that_somebody_else_used_up_is_to_be_replaced() {
    setup()
        .run(async |app| {
            app.sim.set_fault(System::Wechat, Fault::errcode(40163));
            app.log_in("alice").await.expect_error(400, "WECHAT_CODE_INVALID");
        })
        .await;
}

#[tokio::test]
async fn a_user_whom_wechat_refuses_is_refused() {
    setup()
        .run(async |app| {
            app.sim.set_fault(System::Wechat, Fault::errcode(40226));
            app.log_in("alice").await.expect_error(400, "WECHAT_USER_REFUSED");
        })
        .await;
}

#[tokio::test]
async fn too_many_logins_for_wechat_are_to_be_repeated_later() {
    setup()
        .run(async |app| {
            for code in [45011, 45009] {
                app.sim.set_fault(System::Wechat, Fault::errcode(code));
                assert!(app.log_in("alice").await.expect_error(429, "RATE_LIMITED").retry_after() > 0);
            }
            app.sim.clear_faults();
            app.log_in("alice").await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn wechat_down_or_strange_is_no_fault_of_the_student() {
    let faults = [
        Fault::server_error(),
        Fault::dropped(),
        Fault::garbage(),
        Fault::maintenance(),
        Fault::empty(),
        Fault::errcode(-1),
        Fault::errcode(40013),
        Fault::errcode(99_999),
    ];
    setup()
        .run(async |app| {
            for fault in faults {
                let replica = app.start_replica(|_| {}).await;
                app.sim.set_fault(System::Wechat, fault.clone());
                let request = app.request_at(&replica.url, reqwest::Method::POST, "/api/login");
                let sent = request.form(&[("code", &app.sim.wechat_code("alice"))]).send().await.unwrap();
                let answer = crate::support::Answer::of(sent).await;
                assert_eq!((answer.status, answer.code()), (503, "WECHAT_UNAVAILABLE"), "{fault:?}: {answer:?}");
            }
            assert!(app.db.all("users").await.is_empty());
            app.sim.clear_faults();
            app.log_in("alice").await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn a_wechat_that_hangs_is_given_up() {
    setup()
        .settings(|s| {
            s.set("WEHPU_CAMPUS_TIMEOUT", "300ms");
        })
        .run(async |app| {
            app.sim.set_fault(System::Wechat, Fault::hang());
            app.log_in("alice").await.expect_error(503, "WECHAT_UNAVAILABLE");
        })
        .await;
}

#[tokio::test]
async fn a_profile_that_comes_along_names_the_account() {
    setup()
        .run(async |app| {
            let picture = "https://thirdwx.qlogo.cn/mmopen/1";
            let profile = json!({ "nickName": "小明 🎓", "avatarUrl": picture, "gender": 1, "city": "焦作" });
            let code = app.sim.wechat_code("alice");
            let sent = app.sim.wechat_encrypt(&code, &profile);
            let body = json!({ "code": code, "encryptedData": sent.encrypted_data, "iv": sent.iv });
            app.post_json("/api/login", &body).await.expect(201);
            let user = app.db.user("alice").await.unwrap();
            assert_eq!((text_of(&user, "nickName"), text_of(&user, "avatarUrl")), ("小明 🎓", picture));
            let student = Student::log_in(app, "alice", app.sim.student_at(1)).await;
            assert_eq!(student.get("/api/user").await.data()["nickName"], "小明 🎓", "kept by a login without profile");
        })
        .await;
}

#[tokio::test]
async fn a_profile_that_is_anonymous_foreign_or_broken_is_ignored() {
    setup()
        .run(async |app| {
            let watermark = json!({ "appid": "wx-another-app", "timestamp": 1 });
            let profiles = [
                json!({ "nickName": "微信用户", "avatarUrl": "" }),
                json!({ "nickName": "Mallory", "watermark": watermark }),
                json!({ "nickName": "" }),
                json!({ "nickName": { "$gt": "" } }),
                json!({ "watermark": null, "nickName": "x" }),
                json!([1, 2]),
            ];
            for (number, profile) in profiles.iter().enumerate() {
                let open_id = format!("user{number}");
                let code = app.sim.wechat_code(&open_id);
                let sent = app.sim.wechat_encrypt(&code, profile);
                let fields = [("code", code.as_str()), ("encryptedData", &sent.encrypted_data), ("iv", &sent.iv)];
                app.post_form("/api/login", &fields).await.expect(201);
                assert_eq!(text_of(&app.db.user(&open_id).await.unwrap(), "nickName"), "", "{profile}");
            }
            let good = app.sim.wechat_encrypt("sim-other-1", &json!({ "nickName": "Other" }));
            let broken = [(good.encrypted_data.as_str(), good.iv.as_str()), ("AAAA", "AAAA"), ("%%%", "no base64")];
            for (number, (data, iv)) in broken.into_iter().enumerate() {
                let open_id = format!("broken{number}");
                let code = app.sim.wechat_code(&open_id);
                let fields = [("code", code.as_str()), ("encryptedData", data), ("iv", iv)];
                app.post_form("/api/login", &fields).await.expect(201);
                assert_eq!(text_of(&app.db.user(&open_id).await.unwrap(), "nickName"), "");
            }
        })
        .await;
}

#[tokio::test]
async fn a_name_longer_than_any_account_may_have_does_not_stop_a_login() {
    setup()
        .run(async |app| {
            let code = app.sim.wechat_code("alice");
            let sent = app.sim.wechat_encrypt(&code, &json!({ "nickName": "长".repeat(500) }));
            let fields = [("code", code.as_str()), ("encryptedData", &sent.encrypted_data), ("iv", &sent.iv)];
            app.post_form("/api/login", &fields).await.expect(201);
        })
        .await;
}

/// Logs in with this code through a proxy that says where it comes from.
async fn log_in_from(app: &TestApp, replica: usize, address: &str, code: &str) -> Answer {
    let request = app.request_at(&app.replicas[replica].url, Method::POST, "/api/login");
    Answer::of(request.header("x-forwarded-for", address).form(&[("code", code)]).send().await.unwrap()).await
}

fn behind_a_proxy(limit: &str) -> impl FnOnce(&mut Settings) + 'static {
    let limit = limit.to_owned();
    move |settings| _ = settings.set("WEHPU_TRUSTED_PROXIES", "127.0.0.0/8").set("WEHPU_LIMIT_LOGIN", &limit)
}

#[tokio::test]
async fn codes_that_wechat_refuses_are_counted_per_address_by_all_replicas() {
    setup()
        .replicas(2)
        .settings(behind_a_proxy("5/10m"))
        .run(async |app| {
            for n in 0..5 {
                let answer = log_in_from(app, n % 2, "198.51.100.1, 192.0.2.1", &format!("made-up-{n}")).await;
                answer.expect_error(400, "WECHAT_CODE_INVALID");
            }
            // The replica that got the last one knows; the other learns it with its next refused code, or knows as well.
            log_in_from(app, 1, "192.0.2.1", "made-up-5").await;
            let asked = app.sim.count_of("wechat.code2session");
            assert!(asked <= 6, "{asked}");
            for (replica, n) in [(0, 6), (1, 7), (0, 8)] {
                let answer = log_in_from(app, replica, "203.0.113.9, 192.0.2.1", &format!("made-up-{n}")).await;
                let answer = answer.expect_error(429, "RATE_LIMITED");
                assert!((1..=600).contains(&answer.retry_after()), "{answer:?}");
            }
            assert_eq!(app.sim.count_of("wechat.code2session"), asked, "WeChat is not asked any more");
            log_in_from(app, 0, "192.0.2.2", &app.sim.wechat_code("alice")).await.expect(201);
            app.clock.advance(Duration::from_mins(10));
            log_in_from(app, 0, "192.0.2.1", &app.sim.wechat_code("bob")).await.expect(201);
            assert!(!app.db.dump().await.contains("192.0.2"), "an address is stored");
        })
        .await;
}

#[tokio::test]
async fn the_networks_of_ipv6_are_counted_and_not_their_addresses() {
    setup()
        .settings(behind_a_proxy("2/10m"))
        .run(async |app| {
            for n in 0..2 {
                let answer = log_in_from(app, 0, &format!("2001:db8:1:2::{n}"), &format!("made-up-{n}")).await;
                answer.expect_error(400, "WECHAT_CODE_INVALID");
            }
            let code = app.sim.wechat_code("alice");
            log_in_from(app, 0, "2001:db8:1:2:ffff::", &code).await.expect_error(429, "RATE_LIMITED");
            log_in_from(app, 0, "2001:db8:1:3::", &code).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn a_flood_of_made_up_codes_reaches_wechat_only_up_to_the_limit_however_many_come_at_once() {
    setup()
        .settings(behind_a_proxy("20/10m"))
        .run(async |app| {
            let codes: Vec<String> = (0..200).map(|n| format!("made-up-{n}")).collect();
            let answers = join_all(codes.iter().map(|code| log_in_from(app, 0, "192.0.2.1", code))).await;
            let limited = answers.iter().filter(|answer| answer.status == 429).count();
            let asked = app.sim.count_of("wechat.code2session");
            // Sixteen may be with WeChat when the last one that is allowed is refused.
            assert!((20..=36).contains(&asked), "{asked}");
            assert_eq!(limited as u64, 200 - asked);
        })
        .await;
}

#[tokio::test]
async fn a_campus_behind_one_address_logs_in_at_once_and_nobody_is_refused() {
    setup()
        .settings(behind_a_proxy("20/10m"))
        .run(async |app| {
            // Some are wrong all the same: a code that has grown old.
            for n in 0..19 {
                log_in_from(app, 0, "192.0.2.1", &format!("old-{n}")).await.expect_error(400, "WECHAT_CODE_INVALID");
            }
            let codes: Vec<String> = (0..100).map(|n| app.sim.wechat_code(&format!("student-{n}"))).collect();
            for answer in join_all(codes.iter().map(|code| log_in_from(app, 0, "192.0.2.1", code))).await {
                answer.expect(201);
            }
            let counted: Vec<_> = app.db.all("limits").await;
            assert_eq!(counted.len(), 1, "a valid login costs no write of a counter: {counted:?}");
            assert_eq!(counted[0].get_i64("count").unwrap(), 19);
        })
        .await;
}

#[tokio::test]
async fn a_code_that_another_replica_exchanged_is_not_counted() {
    setup()
        .replicas(2)
        .settings(behind_a_proxy("1/10m"))
        .run(async |app| {
            for n in 0..3 {
                let code = app.sim.wechat_code(&format!("student-{n}"));
                let both = [0, 1].map(|replica| log_in_from(app, replica, "192.0.2.1", &code));
                for answer in join_all(both).await {
                    answer.expect(201);
                }
            }
            for window in app.db.all("limits").await {
                assert_eq!(window.get_i64("count").unwrap(), 0, "{window}");
            }
            // One that nobody can tell anything of is counted.
            let code = app.sim.wechat_code("used");
            log_in_from(app, 0, "192.0.2.1", &code).await.expect(201);
            app.db.collection("login_codes").delete_many(doc! {}).await.unwrap();
            log_in_from(app, 0, "192.0.2.1", &code).await.expect_error(400, "WECHAT_CODE_INVALID");
            log_in_from(app, 0, "192.0.2.1", &code).await.expect_error(429, "RATE_LIMITED");
        })
        .await;
}
