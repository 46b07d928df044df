//! The outside systems: how they can misbehave, which of their data is stored, and which requests show that one is
//! healthy.

use std::time::Duration;

use crate::api::Kind;

/// How a system can misbehave, by the simulator's names.
pub const MODES: [&str; 8] = ["slow", "hang", "500", "drop", "garbage", "maintenance", "expired", "empty"];

/// How long a system misbehaves: long enough to trip the breakers of all engines, which takes longer where each request
/// must run into its time-out.
#[must_use]
pub fn lasts(mode: &str) -> Duration {
    Duration::from_secs(if ["slow", "hang"].contains(&mode) { 30 } else { 15 })
}

/// A table of a student that is fetched from a system and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name in the journal.
    pub name: &'static str,
    /// Its path in the API.
    pub path: &'static str,
    /// The collection that stores it.
    pub collection: &'static str,
    /// Whether a page without rows can be true: all books may be returned, but no scores are withdrawn.
    pub may_become_empty: bool,
}

/// Scores, from the academic system.
pub const SCORES: Table = Table { name: "score", path: "/api/score", collection: "scores", may_become_empty: false };

/// Tests of physical education.
pub const PHYSICAL: Table =
    Table { name: "physical", path: "/api/physical", collection: "physical", may_become_empty: false };

/// Loans of the library.
pub const LOANS: Table =
    Table { name: "loans", path: "/api/library/borrowing", collection: "borrowing", may_become_empty: true };

/// All of them.
pub const TABLES: [Table; 3] = [SCORES, PHYSICAL, LOANS];

/// The table from this system.
#[must_use]
pub fn table(system: &str) -> Option<Table> {
    match system {
        "urp" | "vpn" | "eams" | "jwglxt" => Some(SCORES),
        "physical" => Some(PHYSICAL),
        "library" => Some(LOANS),
        _ => None,
    }
}

/// The requests that need this system: a fresh answer to one of them shows that it is healthy.
#[must_use]
pub fn witness(system: &str) -> Kind {
    match (table(system), system) {
        (Some(table), _) => Kind::Read(table.name),
        // With a session that lives, nothing else asks the CAS.
        (None, "cas") => Kind::Bind,
        (None, "repair") => Kind::Repair,
        (None, "github") => Kind::Feedback,
        (None, _) => Kind::Login,
    }
}
