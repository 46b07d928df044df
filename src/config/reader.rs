//! Reads variables from the environment, from `<NAME>_FILE` files and from defaults, and collects all problems.

use std::collections::BTreeMap;

use super::variables::{ELSEWHERE, VARIABLES, Variable, variable};

/// All problems of the configuration, one line each, never with the value of a secret.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// The variables of one start, with the problems found so far.
pub struct Reader {
    values: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Reader {
    /// Takes the variables as name and value. Ignores names without the prefix `WEHPU_` and those that only compose and
    /// the scripts read; any other unknown name is a problem. Reads the file named in `<NAME>_FILE` of a secret without
    /// its last line break. An empty file or variable counts as unset.
    pub fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut reader = Self { values: BTreeMap::new(), problems: Vec::new() };
        let mut files = Vec::new();
        for (name, value) in vars {
            if !name.starts_with("WEHPU_") {
                continue;
            }
            if variable(&name).is_some() {
                // Compose files write `NAME=${NAME:-}`, so an empty variable counts as unset.
                if !value.is_empty() {
                    reader.values.insert(name, value);
                }
            } else if let Some(known) = name.strip_suffix("_FILE").and_then(variable).filter(|v| v.secret) {
                if !value.is_empty() {
                    files.push((known.name, value));
                }
            } else if !ELSEWHERE.iter().any(|(known, ..)| *known == name) {
                reader.problems.push(format!("{name}: no such setting{}", nearest(&name)));
            }
        }
        for (name, path) in files {
            if reader.values.contains_key(name) {
                reader.problems.push(format!("{name}: set twice, also through {name}_FILE; keep one of the two"));
                continue;
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    let text = text.trim_end_matches(['\r', '\n']);
                    if !text.is_empty() {
                        reader.values.insert(name.to_owned(), text.to_owned());
                    }
                }
                Err(e) => reader.problems.push(format!("{name}_FILE: cannot read {path}: {e}")),
            }
        }
        reader
    }

    /// The value of `name`, or else its default.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).or_else(|| variable(name).and_then(|v| v.default))
    }

    /// Records a problem with `name` and shows an example, but not the value.
    pub fn problem(&mut self, name: &str, what: &str) {
        let example = variable(name).map_or("", |v| v.example);
        self.problems.push(format!("{name}: {what}; example: {name}={example}"));
    }

    /// Reads and converts an optional variable. A malformed value is recorded and returns `None`.
    pub fn optional<T>(&mut self, name: &str, convert: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let converted = convert(self.get(name)?);
        match converted {
            Ok(value) => Some(value),
            Err(what) => {
                self.problem(name, &what);
                None
            }
        }
    }

    /// Like [`Reader::optional`]; a missing value is recorded too.
    pub fn required<T>(&mut self, name: &str, convert: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if self.get(name).is_none() {
            self.problem(name, "is required and not set");
            return None;
        }
        self.optional(name, convert)
    }

    /// The built value if there was no problem, else all problems.
    pub fn finish<T>(self, built: Option<T>) -> Result<T, ConfigError> {
        match built {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(ConfigError(self.problems)),
        }
    }

    /// The settings in force, secrets masked, one `NAME=value` line each.
    #[must_use]
    pub fn effective(&self) -> String {
        let line = |v: &Variable| match (self.get(v.name), v.secret) {
            (None, _) => format!("# {} is not set", v.name),
            (Some(_), true) => format!("{}=********", v.name),
            (Some(value), false) => format!("{}={value}", v.name),
        };
        VARIABLES.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// The most similar known name, as a hint for a typing error.
fn nearest(name: &str) -> String {
    let alike = |known: &str| {
        let words: Vec<&str> = known.split('_').collect();
        name.split('_').filter(|w| words.contains(w)).count()
    };
    VARIABLES
        .iter()
        .map(|v| (alike(v.name), v.name))
        .max_by_key(|(score, known)| (*score, std::cmp::Reverse(known.len().abs_diff(name.len()))))
        .filter(|(score, _)| *score > 1)
        .map_or_else(
            || "; `wehpu-engine config --example` lists them all".to_owned(),
            |(_, known)| format!("; did you mean {known}?"),
        )
}
