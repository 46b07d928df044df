//! The `Authorization` header: whose tokens count, and for how long.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::support::{JWT_SECRET, TestApp, setup};

/// A token with this payload, signed with this secret.
fn signed(algorithm: Algorithm, secret: &str, payload: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), payload, &key).unwrap()
}

/// The payload that the old service put into its tokens.
fn payload(app: &TestApp, open_id: &str) -> Value {
    let now = app.clock.unix();
    json!({ "openId": open_id, "nickName": "小明", "iat": now - 60, "exp": now + 3600 })
}

#[tokio::test]
async fn a_token_of_the_old_service_is_valid() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let token = signed(Algorithm::HS256, JWT_SECRET, &payload(app, &student.open_id));
            for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
                app.get_as(&format!("{scheme} {token}"), "/api/user").await.expect(200);
            }
        })
        .await;
}

#[tokio::test]
async fn a_token_that_is_not_ours_means_log_in_again() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let good = payload(app, &student.open_id);
            let with = |field: &str, value: Value| {
                let mut changed = good.clone();
                changed[field] = value;
                signed(Algorithm::HS256, JWT_SECRET, &changed)
            };
            let without = |field: &str| {
                let mut changed = good.clone();
                changed.as_object_mut().unwrap().remove(field);
                signed(Algorithm::HS256, JWT_SECRET, &changed)
            };
            let ours = signed(Algorithm::HS256, JWT_SECRET, &good);
            let (head, signature) = ours.rsplit_once('.').unwrap();
            let other_payload = signed(Algorithm::HS256, JWT_SECRET, &payload(app, "somebody-else"));
            let tokens = [
                ("another secret", signed(Algorithm::HS256, "another-secret-of-more-than-32-bytes", &good)),
                ("no secret", signed(Algorithm::HS256, "", &good)),
                ("HS512", signed(Algorithm::HS512, JWT_SECRET, &good)),
                ("HS384", signed(Algorithm::HS384, JWT_SECRET, &good)),
                ("alg none", format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", head.split('.').nth(1).unwrap())),
                ("alg none, signed", format!("eyJhbGciOiJub25lIn0.{}.{signature}", head.split('.').nth(1).unwrap())),
                ("no signature", format!("{head}.")),
                ("signature of another", format!("{}.{signature}", other_payload.rsplit_once('.').unwrap().0)),
                ("expired", with("exp", json!(app.clock.unix()))),
                ("expires in a string", with("exp", json!("99999999999"))),
                ("never expires", without("exp")),
                ("issued never", without("iat")),
                ("nobody", without("openId")),
                ("empty openId", with("openId", json!(""))),
                ("operator as openId", with("openId", json!({ "$gt": "" }))),
                ("openId of nobody", with("openId", json!("nobody"))),
                ("very long", format!("{ours}{}", "A".repeat(6000))),
                ("garbage", "garbage".to_owned()),
                ("two dots", "..".to_owned()),
                ("empty", String::new()),
            ];
            for (what, token) in tokens {
                let answer = app.get_as(&format!("Bearer {token}"), "/api/course").await;
                assert_eq!((answer.status, answer.code()), (403, "TOKEN_INVALID"), "{what}: {answer:?}");
            }
            app.get_as(&format!("Bearer {ours}"), "/api/user").await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn a_header_that_is_missing_or_garbled_means_log_in_again() {
    setup()
        .run(async |app| {
            let token = app.student(1).await.token;
            app.get("/api/user").await.expect_error(403, "TOKEN_INVALID");
            for header in [
                String::new(),
                "Bearer".to_owned(),
                "Bearer ".to_owned(),
                token.clone(),
                format!("Bearer{token}"),
                format!("Basic {token}"),
                format!("Bearer {token} {token}"),
                format!("Bearer {token},"),
                format!("Bearer \"{token}\""),
            ] {
                app.get_as(&header, "/api/user").await.expect_error(403, "TOKEN_INVALID");
            }
            let mut request =
                b"GET /api/user HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ".to_vec();
            request.extend_from_slice(b"\xFF\xFE\x80\r\n\r\n");
            app.raw(&request).await.expect_error(403, "TOKEN_INVALID");
        })
        .await;
}

#[tokio::test]
async fn every_endpoint_but_login_needs_a_token() {
    setup()
        .run(async |app| {
            for path in ["/api/user", "/api/user/311509000001", "/api/course", "/api/calendar"] {
                app.get(path).await.expect_error(403, "TOKEN_INVALID");
            }
            app.post_form("/api/bind", &[]).await.expect_error(403, "TOKEN_INVALID");
            let change = app.request(reqwest::Method::PUT, "/api/user").form(&[("key", "nickName"), ("value", "x")]);
            assert_eq!(change.send().await.unwrap().status(), 403);
        })
        .await;
}

#[tokio::test]
async fn a_token_lasts_as_long_as_configured() {
    setup()
        .settings(|s| {
            s.set("WEHPU_JWT_TTL", "2h");
        })
        .run(async |app| {
            let student = app.student(1).await;
            app.clock.advance(Duration::from_secs(2 * 3600 - 1));
            student.get("/api/user").await.expect(200);
            app.clock.advance(Duration::from_secs(1));
            student.get("/api/user").await.expect_error(403, "TOKEN_INVALID");
        })
        .await;
}

#[tokio::test]
async fn tokens_of_before_a_revocation_are_invalid_and_new_ones_work() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.clock.advance(Duration::from_secs(10));
            let revoked = mongodb::bson::DateTime::from_millis(app.clock.now().timestamp_millis());
            let users = app.db.collection("users");
            let update = doc! { "$set": { "tokensValidAfter": revoked } };
            users.update_one(doc! { "openId": &student.open_id }, update).await.unwrap();
            student.get("/api/user").await.expect_error(403, "TOKEN_INVALID");
            student.get("/api/course").await.expect_error(403, "TOKEN_INVALID");
            student.change("nickName", "x").await.expect_error(403, "TOKEN_INVALID");
            app.clock.advance(Duration::from_secs(10));
            app.student(1).await.get("/api/user").await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn the_token_of_a_deleted_account_is_invalid_and_its_user_not_found() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.db.collection("users").delete_one(doc! { "openId": &student.open_id }).await.unwrap();
            student.get("/api/user").await.expect_error(404, "NOT_FOUND");
            student.get("/api/course").await.expect_error(403, "TOKEN_INVALID");
            student.get("/api/user/311509000001").await.expect_error(403, "TOKEN_INVALID");
            student.change("nickName", "x").await.expect_error(403, "TOKEN_INVALID");
            student.try_bind_rightly().await.expect_error(403, "TOKEN_INVALID");
            assert!(app.db.all("users").await.is_empty(), "nothing brings the account back");
        })
        .await;
}
