//! The weeks of an activity: one character for each week of a year, and from which one of them the term counts.

use crate::model::academic::Weeks;

/// Weeks of a year in the system's reckoning.
const WEEKS_OF_YEAR: usize = 53;

/// Shortest and longest text of weeks that was seen.
const LENGTH: std::ops::RangeInclusive<usize> = WEEKS_OF_YEAR..=56;

/// The arguments of `marshalTable(from, start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// Week of the year in which the term begins, plus 1; 2 where the characters count the weeks of the term.
    pub(super) from: u32,
    /// First week that is shown.
    pub(super) start: u32,
    /// Last week that is shown; the term's last one if the whole term was asked for.
    pub(super) end: u32,
}

impl Origin {
    /// The weeks that `bits` mean. `None` where that is not known: for a text of another form, for `from` = 1, and for
    /// weeks only before the term's first one. In these two cases the system's own script shows other weeks than its rule
    /// gives.
    pub(super) fn weeks(self, bits: &str) -> Option<Weeks> {
        let known = (2..=WEEKS_OF_YEAR).contains(&usize::try_from(self.from).ok()?) && self.start <= self.end;
        if !known || !LENGTH.contains(&bits.len()) || !bits.bytes().all(|bit| matches!(bit, b'0' | b'1')) {
            return None;
        }
        let first = usize::try_from(self.from).ok()? - 1;
        let ones: Vec<usize> = bits.bytes().enumerate().filter(|(_, bit)| *bit == b'1').map(|(at, _)| at).collect();
        if !ones.is_empty() && ones.iter().all(|at| *at < first) {
            return None;
        }
        // What stands before the first week belongs to the next year. Where the term counts from the beginning, the
        // character before it says nothing.
        let ones = ones.into_iter().filter(|at| *at >= first || first > 1);
        let weeks = ones.map(|at| if at >= first { at - first + 1 } else { WEEKS_OF_YEAR + at + 1 - first });
        let shown = weeks.filter_map(|week| u8::try_from(week).ok());
        Some(shown.filter(|week| (self.start..=self.end).contains(&u32::from(*week))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WeekSpan::{self, Range, Single};

    /// The weeks of `bits`, filled up with zeros to a year.
    fn weeks(bits: &str, from: u32, start: u32, end: u32) -> Option<Vec<WeekSpan>> {
        Origin { from, start, end }.weeks(&format!("{bits:0<53}")).map(Weeks::spans)
    }

    fn zeros_and_ones(zeros: usize, ones: usize) -> String {
        "0".repeat(zeros) + &"1".repeat(ones)
    }

    /// What the vendor's own script printed.
    #[test]
    fn weeks_are_those_that_the_vendors_script_shows() {
        assert_eq!(weeks("01101111111", 2, 1, 20), Some(vec![Range(1, 2), Range(4, 10)]));
        assert_eq!(weeks("00101010101", 2, 1, 20), Some([2, 4, 6, 8, 10].map(Single).to_vec()));
        assert_eq!(weeks("1111", 2, 1, 20), Some(vec![Range(1, 3)]), "the first character says nothing");
        assert_eq!(weeks(&zeros_and_ones(1, 25), 2, 1, 20), Some(vec![Range(1, 20)]));
        assert_eq!(weeks("0111111", 2, 3, 5), Some(vec![Range(3, 5)]));
        assert_eq!(weeks(&zeros_and_ones(8, 16), 9, 1, 18), Some(vec![Range(1, 16)]));
        assert_eq!(weeks(&zeros_and_ones(35, 17), 36, 1, 20), Some(vec![Range(1, 17)]));
        let next_year = "11".to_owned() + &zeros_and_ones(33, 17);
        assert_eq!(weeks(&next_year, 36, 1, 20), Some(vec![Range(1, 17), Range(19, 20)]));
    }

    #[test]
    fn an_origin_that_is_not_known_gives_no_weeks() {
        assert_eq!(weeks("0111", 1, 1, 20), None, "the vendor's script shows other weeks than its rule");
        assert_eq!(weeks("0111", 0, 1, 20), None);
        assert_eq!(weeks("0111", 54, 1, 20), None);
        assert_eq!(weeks("0111", 2, 5, 3), None);
        assert_eq!(weeks("0111", 36, 1, 20), None, "weeks only before the first one");
        assert_eq!(weeks("1", 2, 1, 20), None, "weeks only before the first one");
    }

    #[test]
    fn a_text_of_another_form_gives_no_weeks() {
        let usual = Origin { from: 2, start: 1, end: 20 };
        for bits in ["", "0111", &"01".repeat(40), &("01x".to_owned() + &"0".repeat(50))] {
            assert_eq!(usual.weeks(bits), None, "{bits}");
        }
        let longer = "011".to_owned() + &"0".repeat(53);
        assert_eq!(usual.weeks(&longer).map(Weeks::spans), Some(vec![Range(1, 2)]));
        assert_eq!(weeks("", 2, 1, 20), Some(vec![]));
    }
}
