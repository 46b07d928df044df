//! The cells of a meeting: its weeks, its weekday, its lessons.

use super::WeekSpan;
use crate::campus::page::numeral;

/// Largest number of a week: no term is longer than a year.
const MAX_WEEK: u8 = 53;

/// Largest number of a lesson: a day has thirteen here, up to fifteen elsewhere.
const MAX_LESSON: u8 = 15;

/// The first and last lesson of a meeting, from its lessons (`五`, `5-8`, `11~12`, `8-9节`) and their number. A single
/// lesson without a number begins its pair. `None` when it cannot be read.
pub(super) fn lessons(section: &str, count: &str) -> Option<(u8, u8)> {
    let bare: String = section.chars().filter(|c| !c.is_whitespace() && !"第小节课".contains(*c)).collect();
    let parts: Vec<&str> = bare.split(['-', '~', '～', '－', '—', '–', '至', '到', ',', '，', '、']).collect();
    let numbers: Vec<u8> = parts.iter().map(|part| numeral(part)).collect::<Option<_>>()?;
    let first = *numbers.first()?;
    let last = match (numbers.len(), numeral(count)) {
        (1, Some(count)) if first.saturating_add(count) <= MAX_LESSON + 1 => first + count.max(1) - 1,
        (1, _) => first + first % 2,
        _ => *numbers.last()?,
    };
    (1 <= first && first <= last && last <= MAX_LESSON && numbers.is_sorted()).then_some((first, last))
}

/// Whether a cell is a number of lessons, or empty.
pub(super) fn is_count(count: &str) -> bool {
    count.is_empty() || numeral(count).is_some_and(|count| (1..=MAX_LESSON).contains(&count))
}

/// 1 (Monday) to 7: `3`, `三`, `星期三`, `周三`.
pub(super) fn weekday(cell: &str) -> Option<u8> {
    let bare = ["星期", "礼拜", "周"].iter().find_map(|prefix| cell.strip_prefix(prefix)).unwrap_or(cell).trim();
    match bare {
        "日" | "天" => Some(7),
        _ => numeral(bare).filter(|day| (1..=7).contains(day)),
    }
}

/// Reads `6-12,14-17周上`, `全周`, `单周上课`; `全周` is `term_weeks` weeks. If a part cannot be read, all weeks are unknown
/// rather than half right.
pub(super) fn weeks(cell: &str, term_weeks: u8) -> Option<Vec<WeekSpan>> {
    let parts: Option<Vec<_>> =
        cell.split([',', '，', '、', ';', '；']).map(|part| week_spans(part, term_weeks)).collect();
    parts.map(|parts| parts.concat())
}

/// Whether a cell has no weeks: the system writes its `周上` even after nothing.
pub(super) fn are_no_weeks(cell: &str) -> bool {
    cell.chars().all(|c| c.is_whitespace() || "第周上课".contains(c))
}

/// Reads one part. Odd or even weeks (`1-9周单`) become single weeks.
fn week_spans(part: &str, term_weeks: u8) -> Option<Vec<WeekSpan>> {
    const WORDS: &str = "第周上课全单双每()（）[]【】";
    let dashed: String = part.chars().map(|c| if "~～－—–至".contains(c) { '-' } else { c }).collect();
    let strange = |c: char| !(c.is_ascii_digit() || c == '-' || c.is_whitespace() || WORDS.contains(c));
    if dashed.contains(strange) {
        return None;
    }
    let numbers: String = dashed.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect();
    let (odd, even) = (part.contains('单'), part.contains('双'));
    let (first, last) = if numbers.is_empty() && (odd || even || part.contains('全') || part.contains("每周")) {
        (1, term_weeks)
    } else {
        let (first, last) = numbers.split_once('-').unwrap_or((&numbers, &numbers));
        (first.parse().ok()?, last.parse().ok()?)
    };
    if !(1 <= first && first <= last && last <= MAX_WEEK) {
        return None;
    }
    Some(if odd == even {
        vec![if first < last || numbers.contains('-') { WeekSpan::Range(first, last) } else { WeekSpan::Single(first) }]
    } else {
        (first..=last).filter(|week| (week % 2 == 1) == odd).map(WeekSpan::Single).collect()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn weeks_are_read_whole_or_not_at_all() {
        let json = |cell| serde_json::to_value(weeks(cell, 20)).unwrap();
        assert_eq!(json("1-8周上"), json!([[1, 8]]));
        assert_eq!(json("6-12,14-17周上"), json!([[6, 12], [14, 17]]));
        assert_eq!(json("1周上"), json!([[1]]));
        assert_eq!(json("3，5-6周"), json!([[3], [5, 6]]));
        assert_eq!(json("1-7周单"), json!([[1], [3], [5], [7]]));
        assert_eq!(json("1-6周(双)"), json!([[2], [4], [6]]));
        assert_eq!(json("第1～8周"), json!([[1, 8]]));
        for unknown in ["周上", "8-1周", "0周", "1-", "1-300周", "1-8,周上", "1-2-3周", "见通知 2", ""] {
            assert_eq!(json(unknown), json!(null), "{unknown}");
        }
    }

    #[test]
    fn the_words_behind_no_weeks_are_no_question() {
        assert!(["", "周上", "第周"].into_iter().all(are_no_weeks));
        assert!(!["隔周上", "1周上"].into_iter().any(are_no_weeks));
    }

    #[test]
    fn weeks_that_have_a_name_are_those_of_the_term() {
        let json = |cell| serde_json::to_value(weeks(cell, 6)).unwrap();
        for all in ["全周", "全周上课", "每周"] {
            assert_eq!(json(all), json!([[1, 6]]), "{all}");
        }
        assert_eq!((json("单周上课"), json("双周")), (json!([[1], [3], [5]]), json!([[2], [4], [6]])));
    }

    #[test]
    fn lessons_and_weekdays_are_read_in_every_spelling() {
        let read =
            [("一", "2"), ("五", "4"), ("一", "8"), ("七", "1"), ("8", "1"), ("九", ""), ("8", ""), ("十一", "3")];
        let ranges = [(1, 2), (5, 8), (1, 8), (7, 7), (8, 8), (9, 10), (8, 8), (11, 13)];
        assert_eq!(read.map(|(section, count)| lessons(section, count)), ranges.map(Some));
        let read =
            ["3~5", "8-9节", "11-12", "第1-2节", "1,2", "一至四", "十-十二"].map(|section| lessons(section, "2"));
        assert_eq!(read, [(3, 5), (8, 9), (11, 12), (1, 2), (1, 2), (1, 4), (10, 12)].map(Some));
        assert_eq!(["", "晚", "0", "16", "9-5", "1-40"].map(|section| lessons(section, "2")), [None; 6]);
        let days = ["1", "7", "日", "三", "星期三", "周日", "0", "8", "", "-1"].map(weekday);
        let none = None;
        assert_eq!(days, [Some(1), Some(7), Some(7), Some(3), Some(3), Some(7), none, none, none, none]);
    }

    proptest! {
        #[test]
        fn cells_of_any_text_never_panic(
            cell in proptest::collection::vec(any::<char>(), 0..30).prop_map(String::from_iter),
            count in "[0-9一二十]{0,4}",
        ) {
            weeks(&cell, 20);
            weekday(&cell);
            lessons(&cell, &count);
            lessons(&count, &count);
        }
    }
}
