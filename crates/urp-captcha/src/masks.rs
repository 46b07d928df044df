//! The shapes of the glyphs, and the text file that holds them: comments (`;`), empty lines, and for each symbol a
//! line `glyph X` followed by 20 rows of 19 characters, `#` for ink and `.` for none.

use std::collections::BTreeMap;
use std::fmt;

use crate::{HEIGHT, MASK_WIDTH};

/// The ink of one glyph. Row is the picture's y; column 2 is the pen, so columns 0 and 1 lie left of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// Bit `k` of a row is column `k`.
    rows: [u32; HEIGHT],
}

impl Mask {
    /// Whether there is ink; outside the mask there is none.
    #[must_use]
    pub fn has_ink(&self, column: usize, row: usize) -> bool {
        column < MASK_WIDTH && row < HEIGHT && self.rows[row] >> column & 1 == 1
    }

    /// How many pixels have ink.
    #[must_use]
    pub fn area(&self) -> u32 {
        self.rows.iter().map(|row| row.count_ones()).sum()
    }

    /// The ink of a row; bit `k` is column `k`.
    pub(crate) fn row(&self, row: usize) -> u32 {
        self.rows[row]
    }

    /// The mask of these pixels, given as column and row; those outside a mask are left out.
    pub fn from_pixels(pixels: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut mask = Self::default();
        for (column, row) in pixels {
            if column < MASK_WIDTH && row < HEIGHT {
                mask.rows[row] |= 1 << column;
            }
        }
        mask
    }
}

/// A font: one mask per symbol the server draws.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    glyphs: BTreeMap<char, Mask>,
}

/// A mask file that cannot be used. Lines count from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MasksError {
    /// A line that is neither comment, heading nor row, or stands in the wrong place.
    #[error("line {line}: {problem}")]
    Line {
        /// Where.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Best and second best need two.
    #[error("at least two glyphs are needed, found {0}")]
    TooFew(usize),
}

impl Masks {
    /// Reads a mask file.
    pub fn parse(text: &str) -> Result<Self, MasksError> {
        let mut glyphs = BTreeMap::new();
        // The glyph whose rows are being read, and how many there were.
        let mut open: Option<(char, Mask, usize)> = None;
        let mut last = 0;
        for (index, content) in text.lines().enumerate() {
            let line = index + 1;
            last = line;
            let content = content.trim_end();
            if content.is_empty() || content.starts_with(';') {
                continue;
            }
            let fail = |problem: String| MasksError::Line { line, problem };
            match (&mut open, content.strip_prefix("glyph ")) {
                (None, Some(name)) => {
                    let symbol = single_symbol(name).ok_or_else(|| fail(format!("`{name}` is not one symbol")))?;
                    if glyphs.contains_key(&symbol) {
                        return Err(fail(format!("a second glyph {symbol}")));
                    }
                    open = Some((symbol, Mask::default(), 0));
                }
                (None, None) => return Err(fail("expected `glyph X`".into())),
                (Some((symbol, _, rows)), Some(_)) => {
                    return Err(fail(format!("glyph {symbol} has {rows} rows, expected {HEIGHT}")));
                }
                (Some((symbol, mask, rows)), None) => {
                    mask.rows[*rows] = row_bits(content).map_err(fail)?;
                    *rows += 1;
                    if *rows == HEIGHT {
                        if mask.area() == 0 {
                            return Err(fail(format!("glyph {symbol} has no ink")));
                        }
                        glyphs.insert(*symbol, *mask);
                        open = None;
                    }
                }
            }
        }
        if let Some((symbol, _, rows)) = open {
            let problem = format!("the file ends after {rows} of {HEIGHT} rows of glyph {symbol}");
            return Err(MasksError::Line { line: last, problem });
        }
        if glyphs.len() < 2 {
            return Err(MasksError::TooFew(glyphs.len()));
        }
        Ok(Self { glyphs })
    }

    /// The mask of a symbol.
    #[must_use]
    pub fn get(&self, symbol: char) -> Option<&Mask> {
        self.glyphs.get(&symbol)
    }

    /// All symbols with their masks, by code point.
    pub fn iter(&self) -> impl Iterator<Item = (char, &Mask)> {
        self.glyphs.iter().map(|(symbol, mask)| (*symbol, mask))
    }

    /// How many symbols there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.glyphs.len()
    }

    /// Whether there is no symbol at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.glyphs.is_empty()
    }
}

impl FromIterator<(char, Mask)> for Masks {
    fn from_iter<I: IntoIterator<Item = (char, Mask)>>(glyphs: I) -> Self {
        Self { glyphs: glyphs.into_iter().collect() }
    }
}

/// One visible character and nothing else.
fn single_symbol(name: &str) -> Option<char> {
    let mut characters = name.chars();
    let symbol = characters.next().filter(|symbol| !symbol.is_whitespace() && !symbol.is_control())?;
    characters.next().is_none().then_some(symbol)
}

fn row_bits(row: &str) -> Result<u32, String> {
    if let Some(other) = row.chars().find(|character| !matches!(character, '#' | '.')) {
        return Err(format!("`{other}` in a row of `#` and `.`"));
    }
    if row.len() != MASK_WIDTH {
        return Err(format!("a row of {} columns, expected {MASK_WIDTH}", row.len()));
    }
    let ink = row.bytes().enumerate().filter(|(_, character)| *character == b'#');
    Ok(ink.fold(0, |bits, (column, _)| bits | 1 << column))
}

/// A glyph as its 20 rows of the mask file.
impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for bits in self.rows {
            for column in 0..MASK_WIDTH {
                f.write_str(if bits >> column & 1 == 1 { "#" } else { "." })?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

/// A whole mask file, without comments.
impl fmt::Display for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (symbol, mask)) in self.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}glyph {symbol}\n{mask}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A glyph's heading and rows, the first row given, the others empty.
    fn glyph(symbol: char, first_row: &str) -> String {
        format!("glyph {symbol}\n{first_row}\n{}", format!("{}\n", ".".repeat(MASK_WIDTH)).repeat(HEIGHT - 1))
    }

    fn two_glyphs() -> String {
        format!("; example\n\n{}\n{}", glyph('A', "..#................"), glyph('b', ".#................#"))
    }

    fn problem(text: &str) -> (usize, String) {
        match Masks::parse(text).unwrap_err() {
            MasksError::Line { line, problem } => (line, problem),
            other @ MasksError::TooFew(_) => panic!("{other}"),
        }
    }

    #[test]
    fn a_mask_file_is_read_and_written_the_same() {
        let masks = Masks::parse(&two_glyphs()).unwrap();
        assert_eq!(masks.len(), 2);
        assert!(!masks.is_empty());
        let b = masks.get('b').unwrap();
        assert_eq!(b.area(), 2);
        assert!(b.has_ink(1, 0) && b.has_ink(18, 0));
        assert!(!b.has_ink(2, 0) && !b.has_ink(1, 1) && !b.has_ink(19, 0) && !b.has_ink(1, 20));
        assert_eq!(masks.to_string(), two_glyphs().trim_start_matches("; example\n\n"));
        assert_eq!(Masks::parse(&masks.to_string()).unwrap(), masks);
    }

    #[test]
    fn windows_line_ends_are_read() {
        assert_eq!(Masks::parse(&two_glyphs().replace('\n', "\r\n")), Masks::parse(&two_glyphs()));
    }

    #[test]
    fn a_short_row_is_told_with_its_line() {
        let text = two_glyphs().replacen("..#................", "..#.", 1);
        assert_eq!(problem(&text), (4, "a row of 4 columns, expected 19".into()));
    }

    #[test]
    fn a_long_row_is_told_with_its_line() {
        let text = two_glyphs().replacen("..#................", &"#".repeat(40), 1);
        assert_eq!(problem(&text), (4, "a row of 40 columns, expected 19".into()));
    }

    #[test]
    fn another_character_in_a_row_is_told() {
        let text = two_glyphs().replacen("..#..", "..o..", 1);
        assert_eq!(problem(&text), (4, "`o` in a row of `#` and `.`".into()));
    }

    #[test]
    fn a_missing_row_is_told_at_the_next_heading_or_the_end() {
        let empty_row = format!("{}\n", ".".repeat(MASK_WIDTH));
        let text = two_glyphs().replacen(&empty_row, "", 1);
        assert_eq!(problem(&text), (24, "glyph A has 19 rows, expected 20".into()));
        let whole = two_glyphs();
        let text = whole.strip_suffix(empty_row.as_str()).unwrap();
        assert_eq!(problem(text), (44, "the file ends after 19 of 20 rows of glyph b".into()));
    }

    #[test]
    fn a_second_glyph_of_a_symbol_is_told() {
        let text = two_glyphs().replace("glyph b", "glyph A");
        assert_eq!(problem(&text), (25, "a second glyph A".into()));
    }

    #[test]
    fn headings_name_one_symbol() {
        assert_eq!(problem("glyph AB\n"), (1, "`AB` is not one symbol".into()));
        assert_eq!(problem("glyph  \n"), (1, "expected `glyph X`".into()));
        assert_eq!(problem("A\n"), (1, "expected `glyph X`".into()));
    }

    #[test]
    fn a_glyph_without_ink_is_told() {
        let text = glyph('A', &".".repeat(MASK_WIDTH));
        assert_eq!(problem(&text), (21, "glyph A has no ink".into()));
    }

    #[test]
    fn fewer_than_two_glyphs_are_too_few() {
        assert_eq!(Masks::parse(""), Err(MasksError::TooFew(0)));
        assert_eq!(Masks::parse(&glyph('A', "..#................")), Err(MasksError::TooFew(1)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(glyph .\n|[#.]{19}\n|;.*\n|\\PC*\n){0,60}") {
            let _ = Masks::parse(&text);
        }
    }
}
