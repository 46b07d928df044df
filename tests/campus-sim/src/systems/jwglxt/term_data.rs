//! Weeks of a term, times of the day's lessons.

use serde_json::{Value, json};

use super::{Asked, Shown};
use crate::call::Fields;
use crate::faults::Mode;
use crate::world::{TERMS, Term};

/// The system's number of a term within its year: 3 in autumn, 12 in spring.
pub(super) fn half_code(term: Term) -> &'static str {
    if term.half == 1 { "3" } else { "12" }
}

/// The term that a form or query names by year and number.
pub(super) fn term_of(fields: &Fields) -> Option<Term> {
    let fits = |term: &Term| fields.get("xnm") == term.year.to_string() && fields.get("xqm") == half_code(*term);
    TERMS.into_iter().find(fits)
}

/// First and last day of each week.
pub(super) fn weeks(asked: &Asked<'_>) -> Shown {
    let Some(term) = term_of(asked.form) else { return Err("weeks are asked for by term") };
    let count = if asked.visit.empty { 0 } else { term.weeks };
    let rows = (1..=count).map(|week| {
        let day = |days| {
            let (year, month, day) = term.day(u16::from(week - 1) * 7 + days);
            format!("{year}-{month:02}-{day:02}")
        };
        json!({"zs": week, "rq": format!("{}/{}", day(0), day(6)), "zsmc": week.to_string()})
    });
    Ok(super::json(&Value::Array(rows.collect())))
}

/// Begin and end of each lesson; in the afternoon the campuses differ.
const TIMES: [(&str, &str); 10] = [
    ("08:00", "08:45"),
    ("08:55", "09:40"),
    ("10:00", "10:45"),
    ("10:55", "11:40"),
    ("14:00", "14:45"),
    ("14:55", "15:40"),
    ("15:50", "16:35"),
    ("16:45", "17:30"),
    ("18:30", "19:15"),
    ("19:25", "20:10"),
];
const WEST_AFTERNOON: [(&str, &str); 4] =
    [("14:30", "15:15"), ("15:25", "16:10"), ("16:20", "17:05"), ("17:15", "18:00")];

/// The times of the campus that the form names.
pub(super) fn times(asked: &Asked<'_>) -> Shown {
    let campus = asked.form.get("xqh_id");
    if term_of(asked.form).is_none() || !matches!(campus, "1" | "2") {
        return Err("times are asked for by term and campus");
    }
    let without_begin = asked.visit.form(Mode::NoBeginTimes).is_some();
    let row = |(index, (begin, end)): (usize, (&str, &str))| {
        let number = (index + 1).to_string();
        let mut row = json!({"jc": number, "jcmc": number, "qssj": begin, "jssj": end});
        if let Some(fields) = row.as_object_mut().filter(|_| without_begin) {
            fields.remove("qssj");
        }
        row
    };
    let mut times = TIMES;
    if campus == "2" {
        times[4..8].copy_from_slice(&WEST_AFTERNOON);
    }
    let rows = times.into_iter().enumerate().map(row).filter(|_| !asked.visit.empty).collect();
    Ok(super::json(&Value::Array(rows)))
}
