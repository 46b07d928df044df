//! What is not there, and the page for people.

use reqwest::Method;

use crate::support::{Answer, setup};

#[tokio::test]
async fn an_unknown_path_is_not_found_inside_and_outside_the_api() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for path in [
                "/api",
                "/api/",
                "/api/nothing",
                "/api/user/",
                "/api/user/1/2",
                "/api/users",
                "/API/USER",
                "/api//user",
                "/nothing",
                "/index.html",
                "/favicon.ico",
                "/livez",
                "/readyz",
                "/metrics",
                "/.env",
                "/files/x",
                "//",
            ] {
                for answer in [app.get(path).await, student.get(path).await] {
                    assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{path}: {answer:?}");
                }
            }
            assert_eq!(app.get("/api/nothing").await.message(), "请求错误");
            app.post_form("/api/nothing", &[("a", "b")]).await.expect_error(404, "NOT_FOUND");
        })
        .await;
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_not_allowed() {
    setup()
        .run(async |app| {
            let wrong = [
                (Method::GET, "/api/login"),
                (Method::PUT, "/api/login"),
                (Method::GET, "/api/bind"),
                (Method::PATCH, "/api/user"),
                (Method::POST, "/api/user"),
                (Method::POST, "/api/user/311509000001"),
                (Method::POST, "/api/course"),
                (Method::PATCH, "/api/calendar"),
                (Method::POST, "/"),
                (Method::OPTIONS, "/api/user"),
                (Method::from_bytes(b"MADE-UP").unwrap(), "/api/user"),
            ];
            for (method, path) in wrong {
                let answer = Answer::of(app.request(method.clone(), path).send().await.unwrap()).await;
                assert_eq!((answer.status, answer.code()), (405, "METHOD_NOT_ALLOWED"), "{method} {path}: {answer:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn the_root_is_a_page_that_names_the_service() {
    setup()
        .run(async |app| {
            let response = app.request(Method::GET, "/").send().await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
            assert!(response.headers().contains_key("x-request-id"));
            let page = response.text().await.unwrap();
            assert!(page.starts_with("<!doctype html>") && page.contains("wehpu"), "{page}");
        })
        .await;
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_replaced() {
    setup()
        .run(async |app| {
            let ask = async |id: &[u8]| {
                let mut request = b"GET /api/user HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: ".to_vec();
                request.extend_from_slice(id);
                request.extend_from_slice(b"\r\n\r\n");
                app.raw(&request).await.request_id().to_owned()
            };
            for id in ["a", "5a1f0b2c-1d2e.3f40_5162", &"x".repeat(64)] {
                assert_eq!(ask(id.as_bytes()).await, id);
            }
            let long = "x".repeat(65);
            let strange: [&[u8]; 9] = [
                b"",
                long.as_bytes(),
                b"two words",
                b"{\"$gt\":\"\"}",
                b"<script>",
                b"a\tb",
                b"\xFF\xFE",
                "中文".as_bytes(),
                b"a;b",
            ];
            for id in strange {
                let given = ask(id).await;
                assert_ne!(given.as_bytes(), id);
            }
            assert_ne!(app.get("/api/user").await.request_id(), app.get("/api/user").await.request_id());
        })
        .await;
}

#[tokio::test]
async fn a_get_may_be_asked_for_its_head_alone() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let response = student.request(Method::HEAD, "/api/user").send().await.unwrap();
            assert_eq!(response.status(), 200);
            assert!(response.bytes().await.unwrap().is_empty());
        })
        .await;
}
