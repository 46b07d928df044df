//! Weeks and lessons as the system writes them, and as the bit masks in which it repeats them and is asked for them.

use crate::model::academic::Weeks;

/// Largest number of a lesson; the longest days known have sixteen.
const MAX_LESSON: u8 = 20;

/// The weeks of `1-4周,6-10周` or `1-15周(单)`; `None` unless every part is understood.
pub(super) fn weeks(text: &str) -> Option<Weeks> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(narrow).collect();
    plain.split(',').map(part).try_fold(Weeks::default(), |all, part| Some(all.and(part?)))
}

/// One part of a list of weeks.
fn part(text: &str) -> Option<Weeks> {
    let (span, remainder) = match text.split_once('(') {
        None => (text, None),
        Some((span, which)) => match which.trim_end_matches('周') {
            "单)" => (span, Some(1)),
            "双)" => (span, Some(0)),
            _ => return None,
        },
    };
    let (first, last) = range(span.strip_suffix('周').unwrap_or(span), Weeks::LAST)?;
    let weeks: Weeks = (first..=last).filter(|week| remainder.is_none_or(|remainder| week % 2 == remainder)).collect();
    (!weeks.is_empty()).then_some(weeks)
}

/// The first and the last lesson of `1-2`, `1-2节` or `5`.
pub(super) fn lessons(text: &str) -> Option<(u8, u8)> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(narrow).collect();
    let bare = plain.strip_prefix('第').unwrap_or(&plain);
    range(bare.strip_suffix('节').unwrap_or(bare), MAX_LESSON)
}

/// 1 (Monday) to 7.
pub(super) fn weekday(text: &str) -> Option<u8> {
    text.parse().ok().filter(|day| (1..=7).contains(day))
}

fn range(text: &str, largest: u8) -> Option<(u8, u8)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let (first, last): (u8, u8) = (number(first)?, number(last)?);
    (1 <= first && first <= last && last <= largest).then_some((first, last))
}

/// The narrow form of a wide sign.
fn narrow(c: char) -> char {
    match c {
        '，' | '、' => ',',
        '（' => '(',
        '）' => ')',
        '－' | '—' | '~' => '-',
        c => c,
    }
}

/// A set of weeks or lessons as the system takes it in requests: the sum of 2^(n−1) over its numbers n, from 1 to 64.
#[must_use]
pub fn mask_of(numbers: impl IntoIterator<Item = u8>) -> u64 {
    numbers.into_iter().filter(|number| (1..=64).contains(number)).fold(0, |mask, number| mask | 1 << (number - 1))
}

/// Whether the system's own mask says something else than the text that was read as `numbers`.
pub(super) fn differs(mask: &str, numbers: impl IntoIterator<Item = u8>) -> bool {
    mask.parse::<u64>().is_ok_and(|mask| mask != mask_of(numbers))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Vec<u8>> {
        weeks(text).map(|weeks| weeks.iter().collect())
    }

    #[test]
    fn weeks_are_read_whole_or_not_at_all() {
        assert_eq!(read("1-4周,6-10周").unwrap(), [1, 2, 3, 4, 6, 7, 8, 9, 10]);
        assert_eq!(read("6周").unwrap(), [6]);
        assert_eq!(read("1-7周(单)").unwrap(), [1, 3, 5, 7]);
        assert_eq!(read("2-6周（双），9周").unwrap(), [2, 4, 6, 9]);
        assert_eq!(read("1-5(单)周, 17-18").unwrap(), [1, 3, 5, 17, 18]);
        for unknown in
            ["", "周", "4-1周", "0周", "1-61周", "1-4周,", "1-4周,见通知", "隔周", "1-4周(三)", "6周(单)", "+1周"]
        {
            assert_eq!(read(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn lessons_and_weekdays_are_read_with_and_without_their_words() {
        let ranges = ["1-2", "1-2节", "第9-11节", "5", "13节"].map(lessons);
        assert_eq!(ranges, [(1, 2), (1, 2), (9, 11), (5, 5), (13, 13)].map(Some));
        assert_eq!(["", "节", "0-1", "2-1", "1-21", "1-2-3", "晚"].map(lessons), [None; 7]);
        assert_eq!(["1", "7", "0", "8", "", "一"].map(weekday), [Some(1), Some(7), None, None, None, None]);
    }

    #[test]
    fn masks_count_from_the_first_bit() {
        assert_eq!((mask_of(1..=4), mask_of([6]), mask_of([0, 65])), (15, 32, 0));
        let weeks = weeks("1-4周,6-10周").unwrap();
        assert!(!differs("1007", weeks.iter()) && differs("1006", weeks.iter()));
        assert!(!differs("48", 5..=6) && differs("18446744073709551615", weeks.iter()));
        assert!(!differs("", weeks.iter()), "a mask that is not there says nothing else");
    }

    proptest! {
        #[test]
        fn any_text_is_weeks_of_a_term_or_not_understood(text in "[0-9周单双(),\\- ]{0,20}") {
            if let Some(weeks) = weeks(&text) {
                prop_assert!(!weeks.is_empty());
            }
        }
    }
}
