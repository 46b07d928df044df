//! The other commands of the program.

use campus_sim::{Fault, System};
use reqwest::Method;

use wehpu_engine::crypto::Pseudonyms;

use crate::support::{Answer, Engine, JWT_SECRET, KEY_1, Settings, run_engine, run_engine_unread, setup};

#[tokio::test]
async fn healthcheck_says_by_its_exit_code_whether_the_service_is_ready() {
    setup()
        .run(async |app| {
            let mut engine = Engine::ready(&app.settings).await;
            let mut settings = Settings::default();
            settings.set("WEHPU_ADMIN_ADDR", &engine.admin);
            let healthy = run_engine(&["healthcheck"], &settings).await.succeeded();
            assert_eq!(healthy.stdout.lines().count(), 1, "{healthy:?}");
            let port = engine.admin.rsplit(':').next().unwrap().to_owned();
            settings.set("WEHPU_ADMIN_ADDR", &format!("0.0.0.0:{port}"));
            run_engine(&["healthcheck"], &settings).await.succeeded();
            engine.signal("KILL").await;
            engine.ended().await;
            let dead = run_engine(&["healthcheck"], &settings).await.failed();
            assert_eq!(dead.stderr.lines().count(), 1, "{dead:?}");
        })
        .await;
}

#[tokio::test]
async fn healthcheck_asks_any_address() {
    setup()
        .run(async |app| {
            let none = Settings::default();
            let ask = async |path: &str| {
                let url = format!("{}{path}", app.sim.base_url());
                run_engine(&["healthcheck", "--url", &url], &none).await
            };
            ask("/_sim/healthz").await.succeeded();
            ask("/_sim/students/nobody").await.failed();
            app.sim.set_fault(System::Wechat, Fault::hang());
            let url = format!("{}/sns/jscode2session", app.sim.url("wechat"));
            run_engine(&["healthcheck", "--url", &url, "--timeout", "1"], &none).await.failed();
        })
        .await;
}

#[tokio::test]
async fn config_prints_what_is_in_force_and_masks_every_secret() {
    setup()
        .run(async |app| {
            let mut settings = app.settings.clone();
            settings
                .set("WEHPU_GITHUB_TOKEN", "token-of-github")
                .set("WEHPU_LEGACY_CIPHER", "aes256")
                .set("WEHPU_LEGACY_SECRET", "legacy-passphrase")
                .set("WEHPU_BULLETIN_STUDENT_ID", "311500000000")
                .set("WEHPU_BULLETIN_VPN_PASSWORD", "bulletin-password")
                .set("WEHPU_MIGRATE_MONGODB_URI", &app.db.uri().replace("mongodb://", "mongodb://migrate:hunter2@"))
                .set("WEHPU_SPIDER_MONGODB_URI", &app.db.uri().replace("mongodb://", "mongodb://spider:hunter2@"));
            let printed = run_engine(&["config"], &settings).await.succeeded();
            assert!(printed.stdout.lines().any(|line| line == "WEHPU_TERM_WEEKS=20  # environment"), "{printed:?}");
            assert!(
                printed.stdout.lines().any(|line| line == "WEHPU_LOG=info  # default"),
                "defaults too: {printed:?}"
            );
            let secrets = [
                JWT_SECRET,
                KEY_1,
                "wx-sim-secret",
                "token-of-github",
                "legacy-passphrase",
                "bulletin-password",
                "hunter2",
                &app.db.uri(),
            ];
            for secret in secrets {
                assert!(!format!("{printed:?}").contains(secret), "{secret} is printed");
            }
        })
        .await;
}

#[tokio::test]
async fn config_names_everything_that_is_wrong_without_repeating_it() {
    let mut settings = Settings::default();
    settings
        .set("WEHPU_PROFILE", "dev")
        .set("WEHPU_CREDENTIAL_KEYS", "k1:too-short-secret")
        .set("WEHPU_TERM_WEEKS", "0");
    settings.set("WEHPU_JWT_TTL", "soon").set("WEHPU_MONGODB_URI", "mongodb://u:hunter2@host");
    let finished = run_engine(&["config"], &settings).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    for name in [
        "WEHPU_CREDENTIAL_KEYS",
        "WEHPU_TERM_WEEKS",
        "WEHPU_JWT_TTL",
        "WEHPU_MONGODB_URI",
        "WEHPU_JWT_SECRET",
        "WEHPU_WECHAT_APP_ID",
        "WEHPU_WECHAT_APP_SECRET",
        "WEHPU_TERM",
        "WEHPU_TERM_START",
    ] {
        let lines = finished.stderr.lines().filter(|line| line.contains(&format!("{name}:"))).count();
        assert_eq!(lines, 1, "{name}: {finished:?}");
    }
    for secret in ["too-short-secret", "hunter2"] {
        assert!(!format!("{finished:?}").contains(secret), "{finished:?}");
    }
}

#[tokio::test]
async fn school_lists_checks_and_detects_without_a_network() {
    let mut settings = Settings::default();
    let listed = run_engine(&["school", "list"], &settings).await.succeeded();
    let names: Vec<_> = listed.stdout.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(names, ["hpu-urp", "hpu", "demo-zf"]);
    for name in names {
        run_engine(&["school", "check", name], &settings).await.succeeded();
    }
    settings.set("WEHPU_SCHOOL", "hpu");
    let checked = run_engine(&["school", "check"], &settings).await.succeeded();
    let line = "bind.account_name = \"统一身份认证\"  # hpu (built in):";
    assert!(checked.stdout.lines().any(|known| known.starts_with(line)), "{checked:?}");
    let refused = run_engine(&["school", "check", "no/such.toml"], &settings).await.failed();
    assert!(refused.stderr.contains("no/such.toml: cannot be read"), "{refused:?}");
    let login = "https://uia.example.edu.cn/cas/login?service=https%3A%2F%2Fjw.example.edu.cn%2Feams%2Flogin.action";
    let detected = run_engine(&["school", "detect", login], &settings).await.succeeded();
    assert!(detected.stdout.ends_with("system: eams\n"), "{detected:?}");
}

#[tokio::test]
async fn production_refuses_example_secrets_and_plain_http() {
    setup()
        .run(async |app| {
            let mut settings = app.settings.clone();
            settings.set("WEHPU_PROFILE", "prod").set("WEHPU_JWT_SECRET", "short").set("WEHPU_LIMIT_BIND", "off");
            let finished = run_engine(&["config"], &settings).await;
            assert_eq!(finished.code, Some(1), "{finished:?}");
            settings.set("WEHPU_LIMIT_BIND", "3/1h,10/1d,5/1h").set("WEHPU_LIMIT_BURST", "120/1m");
            let also = run_engine(&["config"], &settings).await;
            let problems = finished.stderr + &also.stderr;
            for name in [
                "WEHPU_JWT_SECRET",
                "WEHPU_LIMIT_BIND",
                "WEHPU_VPN_URL",
                "WEHPU_WECHAT_API_URL",
                "WEHPU_GITHUB_API_URL",
            ] {
                assert!(problems.contains(name), "{name}: {problems}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_limit_of_binds_in_its_former_form_is_refused_and_the_new_one_named() {
    setup()
        .run(async |app| {
            let mut settings = app.settings.clone();
            settings.set("WEHPU_LIMIT_BIND", "5/1h,10/1d");
            let refused = run_engine(&["config"], &settings).await.failed();
            assert!(refused.stderr.contains("WEHPU_LIMIT_BIND: must be 3 of count/period"), "{refused:?}");
            for words in ["of a user with one student number", "of a user,", "never bound the number"] {
                assert!(refused.stderr.contains(words), "{refused:?}");
            }
            settings.set("WEHPU_LIMIT_BIND", "3/1h,10/1d,5/1h");
            run_engine(&["config"], &settings).await.succeeded();
        })
        .await;
}

#[tokio::test]
async fn production_does_not_start_without_the_public_address_of_its_links() {
    setup()
        .run(async |app| {
            let mut settings = app.settings.clone();
            settings.set("WEHPU_PROFILE", "prod").set("WEHPU_LIMIT_BURST", "120/1m");
            let problem = async |settings: &Settings| {
                let finished = run_engine(&["serve"], settings).await.failed();
                finished.stderr.contains("WEHPU_PUBLIC_URL: is required")
            };
            assert!(problem(&settings).await);
            // What else is wrong is told all the same.
            assert!(!problem(settings.set("WEHPU_PUBLIC_URL", "https://wehpu.example")).await);
        })
        .await;
}

#[tokio::test]
async fn a_secret_may_come_from_a_file() {
    setup()
        .run(async |app| {
            let file = std::env::temp_dir().join(format!("wehpu-test-{}-jwt", std::process::id()));
            std::fs::write(&file, format!("{JWT_SECRET}\n")).unwrap();
            let mut settings = app.settings.clone();
            settings.set("WEHPU_JWT_SECRET", "").set("WEHPU_JWT_SECRET_FILE", file.to_str().unwrap());
            let engine = Engine::ready(&settings).await;
            let token = app.student(1).await.token;
            let request = app.request_at(&engine.api, Method::GET, "/api/calendar").bearer_auth(token);
            let answer = Answer::of(request.send().await.unwrap()).await;
            std::fs::remove_file(&file).unwrap();
            // Its clock is the real one, two days behind that of the test: the token counts all the same.
            answer.expect(200);
            let missing = run_engine(&["config"], &settings).await;
            assert!(missing.stderr.contains("WEHPU_JWT_SECRET_FILE"), "{missing:?}");
        })
        .await;
}

#[tokio::test]
async fn every_command_explains_itself() {
    let none = Settings::default();
    let commands: [&[&str]; 11] = [
        &[],
        &["serve"],
        &["migrate"],
        &["rekey"],
        &["retention"],
        &["replset"],
        &["replset", "init"],
        &["healthcheck"],
        &["config"],
        &["captcha"],
        &["parse"],
    ];
    for command in commands {
        let help = run_engine(&[command, &["--help"]].concat(), &none).await.succeeded();
        assert!(help.stdout.contains("Usage: wehpu-engine"), "{command:?}: {help:?}");
    }
    run_engine(&["--version"], &none).await.succeeded();
    let unknown = run_engine(&["frobnicate"], &none).await;
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
}

#[tokio::test]
async fn a_reader_who_has_seen_enough_is_no_error() {
    for command in [&["openapi"][..], &["config", "--example"]] {
        let finished = run_engine_unread(command, &Settings::default()).await;
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{command:?}");
    }
}

#[tokio::test]
async fn a_student_number_leads_to_the_words_of_the_log() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let number = &app.sim.student_at(1).number;
            let printed = run_engine(&["pseudonym", number], &app.settings).await.succeeded();
            let words: Vec<&str> = printed.stdout.lines().collect();
            let pseudonyms = Pseudonyms::new(JWT_SECRET.as_bytes());
            let expected =
                [format!("number {}", pseudonyms.of(number)), format!("student {}", pseudonyms.of(&student.open_id))];
            assert_eq!(words, expected);
            let nobody = run_engine(&["pseudonym", "311509000399"], &app.settings).await.succeeded();
            assert_eq!(nobody.stdout.lines().count(), 1, "{nobody:?}");
            assert!(nobody.stderr.contains("no account is bound"), "{nobody:?}");
            let wrong = run_engine(&["pseudonym", "zhang"], &app.settings).await.failed();
            assert!(wrong.stderr.contains("8 to 14 digits"), "{wrong:?}");
        })
        .await;
}

#[tokio::test]
async fn parse_prints_what_the_endpoint_would_show_and_nothing_else() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let none = Settings::default();
    let parse = async |page: &str, file: &str| run_engine(&["parse", page, &format!("{fixtures}/{file}")], &none).await;
    let table = parse("urp-course", "urp/course.gbk.html").await.succeeded();
    let data: serde_json::Value = serde_json::from_str(&table.stdout).unwrap();
    assert!(data["mon"].is_array() && data["oth"].is_array(), "{data}");
    for (page, file, count) in [
        ("eams-exam-batches", "eams/exam-batches.html", "2"),
        ("eams-exam", "eams/exam.html", "3"),
        ("eams-evaluation", "eams/evaluation.html", "{\"open\":2}"),
    ] {
        let read = parse(page, file).await.succeeded();
        let data: serde_json::Value = serde_json::from_str(&read.stdout).unwrap();
        let told = data.as_array().map_or_else(|| data.to_string(), |rows| rows.len().to_string());
        assert_eq!((told.as_str(), read.stderr.as_str()), (count, ""), "{page}");
    }
    let plan = parse("eams-plan", "eams/plan.html").await.succeeded();
    assert!(plan.stdout.contains("\"need\": 160.0") && plan.stderr.is_empty(), "{plan:?}");
    for (file, kind) in [
        ("urp/login-page.gbk.html", "SESSION_EXPIRED"),
        ("vpn/login-page.html", "SESSION_EXPIRED"),
        ("maintenance.gbk.html", "CAMPUS_DOWN"),
        ("garbage.html", "CAMPUS_CHANGED"),
    ] {
        let other = parse("urp-course", file).await;
        assert_ne!(other.code, Some(0), "{other:?}");
        assert!(other.stdout.is_empty() && other.stderr.contains(kind), "{other:?}");
    }
    assert_eq!(parse("urp-course", "no-such-file").await.code, Some(1));
}
