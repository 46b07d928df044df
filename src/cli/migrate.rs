//! `wehpu-engine migrate`: applies pending migrations.

use std::time::Duration;

use super::Failure;
use crate::{
    app::hostname,
    clock::Clock,
    config::Mongodb,
    crypto::random_hex,
    store::{Store, migrations, wait_for_primary},
};

/// Bring the database's schema up to date.
///
/// Applies the files of migrations/ that this database has not seen, in order, one instance at a time; running it again
/// changes nothing. Connects with `WEHPU_MIGRATE_MONGODB_URI`, else with `WEHPU_MONGODB_URI`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How long to wait for a primary
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// Only list the migrations and when each was applied
    #[arg(long)]
    status: bool,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let settings = Mongodb::read(super::environment()?)?;
    let store = Store::connect(settings.migrate_uri(), "wehpu-engine migrate").await?;
    wait_for_primary(&store, args.wait).await?;
    if !args.status {
        let owner = format!("{}/{}", hostname(), random_hex());
        migrations::apply(store.database(), &owner, &Clock::system(), |id| println!("applied {id}")).await?;
        println!("the schema is up to date");
        return Ok(());
    }
    for record in migrations::status(store.database()).await? {
        match record.applied_at {
            Some(at) => println!("{}  {}", at.format("%Y-%m-%dT%H:%M:%SZ"), record.id),
            None => println!("pending               {}", record.id),
        }
    }
    Ok(())
}
