//! Values of a template's fields, made to fit what WeChat takes: a value that is too long, empty or of the wrong kind
//! would make WeChat refuse the whole message (47003).
//!
//! Kinds and limits are those of WeChat's «subscribe message parameters» table (2026).

use chrono::{DateTime, Datelike, FixedOffset, Timelike};

/// `value` as the template field called `field` (`thing1`, `character_string2`, …) takes it; `now` stands in for a missing time.
///
/// Whatever was given, the result is not empty and within the field's limit.
#[must_use]
pub fn fit(field: &str, value: &str, now: DateTime<FixedOffset>) -> String {
    let text = one_line(value);
    let kind = field.trim_end_matches(|c: char| c.is_ascii_digit());
    let digit = |c: char| c.is_ascii_digit();
    match kind {
        "number" => or(decimal(&text, 32), "0"),
        "amount" => or(keep(&text, 12, |c| digit(c) || matches!(c, '.' | '¥' | '￥' | '$' | '元')), "0元"),
        "letter" => or(keep(&text, 32, |c| c.is_ascii_alphabetic()), "N"),
        "symbol" => or(keep(&text, 5, |c| !c.is_alphanumeric() && !c.is_whitespace()), "-"),
        "character_string" => or(keep(&text, 32, |c| c.is_ascii_graphic() || c == ' '), "-"),
        "phone_number" => or(keep(&text, 17, |c| digit(c) || matches!(c, '+' | '-' | '(' | ')' | ' ')), "0"),
        "car_number" => or(keep(&text, 8, char::is_alphanumeric), "无"),
        "name" => or(name(&text), "无"),
        "phrase" => or(keep(&text, 5, |c| c.is_alphabetic() && !c.is_ascii()), "无"),
        "time" | "date" if text.contains(digit) => text,
        "time" => format!("{} {:02}:{:02}", day(now), now.hour(), now.minute()),
        "date" => day(now),
        // `thing`, `const`, and what a later WeChat may add.
        _ => or(shorten(&text, 20), "无"),
    }
}

fn day(now: DateTime<FixedOffset>) -> String {
    format!("{}年{:02}月{:02}日", now.year(), now.month(), now.day())
}

/// Line breaks and other control characters become spaces; white space around goes.
fn one_line(value: &str) -> String {
    let spaced: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.trim().to_owned()
}

fn or(value: String, filler: &str) -> String {
    if value.is_empty() { filler.to_owned() } else { value }
}

/// What `keep` lets through, at most `most` characters, counted in UTF-16 units as WeChat's clients do.
fn keep(text: &str, most: usize, keep: impl Fn(char) -> bool) -> String {
    let mut units = 0;
    let within = |c: &char| {
        units += c.len_utf16();
        units <= most
    };
    let kept: String = text.chars().filter(|c| keep(*c)).take_while(within).collect();
    kept.trim().to_owned()
}

/// Like [`keep`] of everything, with an ellipsis where something was cut off.
fn shorten(text: &str, most: usize) -> String {
    if text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    format!("{}…", keep(text, most - 1, |_| true))
}

/// Digits with at most one decimal point among them.
fn decimal(text: &str, most: usize) -> String {
    let mut point = false;
    let kept = text.chars().filter(|c| c.is_ascii_digit() || (*c == '.' && !std::mem::replace(&mut point, true)));
    let kept: String = kept.take(most).collect();
    kept.trim_matches('.').to_owned()
}

/// At most 10 characters when there is Chinese among them, else 20 letters or symbols; digits are not taken.
fn name(text: &str) -> String {
    let most = if text.is_ascii() { 20 } else { 10 };
    keep(text, most, |c| !c.is_numeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(field: &str, value: &str) -> String {
        fit(field, value, DateTime::parse_from_rfc3339("2026-11-04T09:05:00+08:00").unwrap())
    }

    #[test]
    fn every_kind_of_field_is_cut_to_what_wechat_takes() {
        for (field, value, expected) in [
            ("thing1", "明天下午两点在一号教学楼", "明天下午两点在一号教学楼"),
            ("thing1", "一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
            ("thing1", "一二三四五六七八九十一二三四五六七八九十多", "一二三四五六七八九十一二三四五六七八九…"),
            ("thing12", "第一行\r\n第二行\u{7}", "第一行  第二行"),
            ("number1", "1234567890123456789012345678901234567890", "12345678901234567890123456789012"),
            ("number1", "共 6.66.1 元", "6.661"),
            ("letter1", "abc 中文 DEF1", "abcDEF"),
            ("symbol1", "!@#$%^&", "!@#$%"),
            ("character_string2", "学号 311509000001", "311509000001"),
            ("character_string2", "A-0123456789012345678901234567890123", "A-012345678901234567890123456789"),
            ("phone_number4", "+86 (391) 3987-001-2345", "+86 (391) 3987-00"),
            ("car_number3", "豫H·12345挂车", "豫H12345挂"),
            ("name3", "欧阳娜娜一二三四五六七八", "欧阳娜娜一二三四五六"),
            ("name3", "Bartholomew Featherstonehaugh", "Bartholomew Feathers"),
            ("name3", "张三3号", "张三号"),
            ("phrase1", "已经通过审核ok", "已经通过审"),
            ("amount5", "¥ 12.50 元整", "¥12.50元"),
            ("time6", "2026年11月4日 9:00~10:00", "2026年11月4日 9:00~10:00"),
            ("date6", "2026-11-04", "2026-11-04"),
            ("const1", "通过", "通过"),
        ] {
            assert_eq!(fitted(field, value), expected, "{field}");
        }
    }

    #[test]
    fn no_field_is_left_empty_whatever_was_given() {
        let kinds = [
            "thing",
            "number",
            "letter",
            "symbol",
            "character_string",
            "time",
            "date",
            "amount",
            "phone_number",
            "car_number",
            "name",
            "phrase",
            "const",
            "unheard_of",
        ];
        for kind in kinds {
            for value in ["", " \n ", "\u{0}", "中", "a", "1", "😀", "."] {
                assert!(!fitted(&format!("{kind}1"), value).is_empty(), "{kind} of {value:?}");
            }
        }
        assert_eq!(fitted("time1", "改天"), "2026年11月04日 09:05");
        assert_eq!(fitted("date1", ""), "2026年11月04日");
    }

    #[test]
    fn what_lies_outside_the_basic_plane_counts_twice() {
        let value = fitted("thing1", &"😀".repeat(30));
        assert_eq!(value, format!("{}…", "😀".repeat(9)));
    }
}
