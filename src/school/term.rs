//! The current term, and days whose classes are held on other days.

use chrono::{Datelike, NaiveDate, Weekday};

use super::{
    fields::{Fields, Report},
    file::Value,
    values::{choice, date, text, whole},
};
use crate::model::academic::{Term, TermDates};

/// Where the dates of terms come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum TermSource {
    /// From the settings: the academic system does not tell them.
    Config,
    /// From the academic system.
    System,
}

/// What a profile says of terms.
#[derive(Debug, Clone)]
pub struct TermRule {
    /// Where their dates come from.
    pub source: TermSource,
    /// The current term, where the profile names it. The `WEHPU_TERM…` variables override it.
    pub given: Option<Term>,
}

/// The classes of a day are held on another day, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swap {
    /// The day whose classes move.
    pub from: NaiveDate,
    /// The day on which they are held; `None`: they are cancelled.
    pub to: Option<NaiveDate>,
}

/// Reads `[term]`.
pub(super) fn read(mut fields: Fields<'_>) -> Option<TermRule> {
    let source = fields.required("source", "\"system\"", choice);
    let name = fields.optional("name", "\"2026-2027-1\"", text(20));
    let start = fields.optional("start", "2026-09-07", |value| match date(value)? {
        day if day.weekday() == Weekday::Mon => Ok(day),
        _ => Err("must be a Monday".to_owned()),
    });
    let weeks = fields.optional("weeks", "20", whole(1, 60));
    let given = match (name, start, weeks) {
        (Some(name), Some(start), Some(weeks)) => {
            Some(Term { name, system_id: String::new(), dates: Some(TermDates { monday: start, weeks }) })
        }
        (None, None, None) => None,
        _ => {
            let what = "name, start and weeks belong together: write all of them or none";
            fields.problem("name", what, "name = \"2026-2027-1\"");
            None
        }
    };
    fields.finish();
    Some(TermRule { source: source?, given })
}

/// Reads one `[[swap]]`.
pub(super) fn swap(mut fields: Fields<'_>) -> Option<Swap> {
    let from = fields.required("from", "2026-10-02", date);
    let to = fields.optional("to", "2026-10-10", |value: &Value| match date(value)? {
        day if Some(day) == from => Err("must be another day than from".to_owned()),
        day => Ok(day),
    });
    fields.finish();
    Some(Swap { from: from?, to })
}

/// Notes swaps outside of the term, where the profile knows its dates.
pub(super) fn check(report: &Report, rule: &TermRule, swaps: &[Swap]) {
    let Some(term) = &rule.given else { return };
    for swap in swaps {
        let days = [("from", Some(swap.from)), ("to", swap.to)];
        for (key, day) in days.into_iter().filter_map(|(key, day)| Some((key, day?))) {
            if !lies_within(term, day) {
                let path = format!("swap[{}].{key}", swap.from);
                let what = format!("lies outside of the term {}", term.name);
                report.problem(&path, &what, &format!("{key} = {}", swap.from));
            }
        }
    }
}

/// Whether `day` is a day of `term`.
pub(crate) fn lies_within(term: &Term, day: NaiveDate) -> bool {
    term.dates.is_some_and(|TermDates { monday, weeks }| (0..i64::from(weeks) * 7).contains(&(day - monday).num_days()))
}
