//! Learns the glyphs of another URP server from captchas whose text is known, and tells how well captchas are read.

mod learn;
mod samples;
mod score;

use std::fmt;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use urp_captcha::draw::{self, Numbers};
use urp_captcha::{MIN_CONFIDENCE, Masks, MasksError, Solver};

use learn::learn;
use samples::{SamplesError, load_samples};
use score::{Holdout, HoldoutReport, Report, Scored, cross_validate, score};

/// Learn the font of another server's URP captchas, and score how well they are read.
#[derive(Debug, Parser)]
#[command(name = "urp-captcha", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// What to do with captchas.
#[derive(Debug, Subcommand)]
enum Command {
    /// Make a mask file (the shapes of the glyphs) from captchas whose text you know
    ///
    /// About 50 captchas are enough for a font of 50 symbols if every symbol occurs. Look at the file afterwards: a
    /// symbol that occurred once, on a noisy ground, can have a wrong pixel or two, which you can correct by hand.
    Learn(LearnArgs),
    /// Tell how many captchas are read right, and which are not
    ///
    /// Scoring the captchas that the masks were made from proves little. With --holdout the masks are made from one
    /// part of the captchas and tried on the other, so that every captcha is scored by masks that never saw it.
    Score(ScoreArgs),
    /// Draw captchas with texts picked at random, and write a label file for them
    ///
    /// They look as those of the server do, on fresh noise: more to score than anybody labels by hand.
    Draw(DrawArgs),
}

/// Arguments of `learn`.
#[derive(Debug, Args)]
struct LearnArgs {
    #[command(flatten)]
    samples: SampleArgs,
    /// Mask file to write; an existing one is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `score`.
#[derive(Debug, Args)]
struct ScoreArgs {
    #[command(flatten)]
    samples: SampleArgs,
    /// Mask file to use in place of the built-in one
    #[arg(long, value_name = "FILE", conflicts_with = "holdout")]
    masks: Option<PathBuf>,
    /// Learn from one part of the captchas and score the other
    #[arg(long, value_name = "PART", require_equals = true, num_args = 0..=1, default_missing_value = "half")]
    holdout: Option<HeldOutPart>,
}

/// Arguments of `draw`.
#[derive(Debug, Args)]
struct DrawArgs {
    /// Directory for the captchas and their labels.tsv; made where it is missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50)]
    count: u32,
    /// The same number draws the same captchas
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Mask file to use in place of the built-in one
    #[arg(long, value_name = "FILE")]
    masks: Option<PathBuf>,
}

/// Captchas whose text is known.
#[derive(Debug, Args)]
struct SampleArgs {
    /// Text file with a line for each captcha: file name, tab, the four characters
    #[arg(value_name = "LABELS.tsv")]
    labels: PathBuf,
    /// Directory of the captchas named there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// What `--holdout` keeps from the learner.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum HeldOutPart {
    /// Each half by turns, divided at random 20 times
    Half,
    /// One captcha, each by turns
    One,
}

/// Why the command gave up.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Samples(#[from] SamplesError),
    #[error("{path}: {reason}")]
    File { path: PathBuf, reason: io::Error },
    #[error("{path}: {reason}")]
    Masks { path: PathBuf, reason: MasksError },
    #[error("the captchas do not give usable masks: {0}")]
    NothingLearned(MasksError),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Results go to standard output, everything else to standard error.
///
/// Exit code 0 when all went well, 1 when something could not be read or written.
fn main() -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let done = execute(&CommandLine::parse().command, &mut out, &mut io::stderr()).and_then(|()| Ok(out.flush()?));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("urp-captcha: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: &Command, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    match command {
        Command::Learn(args) => learn_masks(args, notes),
        Command::Score(args) => print_score(args, out),
        Command::Draw(args) => draw_captchas(args),
    }
}

fn learn_masks(args: &LearnArgs, notes: &mut impl Write) -> Result<(), Failure> {
    let samples = load_samples(&args.samples.labels, &args.samples.directory)?;
    let learned = learn(&samples);
    let text = learned.to_text();
    Masks::parse(&text).map_err(Failure::NothingLearned)?;
    fs::write(&args.out, text).map_err(|reason| Failure::File { path: args.out.clone(), reason })?;
    writeln!(
        notes,
        "{} glyphs from {} captchas written to {}",
        learned.masks.len(),
        samples.len(),
        args.out.display()
    )?;
    let once: Vec<String> = learned.seen_once().map(String::from).collect();
    if !once.is_empty() {
        writeln!(notes, "seen only once, look at these: {}", once.join(" "))?;
    }
    Ok(())
}

fn print_score(args: &ScoreArgs, out: &mut impl Write) -> Result<(), Failure> {
    let samples = load_samples(&args.samples.labels, &args.samples.directory)?;
    let holdout = match args.holdout {
        None => {
            let report = score(&samples, &solver(args.masks.as_deref())?);
            return Ok(print_report(&report, out)?);
        }
        Some(HeldOutPart::Half) => Holdout::Half { rounds: 20 },
        Some(HeldOutPart::One) => Holdout::One,
    };
    Ok(print_holdout(&cross_validate(&samples, holdout), out)?)
}

fn print_report(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let total = report.scored.len();
    writeln!(out, "captchas\t{total}")?;
    writeln!(out, "right, case-sensitive\t{}", Share(report.count(Scored::is_right), total))?;
    writeln!(out, "right, ignoring case\t{}", Share(report.count(Scored::is_right_ignoring_case), total))?;
    let unsure = report.count(Scored::is_unsure);
    let unsure_wrong = report.count(|scored| scored.is_unsure() && !scored.is_right());
    writeln!(out, "confidence below {MIN_CONFIDENCE}\t{} ({unsure_wrong} of them wrong)", Share(unsure, total))?;
    let least = report.scored.iter().filter(|scored| scored.is_right()).map(|scored| scored.reading.confidence);
    if let Some(least) = least.min_by(f32::total_cmp) {
        writeln!(out, "least confidence of a right one\t{least:.3}")?;
    }
    for Scored { name, expected, reading } in report.misses() {
        writeln!(out, "miss\t{name}\t{expected} read as {}\t{:.3}", reading.text, reading.confidence)?;
    }
    Ok(())
}

fn print_holdout(result: &HoldoutReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "times learned\t{}", result.folds)?;
    writeln!(out, "captchas with a symbol that was not there to learn (not counted below)\t{}", result.undecidable)?;
    print_report(&result.report, out)?;
    writeln!(out, "single symbols right, in all captchas\t{}", Share(result.symbols_right, result.symbols))
}

fn draw_captchas(args: &DrawArgs) -> Result<(), Failure> {
    let solver = solver(args.masks.as_deref())?;
    let mut numbers = Numbers::new(args.seed);
    let write =
        |path: PathBuf, content: &[u8]| fs::write(&path, content).map_err(|reason| Failure::File { path, reason });
    fs::create_dir_all(&args.directory).map_err(|reason| Failure::File { path: args.directory.clone(), reason })?;
    let mut labels = String::new();
    for number in 1..=args.count {
        let text = draw::text(solver.masks(), &mut numbers);
        let name = format!("{number}.jpeg");
        write(args.directory.join(&name), &draw::captcha(solver.masks(), &text, &mut numbers))?;
        labels.extend([name.as_str(), "\t", &text, "\n"]);
    }
    write(args.directory.join("labels.tsv"), labels.as_bytes())
}

fn solver(masks: Option<&Path>) -> Result<Solver, Failure> {
    let Some(path) = masks else { return Ok(Solver::builtin().clone()) };
    let text = fs::read_to_string(path).map_err(|reason| Failure::File { path: path.into(), reason })?;
    Solver::from_masks(&text).map_err(|reason| Failure::Masks { path: path.into(), reason })
}

/// A count and what part of the whole it is.
struct Share(usize, usize);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(part, whole) = *self;
        // In hundredths of a percent, rounded down: 100.00 % means all.
        let share = (part * 10_000).checked_div(whole).unwrap_or(0);
        write!(f, "{part} of {whole} ({}.{:02} %)", share / 100, share % 100)
    }
}

#[cfg(test)]
mod tests {
    use urp_captcha::draw::Folder;

    use super::*;

    /// Result, standard output and standard error of a command line.
    fn execute_line(line: &[&str]) -> (Result<(), Failure>, String, String) {
        let line = CommandLine::try_parse_from([&["urp-captcha"], line].concat()).unwrap();
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let result = execute(&line.command, &mut out, &mut notes);
        (result, String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap())
    }

    #[test]
    fn the_help_is_consistent() {
        use clap::CommandFactory;
        CommandLine::command().debug_assert();
    }

    #[test]
    fn learned_masks_can_be_scored_and_read_with() {
        let directory = Folder::draw("learn", &["aB3d", "d3Ba", "Bad3", "3daB"]).unwrap();
        let (labels, dir, masks) = (directory.path("labels.tsv"), directory.path(""), directory.path("masks"));
        let (result, out, notes) = execute_line(&["learn", &labels, &dir, "--out", &masks]);
        result.unwrap();
        assert_eq!(out, "");
        assert!(notes.starts_with("4 glyphs from 4 captchas written to "), "{notes}");
        let (result, out, _) = execute_line(&["score", &labels, &dir, "--masks", &masks]);
        result.unwrap();
        assert!(out.starts_with("captchas\t4\nright, case-sensitive\t4 of 4 (100.00 %)\n"), "{out}");
        let solver = Solver::from_masks(&fs::read_to_string(&masks).unwrap()).unwrap();
        assert_eq!(solver.read(&fs::read(directory.path("2.jpeg")).unwrap()).unwrap().text, "Bad3");
    }

    #[test]
    fn score_lists_misses_with_their_confidence() {
        let directory = Folder::draw("score", &["aB3d", "x9Wm"]).unwrap();
        fs::write(directory.path("labels.tsv"), "0.jpeg\tab3d\n1.jpeg\tx9WM\n").unwrap();
        let (result, out, _) = execute_line(&["score", &directory.path("labels.tsv"), &directory.path("")]);
        result.unwrap();
        assert!(
            out.contains("right, case-sensitive\t0 of 2 (0.00 %)\nright, ignoring case\t2 of 2 (100.00 %)\n"),
            "{out}"
        );
        assert!(out.contains("miss\t0.jpeg\tab3d read as aB3d\t0."), "{out}");
    }

    #[test]
    fn a_held_out_captcha_is_scored_by_masks_that_never_saw_it() {
        let directory = Folder::draw("holdout", &["aB3d", "d3Ba", "Bad3", "3daW"]).unwrap();
        let (labels, dir) = (directory.path("labels.tsv"), directory.path(""));
        let (result, out, _) = execute_line(&["score", &labels, &dir, "--holdout=one"]);
        result.unwrap();
        assert!(out.starts_with("times learned\t4\n"), "{out}");
        assert!(out.contains("(not counted below)\t1\ncaptchas\t3\n"), "{out}");
        assert!(out.contains("single symbols right, in all captchas\t15 of 15"), "{out}");
        let (result, out, _) = execute_line(&["score", &labels, &dir, "--holdout"]);
        result.unwrap();
        assert!(out.starts_with("times learned\t40\n"), "{out}");
    }

    #[test]
    fn drawn_captchas_come_with_their_labels_and_are_read() {
        let directory = Folder::draw("draw", &[]).unwrap();
        let drawn = directory.path("drawn");
        execute_line(&["draw", &drawn, "--count", "20"]).0.unwrap();
        let labels = directory.path("drawn/labels.tsv");
        let (result, out, _) = execute_line(&["score", &labels, &drawn]);
        result.unwrap();
        assert!(out.starts_with("captchas\t20\nright, case-sensitive\t20 of 20 (100.00 %)\n"), "{out}");
        let first = fs::read_to_string(&labels).unwrap();
        execute_line(&["draw", &drawn, "--count", "20", "--seed", "2"]).0.unwrap();
        assert_ne!(fs::read_to_string(&labels).unwrap(), first);
    }

    #[test]
    fn a_bad_label_or_mask_file_is_named_with_its_line() {
        let directory = Folder::draw("bad", &["aB3d"]).unwrap();
        let (labels, dir, masks) = (directory.path("bad.tsv"), directory.path(""), directory.path("masks"));
        fs::write(&labels, "0.jpeg\taB3d\n0.jpeg aB3d\n").unwrap();
        let (result, ..) = execute_line(&["score", &labels, &dir]);
        assert!(result.unwrap_err().to_string().ends_with("bad.tsv, line 2: no tab between file name and text"));
        fs::write(&masks, "glyph a\n#\n").unwrap();
        let (result, ..) = execute_line(&["score", &directory.path("labels.tsv"), &dir, "--masks", &masks]);
        assert!(result.unwrap_err().to_string().ends_with("masks: line 2: a row of 1 columns, expected 19"));
    }

    #[test]
    fn one_symbol_is_too_little_to_learn_and_nothing_is_written() {
        let directory = Folder::draw("one", &["8888"]).unwrap();
        let (labels, masks) = (directory.path("labels.tsv"), directory.path("masks"));
        let (result, ..) = execute_line(&["learn", &labels, &directory.path(""), "--out", &masks]);
        let message = result.unwrap_err().to_string();
        assert_eq!(message, "the captchas do not give usable masks: at least two glyphs are needed, found 1");
        assert!(!Path::new(&masks).exists());
    }

    #[test]
    fn a_hundred_percent_means_all() {
        assert_eq!(Share(2999, 3000).to_string(), "2999 of 3000 (99.96 %)");
        assert_eq!(Share(0, 0).to_string(), "0 of 0 (0.00 %)");
    }
}
