//! Terms and their dates, as the calendar of the pages asks for them.

use std::fmt::Write as _;

use super::{Asked, Shown};
use crate::faults::Mode;
use crate::world::{TERMS, Term};

/// The student's projects: he has one.
#[allow(clippy::unnecessary_wraps, reason = "it stands in a list of pages")]
pub(super) fn projects(_: &Asked<'_>) -> Shown {
    Ok(" 1\n".to_owned())
}

/// The terms, as a literal of JavaScript. Before the entry page was asked for there are none.
pub(super) fn terms(asked: &Asked<'_>) -> Shown {
    let form = asked.form;
    if form.get("dataType") != "semesterCalendar" || !is_bar(form.get("tagId")) {
        return Err("of the data queries only that for terms is known");
    }
    let entered = asked.sim.systems().eams.sessions.with(asked.session, |session| session.entered);
    if entered != Some(true) || asked.visit.empty {
        return Ok("{yearDom:\"\",termDom:\"\",semesters:{},yearIndex:\"-1\",semesterId:\"\"}".to_owned());
    }
    let chosen = Term::by_id(form.get("value")).unwrap_or(Term::CURRENT);
    let mut years: Vec<u16> = TERMS.iter().map(|term| term.year).collect();
    years.dedup();
    let (mut year_rows, mut term_rows, mut lists) = (String::new(), String::new(), String::new());
    let mut indices = (0, 0);
    for (place, year) in years.into_iter().enumerate() {
        let mut entries = Vec::new();
        for (index, term) in TERMS.iter().filter(|term| term.year == year).enumerate() {
            let (id, half, years) = (term.id, term.half, term.school_year());
            entries.push(format!("{{id:{id},schoolYear:\"{years}\",name:\"{half}\"}}"));
            if index == 0 {
                let class = "class='calendar-bar-td-blankBorder'";
                let _ = write!(year_rows, "<tr><td {class} index='{place}'>{years}</td></tr>");
            }
            if year == chosen.year {
                let class = "class='calendar-bar-td-blankBorder'";
                let _ = write!(term_rows, "<tr><td {class} val='{id}'><span>{half}</span>学期</td></tr>");
            }
            if *term == chosen {
                indices = (place, index);
            }
        }
        let joint = if place == 0 { "" } else { "," };
        let _ = write!(lists, "{joint}y{place}:[{}]", entries.join(","));
    }
    Ok(format!(
        "{{yearDom:\"{year_rows}\",termDom:\"{term_rows}\",\nsemesters:{{{lists}}},yearIndex:\"{}\",termIndex:\"{}\",semesterId:\"{}\"}}",
        indices.0, indices.1, chosen.id
    ))
}

/// Whether this is the id of the bar in which a term is chosen.
fn is_bar(tag: &str) -> bool {
    let digits = tag.strip_prefix("semesterBar").and_then(|rest| rest.strip_suffix("Semester"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// First day, last day and number of weeks of a term. Each term has the dates written in another way, as they were seen.
pub(super) fn calendar(asked: &Asked<'_>) -> Shown {
    let term = Term::by_id(asked.form.get("semesterId")).filter(|_| asked.form.get("version") == "1");
    let Some(term) = term else { return Err("the calendar is asked for by version and term") };
    let [(first_year, first_month, first_day), (year, month, day)] = term.days;
    let weeks = term.weeks;
    let dates = match term.id {
        _ if asked.visit.form(Mode::NoCalendar).is_some() => String::new(),
        224 => {
            format!("{first_year}-{first_month}-{first_day} &nbsp; ~ &nbsp; {year}-{month:02}-{day:02}&nbsp;({weeks})")
        }
        244 => format!("{first_year} - {first_month} - {first_day} ~ {year} - {month} - {day} ( {weeks} )"),
        _ => format!("{first_year}-{first_month}-{first_day}~{year}-{month}-{day} ({weeks})"),
    };
    Ok(format!(
        "<table class=\"infoTable\" width=\"100%\">\n<tr><td class=\"title\">学年学期:</td><td>{}学年{}学期</td>\n\
         <td class=\"title\">起止日期(周数):</td><td>\n\t\t{dates}\n\t</td></tr>\n</table>\n",
        term.school_year(),
        term.half
    ))
}
