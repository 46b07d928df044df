//! The captcha of the URP login: four characters in a JPEG of 60x20 pixels, read without an OCR engine.
//!
//! The student asked for his own pages with his own password; reading the four characters saves him the typing.
//!
//! The server draws each glyph in one solid ink on a speckled light ground, always at the same pen positions and
//! without antialiasing (measured on real captchas, see `docs/CAPTCHA.md`). So reading is: for each of the four cells,
//! lay every known glyph shape ([`Masks`]) over the pixels and take the one that separates them best into ink and
//! ground ([`Solver`]). The shapes come from labelled captchas, by the program `urp-captcha` beside this library; those
//! of the university's server are built in, and another server's can be given as a file.
//!
//! ```no_run
//! # use urp_captcha::{MIN_CONFIDENCE, Solver};
//! # fn fetch() -> Vec<u8> { Vec::new() }
//! let reading = Solver::builtin().read(&fetch())?;
//! if reading.confidence < MIN_CONFIDENCE {
//!     // Ask the server for another captcha: that costs less than a refused login.
//! }
//! # Ok::<(), urp_captcha::CaptchaError>(())
//! ```

#[cfg(any(test, feature = "draw"))]
pub mod draw;
mod masks;
mod picture;
mod solver;

pub use masks::{Mask, Masks, MasksError};
pub use picture::{Picture, read_bytes};
pub use solver::{Reading, Solver};

/// Width of a captcha in pixels.
pub const WIDTH: usize = 60;
/// Height of a captcha in pixels, and of a mask in rows.
pub const HEIGHT: usize = 20;
/// Characters in a captcha. Each belongs to a cell, counted from 0.
pub const CELLS: usize = 4;
/// Columns of a mask: from two pixels left of the pen (J and j) to the right edge of W.
pub const MASK_WIDTH: usize = 19;
/// More is no captcha: real ones have 1.0 to 1.4 KB.
pub const MAX_BYTES: usize = 64 * 1024;

/// A reading less sure than this is better thrown away for a new captcha than tried.
///
/// Measured (`docs/CAPTCHA.md`): of 50,000 drawn captchas one was misread, below this, and 10 that were read right lie
/// below too; of 52 real ones the least sure, a very noisy one, has 0.031 and the next 0.114.
pub const MIN_CONFIDENCE: f32 = 0.03;

/// Pixels from one pen position to the next.
pub const PEN_STEP: usize = 13;
/// The x of the first pen position.
const FIRST_PEN: usize = 6;
/// The column of a mask that lies under the pen.
pub const PEN_COLUMN: usize = 2;

/// The picture's x of a mask's column in a cell; past the right edge for the last columns of the last cell.
#[must_use]
pub const fn column_x(cell: usize, column: usize) -> usize {
    FIRST_PEN - PEN_COLUMN + PEN_STEP * cell + column
}

/// Bytes that are no captcha.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CaptchaError {
    /// More than [`MAX_BYTES`].
    #[error("too large: a captcha has at most {MAX_BYTES} bytes")]
    TooLarge,
    /// Something else, mostly a login or maintenance page in its place.
    #[error("not a JPEG")]
    NotJpeg,
    /// A JPEG without its end.
    #[error("the JPEG is cut off")]
    Truncated,
    /// A JPEG that cannot be decoded; the decoder's reason.
    #[error("the JPEG is damaged: {0}")]
    Damaged(String),
    /// A picture, but not of this kind of captcha.
    #[error("a picture of {width}x{height} pixels, a captcha has {WIDTH}x{HEIGHT}")]
    WrongSize {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
}
