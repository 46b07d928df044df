//! Labelled captchas on disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use urp_captcha::{CELLS, CaptchaError, Picture, read_bytes};

/// A captcha and what a person read in it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The file's name as the label file has it.
    pub name: String,
    /// The right answer.
    pub text: [char; CELLS],
    /// The picture.
    pub picture: Picture,
}

/// Labelled captchas that cannot be used. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    /// A file that cannot be read.
    #[error("{path}: {reason}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A line of the label file that is not `<file name>TAB<four characters>`.
    #[error("{path}, line {line}: {problem}")]
    Label {
        /// The label file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A labelled picture that cannot be decoded.
    #[error("{path}: {reason}")]
    Picture {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: CaptchaError,
    },
    /// A label file without a label.
    #[error("{path}: no labels")]
    Empty {
        /// The label file.
        path: PathBuf,
    },
}

/// Reads a label file (`<file name>TAB<text>` per line, empty lines ignored) and the pictures it names in `directory`.
pub fn load_samples(labels: &Path, directory: &Path) -> Result<Vec<Sample>, SamplesError> {
    let text = fs::read_to_string(labels).map_err(|reason| SamplesError::Io { path: labels.into(), reason })?;
    let mut samples = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let (name, text) = parse_label(line).map_err(|problem| SamplesError::Label {
            path: labels.into(),
            line: index + 1,
            problem,
        })?;
        let path = directory.join(name);
        let jpeg =
            File::open(&path).and_then(read_bytes).map_err(|reason| SamplesError::Io { path: path.clone(), reason })?;
        let picture = Picture::from_jpeg(&jpeg).map_err(|reason| SamplesError::Picture { path, reason })?;
        samples.push(Sample { name: name.into(), text, picture });
    }
    if samples.is_empty() { Err(SamplesError::Empty { path: labels.into() }) } else { Ok(samples) }
}

fn parse_label(line: &str) -> Result<(&str, [char; CELLS]), String> {
    let (name, text) = line.trim_end().split_once('\t').ok_or("no tab between file name and text")?;
    let symbols: Vec<char> = text.chars().collect();
    let text = <[char; CELLS]>::try_from(symbols)
        .map_err(|symbols| format!("a text of {} characters, expected {CELLS}", symbols.len()))?;
    if name.is_empty() {
        return Err("no file name".into());
    }
    if text.iter().any(|symbol| symbol.is_whitespace() || symbol.is_control()) {
        return Err("white space in the text".into());
    }
    Ok((name, text))
}

#[cfg(test)]
mod tests {
    use urp_captcha::Solver;
    use urp_captcha::draw::{Numbers, captcha};

    use super::*;

    /// A directory of its own, removed in the end.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("urp-captcha-samples-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn load(&self, labels: &str) -> Result<Vec<Sample>, SamplesError> {
            let path = self.0.join("labels.tsv");
            fs::write(&path, labels).unwrap();
            load_samples(&path, &self.0)
        }

        fn draw(&self, name: &str, text: &str) {
            let jpeg = captcha(Solver::builtin().masks(), text, &mut Numbers::new(31));
            fs::write(self.0.join(name), jpeg).unwrap();
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn labels_name_the_pictures_beside_them() {
        let directory = Directory::new("good");
        directory.draw("1.jpeg", "aB3d");
        let samples = directory.load("1.jpeg\taB3d\r\n\n").unwrap();
        assert_eq!(samples.len(), 1);
        assert_eq!(samples[0].name, "1.jpeg");
        assert_eq!(samples[0].text, ['a', 'B', '3', 'd']);
    }

    #[test]
    fn a_bad_label_is_told_with_its_line() {
        let directory = Directory::new("bad");
        directory.draw("1.jpeg", "aB3d");
        for (line, problem) in [
            ("2.jpeg aB3d", "no tab between file name and text"),
            ("2.jpeg\taB3", "a text of 3 characters, expected 4"),
            ("2.jpeg\taB3d5", "a text of 5 characters, expected 4"),
            ("\taB3d", "no file name"),
            ("2.jpeg\ta 3d", "white space in the text"),
        ] {
            let error = directory.load(&format!("1.jpeg\taB3d\n\n{line}\n")).unwrap_err().to_string();
            assert!(error.ends_with(&format!("labels.tsv, line 3: {problem}")), "{error}");
        }
    }

    #[test]
    fn a_missing_picture_is_told_by_name() {
        let error = Directory::new("missing").load("gone.jpeg\taB3d\n").unwrap_err();
        assert!(matches!(&error, SamplesError::Io { path, .. } if path.ends_with("gone.jpeg")), "{error}");
    }

    #[test]
    fn a_picture_that_is_none_is_told_by_name() {
        let directory = Directory::new("page");
        fs::write(directory.0.join("1.jpeg"), "<html>").unwrap();
        let error = directory.load("1.jpeg\taB3d\n").unwrap_err();
        assert!(
            matches!(&error, SamplesError::Picture { path, reason: CaptchaError::NotJpeg } if path.ends_with("1.jpeg")),
            "{error}"
        );
    }

    #[test]
    fn a_label_file_without_labels_is_an_error() {
        assert!(matches!(Directory::new("empty").load("\n\n"), Err(SamplesError::Empty { .. })));
    }
}
