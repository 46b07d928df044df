//! Whether the database answers and its schema is current.

use std::{convert::Infallible, time::Duration};

use super::Readiness;
use crate::store::{
    Store,
    migrations::{self, MigrationError},
};

/// How often the database is pinged.
const WATCH: Duration = Duration::from_secs(1);

/// Longest wait for an answer.
const WATCH_PATIENCE: Duration = Duration::from_secs(3);

/// Updates the readiness. Waits for the database as long as necessary; ends only when the schema does not fit this
/// version. Calls `ready` once, when the schema was found to be current.
pub async fn watch_database(
    store: &Store,
    readiness: &Readiness,
    ready: impl Fn(),
) -> Result<Infallible, MigrationError> {
    let mut every = tokio::time::interval(WATCH);
    loop {
        every.tick().await;
        let reachable = matches!(tokio::time::timeout(WATCH_PATIENCE, store.ping()).await, Ok(Ok(())));
        readiness.set_database(reachable);
        if reachable && !readiness.is_migrated() && is_migrated(store).await? {
            readiness.set_migrated();
            tracing::info!("ready");
            ready();
        }
    }
}

/// Whether the schema is current; `false` when the database does not answer.
///
/// # Errors
/// [`MigrationError`] when the schema does not fit this version.
pub async fn is_migrated(store: &Store) -> Result<bool, MigrationError> {
    match migrations::check_current(store.database()).await {
        Ok(()) => Ok(true),
        Err(MigrationError::Store(error)) => {
            tracing::info!(%error, "waiting for the database");
            Ok(false)
        }
        Err(e) => Err(e),
    }
}
