//! Days in texts: found however a campus page writes them, written as the mini-program shows them. Pure.

use std::ops::Range;

use chrono::NaiveDate;

/// A day in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Where it stands, in bytes.
    pub at: Range<usize>,
    /// Which day it is.
    pub date: NaiveDate,
}

/// The first day in `text`: `2017-12-01`, `2017/12/1`, `2017.12.1`, `2017年12月1日`. Numbers that are no day are not one.
#[must_use]
pub fn find(text: &str) -> Option<Day> {
    let mut from = 0;
    while let Some(start) = text[from..].find(|c: char| c.is_ascii_digit()).map(|offset| from + offset) {
        if let Some((length, date)) = day_at(&text[start..]) {
            return Some(Day { at: start..start + length, date });
        }
        // Only at the first digit of a number.
        from = start + digits(&text[start..]);
    }
    None
}

/// `text` with each of its days written as `2017-12-01`; what stands around them stays.
#[must_use]
pub fn dashed(text: &str) -> String {
    let mut dashed = String::with_capacity(text.len() + 1);
    let mut rest = text;
    while let Some(Day { at, date }) = find(rest) {
        dashed.push_str(&rest[..at.start]);
        dashed.push_str(&date.to_string());
        rest = &rest[at.end..];
        // A clock can stand right behind 日, but not behind a number.
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            dashed.push(' ');
        }
    }
    dashed.push_str(rest);
    dashed
}

/// Length in bytes of the day that `text` starts with, and which it is.
fn day_at(text: &str) -> Option<(usize, NaiveDate)> {
    let mut at = 0;
    let year = number(text, &mut at, 4..=4)?;
    separator(text, &mut at, "-/.年")?;
    let month = number(text, &mut at, 1..=2)?;
    separator(text, &mut at, "-/.月")?;
    let day = number(text, &mut at, 1..=2)?;
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    if text[at..].starts_with('日') {
        at += '日'.len_utf8();
    }
    Some((at, date))
}

/// The number at `at`, which moves behind it; `None` when it has not as many digits as allowed.
fn number<'a>(text: &'a str, at: &mut usize, allowed: std::ops::RangeInclusive<usize>) -> Option<&'a str> {
    let count = digits(&text[*at..]);
    let number = allowed.contains(&count).then(|| &text[*at..*at + count])?;
    *at += count;
    Some(number)
}

/// Moves `at` behind one of `allowed`.
fn separator(text: &str, at: &mut usize, allowed: &str) -> Option<()> {
    let found = text[*at..].chars().next().filter(|c| allowed.contains(*c))?;
    *at += found.len_utf8();
    Some(())
}

/// How many ASCII digits `text` starts with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_found_however_a_page_writes_it() {
        for (text, written, date) in [
            ("发布：admin 2017-12-01 浏览", "2017-12-01", "2017-12-01"),
            ("[2017/12/1]", "2017/12/1", "2017-12-01"),
            ("于2017年12月1日15:00", "2017年12月1日", "2017-12-01"),
            ("2017-2018学年 2017.9.30", "2017.9.30", "2017-09-30"),
            ("1512-0-0 2017.12.1", "2017.12.1", "2017-12-01"),
        ] {
            let day = find(text).unwrap();
            assert_eq!((&text[day.at], day.date.to_string().as_str()), (written, date), "{text}");
        }
        for text in ["", "12月1日", "周五下午", "2017-13-01", "2017-02-30", "1512057600000", "12017-12-01", "2017年"]
        {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_written_with_dashes_and_two_digits_and_the_rest_stays() {
        for (text, written) in [
            ("2017/11/9", "2017-11-09"),
            ("2017-11-9", "2017-11-09"),
            ("2017-11-09", "2017-11-09"),
            ("2017年12月1日 15:00", "2017-12-01 15:00"),
            ("2017年12月1日15:00", "2017-12-01 15:00"),
            ("2017年12月1日下午", "2017-12-01下午"),
            ("2017.12.1至2017.12.3", "2017-12-01至2017-12-03"),
            ("周五下午", "周五下午"),
            ("2017-13-01", "2017-13-01"),
            ("", ""),
        ] {
            assert_eq!(dashed(text), written);
        }
    }
}
