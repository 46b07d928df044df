//! The current term, where the settings name it.

use chrono::{Datelike, NaiveDate, Weekday};

use super::Reader;
use crate::{
    model::academic::{Term, TermDates},
    school::{self, School, System, TermSource},
};

/// What the settings and the profile tell of the current term; `None`: only the academic system tells it.
pub(super) struct Told(pub Option<Term>);

/// Reads the current term.
pub(super) fn read(r: &mut Reader, school: &School) -> Option<Told> {
    let names = ["WEHPU_TERM", "WEHPU_TERM_START", "WEHPU_TERM_WEEKS"];
    if school.term.source == TermSource::System && names.iter().all(|name| r.get(name).is_none()) {
        return Some(Told(None));
    }
    let by_urp = school.academics.iter().any(|academic| academic.system == System::UrpClassic);
    required(r, by_urp).map(|term| Told(Some(term)))
}

/// The term of the variables or the profile. `by_urp`: the URP writes a fourth number.
pub(super) fn required(r: &mut Reader, by_urp: bool) -> Option<Term> {
    let name = r.required("WEHPU_TERM", |v| {
        let parts: Vec<&str> = v.split('-').collect();
        let digits = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
        match (by_urp, parts.as_slice()) {
            (true, [_, _, _, _]) if parts.iter().all(digits) => Ok(v.to_owned()),
            (true, _) => Err("must be four numbers as the URP writes a term".to_owned()),
            // The last part is a word at some schools.
            (false, [first, second, last]) if digits(first) && digits(second) && !last.is_empty() => Ok(v.to_owned()),
            (false, _) => {
                Err("must be the first year, the second year and the number of a term: 2026-2027-1".to_owned())
            }
        }
    });
    let start = r.required("WEHPU_TERM_START", |v| match v.parse::<NaiveDate>() {
        Ok(day) if day.weekday() == Weekday::Mon => Ok(day),
        Ok(_) => Err("must be a Monday".to_owned()),
        Err(_) => Err("must be a date".to_owned()),
    });
    let weeks = r.required("WEHPU_TERM_WEEKS", |v| match v.parse() {
        Ok(n @ 1..=60) => Ok(n),
        _ => Err("must be a number from 1 to 60".to_owned()),
    });
    let dates = TermDates { monday: start?, weeks: weeks? };
    Some(Term { name: name?, system_id: String::new(), dates: Some(dates) })
}

/// Swaps of a former term are left over, not wrong.
pub(super) fn warn_of_swaps(r: &mut Reader, school: &School, term: &Term) {
    for swap in &school.swaps {
        let outside = [Some(swap.from), swap.to].into_iter().flatten().find(|day| !school::lies_within(term, *day));
        if let Some(day) = outside {
            r.warn("WEHPU_SCHOOL", &format!("a [[swap]] has {day}, which lies outside of the term {}", term.name));
        }
    }
}
