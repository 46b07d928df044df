//! The glyphs captchas are drawn with: the ones the engine's solver reads, taken from its file.

use std::sync::LazyLock;

/// Rows of a glyph; row 0 is image row 0.
pub(super) const ROWS: usize = 20;
/// Columns of a glyph; column [`PEN`] is where the pen stands.
pub(super) const COLUMNS: usize = 19;
/// Column of the pen.
pub(super) const PEN: usize = 2;

/// One character with its pixels: bit `c` of a row is column `c`.
#[derive(Debug)]
pub(super) struct Glyph {
    pub(super) symbol: char,
    pub(super) rows: [u32; ROWS],
}

/// Every character a captcha can show.
pub(super) static GLYPHS: LazyLock<Vec<Glyph>> = LazyLock::new(|| {
    parse(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/urp-captcha/src/masks.txt")))
});

/// Reads `glyph X` lines, each followed by its rows of `#` and `.`; other lines are comments.
fn parse(text: &str) -> Vec<Glyph> {
    let mut glyphs: Vec<Glyph> = Vec::new();
    let mut row = ROWS;
    for line in text.lines() {
        if let Some(symbol) = line.strip_prefix("glyph ").and_then(|rest| rest.trim().chars().next()) {
            glyphs.push(Glyph { symbol, rows: [0; ROWS] });
            row = 0;
        } else if line.starts_with(['#', '.']) && row < ROWS {
            if let Some(glyph) = glyphs.last_mut() {
                glyph.rows[row] = line
                    .bytes()
                    .take(COLUMNS)
                    .enumerate()
                    .fold(0, |bits, (c, byte)| bits | u32::from(byte == b'#') << c);
            }
            row += 1;
        }
    }
    glyphs
}

#[cfg(test)]
mod tests {
    use super::GLYPHS;

    #[test]
    fn the_masks_hold_fifty_characters_with_ink() {
        assert_eq!(GLYPHS.len(), 50);
        assert!(GLYPHS.iter().all(|glyph| glyph.rows.iter().map(|row| row.count_ones()).sum::<u32>() > 10));
        assert!(GLYPHS.iter().all(|glyph| !"IOilo".contains(glyph.symbol)));
    }
}
