//! The state of the engines' breakers, from their metrics.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Failure, lock,
    stack::{Stack, docker},
};

/// How often the metrics are read.
const EVERY: Duration = Duration::from_millis(500);

/// Reads the metrics of all engines.
#[derive(Debug, Clone)]
pub struct Breakers {
    stack: Stack,
    http: reqwest::Client,
}

/// When all engines had a tripped breaker for the first time.
#[derive(Debug)]
pub struct Opened {
    at: Arc<Mutex<Option<Instant>>>,
    _watch: DropGuard,
}

impl Opened {
    /// That time; `None`: never.
    #[must_use]
    pub fn at(&self) -> Option<Instant> {
        *lock(&self.at)
    }
}

impl Breakers {
    /// The breakers of this stack's engines.
    #[must_use]
    pub fn new(stack: Stack, http: reqwest::Client) -> Self {
        Self { stack, http }
    }

    /// Watches until the result is dropped.
    #[must_use]
    pub fn watch(&self) -> Opened {
        let at = Arc::new(Mutex::new(None));
        let end = CancellationToken::new();
        let (this, noted, ended) = (self.clone(), Arc::clone(&at), end.clone());
        tokio::spawn(async move {
            while !ended.is_cancelled() && lock(&noted).is_none() {
                if this.all_open().await.unwrap_or(false) {
                    *lock(&noted) = Some(Instant::now());
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        Opened { at, _watch: end.drop_guard() }
    }

    /// Whether every engine has a tripped breaker.
    async fn all_open(&self) -> Result<bool, Failure> {
        let network = self.stack.network("backend");
        let format = format!("{{{{with index .NetworkSettings.Networks \"{network}\"}}}}{{{{.IPAddress}}}}{{{{end}}}}");
        for engine in self.stack.containers("engine").await? {
            let address = docker(&["inspect", "--format", &format, &engine]).await?;
            let metrics = self.http.get(format!("http://{address}:9090/metrics")).timeout(Duration::from_secs(2));
            let metrics = metrics.send().await?.text().await?;
            if !metrics.lines().any(|line| line.starts_with("breaker_open{") && line.ends_with(" 1")) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
