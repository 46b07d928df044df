//! The service under test: the release program as it is deployed, with its limits, log and metrics.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use campus_sim::CampusSim;
use tokio::process::{Child, Command};
use wehpu_engine::config::{Config, Reader};

use crate::Failure;

/// Longest time for a start.
const PATIENCE: Duration = Duration::from_mins(1);

/// Pause between two tries to get an answer.
const POLL: Duration = Duration::from_millis(5);

/// A running service.
pub struct Engine {
    child: Child,
    settings: Vec<(&'static str, String)>,
    started: Instant,
    admin: String,
    /// `http://address:port`.
    pub api: String,
}

impl Engine {
    /// Migrates the database and starts the service on it; `cache` is its `WEHPU_CACHE`.
    pub async fn start(
        program: &Path,
        uri: &str,
        database: &str,
        sim: &CampusSim,
        cache: &str,
    ) -> Result<Self, Failure> {
        let (api, admin) = (format!("127.0.0.1:{}", free_port()?), format!("127.0.0.1:{}", free_port()?));
        let settings = vec![
            ("WEHPU_PROFILE", "dev".to_owned()),
            ("WEHPU_MONGODB_URI", uri_of(uri, database)),
            ("WEHPU_BIND_ADDR", api.clone()),
            ("WEHPU_ADMIN_ADDR", admin.clone()),
            ("WEHPU_ENGINES_ADDR", "127.0.0.1:0".to_owned()),
            ("WEHPU_CACHE", cache.to_owned()),
            ("WEHPU_JWT_SECRET", "jwt-secret-of-the-bench-0123456789-0123456789".to_owned()),
            ("WEHPU_CREDENTIAL_KEYS", "b1:dGhlLWZpcnN0LWtleS1vZi10aGUtdGVzdHMtMDEyMzQ=".to_owned()),
            ("WEHPU_WECHAT_API_URL", sim.url("wechat")),
            ("WEHPU_WECHAT_APP_ID", "wx-sim-appid".to_owned()),
            ("WEHPU_WECHAT_APP_SECRET", "wx-sim-secret".to_owned()),
            ("WEHPU_VPN_URL", sim.url("vpn")),
            ("WEHPU_VPN_RSA_MODULUS", sim.rsa_modulus_hex().to_owned()),
            ("WEHPU_TERM", "2017-2018-1-1".to_owned()),
            ("WEHPU_TERM_START", "2017-09-04".to_owned()),
            ("WEHPU_TERM_WEEKS", "20".to_owned()),
            ("WEHPU_LOG_FORMAT", "json".to_owned()),
            // Counted as usual, but so high that the many requests of each student do not measure the limit itself.
            ("WEHPU_LIMIT_BURST", "1000000/1m".to_owned()),
            ("WEHPU_LIMIT_SEARCH", "1000000/1m".to_owned()),
            // The same as in the image.
            ("MALLOC_ARENA_MAX", "2".to_owned()),
        ];
        let command = |name: &str| {
            let mut command = Command::new(program);
            command.arg(name).env_clear().envs(settings.clone()).stdin(Stdio::null()).stdout(Stdio::null());
            command.kill_on_drop(true);
            command
        };
        let cannot = |e: std::io::Error| format!("{} cannot be started: {e}", program.display());
        if !command("migrate").status().await.map_err(cannot)?.success() {
            return Err(format!("{} migrate failed; what it said is above", program.display()).into());
        }
        let started = Instant::now();
        let child = command("serve").spawn().map_err(cannot)?;
        Ok(Self { child, settings, started, admin, api: format!("http://{api}") })
    }

    /// Waits until it is ready. Returns the time since its start.
    pub async fn ready(&self) -> Result<Duration, Failure> {
        answers(&format!("http://{}/readyz", self.admin), PATIENCE).await?;
        Ok(self.started.elapsed())
    }

    /// The settings it runs with.
    pub fn config(&self) -> Result<Config, Failure> {
        let settings = self.settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Ok(Config::read(Reader::new(settings.filter(|(name, _)| name.starts_with("WEHPU_"))))?)
    }

    /// Resident memory in MB (10^6 bytes), as the kernel counts it.
    pub fn memory(&self) -> Result<f64, Failure> {
        let id = self.child.id().ok_or("the service has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    /// The processor time that it has used, in seconds.
    pub fn processor_seconds(&self) -> Result<f64, Failure> {
        processor_seconds(self.child.id().ok_or("the service has ended")?)
    }

    /// Ends it.
    pub async fn stop(&mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }
}

/// The processor time that the members of the replica set have used, in seconds.
pub fn database_processor_seconds() -> Result<f64, Failure> {
    let mut seconds = 0.0;
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end meanwhile.
        if fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "mongod") {
            seconds += processor_seconds(id)?;
        }
    }
    Ok(seconds)
}

/// Source: proc(5), `/proc/pid/stat`: `utime` and `stime` are the fields 14 and 15, in ticks.
fn processor_seconds(id: u32) -> Result<f64, Failure> {
    /// Ticks a second, on every Linux of the last twenty years.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The second field, the name, may have spaces; it ends with the last bracket.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
}

/// A port of 127.0.0.1 without a listener.
pub fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The connection string with a database, and with reads spread as in a deployment.
pub fn uri_of(uri: &str, database: &str) -> String {
    uri.replace("/?", &format!("/{database}?")) + "&readPreference=secondaryPreferred&maxStalenessSeconds=90&w=majority"
}

/// Waits until `url` answers with 200.
pub async fn answers(url: &str, patience: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + patience;
    while !reqwest::get(url).await.is_ok_and(|answer| answer.status().is_success()) {
        if Instant::now() > deadline {
            return Err(format!("{url} does not answer").into());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}
