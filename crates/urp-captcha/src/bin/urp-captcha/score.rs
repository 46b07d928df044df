//! How much a solver reads right.

use std::collections::BTreeSet;

use urp_captcha::{MIN_CONFIDENCE, Masks, Reading, Solver};

use crate::learn::learn;
use crate::samples::Sample;

/// A labelled captcha and what was read in it.
#[derive(Clone, Debug)]
pub struct Scored {
    /// The sample's name.
    pub name: String,
    /// The right answer.
    pub expected: String,
    /// The solver's answer.
    pub reading: Reading,
}

impl Scored {
    /// All four characters as labelled.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.reading.text == self.expected
    }

    /// The same but for upper and lower case.
    #[must_use]
    pub fn is_right_ignoring_case(&self) -> bool {
        self.reading.text.eq_ignore_ascii_case(&self.expected)
    }

    /// The service would have asked for another captcha instead of trying this answer.
    #[must_use]
    pub fn is_unsure(&self) -> bool {
        self.reading.confidence < MIN_CONFIDENCE
    }
}

/// The results over many captchas.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One for each captcha, in the order of the samples.
    pub scored: Vec<Scored>,
}

impl Report {
    /// How many results are like this.
    pub fn count(&self, like: impl Fn(&Scored) -> bool) -> usize {
        self.scored.iter().filter(|scored| like(scored)).count()
    }

    /// What was read wrong.
    pub fn misses(&self) -> impl Iterator<Item = &Scored> {
        self.scored.iter().filter(|scored| !scored.is_right())
    }
}

/// Reads all samples.
#[must_use]
pub fn score(samples: &[Sample], solver: &Solver) -> Report {
    Report { scored: samples.iter().map(|sample| score_one(sample, solver)).collect() }
}

fn score_one(sample: &Sample, solver: &Solver) -> Scored {
    Scored {
        name: sample.name.clone(),
        expected: sample.text.iter().collect(),
        reading: solver.read_picture(&sample.picture),
    }
}

/// Which part of the samples the masks are not learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holdout {
    /// Each half by turns, for a number of divisions at random (the same ones every time).
    Half {
        /// How many divisions.
        rounds: u64,
    },
    /// Each single captcha by turns.
    One,
}

/// What masks make of captchas they were not learned from.
#[derive(Clone, Debug, Default)]
pub struct HoldoutReport {
    /// How often masks were learned.
    pub folds: usize,
    /// The held-out captchas of which all four symbols occur in the other part.
    pub report: Report,
    /// The other held-out captchas: they have a symbol that was not there to be learned, so cannot be read right.
    pub undecidable: usize,
    /// Single characters read right in all held-out captchas, of those that could be learned.
    pub symbols_right: usize,
    /// Single characters in all held-out captchas that could be learned.
    pub symbols: usize,
}

/// Learns from one part of the samples and reads the other, so that nothing is scored that was learned from.
#[must_use]
pub fn cross_validate(samples: &[Sample], holdout: Holdout) -> HoldoutReport {
    let mut result = HoldoutReport::default();
    for held_out in held_out_sets(samples.len(), holdout) {
        let (scored, learned): (Vec<_>, Vec<_>) =
            samples.iter().cloned().enumerate().partition(|(index, _)| held_out.contains(index));
        let learned: Vec<Sample> = learned.into_iter().map(|(_, sample)| sample).collect();
        let solver = Solver::new(learn(&learned).masks);
        result.folds += 1;
        for (_, sample) in scored {
            result.add(&sample, &solver);
        }
    }
    result
}

impl HoldoutReport {
    fn add(&mut self, sample: &Sample, solver: &Solver) {
        let result = score_one(sample, solver);
        let known = |masks: &Masks, symbol: char| masks.get(symbol).is_some();
        for (expected, read) in sample.text.iter().zip(result.reading.text.chars()) {
            if known(solver.masks(), *expected) {
                self.symbols += 1;
                self.symbols_right += usize::from(*expected == read);
            }
        }
        if sample.text.iter().all(|symbol| known(solver.masks(), *symbol)) {
            self.report.scored.push(result);
        } else {
            self.undecidable += 1;
        }
    }
}

/// The samples, by index, that are scored each time.
fn held_out_sets(samples: usize, holdout: Holdout) -> Vec<BTreeSet<usize>> {
    match holdout {
        Holdout::One => (0..samples).map(|index| BTreeSet::from([index])).collect(),
        Holdout::Half { rounds } => (0..rounds)
            .flat_map(|round| {
                let mut order: Vec<usize> = (0..samples).collect();
                order.sort_by_key(|index| scrambled(round, *index as u64));
                let second = order.split_off(samples / 2);
                [order.into_iter().collect(), second.into_iter().collect()]
            })
            .collect(),
    }
}

/// A number that looks random but is the same every time (the finisher of splitmix64).
fn scrambled(round: u64, index: u64) -> u64 {
    let mut mixed = (round << 32 | index).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use urp_captcha::Picture;
    use urp_captcha::draw::{Numbers, captcha};

    use super::*;

    fn sample(name: &str, drawn: &str, label: &str, numbers: &mut Numbers) -> Sample {
        let jpeg = captcha(Solver::builtin().masks(), drawn, numbers);
        let text: Vec<char> = label.chars().collect();
        Sample { name: name.into(), text: text.try_into().unwrap(), picture: Picture::from_jpeg(&jpeg).unwrap() }
    }

    #[test]
    fn a_miss_in_case_alone_is_right_ignoring_case() {
        let numbers = &mut Numbers::new(21);
        let samples = [
            sample("right", "xW4X", "xW4X", numbers),
            sample("case", "xW4X", "XW4x", numbers),
            sample("wrong", "xW4X", "xW5X", numbers),
        ];
        let report = score(&samples, Solver::builtin());
        assert_eq!(report.scored.len(), 3);
        assert_eq!(report.count(Scored::is_right), 1);
        assert_eq!(report.count(Scored::is_right_ignoring_case), 2);
        assert_eq!(report.misses().map(|scored| scored.name.as_str()).collect::<Vec<_>>(), ["case", "wrong"]);
    }

    #[test]
    fn halves_cover_every_sample_once_in_each_round() {
        let sets = held_out_sets(9, Holdout::Half { rounds: 3 });
        assert_eq!(sets.len(), 6);
        for pair in sets.chunks(2) {
            assert!(pair[0].is_disjoint(&pair[1]));
            assert_eq!(pair[0].len() + pair[1].len(), 9);
        }
        assert_ne!(sets[0], sets[2], "another round divides otherwise");
        assert_eq!(sets, held_out_sets(9, Holdout::Half { rounds: 3 }), "and the same ones every time");
    }

    #[test]
    fn a_symbol_that_only_the_held_out_captcha_has_is_counted_apart() {
        let numbers = &mut Numbers::new(22);
        let samples = [
            sample("1", "abab", "abab", numbers),
            sample("2", "baab", "baab", numbers),
            sample("3", "bbaW", "bbaW", numbers),
        ];
        let report = cross_validate(&samples, Holdout::One);
        assert_eq!(report.folds, 3);
        assert_eq!(report.report.scored.len(), 2);
        assert_eq!(report.report.count(Scored::is_right), 2);
        assert_eq!(report.undecidable, 1);
        assert_eq!((report.symbols_right, report.symbols), (11, 11));
    }
}
