//! The campus simulator's control interface.

use reqwest::Method;
use serde_json::{Value, json};

use crate::Failure;

/// The simulator.
#[derive(Debug, Clone)]
pub struct Sim {
    url: String,
    http: reqwest::Client,
}

impl Sim {
    /// At this address.
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
    /// When the simulator does not take it.
    pub async fn misbehave(&self, system: &str, mode: &str) -> Result<(), Failure> {
        let fault = match mode {
            "slow" => json!({ "mode": mode, "millis": 12_000 }),
            "errcode" => json!({ "mode": mode, "errcode": -1 }),
            _ => json!({ "mode": mode }),
        };
        self.call(Method::PUT, &format!("faults/{system}"), Some(&fault)).await.map(drop)
    }

    /// Every system behaves again.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn behave(&self) -> Result<(), Failure> {
        self.call(Method::DELETE, "faults", None).await.map(drop)
    }

    /// Whether a student has scores: some have none yet.
    ///
    /// # Errors
    /// When the simulator does not answer, or there is no such student.
    pub async fn has_scores(&self, student: &str) -> Result<bool, Failure> {
        let found: Value = serde_json::from_str(&self.call(Method::GET, &format!("students/{student}"), None).await?)?;
        Ok(found["scores"].as_array().is_some_and(|scores| !scores.is_empty()))
    }

    /// Bodies of the issues made so far, oldest first.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn issues(&self) -> Result<Vec<String>, Failure> {
        let sent: Value = serde_json::from_str(&self.call(Method::GET, "sent", None).await?)?;
        let issues = sent["issues"].as_array().cloned().unwrap_or_default();
        Ok(issues.iter().map(|issue| issue["body"].as_str().unwrap_or_default().to_owned()).collect())
    }
}
