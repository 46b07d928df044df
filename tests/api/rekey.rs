//! `wehpu-engine rekey`: new keys for stored credentials, and what the old service had encrypted.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use md5::{Digest, Md5};
use mongodb::bson::doc;

use crate::support::{KEY_1, KEY_2, Settings, TestApp, run_engine, setup, text_of};

const FIELDS: [&str; 4] = ["vpnPassWord", "jwcPassWord", "libPassWord", "idNumber"];

/// The passphrase of the old service.
const PASSPHRASE: &str = "the old passphrase";

/// What Node's `crypto.createCipher('aes-256-cbc', passphrase)` makes of a text, in hexadecimal.
fn old_cipher(plain: &str) -> String {
    let mut derived: Vec<u8> = Vec::new();
    let mut block: Vec<u8> = Vec::new();
    while derived.len() < 48 {
        block.extend_from_slice(PASSPHRASE.as_bytes());
        block = Md5::digest(&block).to_vec();
        derived.extend_from_slice(&block);
    }
    let key = UnboundCipherKey::new(&AES_256, &derived[..32]).unwrap();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
    let mut text = plain.as_bytes().to_vec();
    let iv: [u8; 16] = derived[32..].try_into().unwrap();
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(iv.into())).unwrap();
    hex::encode(text)
}

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
            assert!(counted.stdout.contains("7 values to re-seal"), "{counted:?}");
            assert_eq!(key_ids(app, &student.open_id).await, ["t1"; 4]);
            let done = run_engine(&["rekey"], &settings).await.succeeded();
            assert!(done.stdout.contains("7 values re-sealed, 0 left"), "{done:?}");
            assert_eq!(key_ids(app, &student.open_id).await, ["t2"; 4]);

            let only_new = app.start_replica(|s| _ = s.set("WEHPU_CREDENTIAL_KEYS", KEY_2)).await;
            student.at(&only_new).course().await.expect_data(false);
            assert_eq!(app.sim.count_of("urp.login.ok"), 1, "the session's key is gone: it is made anew");
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
            assert!(again.stdout.contains("3 values re-sealed, 0 left"), "{again:?}");
            let idle = run_engine(&["rekey"], &settings).await.succeeded();
            assert!(idle.stdout.contains("0 values re-sealed, 0 left"), "{idle:?}");
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
            assert!(finished.stdout.contains("3 left"), "{finished:?}");
            assert!(!format!("{finished:?}").contains(&student.open_id), "accounts are not named: {finished:?}");
            assert_eq!(app.db.user(&student.open_id).await, before);
        })
        .await;
}

#[tokio::test]
async fn credentials_of_the_old_service_are_sealed_and_work() {
    setup()
        .run(async |app| {
            let campus = app.sim.student_at(1);
            let student = app.student(1).await;
            let old = doc! { "$set": {
                "bind": true, "studentId": &campus.number, "name": &campus.name, "vpnPassWord": old_cipher(&campus.vpn_password),
                "jwcPassWord": old_cipher(&campus.urp_password), "libPassWord": old_cipher("图书馆 密码"),
                "idNumber": old_cipher(&campus.id_number),
            } };
            app.db.collection("users").update_one(doc! { "openId": &student.open_id }, old).await.unwrap();
            student.course().await.expect_error(400, "WRONG_PASSWORD");

            let without = run_engine(&["rekey"], &app.settings).await;
            assert_eq!(without.code, Some(1), "the old cipher is not configured: {without:?}");
            let mut settings = app.settings.clone();
            settings.set("WEHPU_LEGACY_CIPHER", "aes-256-cbc").set("WEHPU_LEGACY_SECRET", "another passphrase");
            let wrong = run_engine(&["rekey"], &settings).await;
            assert_eq!(wrong.code, Some(1), "{wrong:?}");
            settings.set("WEHPU_LEGACY_SECRET", PASSPHRASE);
            let done = run_engine(&["rekey"], &settings).await.succeeded();
            assert!(done.stdout.contains("4 values re-sealed, 0 left"), "{done:?}");

            student.course().await.expect_data(false);
            let user = app.db.user(&student.open_id).await.unwrap();
            let open = |field: &str| {
                let sealed = app.replicas[0].app.keys.open(&student.open_id, field, text_of(&user, field)).unwrap();
                secrecy::ExposeSecret::expose_secret(&sealed).to_owned()
            };
            assert_eq!(open("libPassWord"), "图书馆 密码");
            assert_eq!(open("idNumber"), campus.id_number[10..]);
        })
        .await;
}
