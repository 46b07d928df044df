//! From values of a profile to types. Each says what a value must be; nothing is guessed.

use std::{path::PathBuf, str::FromStr, time::Duration};

use chrono::NaiveDate;
use strum::VariantNames;
use url::Url;

use super::file::{Node, Value};

/// Longest id and shortest one, in characters; ids are in database keys and metrics.
const ID_LENGTH: std::ops::RangeInclusive<usize> = 2..=24;

/// A text of 1 to `longest` characters in one line.
pub(super) fn text(longest: usize) -> impl Fn(&Value) -> Result<String, String> {
    move |value| match value {
        Value::Text(text) if text.trim() == text && (1..=longest).contains(&text.chars().count()) => {
            if text.chars().any(char::is_control) {
                Err("must be a text in one line".to_owned())
            } else {
                Ok(text.clone())
            }
        }
        _ => Err(format!("must be a text of 1 to {longest} characters, without blanks around it")),
    }
}

/// As [`text`], or empty.
pub(super) fn text_or_empty(longest: usize) -> impl Fn(&Value) -> Result<String, String> {
    move |value| match value {
        Value::Text(empty) if empty.is_empty() => Ok(String::new()),
        _ => text(longest)(value),
    }
}

/// The id of a school or of an academic system.
pub(super) fn id(value: &Value) -> Result<String, String> {
    let fits = |id: &str| {
        ID_LENGTH.contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    match value {
        Value::Text(id) if fits(id) => Ok(id.clone()),
        _ => Err("must be 2 to 24 small letters, digits and dashes".to_owned()),
    }
}

/// The id of an entry of a list within a profile.
pub(super) fn name(value: &Value) -> Result<String, String> {
    let fits = |id: &str| {
        (1..=*ID_LENGTH.end()).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match value {
        Value::Text(id) if fits(id) => Ok(id.clone()),
        _ => Err("must be 1 to 24 letters, digits and dashes".to_owned()),
    }
}

pub(super) fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::Flag(flag) => Ok(*flag),
        _ => Err("must be true or false".to_owned()),
    }
}

pub(super) fn date(value: &Value) -> Result<NaiveDate, String> {
    match value {
        Value::Date(date) => Ok(*date),
        _ => Err("must be a date without quotation marks".to_owned()),
    }
}

/// A whole number between two others.
pub(super) fn whole<T: TryFrom<i64> + Copy>(first: i64, last: i64) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        match value {
            Value::Whole(number) if (first..=last).contains(number) => T::try_from(*number).ok(),
            _ => None,
        }
        .ok_or_else(|| format!("must be a whole number from {first} to {last}"))
    }
}

/// One of the names of `T`.
pub(super) fn choice<T: FromStr + VariantNames>(value: &Value) -> Result<T, String> {
    let name = match value {
        Value::Text(name) => name.parse().ok(),
        _ => None,
    };
    name.ok_or_else(|| match T::VARIANTS {
        [only] => format!("must be {only}"),
        names => format!("must be one of {}", names.join(", ")),
    })
}

/// A list without repetitions, with at least one element.
pub(super) fn list<T: PartialEq>(
    convert: impl Fn(&Value) -> Result<T, String>,
) -> impl Fn(&Value) -> Result<Vec<T>, String> {
    move |value| {
        let Value::List(nodes) = value else { return Err("must be a list in square brackets".to_owned()) };
        let mut found: Vec<T> = Vec::new();
        for Node { value, .. } in nodes {
            let element = convert(value).map_err(|what| format!("{} {what}", value.written()))?;
            if found.contains(&element) {
                return Err(format!("{} is there twice", value.written()));
            }
            found.push(element);
        }
        if found.is_empty() { Err("must not be empty".to_owned()) } else { Ok(found) }
    }
}

/// A duration such as `800ms` or `7d`, between two others.
pub(super) fn duration(shortest: Duration, longest: Duration) -> impl Fn(&Value) -> Result<Duration, String> {
    move |value| {
        let span = match value {
            Value::Text(text) => humantime::parse_duration(text).ok(),
            _ => None,
        };
        span.filter(|span| (shortest..=longest).contains(span)).ok_or_else(|| {
            let [shortest, longest] = [shortest, longest].map(humantime::format_duration);
            format!("must be a duration in quotation marks, from {shortest} to {longest}")
        })
    }
}

/// An http or https address without user, query and fragment.
pub(super) fn url(value: &Value) -> Result<Url, String> {
    let Value::Text(text) = value else { return Err("must be an address in quotation marks".to_owned()) };
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    match Url::parse(text) {
        Ok(url) if plain(&url) => Ok(url),
        Ok(_) => Err("must be an http or https address without user, query and #".to_owned()),
        Err(error) => Err(format!("is no address: {error}")),
    }
}

/// As [`url()`]; plain HTTP only where it is `accepted`.
pub(super) fn secure_url(accepted: bool) -> impl Fn(&Value) -> Result<Url, String> {
    move |value| match url(value)? {
        url if url.scheme() == "https" || accepted => Ok(url),
        _ => Err("must be https: passwords are sent there".to_owned()),
    }
}

/// A host name or an IP address.
pub(super) fn host(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(host) if url::Host::parse(host).is_ok() => Ok(host.clone()),
        _ => Err("must be a host name or an IP address, without scheme and path".to_owned()),
    }
}

/// A path on the system's host: relative to its base, or from the root with a slash in front.
pub(super) fn path(value: &Value) -> Result<String, String> {
    let fits = |path: &str| !path.contains("://") && !path.starts_with("//") && !path.contains([' ', '#', '\\']);
    match text(200)(value) {
        Ok(path) if fits(&path) => Ok(path),
        _ => Err("must be a path on the host of base".to_owned()),
    }
}

/// The name of a file on this machine.
pub(super) fn file(value: &Value) -> Result<PathBuf, String> {
    text(4096)(value).map(PathBuf::from).map_err(|_| "must be the name of a file".to_owned())
}
