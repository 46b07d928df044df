//! How many rows something has that a page showed.

use super::CourseTable;

/// Something of rows.
pub trait Rows {
    /// How many there are; none when there is nothing to show.
    fn rows(&self) -> usize;
}

impl<T> Rows for Vec<T> {
    fn rows(&self) -> usize {
        self.len()
    }
}

impl Rows for CourseTable {
    fn rows(&self) -> usize {
        self.days().into_iter().map(Vec::len).sum()
    }
}
