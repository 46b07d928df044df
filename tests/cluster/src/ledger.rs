//! The writes that the service acknowledged, recorded by the client at the moment of the answer and checked afterwards.

use std::{collections::HashMap, sync::Mutex, time::Instant};

use crate::{history::History, lock};

/// An acknowledged write.
#[derive(Debug, Clone)]
pub enum Write {
    /// An account was made.
    Account(String),
    /// An account was bound to a student number.
    Bind {
        /// The account.
        open_id: String,
        /// The student number.
        student: String,
    },
    /// A student's table was fetched for an account at this time (Unix milliseconds) and stored.
    Table {
        /// The collection.
        collection: &'static str,
        /// The account.
        open_id: String,
        /// The student number.
        student: String,
        /// The time.
        fetched_at: i64,
    },
    /// A report with this text became an issue.
    Feedback(String),
    /// A repair with this text was ordered.
    Repair(String),
    /// A file with this content is available at this path.
    Upload {
        /// The account.
        owner: String,
        /// The path.
        path: String,
        /// The content.
        content: Vec<u8>,
    },
}

/// An account's nickname, a number that only grows: the last acknowledged one must be stored.
#[derive(Debug, Clone)]
pub struct Register {
    /// The account.
    pub account: crate::api::Account,
    /// The last acknowledged number, and when.
    pub acknowledged: Option<(u64, Instant)>,
    /// A number that was sent without a clear answer. Nothing is written after it.
    pub unclear: Option<u64>,
}

/// The client's ledger.
#[derive(Debug, Default)]
pub struct Ledger {
    /// All writes and reads of nicknames, with their times.
    pub history: History,
    writes: Mutex<Vec<(Instant, Write)>>,
    registers: Mutex<Vec<Register>>,
    unclear_uploads: Mutex<HashMap<String, usize>>,
    broken_promises: Mutex<Vec<(Instant, String)>>,
    cut_off_logins: Mutex<Vec<Instant>>,
    lost: Mutex<Vec<(Instant, String)>>,
    sessions: Mutex<Vec<(Instant, Option<String>)>>,
}

impl Ledger {
    /// Notes an acknowledged write.
    pub fn acknowledge(&self, write: Write) {
        lock(&self.writes).push((Instant::now(), write));
    }

    /// All acknowledged writes, with their times.
    #[must_use]
    pub fn writes(&self) -> Vec<(Instant, Write)> {
        lock(&self.writes).clone()
    }

    /// Opens a register. Returns its place.
    pub fn open(&self, account: crate::api::Account) -> usize {
        let mut registers = lock(&self.registers);
        registers.push(Register { account, acknowledged: None, unclear: None });
        registers.len() - 1
    }

    /// Notes in the register at `place` whether `number` was acknowledged or is unclear.
    pub fn set(&self, place: usize, number: u64, acknowledged: bool) {
        if let Some(register) = lock(&self.registers).get_mut(place) {
            if acknowledged {
                register.acknowledged = Some((number, Instant::now()));
            } else {
                register.unclear = Some(number);
            }
        }
    }

    /// All registers.
    #[must_use]
    pub fn registers(&self) -> Vec<Register> {
        lock(&self.registers).clone()
    }

    /// Notes that an upload of this account ended without a clear answer: it may be stored.
    pub fn unclear_upload(&self, open_id: &str) {
        *lock(&self.unclear_uploads).entry(open_id.to_owned()).or_default() += 1;
    }

    /// The number of unclear uploads of each account.
    #[must_use]
    pub fn unclear_uploads(&self) -> HashMap<String, usize> {
        lock(&self.unclear_uploads).clone()
    }

    /// Notes something that must never happen.
    pub fn broken(&self, at: Instant, what: String) {
        lock(&self.broken_promises).push((at, what));
    }

    /// Notes that a login was cut off at this time, and WeChat does not accept its code again.
    pub fn cut_off(&self, at: Instant) {
        lock(&self.cut_off_logins).push(at);
    }

    /// When logins were cut off.
    #[must_use]
    pub fn cut_off_logins(&self) -> Vec<Instant> {
        lock(&self.cut_off_logins).clone()
    }

    /// Everything that must never happen and did.
    #[must_use]
    pub fn broken_promises(&self) -> Vec<(Instant, String)> {
        lock(&self.broken_promises).clone()
    }

    /// Notes that a login and a logout were tried at single engines at this time, and what did not count.
    pub fn session(&self, at: Instant, trouble: Option<String>) {
        lock(&self.sessions).push((at, trouble));
    }

    /// All logins and logouts that were tried at single engines.
    #[must_use]
    pub fn sessions(&self) -> Vec<(Instant, Option<String>)> {
        lock(&self.sessions).clone()
    }

    /// Notes an acknowledged write that was missing between two faults.
    pub fn lost(&self, at: Instant, what: String) {
        lock(&self.lost).push((at, what));
    }

    /// All acknowledged writes that were missing between two faults.
    #[must_use]
    pub fn lost_writes(&self) -> Vec<(Instant, String)> {
        lock(&self.lost).clone()
    }
}
