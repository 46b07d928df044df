//! `wehpu-engine migrate`: applies pending migrations.

use std::{cell::Cell, time::Duration};

use super::Failure;
use crate::{
    clock::Clock,
    config::Mongodb,
    crypto::random_hex,
    service::hostname,
    store::{Store, migrations, wait_for_primary},
};

/// Bring the database's schema up to date.
///
/// Applies the files of migrations/ that are not yet applied to this database, in order, one instance at a time.
/// Running it again changes nothing. Connects with `WEHPU_MIGRATE_MONGODB_URI`, else with `WEHPU_MONGODB_URI`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How long to wait for a primary
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// Only list the migrations and when each was applied
    #[arg(long)]
    status: bool,
    /// Only print what each step of the pending migrations would touch, counted on the database as it is now
    #[arg(long, conflicts_with = "status")]
    dry_run: bool,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let settings = Mongodb::read(super::environment()?)?;
    let store = Store::connect(settings.migrate_uri(), "wehpu-engine migrate").await?;
    wait_for_primary(&store, args.wait).await?;
    if args.dry_run {
        return preview(&store).await;
    }
    if !args.status {
        let owner = format!("{}/{}", hostname(), random_hex());
        let applied = Cell::new(false);
        let tell = |id: &str| {
            println!("applied {id}");
            applied.set(true);
        };
        migrations::apply(store.database(), &owner, &Clock::system(), tell).await?;
        if applied.get() {
            store.coherence.forget_everywhere().await?;
        }
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

/// Prints what the pending migrations would do.
async fn preview(store: &Store) -> Result<(), Failure> {
    let pending = migrations::preview(store.database()).await?;
    for migration in &pending {
        println!("pending {}", migration.id);
        for (at, step) in migration.steps.iter().enumerate() {
            let documents = step.documents.map(|count| format!(": {count} documents")).unwrap_or_default();
            println!("  {} {}{documents}", at + 1, step.what);
        }
    }
    println!("{} migrations to apply", pending.len());
    Ok(())
}
