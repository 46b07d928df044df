//! The list of donations in the text of one issue, kept by hand: lines like `@name | 6.66rmb`.

use crate::model::{Donation, donation::amount};

/// Longest name and longest amount, in characters.
const MAX_NAME: usize = 64;
const MAX_AMOUNT: usize = 32;

/// The donations in `text`, in order. Other lines are ignored: an introduction, a heading, a sum.
#[must_use]
pub fn parse_donations(text: &str) -> Vec<Donation> {
    text.lines().filter_map(parse_line).collect()
}

/// A line may also be an item of a Markdown list or a row of a table, with a full-width bar.
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
