//! The profile of a school: which systems it has, where they are, what their quirks are. A system is code, a school is
//! data: one file in TOML, built in or beside the program, read and checked as a whole at the start.

mod academic;
pub mod builtin;
mod check;
mod fields;
mod file;
pub mod fingerprint;
mod gates;
mod merge;
mod options;
mod places;
mod problem;
mod services;
mod settings;
mod term;
mod times;
mod values;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use chrono::NaiveDate;
use url::Url;

pub use academic::{Abilities, Ability, Academic, Login, NumberPattern, Road, System};
pub use fields::Key;
pub use gates::{Cas, CasCaptcha, Vpn};
pub use options::{EamsOptions, JwglxtCaptcha, JwglxtOptions, ScoreColumn};
pub use places::{Building, Campus};
pub use problem::{Place, Problem, Problems};
pub use services::{Bulletin, News, Services};
pub use settings::{Settings, settings};
pub(crate) use term::lies_within;
pub use term::{Swap, TermRule, TermSource};
pub use times::{Times, TimesSource, times_of};

use fields::Report;
use file::{Node, Value};

/// How many days after `checked` a profile is old: a term and its holidays.
const OLD_AFTER_DAYS: i64 = 180;

/// A school, as its profile describes it. Addresses are those of the profile; a variable that is set overrides what
/// the settings have, not what is here.
#[derive(Debug, Clone)]
pub struct School {
    /// Short name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Time zone, always `Asia/Shanghai`.
    pub timezone: String,
    /// Who answers for the profile.
    pub maintainer: String,
    /// When somebody last saw it work; `None`: nobody did.
    pub checked: Option<NaiveDate>,
    /// What a bind asks for.
    pub bind: Bind,
    /// The academic systems; the first whose pattern fits a number serves it.
    pub academics: Vec<Academic>,
    /// The central login.
    pub cas: Option<Cas>,
    /// The SSL VPN.
    pub vpn: Option<Vpn>,
    /// File with the masks that read the URP's captcha; `None`: the built-in ones. All other captchas are read by students.
    pub captcha_masks: Option<PathBuf>,
    /// Its campuses.
    pub campuses: Vec<Campus>,
    /// Its buildings.
    pub buildings: Vec<Building>,
    /// When lessons begin and end; see [`School::times_on`].
    pub times: Vec<Times>,
    /// Where the dates of terms come from.
    pub term: TermRule,
    /// Days whose classes are held on other days.
    pub swaps: Vec<Swap>,
    /// The other systems.
    pub services: Services,
}

/// What a bind asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Which passwords.
    pub passwords: Passwords,
    /// What people call the account.
    pub account_name: String,
    /// Where a person can try the password.
    pub check_at: Url,
    /// Whether the password is kept, sealed, for later logins.
    pub keep_password: bool,
}

/// Which passwords a bind asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Passwords {
    /// One for everything.
    One,
    /// One of the VPN and one of the academic system.
    VpnAndJwc,
}

impl School {
    /// The academic system that serves a student number: the first whose pattern fits.
    #[must_use]
    pub fn academic_of(&self, number: &str) -> Option<&Academic> {
        self.academics.iter().find(|academic| academic.pattern.fits(number))
    }

    /// The building with a number of the mini-program, 1 to 18.
    #[must_use]
    pub fn building_by_number(&self, number: u8) -> Option<&Building> {
        self.buildings.iter().find(|building| building.number == Some(number))
    }

    /// The building that the academic system calls so.
    #[must_use]
    pub fn building_by_title(&self, title: &str) -> Option<&Building> {
        self.buildings.iter().find(|building| building.title == title)
    }

    /// The times that hold on `day` on the campus of this name: those of the campus, else those of all, else those of the
    /// only campus. `None` where the campus is not known and each has its own times. The day itself decides, not the day
    /// whose classes are held on it.
    #[must_use]
    pub fn times_on(&self, campus: &str, day: NaiveDate) -> Option<&Times> {
        let of =
            |wanted: Option<&String>| self.times.iter().find(|times| times.campus.as_ref() == wanted && times.has(day));
        let known = self.campuses.iter().find(|known| known.name == campus);
        let only = || match &self.campuses[..] {
            [only] => of(Some(&only.id)),
            _ => None,
        };
        known.and_then(|known| of(Some(&known.id))).or_else(|| of(None)).or_else(only)
    }

    /// Where a class takes place, as short as the mini-program has room for: the short name of the building, else its
    /// title without the name of the campus and filler words; then the room. `3103` in `南校区3号教学楼` of `南校区` is
    /// `3教3103`.
    #[must_use]
    pub fn place(&self, campus: &str, building: &str, room: &str) -> String {
        places::place(&self.campuses, &self.buildings, campus, building, room)
    }

    /// A warning if nobody has looked at the profile for long.
    #[must_use]
    pub fn outdated(&self, today: NaiveDate) -> Option<String> {
        let checked = self.checked.filter(|checked| (today - *checked).num_days() > OLD_AFTER_DAYS)?;
        let (id, maintainer) = (&self.id, &self.maintainer);
        Some(format!(
            "profile {id}: last checked on {checked}, more than {OLD_AFTER_DAYS} days ago; maintainer: {maintainer}"
        ))
    }
}

/// What reading a profile came to.
#[derive(Debug)]
pub struct Outcome {
    /// Each key that was understood, with its source.
    pub keys: Vec<Key>,
    /// The school, or everything that is wrong.
    pub school: Result<School, Problems>,
}

/// Reads the profile `source`: a built-in one by its name, or a file, whose name contains `/` or ends in `.toml`. With
/// `plain_http` it is accepted everywhere, as in development.
#[must_use]
pub fn read(source: &str, plain_http: bool) -> Outcome {
    let failed = |what: String, example: &str| {
        let at = Place { file: source.into(), line: None };
        let problem = Problem { at, key: String::new(), what, example: example.to_owned() };
        Outcome { keys: Vec::new(), school: Err(Problems(vec![problem])) }
    };
    if source.contains('/') || std::path::Path::new(source).extension().is_some_and(|end| end == "toml") {
        return match std::fs::read_to_string(source) {
            Ok(text) => read_text(source, &text, plain_http),
            Err(error) => failed(format!("cannot be read: {error}"), "WEHPU_SCHOOL=/etc/wehpu/school.toml"),
        };
    }
    match builtin::text(source) {
        Some(text) => read_text(&format!("{source} (built in)"), text, plain_http),
        None => failed(
            "is no built-in profile; the name of a file contains / or ends in .toml".to_owned(),
            &builtin::NAMES.join(", "),
        ),
    }
}

/// Reads a profile from its text; `name` is what problems call it.
#[must_use]
pub fn read_text(name: &str, text: &str, plain_http: bool) -> Outcome {
    let report = Report::default();
    let school = tree(name, text, &report).and_then(|root| check::school(root, plain_http, &report));
    let (keys, problems) = report.into_parts();
    let school = match school {
        Some(school) if problems.is_empty() => Ok(school),
        _ => Err(Problems(problems)),
    };
    Outcome { keys, school }
}

/// The tree of a profile, laid over the one that it extends.
fn tree(name: &str, text: &str, report: &Report) -> Option<Node> {
    let mut root = parsed(name, text, report)?;
    let Value::Table(table) = &mut root.value else { return Some(root) };
    let Some(at) = table.iter().position(|(key, _)| key == "extends") else { return Some(root) };
    let (key, extended) = table.remove(at);
    let base = match &extended.value {
        Value::Text(name) => builtin::text(name).map(|text| (name, text)),
        _ => None,
    };
    let Some((base, text)) = base else {
        let what = "must be the name of a built-in profile".to_owned();
        let example = format!("extends = {:?}", builtin::NAMES[1]);
        report.add(Problem { at: extended.at, key, what, example });
        return None;
    };
    report.understood(key, &extended);
    let base = parsed(&format!("{base} (built in)"), text, report)?;
    let mut problems = Vec::new();
    let merged = merge::lay_over(base, root, &mut problems);
    report.add_all(problems);
    Some(merged)
}

/// The tree of one file, without what could be a secret.
fn parsed(name: &str, text: &str, report: &Report) -> Option<Node> {
    match file::parse(name, text) {
        Ok(mut root) => {
            check::refuse_secrets(&mut root, "", report);
            report.add_all(merge::duplicates(&root));
            Some(root)
        }
        Err(problems) => {
            report.add_all(problems);
            None
        }
    }
}
