//! The options of the academic systems: quirks of a school that are no code.

use std::time::Duration;

use super::{
    fields::Fields,
    file::Value,
    values::{choice, duration, flag, path, text},
};

/// Shortest and longest time between the beginnings of two requests of a session.
const PACE: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(10));

/// Shortest and longest life of a session without use. A stored session is not kept longer, but for a ticket in it.
const SESSION_LIFE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(12));

/// Options of 树维 EAMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EamsOptions {
    /// The page that a login begins at, relative to the base.
    pub entry: String,
    /// Shortest time between the beginnings of two requests of a session. Schools refuse requests within 500 ms.
    pub pace: Duration,
    /// How long a session without use is trusted; an older one is not tried. Schools end it after 15 minutes.
    pub session_life: Duration,
    /// Number of the project whose course table is asked for, where students have several.
    pub project: Option<String>,
    /// What columns of the table of marks mean, where they mean something else than usual: header and meaning.
    pub score_columns: Vec<(String, ScoreColumn)>,
    /// A page to ask for before the page of empty rooms, relative to the base.
    pub rooms_prelude: Option<String>,
}

/// What a column of the table of marks holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum ScoreColumn {
    /// The term.
    Term,
    /// Number of the course.
    Code,
    /// Number of the class.
    Lesson,
    /// Name of the course.
    Name,
    /// Kind of the course.
    Kind,
    /// Compulsory or elective.
    Property,
    /// Credits.
    Credit,
    /// The mark.
    Text,
    /// Grade points.
    Point,
    /// A mark that the mark is made of.
    Part,
}

/// Options of 正方 jwglxt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwglxtOptions {
    /// Which captcha the login has.
    pub captcha: JwglxtCaptcha,
    /// Shortest time between the beginnings of two requests of a session. 1.2 s was safe where it was measured.
    pub pace: Duration,
    /// How long a session without use is trusted; an older one is not tried.
    pub session_life: Duration,
    /// Whether a first login POST that is answered by a redirect to the login page without a message is sent again: the
    /// firewall of one school throws it away. The password is then sent twice.
    pub login_twice: bool,
}

/// Which captcha the login of jwglxt has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum JwglxtCaptcha {
    /// The login page tells.
    Auto,
    /// None.
    None,
    /// Characters in a picture.
    Picture,
    /// A piece to be moved into a picture.
    Slider,
}

/// Which fields for pages a list is asked with. Some schools refuse a list without those of both generations of the
/// system, and none was seen that minds them, so the only value is `both`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
enum Grid {
    Both,
}

pub(super) fn eams(mut fields: Fields<'_>) -> Option<EamsOptions> {
    let entry = fields.defaulted("entry", &written("login.action"), path);
    let pace = fields.defaulted("pace", &written("800ms"), duration(PACE.0, PACE.1));
    let session_life = fields.defaulted("session_life", &written("12m"), duration(SESSION_LIFE.0, SESSION_LIFE.1));
    let project = fields.optional("project", "\"1\"", project);
    fields.unknown("exams", "no examinations are asked for", "abilities = [\"table\", \"scores\"]");
    let rooms_prelude = fields.optional("rooms_prelude", "\"classroom/apply/std-activity.action\"", path);
    let mut score_columns = Vec::new();
    if let Some(mut columns) = fields.table("score_columns") {
        for header in columns.names() {
            let meaning = columns.optional(&header, "\"text\"", choice);
            score_columns.extend(meaning.map(|meaning| (header, meaning)));
        }
    }
    fields.finish();
    let (entry, pace, session_life) = (entry?, pace?, session_life?);
    Some(EamsOptions { entry, pace, session_life, project, score_columns, rooms_prelude })
}

fn project(value: &Value) -> Result<String, String> {
    match text(20)(value) {
        Ok(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        _ => Err("must be a number of at most 20 digits in quotation marks".to_owned()),
    }
}

pub(super) fn jwglxt(mut fields: Fields<'_>) -> Option<JwglxtOptions> {
    let captcha = fields.defaulted("captcha", &written("auto"), choice);
    let pace = fields.defaulted("pace", &written("1200ms"), duration(PACE.0, PACE.1));
    let session_life = fields.defaulted("session_life", &written("15m"), duration(SESSION_LIFE.0, SESSION_LIFE.1));
    let grid = fields.defaulted("grid", &written("both"), choice::<Grid>);
    let login_twice = fields.defaulted("login_twice", &Value::Flag(false), flag);
    let base = "base = \"https://jw.example.edu.cn/jwglxt\"";
    fields.unknown("prefix", "paths begin with that of base", base);
    fields.unknown("hosts", "only the host of base is asked", base);
    fields.unknown("sso_entry", "jwglxt is entered by its own login", "login = \"own\"");
    fields.finish();
    grid?;
    Some(JwglxtOptions { captcha: captcha?, pace: pace?, session_life: session_life?, login_twice: login_twice? })
}

fn written(text: &str) -> Value {
    Value::Text(text.to_owned())
}
