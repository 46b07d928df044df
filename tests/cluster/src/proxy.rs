//! The proxy's statistics page: how many engines are in rotation, read ten times a second.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{Failure, lock};

/// How often the page is read.
const EVERY: Duration = Duration::from_millis(100);

/// When the number of engines in rotation changed.
#[derive(Debug)]
pub struct Rotation {
    url: String,
    http: reqwest::Client,
    changes: Mutex<Vec<(Instant, usize)>>,
}

impl Rotation {
    /// The proxy with its statistics at `url`.
    #[must_use]
    pub fn new(url: &str, http: reqwest::Client) -> Self {
        Self { url: url.to_owned(), http, changes: Mutex::default() }
    }

    /// How many engines are in rotation now.
    ///
    /// # Errors
    /// When the page cannot be read.
    pub async fn up(&self) -> Result<usize, Failure> {
        let page =
            self.http.get(format!("{}/;csv;norefresh", self.url)).basic_auth("stats", Some("stats-development-only"));
        let page = page.timeout(Duration::from_secs(3)).send().await?.error_for_status()?.text().await?;
        let is_up = |line: &&str| {
            let fields: Vec<&str> = line.split(',').collect();
            fields.first() == Some(&"engines")
                && fields.get(1).is_some_and(|name| name.starts_with("engine"))
                && fields.get(17).is_some_and(|status| status.starts_with("UP") || *status == "no check")
        };
        Ok(page.lines().filter(is_up).count())
    }

    /// Watches until `end`.
    pub async fn watch(&self, end: CancellationToken) {
        let mut every = tokio::time::interval(EVERY);
        while !end.is_cancelled() {
            every.tick().await;
            let Ok(up) = self.up().await else { continue };
            let mut changes = lock(&self.changes);
            if changes.last().is_none_or(|(_, last)| *last != up) {
                changes.push((Instant::now(), up));
            }
        }
    }

    /// How long after `since` fewer than `full` engines were in rotation; `None`: never.
    #[must_use]
    pub fn out_after(&self, since: Instant, full: usize) -> Option<Duration> {
        let changes = lock(&self.changes);
        let left = changes.iter().find(|(at, up)| *at >= since && *up < full);
        left.map(|(at, _)| *at - since)
    }
}
