//! Where a walk through the pages of a list goes next, and which of the listed items are fetched. Pure.
//!
//! Lists show the newest first and move on while they are read. A walk goes back to a page that is *settled*: everything
//! on it was stored, or recorded as failed, by a run that had left nothing out (or by one before it). That every item
//! of a page is known is not enough: a run that was killed half-way has stored items, and not those before them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::{
    campus::feed::{Link, Refusal},
    store::{KnownArticle, KnownFailure},
};

/// Pages whose articles are fetched again, to see whether they were edited, and looked at in any case.
const RECHECKED_PAGES: u32 = 2;

/// How many unreadable pages in a row end a walk.
const UNREADABLE: u32 = 3;

/// How many pages without anything that was not seen before end a list. One may be a page that the source could not
/// fill for a moment, or the former page again because as many articles came meanwhile.
const BLANK: u32 = 2;

/// What a list shows.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    /// The article's key.
    pub key: String,
    /// Its title there.
    pub title: String,
    /// Its date there.
    pub date: Option<String>,
    /// Where it leads, or why the engine does not go there.
    pub target: Result<Link, Refusal>,
    /// The page it is on.
    pub page: u32,
    /// It is stored.
    pub known: Option<KnownArticle>,
    /// It could not be collected before.
    pub failure: Option<KnownFailure>,
}

/// What is to be done about a listed item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Fetch it.
    Fetch,
    /// Record that the engine does not go there.
    Refuse(Refusal),
    /// It failed lately; leave it alone for now.
    Wait,
    /// It is stored.
    Leave,
}

impl Listed {
    /// What is to be done about it at `now`.
    pub(super) fn plan(&self, now: DateTime<Utc>) -> Plan {
        match (&self.target, &self.failure) {
            (Err(refusal), None) => Plan::Refuse(*refusal),
            (Err(_), Some(_)) => Plan::Wait,
            (Ok(_), Some(failure)) if failure.next.is_some_and(|next| next > now) => Plan::Wait,
            (Ok(_), None) if self.known.is_some() && self.page > RECHECKED_PAGES => Plan::Leave,
            (Ok(_), _) => Plan::Fetch,
        }
    }

    /// The first run that stored it or recorded its failure; 0 for what was stored without a run.
    fn run(&self) -> Option<i64> {
        let stored = self.known.as_ref().map(|known| known.run.unwrap_or_default());
        let failed = self.failure.as_ref().map(|failure| failure.run);
        [stored, failed].into_iter().flatten().min()
    }
}

/// How far a walk came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// No page was left out, back to a settled one or to the end.
    pub complete: bool,
    /// It went to the end of the list, or as far as is allowed.
    pub whole: bool,
}

/// A walk through a list.
#[derive(Debug)]
pub(super) struct Walk {
    settled: Option<i64>,
    max_pages: u32,
    page: u32,
    seen: HashSet<String>,
    all_settled: bool,
    unreadable: u32,
    blank: u32,
    empty: u32,
    gap: bool,
    end: Option<Reach>,
}

impl Walk {
    /// A walk of at most `max_pages`, back to what run `settled` knew; `None`: to the end.
    pub(super) fn new(settled: Option<i64>, max_pages: u32) -> Self {
        Self {
            settled,
            max_pages,
            page: 1,
            seen: HashSet::new(),
            all_settled: true,
            unreadable: 0,
            blank: 0,
            empty: 0,
            gap: false,
            end: None,
        }
    }

    /// The page to read now; `Err` when the walk is over.
    pub(super) fn next(&self) -> Result<u32, Reach> {
        self.end.map_or(Ok(self.page), Err)
    }

    /// Whether a page of this walk showed the article with this key.
    pub(super) fn has_shown(&self, key: &str) -> bool {
        self.seen.contains(key)
    }

    /// Takes what the page shows; gives what earlier pages of this walk did not show.
    pub(super) fn take(&mut self, items: Vec<Listed>) -> Vec<Listed> {
        self.unreadable = 0;
        let is_empty = items.is_empty();
        let is_settled = |item: &Listed| item.run().zip(self.settled).is_some_and(|(run, settled)| run <= settled);
        let settled = !is_empty && items.iter().all(is_settled);
        let fresh: Vec<Listed> = items.into_iter().filter(|item| self.seen.insert(item.key.clone())).collect();
        if fresh.is_empty() {
            self.blank += 1;
            self.empty += u32::from(is_empty);
            let nothing_more = self.all_settled && self.settled.is_some() && self.page > 1;
            if nothing_more {
                self.finish(false);
            } else if self.blank == BLANK {
                self.finish(true);
            }
        } else {
            // The list goes on behind a page that showed nothing at all.
            self.gap |= self.empty > 0;
            (self.blank, self.empty) = (0, 0);
            self.all_settled &= settled;
            if settled && self.page >= RECHECKED_PAGES {
                self.finish(false);
            }
        }
        self.advance();
        fresh
    }

    /// The page could not be read: what is on it is left for another run.
    pub(super) fn unreadable(&mut self) {
        self.gap = true;
        self.unreadable += 1;
        if self.unreadable == UNREADABLE {
            self.finish(false);
        }
        self.advance();
    }

    fn advance(&mut self) {
        if self.page >= self.max_pages {
            self.finish(true);
        }
        self.page += 1;
    }

    fn finish(&mut self, whole: bool) {
        self.end.get_or_insert(Reach { complete: !self.gap, whole: whole && !self.gap });
    }
}

#[cfg(test)]
mod tests;
