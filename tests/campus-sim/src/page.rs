//! Answers: pages in the character set of their system, and pages that come instead of others.

use std::fmt;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::system::System;

/// A page as its system sends it. URP, bulletin and the news pages are GBK and their header names no charset.
pub(crate) fn html(system: System, text: &str) -> Response {
    bytes("text/html", encode(system, text))
}

/// A body of the given type, status 200.
pub(crate) fn bytes(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A page in UTF-8 whose header says so.
pub(crate) fn utf8_html(text: &str) -> Response {
    bytes("text/html;charset=UTF-8", text.to_owned())
}

/// A redirect, as old servers send it: 302 and a short page.
pub(crate) fn found(location: &str) -> Response {
    let mut response = bytes("text/html", "<html><body>Object moved</body></html>");
    *response.status_mut() = StatusCode::FOUND;
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// Adds a `set-cookie` line to an answer.
pub(crate) fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Text in the character set of a system.
pub(crate) fn encode(system: System, text: &str) -> Vec<u8> {
    if system.is_gbk() { encoding_rs::GBK.encode(text).0.into_owned() } else { text.as_bytes().to_vec() }
}

/// The page every system shows while it is being worked on. Status 200, as the real ones do it.
pub(crate) fn maintenance(system: System) -> Response {
    let charset = if system.is_gbk() { "gb2312" } else { "utf-8" };
    html(
        system,
        &format!(
            "<html>\r\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset={charset}\">\r\n\
             <title>系统维护</title>\n</head>\r\n<body>\n<br><br><center><h2>系统维护中，请稍后再试……</h2>\r\n\
             <p>系统正在升级维护，给您带来不便，敬请谅解！\n</center>\r\n</body>\n</html>\r\n"
        ),
    )
}

/// What a broken machine answers.
pub(crate) fn server_error() -> Response {
    let page = "<html><head><title>Error 500</title></head><body><h1>HTTP Status 500 - </h1>\
                <p><b>exception</b> <pre>java.lang.NullPointerException\n</pre></body></html>";
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}

/// What is answered for an address that is not there.
pub(crate) fn not_found() -> Response {
    let page = "<html><head><title>Error 404</title></head><body><h1>HTTP Status 404 - </h1></body></html>";
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}

/// Text for an HTML page: `<`, `>`, `&` and quotes escaped.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                c => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::header;

    use super::{Escaped, html, maintenance};
    use crate::system::System;

    #[tokio::test]
    async fn urp_pages_are_gbk_and_the_header_does_not_say_so() {
        let response = html(System::Urp, "学籍信息");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html");
        let body = to_bytes(response.into_body(), 1024).await.unwrap();
        assert!(std::str::from_utf8(&body).is_err());
        assert_eq!(encoding_rs::GBK.decode(&body).0, "学籍信息");
    }

    #[tokio::test]
    async fn a_maintenance_page_has_status_200() {
        for system in System::ALL {
            assert_eq!(maintenance(system).status(), 200);
        }
    }

    #[test]
    fn markup_in_values_is_escaped() {
        assert_eq!(Escaped("a<b> & \"c\"").to_string(), "a&lt;b&gt; &amp; &quot;c&quot;");
    }
}
