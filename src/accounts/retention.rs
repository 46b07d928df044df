//! Deletes accounts that nobody has logged in to for `WEHPU_RETENTION`, as if their owners had done it.
//!
//! A token lives for some days (`WEHPU_JWT_TTL`), so every user of the mini-program logs in at least that often. Each
//! replica checks from time to time whether the day's work has been done; a lease that lasts for the day decides who
//! does it.

use std::{convert::Infallible, time::Duration};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, AppState},
    crypto::random_hex,
    error::ApiError,
    store::Unused,
};

use super::leaving::forget;

/// How often a replica checks whether today's work has been done.
const LOOK: Duration = Duration::from_mins(10);

/// Length of the lease: a little less than a day, so that the work is not done later each day.
const DAY: Duration = Duration::from_hours(23);

/// Most accounts that one run deletes: a wrong setting or clock must not empty the database at once.
pub const PER_DAY: u32 = 500;

/// How many accounts are read at a time.
const BATCH: u32 = 50;

/// Number of failed deletions that end a run: then the accounts are not the cause.
const MAX_FAILURES: usize = 5;

/// Name of the lease.
const LEASE: &str = "retention";

/// Does each day's work, once among all replicas. Never ends; `stop` ends a run early.
pub async fn follow(app: AppState, stop: CancellationToken) -> Infallible {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(error) = daily(&app, &stop).await {
            tracing::warn!(?error, "accounts that are not used any more could not be deleted");
        }
    }
}

/// Deletes what is due, unless a replica has done so today. Returns the number of deleted accounts; `None` when there
/// was nothing for this replica to do.
///
/// # Errors
/// [`ApiError`]; the rest is retried at the next check if nothing was deleted, else the next day.
pub async fn daily(app: &AppState, stop: &CancellationToken) -> Result<Option<u64>, ApiError> {
    if app.config.retention.is_none() {
        return Ok(None);
    }
    // A new owner for each try: the owner of a lease could take it again, but this one must last until the next day.
    let Some(lease) = app.store.leases.acquire(LEASE, &random_hex(), DAY).await? else { return Ok(None) };
    let outcome = delete_unused(app, PER_DAY, stop).await;
    let deleted = outcome.as_ref().map_or(0, |deletion| deletion.accounts);
    tracing::info!(accounts = deleted, "accounts without a login for too long have been deleted");
    let failed = !matches!(outcome, Ok(Deletion { failure: None, .. }));
    // A run that has deleted some is not repeated today whatever failed, or the bound of a day would not hold.
    if stop.is_cancelled() || failed && deleted == 0 {
        app.store.leases.release(&lease).await?;
    }
    match outcome? {
        Deletion { failure: Some(error), .. } => Err(error),
        Deletion { accounts, failure: None } => Ok(Some(accounts)),
    }
}

/// The accounts that are due; `None` when accounts are kept for ever.
///
/// # Errors
/// [`ApiError::DatabaseUnavailable`].
pub async fn due(app: &App) -> Result<Option<Unused>, ApiError> {
    let Some(before) = due_before(app) else { return Ok(None) };
    Ok(Some(app.store.users.unused(before).await?))
}

/// Accounts last used before this time are deleted.
fn due_before(app: &App) -> Option<DateTime<Utc>> {
    app.clock.now().checked_sub_signed(chrono::TimeDelta::from_std(app.config.retention?).ok()?)
}

/// What a run has done.
#[derive(Debug)]
pub struct Deletion {
    /// How many accounts it has deleted.
    pub accounts: u64,
    /// Why one of the others could not be deleted.
    pub failure: Option<ApiError>,
}

/// Deletes at most `most` accounts that are due, one after the other. Ends early at `stop`, and when many fail.
///
/// # Errors
/// [`ApiError::DatabaseUnavailable`] when the accounts cannot be listed.
pub async fn delete_unused(app: &AppState, most: u32, stop: &CancellationToken) -> Result<Deletion, ApiError> {
    let (mut deleted, mut failures) = (0, Vec::new());
    let Some(before) = due_before(app) else { return Ok(Deletion { accounts: 0, failure: None }) };
    loop {
        let earlier = deleted;
        for open_id in app.store.users.some_unused(before, BATCH).await? {
            if stop.is_cancelled() || deleted >= u64::from(most) || failures.len() >= MAX_FAILURES {
                break;
            }
            let worker = app.clone();
            // Runs to its end even when this replica is told to stop.
            match app.finish(async move { delete_if_unused(&worker, &open_id, before).await }).await {
                Ok(gone) => deleted += u64::from(gone),
                Err(error) => failures.push(error),
            }
        }
        // Accounts that are listed again could not be deleted.
        if deleted == earlier {
            return Ok(Deletion { accounts: deleted, failure: failures.pop() });
        }
    }
}

/// Deletes the account if it is still unused. Returns whether it did.
async fn delete_if_unused(app: &AppState, open_id: &str, before: DateTime<Utc>) -> Result<bool, ApiError> {
    // Checked again: the owner may have logged in since the list was read.
    let Some(user) = app.store.users.find_unused(open_id, before).await? else { return Ok(false) };
    forget(app, &user).await?;
    metrics::counter!("accounts_expired_total").increment(1);
    Ok(true)
}
