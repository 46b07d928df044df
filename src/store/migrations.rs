//! Schema changes: numbered files of database commands in `migrations/`, embedded in the binary, applied in order under
//! a lease and recorded with their checksum. Files are append-only. Each command can be run twice, so an interrupted
//! run is simply repeated.

mod preview;

use std::time::Duration;

use chrono::{DateTime, Utc};
use include_dir::{Dir, include_dir};
use mongodb::{
    Collection, Database,
    bson::{self, Document, doc},
};
use serde::{Deserialize, Serialize};

use super::{Leases, Reads, StoreError, collection};
use crate::{clock::Clock, crypto::sha256_hex};

pub use preview::{Preview, Step, preview};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// Lease of one run: how long other instances wait if its holder dies. Commands can be repeated, so an overlap does no
/// harm.
const LEASE: Duration = Duration::from_mins(5);

/// Pause between two tries of an instance that found the lease taken.
const LEASE_POLL: Duration = Duration::from_millis(250);

/// Why migrations were not applied.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database did not answer or refused a command.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A command of a file failed.
    #[error("migration {id}, command {command}: {}", source.for_operator())]
    Command {
        /// File name without extension.
        id: String,
        /// Position in the file, from 1.
        command: usize,
        /// What the database said.
        source: StoreError,
    },
    /// An embedded file is not a list of commands.
    #[error("migration {id} is not a list of commands in extended JSON: {what}")]
    Malformed {
        /// File name without extension.
        id: String,
        /// What the parser said.
        what: String,
    },
    /// An applied file has been changed since.
    #[error(
        "migration {0} was applied with another content; migrations are append-only: restore the file and add a new one"
    )]
    Changed(String),
    /// This version needs a migration that is not applied to this database.
    #[error("migration {0} is pending")]
    Behind(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct Applied {
    #[serde(rename = "_id")]
    id: String,
    checksum: String,
    #[serde(rename = "appliedAt")]
    at: bson::DateTime,
}

struct File {
    id: String,
    text: &'static str,
}

/// One migration, for a person to read.
#[derive(Debug)]
pub struct Record {
    /// File name without extension.
    pub id: String,
    /// When; `None` when it is pending.
    pub applied_at: Option<DateTime<Utc>>,
}

fn files() -> Vec<File> {
    let file = |f: &'static include_dir::File<'static>| {
        let id = f.path().file_stem()?.to_str()?.to_owned();
        Some(File { id, text: f.contents_utf8()? })
    };
    let mut files: Vec<File> =
        FILES.files().filter(|f| f.path().extension().is_some_and(|e| e == "json")).filter_map(file).collect();
    files.sort_by(|a, b| a.id.cmp(&b.id));
    files
}

fn records(db: &Database, reads: Reads) -> Collection<Applied> {
    collection(db, "migrations", reads)
}

/// All migrations of this binary, with the time each was applied.
///
/// # Errors
/// [`MigrationError::Store`] when no member answers, [`MigrationError::Changed`] for a file that differs from what was
/// applied.
pub async fn status(db: &Database) -> Result<Vec<Record>, MigrationError> {
    status_from(&records(db, Reads::PrimaryPreferred)).await
}

/// Whether all migrations of this version are applied. Only the primary may say that one is pending: a secondary may
/// not have received the record yet.
///
/// # Errors
/// [`MigrationError::Behind`] with the first that is pending, otherwise as [`status`].
pub async fn check_current(db: &Database) -> Result<(), MigrationError> {
    let pending = |status: Vec<Record>| status.into_iter().find(|record| record.applied_at.is_none());
    if pending(status(db).await?).is_none() {
        return Ok(());
    }
    match pending(status_from(&records(db, Reads::Primary)).await?) {
        Some(record) => Err(MigrationError::Behind(record.id)),
        None => Ok(()),
    }
}

async fn status_from(applied: &Collection<Applied>) -> Result<Vec<Record>, MigrationError> {
    let mut cursor = applied.find(doc! {}).await.map_err(StoreError::from)?;
    let mut known = std::collections::HashMap::new();
    while cursor.advance().await.map_err(StoreError::from)? {
        let record = cursor.deserialize_current().map_err(StoreError::from)?;
        known.insert(record.id.clone(), record);
    }
    let record = |file: File| match known.get(&file.id) {
        Some(applied) if applied.checksum != sha256_hex(file.text.as_bytes()) => Err(MigrationError::Changed(file.id)),
        found => {
            let applied_at = found.map(|a| a.at.to_chrono());
            Ok(Record { id: file.id, applied_at })
        }
    };
    files().into_iter().map(record).collect()
}

/// Applies what is pending, in order, and calls `progress` with each id afterwards. Waits while another instance holds
/// the lease.
///
/// # Errors
/// See [`MigrationError`]; what was applied before the error stays recorded.
pub async fn apply(
    db: &Database,
    owner: &str,
    clock: &Clock,
    mut progress: impl FnMut(&str),
) -> Result<(), MigrationError> {
    let leases = Leases::new(db);
    let lease = loop {
        if let Some(lease) = leases.acquire("migrate", owner, LEASE).await? {
            break lease;
        }
        tokio::time::sleep(LEASE_POLL).await;
    };
    let outcome = apply_pending(db, clock, &mut progress).await;
    leases.release(&lease).await?;
    outcome
}

async fn apply_pending(db: &Database, clock: &Clock, progress: &mut impl FnMut(&str)) -> Result<(), MigrationError> {
    let applied = records(db, Reads::Primary);
    let status = status_from(&applied).await?;
    for (file, _) in files().into_iter().zip(status).filter(|(_, record)| record.applied_at.is_none()) {
        for (at, command) in commands(&file)?.into_iter().enumerate() {
            let failed = |e: mongodb::error::Error| MigrationError::Command {
                id: file.id.clone(),
                command: at + 1,
                source: e.into(),
            };
            db.run_command(command).await.map_err(failed)?;
        }
        let at = bson::DateTime::from_chrono(clock.now());
        let record = Applied { id: file.id.clone(), checksum: sha256_hex(file.text.as_bytes()), at };
        applied.insert_one(record).await.map_err(StoreError::from)?;
        progress(&file.id);
    }
    Ok(())
}

/// The commands of a file in order, without each `comment` for readers.
fn commands(file: &File) -> Result<Vec<Document>, MigrationError> {
    let malformed = |e: serde_json::Error| MigrationError::Malformed { id: file.id.clone(), what: e.to_string() };
    let mut commands: Vec<Document> = serde_json::from_str(file.text).map_err(malformed)?;
    for command in &mut commands {
        command.remove("comment");
    }
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_is_a_numbered_list_of_commands() {
        let files = files();
        assert!(!files.is_empty());
        for (number, file) in files.iter().enumerate() {
            assert!(file.id.starts_with(&format!("{:04}_", number + 1)), "{} is out of order", file.id);
            assert!(commands(file).unwrap().iter().all(|command| !command.is_empty()));
        }
    }
}
