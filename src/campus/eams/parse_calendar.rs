//! When a term takes place (`POST base/calendar-info.action`).

use chrono::{Datelike, Days, NaiveDate};

use super::signals::{instead, signal_on};
use crate::campus::page::PageError;
use crate::campus::page::dom::{Page, text_of};
use crate::model::academic::{TermDates, Weeks};

/// Name of this page on the command line and in errors.
const PAGE: &str = "eams-calendar";

/// Reads first day, last day and number of weeks: `2026-9-7~2027-1-24 (20)`. Week 1 is the week of the first day.
///
/// `None` is a page that shows no dates: the system does not know them, or does not show them to students. Only an ended
/// session, haste and maintenance are errors.
pub fn parse_calendar(html: &str) -> Result<Option<TermDates>, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    // Some schools have blanks inside the dates.
    let whole = page.elements("html").next().map(text_of).unwrap_or_default();
    let text: String = whole.split_whitespace().collect();
    if let Some(dates) = text.char_indices().find_map(|(at, _)| dates(&text[at..])) {
        return Ok(Some(dates));
    }
    match instead(&page, PAGE, "the dates of the term") {
        PageError::Changed { .. } | PageError::Closed(..) => Ok(None),
        other => Err(other),
    }
}

/// `2026-9-7~2027-1-24(20)` at the beginning of a text without blanks.
fn dates(text: &str) -> Option<TermDates> {
    let (first, rest) = date(text)?;
    let (last, rest) = date(rest.strip_prefix('~')?)?;
    let (weeks, rest) = number(rest.strip_prefix('(')?, 2)?;
    let weeks = u8::try_from(weeks).ok().filter(|weeks| (1..=Weeks::LAST).contains(weeks))?;
    let monday = first.checked_sub_days(Days::new(first.weekday().num_days_from_monday().into()))?;
    (rest.starts_with(')') && first < last).then_some(TermDates { monday, weeks })
}

fn date(text: &str) -> Option<(NaiveDate, &str)> {
    let (year, rest) = number(text, 4).filter(|(year, _)| *year >= 1000)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 2)?;
    Some((NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?, rest))
}

/// A number of at most `digits` digits, and what follows it.
fn number(text: &str, digits: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take(digits).take_while(u8::is_ascii_digit).count();
    Some((text[..length].parse().ok()?, &text[length..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn read(html: &str) -> Option<(String, u8)> {
        parse_calendar(html).unwrap().map(|dates| (dates.monday.to_string(), dates.weeks))
    }

    #[test]
    fn the_term_begins_on_the_monday_of_its_first_day() {
        assert_eq!(read(&fixture("eams/calendar.html")), Some(("2026-09-07".to_owned(), 20)));
        let wide = "<td>2026-10-1 4 &nbsp; ~ &nbsp; 2027-01-31&nbsp;(16)</td>";
        assert_eq!(read(wide), Some(("2026-10-12".to_owned(), 16)));
        let seen = "<td>2026-10-12 &nbsp; ~ &nbsp; 2027-01-31&nbsp;(16)</td>";
        assert_eq!(read(seen), read(wide));
        assert_eq!(read("<p>学期 2026-2027，共<b>2026-9-6</b>~2027-1-24(20)周"), Some(("2026-08-31".to_owned(), 20)));
    }

    #[test]
    fn a_page_without_dates_that_exist_is_a_term_without_dates() {
        for html in [
            "",
            "<p>2026-9-7~2027-1-24</p>",
            "<p>2026-9-31~2027-1-24 (20)</p>",
            "<p>2026-9-7~2027-1-24 (0)</p>",
            "<p>2026-9-7~2027-1-24 (99)</p>",
            "<p>2027-9-7~2027-1-24 (20)</p>",
            "<p>您没有权限访问</p>",
        ] {
            assert_eq!(read(html), None, "{html}");
        }
        assert_eq!(read(&fixture("garbage.html")), None);
    }

    #[test]
    fn an_ended_session_haste_and_maintenance_say_nothing_of_dates() {
        let error = |name: &str| parse_calendar(&fixture(name)).unwrap_err();
        assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
    }

    proptest! {
        #[test]
        fn a_mutilated_page_has_weeks_or_no_dates(page in mutilated("eams/calendar.html")) {
            if let Ok(Some(dates)) = parse_calendar(&page) {
                prop_assert!(dates.monday.weekday() == chrono::Weekday::Mon && dates.weeks > 0);
            }
        }
    }
}
