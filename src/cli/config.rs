//! `wehpu-engine config`: the settings in force.

use std::process::ExitCode;

use crate::config::{self, Config};

/// Print the settings in force, secrets masked.
///
/// Exits non-zero, naming each problem, when the service would not start with them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print .env.example instead: every variable with its meaning and default
    #[arg(long)]
    example: bool,
}

pub fn run(args: &Args) -> ExitCode {
    if args.example {
        print!("{}", config::env_example());
        return ExitCode::SUCCESS;
    }
    let reader = match config::environment() {
        Ok(reader) => reader,
        Err(e) => return super::fail(&e.into()),
    };
    println!("{}", reader.effective());
    match Config::read(reader) {
        Ok(_) => ExitCode::SUCCESS,
        Err(e) => super::fail(&e.into()),
    }
}
