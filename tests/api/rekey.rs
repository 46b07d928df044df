//! `wehpu-engine rekey`: new keys for stored credentials, and what the old service had encrypted.

use mongodb::bson::{Document, doc};

use crate::support::{KEY_1, KEY_2, PASSPHRASE, Settings, TestApp, old_cipher, run_engine, setup, text_of};

const FIELDS: [&str; 4] = ["vpnPassWord", "jwcPassWord", "libPassWord", "idNumber"];

/// The settings of after a rotation: the new key in front.
fn rotated(app: &TestApp) -> Settings {
    let mut settings = app.settings.clone();
    settings.set("WEHPU_CREDENTIAL_KEYS", &format!("{KEY_2},{KEY_1}"));
    settings
}

/// The key ids of the four credentials as they are stored.
async fn key_ids(app: &TestApp, open_id: &str) -> Vec<String> {
    let user = app.db.user(open_id).await.unwrap();
    let id = |field: &&str| text_of(&user, field).split('.').nth(1).unwrap_or_default().to_owned();
    FIELDS.iter().map(id).collect()
}

#[tokio::test]
async fn after_a_rotation_the_former_key_is_not_needed_any_more() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.change("libPassWord", "lib-000001").await.expect(201);
            app.bound(2).await;
            let settings = rotated(app);
            let counted = run_engine(&["rekey", "--dry-run"], &settings).await.succeeded();
            assert!(counted.stdout.contains("7 values would be re-sealed with t2, 0 are already"), "{counted:?}");
            assert!(counted.stdout.contains("key t1 is still needed: 7 values"), "{counted:?}");
            assert_eq!(key_ids(app, &student.open_id).await, ["t1"; 4]);
            let done = run_engine(&["rekey"], &settings).await.succeeded();
            assert!(done.stdout.contains("7 values re-sealed with t2, 0 were already"), "{done:?}");
            assert!(done.stdout.contains("key t1 is not needed any more"), "{done:?}");
            assert_eq!(key_ids(app, &student.open_id).await, ["t2"; 4]);

            let only_new = app.start_replica(|s| _ = s.set("WEHPU_CREDENTIAL_KEYS", KEY_2)).await;
            student.at(&only_new).course().await.expect_data(false);
            assert_eq!(app.sim.count_of("urp.login.ok"), 1, "the session's key is gone: a new one is made");
            app.next_day().await;
            student.at(&only_new).course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn an_interrupted_run_is_completed_by_the_next_which_then_finds_nothing_to_do() {
    setup()
        .run(async |app| {
            let students = [app.bound(1).await, app.bound(2).await];
            let settings = rotated(app);
            run_engine(&["rekey"], &settings).await.succeeded();
            // As if the run had ended between the two: the second student's values are those of before.
            let replica = app.start_replica(|_| {}).await;
            students[1].at(&replica).bind().await;
            assert_eq!(key_ids(app, &students[1].open_id).await[0], "t1");
            let again = run_engine(&["rekey"], &settings).await.succeeded();
            assert!(again.stdout.contains("3 values re-sealed with t2, 3 were already, 0 do not open"), "{again:?}");
            let idle = run_engine(&["rekey"], &settings).await.succeeded();
            assert!(idle.stdout.contains("0 values re-sealed with t2, 6 were already, 0 do not open"), "{idle:?}");
        })
        .await;
}

#[tokio::test]
async fn two_at_once_leave_every_value_readable() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let settings = rotated(app);
            let rekey = || run_engine(&["rekey"], &settings);
            tokio::join!(rekey(), rekey());
            run_engine(&["rekey"], &settings).await.succeeded();
            let only_new = app.start_replica(|s| _ = s.set("WEHPU_CREDENTIAL_KEYS", KEY_2)).await;
            student.at(&only_new).course().await.expect_data(false);
        })
        .await;
}

#[tokio::test]
async fn a_value_whose_key_is_missing_is_left_alone_and_told() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let before = app.db.user(&student.open_id).await;
            let mut settings = app.settings.clone();
            settings.set("WEHPU_CREDENTIAL_KEYS", KEY_2);
            let finished = run_engine(&["rekey"], &settings).await;
            assert_eq!(finished.code, Some(1), "{finished:?}");
            assert!(finished.stdout.contains("3 do not open"), "{finished:?}");
            assert!(!format!("{finished:?}").contains(&student.open_id), "accounts are not named: {finished:?}");
            assert_eq!(app.db.user(&student.open_id).await, before);
        })
        .await;
}

#[tokio::test]
async fn a_key_whose_bytes_have_changed_is_found_and_no_key_is_called_dispensable() {
    setup()
        .run(async |app| {
            app.bound(1).await;
            let (id, _) = KEY_1.split_once(':').unwrap();
            let (_, other) = KEY_2.split_once(':').unwrap();
            let mut settings = app.settings.clone();
            // In front, and as an older key: the same id with other bytes.
            for keys in [format!("{id}:{other},{KEY_2}"), format!("{KEY_2},{id}:{other}")] {
                settings.set("WEHPU_CREDENTIAL_KEYS", &keys);
                for arguments in [&["rekey", "--dry-run"][..], &["rekey"]] {
                    let finished = run_engine(arguments, &settings).await;
                    assert_eq!(finished.code, Some(1), "{finished:?}");
                    assert!(finished.stdout.contains("3 do not open"), "{finished:?}");
                    assert!(!finished.stdout.contains("not needed"), "{finished:?}");
                    assert!(finished.stderr.contains("Remove no key"), "{finished:?}");
                }
            }
        })
        .await;
}

/// What the old service stored of a bound student; `lib` is the sealed library password.
fn old_binding(campus: &campus_sim::Student, cipher: &str, lib: &str) -> Document {
    let seal = |plain: &str| old_cipher(cipher, plain);
    doc! { "$set": {
        "bind": true, "studentId": &campus.number, "name": &campus.name, "vpnPassWord": seal(&campus.vpn_password),
        "jwcPassWord": seal(&campus.urp_password), "libPassWord": lib, "idNumber": seal(&campus.id_number),
    } }
}

/// The settings with the old service's cipher.
fn with_legacy(app: &TestApp, cipher: &str, secret: &str) -> Settings {
    let mut settings = app.settings.clone();
    settings.set("WEHPU_LEGACY_CIPHER", cipher).set("WEHPU_LEGACY_SECRET", secret);
    settings
}

/// A credential as it is stored, opened.
async fn opened(app: &TestApp, open_id: &str, field: &str) -> String {
    let user = app.db.user(open_id).await.unwrap();
    let sealed = app.replicas[0].app.keys.open(open_id, field, text_of(&user, field)).unwrap();
    secrecy::ExposeSecret::expose_secret(&sealed).to_owned()
}

#[tokio::test]
async fn credentials_of_the_old_service_are_sealed_and_work() {
    setup()
        .run(async |app| {
            let campus = app.sim.student_at(1);
            let student = app.student(1).await;
            let old = old_binding(&campus, "aes-256-cbc", &old_cipher("aes-256-cbc", "图书馆 密码"));
            app.db.collection("users").update_one(doc! { "openId": &student.open_id }, old).await.unwrap();
            student.course().await.expect_error(400, "WRONG_PASSWORD");

            let without = run_engine(&["rekey"], &app.settings).await;
            assert_eq!(without.code, Some(1), "the old cipher is not configured: {without:?}");
            let before = app.db.user(&student.open_id).await;
            let wrong = run_engine(&["rekey"], &with_legacy(app, "aes-256-cbc", "another passphrase")).await.failed();
            assert!(wrong.stderr.contains("wrong cipher or secret"), "{wrong:?}");
            assert_eq!(app.db.user(&student.open_id).await, before);
            let done = run_engine(&["rekey"], &with_legacy(app, "aes-256-cbc", PASSPHRASE)).await.succeeded();
            assert!(done.stdout.contains("4 values re-sealed with t1, 0 were already, 0 do not open"), "{done:?}");

            student.course().await.expect_data(false);
            assert_eq!(opened(app, &student.open_id, "libPassWord").await, "图书馆 密码");
            assert_eq!(opened(app, &student.open_id, "idNumber").await, campus.id_number[10..]);
        })
        .await;
}

#[tokio::test]
async fn every_stream_cipher_of_the_old_service_is_read_an_empty_library_password_included() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for bits in ["128", "192", "256"] {
                for mode in ["ctr", "cfb", "ofb"] {
                    let cipher = format!("aes-{bits}-{mode}");
                    let old = old_binding(&student.campus, &cipher, &old_cipher(&cipher, ""));
                    app.db.collection("users").update_one(doc! { "openId": &student.open_id }, old).await.unwrap();
                    let done = run_engine(&["rekey"], &with_legacy(app, &cipher, PASSPHRASE)).await.succeeded();
                    assert!(
                        done.stdout.contains("3 values re-sealed with t1, 0 were already, 0 do not open"),
                        "{cipher}: {done:?}"
                    );
                    assert_eq!(opened(app, &student.open_id, "vpnPassWord").await, student.campus.vpn_password);
                    assert_eq!(text_of(&app.db.user(&student.open_id).await.unwrap(), "libPassWord"), "");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn a_wrong_secret_of_a_stream_cipher_is_noticed_before_anything_is_written() {
    setup()
        .run(async |app| {
            for index in 1..=3 {
                let student = app.student(index).await;
                let old = old_binding(&student.campus, "aes-192-ctr", "");
                app.db.collection("users").update_one(doc! { "openId": &student.open_id }, old).await.unwrap();
            }
            let before = app.db.all("users").await;
            for (cipher, secret) in [("aes-192-ctr", "another"), ("aes-256-ctr", PASSPHRASE), ("aes192", PASSPHRASE)] {
                for arguments in [&["rekey"][..], &["rekey", "--dry-run"]] {
                    let wrong = run_engine(arguments, &with_legacy(app, cipher, secret)).await.failed();
                    assert!(wrong.stderr.contains("wrong cipher or secret: 9 of 9 values"), "{cipher}: {wrong:?}");
                    assert_eq!(app.db.all("users").await, before, "{cipher}");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn a_value_that_looks_wrong_is_counted_by_field_and_left_as_it_is() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let broken = old_cipher("aes-128-ofb", "\u{1}\u{2}");
            let mut old = old_binding(&student.campus, "aes-128-ofb", &broken);
            let half = old_cipher("aes-128-ofb", "4108021997");
            old.get_document_mut("$set").unwrap().insert("idNumber", &half);
            app.db.collection("users").update_one(doc! { "openId": &student.open_id }, old).await.unwrap();
            let finished = run_engine(&["rekey"], &with_legacy(app, "aes-128-ofb", PASSPHRASE)).await;
            assert_eq!(finished.code, Some(1), "{finished:?}");
            assert!(
                finished.stdout.contains("2 values re-sealed with t1, 0 were already, 2 do not open"),
                "{finished:?}"
            );
            assert!(finished.stdout.contains("were left: idNumber 1, libPassWord 1"), "{finished:?}");
            let user = app.db.user(&student.open_id).await.unwrap();
            assert_eq!((text_of(&user, "libPassWord"), text_of(&user, "idNumber")), (broken.as_str(), half.as_str()));
            assert_eq!(opened(app, &student.open_id, "jwcPassWord").await, student.campus.urp_password);
        })
        .await;
}
