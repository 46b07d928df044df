//! Which four masks fit best.

use std::array;
use std::sync::LazyLock;

use crate::{
    CELLS, CaptchaError, HEIGHT, MASK_WIDTH, Mask, Masks, MasksError, PEN_COLUMN, PEN_STEP, Picture, column_x,
};

/// The columns of a cell's own: from one pixel left of the pen to where the next cell's begin.
const OWN_COLUMNS: u32 = ((1 << PEN_STEP) - 1) << (PEN_COLUMN - 1);
/// All columns of a mask, the ones it shares with the next cell included.
const ALL_COLUMNS: u32 = (1 << MASK_WIDTH) - 1;
/// How far the page may be shifted in either direction, in pixels. The server never did so; it costs little to allow.
const SHIFTS: [isize; 3] = [-1, 0, 1];
/// Variance (luma squared) added to both populations, so that a few even pixels do not look infinitely sure. The
/// figures in `docs/CAPTCHA.md` hardly change between 2 and 8 luma.
const NOISE_VARIANCE: f32 = 4.0 * 4.0;
/// Stands where no symbol fits at all (an even grey page); the confidence is then 0.
const NOTHING: char = '?';

static BUILTIN: LazyLock<Solver> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "part of the program; read in every test of this module")]
    Solver::from_masks(include_str!("masks.txt")).expect("the built-in masks are well-formed")
});

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The four characters, upper and lower case distinguished.
    pub text: String,
    /// How much better the chosen symbol fits than the second best, in nats per pixel (see [`Solver`]), in the least
    /// sure of the four cells. 0 means that it was a guess; see [`MIN_CONFIDENCE`](crate::MIN_CONFIDENCE).
    pub confidence: f32,
}

/// Reads captchas drawn in one font.
///
/// How well a mask fits: its pixels and the other ones of the cell are taken as two populations, each with a mean and
/// a variance, and the fit is how much that explains over one population for all, as a difference of log likelihoods
/// per pixel (the criterion of Kittler and Illingworth's minimum error thresholding, 1986). As ink is solid and the
/// ground is not, this misreads a tenth of what correlation does when the ground is nearly as dark as the ink.
#[derive(Clone, Debug)]
pub struct Solver {
    masks: Masks,
}

impl Solver {
    /// The solver for the university's URP server.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// A solver for another font, from the text of a mask file.
    pub fn from_masks(text: &str) -> Result<Self, MasksError> {
        Masks::parse(text).map(Self::new)
    }

    /// A solver for the font of these masks.
    #[must_use]
    pub fn new(masks: Masks) -> Self {
        Self { masks }
    }

    /// The font it knows.
    #[must_use]
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Reads a captcha as the server sent it.
    pub fn read(&self, jpeg: &[u8]) -> Result<Reading, CaptchaError> {
        Ok(self.read_picture(&Picture::from_jpeg(jpeg)?))
    }

    /// Reads a decoded captcha.
    #[must_use]
    pub fn read_picture(&self, picture: &Picture) -> Reading {
        let (shift, first) = self.first_look(picture);
        let choices: [Choice; CELLS] = array::from_fn(|cell| {
            self.choose(&Window::new(picture, cell, shift, &self.beside_neighbours(&first, cell)))
        });
        Reading {
            text: choices.iter().map(|choice| choice.symbol).collect(),
            confidence: choices.iter().map(Choice::margin).fold(f32::INFINITY, f32::min),
        }
    }

    /// Reads every cell by its own columns alone, and finds the shift of the page at which the four fit best.
    fn first_look(&self, picture: &Picture) -> (Shift, [Choice; CELLS]) {
        let mut best = (Shift::default(), [Choice::default(); CELLS]);
        let mut best_fit = 0.0;
        for down in SHIFTS {
            for right in SHIFTS {
                let shift = Shift { right, down };
                let choices: [Choice; CELLS] =
                    array::from_fn(|cell| self.choose(&Window::new(picture, cell, shift, &[OWN_COLUMNS; HEIGHT])));
                let fit = choices.iter().map(|choice| choice.fit).sum();
                if fit > best_fit {
                    best_fit = fit;
                    best = (shift, choices);
                }
            }
        }
        best
    }

    /// The columns of each row in which a cell's own glyph can be seen: where its neighbours have ink, the next one
    /// covers it and the former one looks like it.
    fn beside_neighbours(&self, choices: &[Choice; CELLS], cell: usize) -> [u32; HEIGHT] {
        let mask_of = |cell: Option<usize>| self.masks.get(choices.get(cell?)?.symbol);
        let former = mask_of(cell.checked_sub(1));
        let next = mask_of(cell.checked_add(1));
        array::from_fn(|row| {
            let from_the_left = former.map_or(0, |mask| mask.row(row) >> PEN_STEP);
            let from_the_right = next.map_or(0, |mask| mask.row(row) << PEN_STEP);
            ALL_COLUMNS & !from_the_left & !from_the_right
        })
    }

    fn choose(&self, window: &Window) -> Choice {
        let mut choice = Choice::default();
        for (symbol, mask) in self.masks.iter() {
            let fit = window.fit(mask);
            if fit > choice.fit {
                choice = Choice { symbol, fit, second: choice.fit };
            } else if fit > choice.second {
                choice.second = fit;
            }
        }
        choice
    }
}

/// By how many pixels the page lies off its usual place.
#[derive(Clone, Copy, Default)]
struct Shift {
    right: isize,
    down: isize,
}

/// The best symbol of a cell.
#[derive(Clone, Copy)]
struct Choice {
    symbol: char,
    fit: f32,
    second: f32,
}

impl Choice {
    fn margin(&self) -> f32 {
        self.fit - self.second
    }
}

impl Default for Choice {
    fn default() -> Self {
        Self { symbol: NOTHING, fit: 0.0, second: 0.0 }
    }
}

/// The pixels that a mask is laid over.
struct Window {
    /// Luma less its mean; 0 where nothing is visible.
    values: [[f32; MASK_WIDTH]; HEIGHT],
    /// Bit per column: what counts.
    visible: [u32; HEIGHT],
    count: f32,
    sum_of_squares: f32,
}

impl Window {
    fn new(picture: &Picture, cell: usize, shift: Shift, columns: &[u32; HEIGHT]) -> Self {
        let mut window =
            Self { values: [[0.0; MASK_WIDTH]; HEIGHT], visible: [0; HEIGHT], count: 0.0, sum_of_squares: 0.0 };
        let mut sum = 0.0;
        for (row, columns) in columns.iter().enumerate() {
            for column in bits(*columns) {
                let x = column_x(cell, column).checked_add_signed(shift.right);
                let y = row.checked_add_signed(shift.down);
                if let Some(luma) = x.zip(y).and_then(|(x, y)| picture.luma(x, y)) {
                    window.values[row][column] = f32::from(luma);
                    window.visible[row] |= 1 << column;
                    window.count += 1.0;
                    sum += f32::from(luma);
                }
            }
        }
        let mean = sum / window.count.max(1.0);
        for (values, visible) in window.values.iter_mut().zip(window.visible) {
            for column in bits(visible) {
                values[column] -= mean;
                window.sum_of_squares += values[column] * values[column];
            }
        }
        window
    }

    /// See [`Solver`]. Never negative; 0 when the mask's pixels are not darker than the rest.
    fn fit(&self, mask: &Mask) -> f32 {
        let (mut ink, mut sum, mut sum_of_squares) = (0.0, 0.0, 0.0);
        for (row, (values, visible)) in self.values.iter().zip(self.visible).enumerate() {
            for column in bits(visible & mask.row(row)) {
                ink += 1.0;
                sum += values[column];
                sum_of_squares += values[column] * values[column];
            }
        }
        let ground = self.count - ink;
        if ink < 1.0 || ground < 1.0 || sum >= 0.0 {
            return 0.0;
        }
        // The values add up to 0 over the window, so the ground's sum is the ink's with the other sign.
        let variance = |count: f32, sum_of_squares: f32| {
            (sum_of_squares / count - (sum / count) * (sum / count)).max(0.0) + NOISE_VARIANCE
        };
        let of_all = self.sum_of_squares / self.count + NOISE_VARIANCE;
        let of_ink = variance(ink, sum_of_squares);
        let of_ground = variance(ground, self.sum_of_squares - sum_of_squares);
        let gain = of_all.ln() - (ink * of_ink.ln() + ground * of_ground.ln()) / self.count;
        (0.5 * gain).max(0.0)
    }
}

/// The places of the ones, from the lowest.
fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(lowest)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::MIN_CONFIDENCE;
    use crate::draw::{self, Drawing, Numbers, captcha};

    fn symbols() -> Vec<char> {
        Solver::builtin().masks().iter().map(|(symbol, _)| symbol).collect()
    }

    fn reading_of(text: &str, seed: u64) -> Reading {
        let solver = Solver::builtin();
        solver.read(&captcha(solver.masks(), text, &mut Numbers::new(seed))).unwrap()
    }

    #[test]
    fn the_built_in_masks_are_the_fifty_symbols_the_server_draws() {
        let expected: BTreeSet<char> = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabdefghjmnqrtwxy".chars().collect();
        assert_eq!(symbols().into_iter().collect::<BTreeSet<_>>(), expected);
        assert!(Solver::builtin().masks().iter().all(|(_, mask)| mask.area() > 10));
    }

    #[test]
    fn every_symbol_is_read_in_every_cell() {
        for (seed, symbol) in (0..).zip(symbols()) {
            for cell in 0..CELLS {
                let text: String = (0..CELLS).map(|other| if other == cell { symbol } else { '5' }).collect();
                assert_eq!(reading_of(&text, seed).text, text);
            }
        }
    }

    #[test]
    fn glyphs_that_reach_into_each_other_are_read() {
        for (seed, (wide, other)) in
            "MWQmw".chars().flat_map(|wide| symbols().into_iter().map(move |other| (wide, other))).enumerate()
        {
            let text = format!("{other}{wide}{other}{wide}");
            let reading = reading_of(&text, seed as u64 + 1000);
            assert!(reading.text == text || reading.confidence < MIN_CONFIDENCE, "{text} read as {reading:?}");
        }
        for left in ['J', 'j'] {
            for other in symbols() {
                let text = format!("{other}{left}{other}{left}");
                let reading = reading_of(&text, 7);
                assert!(reading.text == text || reading.confidence < MIN_CONFIDENCE, "{text} read as {reading:?}");
            }
        }
    }

    #[test]
    fn of_five_hundred_random_captchas_two_at_most_are_misread_and_these_are_unsure() {
        let solver = Solver::builtin();
        let mut numbers = Numbers::new(2026);
        let (mut misread, mut unsure) = (0, 0);
        for _ in 0..500 {
            let text = draw::text(solver.masks(), &mut numbers);
            let reading = solver.read(&captcha(solver.masks(), &text, &mut numbers)).unwrap();
            if reading.text != text {
                misread += 1;
                assert!(reading.confidence < MIN_CONFIDENCE, "{text} read as {reading:?}");
            }
            unsure += usize::from(reading.confidence < MIN_CONFIDENCE);
        }
        assert!(misread <= 2, "{misread} misread");
        assert!(unsure <= 5, "{unsure} unsure");
    }

    #[test]
    fn a_page_shifted_by_a_pixel_is_read() {
        let solver = Solver::builtin();
        for right in -1..=1 {
            for down in -1..=1 {
                let drawing = Drawing::new(solver.masks(), "gW4x", &mut Numbers::new(5), (right, down));
                let reading = solver.read(&drawing.jpeg()).unwrap();
                assert_eq!(reading.text, "gW4x", "shifted by {right}, {down}");
                assert!(reading.confidence > MIN_CONFIDENCE);
            }
        }
    }

    #[test]
    fn an_even_page_gives_no_confidence() {
        let white = Drawing::plain([255, 255, 255]);
        let reading = Solver::builtin().read(&white.jpeg()).unwrap();
        assert_eq!(reading, Reading { text: "????".into(), confidence: 0.0 });
    }

    #[test]
    fn a_page_of_noise_without_glyphs_is_not_read_with_confidence() {
        let solver = Solver::builtin();
        let unsure = (0..100).filter(|seed| {
            let noise = captcha(solver.masks(), "", &mut Numbers::new(*seed));
            solver.read(&noise).unwrap().confidence < MIN_CONFIDENCE
        });
        assert!(unsure.count() >= 98);
    }

    #[test]
    fn masks_of_another_font_are_used_instead() {
        let two = Solver::builtin().masks().to_string();
        let end = two.find("\nglyph 2").unwrap();
        let solver = Solver::from_masks(&two[..end]).unwrap();
        assert_eq!(solver.masks().len(), 2);
        assert_eq!(solver.read(&captcha(solver.masks(), "0110", &mut Numbers::new(3))).unwrap().text, "0110");
    }
}
