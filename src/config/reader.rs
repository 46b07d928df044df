//! Reads variables from the environment, from `<NAME>_FILE` files and from defaults, and collects what is wrong.

use std::collections::BTreeMap;

use super::variables::{ELSEWHERE, VARIABLES, Variable, variable};

/// What is wrong with the configuration: one line per problem, never with the value of a secret.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// The variables of one start, with the problems found so far.
pub struct Reader {
    values: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Reader {
    /// Takes the variables as name and value; names not starting with `WEHPU_` are ignored, as are those that
    /// only compose and the scripts read; unknown ones are a problem.
    /// `<NAME>_FILE` of a secret variable is read here; a trailing line break of such a file is dropped, and an empty file
    /// counts as unset, as an empty variable does.
    pub fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut reader = Self { values: BTreeMap::new(), problems: Vec::new() };
        let mut files = Vec::new();
        for (name, value) in vars {
            if !name.starts_with("WEHPU_") {
                continue;
            }
            if variable(&name).is_some() {
                // An empty variable counts as unset, as compose files write `NAME=${NAME:-}`.
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

    /// The value of `name`, its default, or `None`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).or_else(|| variable(name).and_then(|v| v.default))
    }

    /// Records a problem with `name` and shows an example; the value itself is not repeated.
    pub fn problem(&mut self, name: &str, what: &str) {
        let example = variable(name).map_or("", |v| v.example);
        self.problems.push(format!("{name}: {what}; example: {name}={example}"));
    }

    /// Reads and converts an optional variable; a malformed value is recorded and gives `None`.
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

    /// Like [`Reader::optional`], and a missing value is recorded too.
    pub fn required<T>(&mut self, name: &str, convert: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if self.get(name).is_none() {
            self.problem(name, "is required and not set");
            return None;
        }
        self.optional(name, convert)
    }

    /// `Ok` with the built value when nothing was wrong, else everything that was.
    pub fn finish<T>(self, built: Option<T>) -> Result<T, ConfigError> {
        match built {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(ConfigError(self.problems)),
        }
    }

    /// The settings as they are in force, secrets masked, one `NAME=value` line each.
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

/// The known name that is most alike, as a hint for a typing error.
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
