//! `wehpu-engine replset`: the replica set itself.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::Failure;
use crate::{
    config::Mongodb,
    store::replset::{MemberStatus, Plan},
};

/// Set up the MongoDB replica set.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make the members named in `WEHPU_MONGODB_URI` a replica set, wait for a primary, create the database users
    ///
    /// A new set needs all its members. An existing set needs a majority; silent members are named in a warning.
    /// Running it again changes only the users' passwords, which are set to those in the connection strings, their
    /// rights, and the set's election settings. With --key-file it creates the users of `WEHPU_MONGODB_URI`
    /// (readWrite), `WEHPU_MIGRATE_MONGODB_URI` (readWrite, dbAdmin) and `WEHPU_SPIDER_MONGODB_URI` (its own
    /// collections only). Without it the members run without authentication, and no users are made.
    Init(Init),
    /// Print role and lag of each member in `WEHPU_MONGODB_URI` (exit code 0: a primary, and all others are
    /// secondaries)
    Status,
    /// Remove a database user that no connection string names any more
    ///
    /// The last step of a change of passwords without downtime: put another user name and password into a connection
    /// string, roll out, then drop the former user.
    DropUser(DropUser),
}

#[derive(Debug, clap::Args)]
pub struct DropUser {
    /// Name of the user
    name: String,
    /// The members' key file
    #[arg(long)]
    key_file: PathBuf,
    /// How long to wait for a primary
    #[arg(long, default_value = "30s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

#[derive(Debug, clap::Args)]
pub struct Init {
    /// The members' key file
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// How long the members wait for a silent primary before they elect another
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    election_timeout: Duration,
    /// How long to wait for the members and for a primary
    #[arg(long, default_value = "120s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    let settings = Mongodb::read(super::environment()?)?;
    match command {
        Command::Init(init) => {
            let key = init.key_file.as_deref().map(read_key).transpose()?;
            let plan = Plan::new(&settings, key.as_deref()).await?;
            let away = plan.carry_out(init.election_timeout, init.wait, |step| println!("{step}")).await?;
            for member in away {
                eprintln!(
                    "warning: member {member} does not answer; the set goes on without it, and cannot lose another one"
                );
            }
            Ok(())
        }
        Command::Status => status(&Plan::new(&settings, None).await?).await,
        Command::DropUser(DropUser { name, key_file, wait }) => {
            let plan = Plan::new(&settings, Some(&read_key(&key_file)?)).await?;
            let dropped = plan.drop_user(&name, wait).await?;
            println!(
                "{}",
                if dropped { format!("user {name} is removed") } else { format!("there is no user {name}") }
            );
            Ok(())
        }
    }
}

fn read_key(path: &Path) -> Result<String, Failure> {
    Ok(std::fs::read_to_string(path).map_err(|e| format!("--key-file {}: {e}", path.display()))?)
}

async fn status(plan: &Plan) -> Result<(), Failure> {
    let members = plan.status().await?;
    for MemberStatus { name, role, lag } in &members {
        let lag = lag.map(|lag| format!("  {:.1} s behind", lag.as_secs_f64())).unwrap_or_default();
        println!("{name}  {role}{lag}");
    }
    let count = |wanted: &str| members.iter().filter(|member| member.role == wanted).count();
    match (count("primary"), count("secondary")) {
        (0, _) => Err("there is no primary: nothing can be written".into()),
        (1, secondaries) if secondaries + 1 == members.len() => Ok(()),
        (1, _) => Err("not every member is well: the set cannot lose another one".into()),
        _ => Err("more than one member says that it is the primary; look again in some seconds".into()),
    }
}
