//! The base of the integration tests: a database for each test, the campus simulator, replicas of the service in this
//! process or as child processes, and students who act.
//!
//! ```ignore
//! setup().replicas(2).run(async |app| {
//!     let student = app.student(1).await;
//!     student.bind().await;
//!     student.get("/api/course").await.expect(200);
//! }).await;
//! ```
//!
//! The harness ends each test, also a failed one: it checks that the simulator got no unknown request, stops everything
//! and drops the database.

mod answer;
mod app;
mod database;
mod engine;
mod form;
mod lag;
mod old_service;
mod raw;
mod relay;
mod school;
mod settings;
mod student;

pub use answer::Answer;
pub use app::{Replica, Setup, TestApp, setup};
pub use database::{TestDatabase, replica_set_uri, text_of};
pub use engine::{Engine, run_engine, run_engine_unread};
pub use form::{BOUNDARY, PNG, field, file, form};
pub use old_service::{PASSPHRASE, id_made_at, old_cipher};
pub use raw::{raw, raw_cut_off};
pub use relay::{Loss, Relays};
pub use school::SchoolFile;
pub use settings::{JWT_SECRET, KEY_1, KEY_2, Settings};
pub use student::{STUDENT_DATA, Student};

use std::time::Duration;

/// Longest wait for anything: far above what the slowest machine needs, so that a hang becomes a failure.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for `future`; fails with `what` after [`PATIENCE`].
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.unwrap_or_else(|_| panic!("waited {} s in vain for {what}", PATIENCE.as_secs()))
}

/// Repeats `look` until it returns something.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    in_time(what, async {
        loop {
            if let Some(value) = look().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}
