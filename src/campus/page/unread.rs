//! Filled cells that were not understood, so that none is lost silently.

use std::{collections::HashSet, sync::LazyLock};

use parking_lot::Mutex;

use super::Said;

/// Most different texts that a process logs; the counter goes on.
const MAX_LOGGED: usize = 500;

/// The data of a page, and its cells that were not understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading<T> {
    /// The data.
    pub data: T,
    /// Filled cells that were not understood, in the order of the page.
    pub unread: Vec<UnreadCell>,
}

/// A filled cell that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadCell {
    /// The page, as `wehpu-engine parse` names it.
    pub page: &'static str,
    /// Name of the column on the page.
    pub column: &'static str,
    /// Text of the cell, cleaned and cut.
    pub text: Said,
}

impl<T> Reading<T> {
    /// The data. Counts the cells that were not understood, and logs each text once per process.
    pub fn told(self) -> T {
        static LOGGED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
        for UnreadCell { page, column, text } in &self.unread {
            metrics::counter!("campus_cells_unread_total", "page" => *page, "column" => *column).increment(1);
            let text = text.for_log();
            let mut logged = LOGGED.lock();
            if logged.len() < MAX_LOGGED && logged.insert(format!("{page}/{column}/{text}")) {
                tracing::warn!(page, column, text, "a cell is not understood");
            }
        }
        self.data
    }

    /// The same reading with other data made of it.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Reading<U> {
        Reading { data: of(self.data), unread: self.unread }
    }
}
