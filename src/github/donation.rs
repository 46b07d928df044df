//! The list of donations, kept by hand in the text of one issue: lines like `@name | 6.66rmb`.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// Longest name and amount that are taken for such, in characters.
const MAX_NAME: usize = 64;
const MAX_AMOUNT: usize = 32;

/// One donation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Donation {
    /// Who gave.
    pub donor: String,
    /// How much: the number alone, `6.66`. The mini-program prints `￥` before it. What was stored with its currency loses
    /// it when it is read.
    #[serde(deserialize_with = "number_alone")]
    pub money: String,
}

/// What stands behind a number that is money, in lower case.
const UNITS: [&str; 5] = ["rmb", "cny", "yuan", "元", "块"];
/// What stands before one.
const SIGNS: [char; 2] = ['¥', '￥'];

/// The donations in `text`, in its order. Lines of any other form are other text: an introduction, a heading, a sum.
#[must_use]
pub fn parse_donations(text: &str) -> Vec<Donation> {
    text.lines().filter_map(parse_line).collect()
}

/// A line may be an item of a Markdown list or a row of a table, and the bar may be a wide one.
fn parse_line(line: &str) -> Option<Donation> {
    let is_frame = |c: char| c.is_whitespace() || matches!(c, '|' | '｜');
    let line =
        line.trim_start_matches(|c| is_frame(c) || matches!(c, '-' | '*' | '+' | '>')).trim_end_matches(is_frame);
    let named = line.strip_prefix(['@', '＠'])?;
    let (donor, money) = named.split_once(['|', '｜'])?;
    let (donor, money) = (donor.trim(), money.trim());
    let sane = !donor.is_empty()
        && donor.chars().count() <= MAX_NAME
        && money.chars().count() <= MAX_AMOUNT
        && !money.contains(['|', '｜']);
    let money = if sane { amount(money)? } else { return None };
    Some(Donation { donor: donor.to_owned(), money })
}

/// The number in an amount, in ASCII digits and without separators of thousands: of several the one that is money by the
/// sign or the unit beside it, else the first.
fn amount(text: &str) -> Option<String> {
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

/// A full-width digit, point or comma as the ASCII one.
fn half_width(c: char) -> char {
    match c {
        '０'..='９' | '．' | '，' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        other => other,
    }
}

/// The number of an amount that was stored, perhaps with its currency; an amount without a number stays as it is.
fn number_alone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let stored = String::deserialize(deserializer)?;
    Ok(amount(&stored).unwrap_or(stored))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        parse_donations(text).into_iter().map(|d| (d.donor, d.money)).collect()
    }

    #[test]
    fn donor_and_money_are_read_from_each_line_however_it_is_spaced() {
        for line in [
            "@nanshan | 6.66rmb",
            "@nanshan|6.66rmb",
            "  @nanshan  |  6.66rmb  \r",
            "- @nanshan | 6.66rmb",
            "| @nanshan | 6.66rmb |",
            "＠nanshan｜6.66rmb",
            "> * @nanshan | 6.66rmb",
        ] {
            assert_eq!(parsed(line), [("nanshan".to_owned(), "6.66".to_owned())], "{line}");
        }
    }

    #[test]
    fn money_is_the_number_alone_however_the_amount_is_written() {
        for (written, money) in [
            ("6.66RMB", "6.66"),
            ("6.66 rmb", "6.66"),
            ("¥6.66", "6.66"),
            ("￥ 6.66", "6.66"),
            ("６．６６元", "6.66"),
            ("0.50rmb", "0.50"),
            ("1,000.5 元", "1000.5"),
            ("6.", "6"),
            ("88", "88"),
            ("2017-11-09 5rmb", "5"),
            ("5rmb (2017-11-09)", "5"),
        ] {
            assert_eq!(parsed(&format!("@云台山的猫 | {written}")), [("云台山的猫".to_owned(), money.to_owned())]);
        }
        assert!(parsed("@a | 1.2.3rmb").is_empty(), "no number");
    }

    #[test]
    fn what_was_stored_with_its_currency_is_read_as_the_number_alone() {
        for (stored, money) in [("6.66rmb", "6.66"), ("6.66 rmb", "6.66"), ("6.66", "6.66"), ("很多", "很多")] {
            let read: Donation = serde_json::from_value(serde_json::json!({ "donor": "a", "money": stored })).unwrap();
            assert_eq!(read.money, money);
        }
    }

    #[test]
    fn lines_of_another_form_are_no_donations() {
        let text = "感谢每一位捐助者！\r\n\r\n@a | 1rmb\r\n总计 | 100rmb\r\n@nobody\r\n@ | 2rmb\r\n@b | 谢谢\r\n@c | 3rmb | 4rmb\r\n\
                    | --- | --- |\r\n@d | 5rmb";
        assert_eq!(parsed(text), [("a".to_owned(), "1".to_owned()), ("d".to_owned(), "5".to_owned())]);
        assert!(parsed("").is_empty());
    }
}
