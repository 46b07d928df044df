//! Draws captchas as the real server does.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::masks::{COLUMNS, GLYPHS, PEN};
use crate::rng::Rng;

const WIDTH: usize = 60;
const HEIGHT: usize = 20;
/// Distance between the pens of two characters, and position of the first pen, in pixels.
const PITCH: usize = 13;
const FIRST_PEN: usize = 6;
/// Number of short lines of noise on the ground.
const LINES: usize = 155;
const QUALITY: u8 = 75;

type Colour = [u8; 3];

/// Four characters.
pub(super) fn text(rng: &mut Rng) -> String {
    (0..4).map(|_| rng.pick(&GLYPHS).symbol).collect()
}

fn colour(rng: &mut Rng, low: u32, high: u32) -> Colour {
    [(); 3].map(|()| u8::try_from(rng.between(low, high)).unwrap_or(u8::MAX))
}

/// A JPEG, 60x20, that shows `text`.
pub(super) fn draw(rng: &mut Rng, text: &str) -> Vec<u8> {
    let mut picture = Picture::new(rng);
    for (index, symbol) in text.chars().enumerate() {
        let ink = colour(rng, 20, 129);
        picture.write(symbol, FIRST_PEN + PITCH * index, ink);
    }
    picture.jpeg()
}

struct Picture {
    rgb: Vec<u8>,
}

impl Picture {
    /// The ground: one light colour under short lines that slope down to the right.
    fn new(rng: &mut Rng) -> Self {
        // Half of the grounds are pale, half strongly coloured; the lines share a colour or have one each.
        let ground = if rng.chance(50) { colour(rng, 200, 249) } else { colour(rng, 100, 255) };
        let one_colour = rng.chance(50).then(|| colour(rng, 160, 199));
        let mut picture = Self { rgb: ground.repeat(WIDTH * HEIGHT) };
        for _ in 0..LINES {
            let from = (rng.below(WIDTH), rng.below(HEIGHT));
            let by = (rng.below(12), rng.below(12));
            let line = one_colour.unwrap_or_else(|| colour(rng, 160, 199));
            picture.line(from, by, line);
        }
        picture
    }

    fn set(&mut self, x: usize, y: usize, colour: Colour) {
        if x < WIDTH && y < HEIGHT {
            let at = (y * WIDTH + x) * 3;
            self.rgb[at..at + 3].copy_from_slice(&colour);
        }
    }

    fn line(&mut self, from: (usize, usize), by: (usize, usize), colour: Colour) {
        let steps = by.0.max(by.1).max(1);
        for step in 0..=steps {
            self.set(from.0 + by.0 * step / steps, from.1 + by.1 * step / steps, colour);
        }
    }

    fn write(&mut self, symbol: char, pen: usize, ink: Colour) {
        let Some(glyph) = GLYPHS.iter().find(|glyph| glyph.symbol == symbol) else { return };
        for (y, row) in glyph.rows.iter().enumerate() {
            for column in (0..COLUMNS).filter(|column| row >> column & 1 == 1) {
                self.set(pen + column - PEN, y, ink);
            }
        }
    }

    fn jpeg(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1500);
        let mut encoder = Encoder::new(&mut bytes, QUALITY);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        // Writing to memory with sizes known to be right cannot fail.
        let _ = encoder.encode(&self.rgb, 60, 20, ColorType::Rgb);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{draw, text};
    use crate::rng::Rng;

    #[test]
    fn a_captcha_is_a_small_jpeg_whose_ink_is_darker_than_its_ground() {
        let mut rng = Rng::new(3);
        let picture = draw(&mut rng, "M7wb");
        let decoded = image::load_from_memory(&picture).unwrap().to_luma8();
        assert_eq!(decoded.dimensions(), (60, 20));
        // The stem of the 7 against the ground left of the first character.
        let mean = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
            let all: Vec<u32> = x
                .flat_map(|x| y.clone().map(move |y| (x, y)))
                .map(|(x, y)| u32::from(decoded.get_pixel(x, y).0[0]))
                .collect();
            all.iter().sum::<u32>() / u32::try_from(all.len()).unwrap()
        };
        assert!(mean(0..5, 0..20) > 140);
        assert!(mean(21..26, 3..5) < 140);
    }

    #[test]
    fn texts_have_four_characters_and_differ() {
        let mut rng = Rng::new(1);
        let texts: std::collections::HashSet<_> = (0..100).map(|_| text(&mut rng)).collect();
        assert!(texts.iter().all(|text| text.chars().count() == 4));
        assert!(texts.len() > 95);
    }
}
