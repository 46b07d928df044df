//! Settings: read from the environment and checked as a whole, once, at start. A `.env` file in the working directory
//! is loaded first; the real environment overrides it.

mod convert;
mod lessons;
mod reader;
mod schedule;
mod storage;
mod term;
mod variables;

use std::{fmt::Write, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use chrono::TimeDelta;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    crypto::{LegacyCipher, RsaKey},
    model::{Class, academic::Term},
    school::School,
};

pub use reader::{ConfigError, Reader};
pub use schedule::{BadSchedule, Schedule};
use variables::ELSEWHERE;
pub use variables::{VARIABLES, Variable};

/// Where the service runs; decides how strict the checks at start are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Local development: example secrets and plain HTTP are accepted.
    Dev,
    /// Production.
    Prod,
}

/// Addresses that the service listens on, and its public address.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The public API.
    pub bind: SocketAddr,
    /// Health and metrics.
    pub admin: SocketAddr,
    /// Where other engines tell this one what was written.
    pub engines: SocketAddr,
    /// Public base address, for links that leave the service; always set in the prod profile.
    pub public_url: Option<Url>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
}

/// How to reach the replica set.
#[derive(Debug, Clone)]
pub struct Mongodb {
    /// The engine's connection string.
    pub uri: SecretString,
    /// The connection string of `migrate`, `rekey` and `takeover`, if it differs.
    pub migrate_uri: Option<SecretString>,
    /// The connection string of the spider, if it has a database user of its own.
    pub spider_uri: Option<SecretString>,
}

/// Key ids, each with its 32 key bytes; the first seals, all open.
pub type CredentialKeys = Vec<(String, [u8; 32])>;

/// Tokens and sealing.
#[derive(Debug, Clone)]
pub struct Auth {
    /// Signs tokens (HS256).
    pub jwt_secret: SecretString,
    /// Lifetime of a token.
    pub jwt_ttl: Duration,
    /// Seal and open credentials.
    pub credential_keys: CredentialKeys,
}

/// The old service's credential cipher.
#[derive(Debug, Clone)]
pub struct Legacy {
    /// Which cipher it is.
    pub cipher: LegacyCipher,
    /// Its passphrase.
    pub secret: SecretString,
}

/// A subscribe-message template that the client may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// What the client sends as `templateId`.
    pub client_id: String,
    /// WeChat's id of the subscribe template.
    pub template_id: String,
    /// Its field names in the order of the client's `keyword1…`.
    pub fields: Vec<String>,
}

/// WeChat server API.
#[derive(Debug, Clone)]
pub struct Wechat {
    /// Base address.
    pub api_url: Url,
    /// `AppID`.
    pub app_id: String,
    /// `AppSecret`.
    pub app_secret: SecretString,
    /// Known templates.
    pub templates: Vec<Template>,
}

/// GitHub API.
#[derive(Debug, Clone)]
pub struct Github {
    /// Base address.
    pub api_url: Url,
    /// Token that may create issues.
    pub token: Option<SecretString>,
    /// `owner/name`.
    pub repo: String,
    /// Labels that an issue may carry.
    pub labels: Vec<String>,
    /// Number of the issue that lists donations.
    pub donation_issue: u64,
}

/// The campus systems.
#[derive(Debug, Clone)]
pub struct Campus {
    /// SSL VPN.
    pub vpn_url: Url,
    /// Key that encrypts VPN passwords.
    pub vpn_key: RsaKey,
    /// Inner host of the URP.
    pub urp_host: String,
    /// File with glyph masks for its captchas, instead of the built-in ones.
    pub captcha_masks: Option<PathBuf>,
    /// Inner host of the bulletin board.
    pub bulletin_host: String,
    /// Service account of the bulletin board: student number and VPN password.
    pub bulletin_account: Option<(String, SecretString)>,
    /// Library catalogue.
    pub library_url: Url,
    /// Physical education.
    pub physical_url: Url,
    /// Repairs.
    pub repair_url: Url,
    /// University news.
    pub news_url: Url,
    /// Logistics news.
    pub logistics_url: Url,
    /// Extra root certificates, PEM.
    pub ca_file: Option<PathBuf>,
    /// Time limit of one request.
    pub timeout: Duration,
    /// Requests at once per system and replica.
    pub concurrency: usize,
}

/// How long stored campus data counts as fresh.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// Course table.
    pub course: Duration,
    /// Scores.
    pub score: Duration,
    /// Empty classrooms.
    pub classroom: Duration,
    /// Physical tests.
    pub physical: Duration,
    /// Library loans.
    pub borrowing: Duration,
    /// The list of terms and their dates.
    pub term: Duration,
}

/// At most `count` in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Number of uses.
    pub count: u32,
    /// Length of the period.
    pub period: Duration,
}

/// Rates that protect people and systems; `None` means no limit.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Binds that the campus refused.
    pub bind: BindLimits,
    /// Messages.
    pub notify: NotifyLimits,
    /// Feedback per user.
    pub feedback: Option<Rate>,
    /// Uploads per user.
    pub upload: UploadLimits,
    /// Repair orders per user.
    pub repair: Option<Rate>,
    /// Searches per user.
    pub search: Option<Rate>,
    /// Login codes that WeChat refuses, per client address.
    pub login: Option<Rate>,
    /// Look-ups of other students per user.
    pub lookup: Option<Rate>,
    /// Requests of any kind per user.
    pub burst: Option<Rate>,
    /// Captchas shown to a user.
    pub captcha: Option<Rate>,
}

/// Limits on binds that the campus refused.
#[derive(Debug, Clone, Copy)]
pub struct BindLimits {
    /// Per account and student number.
    pub per_account_and_number: Option<Rate>,
    /// Per account, with any number.
    pub per_account: Option<Rate>,
    /// Per number, of all accounts together that never were bound to it.
    pub strangers_per_number: Option<Rate>,
}

/// Limits on messages.
#[derive(Debug, Clone, Copy)]
pub struct NotifyLimits {
    /// Per sender.
    pub per_sender: Option<Rate>,
    /// Per receiver.
    pub per_receiver: Option<Rate>,
}

/// Limits on uploads, per user.
#[derive(Debug, Clone, Copy)]
pub struct UploadLimits {
    /// Of bound accounts.
    pub bound: Option<Rate>,
    /// Of accounts that are not bound.
    pub unbound: Option<Rate>,
}

/// Where files are stored, and how much space they may take.
#[derive(Debug, Clone)]
pub struct Storage {
    /// `gridfs:` or the address of a directory or bucket.
    pub url: String,
    /// Most bytes of all files together; `None`: no limit.
    pub quota: Option<u64>,
    /// Most bytes of one account's files; `None`: no limit.
    pub per_account: Option<u64>,
}

impl Storage {
    /// The storage at `url` without limits.
    #[must_use]
    pub fn unbounded(url: &str) -> Self {
        Self { url: url.to_owned(), quota: None, per_account: None }
    }
}

/// Settings of the spider.
#[derive(Debug, Clone)]
pub struct Spider {
    /// List page of the university news, appended to its base address.
    pub news_list_path: String,
    /// When the news job runs.
    pub news: Schedule,
    /// When the logistics job runs.
    pub logistics: Schedule,
    /// When the bulletin job runs.
    pub bulletin: Schedule,
    /// Requests at once per job.
    pub concurrency: usize,
    /// Shortest time between the beginnings of two requests of a job.
    pub pause: Duration,
    /// Most list pages that a job reads.
    pub max_pages: u32,
    /// How long a source may bring nothing new before it is reported.
    pub stale: Duration,
}

/// Settings of the log.
#[derive(Debug, Clone)]
pub struct Log {
    /// Filter of `tracing` targets.
    pub filter: String,
    /// One JSON object per line, else readable text.
    pub json: bool,
}

/// Everything `serve` needs.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is described at its type")]
pub struct Config {
    pub profile: Profile,
    /// The school that this deployment serves.
    pub school: Arc<School>,
    pub listen: Listen,
    pub mongodb: Mongodb,
    pub auth: Auth,
    pub wechat: Wechat,
    pub github: Github,
    pub campus: Campus,
    pub fresh: Freshness,
    pub storage: Storage,
    /// The current term; `None` where only the academic system tells it.
    pub term: Option<Term>,
    pub limits: Limits,
    pub spider: Spider,
    /// Classes of articles whose feeds need no token.
    pub public_feeds: Vec<Class>,
    /// How long accounts without a login are kept; `None`: for ever.
    pub retention: Option<Duration>,
    /// Whether cleaned copies of campus pages that are not understood are kept.
    pub keep_changed_pages: bool,
    /// Most bytes of what was read that stay in memory; 0: none.
    pub cache: u64,
    /// How much the clock is wrong on purpose; always zero in the prod profile.
    pub clock_offset: TimeDelta,
    /// What is odd about the settings, but no reason not to start.
    pub warnings: Vec<String>,
}

/// Everything `spider` needs: no secret of the API, of WeChat or of GitHub.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is described at its type")]
pub struct SpiderConfig {
    pub profile: Profile,
    /// The school whose news are collected.
    pub school: Arc<School>,
    /// Address of health and metrics.
    pub admin: SocketAddr,
    /// Public base of the service, for links to the files of notices.
    pub public_url: Option<Url>,
    /// The connection string: the spider's own, else the engine's.
    pub mongodb_uri: SecretString,
    /// Whether that is the spider's own, whose user cannot read accounts.
    pub has_own_user: bool,
    pub campus: Campus,
    pub storage_url: String,
    pub spider: Spider,
}

/// The process environment, completed by a `.env` file in the working directory.
///
/// # Errors
/// A `.env` file that exists and cannot be read or parsed.
pub fn environment() -> Result<Reader, ConfigError> {
    match dotenvy::dotenv() {
        Ok(_) => {}
        Err(e) if e.not_found() => {}
        Err(_) => {
            return Err(ConfigError(vec![".env: cannot be read or has a line that is not NAME=value".to_owned()]));
        }
    }
    Ok(Reader::new(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))))
}

impl Config {
    /// Builds and checks the whole configuration.
    ///
    /// # Errors
    /// Every unknown, missing or malformed setting, one line each.
    pub fn read(mut reader: Reader) -> Result<Self, ConfigError> {
        let mut built = convert::config(&mut reader);
        if let Some(config) = &mut built {
            convert::check_profile(&mut reader, config);
            config.warnings = reader.take_warnings();
        }
        reader.finish(built)
    }
}

impl SpiderConfig {
    /// Builds and checks what the spider needs.
    ///
    /// # Errors
    /// As [`Config::read`], for these variables and unknown ones.
    pub fn read(mut reader: Reader) -> Result<Self, ConfigError> {
        let built = convert::spider_config(&mut reader);
        if let Some(config) = &built {
            convert::check_spider(&mut reader, config);
        }
        reader.finish(built)
    }
}

impl Mongodb {
    /// Reads only the connection strings, which is all that `migrate` and `replset` need.
    ///
    /// # Errors
    /// As [`Config::read`], for these variables and unknown ones.
    pub fn read(mut reader: Reader) -> Result<Self, ConfigError> {
        let built = convert::mongodb(&mut reader);
        reader.finish(built)
    }

    /// The connection string for schema changes.
    #[must_use]
    pub fn migrate_uri(&self) -> &str {
        self.migrate_uri.as_ref().unwrap_or(&self.uri).expose_secret()
    }
}

impl Log {
    /// Reads only the log settings, for commands that do not need the rest. Problems with other variables are ignored.
    #[must_use]
    pub fn read(reader: &mut Reader) -> Option<Self> {
        convert::log(reader)
    }
}

/// The settings of `rekey`: connection, keys, and the old service's cipher if there is one.
///
/// # Errors
/// As [`Config::read`], for these variables and unknown ones.
pub fn read_rekey(mut reader: Reader) -> Result<(Mongodb, Auth, Option<Legacy>), ConfigError> {
    let built = convert::rekey(&mut reader);
    reader.finish(built)
}

/// The settings of `school pages`: connection, and the keys that the copies are sealed with.
///
/// # Errors
/// As [`Config::read`], for these variables and unknown ones.
pub fn read_school_pages(mut reader: Reader) -> Result<(Mongodb, CredentialKeys), ConfigError> {
    let built = convert::school_pages(&mut reader);
    reader.finish(built)
}

/// The settings of `takeover`: connection strings and current term.
///
/// # Errors
/// As [`Config::read`], for these variables and unknown ones.
pub fn read_takeover(mut reader: Reader) -> Result<(Mongodb, Term), ConfigError> {
    let built = convert::takeover(&mut reader);
    reader.finish(built)
}

/// The setting of `healthcheck`: the address of the admin listener.
///
/// # Errors
/// As [`Config::read`], for this variable and unknown ones.
pub fn read_admin_addr(mut reader: Reader) -> Result<SocketAddr, ConfigError> {
    let built = convert::admin_addr(&mut reader);
    reader.finish(built)
}

/// The text of `.env.example`: every variable with its meaning and default.
#[must_use]
pub fn env_example() -> String {
    let mut text = String::from(
        "# Settings of wehpu-engine. Copy to .env and fill in what is marked «required».\n\
         # Secrets can also come from a file: set NAME_FILE=/path instead of NAME.\n\
         # A line that is commented out shows the default, or an example where there is none.\n",
    );
    for v in VARIABLES {
        let mark = if v.doc.starts_with("required") { "" } else { "# " };
        // Writing to a String does not fail.
        let value = v.default.unwrap_or(v.example);
        let quote = if value.contains([' ', '#', ';']) { "'" } else { "" };
        let _ = write!(text, "\n# {}\n{mark}{}={quote}{value}{quote}\n", v.doc, v.name);
    }
    text.push_str("\n# What compose and the scripts read; the engine does not.\n");
    for (name, example, doc) in ELSEWHERE {
        let _ = write!(text, "\n# {doc}\n# {name}={example}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_repository_has_every_setting() {
        let example = include_str!("../../.env.example");
        assert_eq!(example, env_example(), "run: wehpu-engine config --example > .env.example");
    }
}
