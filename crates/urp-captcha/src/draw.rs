//! Draws captchas the way the server does. The same seed draws the same ones.

use std::{env, fs, io, path::PathBuf, process};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::{CELLS, HEIGHT, MASK_WIDTH, Masks, Solver, WIDTH, column_x};

/// Short lines of noise on the ground.
const LINES: usize = 155;
/// No line is longer in either direction.
const LONGEST_LINE: usize = 11;
/// Of the JPEG.
const QUALITY: u8 = 75;

type Colour = [u8; 3];

/// Repeatable numbers (splitmix64) from a seed.
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// Another seed gives others.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end - 1`.
    fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.next_u64()) * end as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Each channel from `low` to `high`, both included.
    fn colour(&mut self, low: u8, high: u8) -> Colour {
        [(); 3].map(|()| low.saturating_add(u8::try_from(self.below(usize::from(high - low) + 1)).unwrap_or(0)))
    }
}

/// Four symbols, each picked at random.
pub fn text(masks: &Masks, numbers: &mut Numbers) -> String {
    let symbols: Vec<char> = masks.iter().map(|(symbol, _)| symbol).collect();
    (0..CELLS).filter_map(|_| symbols.get(numbers.below(symbols.len()))).collect()
}

/// A captcha that says `text`, as a JPEG. A character without a mask leaves its cell empty.
pub fn captcha(masks: &Masks, text: &str, numbers: &mut Numbers) -> Vec<u8> {
    Drawing::new(masks, text, numbers, (0, 0)).jpeg()
}

/// The pixels of a captcha.
pub(crate) struct Drawing {
    rgb: Vec<u8>,
}

impl Drawing {
    /// The text's glyphs on a noisy ground, a later one over an earlier one, shifted `right` and `down`. The ranges of
    /// the colours are those found in real captchas.
    pub(crate) fn new(masks: &Masks, text: &str, numbers: &mut Numbers, (right, down): (isize, isize)) -> Self {
        let mut drawing = Self::ground(numbers);
        for (cell, symbol) in text.chars().enumerate() {
            let ink = numbers.colour(20, 129);
            let Some(mask) = masks.get(symbol) else { continue };
            for row in 0..HEIGHT {
                for column in (0..MASK_WIDTH).filter(|column| mask.has_ink(*column, row)) {
                    let x = column_x(cell, column).checked_add_signed(right);
                    if let Some((x, y)) = x.zip(row.checked_add_signed(down)) {
                        drawing.paint(x, y, ink);
                    }
                }
            }
        }
        drawing
    }

    /// Nothing but one colour.
    pub(crate) fn plain(colour: Colour) -> Self {
        Self { rgb: colour.repeat(WIDTH * HEIGHT) }
    }

    /// Half of the grounds are pale, half of any light colour. The short lines slope down to the right; in half of the
    /// pictures they share a colour, in the others each has its own.
    fn ground(numbers: &mut Numbers) -> Self {
        let mut drawing = Self::plain(if numbers.coin() { numbers.colour(200, 249) } else { numbers.colour(100, 255) });
        let common = numbers.coin().then(|| numbers.colour(160, 199));
        for _ in 0..LINES {
            let from = (numbers.below(WIDTH), numbers.below(HEIGHT));
            let by = (numbers.below(LONGEST_LINE + 1), numbers.below(LONGEST_LINE + 1));
            let colour = common.unwrap_or_else(|| numbers.colour(160, 199));
            drawing.line(from, by, colour);
        }
        drawing
    }

    fn line(&mut self, from: (usize, usize), by: (usize, usize), colour: Colour) {
        let steps = by.0.max(by.1).max(1);
        for step in 0..=steps {
            self.paint(from.0 + by.0 * step / steps, from.1 + by.1 * step / steps, colour);
        }
    }

    fn paint(&mut self, x: usize, y: usize, colour: Colour) {
        if x < WIDTH && y < HEIGHT {
            let at = (y * WIDTH + x) * colour.len();
            self.rgb[at..at + colour.len()].copy_from_slice(&colour);
        }
    }

    /// With colours at half resolution, as the server's.
    #[expect(clippy::cast_possible_truncation, reason = "60 and 20")]
    pub(crate) fn jpeg(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1500);
        let mut encoder = Encoder::new(&mut bytes, QUALITY);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        // Writing to memory with sizes known to be right cannot fail.
        let _ = encoder.encode(&self.rgb, WIDTH as u16, HEIGHT as u16, ColorType::Rgb);
        bytes
    }
}

/// A folder of drawn captchas with their `labels.tsv`, removed in the end: for tests.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Draws one captcha for each text, `0.jpeg` and so on. `name` must be another one for each folder of a process.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn draw(name: &str, texts: &[&str]) -> io::Result<Self> {
        let path = env::temp_dir().join(format!("urp-captcha-{}-{name}", process::id()));
        fs::create_dir_all(&path)?;
        let mut labels = String::new();
        for (index, text) in texts.iter().enumerate() {
            let file = format!("{index}.jpeg");
            fs::write(path.join(&file), captcha(Solver::builtin().masks(), text, &mut Numbers::new(index as u64)))?;
            labels.extend([&file, "\t", text, "\n"]);
        }
        fs::write(path.join("labels.tsv"), labels)?;
        Ok(Self(path))
    }

    /// The path of a file in it.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ops::Range;

    use super::*;
    use crate::{Picture, Solver};

    #[test]
    fn ink_is_darker_than_its_ground_and_where_the_server_draws_it() {
        let jpeg = captcha(Solver::builtin().masks(), "M7wb", &mut Numbers::new(3));
        let picture = Picture::from_jpeg(&jpeg).unwrap();
        let mean = |x: Range<usize>, y: Range<usize>| {
            let lumas: Vec<u32> = y
                .flat_map(|y| x.clone().map(move |x| (x, y)))
                .map(|(x, y)| picture.luma(x, y).unwrap().into())
                .collect();
            lumas.iter().sum::<u32>() / u32::try_from(lumas.len()).unwrap()
        };
        // The ground left of the first character; the bar of the 7.
        assert!(mean(0..5, 0..20) > 140);
        assert!(mean(21..26, 3..5) < 140);
    }

    #[test]
    fn texts_have_four_characters_and_differ() {
        let mut numbers = Numbers::new(1);
        let texts: BTreeSet<String> = (0..100).map(|_| text(Solver::builtin().masks(), &mut numbers)).collect();
        assert!(texts.iter().all(|text| text.chars().count() == 4));
        assert!(texts.len() > 95);
    }

    #[test]
    fn one_seed_draws_one_captcha() {
        let drawn = |seed| captcha(Solver::builtin().masks(), "M7wb", &mut Numbers::new(seed));
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
