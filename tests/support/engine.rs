//! The real program as a child process.

use std::{
    net::TcpListener,
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
};

use reqwest::StatusCode;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
};

use super::{Settings, in_time, raw};

/// Ports for child processes: below the system's range for outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// A port without a listener.
fn free_port() -> u16 {
    let (first, count) = (PORTS.start, PORTS.end - PORTS.start);
    // Test processes that run at the same time begin at different ports.
    let offset = u16::try_from(std::process::id() % u32::from(count)).unwrap_or_default();
    loop {
        let step = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        let port = first + (offset.wrapping_add(step)) % count;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn command(args: &[&str], settings: &Settings) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wehpu-engine"));
    // Nothing of the caller's environment, and no .env file of the working directory or above it.
    command.args(args).env_clear().envs(settings.vars()).current_dir(std::env::temp_dir());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Fails unless the command succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Fails unless the command failed with one line on standard error that says why.
    #[track_caller]
    pub fn failed(self) -> Self {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(self.stderr.starts_with("wehpu-engine: "), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }
}

/// Runs `wehpu-engine ARGS` to its end.
pub async fn run_engine(args: &[&str], settings: &Settings) -> Finished {
    let output = in_time("a command to end", command(args, settings).output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs `wehpu-engine ARGS` to its end while the reader of its output leaves after the first byte.
pub async fn run_engine_unread(args: &[&str], settings: &Settings) -> Finished {
    let mut child = command(args, settings).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).await.unwrap();
    drop(stdout);
    let output = in_time("a command to end", child.wait_with_output()).await.unwrap();
    Finished { code: output.status.code(), stdout: String::new(), stderr: String::from_utf8(output.stderr).unwrap() }
}

/// A running `wehpu-engine serve` or `spider`.
pub struct Engine {
    child: Child,
    lines: watch::Receiver<Vec<String>>,
    /// Public API, `http://address:port`.
    pub api: String,
    /// Admin listener, `address:port`.
    pub admin: String,
}

impl Engine {
    /// Starts the service. It may not be ready yet.
    pub fn serve(settings: &Settings) -> Self {
        Self::start("serve", settings)
    }

    /// Starts a spider. It may not be ready yet.
    pub fn spider(settings: &Settings) -> Self {
        Self::start("spider", settings)
    }

    fn start(name: &str, settings: &Settings) -> Self {
        let (api, admin) = (free_port(), free_port());
        let mut settings = settings.clone();
        settings.set("WEHPU_BIND_ADDR", &format!("127.0.0.1:{api}"));
        settings.set("WEHPU_ADMIN_ADDR", &format!("127.0.0.1:{admin}"));
        let mut child = command(&[name], &settings).spawn().unwrap();
        let (sender, lines) = watch::channel(Vec::new());
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (mut stdout, mut stderr) = (BufReader::new(stdout).lines(), BufReader::new(stderr).lines());
        tokio::spawn(async move {
            let (mut out, mut err) = (true, true);
            while out || err {
                let line = tokio::select! {
                    line = stdout.next_line(), if out => line.ok().flatten().or_else(|| { out = false; None }),
                    line = stderr.next_line(), if err => line.ok().flatten().or_else(|| { err = false; None }),
                };
                sender.send_modify(|lines| lines.extend(line));
            }
        });
        Self { child, lines, api: format!("http://127.0.0.1:{api}"), admin: format!("127.0.0.1:{admin}") }
    }

    /// Starts it and waits until it is ready.
    pub async fn ready(settings: &Settings) -> Self {
        let mut engine = Self::serve(settings);
        engine.wait_until_ready().await;
        engine
    }

    /// Waits until it says that it is ready.
    pub async fn wait_until_ready(&mut self) {
        self.printed("the engine to be ready", |line| line.contains(r#""message":"ready""#)).await;
    }

    /// Waits for a line of output.
    pub async fn printed(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let find = |lines: &Vec<String>| lines.iter().find(|line| wanted(line)).cloned();
        let found = in_time(what, self.lines.wait_for(|lines| find(lines).is_some())).await;
        match found.map(|lines| find(&lines)) {
            Ok(Some(line)) => line,
            _ => panic!("the engine ended before {what}: {:#?}", self.output()),
        }
    }

    /// All lines printed so far.
    pub fn output(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// Its resident memory in bytes (`VmRSS` of /proc, in KiB).
    pub fn memory(&self) -> u64 {
        let id = self.child.id().expect("the engine still runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Status and text of a path of the admin listener.
    pub async fn admin(&self, path: &str) -> (StatusCode, String) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        let (status, _, body) = raw(self.admin.parse().unwrap(), request.as_bytes()).await;
        (status, String::from_utf8(body).unwrap())
    }

    /// Sends a signal (`TERM`, `INT`, `KILL`).
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("the engine still runs");
        // The shell's own `kill`: small systems lack the program of that name.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {id}")).status().await.unwrap();
        assert!(sent.success());
    }

    /// Waits for its end. Returns its exit code and all printed lines.
    pub async fn ended(&mut self) -> (Option<i32>, Vec<String>) {
        let status = in_time("the engine to end", self.child.wait()).await.unwrap();
        // The sender goes away when both outputs are closed.
        in_time("the engine's output", async { while self.lines.changed().await.is_ok() {} }).await;
        (status.code(), self.output())
    }
}
