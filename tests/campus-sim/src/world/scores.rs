//! Invents a list of this term's scores.

use super::catalog::{Subject, TAUGHT};
use super::courses::{course_number, credit};
use crate::rng::Rng;
use crate::student::{Course, Score};

const WORDS: [&str; 5] = ["优秀", "良好", "中等", "及格", "不及格"];

/// Scores of up to six courses; every student whose number ends in 9 has none yet.
pub(super) fn invent(rng: &mut Rng, number: &str) -> Vec<Score> {
    if number.ends_with('9') {
        return Vec::new();
    }
    let mut subjects: Vec<&Subject> = TAUGHT.iter().collect();
    (0..rng.between(2, 6)).filter_map(|_| rng.draw(&mut subjects).map(|subject| score(rng, subject))).collect()
}

fn score(rng: &mut Rng, subject: &Subject) -> Score {
    let by_word = rng.chance(20);
    let (lowest, highest) = (rng.between(0, 45), rng.between(90, 100));
    let mark = rng.between(48, highest);
    let failed = !by_word && mark < 60;
    Score {
        number: course_number(subject.name),
        sequence: format!("{:02}", rng.between(1, 24)),
        name: subject.name.to_owned(),
        english_name: subject.english.to_owned(),
        credit: credit(subject.tenths).trim_end_matches(".0").to_owned(),
        kind: "必修".to_owned(),
        highest: highest.to_string(),
        lowest: lowest.to_string(),
        average: format!("{}.{:02}", rng.between(62, 84), rng.between(0, 99)),
        mark: if by_word { (*rng.pick(&WORDS)).to_owned() } else { mark.to_string() },
        rank: rng.between(1, 2400).to_string(),
        reason: if failed { "成绩未通过".to_owned() } else { String::new() },
    }
}

/// A score in a course that was taken in an earlier term.
pub(super) fn of_course(rng: &mut Rng, course: &Course) -> Score {
    let subject = Subject { name: "", english: "", tenths: 0 };
    Score {
        number: course.number.clone(),
        sequence: course.sequence.clone(),
        name: course.name.clone(),
        credit: course.credit.trim_end_matches(".0").to_owned(),
        kind: course.kind.clone(),
        ..score(rng, &subject)
    }
}
