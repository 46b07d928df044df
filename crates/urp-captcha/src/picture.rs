//! From the bytes of a JPEG to the luma of its 60x20 pixels.

use std::io::{self, Cursor, Read};

use image::codecs::jpeg::JpegDecoder;
use image::{DynamicImage, ImageDecoder, ImageError, Limits, Rgb};

use crate::{CaptchaError, HEIGHT, MAX_BYTES, WIDTH};

/// Start of image, and the `FF` of the marker that follows (ITU-T T.81, table B.1).
const START: &[u8] = &[0xff, 0xd8, 0xff];
/// End of image (the same table). Within coded data an `FF` is never followed by `D9`.
const END: &[u8] = &[0xff, 0xd9];
/// What the decoder may allocate; the pixels are 3.6 KB of it.
const MAX_DECODED_BYTES: u64 = 64 * 1024;

/// The luma of a captcha's pixels, 0 black to 255 white.
#[derive(Clone, Debug)]
pub struct Picture {
    luma: [[u8; WIDTH]; HEIGHT],
}

impl Picture {
    /// Decodes a captcha as the server sent it.
    ///
    /// Nothing is allocated for pixels before the size is known to be right.
    pub fn from_jpeg(jpeg: &[u8]) -> Result<Self, CaptchaError> {
        if jpeg.len() > MAX_BYTES {
            return Err(CaptchaError::TooLarge);
        }
        if !jpeg.starts_with(START) {
            return Err(CaptchaError::NotJpeg);
        }
        // The decoder forgives a missing end and leaves the rest grey, which would be read as some text.
        if !jpeg.windows(END.len()).any(|pair| pair == END) {
            return Err(CaptchaError::Truncated);
        }
        let mut decoder = JpegDecoder::new(Cursor::new(jpeg)).map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        if (width as usize, height as usize) != (WIDTH, HEIGHT) {
            return Err(CaptchaError::WrongSize { width, height });
        }
        let mut limits = Limits::no_limits();
        limits.max_image_width = Some(width);
        limits.max_image_height = Some(height);
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        decoder.set_limits(limits).map_err(damaged)?;
        let pixels = DynamicImage::from_decoder(decoder).map_err(damaged)?.into_rgb8();
        let mut luma = [[0; WIDTH]; HEIGHT];
        for (to, from) in luma.as_flattened_mut().iter_mut().zip(pixels.pixels()) {
            *to = luma_of(*from);
        }
        Ok(Self { luma })
    }

    /// The luma of a pixel, none outside the picture.
    #[must_use]
    pub fn luma(&self, x: usize, y: usize) -> Option<u8> {
        self.luma.get(y)?.get(x).copied()
    }
}

/// With the weights of JFIF (ITU-R BT.601) this gives back the JPEG's own Y, which is stored at full resolution while
/// the colours are not.
fn luma_of(Rgb([red, green, blue]): Rgb<u8>) -> u8 {
    let sum = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    u8::try_from((sum + 500) / 1000).unwrap_or(u8::MAX)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` wants")]
fn damaged(error: ImageError) -> CaptchaError {
    CaptchaError::Damaged(error.to_string())
}

/// Reads what may be a captcha, and stops as soon as it is too large for one ([`Picture::from_jpeg`] then says so).
pub fn read_bytes(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use image::codecs::jpeg::JpegEncoder;
    use proptest::prelude::*;

    use super::*;
    use crate::Solver;
    use crate::draw::{Numbers, captcha};

    fn example() -> Vec<u8> {
        captcha(Solver::builtin().masks(), "a1B2", &mut Numbers::new(1))
    }

    #[test]
    fn a_page_in_place_of_the_captcha_is_not_a_jpeg() {
        let page = b"<html><head><title>URP</title></head></html>";
        assert_eq!(Picture::from_jpeg(page).unwrap_err(), CaptchaError::NotJpeg);
        assert_eq!(Picture::from_jpeg(b"").unwrap_err(), CaptchaError::NotJpeg);
    }

    #[test]
    fn a_jpeg_cut_off_anywhere_is_an_error() {
        let whole = example();
        assert!(Picture::from_jpeg(&whole).is_ok());
        for length in 0..whole.len() {
            let expected = if length < START.len() { CaptchaError::NotJpeg } else { CaptchaError::Truncated };
            assert_eq!(Picture::from_jpeg(&whole[..length]).unwrap_err(), expected, "{length} bytes");
        }
    }

    #[test]
    fn a_picture_of_another_size_is_told_with_its_size() {
        for (width, height) in [(61, 20), (60, 21), (20, 60), (1, 1), (500, 500)] {
            let mut jpeg = Vec::new();
            JpegEncoder::new(&mut jpeg).encode_image(&RgbImage::new(width, height)).unwrap();
            assert_eq!(Picture::from_jpeg(&jpeg).unwrap_err(), CaptchaError::WrongSize { width, height });
        }
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_is_not_decoded() {
        let mut jpeg = example();
        // Start of frame (T.81, table B.1 and B.2.2): FF C0, length, precision, height, width.
        let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        jpeg[frame + 5..frame + 9].fill(0xff);
        let expected = CaptchaError::WrongSize { width: 0xffff, height: 0xffff };
        assert_eq!(Picture::from_jpeg(&jpeg).unwrap_err(), expected);
    }

    #[test]
    fn more_than_64_kib_are_refused_before_decoding() {
        let mut jpeg = example();
        jpeg.resize(MAX_BYTES, 0);
        assert!(Picture::from_jpeg(&jpeg).is_ok(), "bytes after the end do no harm");
        jpeg.push(0);
        assert_eq!(Picture::from_jpeg(&jpeg).unwrap_err(), CaptchaError::TooLarge);
    }

    #[test]
    fn an_endless_source_is_read_no_further_than_needed_to_refuse_it() {
        assert_eq!(read_bytes(io::repeat(0xff)).unwrap().len(), MAX_BYTES + 1);
    }

    #[test]
    fn luma_is_the_y_of_the_jpeg() {
        assert_eq!(luma_of(Rgb([255, 255, 255])), 255);
        assert_eq!(luma_of(Rgb([0, 0, 0])), 0);
        assert_eq!(luma_of(Rgb([255, 0, 0])), 76);
        assert_eq!(luma_of(Rgb([0, 255, 0])), 150);
    }

    proptest! {
        #[test]
        fn random_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert!(Picture::from_jpeg(&bytes).is_err());
        }

        #[test]
        fn random_bytes_between_the_markers_of_a_jpeg_are_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            prop_assert!(Picture::from_jpeg(&[START, &bytes, END].concat()).is_err());
        }

        #[test]
        fn a_damaged_jpeg_is_read_or_refused(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
            let mut jpeg = example();
            for (place, byte) in damage {
                let place = place.index(jpeg.len());
                jpeg[place] = byte;
            }
            if let Ok(reading) = Solver::builtin().read(&jpeg) {
                prop_assert_eq!(reading.text.chars().count(), 4);
                prop_assert!(reading.confidence >= 0.0);
            }
        }
    }
}
