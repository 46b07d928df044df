//! `wehpu-engine captcha`: reads captchas. Learning another server's font is the program `urp-captcha`'s.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use urp_captcha::{CaptchaError, MasksError, Reading, Solver, read_bytes};

/// Read URP captchas
#[derive(Debug, Args)]
pub struct CaptchaArgs {
    #[command(subcommand)]
    command: CaptchaCommand,
}

/// What to do with captchas.
#[derive(Debug, Subcommand)]
pub enum CaptchaCommand {
    /// Print what captchas say: per line path, text and confidence, separated by tabs
    ///
    /// Confidence is the margin of the best symbol over the second best in the least sure of the four characters; below
    /// 0.03 the service would ask for another captcha. A file that is no captcha is named on standard error, the others
    /// are read all the same, and the exit code is 1.
    Read(ReadArgs),
}

/// Arguments of `captcha read`.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// JPEG files of 60x20 pixels; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Mask file to use in place of the built-in one
    #[arg(long, value_name = "FILE")]
    masks: Option<PathBuf>,
}

/// Why the command gave up.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{path}: {reason}")]
    File { path: PathBuf, reason: io::Error },
    #[error("{path}: {reason}")]
    Masks { path: PathBuf, reason: MasksError },
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Why a file could not be read as a captcha.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error(transparent)]
    Captcha(#[from] CaptchaError),
}

/// Runs the command. Results go to standard output, everything else to standard error.
///
/// Exit code 0 when all went well, 1 when something could not be read or written.
#[must_use]
pub fn run(args: &CaptchaArgs) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let CaptchaCommand::Read(args) = &args.command;
    let done = read(args, &mut out, &mut io::stderr()).and_then(|all_read| {
        out.flush()?;
        Ok(all_read)
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("wehpu-engine: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every file could be read.
fn read(args: &ReadArgs, out: &mut impl Write, notes: &mut impl Write) -> Result<bool, Failure> {
    let solver = solver(args.masks.as_deref())?;
    let mut all_read = true;
    for path in &args.files {
        match read_one(&solver, path) {
            Ok(Reading { text, confidence }) => writeln!(out, "{}\t{text}\t{confidence:.3}", path.display())?,
            Err(unread) => {
                all_read = false;
                writeln!(notes, "{}: {unread}", path.display())?;
            }
        }
    }
    Ok(all_read)
}

fn read_one(solver: &Solver, path: &Path) -> Result<Reading, Unread> {
    let bytes = if path.as_os_str() == "-" { read_bytes(io::stdin().lock())? } else { read_bytes(File::open(path)?)? };
    Ok(solver.read(&bytes)?)
}

fn solver(masks: Option<&Path>) -> Result<Solver, Failure> {
    let Some(path) = masks else { return Ok(Solver::builtin().clone()) };
    let text = fs::read_to_string(path).map_err(|reason| Failure::File { path: path.into(), reason })?;
    Solver::from_masks(&text).map_err(|reason| Failure::Masks { path: path.into(), reason })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use urp_captcha::{MIN_CONFIDENCE, draw::Folder};

    use super::*;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        args: CaptchaArgs,
    }

    /// Result, standard output and standard error of a command line.
    fn execute_line(line: &[&str]) -> (Result<bool, Failure>, String, String) {
        let args = CommandLine::try_parse_from([&["captcha"], line].concat()).unwrap().args;
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let CaptchaCommand::Read(args) = &args.command;
        let result = read(args, &mut out, &mut notes);
        (result, String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap())
    }

    #[test]
    fn the_help_is_consistent() {
        use clap::CommandFactory;
        CommandLine::command().debug_assert();
    }

    #[test]
    fn read_prints_path_text_and_confidence_and_goes_on_after_a_bad_file() {
        let directory = Folder::draw("engine-read", &["aB3d", "x9Wm"]).unwrap();
        fs::write(directory.path("page.html"), "<html>").unwrap();
        let (first, page, gone, last) =
            (directory.path("0.jpeg"), directory.path("page.html"), directory.path("gone"), directory.path("1.jpeg"));
        let (result, out, notes) = execute_line(&["read", &first, &page, &gone, &last]);
        assert!(!result.unwrap());
        let fields: Vec<Vec<&str>> = out.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(fields.len(), 2);
        assert_eq!(fields[0][..2], [first.as_str(), "aB3d"]);
        assert_eq!(fields[1][..2], [last.as_str(), "x9Wm"]);
        assert!(fields[0][2].parse::<f32>().unwrap() > MIN_CONFIDENCE);
        assert!(notes.starts_with(&format!("{page}: not a JPEG\n{gone}: ")), "{notes}");
    }

    #[test]
    fn masks_of_another_font_are_read_from_a_file_and_a_bad_one_is_named_with_its_line() {
        let directory = Folder::draw("masks", &["0110"]).unwrap();
        let (masks, first) = (directory.path("masks"), directory.path("0.jpeg"));
        let all = Solver::builtin().masks().to_string();
        fs::write(&masks, &all[..all.find("\nglyph 2").unwrap()]).unwrap();
        let (result, out, _) = execute_line(&["read", "--masks", &masks, &first]);
        assert!(result.unwrap());
        assert!(out.contains("\t0110\t"), "{out}");
        fs::write(&masks, "glyph a\n#\n").unwrap();
        let (result, ..) = execute_line(&["read", "--masks", &masks, &first]);
        assert!(result.unwrap_err().to_string().ends_with("masks: line 2: a row of 1 columns, expected 19"));
    }
}
