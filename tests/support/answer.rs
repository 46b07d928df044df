//! An answer of the API. Every answer, in every test, is checked against the contract.

use reqwest::{Response, StatusCode, header::HeaderMap};
use serde_json::Value;

/// An answer that keeps the contract's rules for all answers.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Answer {
    /// Reads an answer and checks the rules for all answers.
    pub async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self::check(status, headers, &response.bytes().await.unwrap())
    }

    /// Checks the rules for all answers.
    pub fn check(status: StatusCode, headers: HeaderMap, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let json: Value =
            serde_json::from_slice(body).unwrap_or_else(|e| panic!("{status}: no JSON ({e}): {text}, {headers:?}"));
        let answer = Self { status: status.as_u16(), headers, json };
        answer.check_headers();
        answer.check_envelope();
        answer
    }

    fn check_headers(&self) {
        assert_eq!(self.header("content-type"), "application/json; charset=utf-8", "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store", "{self:?}");
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{self:?}");
        assert!(!self.header("x-served-by").is_empty(), "{self:?}");
        let id = self.request_id();
        let sane = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        assert!(sane, "request id {id:?}");
    }

    fn check_envelope(&self) {
        let envelope = self.json.as_object().expect("an envelope is an object");
        for key in envelope.keys() {
            assert!(["statusCode", "errMsg", "data", "code", "meta"].contains(&key.as_str()), "{self:?}");
        }
        assert_eq!(self.json["statusCode"], self.status, "body and HTTP disagree: {self:?}");
        assert!(!self.message().is_ascii(), "errMsg is short Chinese text: {self:?}");
        assert!(![401, 500].contains(&self.status), "{self:?}");
        if self.status < 400 {
            assert!(!envelope.contains_key("code"), "a success has no code: {self:?}");
        } else {
            let code = self.json["code"].as_str().unwrap_or_default();
            assert!(!code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{self:?}");
        }
        if self.status == 429 {
            assert!(self.retry_after() > 0, "{self:?}");
        }
    }

    /// A header, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The id under which the request is logged.
    pub fn request_id(&self) -> &str {
        self.header("x-request-id")
    }

    /// Seconds to wait; 0 without the header.
    pub fn retry_after(&self) -> u64 {
        self.header("retry-after").parse().unwrap_or_default()
    }

    /// The machine word of an error.
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The text for people.
    pub fn message(&self) -> &str {
        self.json["errMsg"].as_str().unwrap_or_default()
    }

    /// The data.
    pub fn data(&self) -> &Value {
        &self.json["data"]
    }

    /// How current the data is.
    pub fn meta(&self) -> &Value {
        &self.json["meta"]
    }

    /// Whether the data is stale; fails without `meta.stale`.
    pub fn is_stale(&self) -> bool {
        self.json["meta"]["stale"].as_bool().unwrap_or_else(|| panic!("no meta.stale: {self:?}"))
    }

    /// When the campus showed the data.
    pub fn fetched_at(&self) -> &str {
        self.json["meta"]["fetchedAt"].as_str().unwrap_or_else(|| panic!("no meta.fetchedAt: {self:?}"))
    }

    /// Fails unless the answer is a success with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Fails unless the answer is this error.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{self:?}");
        self
    }

    /// Fails unless the answer has data that is, or is not, stale.
    #[track_caller]
    pub fn expect_data(self, stale: bool) -> Self {
        let answer = self.expect(200);
        assert_eq!(answer.is_stale(), stale, "{answer:?}");
        answer
    }
}
