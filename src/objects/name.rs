//! Names of files, and labels for where they came from. Neither is made of what a client sent.

use std::fmt;

use super::FileType;
use crate::crypto::random_hex;

/// Hexadecimal digits of a name: 128 random bits.
const DIGITS: usize = 32;

/// The name of a stored file: random, with the extension of its type. Never used twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// The random part: the file's id in the storage.
    pub id: String,
    /// Its type.
    pub kind: FileType,
}

impl FileName {
    /// A random id that nobody can guess.
    pub(super) fn fresh_id() -> String {
        random_hex() + &random_hex()
    }

    /// `text` as a name, if the service could have made it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, extension) = text.split_once('.')?;
        let valid = id.len() == DIGITS && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let kind = FileType::from_extension(extension)?;
        valid.then(|| Self { id: id.to_owned(), kind })
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.kind.extension())
    }
}

/// What an upload belongs to: a word of this list, whatever the client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::IntoStaticStr, strum::EnumString)]
#[expect(missing_docs, reason = "the names say it")]
#[strum(serialize_all = "kebab-case")]
pub enum Label {
    Feedback,
    Repair,
    LostCard,
    Avatar,
    Notice,
    Download,
    /// Anything else, or nothing.
    #[default]
    Misc,
}

impl Label {
    /// The label that `text` means. The old mini-program writes `prefix-feedback-`. An unknown word becomes
    /// [`Label::Misc`], because the old service accepted any.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        let word = text.strip_prefix("prefix-").unwrap_or(&text).trim_matches('-');
        word.parse().unwrap_or_default()
    }

    /// The label as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_the_service_makes_are_names() {
        let id = FileName::fresh_id();
        let name = FileName { id: id.clone(), kind: FileType::Png };
        assert_eq!(FileName::parse(&name.to_string()), Some(name));
        for text in [
            "",
            ".png",
            "../etc/passwd",
            "..%2f",
            "{id}",
            "{id}.",
            "{id}.php",
            "{id}.PNG",
            "{id}.png.exe",
            "x{id}.png",
            "{id}/.png",
        ] {
            let text = text.replace("{id}", &id);
            assert_eq!(FileName::parse(&text), None, "{text}");
        }
        assert_eq!(
            FileName::parse(&format!("{}.png", id.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"))),
            None
        );
        assert_ne!(FileName::fresh_id(), FileName::fresh_id());
    }

    #[test]
    fn labels_are_words_of_the_list_whatever_is_sent() {
        assert_eq!(Label::parse("feedback"), Label::Feedback);
        assert_eq!(Label::parse("prefix-feedback-"), Label::Feedback);
        assert_eq!(Label::parse(" Lost-Card "), Label::LostCard);
        for text in ["", "../../etc", "feedback/../..", "a\0b", "prefix-"] {
            assert_eq!(Label::parse(text), Label::Misc, "{text}");
        }
    }
}
