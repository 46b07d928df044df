//! Captchas of the CAS and of the academic systems, drawn with the glyphs and the ground of the URP's.

use std::sync::{LazyLock, Mutex};

use urp_captcha::draw::{self, Numbers};
use urp_captcha::{Mask, Masks, Solver};

use crate::rng::Rng;
use crate::world::lock;

/// A picture, and what has to be typed.
#[derive(Debug)]
pub(crate) struct Captcha {
    pub(crate) answer: String,
    pub(crate) jpeg: Vec<u8>,
}

/// Invents captchas; the same seed invents the same ones.
#[derive(Debug)]
pub(crate) struct Captchas(Mutex<(Rng, Numbers)>);

/// The URP's glyphs, with a plus and an equals sign.
static GLYPHS: LazyLock<Masks> = LazyLock::new(|| {
    let bar =
        |from: usize, to: usize, row: usize| (from..to).flat_map(move |column| [(column, row), (column, row + 1)]);
    let upright = (5..14).flat_map(|row| [(7, row), (8, row)]);
    let plus = Mask::from_pixels(bar(3, 13, 9).chain(upright));
    let equals = Mask::from_pixels(bar(3, 13, 7).chain(bar(3, 13, 11)));
    let known = Solver::builtin().masks().iter().map(|(symbol, mask)| (symbol, *mask));
    known.chain([('+', plus), ('=', equals)]).collect()
});

/// Letters that are not easily taken for another one or for a digit.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPRTUVWXY";

impl Captchas {
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut rng = Rng::of(seed, "captcha", purpose);
        let numbers = Numbers::new(rng.next_u64());
        Self(Mutex::new((rng, numbers)))
    }

    /// A sum such as `1+5=?`, whose answer is `6`. The picture has room for four glyphs, so the question mark is missing.
    pub(crate) fn sum(&self) -> Captcha {
        let (rng, numbers) = &mut *lock(&self.0);
        let (left, right) = (rng.between(1, 9), rng.between(1, 9));
        let jpeg = draw::captcha(&GLYPHS, &format!("{left}+{right}="), numbers);
        Captcha { answer: (left + right).to_string(), jpeg }
    }

    /// Four letters.
    pub(crate) fn letters(&self) -> Captcha {
        let (rng, numbers) = &mut *lock(&self.0);
        let answer: String = (0..4).map(|_| char::from(*rng.pick(LETTERS))).collect();
        let jpeg = draw::captcha(&GLYPHS, &answer, numbers);
        Captcha { answer, jpeg }
    }
}

#[cfg(test)]
mod tests {
    use super::{Captchas, GLYPHS, LETTERS};

    #[test]
    fn sums_have_a_number_and_words_have_letters() {
        let captchas = Captchas::new(1, "test");
        for _ in 0..50 {
            let sum = captchas.sum();
            assert!((2..=18).contains(&sum.answer.parse::<u32>().unwrap()));
            assert_eq!(sum.jpeg[..2], [0xff, 0xd8]);
            assert_eq!(captchas.letters().answer.len(), 4);
        }
    }

    #[test]
    fn there_is_a_glyph_for_everything_that_is_drawn() {
        let drawn = LETTERS.iter().chain(b"0123456789+=").map(|byte| char::from(*byte));
        let missing: Vec<_> = drawn.filter(|symbol| GLYPHS.get(*symbol).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
