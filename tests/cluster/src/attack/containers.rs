//! The containers under attack: their memory, measured throughout, and whether one ended.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    Failure, lock,
    stack::{Stack, docker},
};

/// Services that must not end.
pub const SERVICES: [&str; 7] = ["haproxy", "engine", "spider", "mongo1", "mongo2", "mongo3", "campus-sim"];

/// Longest wait for the first numbers from Docker.
const FIRST: Duration = Duration::from_secs(20);

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Highest use.
    pub most: u64,
    /// The container's limit.
    pub limit: u64,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch {
    most: Arc<Mutex<BTreeMap<String, Memory>>>,
    _stats: Child,
}

impl Watch {
    /// Watches these containers.
    ///
    /// # Errors
    /// When Docker shows no numbers.
    pub async fn start(containers: &[String]) -> Result<Self, Failure> {
        let mut command = Command::new("docker");
        command.args(["stats", "--format", "{{.Name}} {{.MemUsage}}"]).args(containers);
        let mut stats = command.stdout(std::process::Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = stats.stdout.take().ok_or("docker stats has no output")?;
        let most: Arc<Mutex<BTreeMap<String, Memory>>> = Arc::default();
        let noted = Arc::clone(&most);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let Some((name, memory)) = reading(&line) else { continue };
                let mut noted = lock(&noted);
                let most = noted.entry(name).or_default();
                *most = Memory { most: most.most.max(memory.most), limit: memory.limit };
            }
        });
        let watch = Self { most, _stats: stats };
        let begun = tokio::time::Instant::now();
        while lock(&watch.most).len() < containers.len() {
            if begun.elapsed() > FIRST {
                return Err("docker stats shows nothing".into());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(watch)
    }

    /// Highest use of each container so far, by name.
    pub fn most(&self) -> BTreeMap<String, Memory> {
        lock(&self.most).clone()
    }

    /// Forgets the values so far.
    pub fn begin_anew(&self) {
        lock(&self.most).clear();
    }
}

/// One line of `docker stats`: `name 23.5MiB / 96MiB`, after terminal control sequences.
fn reading(line: &str) -> Option<(String, Memory)> {
    let text = line.rsplit('\u{1b}').next()?;
    let text = text
        .strip_prefix('[')
        .map_or(text, |rest| rest.trim_start_matches(|c: char| !c.is_alphabetic()).get(1..).unwrap_or(""));
    let (name, memory) = text.trim().split_once(' ')?;
    let (most, limit) = memory.split_once(" / ")?;
    Some((name.to_owned(), Memory { most: bytes(most)?, limit: bytes(limit)? }))
}

/// `23.5MiB` in bytes.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = text.find(|c: char| c.is_alphabetic())?;
    let number: f64 = text[..unit].parse().ok()?;
    let factor = match &text[unit..] {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of bytes")]
    Some((number * factor) as u64)
}

/// The start time of each container of [`SERVICES`]: one that ended since has another time, or is missing.
///
/// # Errors
/// When Docker does not answer.
pub async fn started(stack: &Stack) -> Result<BTreeMap<String, String>, Failure> {
    let mut started = BTreeMap::new();
    for service in SERVICES {
        for id in stack.containers(service).await? {
            let seen =
                docker(&["inspect", "--format", "{{.Name}} {{.State.StartedAt}} {{.RestartCount}}", &id]).await?;
            let (name, state) = seen.split_once(' ').unwrap_or((&seen, ""));
            started.insert(name.trim_start_matches('/').to_owned(), state.to_owned());
        }
    }
    Ok(started)
}

/// The containers that ended or restarted between the two.
#[must_use]
pub fn ended(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    before.iter().filter(|(name, state)| after.get(*name) != Some(state)).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_with_and_without_a_terminals_control_sequences() {
        for line in ["wehpu-engine-1 23.5MiB / 96MiB", "\u{1b}[2J\u{1b}[Hwehpu-engine-1 23.5MiB / 96MiB"] {
            let (name, memory) = reading(line).unwrap();
            assert_eq!(
                (name.as_str(), memory.most, memory.limit),
                ("wehpu-engine-1", 24_641_536, 100_663_296),
                "{line:?}"
            );
        }
        assert!(reading("wehpu-engine-1 -- / --").is_none());
    }
}
