//! `wehpu-engine replset`: the replica set itself.

use std::{path::PathBuf, time::Duration};

use super::Failure;
use crate::{config::Mongodb, store::replset::Plan};

/// Set up the MongoDB replica set.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make the members named in `WEHPU_MONGODB_URI` a replica set, wait for a primary, create the database users
    ///
    /// A new set needs all its members. One that exists needs a majority: members that do not answer are named in a warning.
    ///
    /// Running it again changes nothing but the users' passwords, which are set to those in the connection strings, what
    /// they may do, and the set's settings of elections.
    /// With --key-file the users of `WEHPU_MONGODB_URI` (readWrite), `WEHPU_MIGRATE_MONGODB_URI` (readWrite, dbAdmin) and
    /// `WEHPU_SPIDER_MONGODB_URI` (its own collections only) are created; without it the members run without
    /// authentication and no users are made.
    Init(Init),
}

#[derive(Debug, clap::Args)]
pub struct Init {
    /// The members' key file
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// How long the members wait for a silent primary before they elect another
    #[arg(long, default_value = "4s", value_parser = humantime::parse_duration)]
    election_timeout: Duration,
    /// How long to wait for the members and for a primary
    #[arg(long, default_value = "120s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    let Command::Init(init) = command;
    let settings = Mongodb::read(super::environment()?)?;
    let key = match &init.key_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| format!("--key-file {}: {e}", path.display()))?;
            Some(text)
        }
        None => None,
    };
    let plan = Plan::new(&settings, key.as_deref()).await?;
    let away = plan.carry_out(init.election_timeout, init.wait, |step| println!("{step}")).await?;
    for member in away {
        eprintln!("warning: member {member} does not answer; the set goes on without it, and cannot lose another one");
    }
    Ok(())
}
