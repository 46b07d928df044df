//! The life of a replica: the real program, from start to drain.

use std::time::Duration;

use campus_sim::{Fault, System};
use mongodb::bson::doc;
use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use wehpu_engine::crypto::Pseudonyms;

use crate::support::{Answer, Engine, JWT_SECRET, Relays, TestApp, replica_set_uri, run_engine, setup};

/// Logs a user in at a running program; gives the `Authorization` header.
async fn log_in(app: &TestApp, engine: &Engine, open_id: &str) -> String {
    let request = app.request_at(&engine.api, Method::POST, "/api/login");
    let request = request.form(&[("code", &app.sim.wechat_code(open_id))]);
    let answer = Answer::of(request.send().await.unwrap()).await;
    format!("Bearer {}", answer.data()["token"].as_str().unwrap_or_else(|| panic!("{answer:?}")))
}

async fn get(app: &TestApp, engine: &Engine, authorization: &str, path: &str) -> Answer {
    let request = app.request_at(&engine.api, Method::GET, path).header("authorization", authorization);
    Answer::of(request.send().await.unwrap()).await
}

async fn bind(app: &TestApp, engine: &Engine, authorization: &str, index: usize) {
    let student = app.sim.student_at(index);
    let fields = [
        ("studentId", &student.number),
        ("vpnPassWord", &student.vpn_password),
        ("jwcPassWord", &student.urp_password),
    ];
    let request = app.request_at(&engine.api, Method::POST, "/api/bind").header("authorization", authorization);
    Answer::of(request.form(&fields).send().await.unwrap()).await.expect(201);
}

#[tokio::test]
async fn a_start_before_the_migrations_ends_and_names_the_pending_one() {
    setup()
        .empty_database()
        .run(async |app| {
            let mut engine = Engine::serve(&app.settings);
            let (code, output) = engine.ended().await;
            assert_eq!(code, Some(1), "{output:#?}");
            assert!(output.iter().any(|line| line.contains("0001_users") && line.contains("migrate")), "{output:#?}");
        })
        .await;
}

#[tokio::test]
async fn a_setting_that_does_not_exist_stops_the_start_with_one_line() {
    setup()
        .run(async |app| {
            let mut settings = app.settings.clone();
            settings.set("WEHPU_MONGO_URI", "mongodb://engine:hunter2@db/wehpu");
            for command in ["serve", "migrate", "rekey", "healthcheck", "config"] {
                let finished = run_engine(&[command], &settings).await.failed();
                assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
                assert!(finished.stderr.contains("WEHPU_MONGO_URI"), "{finished:?}");
                assert!(!format!("{finished:?}").contains("hunter2"), "{finished:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_ready_replica_serves_and_says_so() {
    setup()
        .run(async |app| {
            let engine = Engine::ready(&app.settings).await;
            assert_eq!(engine.admin("/readyz").await.0, 200);
            assert_eq!(engine.admin("/livez").await.0, 200);
            let token = log_in(app, &engine, "alice").await;
            get(app, &engine, &token, "/api/user").await.expect(200);
            let (status, metrics) = engine.admin("/metrics").await;
            assert_eq!(status, 200);
            assert!(
                metrics.contains(r#"http_requests_total{method="POST",route="/api/login",status="201",code=""} 1"#),
                "{metrics}"
            );
        })
        .await;
}

#[tokio::test]
async fn a_made_up_method_or_path_makes_no_series_of_its_own() {
    setup()
        .run(async |app| {
            let engine = Engine::ready(&app.settings).await;
            for method in ["FROBNICATE", "MADE-UP-7f3a"] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let request = app.request_at(&engine.api, method, "/api/made-up-path");
                Answer::of(request.send().await.unwrap()).await.expect(404);
            }
            let (_, metrics) = engine.admin("/metrics").await;
            for word in ["FROBNICATE", "7f3a", "made-up-path"] {
                assert!(!metrics.contains(word), "{metrics}");
            }
        })
        .await;
}

#[tokio::test]
async fn without_a_database_it_lives_is_not_ready_and_waits_until_one_comes() {
    setup()
        .run(async |app| {
            // The only member it knows of is not there yet; later, that address leads to the real one.
            let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = door.local_addr().unwrap();
            drop(door);
            let uri = replica_set_uri();
            let hosts = uri.trim_start_matches("mongodb://").split('/').next().unwrap();
            let mut settings = app.settings.clone();
            settings.set("WEHPU_MONGODB_URI", &app.db.uri().replace(hosts, &address.to_string()));
            settings.set("WEHPU_MIGRATE_MONGODB_URI", &app.db.uri());

            let mut engine = Engine::serve(&settings);
            engine.printed("the listeners", |line| line.contains(r#""message":"listening""#)).await;
            assert_eq!(engine.admin("/livez").await.0, 200);
            assert_eq!(engine.admin("/readyz").await.0, 503);
            let page = app.request_at(&engine.api, Method::GET, "/").send().await.unwrap();
            assert_eq!(page.status(), 200, "what needs no database is served");

            let door = TcpListener::bind(address).await.unwrap();
            let member = hosts.split(',').next().unwrap().to_owned();
            let forward = tokio::spawn(async move {
                loop {
                    let (mut near, _) = door.accept().await.unwrap();
                    let member = member.clone();
                    tokio::spawn(async move {
                        let mut far = TcpStream::connect(member).await.unwrap();
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    });
                }
            });
            engine.wait_until_ready().await;
            assert_eq!(engine.admin("/readyz").await.0, 200);
            let token = log_in(app, &engine, "alice").await;
            get(app, &engine, &token, "/api/user").await.expect(200);
            forward.abort();
        })
        .await;
}

#[tokio::test]
async fn a_request_that_needs_a_database_that_is_away_answers_503_with_a_code() {
    setup()
        .run(async |app| {
            let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
            let uri = format!("mongodb://{nowhere}/wehpu?replicaSet=away&serverSelectionTimeoutMS=300");
            let away = app.start_replica(|s| _ = s.set("WEHPU_MONGODB_URI", &uri)).await;
            let student = app.student(1).await.at(&away);
            student.get("/api/user").await.expect_error(503, "DATABASE_UNAVAILABLE");
            student.course().await.expect_error(503, "DATABASE_UNAVAILABLE");
            student.try_bind_rightly().await.expect_error(503, "DATABASE_UNAVAILABLE");
            student.get("/api/calendar").await.expect(200);
            let login = app.request_at(&away.url, Method::POST, "/api/login").form(&[("code", "sim-alice-1")]);
            Answer::of(login.send().await.unwrap()).await.expect_error(503, "DATABASE_UNAVAILABLE");
        })
        .await;
}

#[tokio::test]
async fn a_terminated_replica_leaves_the_proxy_first_and_finishes_what_runs() {
    setup()
        .run(async |app| {
            let mut engine = Engine::ready(&app.settings).await;
            let token = log_in(app, &engine, "alice").await;
            bind(app, &engine, &token, 1).await;
            app.sim.reset_counts();
            app.sim.set_fault(System::Urp, Fault::slow(Duration::from_secs(5)).on("course"));
            let slow = async { get(app, &engine, &token, "/api/course").await };
            let end = async {
                app.sim.wait_for("urp.course", 1).await;
                engine.signal("TERM").await;
                crate::support::eventually("the drain to be announced", async || {
                    let (status, _) = engine.admin("/readyz").await;
                    (status == 404).then_some(())
                })
                .await;
                assert_eq!(engine.admin("/livez").await.0, 200);
                // The proxy has not looked yet: new requests are still served.
                get(app, &engine, &token, "/api/user").await.expect(200);
            };
            let (slow, ()) = tokio::join!(slow, end);
            slow.expect_data(false);
            let (code, output) = engine.ended().await;
            assert_eq!(code, Some(0), "{output:#?}");
            let stopped = app.request_at(&engine.api, Method::GET, "/").send().await;
            assert!(stopped.is_err(), "nobody listens any more");
        })
        .await;
}

#[tokio::test]
async fn an_idle_replica_ends_well_on_either_signal() {
    setup()
        .run(async |app| {
            for signal in ["TERM", "INT"] {
                let mut engine = Engine::ready(&app.settings).await;
                engine.signal(signal).await;
                let (code, output) = engine.ended().await;
                assert_eq!(code, Some(0), "{signal}: {output:#?}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_second_signal_ends_the_drain() {
    setup()
        .run(async |app| {
            let mut engine = Engine::ready(&app.settings).await;
            let token = log_in(app, &engine, "alice").await;
            bind(app, &engine, &token, 1).await;
            app.sim.reset_counts();
            app.sim.set_fault(System::Urp, Fault::hang());
            let request = app.request_at(&engine.api, Method::GET, "/api/course").header("authorization", &token);
            let hanging = tokio::spawn(request.send());
            app.sim.wait_for("urp.course", 1).await;
            engine.signal("TERM").await;
            engine.printed("the drain", |line| line.contains("draining")).await;
            engine.signal("TERM").await;
            let (code, output) = engine.ended().await;
            assert_ne!(code, Some(0), "a drain that was cut short is no good end: {output:#?}");
            assert!(hanging.await.unwrap().is_err());
        })
        .await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    setup()
        .run(async |app| {
            let taken = app.replicas[0].addr.to_string();
            for variable in ["WEHPU_BIND_ADDR", "WEHPU_ADMIN_ADDR"] {
                let mut settings = app.settings.clone();
                settings.set("WEHPU_BIND_ADDR", "127.0.0.1:0").set("WEHPU_ADMIN_ADDR", "127.0.0.1:0");
                settings.set(variable, &taken);
                let finished = run_engine(&["serve"], &settings).await.failed();
                assert!(finished.stderr.contains(variable) && finished.stderr.contains(&taken), "{finished:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn every_line_of_the_log_is_json_and_each_request_has_one() {
    setup()
        .run(async |app| {
            let mut engine = Engine::ready(&app.settings).await;
            let token = log_in(app, &engine, "alice").await;
            let answer =
                get(app, &engine, &token, "/api/user/311509000399?secret=query").await.expect_error(400, "NOT_BOUND");
            let id = answer.request_id().to_owned();
            let line = engine.printed("the access line", |line| line.contains(&id) && line.contains("access")).await;
            let access: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(access["request_id"], id);
            assert_eq!(access["method"], "GET");
            assert_eq!(access["route"], "/api/user/{id}", "the template, not the path: {line}");
            assert_eq!(access["status"], 400);
            assert!(access["duration_ms"].is_u64(), "{line}");
            assert!(access["student"].as_str().is_some_and(|word| word.len() == 16), "{line}");
            for line in engine.output() {
                assert!(serde_json::from_str::<Value>(&line).is_ok_and(|v| v.is_object()), "no JSON: {line}");
                assert!(!line.contains("secret=query") && !line.contains("311509000399"), "{line}");
            }
        })
        .await;
}

#[tokio::test]
async fn the_access_line_of_a_bind_says_which_account_failed_and_why() {
    setup()
        .run(async |app| {
            let mut engine = Engine::ready(&app.settings).await;
            let token = log_in(app, &engine, "alice").await;
            let student = app.sim.student_at(1);
            let pseudonym = Pseudonyms::new(JWT_SECRET.as_bytes()).of(&student.number);
            let wrong = "not-the-password";
            let tries = [
                (wrong, student.urp_password.as_str(), "vpn_refused", "WRONG_PASSWORD"),
                (student.vpn_password.as_str(), wrong, "urp_refused", "WRONG_PASSWORD"),
                (student.vpn_password.as_str(), student.urp_password.as_str(), "bound", ""),
            ];
            for (vpn, urp, outcome, code) in tries {
                let fields = [("studentId", student.number.as_str()), ("vpnPassWord", vpn), ("jwcPassWord", urp)];
                let request = app.request_at(&engine.api, Method::POST, "/api/bind").header("authorization", &token);
                let id = Answer::of(request.form(&fields).send().await.unwrap()).await.request_id().to_owned();
                let line =
                    engine.printed("the access line", |line| line.contains(&id) && line.contains("\"access\"")).await;
                let access: Value = serde_json::from_str(&line).unwrap();
                assert_eq!(
                    (&access["bind"], &access["number"]),
                    (&outcome.into(), &pseudonym.as_str().into()),
                    "{line}"
                );
                assert_eq!(access["code"].as_str().unwrap_or_default(), code, "{line}");
                assert_eq!(access["said"].is_string(), outcome != "bound", "what the campus said: {line}");
                assert!(!line.contains(wrong) && !line.contains(&student.number), "{line}");
            }
            let metrics = engine.admin("/metrics").await.1;
            for outcome in ["vpn_refused", "urp_refused", "bound"] {
                assert!(metrics.contains(&format!("binds_total{{outcome=\"{outcome}\"}} 1")), "{metrics}");
            }
            assert!(metrics.contains("code=\"WRONG_PASSWORD\""), "{metrics}");
        })
        .await;
}

#[tokio::test]
async fn a_schema_that_was_changed_behind_its_back_stops_the_start() {
    setup()
        .run(async |app| {
            let changed = doc! { "$set": { "checksum": "0".repeat(64) } };
            app.db.collection("migrations").update_one(doc! { "_id": "0001_users" }, changed).await.unwrap();
            app.db.replicated().await;
            let mut engine = Engine::serve(&app.settings);
            let (code, output) = engine.ended().await;
            assert_eq!(code, Some(1), "{output:#?}");
            assert!(output.iter().any(|line| line.contains("0001_users")), "{output:#?}");
        })
        .await;
}

#[tokio::test]
async fn a_schema_that_seems_to_be_behind_is_not_judged_without_the_primary() {
    setup()
        .empty_database()
        .run(async |app| {
            let relays = Relays::start().await;
            let primary = app.db.primary().await;
            relays.stop(primary);
            let mut settings = app.settings.clone();
            let uri = relays.uri(&app.db.uri());
            settings.set("WEHPU_MONGODB_URI", &format!("{uri}&serverSelectionTimeoutMS=300"));
            let mut engine = Engine::serve(&settings);
            // A secondary that has not heard of the migrations yet is all it sees.
            engine.printed("the engine to wait", |line| line.contains("waiting for the database")).await;
            run_engine(&["migrate"], &app.settings).await.succeeded();
            relays.start_again(primary);
            engine.wait_until_ready().await;
        })
        .await;
}

/// Sends the beginning of a request and keeps the connection open.
async fn held(address: &str, beginning: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, beginning).await.unwrap();
    stream
}

#[tokio::test]
async fn bodies_that_never_end_hold_little_memory_and_nobody_up() {
    setup()
        .run(async |app| {
            let engine = Engine::ready(&app.settings).await;
            let address = engine.api.trim_start_matches("http://");
            let before = engine.memory();
            // As large as the service reads them, each without its last byte.
            let length = 64 * 1024;
            let head = format!("POST /api/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
            let beginning = [head.as_bytes(), &vec![b'a'; length - 1]].concat();
            let mut open = Vec::new();
            for _ in 0..200 {
                open.push(held(address, &beginning).await);
            }
            let answer = Answer::of(app.request_at(&engine.api, Method::GET, "/api/calendar").send().await.unwrap()).await;
            answer.expect_error(403, "TOKEN_INVALID");
            // 13 MiB of bodies, and what is made of them.
            let more = engine.memory().saturating_sub(before);
            assert!(more < 40 * 1024 * 1024, "{more} bytes");
        })
        .await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_sent() {
    setup()
        .run(async |app| {
            let head = "POST /api/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1048000\r\nconnection: close\r\n\r\n{";
            app.raw(head.as_bytes()).await.expect_error(413, "PAYLOAD_TOO_LARGE");
        })
        .await;
}
