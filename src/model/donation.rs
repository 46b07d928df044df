//! Donations to the project.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// One donation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Donation {
    /// Name of the donor.
    pub donor: String,
    /// The amount as a number alone, `6.66`; the mini-program prints `￥` before it. A stored currency is removed when
    /// it is read.
    #[serde(deserialize_with = "number_alone")]
    pub money: String,
}

/// Units after an amount of money, in lower case.
const UNITS: [&str; 5] = ["rmb", "cny", "yuan", "元", "块"];
/// Signs before an amount of money.
const SIGNS: [char; 2] = ['¥', '￥'];

/// The number in an amount, in ASCII digits and without thousands separators. Of several numbers, the first with a sign
/// or unit of money, else the first.
#[must_use]
pub fn amount(text: &str) -> Option<String> {
    let text: String = text.chars().map(half_width).collect();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let mut numbers = Vec::new();
    let mut at = 0;
    while let Some(begin) = text[at..].find(|c: char| c.is_ascii_digit()).map(|offset| at + offset) {
        let end = text[begin..].find(|c| !is_number(c)).map_or(text.len(), |length| begin + length);
        let behind = text[end..].trim_start().to_lowercase();
        let is_money = text[..begin].trim_end().ends_with(SIGNS) || UNITS.iter().any(|unit| behind.starts_with(unit));
        numbers.push((text[begin..end].replace(',', ""), is_money));
        at = end;
    }
    let chosen = numbers.iter().position(|(_, is_money)| *is_money).unwrap_or(0);
    let number = numbers.into_iter().nth(chosen)?.0;
    let number = number.trim_end_matches('.');
    number.parse::<f64>().is_ok().then(|| number.to_owned())
}

/// The ASCII form of a full-width digit, point or comma.
fn half_width(c: char) -> char {
    match c {
        '０'..='９' | '．' | '，' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        other => other,
    }
}

/// The number of a stored amount, perhaps with its currency; an amount without a number stays as it is.
fn number_alone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let stored = String::deserialize(deserializer)?;
    Ok(amount(&stored).unwrap_or(stored))
}
