//! The campus simulator's control interface.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Failure;

/// What the outside systems received, oldest first.
#[derive(Debug, Deserialize)]
pub struct Sent {
    /// Issues on `GitHub`.
    pub issues: Vec<Issue>,
    /// Orders at the logistics department.
    pub repairs: Vec<Repair>,
}

/// An issue.
#[derive(Debug, Deserialize)]
pub struct Issue {
    /// Its text.
    pub body: String,
}

/// A repair order.
#[derive(Debug, Deserialize)]
pub struct Repair {
    /// Names and values of the form.
    pub fields: Vec<(String, String)>,
}

/// The simulator.
#[derive(Debug, Clone)]
pub struct Sim {
    url: String,
    http: reqwest::Client,
}

impl Sim {
    /// The simulator at this address.
    #[must_use]
    pub fn new(url: &str, http: reqwest::Client) -> Self {
        Self { url: url.to_owned(), http }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<String, Failure> {
        let mut request = self.http.request(method, format!("{}/_sim/{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(request.send().await?.error_for_status()?.text().await?)
    }

    /// Makes a system misbehave.
    ///
    /// # Errors
    /// When the simulator refuses.
    pub async fn misbehave(&self, system: &str, mode: &str) -> Result<(), Failure> {
        let fault = match mode {
            "slow" => json!({ "mode": mode, "millis": 12_000 }),
            "errcode" => json!({ "mode": mode, "errcode": -1 }),
            _ => json!({ "mode": mode }),
        };
        self.call(Method::PUT, &format!("faults/{system}"), Some(&fault)).await.map(drop)
    }

    /// Ends all misbehaviour.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn behave(&self) -> Result<(), Failure> {
        self.call(Method::DELETE, "faults", None).await.map(drop)
    }

    /// How many login codes reached WeChat so far.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn logins(&self) -> Result<u64, Failure> {
        let counts: Value = serde_json::from_str(&self.call(Method::GET, "counts", None).await?)?;
        Ok(counts["systems"]["wechat"]["operations"]["code2session"].as_u64().unwrap_or(0))
    }

    /// What the outside systems received so far.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn sent(&self) -> Result<Sent, Failure> {
        Ok(serde_json::from_str(&self.call(Method::GET, "sent", None).await?)?)
    }
}
