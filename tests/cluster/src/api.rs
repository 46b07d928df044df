//! The service as a client sees it through the proxy. Every request is recorded with its times and outcome.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{lock, school::School};

/// Longest wait of a client: longer than every limit of the service and the proxy.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long a client keeps an idle connection: shorter than the proxy's `timeout http-keep-alive` (15 s). A request that is
/// sent while the proxy closes the connection fails.
pub const IDLE: Duration = Duration::from_secs(10);

/// Boundary between the parts of an upload.
const BOUNDARY: &str = "----cluster-test-0123456789";

/// The purpose of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads stored data of this kind.
    Read(&'static str),
    /// Fetches a table for the first time, before any check relies on it; some students have none.
    First,
    /// Logs in, which finds or makes an account.
    Login,
    /// Tries whether a token counts; the fault that asks judges the answer.
    Token,
    /// Logs out.
    Logout,
    /// Writer number n sets the nickname of its own account.
    Set(usize),
    /// Sets the nickname of an account that several clients use.
    SharedSet,
    /// Binds campus accounts.
    Bind,
    /// Sends a report, which becomes an issue.
    Feedback,
    /// Stores a file.
    Upload,
    /// Orders a repair.
    Repair,
}

impl Kind {
    /// Whether it writes. Reads must not fail during an election.
    #[must_use]
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Read(_) | Self::First | Self::Token)
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read(what) => what,
            Self::First => "first",
            Self::Login => "login",
            Self::Token => "token",
            Self::Logout => "logout",
            Self::Set(_) => "nickname",
            Self::SharedSet => "shared nickname",
            Self::Bind => "bind",
            Self::Feedback => "feedback",
            Self::Upload => "upload",
            Self::Repair => "repair",
        }
    }
}

/// A finished request.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its purpose.
    pub kind: Kind,
    /// When it was sent.
    pub start: Instant,
    /// When the answer was complete, or it was clear that none would come.
    pub end: Instant,
    /// HTTP status; `None` without an answer.
    pub status: Option<u16>,
    /// The body's `code`, or the error of the connection.
    pub code: String,
    /// Whether the data was stale.
    pub stale: bool,
    /// Whether the answer has `retry-after`.
    pub retry_after: bool,
    /// The answer's `x-request-id`, which is in the logs of the proxy and the engine; empty without an answer.
    pub request_id: String,
}

impl Record {
    /// Whether it was answered with 2xx.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// How long it took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.end - self.start
    }
}

/// All finished requests.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Vec<Record>>);

impl Journal {
    fn note(&self, record: Record) {
        lock(&self.0).push(record);
    }

    /// The requests sent in this span of time.
    #[must_use]
    pub fn between(&self, from: Instant, to: Instant) -> Vec<Record> {
        lock(&self.0).iter().filter(|r| r.start >= from && r.start < to).cloned().collect()
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status; `None` without an answer.
    pub status: Option<u16>,
    /// The body, if it is JSON.
    pub body: Value,
    /// The body's bytes, if it is not JSON.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Whether it is a 2xx.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether it is a 4xx: the request was not carried out and never will be.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.status.is_some_and(|status| (400..500).contains(&status))
    }

    /// Whether the data has no rows, or is missing.
    #[must_use]
    pub fn is_empty_table(&self) -> bool {
        self.body["data"].as_array().is_none_or(Vec::is_empty)
    }

    /// The machine word of an error.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// Why a login failed.
#[derive(Debug)]
pub enum LoginError {
    /// The code was refused after a try that was cut off (502 or no answer) and ended at this time: an engine that dies
    /// between WeChat's answer and its own record of it loses the code.
    CutOff(Instant, String),
    /// The code was refused although every try was answered.
    Refused(String),
    /// No success within a minute and a half.
    GivenUp,
}

impl std::error::Error for LoginError {}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff(_, code) => write!(f, "a login that was cut off and repeated is refused: {code}"),
            Self::Refused(code) => write!(f, "a login that was repeated is refused: {code}"),
            Self::GivenUp => f.write_str("a login does not succeed within a minute and a half"),
        }
    }
}

/// The client.
#[derive(Debug, Clone)]
pub struct Api {
    url: String,
    http: reqwest::Client,
    /// The school that the service serves.
    pub school: &'static School,
    /// The record of all requests.
    pub journal: Arc<Journal>,
}

/// A logged-in WeChat account.
#[derive(Debug, Clone)]
pub struct Account {
    /// WeChat's id.
    pub open_id: String,
    /// The token.
    pub token: String,
}

impl Api {
    /// A client of the service at `url`.
    #[must_use]
    pub fn new(url: &str, http: reqwest::Client, school: &'static School) -> Self {
        Self { url: url.to_owned(), http, school, journal: Arc::default() }
    }

    /// The same service through another HTTP client, with the same journal.
    #[must_use]
    pub fn through(&self, http: reqwest::Client) -> Self {
        Self { http, ..self.clone() }
    }

    /// The same service at another address, such as that of a single engine, with the same journal.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    fn request(&self, method: Method, path: &str, account: Option<&Account>) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url)).timeout(PATIENCE);
        match account {
            Some(account) => request.bearer_auth(&account.token),
            None => request,
        }
    }

    /// Sends a request and records its outcome.
    async fn send(&self, kind: Kind, request: RequestBuilder) -> Answer {
        let start = Instant::now();
        let Received { answer, retry_after, request_id, trouble } = receive(request).await;
        let code = if trouble.is_empty() { answer.code().to_owned() } else { trouble };
        self.journal.note(Record {
            kind,
            start,
            end: Instant::now(),
            status: answer.status,
            code,
            stale: answer.body["meta"]["stale"].as_bool().unwrap_or(false),
            retry_after,
            request_id,
        });
        answer
    }

    /// `GET path`.
    pub async fn get(&self, kind: Kind, path: &str, account: Option<&Account>) -> Answer {
        self.send(kind, self.request(Method::GET, path, account)).await
    }

    /// Logs in with a WeChat code.
    pub async fn login(&self, code: &str) -> Answer {
        self.send(Kind::Login, self.request(Method::POST, "/api/login", None).form(&[("code", code)])).await
    }

    /// Tries whether the token of an account counts.
    pub async fn try_token(&self, account: &Account) -> Answer {
        self.get(Kind::Token, "/api/user", Some(account)).await
    }

    /// Logs out.
    pub async fn log_out(&self, account: &Account) -> Answer {
        self.send(Kind::Logout, self.request(Method::POST, "/api/logout", Some(account))).await
    }

    /// Sets a field of the account.
    pub async fn set(&self, kind: Kind, account: &Account, field: &str, value: &str) -> Answer {
        self.send(kind, self.request(Method::PUT, "/api/user", Some(account)).form(&[("key", field), ("value", value)]))
            .await
    }

    /// Binds the simulator's student with this index.
    pub async fn bind(&self, account: &Account, index: usize) -> Answer {
        let fields = self.school.bind_fields(index);
        self.send(Kind::Bind, self.request(Method::POST, "/api/bind", Some(account)).form(&fields)).await
    }

    /// Sends a report.
    pub async fn feedback(&self, account: &Account, text: &str) -> Answer {
        let body = json!({ "content": text, "labels": "feedback", "nick": "cluster-test", "model": "bench" });
        self.send(Kind::Feedback, self.request(Method::POST, "/api/feedback", Some(account)).json(&body)).await
    }

    /// Orders a repair; the account's student must be known to the department.
    pub async fn repair(&self, account: &Account, text: &str) -> Answer {
        let fields = [
            ("projectSerial", "0102"),
            ("projectName", "水龙头"),
            ("mobile", "13800000000"),
            ("bUserName", "cluster-test"),
            ("bContent", text),
            ("bAddress", "3号楼 214"),
            ("areaSerial", "01"),
            ("areaName", "南校区"),
        ];
        self.send(Kind::Repair, self.request(Method::POST, "/api/rsp/repair", Some(account)).form(&fields)).await
    }

    /// Uploads a file.
    pub async fn upload(&self, account: &Account, content: &[u8]) -> Answer {
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\ncontent-type: image/png\r\n\r\n"
        );
        let body = [head.as_bytes(), content, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.request(Method::POST, "/api/upload", Some(account)).header("content-type", kind);
        self.send(Kind::Upload, request.body(body)).await
    }

    /// Logs in as `open_id` (without hyphens, which separate the parts of the simulator's codes). Retries with the same
    /// code while the service or the network fails, as a client does that was cut off.
    ///
    /// # Errors
    /// When the service refuses the code, or does not accept it within a minute and a half.
    pub async fn account(&self, open_id: &str) -> Result<Account, LoginError> {
        let code = format!("sim-{open_id}-{}", unique());
        let (deadline, mut cut_off) = (Instant::now() + Duration::from_secs(90), None);
        loop {
            let answer = self.login(&code).await;
            if let Some(token) = answer.body["data"]["token"].as_str().filter(|_| answer.is_ok()) {
                return Ok(Account { open_id: open_id.to_owned(), token: token.to_owned() });
            }
            if answer.is_refusal() {
                let code = answer.code().to_owned();
                return Err(cut_off.map_or(LoginError::Refused(code.clone()), |at| LoginError::CutOff(at, code)));
            }
            if answer.status.is_none_or(|status| status == 502) {
                cut_off = Some(Instant::now());
            }
            if Instant::now() > deadline {
                return Err(LoginError::GivenUp);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

/// What came back for a request.
struct Received {
    answer: Answer,
    retry_after: bool,
    request_id: String,
    /// What went wrong in the network; empty if nothing did.
    trouble: String,
}

async fn receive(request: RequestBuilder) -> Received {
    let broken = |error: &reqwest::Error| Received {
        answer: Answer { status: None, body: Value::Null, bytes: Vec::new() },
        retry_after: false,
        request_id: String::new(),
        trouble: trouble(error),
    };
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return broken(&error),
    };
    let status = Some(response.status().as_u16());
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (retry_after, request_id) = (header("retry-after").is_some(), header("x-request-id").unwrap_or_default());
    match response.bytes().await {
        Ok(bytes) => {
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            let answer = Answer { status, body, bytes: bytes.to_vec() };
            Received { answer, retry_after, request_id, trouble: String::new() }
        }
        // A body that breaks off is no answer.
        Err(error) => broken(&error),
    }
}

fn trouble(error: &reqwest::Error) -> String {
    let word = if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "no answer in 40 s"
    } else {
        "connection broken"
    };
    // The innermost cause is what the network said.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!("{word}: {cause}")
}

/// A word that was never used before.
#[must_use]
pub fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}x{:x}", since.as_micros(), NEXT.fetch_add(1, Ordering::Relaxed))
}
