//! `wehpu-engine config`: the settings in force.

use super::Failure;
use crate::config::{self, Config};

/// Print the settings in force, secrets masked, with where each comes from.
///
/// Exits non-zero, naming each problem, when the service would not start with them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print .env.example instead: every variable with its meaning and default
    #[arg(long)]
    example: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    if args.example {
        return super::print(&config::env_example());
    }
    let mut reader = config::environment()?;
    super::print(&format!("{}\n", reader.effective()))?;
    for warning in Config::read(reader)?.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(())
}
