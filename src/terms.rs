//! The current term of each academic system: as the configuration has it, or as the system tells it, asked for once for
//! everybody and kept in the database. Every replica knows it from memory, so the calendar needs no database.
//!
//! A system tells its term on the pages of the student who asks, and those may show him another one: he has left the
//! school, or pauses his studies. So one student's page moves the term forward only. It goes back only where the school's
//! calendar, the same for everybody, says so: today lies in the earlier term and not in the known one. Where no calendar
//! tells and the order of two terms is not known either, the one told last counts. The term of the configuration counts
//! before all that is told.

use std::{cmp::Ordering, collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use parking_lot::RwLock;

use crate::{
    clock::Clock,
    model::academic::{Term, TermDates},
    school::lies_within,
    store::{StoreError, StoredTerm, Terms as StoredTerms},
};

/// How often a replica looks for a term that another one was told.
const FOLLOW: Duration = Duration::from_secs(30);

/// How long a told term counts as certain although today lies outside of its dates, or they are not known: the calendar may
/// have failed, or the student who was asked may have left.
const UNCERTAIN: Duration = Duration::from_hours(1);

/// How long a system that did not tell its term is not asked for it again by this replica.
const ASK_AGAIN: TimeDelta = TimeDelta::minutes(5);

#[derive(Debug, Clone)]
struct Known {
    term: Term,
    told_at: DateTime<Utc>,
}

/// The current terms.
#[derive(Debug, Clone)]
pub struct Terms {
    fixed: Option<Term>,
    /// The academic systems that tell theirs.
    academics: Arc<[String]>,
    known: Arc<RwLock<HashMap<String, Known>>>,
    /// When a system last did not tell its term.
    silent: Arc<RwLock<HashMap<String, DateTime<Utc>>>>,
    store: StoredTerms,
    clock: Clock,
    fresh: Duration,
}

impl Terms {
    /// `fixed`: the term of the configuration, which counts before what a system tells. `academics`: the systems that tell
    /// theirs. `fresh`: how long what a system told is not asked for again.
    #[must_use]
    pub fn new(fixed: Option<Term>, academics: Vec<String>, fresh: Duration, store: StoredTerms, clock: Clock) -> Self {
        Self { fixed, academics: academics.into(), known: Arc::default(), silent: Arc::default(), store, clock, fresh }
    }

    /// The current term at this academic system, as far as this replica knows.
    #[must_use]
    pub fn current(&self, academic: &str) -> Option<Term> {
        let told = self.known.read().get(academic).map(|known| known.term.clone());
        match (&self.fixed, told) {
            // Only the system knows what it calls the term.
            (Some(fixed), Some(told)) if told.name == fixed.name => {
                Some(Term { system_id: told.system_id, ..fixed.clone() })
            }
            (Some(fixed), _) => Some(fixed.clone()),
            (None, told) => told,
        }
    }

    /// The current term at the first academic system of the school, that of most students: for answers that depend on no
    /// student.
    #[must_use]
    pub fn of_most_students(&self) -> Option<Term> {
        self.current(self.academics.first()?)
    }

    /// The same; where this replica knows none, it looks first whether another one was told.
    ///
    /// # Errors
    /// [`StoreError`] when it must look and no member answers.
    pub async fn find_of_most_students(&self) -> Result<Option<Term>, StoreError> {
        if let (None, Some(academic)) = (self.of_most_students(), self.academics.first()) {
            self.look(academic).await?;
        }
        Ok(self.of_most_students())
    }

    /// Notes that the system did not tell its term.
    pub fn not_told(&self, academic: &str) {
        self.silent.write().insert(academic.to_owned(), self.clock.now());
    }

    /// Whether the system should be asked again.
    #[must_use]
    pub fn is_stale(&self, academic: &str) -> bool {
        if self.silent.read().get(academic).is_some_and(|at| self.clock.now() - *at < ASK_AGAIN) {
            return false;
        }
        self.known.read().get(academic).is_none_or(|known| self.is_old(known))
    }

    fn is_old(&self, known: &Known) -> bool {
        let certain = lies_within(&known.term, self.clock.campus_date());
        let enough = if certain { self.fresh } else { self.fresh.min(UNCERTAIN) };
        (self.clock.now() - known.told_at).to_std().unwrap_or_default() >= enough
    }

    /// Keeps what the system has just told one student, for every replica. An earlier term than the known one is not kept,
    /// unless the school's calendar says that it is the current one; the system is soon asked again then. Dates that it has
    /// told before stay where its calendar fails.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe; this replica knows it all the same.
    pub async fn told(&self, academic: &str, term: Term) -> Result<(), StoreError> {
        // Another replica may have been told a later one meanwhile.
        let looked = self.look(academic).await;
        let Some(stored) = self.learn(academic, term) else {
            self.not_told(academic);
            return looked;
        };
        looked?;
        self.store.save(&stored).await
    }

    /// Takes over what the system has told, for this replica. `None`: the known term stays.
    fn learn(&self, academic: &str, mut term: Term) -> Option<StoredTerm> {
        let now = self.clock.now();
        let mut known = self.known.write();
        if let Some(known) = known.get(academic) {
            if known.term.name == term.name {
                term.dates = term.dates.or(known.term.dates);
            } else if !replaces(&term, &known.term, self.is_old(known), self.clock.campus_date()) {
                tracing::info!(academic, told = %term.name, known = %known.term.name, "a student was shown an earlier term");
                return None;
            }
        }
        let dates = term.dates.map(|dates| (dates.monday, dates.weeks));
        let stored = StoredTerm::new(academic, &term.name, &term.system_id, dates, now);
        known.insert(academic.to_owned(), Known { term, told_at: now });
        Some(stored)
    }

    /// Takes over what another replica was told.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn look(&self, academic: &str) -> Result<(), StoreError> {
        let Some(stored) = self.store.find(academic).await? else { return Ok(()) };
        let dates = stored.dates().map(|(monday, weeks)| TermDates { monday, weeks });
        let term = Term { name: stored.label.clone(), system_id: stored.system_id.clone(), dates };
        let told_at = stored.fetched_at();
        let mut known = self.known.write();
        if known.get(academic).is_none_or(|known| known.told_at < told_at) {
            known.insert(academic.to_owned(), Known { term, told_at });
        }
        Ok(())
    }

    /// Follows what other replicas are told, for ever.
    pub async fn follow(&self) -> std::convert::Infallible {
        let mut every = tokio::time::interval(FOLLOW);
        loop {
            every.tick().await;
            for academic in self.academics.iter() {
                if let Err(error) = self.look(academic).await {
                    tracing::debug!(%error, "current term not brought up to date");
                }
            }
        }
    }
}

/// Whether a term that one student was shown takes the place of another one that is known. `is_old`: the known one was told
/// so long ago that the system is asked again.
fn replaces(told: &Term, known: &Term, is_old: bool, today: NaiveDate) -> bool {
    let only_told_is_current = lies_within(told, today) && !lies_within(known, today);
    let neither_has_dates = told.dates.is_none() && known.dates.is_none();
    match by_time(told, known) {
        Some(Ordering::Greater) => true,
        Some(_) => only_told_is_current || is_old && neither_has_dates,
        None => only_told_is_current || is_old && !lies_within(known, today),
    }
}

/// Which of two terms begins later. Where the days are not known the labels tell: the years, then the number of the term.
/// `None` where they do not: within a year some systems write words.
fn by_time(term: &Term, other: &Term) -> Option<Ordering> {
    if let (Some(dates), Some(of_other)) = (term.dates, other.dates)
        && dates.monday != of_other.monday
    {
        return Some(dates.monday.cmp(&of_other.monday));
    }
    let ((years, number), (other_years, other_number)) = (parts(&term.name)?, parts(&other.name)?);
    if years != other_years {
        return Some(years.cmp(&other_years));
    }
    Some(number?.cmp(&other_number?))
}

/// The first year of a label such as `2026-2027-1`, and the number of the term where it has one.
fn parts(label: &str) -> Option<(u16, Option<u8>)> {
    let mut parts = label.split('-');
    let first = parts.next()?.parse().ok()?;
    parts.next()?;
    Some((first, parts.next().and_then(|number| number.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A term of 20 weeks; without a first day its dates are not known.
    fn term(name: &str, monday: Option<&str>) -> Term {
        let dates = monday.map(|monday| TermDates { monday: day(monday), weeks: 20 });
        Term { name: name.to_owned(), dates, ..Term::default() }
    }

    fn autumn() -> Term {
        term("2026-2027-1", Some("2026-09-07"))
    }

    fn spring() -> Term {
        term("2026-2027-2", Some("2027-03-01"))
    }

    #[test]
    fn a_later_term_is_taken_over_whenever_it_is_told() {
        for today in ["2026-11-30", "2027-02-10", "2027-03-08"] {
            assert!(replaces(&spring(), &autumn(), false, day(today)), "{today}");
        }
        for (told, known) in [(None, None), (Some("2027-03-01"), None), (None, Some("2026-09-07"))] {
            let (told, known) = (term("2026-2027-2", told), term("2026-2027-1", known));
            assert!(replaces(&told, &known, false, day("2026-11-30")), "{told:?} after {known:?}");
        }
    }

    #[test]
    fn a_page_of_an_earlier_term_does_not_move_the_term_back() {
        for today in ["2027-03-08", "2027-02-10", "2027-08-10"] {
            assert!(!replaces(&autumn(), &spring(), true, day(today)), "{today}");
        }
        // Nothing tells in which of them today lies.
        assert!(!replaces(&term("2026-2027-1", None), &spring(), true, day("2026-11-30")));
        assert!(!replaces(&term("2026-2027-1", None), &term("2026-2027-2", None), false, day("2026-11-30")));
    }

    #[test]
    fn without_any_calendar_the_term_told_last_counts_once_the_known_one_is_old() {
        let today = day("2027-03-08");
        assert!(replaces(&term("2026-2027-1", None), &term("2026-2027-2", None), true, today));
        // Sorted as text, spring would come before autumn.
        let (first, spring) = (term("2026-2027-秋", None), term("2026-2027-春", None));
        assert!(replaces(&spring, &first, true, today));
        assert!(!replaces(&spring, &first, false, today));
        assert!(replaces(&term("2027-2028-秋", None), &spring, false, today), "the years tell");
        let dated = Term { dates: autumn().dates, ..first };
        assert!(replaces(&spring, &dated, true, today), "the autumn is over");
        assert!(!replaces(&spring, &dated, true, day("2026-11-30")));
    }

    #[test]
    fn the_calendar_of_the_school_moves_a_term_back_that_was_told_too_early() {
        let today = day("2026-11-30");
        assert!(replaces(&autumn(), &spring(), false, today));
        assert!(replaces(&autumn(), &term("2026-2027-2", None), false, today));
        let overlapping = term("2026-2027-2", Some("2026-11-30"));
        assert!(!replaces(&autumn(), &overlapping, true, today), "today lies in the known one as well");
    }
}
