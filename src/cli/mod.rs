//! The command line: one file per subcommand. Every command exits 0 on success and prints one clear line on standard
//! error otherwise.

mod captcha;
mod config;
mod healthcheck;
mod migrate;
mod openapi;
mod parse;
mod pseudonym;
mod rekey;
mod replset;
mod retention;
mod school;
mod serve;
mod spider;
mod takeover;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::config::{ConfigError, Log, Reader};

/// The REST service behind the wehpu mini-program.
///
/// Settings come from environment variables (and a .env file in the working directory): see `wehpu-engine config`.
#[derive(Debug, Parser)]
#[command(name = "wehpu-engine", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service: public API and admin listener
    Serve,
    /// Collect news, lectures and notices: when they are due, or once
    Spider(spider::Args),
    /// Bring the database's schema up to date
    Migrate(migrate::Args),
    /// Re-seal stored credentials with the first key of `WEHPU_CREDENTIAL_KEYS`
    Rekey(rekey::Args),
    /// Delete accounts that nobody has logged in to for `WEHPU_RETENTION`
    Retention(retention::Args),
    /// Carry over the course tables and scores of the old service
    Takeover(takeover::Args),
    /// Set up the MongoDB replica set
    #[command(subcommand)]
    Replset(replset::Command),
    /// Ask a running service whether it is ready (exit code 0: yes)
    Healthcheck(healthcheck::Args),
    /// Print the settings in force, secrets masked
    Config(config::Args),
    /// Profiles of schools: list them, check one, find out which system an address belongs to; pages that have changed
    #[command(subcommand)]
    School(school::Command),
    /// Print the words that stand for a student number in the log
    Pseudonym(pseudonym::Args),
    /// Print the description of the API (OpenAPI 3.1, JSON)
    Openapi,
    /// Read URP captchas
    Captcha(captcha::CaptchaArgs),
    /// Read a saved campus page and print what the API would answer
    Parse(parse::ParseArgs),
}

impl Cli {
    /// Runs the chosen command.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Serve => in_runtime(serve::run()),
            Command::Spider(args) => in_runtime(spider::run(args)),
            Command::Migrate(args) => in_runtime(migrate::run(args)),
            Command::Rekey(args) => in_runtime(rekey::run(args)),
            Command::Retention(args) => in_runtime(retention::run(args)),
            Command::Takeover(args) => in_runtime(takeover::run(args)),
            Command::Replset(command) => in_runtime(replset::run(command)),
            Command::Healthcheck(args) => in_runtime(healthcheck::run(args)),
            Command::Config(args) => exit(config::run(&args)),
            Command::School(command) => in_runtime(school::run(command)),
            Command::Pseudonym(args) => in_runtime(pseudonym::run(args)),
            Command::Openapi => exit(openapi::run()),
            Command::Captcha(args) => captcha::run(&args),
            Command::Parse(args) => parse::run(&args),
        }
    }
}

/// What a command that failed prints.
type Failure = Box<dyn std::error::Error>;

fn in_runtime(command: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail(&e.into()),
    };
    let outcome = runtime.block_on(command);
    // Remaining tasks already had their time. They end with the process: one after the other they would meet a driver that
    // is half gone, and panic.
    std::mem::forget(runtime);
    exit(outcome)
}

/// Prints a long text. A reader may close the pipe early, as in `wehpu-engine openapi | head`.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// The exit code of a command that needs no runtime.
fn exit(outcome: Result<(), Failure>) -> ExitCode {
    outcome.map_or_else(|e| fail(&e), |()| ExitCode::SUCCESS)
}

fn fail(failure: &Failure) -> ExitCode {
    eprintln!("wehpu-engine: {failure}");
    ExitCode::FAILURE
}

/// The environment; also starts logging as it says.
fn environment() -> Result<Reader, ConfigError> {
    let mut reader = crate::config::environment()?;
    if let Some(log) = Log::read(&mut reader) {
        crate::telemetry::init_logs(&log);
    }
    Ok(reader)
}
