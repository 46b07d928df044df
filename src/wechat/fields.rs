//! Fits values into a template's fields. WeChat refuses the whole message (47003) if a value is too long, empty or of
//! the wrong kind.
//!
//! Nothing that carries meaning is removed: `微信：wx_li2015` does not become the telephone number `2015`. Full-width
//! characters are converted, spaces and separators inside a number are removed, a text that is too long ends with `…`.
//! What still does not fit is refused.
//!
//! Kinds and limits come from WeChat's table «subscribe message parameters» (2026).

use chrono::{DateTime, Datelike, FixedOffset, Timelike};

/// A value does not fit its field. Holds a description of what fits, in Chinese.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value does not fit its field")]
pub struct Unfit(pub &'static str);

/// `value` in the form that the template field `field` (`thing1`, `character_string2`, …) accepts. A missing value gets
/// a filler (`now` for a time), so the result is never empty.
///
/// # Errors
/// [`Unfit`] when the value would lose part of its meaning.
pub fn fit(field: &str, value: &str, now: DateTime<FixedOffset>) -> Result<String, Unfit> {
    let text = one_line(value);
    let kind = field.trim_end_matches(|c: char| c.is_ascii_digit());
    if text.is_empty() {
        return Ok(filler(kind, now));
    }
    let narrow: String = text.chars().map(half_width).collect();
    let fits = |fitted: Option<String>, takes: &'static str| fitted.ok_or(Unfit(takes));
    match kind {
        "number" => fits(number(&narrow), "数字，可带小数，最多 32 位"),
        "amount" => fits(amount(&narrow), "金额，最多 10 位数字，可带小数、货币符号和“元”"),
        "letter" => fits(only(&narrow, 32, |c| c.is_ascii_alphabetic()), "字母，最多 32 个"),
        "symbol" => fits(only(&text, 5, |c| !c.is_alphanumeric() && !c.is_whitespace()), "符号，最多 5 个"),
        "character_string" => {
            let ascii = narrow.chars().all(|c| c.is_ascii_graphic() || c == ' ').then_some(narrow);
            fits(ascii.map(|text| shorten(&text, 32, "...")), "数字、字母或符号，不含汉字")
        }
        "phone_number" => fits(phone(&narrow), "电话号码，只含数字、空格和 + - ( )，最多 17 位"),
        "car_number" => fits(car(&narrow), "车牌号，只含汉字、字母和数字，最多 8 位"),
        "name" => {
            let most = if text.is_ascii() { 20 } else { 10 };
            let name = (!text.contains(char::is_numeric)).then(|| shorten(&text, most, "…"));
            fits(name, "姓名，不含数字")
        }
        "phrase" => fits(only(&text, 5, |c| c.is_alphabetic() && !c.is_ascii()), "汉字，最多 5 个"),
        "time" => fits(dated(narrow), "时间，如 2017年11月9日 15:00"),
        "date" => fits(dated(narrow), "日期，如 2017年11月9日"),
        // `thing`, `const`, and kinds that WeChat may add.
        _ => Ok(shorten(&text, 20, "…")),
    }
}

/// The value of a field of this kind that has nothing to say.
fn filler(kind: &str, now: DateTime<FixedOffset>) -> String {
    let fixed = match kind {
        "number" | "phone_number" => "0",
        "amount" => "0元",
        "letter" => "N",
        "symbol" | "character_string" => "-",
        "time" => return format!("{} {:02}:{:02}", day(now), now.hour(), now.minute()),
        "date" => return day(now),
        _ => "无",
    };
    fixed.to_owned()
}

fn day(now: DateTime<FixedOffset>) -> String {
    format!("{}年{:02}月{:02}日", now.year(), now.month(), now.day())
}

/// Replaces control characters, such as line breaks, by spaces, and trims.
fn one_line(value: &str) -> String {
    let spaced: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.trim().to_owned()
}

/// The ASCII form of a full-width character (U+FF01 to U+FF5E, and the ideographic space).
fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        other => other,
    }
}

/// Length in UTF-16 units, as WeChat's clients count.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// `text`, if it is not longer than `most` and `allowed` accepts every character.
fn only(text: &str, most: usize, allowed: impl Fn(char) -> bool) -> Option<String> {
    (length(text) <= most && text.chars().all(allowed)).then(|| text.to_owned())
}

/// `text`, cut to `most` with `ellipsis` at the end if it is longer.
fn shorten(text: &str, most: usize, ellipsis: &str) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let room = most - length(ellipsis);
    let mut units = 0;
    let within = |c: &char| {
        units += c.len_utf16();
        units <= room
    };
    let kept: String = text.chars().take_while(within).collect();
    format!("{}{ellipsis}", kept.trim_end())
}

/// `text` without white space.
fn closed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Digits with at most one decimal point between them.
fn number(text: &str) -> Option<String> {
    let text = closed(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (digits(whole) && digits(fraction) && text.len() <= 32).then_some(text)
}

/// A number, perhaps with a currency sign before it and 元 after it.
fn amount(text: &str) -> Option<String> {
    let text = closed(text);
    let bare = text.strip_prefix(['¥', '￥', '$']).unwrap_or(&text);
    let bare = bare.strip_suffix('元').unwrap_or(bare);
    (bare.len() <= 10 && number(bare).is_some()).then_some(text)
}

/// A telephone number as people write it.
fn phone(text: &str) -> Option<String> {
    let known = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | ' '));
    let digits = text.contains(|c: char| c.is_ascii_digit());
    // Spaces have no meaning here and are removed if the number is too long.
    let text = if length(text) > 17 { closed(text) } else { text.to_owned() };
    (known && digits && length(&text) <= 17).then_some(text)
}

/// A car's number without the dot on the plate.
fn car(text: &str) -> Option<String> {
    let text: String = closed(text).chars().filter(|c| !matches!(c, '·' | '•' | '-')).collect();
    only(&text, 8, char::is_alphanumeric)
}

/// A text with digits, as every time and date has.
fn dated(text: String) -> Option<String> {
    (text.contains(|c: char| c.is_ascii_digit()) && length(&text) <= 32).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(field: &str, value: &str) -> Result<String, Unfit> {
        fit(field, value, DateTime::parse_from_rfc3339("2026-11-04T09:05:00+08:00").unwrap())
    }

    #[test]
    fn a_value_is_taken_as_it_is_or_in_a_form_that_says_the_same() {
        for (field, value, expected) in [
            ("thing1", "明天下午两点在一号教学楼", "明天下午两点在一号教学楼"),
            ("thing12", "第一行\r\n第二行\u{7}", "第一行  第二行"),
            ("thing4", "微信：wx_li2015", "微信：wx_li2015"),
            ("thing4", "QQ 12345678", "QQ 12345678"),
            ("number1", "６．６６", "6.66"),
            ("number1", "1 000", "1000"),
            ("letter1", "ａｂｃDEF", "abcDEF"),
            ("symbol1", "!@#$%", "!@#$%"),
            ("character_string2", "３１１５０９００００01", "311509000001"),
            ("character_string2", "A-1 (b)", "A-1 (b)"),
            ("phone_number4", "１３８００００００００", "13800000000"),
            ("phone_number4", "+86（391）3987 001", "+86(391)3987 001"),
            ("phone_number4", "+86 391 398 70 01 12", "+86391398700112"),
            ("car_number3", "豫H·12345", "豫H12345"),
            ("name3", "欧阳娜娜", "欧阳娜娜"),
            ("phrase1", "已通过", "已通过"),
            ("amount5", "¥ 12.50 元", "¥12.50元"),
            ("time6", "2026年11月4日 9：00~10：00", "2026年11月4日 9:00~10:00"),
            ("date6", "2026-11-04", "2026-11-04"),
            ("const1", "通过", "通过"),
        ] {
            assert_eq!(fitted(field, value).as_deref(), Ok(expected), "{field}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_ends_with_an_ellipsis() {
        for (field, value, expected) in [
            ("thing1", "一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
            ("thing1", "一二三四五六七八九十一二三四五六七八九十多", "一二三四五六七八九十一二三四五六七八九…"),
            ("name3", "欧阳娜娜一二三四五六七八", "欧阳娜娜一二三四五…"),
            ("name3", "Bartholomew Featherstonehaugh", "Bartholomew Feather…"),
            ("character_string2", "A-0123456789012345678901234567890123", "A-012345678901234567890123456..."),
        ] {
            assert_eq!(fitted(field, value).as_deref(), Ok(expected), "{field}");
        }
        let comment = fitted("thing5", &"捡到请联系我，谢谢！".repeat(30)).unwrap();
        assert!(comment.encode_utf16().count() == 20 && comment.ends_with('…'), "{comment}");
        assert_eq!(fitted("thing1", &"😀".repeat(30)), Ok(format!("{}…", "😀".repeat(9))), "each counts twice");
    }

    #[test]
    fn what_would_lose_its_meaning_is_refused() {
        for (field, value) in [
            ("phone_number4", "微信：wx_li2015"),
            ("phone_number4", "QQ 12345678"),
            ("phone_number4", "138000000001380000000013800000000"),
            ("phone_number4", "()"),
            ("number1", "12345678901234567890123456789012345"),
            ("number1", "共 6.66 元"),
            ("number1", "6.66.1"),
            ("letter1", "abc 中文 DEF1"),
            ("symbol1", "!@#$%^&"),
            ("character_string2", "学号 311509000001"),
            ("car_number3", "豫H·12345挂车辆"),
            ("name3", "张三3号"),
            ("phrase1", "已经通过审核ok"),
            ("amount5", "¥ 12.50 元整"),
            ("time1", "改天"),
            ("date1", "周五"),
        ] {
            assert!(matches!(fitted(field, value), Err(Unfit(takes)) if !takes.is_empty()), "{field} {value}");
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
            let field = format!("{kind}1");
            for value in ["", " \n ", "\u{0}", "中", "a", "1", "😀", ".", "…"] {
                let fitted = fitted(&field, value);
                assert!(fitted.as_ref().map_or(true, |text| !text.is_empty()), "{kind} of {value:?}");
                assert!(fitted.is_ok() || !value.trim().is_empty(), "{kind} has a filler");
            }
        }
        assert_eq!(fitted("time1", "").as_deref(), Ok("2026年11月04日 09:05"));
        assert_eq!(fitted("date1", "").as_deref(), Ok("2026年11月04日"));
    }
}
