//! Paths, queries and request lines that no client of ours sends.

use crate::support::setup;

#[tokio::test]
async fn a_path_that_is_garbled_or_climbs_is_not_found() {
    setup()
        .settings(|s| _ = s.set("WEHPU_LIMIT_LOOKUP", "off"))
        .run(async |app| {
            let token = app.bound(1).await.token;
            let long = format!("/api/user/{}", "1".repeat(8000));
            for path in [
                "/api/user/%00",
                "/api/user/%FF%FE",
                "/api/user/%",
                "/api/user/%zz",
                "/api/user/%2",
                "/api/user/%u4e2d",
                "/api/user/..%2F..%2Fetc%2Fpasswd",
                "/api/user/%2e%2e",
                "/api/user/../../etc/passwd",
                "/api/../../../etc/passwd",
                "/api/user/%7B%22$gt%22%3A%22%22%7D",
                "/api/user/{id}",
                "/api/user/[$ne]",
                "/api/user/311509000001%00",
                "/api/user/311509000001%0d%0aX:%20y",
                "/api/user/%252e%252e",
                "/api/user/1?a=%FF",
                "/%FF",
                "/api/%2e%2e/",
                &long,
                "/api/user/311509000001;x=1",
                "/api/user/%E4%B8",
                "/api/user/311509%2B000001",
            ] {
                let request = format!(
                    "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
                );
                let answer = app.raw(request.as_bytes()).await;
                assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_query_that_nobody_asked_for_changes_nothing() {
    setup()
        .run(async |app| {
            let token = app.student(1).await.token;
            let long = format!("?a={}", "b".repeat(8000));
            for query in ["?", "?a=1&a=2", "?a[$gt]=", "?%FF=%FE", "?%", "?openId=somebody", "?=&&=", &long, "?a=%00"] {
                let request = format!(
                    "GET /api/user{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
                );
                app.raw(request.as_bytes()).await.expect(200);
            }
        })
        .await;
}

#[tokio::test]
async fn strange_request_lines_get_an_answer() {
    setup()
        .run(async |app| {
            for line in
                ["OPTIONS * HTTP/1.1", "GET http://elsewhere.example/api/user HTTP/1.1", "BREW /api/user HTTP/1.1"]
            {
                let answer = app.raw(format!("{line}\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await;
                assert!((400..500).contains(&answer.status), "{line}: {answer:?}");
            }
        })
        .await;
}
