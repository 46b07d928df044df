//! Reads variables from the environment and from `<NAME>_FILE` files, else from the profile of the school, else from
//! defaults, and collects all problems.

use std::{collections::BTreeMap, sync::Arc};

use super::variables::{ELSEWHERE, VARIABLES, Variable, variable};
use crate::school::{self, School, Settings};

/// All problems of the configuration, one line each, never with the value of a secret.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// The variables of one start, with the problems found so far.
#[derive(Default)]
pub struct Reader {
    values: BTreeMap<String, String>,
    problems: Vec<String>,
    warnings: Vec<String>,
    school: Asked,
    /// What its profile says in the place of variables.
    profile: Settings,
}

/// The school, if it was asked for.
#[derive(Default)]
enum Asked {
    #[default]
    Not,
    /// Its profile cannot be used.
    InVain,
    For(Arc<School>),
}

impl Reader {
    /// Takes the variables as name and value. Ignores names without the prefix `WEHPU_` and those that only compose and
    /// the scripts read; any other unknown name is a problem. Reads the file named in `<NAME>_FILE` of a secret without
    /// its last line break. An empty file or variable counts as unset.
    pub fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut reader = Self::default();
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

    /// The value of `name`, or else that of the profile, or else its default.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let profile = || self.profile.get(name).and_then(Option::as_deref);
        self.values.get(name).map(String::as_str).or_else(profile).or_else(|| variable(name).and_then(|v| v.default))
    }

    /// Whether the environment has a value of `name`.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The school of `WEHPU_SCHOOL`; `None`, with its problems recorded, if the profile cannot be used. Its values stand
    /// before the defaults from the first call on. A variable that it has no use for counts as unset.
    pub fn school(&mut self) -> Option<Arc<School>> {
        if matches!(self.school, Asked::Not) {
            let source = self.get("WEHPU_SCHOOL").unwrap_or_default().to_owned();
            let dev = self.get("WEHPU_PROFILE") == Some("dev");
            self.school = match school::read(&source, dev).school {
                Ok(school) => Asked::For(self.adopt(school)),
                Err(problems) => {
                    self.problems.extend(problems.0.iter().map(|problem| format!("WEHPU_SCHOOL: {problem}")));
                    Asked::InVain
                }
            };
        }
        match &self.school {
            Asked::For(school) => Some(Arc::clone(school)),
            Asked::Not | Asked::InVain => None,
        }
    }

    fn adopt(&mut self, school: School) -> Arc<School> {
        self.profile = school::settings(&school);
        for (name, _) in self.profile.iter().filter(|(_, value)| value.is_none()) {
            if self.values.remove(*name).is_some() {
                self.warnings.push(format!("{name}: is ignored, the profile {} has no use for it", school.id));
            }
        }
        Arc::new(school)
    }

    /// Records what is odd, but no reason not to start.
    pub fn warn(&mut self, name: &str, what: &str) {
        self.warnings.push(format!("{name}: {what}"));
    }

    /// What was recorded by [`Reader::warn`] and by [`Reader::school`].
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
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

    /// The settings in force, secrets masked, one `NAME=value` line each, with a comment that tells where the value comes
    /// from.
    #[must_use]
    pub fn effective(&mut self) -> String {
        let school = self.school().map_or_else(String::new, |school| school.id.clone());
        let line = |v: &Variable| {
            let (set, profile) = (self.is_set(v.name), self.profile.get(v.name));
            let source = match profile {
                _ if set => "environment".to_owned(),
                Some(None) => return format!("# {} has no use with the profile {school}", v.name),
                Some(Some(_)) => format!("profile {school}"),
                None => "default".to_owned(),
            };
            match self.get(v.name) {
                None => format!("# {} is not set", v.name),
                Some(_) if v.secret => format!("{}=********  # {source}", v.name),
                Some(value) => format!("{}={value}  # {source}", v.name),
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// What every deployment sets, but for the term.
    const BASE: [(&str, &str); 6] = [
        ("WEHPU_PROFILE", "dev"),
        ("WEHPU_MONGODB_URI", "mongodb://localhost/wehpu?replicaSet=wehpu"),
        ("WEHPU_JWT_SECRET", "secret"),
        ("WEHPU_CREDENTIAL_KEYS", "k1:dGhlLWZpcnN0LWtleS1vZi10aGUtdGVzdHMtMDEyMzQ="),
        ("WEHPU_WECHAT_APP_ID", "wx"),
        ("WEHPU_WECHAT_APP_SECRET", "secret"),
    ];

    const TERM: [(&str, &str); 3] =
        [("WEHPU_TERM", "2026-2027-1-1"), ("WEHPU_TERM_START", "2026-09-07"), ("WEHPU_TERM_WEEKS", "20")];

    fn reader(settings: &[(&str, &str)]) -> Reader {
        let all = BASE.iter().chain(settings);
        Reader::new(all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn read(settings: &[(&str, &str)]) -> Config {
        Config::read(reader(settings)).unwrap()
    }

    fn problems(settings: &[(&str, &str)]) -> String {
        Config::read(reader(settings)).unwrap_err().to_string()
    }

    /// Number of lessons of a day in each season.
    fn sections(config: &Config) -> Vec<usize> {
        config.school.times.iter().map(|times| times.sections.len()).collect()
    }

    #[test]
    fn without_a_school_nothing_changes() {
        let config = read(&TERM);
        assert_eq!(config.school.id, "hpu-urp");
        assert_eq!(config.campus.vpn_url.as_str(), "https://vpn.hpu.edu.cn/");
        assert_eq!(sections(&config), [13, 13]);
        assert!(config.warnings.is_empty());
        assert!(problems(&[]).contains("WEHPU_TERM: is required and not set"));
    }

    #[test]
    fn a_variable_overrides_the_profile_and_the_profile_the_default() {
        let school = ("WEHPU_SCHOOL", "hpu");
        assert_eq!(sections(&read(&[school])), [11]);
        let set = [school, ("WEHPU_NEWS_URL", "http://localhost"), ("WEHPU_SECTION_TIMES", "08:00-08:45")];
        let config = read(&set);
        assert_eq!(config.campus.news_url.as_str(), "http://localhost/");
        assert_eq!(sections(&config), [1]);
        let effective = reader(&set).effective();
        for line in [
            "WEHPU_SCHOOL=hpu  # environment",
            "WEHPU_NEWS_URL=http://localhost  # environment",
            "WEHPU_SUMMER=off  # profile hpu",
            "WEHPU_LOG=info  # default",
            "WEHPU_JWT_SECRET=********  # environment",
            "# WEHPU_TERM is not set",
            "# WEHPU_URP_HOST has no use with the profile hpu",
        ] {
            assert!(effective.lines().any(|known| known == line), "{line}\n{effective}");
        }
    }

    #[test]
    fn a_variable_without_use_is_ignored_with_a_warning() {
        let config = read(&[("WEHPU_SCHOOL", "hpu"), ("WEHPU_URP_HOST", "no host!"), ("WEHPU_VPN_URL", "http://x")]);
        assert_eq!(config.campus.urp_host, "218.196.240.97");
        let names: Vec<_> = config.warnings.iter().filter_map(|warning| warning.split(':').next()).collect();
        assert_eq!(names, ["WEHPU_URP_HOST", "WEHPU_VPN_URL"]);
        let secret = ("WEHPU_BULLETIN_VPN_PASSWORD", "hunter2");
        let config = read(&[("WEHPU_SCHOOL", "hpu"), secret]);
        assert!(config.campus.bulletin_account.is_none());
        assert!(config.warnings[0].starts_with(secret.0) && !config.warnings[0].contains(secret.1));
    }

    #[test]
    fn a_clock_is_wrong_on_purpose_only_in_development_and_with_a_warning() {
        let with = |offset| [TERM.as_slice(), &[("WEHPU_CLOCK_OFFSET", offset)]].concat();
        assert_eq!(read(&TERM).clock_offset, chrono::TimeDelta::zero());
        for (offset, minutes) in [("10m", 10), ("-10m", -10), ("1h 30m", 90)] {
            let config = read(&with(offset));
            assert_eq!(config.clock_offset, chrono::TimeDelta::minutes(minutes));
            assert!(config.warnings[0].starts_with("WEHPU_CLOCK_OFFSET: the clock"), "{:?}", config.warnings);
        }
        for offset in ["soon", "--10m", "-", "25h"] {
            assert!(problems(&with(offset)).contains("WEHPU_CLOCK_OFFSET: must be a duration"), "{offset}");
        }
        let prod = [with("10m"), vec![("WEHPU_PROFILE", "prod")]].concat();
        assert!(problems(&prod).contains("WEHPU_CLOCK_OFFSET: is only for the dev profile"));
    }

    #[test]
    fn a_term_of_the_system_may_be_set_and_is_then_complete() {
        let school = ("WEHPU_SCHOOL", "hpu");
        read(&[school]);
        let [_, start, weeks] = TERM;
        let config = read(&[school, ("WEHPU_TERM", "2026-2027-1"), start, weeks]);
        assert_eq!(config.term.unwrap().name, "2026-2027-1");
        assert!(problems(&[school, start]).contains("WEHPU_TERM_WEEKS: is required"));
        assert!(problems(&[school, TERM[0], start, weeks]).contains("WEHPU_TERM: must be"), "four numbers");
        assert!(problems(&[("WEHPU_TERM", "2026-2027-1"), start, weeks]).contains("WEHPU_TERM: must be"), "three");
    }

    #[test]
    fn swaps_of_a_former_term_are_a_warning() {
        let school = ("WEHPU_SCHOOL", "demo-zf");
        let term = |start| read(&[school, ("WEHPU_TERM", "2026-2027-1"), ("WEHPU_TERM_START", start), TERM[2]]);
        assert!(term("2026-09-07").warnings.is_empty());
        assert_eq!(term("2027-03-01").warnings.len(), 2);
    }

    #[test]
    fn a_profile_that_cannot_be_used_is_the_problem_and_the_term_is_none() {
        let said = problems(&[("WEHPU_SCHOOL", "hpu2"), ("WEHPU_JWT_TTL", "soon")]);
        let names: Vec<_> = said.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ["WEHPU_SCHOOL", "WEHPU_JWT_TTL"], "{said}");
    }
}
