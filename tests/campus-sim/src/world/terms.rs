//! The terms that the academic systems know, and what a student did in them.

use super::{courses, scores};
use crate::rng::Rng;
use crate::student::{Course, Score, Student};

/// A term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Its number in EAMS.
    pub id: u32,
    /// First calendar year.
    pub year: u16,
    /// 1 in autumn, 2 in spring.
    pub half: u8,
    /// First and last day as year, month, day.
    pub days: [(u16, u8, u8); 2],
    /// Number of weeks; week 1 begins on a Monday, the first day.
    pub weeks: u8,
}

/// Every term, oldest first; the last one is the current one.
pub const TERMS: [Term; 3] = [
    Term { id: 224, year: 2025, half: 1, days: [(2025, 9, 8), (2026, 1, 25)], weeks: 20 },
    Term { id: 244, year: 2025, half: 2, days: [(2026, 3, 2), (2026, 7, 19)], weeks: 20 },
    Term { id: 264, year: 2026, half: 1, days: [(2026, 9, 7), (2027, 1, 24)], weeks: 20 },
];

impl Term {
    /// The current term: the one of the courses and scores that a [`Student`] has.
    pub(crate) const CURRENT: Self = TERMS[TERMS.len() - 1];

    /// The term with this number in EAMS.
    pub(crate) fn by_id(id: &str) -> Option<Self> {
        TERMS.into_iter().find(|term| term.id.to_string() == id)
    }

    /// The day this many days after the first one: year, month, day.
    pub(crate) fn day(self, days: u16) -> (u16, u8, u8) {
        let (mut year, mut month, day) = self.days[0];
        let mut day = u16::from(day) + days;
        while day > days_of(month) {
            day -= days_of(month);
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
        // No month has more than 31.
        (year, month, u8::try_from(day).unwrap_or(u8::MAX))
    }

    /// `2026-2027`.
    pub(crate) fn school_year(self) -> String {
        format!("{}-{}", self.year, self.year + 1)
    }
}

/// Days of a month of the years in which the terms lie; none of them has a leap day.
fn days_of(month: u8) -> u16 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28,
        _ => 31,
    }
}

/// A score with what stands beside the course's name: `缓考`, `补考` …, empty as a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) score: Score,
    pub(crate) status: &'static str,
}

/// Whether the student was here before the current term; those whose number ends in 9 were not.
fn has_past(student: &Student) -> bool {
    !student.number.ends_with('9')
}

/// The student's courses of a term: his own in the current one, invented ones before.
pub(super) fn courses(seed: u64, student: &Student, term: Term) -> Vec<Course> {
    if term == Term::CURRENT {
        return student.courses.clone();
    }
    if !has_past(student) {
        return Vec::new();
    }
    courses::invent(&mut Rng::of(seed, "past courses", &format!("{} {}", student.number, term.id)))
}

/// The student's scores of a term. A score without a mark is of an examination that was put off. In terms that are over a
/// failed one is followed by that of a second try.
pub(super) fn marks(seed: u64, student: &Student, term: Term) -> Vec<Marked> {
    if term == Term::CURRENT {
        let status = |score: &Score| if score.mark.is_empty() { "缓考" } else { "" };
        return student.scores.iter().map(|score| Marked { status: status(score), score: score.clone() }).collect();
    }
    let mut rng = Rng::of(seed, "past scores", &format!("{} {}", student.number, term.id));
    let mut marks = Vec::new();
    for course in courses(seed, student, term) {
        let score = scores::of_course(&mut rng, &course);
        let second = (!score.reason.is_empty())
            .then(|| Marked { score: Score { mark: "60".to_owned(), ..score.clone() }, status: "补考" });
        marks.push(Marked { score, status: "" });
        marks.extend(second);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::super::World;
    use super::{TERMS, Term};

    #[test]
    fn past_terms_have_courses_and_as_many_scores_at_least() {
        let world = World::new(2017, 20);
        let student = world.student("311509000001").unwrap();
        for term in TERMS {
            let courses = world.courses_of(&student, term);
            assert!(!courses.is_empty(), "{}", term.school_year());
            assert_eq!(courses == student.courses, term == Term::CURRENT);
            let marks = world.marks_of(&student, term);
            assert!(term == Term::CURRENT || marks.len() >= courses.len());
        }
    }

    #[test]
    fn a_freshman_has_no_past() {
        let world = World::new(2017, 20);
        let student = world.student("311509000009").unwrap();
        assert!(TERMS.iter().all(|term| world.marks_of(&student, *term).is_empty()));
        assert!(!world.courses_of(&student, Term::CURRENT).is_empty());
    }

    #[test]
    fn the_last_day_of_the_last_week_is_the_terms_last_day() {
        for term in TERMS {
            assert_eq!(term.day(0), term.days[0]);
            assert_eq!(term.day(u16::from(term.weeks) * 7 - 1), term.days[1], "{}", term.school_year());
        }
    }

    #[test]
    fn a_term_is_found_by_its_number() {
        assert_eq!(Term::by_id("0244"), None);
    }
}
