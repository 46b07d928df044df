//! Draws captchas the way the server does, for tests.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, Rgb, RgbImage};

use crate::campus::urp::captcha::{HEIGHT, MASK_WIDTH, Masks, WIDTH};

/// Repeatable numbers (splitmix64) from a seed.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + u32::try_from(self.next() % u64::from(high - low + 1)).unwrap()
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.next() % of.len() as u64).unwrap()]
    }

    fn colour(&mut self, low: u32, high: u32) -> Rgb<u8> {
        Rgb(std::array::from_fn(|_| u8::try_from(self.between(low, high)).unwrap()))
    }
}

/// A captcha with this text.
pub fn captcha(masks: &Masks, text: &str, numbers: &mut Numbers) -> Vec<u8> {
    jpeg(pixels(masks, text, numbers, (0, 0)))
}

/// A light ground, 155 short lines (in half of the pictures each in its own colour), the text's glyphs, a later one
/// over an earlier one, shifted `right` and `down`. The ranges of the colours are those found in real captchas.
pub fn pixels(masks: &Masks, text: &str, numbers: &mut Numbers, (right, down): (isize, isize)) -> RgbImage {
    let (width, height) = (u32::try_from(WIDTH).unwrap(), u32::try_from(HEIGHT).unwrap());
    let mut picture = RgbImage::from_pixel(width, height, numbers.colour(100, 255));
    let common_colour = numbers.colour(160, 199);
    let coloured = numbers.between(0, 1) == 1;
    for _ in 0..155 {
        let colour = if coloured { numbers.colour(160, 199) } else { common_colour };
        let (x, y) = (numbers.between(0, width - 1), numbers.between(0, height - 1));
        let (dx, dy) = (numbers.between(0, 11), numbers.between(0, 11));
        let steps = dx.max(dy).max(1);
        for step in 0..=steps {
            let (x, y) = (x + (dx * step + steps / 2) / steps, y + (dy * step + steps / 2) / steps);
            paint(&mut picture, x, y, colour);
        }
    }
    for (cell, symbol) in text.chars().enumerate() {
        let mask = masks.get(symbol).unwrap();
        let ink = numbers.colour(20, 129);
        for row in 0..HEIGHT {
            for column in (0..MASK_WIDTH).filter(|column| mask.has_ink(*column, row)) {
                let x = (13 * cell + 4 + column).checked_add_signed(right);
                let y = row.checked_add_signed(down);
                if let (Some(x), Some(y)) = (x, y) {
                    paint(&mut picture, u32::try_from(x).unwrap(), u32::try_from(y).unwrap(), ink);
                }
            }
        }
    }
    picture
}

fn paint(picture: &mut RgbImage, x: u32, y: u32, colour: Rgb<u8>) {
    if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
        *pixel = colour;
    }
}

/// Encodes with quality 75. The encoder keeps colours at full resolution; a 4:2:0 picture's, as the server's are, are
/// the same in each block of 2x2 pixels.
pub fn jpeg(mut picture: RgbImage) -> Vec<u8> {
    for y in (0..picture.height()).step_by(2) {
        for x in (0..picture.width()).step_by(2) {
            let places = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
            let colours = places.map(|(x, y)| picture.get_pixel(x, y).0.map(i32::from));
            let mean: [i32; 3] =
                std::array::from_fn(|channel| colours.iter().map(|colour| colour[channel]).sum::<i32>() / 4);
            for ((x, y), colour) in places.into_iter().zip(colours) {
                let lighter = luma(colour) - luma(mean);
                picture.put_pixel(x, y, Rgb(mean.map(|value| u8::try_from((value + lighter).clamp(0, 255)).unwrap())));
            }
        }
    }
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 75)
        .encode(&picture, picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

fn luma([red, green, blue]: [i32; 3]) -> i32 {
    (299 * red + 587 * green + 114 * blue + 500) / 1000
}
