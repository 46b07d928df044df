//! Cells that hold something and are not understood: none of them vanishes in silence.

use std::{collections::HashSet, sync::LazyLock};

use parking_lot::Mutex;

use super::Said;

/// Most different texts that are logged in the life of a process; the counter goes on.
const MAX_LOGGED: usize = 500;

/// What a page was read as, and what of it was not understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading<T> {
    /// The data.
    pub data: T,
    /// The filled cells that say nothing to this version, in the order of the page.
    pub unread: Vec<UnreadCell>,
}

/// A filled cell that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadCell {
    /// The page, as `wehpu-engine parse` names it.
    pub page: &'static str,
    /// Name of the column as the page has it.
    pub column: &'static str,
    /// What stands in the cell, cleaned and cut.
    pub text: Said,
}

impl<T> Reading<T> {
    /// The data; what was not understood is counted, and each text logged once in the life of this process.
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

    /// The same, with other data made of it.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Reading<U> {
        Reading { data: of(self.data), unread: self.unread }
    }
}
