//! The load, made by wrk: one thread and 32 kept-open connections, each with one request at a time.

use std::{fs, path::PathBuf, process::Stdio};

use serde::Deserialize;
use tokio::process::Command;

use crate::Failure;

/// Folder for wrk's requests and script.
const FOLDER: &str = "target/bench";

/// Makes wrk read the requests and print the result. `errors.status` counts answers of 400 and above.
const SCRIPT: &str = r#"
local requests, next = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    local path, token = line:match("^(%S+)%s*(%S*)$")
    local headers = token ~= "" and { Authorization = "Bearer " .. token } or {}
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end
function request()
  next = next % #requests + 1
  return requests[next]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\n{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"failed":%d}\n', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"#;

/// A service, and the requests for it.
pub struct Target {
    url: String,
    /// One path per line, followed by a token where one is needed.
    requests: String,
}

impl Target {
    /// `requests` of the service at `url`.
    pub fn new(url: &str, requests: String) -> Self {
        Self { url: url.to_owned(), requests }
    }
}

#[derive(Debug, Deserialize)]
struct Said {
    requests: u32,
    micros: u32,
    p50: u32,
    p99: u32,
    failed: u32,
}

/// The result of one turn.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Answers.
    pub requests: u32,
    /// Answers per second.
    pub rate: f64,
    /// Median time of a request, in milliseconds.
    pub p50: f64,
    /// 99th percentile of the time of a request, in milliseconds.
    pub p99: f64,
}

/// The load generator.
pub struct Load {
    seconds: u32,
    script: PathBuf,
    requests: PathBuf,
}

impl Load {
    /// Turns of `seconds` each.
    pub fn new(seconds: u32) -> Result<Self, Failure> {
        let folder = PathBuf::from(FOLDER);
        fs::create_dir_all(&folder)?;
        let (script, requests) = (folder.join("wrk.lua"), folder.join("requests.txt"));
        fs::write(&script, SCRIPT)?;
        Ok(Self { seconds, script, requests })
    }

    /// One turn.
    pub async fn on(&self, target: &Target) -> Result<Measured, Failure> {
        fs::write(&self.requests, &target.requests)?;
        let wrk = Command::new("wrk")
            .args(["-t1", "-c32", &format!("-d{}s", self.seconds), "--timeout", "10s", "-s"])
            .arg(&self.script)
            .args([&target.url, "--"])
            .arg(&self.requests)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output();
        let output = wrk.await.map_err(|e| format!("wrk (package wrk) cannot be started: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let said = text.lines().rev().find(|line| line.starts_with('{')).ok_or_else(|| format!("wrk said: {text}"))?;
        let Said { requests, micros, p50, p99, failed } = serde_json::from_str(said)?;
        if requests == 0 || failed > 0 {
            return Err(format!("{failed} of {requests} requests to {} failed", target.url).into());
        }
        let seconds = f64::from(micros) / 1e6;
        let rate = f64::from(requests) / seconds;
        Ok(Measured { requests, rate, p50: f64::from(p50) / 1e3, p99: f64::from(p99) / 1e3 })
    }
}
