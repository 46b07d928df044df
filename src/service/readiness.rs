//! Whether a replica should get requests.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::http::StatusCode;

/// Whether this replica should get requests: when the database has answered and the schema was current once. It stays
/// so while the database is away, since what is in memory can still be read; if all replicas left the proxy together,
/// nobody could read anything.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    migrated: AtomicBool,
    database: AtomicBool,
    draining: AtomicBool,
}

impl Readiness {
    /// Notes that the schema is current.
    pub fn set_migrated(&self) {
        self.0.migrated.store(true, Ordering::SeqCst);
    }

    /// Whether the schema was found to be current.
    #[must_use]
    pub fn is_migrated(&self) -> bool {
        self.0.migrated.load(Ordering::SeqCst)
    }

    /// Notes whether any member of the replica set answers.
    pub fn set_database(&self, reachable: bool) {
        if self.0.database.swap(reachable, Ordering::SeqCst) != reachable {
            tracing::info!(reachable, "database");
        }
    }

    /// Notes that this replica is about to stop and wants no new requests. This cannot be undone.
    pub fn set_draining(&self) {
        self.0.draining.store(true, Ordering::SeqCst);
    }

    /// The answer of `/readyz`: 404 asks the proxy to drain this replica (HAProxy's `disable-on-404`).
    #[must_use]
    pub fn status(&self) -> (StatusCode, &'static str) {
        let is = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
        if is(&self.0.draining) {
            (StatusCode::NOT_FOUND, "draining\n")
        } else if !is(&self.0.migrated) {
            let waits_for =
                if is(&self.0.database) { "waiting for migrations\n" } else { "waiting for the database\n" };
            (StatusCode::SERVICE_UNAVAILABLE, waits_for)
        } else if !is(&self.0.database) {
            (StatusCode::OK, "ready, without the database\n")
        } else {
            (StatusCode::OK, "ready\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_needs_database_and_schema_once_and_ends_with_draining() {
        let readiness = Readiness::default();
        assert_eq!(readiness.status().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.set_database(true);
        assert_eq!(readiness.status().0, StatusCode::SERVICE_UNAVAILABLE);
        readiness.set_migrated();
        assert_eq!(readiness.status().0, StatusCode::OK);
        readiness.set_database(false);
        assert_eq!(readiness.status(), (StatusCode::OK, "ready, without the database\n"));
        readiness.set_draining();
        assert_eq!(readiness.status().0, StatusCode::NOT_FOUND);
    }
}
