//! The academic systems of a school, and which students each one serves.

use std::fmt;

use regex_lite::{Regex, RegexBuilder};
use strum::VariantArray as _;
use url::Url;

use super::{
    fields::Fields,
    file::Value,
    options::{self, EamsOptions, JwglxtOptions},
    values::{choice, id, list, secure_url, text},
};

/// Longest pattern of student numbers, in characters.
const MAX_PATTERN: usize = 100;

/// Most memory of a compiled pattern, in bytes; patterns of numbers take some hundreds.
const MAX_COMPILED: usize = 64 * 1024;

/// One academic system.
#[derive(Debug, Clone, PartialEq)]
pub struct Academic {
    /// Short name in database keys and metrics.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Which student numbers are its.
    pub pattern: NumberPattern,
    /// What kind of system it is, with its options.
    pub system: System,
    /// Base address, to which the paths of the system are appended.
    pub base: Url,
    /// The ways to it.
    pub roads: Vec<Road>,
    /// Where its students log in.
    pub login: Login,
    /// What it can be asked for.
    pub abilities: Abilities,
}

/// A kind of academic system.
#[derive(Debug, Clone, PartialEq)]
pub enum System {
    /// The classic URP. It has no options: its variables are those of the service.
    UrpClassic,
    /// 树维 EAMS.
    Eams(EamsOptions),
    /// 正方 jwglxt.
    Jwglxt(JwglxtOptions),
}

impl System {
    /// The name that a profile calls it by.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::UrpClassic => SystemName::UrpClassic,
            Self::Eams(_) => SystemName::Eams,
            Self::Jwglxt(_) => SystemName::Jwglxt,
        }
        .into()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
enum SystemName {
    UrpClassic,
    Eams,
    Jwglxt,
}

/// How requests reach a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Road {
    /// Straight to its host.
    Direct,
    /// Through the SSL VPN of `[vpn]`.
    Vpn,
}

/// Where the students of a system log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Login {
    /// At the system itself.
    Own,
    /// At the central login of `[cas]`.
    Cas,
}

/// What a system can be asked for. A profile may name abilities that no endpoint of this version serves (`exams`, `plan`):
/// it then stays right when a later version does. Clients are not told of them.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::EnumString,
    strum::VariantNames,
    strum::VariantArray,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
pub enum Ability {
    /// The course table.
    Table,
    /// Marks.
    Scores,
    /// Dates of examinations.
    Exams,
    /// Progress in the plan of studies.
    Plan,
    /// Empty rooms.
    Rooms,
    /// Who a student is.
    Record,
    /// The list of terms.
    Terms,
}

/// A set of abilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities(u8);

impl Abilities {
    /// Whether the set has this one.
    #[must_use]
    pub fn has(self, ability: Ability) -> bool {
        self.0 & (1 << ability as u8) != 0
    }

    /// The abilities, always in the same order.
    pub fn iter(self) -> impl Iterator<Item = Ability> {
        Ability::VARIANTS.iter().copied().filter(move |ability| self.has(*ability))
    }
}

impl FromIterator<Ability> for Abilities {
    fn from_iter<I: IntoIterator<Item = Ability>>(abilities: I) -> Self {
        Self(abilities.into_iter().fold(0, |set, ability| set | 1 << ability as u8))
    }
}

/// A pattern that a whole student number fits or does not.
#[derive(Clone)]
pub struct NumberPattern {
    written: String,
    compiled: Regex,
}

impl NumberPattern {
    /// Compiles a pattern that begins with `^`, ends with `$` and has at most 100 characters.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.chars().count() > MAX_PATTERN {
            return Err(format!("must have at most {MAX_PATTERN} characters"));
        }
        if !pattern.starts_with('^') || !pattern.ends_with('$') || pattern.ends_with("\\$") {
            return Err("must begin with ^ and end with $".to_owned());
        }
        // The group anchors each side of an alternation, too.
        let whole = format!("^(?:{pattern})$");
        let compiled = RegexBuilder::new(&whole).size_limit(MAX_COMPILED).build();
        let compiled = compiled.map_err(|error| format!("is no regular expression: {error}"))?;
        Ok(Self { written: pattern.to_owned(), compiled })
    }

    /// Whether the whole number fits.
    #[must_use]
    pub fn fits(&self, number: &str) -> bool {
        self.compiled.is_match(number)
    }
}

impl fmt::Debug for NumberPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl PartialEq for NumberPattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

fn pattern(value: &Value) -> Result<NumberPattern, String> {
    match value {
        Value::Text(text) => NumberPattern::new(text),
        _ => Err("must be a regular expression in single quotation marks".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
enum PlainHttp {
    Refused,
    Accepted,
}

/// Which tables a profile has that an academic system can need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gates {
    pub cas: bool,
    pub vpn: bool,
}

fn road(value: &Value) -> Result<Road, String> {
    match value {
        Value::Text(name) if name == "webvpn" => Err("is a road that this version does not know".to_owned()),
        _ => choice(value),
    }
}

/// Reads one `[[academic]]`. `lenient`: plain HTTP is accepted everywhere.
pub(super) fn read(mut fields: Fields<'_>, gates: Gates, lenient: bool) -> Option<Academic> {
    let id = fields.required("id", "\"undergraduate\"", id);
    let name = fields.required("name", "\"教务系统\"", text(50));
    let pattern = fields.required("match", "'^\\d{12}$'", pattern);
    let system = fields.required("system", "\"eams\"", choice::<SystemName>);
    let plain = fields.defaulted("plain_http", &Value::Text("refused".to_owned()), choice::<PlainHttp>);
    let roads = fields.required("roads", "[\"direct\"]", list(road));
    let login = fields.required("login", "\"cas\"", choice::<Login>);
    let accepted = lenient || plain == Some(PlainHttp::Accepted);
    let base = fields.required("base", "\"https://jw.example.edu.cn/eams\"", secure_url(accepted));
    let abilities = fields.required("abilities", "[\"table\", \"scores\"]", list(choice::<Ability>));
    let options = fields.table("options").unwrap_or_else(|| fields.empty("options"));
    check_roads(&fields, gates, system, roads.as_deref().unwrap_or_default());
    check_login(&fields, gates, system, login);
    if let (Some(SystemName::UrpClassic), Some(base)) = (system, &base) {
        check_urp_base(&fields, base);
    }
    let system = match system {
        Some(SystemName::UrpClassic) => {
            options.finish();
            Some(System::UrpClassic)
        }
        Some(SystemName::Eams) => options::eams(options).map(System::Eams),
        Some(SystemName::Jwglxt) => options::jwglxt(options).map(System::Jwglxt),
        None => {
            options.abandon();
            None
        }
    };
    fields.finish();
    Some(Academic {
        id: id?,
        name: name?,
        pattern: pattern?,
        system: system?,
        base: base?,
        roads: roads?,
        login: login?,
        abilities: abilities?.into_iter().collect(),
    })
}

/// Each client knows one way: that of the URP leads through the VPN, the others lead straight to their hosts. No `roads`:
/// they could not be read.
fn check_roads(fields: &Fields<'_>, gates: Gates, system: Option<SystemName>, roads: &[Road]) {
    let Some(system) = system else { return };
    let only = match system {
        SystemName::UrpClassic => Road::Vpn,
        SystemName::Eams | SystemName::Jwglxt => Road::Direct,
    };
    if !roads.is_empty() && roads != [only] {
        let (system, road): (&str, &str) = (system.into(), only.into());
        let what = format!("of {system} must be {road}: this version knows no other way to it");
        fields.problem("roads", &what, &format!("roads = [\"{road}\"]"));
    } else if roads == [Road::Vpn] && !gates.vpn {
        fields.problem("roads", "vpn needs a table [vpn]", "[vpn]");
    }
}

/// Only EAMS is entered by a central login, which has a table then.
fn check_login(fields: &Fields<'_>, gates: Gates, system: Option<SystemName>, login: Option<Login>) {
    let own = "login = \"own\"";
    match (login, system) {
        (Some(Login::Cas), Some(system @ (SystemName::UrpClassic | SystemName::Jwglxt))) => {
            let system: &str = system.into();
            let what = format!("of {system} must be its own: this version knows no other way in");
            fields.problem("login", &what, own);
        }
        (Some(Login::Cas), _) if !gates.cas => fields.problem("login", "cas needs a table [cas]", own),
        _ => {}
    }
}

/// The URP's client knows only the root of a host.
fn check_urp_base(fields: &Fields<'_>, base: &Url) {
    if base.path() != "/" || base.port().is_some() {
        fields.problem("base", "of urp-classic must be a host without port and path", "base = \"http://10.0.0.1\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_whole_numbers_only() {
        let twelve = NumberPattern::new(r"^\d{12}$").unwrap();
        assert!(twelve.fits("311509000001"));
        for number in ["", "31150900000", "3115090000011", "x311509000001", "31150900000x", "311509000001\n"] {
            assert!(!twelve.fits(number), "{number:?}");
        }
        let either = NumberPattern::new(r"^2\d{3}|9\d{5}$").unwrap();
        assert!(either.fits("2123") && either.fits("912345"));
        assert!(!either.fits("21239") && !either.fits("x912345"));
    }

    #[test]
    fn patterns_that_are_loose_long_or_broken_are_refused() {
        let long = format!("^{}$", "0".repeat(99));
        for pattern in [r"\d{12}", r"^\d{12}", r"\d{12}$", r"^\d{12}\$", r"^(\d{12}$", &long, r"^\d{1000}{1000}$", ""] {
            assert!(NumberPattern::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_set_of_abilities_has_what_was_put_into_it() {
        let set: Abilities = [Ability::Terms, Ability::Table, Ability::Table].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Ability::Table, Ability::Terms]);
        assert!(set.has(Ability::Terms) && !set.has(Ability::Plan));
    }
}
