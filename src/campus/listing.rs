//! Joins lists that a system shows on several pages.

use super::page::Leaf;

/// Most pages of one list that are read.
pub(super) const MAX_PAGES: usize = 10;

/// A list or other data, as far as the system showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The data.
    pub data: T,
    /// Whether there is more that it did not show.
    pub partial: bool,
}

impl<T> From<T> for Listing<T> {
    fn from(data: T) -> Self {
        Self { data, partial: false }
    }
}

/// The pages of a list read so far.
#[derive(Debug)]
pub(super) struct Leaves<T> {
    rows: Vec<T>,
    read: usize,
    expected: usize,
    total: usize,
    cut: bool,
}

impl<T: PartialEq> Leaves<T> {
    pub(super) fn new() -> Self {
        Self { rows: Vec::new(), read: 0, expected: 1, total: 0, cut: false }
    }

    /// Takes a page. Returns what to request for the next one. A page with nothing new ends the list: the system does
    /// not turn the page.
    pub(super) fn take<N>(&mut self, leaf: Leaf<T, N>) -> Option<N> {
        let is_new = leaf.rows.iter().any(|row| !self.rows.contains(row));
        self.total = self.total.max(leaf.total.unwrap_or_default());
        self.expected = self.expected.max(leaf.pager.map_or(1, |pager| pager.pages as usize));
        if self.read > 0 && !is_new {
            return None;
        }
        self.read += 1;
        self.rows.extend(leaf.rows);
        let is_last = leaf.pager.is_some_and(|pager| pager.page == pager.pages);
        let next = leaf.next.filter(|_| !is_last);
        self.cut = next.is_some() && self.read >= MAX_PAGES;
        next.filter(|_| !self.cut)
    }

    /// The list, and whether it is known to be incomplete.
    pub(super) fn finish(self) -> Listing<Vec<T>> {
        let partial = self.cut || self.read < self.expected || self.rows.len() < self.total;
        Listing { data: self.rows, partial }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campus::page::pager::Pager;

    fn leaf(rows: std::ops::Range<usize>, page: u32, pages: u32, total: Option<usize>) -> Leaf<usize, u32> {
        Leaf { rows: rows.collect(), pager: Some(Pager { page, pages }), total, next: Some(page + 1) }
    }

    #[test]
    fn all_pages_make_a_whole_list() {
        let mut leaves = Leaves::new();
        assert_eq!(leaves.take(leaf(0..10, 1, 2, Some(12))), Some(2));
        assert_eq!(leaves.take(leaf(10..12, 2, 2, Some(12))), None);
        assert_eq!(leaves.finish(), Listing { data: (0..12).collect(), partial: false });
    }

    #[test]
    fn a_list_whose_pages_are_not_all_there_is_partial() {
        let mut leaves = Leaves::new();
        leaves.take(leaf(0..10, 1, 2, Some(12)));
        assert!(leaves.finish().partial);
        let mut leaves = Leaves::new();
        leaves.take(leaf(0..10, 1, 2, None));
        assert_eq!(leaves.take(leaf(0..10, 1, 2, None)), None, "the same page again");
        assert_eq!(leaves.finish(), Listing { data: (0..10).collect(), partial: true });
        let mut leaves = Leaves::new();
        leaves.take(Leaf::<usize, u32> { rows: vec![1], pager: None, total: Some(2), next: None });
        assert!(leaves.finish().partial);
    }

    #[test]
    fn the_number_of_pages_that_are_read_is_bounded() {
        let mut leaves = Leaves::new();
        let mut page = 1;
        while let Some(next) = leaves.take(leaf(page as usize..page as usize + 1, page, 1000, None)) {
            page = next;
        }
        assert_eq!(page as usize, MAX_PAGES);
        assert!(leaves.finish().partial);
    }
}
