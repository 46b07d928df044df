//! Nothing secret and nothing personal in the log, not even at its most talkative.

use campus_sim::{Fault, System};
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Engine, JWT_SECRET, KEY_1, TestApp, setup};

/// Everything a student can do, well and badly; gives what must not be in the log.
async fn a_full_day(app: &TestApp, engine: &Engine) -> Vec<String> {
    let (open_id, campus) = ("oWxSecretOpenId0001", app.sim.student_at(1));
    let code = app.sim.wechat_code(open_id);
    let profile =
        app.sim.wechat_encrypt(&code, &json!({ "nickName": "秘密昵称", "avatarUrl": "https://img.example/secret" }));
    let session_key = app.sim.wechat_session_key(&code);
    let request = |method: Method, path: &str| app.request_at(&engine.api, method, path);
    let send = async |request: reqwest::RequestBuilder| Answer::of(request.send().await.unwrap()).await;

    let fields = [("code", code.as_str()), ("encryptedData", &profile.encrypted_data), ("iv", &profile.iv)];
    let login = send(request(Method::POST, "/api/login").form(&fields)).await.expect(201);
    let token = login.data()["token"].as_str().unwrap().to_owned();
    send(request(Method::POST, "/api/login").form(&fields)).await.expect(201);
    let bind = async |vpn: &str, urp: &str| {
        let fields = [("studentId", campus.number.as_str()), ("vpnPassWord", vpn), ("jwcPassWord", urp)];
        send(request(Method::POST, "/api/bind").bearer_auth(&token).form(&fields)).await
    };
    let (vpn, urp) = (&campus.vpn_password, &campus.urp_password);
    bind("wrong-vpn-guess", urp).await.expect_error(400, "WRONG_PASSWORD");
    bind(vpn, "wrong-urp-guess").await.expect_error(400, "WRONG_PASSWORD");
    bind(vpn, urp).await.expect(201);
    let get = async |path: &str| send(request(Method::GET, path).bearer_auth(&token)).await;
    get("/api/user").await.expect(200);
    get(&format!("/api/user/{}?q=secret-query", campus.number)).await;
    get("/api/course").await.expect_data(false);
    get("/api/calendar").await.expect(200);
    let change = json!({ "key": "libPassWord", "value": "library-password-1" });
    send(request(Method::PUT, "/api/user").bearer_auth(&token).json(&change)).await.expect(201);
    let change = json!({ "key": "dormitory", "value": "秘密宿舍" });
    send(request(Method::PUT, "/api/user").bearer_auth(&token).json(&change)).await.expect(201);
    let broken = format!("{{\"code\": {{\"secret-in-json\": \"{}\"", campus.number);
    let typed = request(Method::POST, "/api/login").header("content-type", "application/json").body(broken);
    send(typed).await.expect_error(400, "BAD_REQUEST");
    for (system, fault) in
        [(System::Urp, Fault::garbage()), (System::Urp, Fault::maintenance()), (System::Vpn, Fault::dropped())]
    {
        app.sim.set_fault(system, fault);
        bind(vpn, urp).await;
        app.sim.clear_faults();
    }
    app.sim.set_fault(System::Wechat, Fault::server_error());
    send(request(Method::POST, "/api/login").form(&[("code", "secret-code-1")]))
        .await
        .expect_error(503, "WECHAT_UNAVAILABLE");
    app.sim.clear_faults();
    send(request(Method::GET, "/api/user").bearer_auth("eyJ.secret.token")).await.expect_error(403, "TOKEN_INVALID");

    let cookie = app.db.all("sessions").await;
    assert!(!cookie.is_empty());
    let course = &campus.courses[0];
    let mut secrets: Vec<String> = [
        open_id,
        &code,
        &session_key,
        &profile.encrypted_data,
        "秘密昵称",
        "img.example",
        &token,
        &campus.number,
        vpn,
        urp,
        "wrong-vpn-guess",
        "wrong-urp-guess",
        &campus.name,
        &campus.id_number,
        &campus.id_number[10..],
        "library-password-1",
        "秘密宿舍",
        "secret-in-json",
        "secret-code-1",
        "secret.token",
        "secret-query",
        JWT_SECRET,
        "wx-sim-secret",
        &course.name,
        KEY_1.split(':').nth(1).unwrap(),
        "TWFID",
    ]
    .map(str::to_owned)
    .into();
    secrets.extend(course.teachers.clone());
    secrets
}

async fn logged_without_secrets(level: &str) {
    let level = level.to_owned();
    setup()
        .settings(move |s| {
            s.set("WEHPU_LOG", &level);
        })
        .run(async |app| {
            let mut engine = Engine::ready(&app.settings).await;
            let secrets = a_full_day(app, &engine).await;
            let (_, metrics) = engine.admin("/metrics").await;
            engine.signal("TERM").await;
            let (code, mut output) = engine.ended().await;
            assert_eq!(code, Some(0), "{output:#?}");
            assert!(output.iter().any(|line| line.contains("/api/bind")), "{output:#?}");
            output.extend(metrics.lines().map(str::to_owned));
            for line in &output {
                for secret in &secrets {
                    assert!(!line.contains(secret.as_str()), "«{secret}» is in the log: {line}");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn the_log_of_a_full_day_holds_nothing_secret_or_personal() {
    logged_without_secrets("info").await;
}

#[tokio::test]
async fn nor_does_the_most_talkative_log() {
    logged_without_secrets("trace").await;
}

#[tokio::test]
async fn a_start_that_fails_does_not_print_the_databases_password() {
    setup()
        .run(async |app| {
            let mut settings = app.settings.clone();
            settings.set("WEHPU_MONGODB_URI", &app.db.uri().replace("mongodb://", "mongodb://engine:hunter2@"));
            let mut engine = Engine::serve(&settings);
            engine.printed("the wait for the database", |line| line.contains("listening")).await;
            assert_eq!(engine.admin("/livez").await.0, 200);
            let token = app.student(1).await.token;
            let request = app.request_at(&engine.api, Method::GET, "/api/user").bearer_auth(token);
            Answer::of(request.send().await.unwrap()).await.expect_error(503, "DATABASE_UNAVAILABLE");
            engine.signal("KILL").await;
            let (_, output) = engine.ended().await;
            for line in &output {
                assert!(!line.contains("hunter2"), "{line}");
            }
        })
        .await;
}
