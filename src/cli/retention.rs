//! `wehpu-engine retention`: deletes unused accounts without waiting for `serve` to do it.

use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::{
    accounts::retention::{Deletion, PER_DAY, delete_unused, due},
    app::App,
    clock::Clock,
    config::Config,
    service::is_migrated,
    store::wait_for_primary,
};

/// How long to wait for a primary.
const WAIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Delete accounts that nobody has logged in to for `WEHPU_RETENTION`, with everything stored about them.
///
/// `serve` does the same each day, some hundred accounts at a time. This command uses the settings of `serve`, may run
/// at the same time, and may be interrupted and repeated.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only count what would be deleted
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let app = App::new(Config::read(super::environment()?)?, Clock::system()).await?;
    wait_for_primary(&app.store, WAIT).await?;
    if !is_migrated(&app.store).await? {
        return Err("the database does not answer".into());
    }
    let Some(unused) = due(&app).await.map_err(|e| format!("{e:?}"))? else {
        println!("WEHPU_RETENTION is off: accounts are kept for ever");
        return Ok(());
    };
    let verb = if args.dry_run { "would be deleted" } else { "to be deleted" };
    let oldest = unused.oldest.map(|at| format!(", the oldest last used on {}", at.format("%F"))).unwrap_or_default();
    println!("{} accounts {verb}{oldest}", unused.accounts);
    if args.dry_run {
        return Ok(());
    }
    let (stop, mut all) = (CancellationToken::new(), 0);
    let failure = loop {
        match delete_unused(&app, PER_DAY, &stop).await {
            Ok(Deletion { accounts: 0, failure }) => break failure,
            Ok(Deletion { accounts, .. }) => all += accounts,
            Err(error) => break Some(error),
        }
        println!("{all} of {} accounts deleted", unused.accounts);
    };
    // What a deletion goes on with in the background.
    app.tasks.close();
    app.tasks.wait().await;
    failure.map_or(Ok(()), |error| Err(format!("{all} accounts deleted, not the others: {error:?}").into()))
}
