//! The list of donations, kept by hand in the text of one issue: lines like `@name | 6.66rmb`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest name and amount that are taken for such, in characters.
const MAX_NAME: usize = 64;
const MAX_AMOUNT: usize = 32;

/// One donation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Donation {
    /// Who gave.
    pub donor: String,
    /// How much, as it is written: `6.66rmb`.
    pub money: String,
}

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
    let is_amount = money.chars().any(|c| c.is_ascii_digit()) && !money.contains(['|', '｜']);
    let sane = !donor.is_empty() && donor.chars().count() <= MAX_NAME && money.chars().count() <= MAX_AMOUNT;
    (sane && is_amount).then(|| Donation { donor: donor.to_owned(), money: money.to_owned() })
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
            assert_eq!(parsed(line), [("nanshan".to_owned(), "6.66rmb".to_owned())], "{line}");
        }
    }

    #[test]
    fn the_amount_stays_as_it_is_written() {
        for money in ["6.66RMB", "¥6.66", "6.66 元", "0.5rmb"] {
            assert_eq!(parsed(&format!("@云台山的猫 | {money}")), [("云台山的猫".to_owned(), money.to_owned())]);
        }
    }

    #[test]
    fn lines_of_another_form_are_no_donations() {
        let text = "感谢每一位捐助者！\r\n\r\n@a | 1rmb\r\n总计 | 100rmb\r\n@nobody\r\n@ | 2rmb\r\n@b | 谢谢\r\n@c | 3rmb | 4rmb\r\n\
                    | --- | --- |\r\n@d | 5rmb";
        assert_eq!(parsed(text), [("a".to_owned(), "1rmb".to_owned()), ("d".to_owned(), "5rmb".to_owned())]);
        assert!(parsed("").is_empty());
    }
}
