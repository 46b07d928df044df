//! From labelled captchas to masks.
//!
//! Every labelled glyph is laid at its pen position; what is ink in it is decided pixel by pixel over all samples of a
//! symbol. The first guess of a mask is its darkest pixels. Then, in turns until nothing changes: the ink's luma in
//! each sample is the median over the mask; each pixel of each sample votes with the likelihood of its luma as that ink
//! against that of its luma as this picture's ground (noise lines included); pixels where a neighbour has ink say
//! nothing; and where the votes are near even, the surroundings decide.

use std::collections::BTreeMap;
use std::fmt::Write;

use urp_captcha::{CELLS, HEIGHT, MASK_WIDTH, Mask, Masks, PEN_COLUMN, PEN_STEP, WIDTH, column_x};

use crate::samples::Sample;

/// Columns that belong to a cell alone, for the first guess.
const OWN_COLUMNS: std::ops::Range<usize> = PEN_COLUMN - 1..PEN_COLUMN - 1 + PEN_STEP;
/// Pixels of the first guess: fewer than any glyph has, so that all of them are ink.
const FIRST_GUESS: usize = 31;
/// Standard deviation of the luma of ink around its median, as the JPEG's quality 75 leaves it. Measured: 68 % of the
/// ink's pixels in real captchas differ by less than 9.
const INK_DEVIATION: f32 = 9.0;
/// Kernel width, in luma, with which a picture's ground is smoothed to a density.
const GROUND_KERNEL: f32 = 6.0;
/// Added to both densities: a pixel that fits neither proves nothing.
const FAINT: f32 = 1e-4;
/// No single pixel's vote counts for more (natural logarithm).
const LOUDEST_VOTE: f32 = 4.0;
/// What an inked neighbour adds, in the unit of the votes; half of it for a diagonal one.
const NEIGHBOUR: f32 = 1.0;
/// Neighbours that leave a pixel undecided: between those of a pixel beside a straight edge (2) and those of a
/// rectangle's corner (2.5).
const NEIGHBOURS_OF_AN_EDGE: f32 = 2.25;
/// Turns before giving up on more change; real samples need five.
const TURNS: usize = 10;

/// Something for each pixel of a mask.
type Votes = [[f32; MASK_WIDTH]; HEIGHT];

/// Masks, and what they were learned from.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The font.
    pub masks: Masks,
    /// How many captchas there were.
    pub captchas: usize,
    /// How often each symbol occurred.
    pub occurrences: BTreeMap<char, usize>,
}

/// Where a symbol was seen.
#[derive(Clone, Copy)]
struct Place<'a> {
    sample: &'a Sample,
    /// The luma density of the sample's ground.
    ground: &'a [f32; 256],
    cell: usize,
}

/// Learns the masks of all symbols in the labels.
///
/// A symbol that occurs once on a noisy ground can come out with a few wrong pixels; look at it and correct the file.
#[must_use]
pub fn learn(samples: &[Sample]) -> Learned {
    let no_grounds = vec![[0.0; 256]; samples.len()];
    let mut masks: Masks =
        places(samples, &no_grounds).iter().map(|(symbol, places)| (*symbol, guess(places))).collect();
    for turn in 0..TURNS {
        let grounds: Vec<_> = samples.iter().map(|sample| ground_density(sample, &masks)).collect();
        // The first guesses tell too little of the neighbours to look beyond a cell's own columns.
        let columns = if turn == 0 { OWN_COLUMNS } else { 0..MASK_WIDTH };
        let next = places(samples, &grounds)
            .iter()
            .map(|(symbol, places)| (*symbol, settle(&count_votes(*symbol, places, &masks, columns.clone()))))
            .collect();
        let settled = next == masks && turn > 0;
        masks = next;
        if settled {
            break;
        }
    }
    let occurrences = places(samples, &no_grounds).into_iter().map(|(symbol, places)| (symbol, places.len())).collect();
    Learned { masks, captchas: samples.len(), occurrences }
}

fn places<'a>(samples: &'a [Sample], grounds: &'a [[f32; 256]]) -> BTreeMap<char, Vec<Place<'a>>> {
    let mut places: BTreeMap<char, Vec<Place>> = BTreeMap::new();
    for (sample, ground) in samples.iter().zip(grounds) {
        for (cell, symbol) in sample.text.iter().enumerate() {
            places.entry(*symbol).or_default().push(Place { sample, ground, cell });
        }
    }
    places
}

impl Place<'_> {
    /// The luma of a mask's pixel; none outside the picture.
    fn luma(&self, column: usize, row: usize) -> Option<u8> {
        self.sample.picture.luma(column_x(self.cell, column), row)
    }

    /// The same, but none either where a neighbour has ink.
    fn own_luma(&self, column: usize, row: usize, masks: &Masks) -> Option<u8> {
        let inked = |cell: Option<usize>, column: Option<usize>| {
            let mask = cell.and_then(|cell| self.sample.text.get(cell)).and_then(|symbol| masks.get(*symbol));
            mask.zip(column).is_some_and(|(mask, column)| mask.has_ink(column, row))
        };
        let by_neighbour = inked(self.cell.checked_sub(1), Some(column + PEN_STEP))
            || inked(Some(self.cell + 1), column.checked_sub(PEN_STEP));
        if by_neighbour { None } else { self.luma(column, row) }
    }
}

/// The darkest pixels over all samples of a symbol, each sample scaled to its own mean and deviation.
fn guess(places: &[Place]) -> Mask {
    let mut darkness: Votes = [[0.0; MASK_WIDTH]; HEIGHT];
    for place in places {
        let pixels: Vec<(usize, usize, f32)> = pixels_of(OWN_COLUMNS)
            .filter_map(|(column, row)| Some((column, row, f32::from(place.luma(column, row)?))))
            .collect();
        let count: f32 = pixels.iter().map(|_| 1.0).sum();
        let mean = pixels.iter().map(|(_, _, luma)| luma).sum::<f32>() / count;
        let variance = pixels.iter().map(|(_, _, luma)| (luma - mean) * (luma - mean)).sum::<f32>() / count;
        for (column, row, luma) in pixels {
            darkness[row][column] += (mean - luma) / variance.sqrt().max(1.0);
        }
    }
    let mut pixels: Vec<_> = pixels_of(OWN_COLUMNS).collect();
    pixels.sort_by(|a, b| darkness[b.1][b.0].total_cmp(&darkness[a.1][a.0]));
    Mask::from_pixels(pixels.into_iter().take(FIRST_GUESS))
}

/// How often each luma occurs outside the ink, smoothed.
fn ground_density(sample: &Sample, masks: &Masks) -> [f32; 256] {
    let inked = |x: usize, y: usize| {
        (0..CELLS).any(|cell| {
            let mask = masks.get(sample.text[cell]);
            mask.zip(x.checked_sub(column_x(cell, 0))).is_some_and(|(mask, column)| mask.has_ink(column, y))
        })
    };
    let mut counts = [0.0; 256];
    let mut total = 0.0_f32;
    for y in 0..HEIGHT {
        for x in (0..WIDTH).filter(|x| !inked(*x, y)) {
            if let Some(luma) = sample.picture.luma(x, y) {
                counts[usize::from(luma)] += 1.0;
                total += 1.0;
            }
        }
    }
    let kernel: Vec<f32> = (0..=u8::MAX).map(|distance| bell(distance, 0.0, GROUND_KERNEL)).collect();
    let mut density = [0.0; 256];
    for (at, density) in density.iter_mut().enumerate() {
        let near = counts.iter().enumerate().map(|(luma, count)| count * kernel[at.abs_diff(luma)]);
        *density = near.sum::<f32>() / total.max(1.0);
    }
    density
}

/// The normal distribution, but for a factor that is the same for ink and ground.
fn bell(luma: u8, mean: f32, deviation: f32) -> f32 {
    let distance = (f32::from(luma) - mean) / deviation;
    (-0.5 * distance * distance).exp() / deviation
}

fn count_votes(symbol: char, places: &[Place], masks: &Masks, columns: std::ops::Range<usize>) -> Votes {
    let mut votes: Votes = [[0.0; MASK_WIDTH]; HEIGHT];
    for place in places {
        let Some(ink) = ink_of(symbol, place, masks) else { continue };
        for (column, row) in pixels_of(columns.clone()) {
            if let Some(luma) = place.own_luma(column, row, masks) {
                let as_ink = bell(luma, f32::from(ink), INK_DEVIATION) + FAINT;
                let as_ground = place.ground[usize::from(luma)] + FAINT;
                votes[row][column] += (as_ink / as_ground).ln().clamp(-LOUDEST_VOTE, LOUDEST_VOTE);
            }
        }
    }
    votes
}

/// The median luma over the mask; none when nothing of it can be seen.
fn ink_of(symbol: char, place: &Place, masks: &Masks) -> Option<u8> {
    let mask = masks.get(symbol)?;
    let mut lumas: Vec<u8> = pixels_of(0..MASK_WIDTH)
        .filter(|(column, row)| mask.has_ink(*column, *row))
        .filter_map(|(column, row)| place.own_luma(column, row, masks))
        .collect();
    lumas.sort_unstable();
    lumas.get(lumas.len() / 2).copied()
}

/// Ink where votes and surroundings together say so. A pixel alone is noise.
fn settle(votes: &Votes) -> Mask {
    let mut mask = Mask::from_pixels(pixels_of(0..MASK_WIDTH).filter(|(column, row)| votes[*row][*column] > 0.0));
    for _ in 0..TURNS {
        let next = Mask::from_pixels(pixels_of(0..MASK_WIDTH).filter(|(column, row)| {
            let neighbours = inked_neighbours(&mask, *column, *row);
            neighbours > 0.0 && votes[*row][*column] + NEIGHBOUR * (neighbours - NEIGHBOURS_OF_AN_EDGE) > 0.0
        }));
        if next == mask {
            break;
        }
        mask = next;
    }
    mask
}

/// How many of the eight pixels around have ink; diagonal ones count half.
fn inked_neighbours(mask: &Mask, column: usize, row: usize) -> f32 {
    let mut sum = 0.0;
    for right in [-1, 0, 1] {
        for down in [-1, 0, 1] {
            let place = column.checked_add_signed(right).zip(row.checked_add_signed(down));
            if (right, down) != (0, 0) && place.is_some_and(|(column, row)| mask.has_ink(column, row)) {
                sum += if right == 0 || down == 0 { 1.0 } else { 0.5 };
            }
        }
    }
    sum
}

/// Column and row of every pixel in these columns. One range, not one in another: the optimizer needs minutes for the
/// loops that a `flat_map` leaves inside the closures above.
fn pixels_of(columns: std::ops::Range<usize>) -> impl Iterator<Item = (usize, usize)> {
    let width = columns.len();
    (0..HEIGHT * width).map(move |index| (columns.start + index % width, index / width))
}

impl Learned {
    /// The symbols that occurred only once. Their masks deserve a look.
    pub fn seen_once(&self) -> impl Iterator<Item = char> {
        self.occurrences.iter().filter(|(_, occurrences)| **occurrences == 1).map(|(symbol, _)| *symbol)
    }

    /// The text of a mask file, with comments that explain it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "; Glyph masks, learned from {} labelled captchas by `urp-captcha learn`.\n\
             ;\n\
             ; Each glyph: a line `glyph X`, then {HEIGHT} rows of {MASK_WIDTH} columns, `#` ink, `.` none. Row r is the picture's y = r\n\
             ; (baseline y = 16: what stands on it ends in row 15). Column k in cell i (0 to 3) is x = {PEN_STEP} * i + {} + k; the pen\n\
             ; is at column {PEN_COLUMN}. What lies beyond x = 59 is not drawn; a later glyph covers an earlier one.\n\
             ; Lines with `;` are comments; those above the glyphs say how many samples there were.\n",
            self.captchas,
            column_x(0, 0),
        );
        for (symbol, mask) in self.masks.iter() {
            let samples = self.occurrences.get(&symbol).copied().unwrap_or_default();
            let plural = if samples == 1 { "" } else { "s" };
            // Writing to a string cannot fail.
            let _ = write!(text, "\n; {samples} sample{plural}\nglyph {symbol}\n{mask}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use urp_captcha::draw::{self, Numbers, captcha};
    use urp_captcha::{Picture, Solver};

    use super::*;

    fn drawn(text: &str, numbers: &mut Numbers) -> Sample {
        let jpeg = captcha(Solver::builtin().masks(), text, numbers);
        let text: Vec<char> = text.chars().collect();
        Sample { name: "drawn".into(), text: text.try_into().unwrap(), picture: Picture::from_jpeg(&jpeg).unwrap() }
    }

    /// As many samples as there are real ones, 208 glyphs, every symbol at least twice.
    fn samples(numbers: &mut Numbers) -> Vec<Sample> {
        let masks = Solver::builtin().masks();
        let symbols: Vec<char> = masks.iter().map(|(symbol, _)| symbol).collect();
        let texts = symbols.chunks(2).map(|two| two.iter().chain(two.iter().rev()).collect::<String>());
        let mut samples: Vec<Sample> = texts.map(|text| drawn(&text, numbers)).collect();
        while samples.len() < 52 {
            let text = draw::text(masks, numbers);
            samples.push(drawn(&text, numbers));
        }
        samples
    }

    #[test]
    fn masks_come_out_of_a_few_dozen_captchas_as_they_were_drawn() {
        let learned = learn(&samples(&mut Numbers::new(11)));
        let wrong: usize = Solver::builtin()
            .masks()
            .iter()
            .map(|(symbol, drawn)| {
                let learned = learned.masks.get(symbol).unwrap();
                pixels_of(0..MASK_WIDTH)
                    .filter(|(column, row)| learned.has_ink(*column, *row) != drawn.has_ink(*column, *row))
                    .count()
            })
            .sum();
        assert!(wrong <= 25, "{wrong} wrong pixels in 50 glyphs");
    }

    #[test]
    fn learned_masks_read_captchas_they_were_not_made_from() {
        let numbers = &mut Numbers::new(12);
        let solver = Solver::new(learn(&samples(numbers)).masks);
        let unseen = samples(numbers);
        let right = unseen
            .iter()
            .filter(|sample| solver.read_picture(&sample.picture).text == sample.text.iter().collect::<String>());
        assert!(right.count() >= unseen.len() - 1);
    }

    #[test]
    fn the_written_file_is_read_back_and_names_the_samples() {
        let numbers = &mut Numbers::new(13);
        let learned = learn(&[drawn("aaab", numbers), drawn("abad", numbers)]);
        let text = learned.to_text();
        assert_eq!(Masks::parse(&text).unwrap(), learned.masks);
        assert!(text.contains("learned from 2 labelled captchas"));
        assert!(text.contains("\n; 5 samples\nglyph a\n"));
        assert!(text.contains("\n; 1 sample\nglyph d\n"));
        assert_eq!(learned.seen_once().collect::<String>(), "d");
    }

    #[test]
    fn nothing_is_learned_from_nothing() {
        let learned = learn(&[]);
        assert!(learned.masks.is_empty());
    }
}
