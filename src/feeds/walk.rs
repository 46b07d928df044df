//! Decides which page of a list a walk reads next, and which items are fetched. Pure.
//!
//! Lists show the newest items first and move while they are read. A walk goes back to a *settled* page: every item on
//! it was stored, or recorded as failed, by a run that left nothing out, or by an earlier one. It is not enough that
//! every item of a page is known: a run that was killed half-way has stored items, but not those before them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::{
    campus::feed::{Link, Refusal},
    store::{KnownArticle, KnownFailure},
};

/// Pages that every walk reads, and whose articles are fetched again in case they were edited.
const RECHECKED_PAGES: u32 = 2;

/// How many unreadable pages in a row end a walk.
const UNREADABLE: u32 = 3;

/// How many pages without a new item end a list. A single one may be a page that the source could not fill for a
/// moment, or the former page again because as many articles came in between.
const BLANK: u32 = 2;

/// An item of a list.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    /// The article's key.
    pub key: String,
    /// Its title in the list.
    pub title: String,
    /// Its date in the list.
    pub date: Option<String>,
    /// Where it leads, or why the engine does not go there.
    pub target: Result<Link, Refusal>,
    /// The page it is on.
    pub page: u32,
    /// What is stored of it.
    pub known: Option<KnownArticle>,
    /// Its recorded failure.
    pub failure: Option<KnownFailure>,
}

/// What to do with a listed item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Fetch it.
    Fetch,
    /// Record that the engine does not go there.
    Refuse(Refusal),
    /// Do nothing for now: it failed lately.
    Wait,
    /// Do nothing: it is stored.
    Leave,
}

impl Listed {
    /// What to do with it at `now`.
    pub(super) fn plan(&self, now: DateTime<Utc>) -> Plan {
        match (&self.target, &self.failure) {
            (Err(refusal), None) => Plan::Refuse(*refusal),
            (Err(_), Some(_)) => Plan::Wait,
            (Ok(_), Some(failure)) if failure.next.is_some_and(|next| next > now) => Plan::Wait,
            (Ok(_), None) if self.known.is_some() && self.page > RECHECKED_PAGES => Plan::Leave,
            (Ok(_), _) => Plan::Fetch,
        }
    }

    /// The earlier of the run that wrote it last and the run that first recorded its failure; 0 for an article that no
    /// run wrote.
    fn run(&self) -> Option<i64> {
        let stored = self.known.as_ref().map(|known| known.run.unwrap_or_default());
        let failed = self.failure.as_ref().map(|failure| failure.run);
        [stored, failed].into_iter().flatten().min()
    }
}

/// How far a walk came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// No page was left out, back to a settled page or to the end of the list.
    pub complete: bool,
    /// It read the list to its end, or to the page limit.
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
    /// A walk of at most `max_pages`, back to the items of run `settled`; `None`: to the end.
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

    /// Takes the items of the page. Returns those that earlier pages of this walk did not show.
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
            // The list goes on behind an empty page.
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

    /// Notes that the page could not be read; its items are left for another run.
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
