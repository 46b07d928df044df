//! Terms: their labels, their weeks, and the times of the lessons.

use chrono::{Datelike, Days, NaiveDate, NaiveTime};

use super::rows::{Row, rows_of};
use super::signals::json_of;
use crate::campus::page::PageError;
use crate::model::academic::{LessonTime, TermDates, Weeks};

/// Name of the list of weeks on the command line and in errors.
const WEEKS: &str = "zf-weeks";

/// Name of the list of times on the command line and in errors.
const TIMES: &str = "zf-times";

/// The number of a term in its label, and the same as the system's `xqm`; the third one is the short term.
const PARTS: [(&str, &str); 3] = [("1", "3"), ("2", "12"), ("3", "16")];

/// The label (`2026-2027-1`) of the term that the system calls `xnm` = `2026`, `xqm` = `3`.
#[must_use]
pub fn label_of(xnm: &str, xqm: &str) -> Option<String> {
    let year = year(xnm)?;
    let (part, _) = PARTS.into_iter().find(|(_, number)| *number == xqm)?;
    Some(format!("{year}-{}-{part}", year + 1))
}

/// `xnm` and `xqm` of the term with this label.
#[must_use]
pub fn query_of(label: &str) -> Option<(String, &'static str)> {
    let (first, rest) = label.split_once('-')?;
    let (second, part) = rest.split_once('-')?;
    let (first, second) = (year(first)?, year(second)?);
    let (_, number) = PARTS.into_iter().find(|(known, _)| *known == part)?;
    (second == first + 1).then(|| (first.to_string(), number))
}

/// Four digits.
fn year(text: &str) -> Option<u16> {
    (text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Reads the weeks of a term (`bjkbdy_cxZcxx.html`). `None`: the system has no weeks for it. Weeks that do not follow
/// each other are an error, because [`TermDates`] cannot tell them.
pub fn parse_weeks(body: &str) -> Result<Option<TermDates>, PageError> {
    let answer = json_of(body, WEEKS)?;
    let rows = rows_of(&answer, WEEKS, "the list of weeks", &[&["zs"], &["rq"]])?;
    let missing = |missing| PageError::Changed { page: WEEKS, missing };
    let number = |row: &Row<'_>| row.text("zs").parse::<u8>().ok().filter(|number| (1..=Weeks::LAST).contains(number));
    let week = |row: &Row<'_>| Some((number(row)?, monday(&row.text("rq"))?));
    let mut weeks: Vec<(u8, NaiveDate)> =
        rows.iter().map(week).collect::<Option<_>>().ok_or_else(|| missing("a week"))?;
    weeks.sort_unstable();
    let Some(&(_, monday)) = weeks.first() else { return Ok(None) };
    let mondays = (0..).map_while(|week| monday.checked_add_days(Days::new(7 * week)));
    if !weeks.iter().copied().eq((1..=Weeks::LAST).zip(mondays).take(weeks.len())) {
        return Err(missing("weeks that follow each other"));
    }
    Ok(u8::try_from(weeks.len()).ok().map(|weeks| TermDates { monday, weeks }))
}

/// The Monday of a week `2026-09-07/2026-09-13`. A first week can begin later, and a week can begin on Sunday.
fn monday(span: &str) -> Option<NaiveDate> {
    let (first, last) = span.split_once('/')?;
    let date = |text: &str| NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok();
    let (first, last) = (date(first)?, date(last)?);
    let since = u64::from(first.weekday().num_days_from_monday());
    let before = first.checked_sub_days(Days::new(since))?;
    let next = before.checked_add_days(Days::new(7))?;
    (first <= last).then_some(if since > 0 && next <= last { next } else { before })
}

/// Reads the times of the lessons (`xskbcx_cxRjc.html`) of one campus. Lessons of which the system tells no begin or no
/// end (seen at a school) are left out.
pub fn parse_times(body: &str) -> Result<Vec<LessonTime>, PageError> {
    let answer = json_of(body, TIMES)?;
    let rows = rows_of(&answer, TIMES, "the list of lessons", &[&["jc"], &["jssj", "qssj"]])?;
    let timed = rows.into_iter().filter(|row| !row.text("qssj").is_empty() && !row.text("jssj").is_empty());
    let lessons = timed.map(lesson_time).collect::<Option<Vec<_>>>();
    lessons.ok_or(PageError::Changed { page: TIMES, missing: "the time of a lesson" })
}

fn lesson_time(row: Row<'_>) -> Option<LessonTime> {
    let time = |key: &str| {
        let text = row.text(key);
        ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(&text, format).ok())
    };
    let lesson = row.text("jc").parse().ok().filter(|lesson| *lesson >= 1)?;
    let (begin, end) = (time("qssj")?, time("jssj")?);
    (begin < end).then_some(LessonTime { lesson, begin, end })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn day(month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, month, day).unwrap()
    }

    #[test]
    fn labels_and_the_numbers_of_the_system_are_the_same_terms() {
        for (label, xnm, xqm) in
            [("2026-2027-1", "2026", "3"), ("2026-2027-2", "2026", "12"), ("2025-2026-3", "2025", "16")]
        {
            assert_eq!(label_of(xnm, xqm).as_deref(), Some(label));
            assert_eq!(query_of(label), Some((xnm.to_owned(), xqm)));
        }
        for label in ["2026-2027", "2026-2028-1", "2026-2027-4", "2017-2018-1-1", "26-27-1", ""] {
            assert_eq!(query_of(label), None, "{label}");
        }
        assert_eq!((label_of("2026", "1"), label_of("", "3"), label_of("+026", "3")), (None, None, None));
    }

    #[test]
    fn a_term_begins_with_its_first_week_and_has_as_many_as_are_listed() {
        let dates = parse_weeks(&fixture("jwglxt/weeks.json")).unwrap();
        assert_eq!(dates, Some(TermDates { monday: day(9, 7), weeks: 20 }));
        assert_eq!(parse_weeks("[]"), Ok(None), "a term without weeks");
    }

    #[test]
    fn weeks_may_begin_on_sunday_or_the_first_one_later() {
        assert_eq!(monday("2026-09-07/2026-09-13"), Some(day(9, 7)));
        assert_eq!(monday("2026-09-06/2026-09-12"), Some(day(9, 7)), "from Sunday to Saturday");
        assert_eq!(monday("2026-09-09/2026-09-13"), Some(day(9, 7)), "from Wednesday");
        for other in ["2026-09-13/2026-09-07", "2026-09-07", "9月7日/9月13日", ""] {
            assert_eq!(monday(other), None, "{other}");
        }
    }

    #[test]
    fn weeks_with_a_gap_are_an_error_and_no_wrong_dates() {
        let whole = fixture("jwglxt/weeks.json");
        for (from, to) in
            [("2026-10-05/2026-10-11", "2026-10-06/2026-11-11"), ("\"zs\":3,", "\"zs\":33,"), ("rq", "qr")]
        {
            assert!(whole.contains(from));
            assert!(matches!(parse_weeks(&whole.replace(from, to)), Err(PageError::Changed { page: "zf-weeks", .. })));
        }
        assert!(matches!(parse_weeks(r#"[{"zs":0,"rq":"2026-09-07/2026-09-13"}]"#), Err(PageError::Changed { .. })));
    }

    #[test]
    fn times_are_read_by_lesson() {
        let times = parse_times(&fixture("jwglxt/times.json")).unwrap();
        let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        assert_eq!(times.len(), 10);
        assert_eq!(times[0], LessonTime { lesson: 1, begin: time(8, 0), end: time(8, 45) });
        assert_eq!(times[9], LessonTime { lesson: 10, begin: time(19, 55), end: time(20, 40) });
    }

    #[test]
    fn lessons_without_a_begin_are_left_out_and_strange_times_are_an_error() {
        assert_eq!(parse_times(&fixture("jwglxt/times-no-begin.json")), Ok(vec![]));
        let whole = fixture("jwglxt/times.json");
        for (from, to) in
            [("08:45", "07:45"), ("08:45", "上午"), ("\"jc\":\"1\"", "\"jc\":\"早\""), ("\"jc\"", "\"lesson\"")]
        {
            assert!(whole.contains(from));
            let error = parse_times(&whole.replace(from, to)).unwrap_err();
            assert!(matches!(error, PageError::Changed { page: "zf-times", .. }), "{from} {to}");
        }
    }

    #[test]
    fn another_answer_is_none_of_both() {
        for read in [|body: &str| parse_weeks(body).map(drop), |body: &str| parse_times(body).map(drop)] {
            assert_eq!(read(""), Err(PageError::SessionExpired(Layer::Jwglxt)));
            assert_eq!(read(&fixture("jwglxt/login-page.html")), Err(PageError::SessionExpired(Layer::Jwglxt)));
            assert_eq!(read(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
            for other in ["null", "{}", "[1]", "[{}]", "<p>"] {
                assert!(matches!(read(other), Err(PageError::Changed { .. })), "{other}");
            }
        }
    }

    proptest! {
        #[test]
        fn mutilated_weeks_are_a_term_or_an_error(body in mutilated("jwglxt/weeks.json")) {
            if let Ok(dates) = parse_weeks(&body) {
                prop_assert!(dates.is_some_and(|dates| (1..=Weeks::LAST).contains(&dates.weeks)));
            }
        }

        #[test]
        fn mutilated_times_are_times_or_an_error(body in mutilated("jwglxt/times.json")) {
            if let Ok(times) = parse_times(&body) {
                prop_assert!(times.iter().all(|time| time.begin < time.end && time.lesson >= 1));
            }
        }
    }
}
