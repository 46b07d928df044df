//! What the service said it has written, noted by the client at the moment of the answer; looked for afterwards.

use std::{collections::HashMap, sync::Mutex, time::Instant};

use crate::lock;

/// A write that was acknowledged.
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
    /// A table of a student was fetched for an account at this time (Unix milliseconds) and stored.
    Table {
        /// Where.
        collection: &'static str,
        /// The account.
        open_id: String,
        /// The student number.
        student: String,
        /// When.
        fetched_at: i64,
    },
    /// A report with this text became an issue.
    Feedback(String),
    /// A repair with this text was ordered.
    Repair(String),
    /// A file with this content can be had at this path.
    Upload {
        /// By whom.
        owner: String,
        /// Where.
        path: String,
        /// What.
        content: Vec<u8>,
    },
}

/// One account's nickname, a number that only grows: what is stored must be the last one that was acknowledged.
#[derive(Debug, Clone)]
pub struct Register {
    /// Whose.
    pub account: crate::api::Account,
    /// The last number that was acknowledged, and when.
    pub acknowledged: Option<(u64, Instant)>,
    /// A number whose fate is not known: it was sent and no clear answer came. Nothing is written after it.
    pub unclear: Option<u64>,
}

/// The client's book.
#[derive(Debug, Default)]
pub struct Ledger {
    writes: Mutex<Vec<(Instant, Write)>>,
    registers: Mutex<Vec<Register>>,
    unclear_uploads: Mutex<HashMap<String, usize>>,
    broken_promises: Mutex<Vec<(Instant, String)>>,
    cut_off_logins: Mutex<Vec<Instant>>,
    lost: Mutex<Vec<(Instant, String)>>,
}

impl Ledger {
    /// Notes an acknowledged write.
    pub fn acknowledge(&self, write: Write) {
        lock(&self.writes).push((Instant::now(), write));
    }

    /// All of them, with when they were acknowledged.
    #[must_use]
    pub fn writes(&self) -> Vec<(Instant, Write)> {
        lock(&self.writes).clone()
    }

    /// Opens a register; gives its place.
    pub fn open(&self, account: crate::api::Account) -> usize {
        let mut registers = lock(&self.registers);
        registers.push(Register { account, acknowledged: None, unclear: None });
        registers.len() - 1
    }

    /// Notes in the register at `place` what became of writing `number`: acknowledged, or not known.
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

    /// An upload of this account ended without a clear answer: it may be stored or not.
    pub fn unclear_upload(&self, open_id: &str) {
        *lock(&self.unclear_uploads).entry(open_id.to_owned()).or_default() += 1;
    }

    /// How many of them each account has.
    #[must_use]
    pub fn unclear_uploads(&self) -> HashMap<String, usize> {
        lock(&self.unclear_uploads).clone()
    }

    /// Something that must never happen has happened.
    pub fn broken(&self, at: Instant, what: String) {
        lock(&self.broken_promises).push((at, what));
    }

    /// A login was cut off at this time, and WeChat does not take its code again.
    pub fn cut_off(&self, at: Instant) {
        lock(&self.cut_off_logins).push(at);
    }

    /// When logins were cut off.
    #[must_use]
    pub fn cut_off_logins(&self) -> Vec<Instant> {
        lock(&self.cut_off_logins).clone()
    }

    /// What must never have happened.
    #[must_use]
    pub fn broken_promises(&self) -> Vec<(Instant, String)> {
        lock(&self.broken_promises).clone()
    }

    /// An acknowledged write was looked for between two faults, and it was not there.
    pub fn lost(&self, at: Instant, what: String) {
        lock(&self.lost).push((at, what));
    }

    /// All that were found to be lost between two faults.
    #[must_use]
    pub fn lost_writes(&self) -> Vec<(Instant, String)> {
        lock(&self.lost).clone()
    }
}
