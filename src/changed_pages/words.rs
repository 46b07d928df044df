//! What becomes of the words of a page: masked, kept as a label, or kept as a name that the page gives its own parts.

/// Signs of Chinese texts, which tell nothing about anybody.
const SIGNS: &str = "：，。、；！？（）《》【】“”‘’—…·￥";

/// Signs of HTML that are left as they are; any other may be a character of a name.
const ENTITIES: [&str; 7] = ["nbsp", "ensp", "emsp", "lt", "gt", "amp", "quot"];

/// Longest sign of HTML, in bytes.
const MAX_ENTITY: usize = 12;

/// From this length on a number may be that of a person, a card or a telephone.
const LONG_NUMBER: usize = 5;

/// From this length on a word may be a secret, if letters and digits take turns in it this often.
const SECRET_LENGTH: usize = 8;
const SECRET_TURNS: usize = 3;

/// Longest label, in characters: `1000米跑/800米跑` has 13.
const MAX_LABEL: usize = 16;

/// Signs within a label.
const LABEL_SIGNS: &str = "/()（）[]、·%*._-+";

/// Words beside which a person is named or spoken to.
const PERSONAL: [&str; 4] = ["的", "您", "你", "同学"];

/// The character that stands for this one: `0` for a digit, `x` for a letter, `某` for any other that is no sign.
pub(super) fn masked_char(c: char) -> char {
    match c {
        '0'..='9' => '0',
        'a'..='z' | 'A'..='Z' => 'x',
        _ if c.is_ascii() || c.is_whitespace() || SIGNS.contains(c) => c,
        _ => '某',
    }
}

/// A text of a page with every letter and digit masked.
pub(super) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = if let Some((name, after)) = entity(rest) {
            if ENTITIES.contains(&name) {
                out.extend(["&", name, ";"]);
            } else {
                out.push('某');
            }
            after
        } else {
            out.push(masked_char(c));
            &rest[c.len_utf8()..]
        };
    }
    out
}

/// The name of the sign `&…;` that a text begins with, and what follows.
fn entity(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('&')?;
    let end = text.bytes().take(MAX_ENTITY).position(|byte| byte == b';')?;
    let name = &text[..end];
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#');
    is_name.then(|| (name, &text[end + 1..]))
}

/// Whether a text has the form of a label: one short word, or one that is spaced out (`姓 名`).
pub(super) fn is_label(text: &str) -> bool {
    let text = text.replace("&nbsp;", " ");
    let parts: Vec<&str> = text.split_whitespace().collect();
    let label = parts.concat();
    let is_one_word = parts.len() == 1 || parts.iter().all(|part| part.chars().count() == 1);
    let count = |signs: [char; 2]| label.matches(signs).count();
    is_one_word
        && label.chars().count() <= MAX_LABEL
        && label.chars().any(char::is_alphabetic)
        && label.chars().all(|c| c.is_alphanumeric() || LABEL_SIGNS.contains(c))
        && count(['(', '（']) == count([')', '）'])
        && !label.split(|c: char| !c.is_numeric()).any(|number| number.chars().count() >= LONG_NUMBER)
        && !PERSONAL.iter().any(|word| label.contains(word))
}

/// A label without its digits.
pub(super) fn label(text: &str) -> String {
    text.chars().map(|c| if c.is_numeric() { '0' } else { c }).collect()
}

/// Names that a page gives its own parts (ids, fields, paths, the code of a script): kept, but for long numbers, words
/// that may be secrets, and characters that are not ASCII.
pub(super) fn names(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_alphanumeric() {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            push_name(word, &mut out);
            rest = after;
        } else {
            out.push(masked_char(c));
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn push_name(word: &str, out: &mut String) {
    let turns = word.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    if word.len() >= SECRET_LENGTH && turns >= SECRET_TURNS {
        out.extend(word.chars().map(masked_char));
        return;
    }
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let is_other = |other: char| other.is_ascii_digit() != c.is_ascii_digit();
        let (part, after) = rest.split_at(rest.find(is_other).unwrap_or(rest.len()));
        if c.is_ascii_digit() && part.len() >= LONG_NUMBER {
            out.extend(part.chars().map(masked_char));
        } else {
            out.push_str(part);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_of_a_text_are_masked_and_its_signs_are_not() {
        assert_eq!(masked("林知夏，Lin (138-0000-1234)：a@b.cn"), "某某某，xxx (000-0000-0000)：x@x.xx");
        assert_eq!(masked("&nbsp;&#26519;&#x77e5;&auml; &夏; & &amp;"), "&nbsp;某某某 &某; & &amp;");
        assert_eq!(masked("\u{E5E5}\u{FFFD}１２\u{3000}"), "某某某某\u{3000}");
    }

    #[test]
    fn labels_are_short_and_speak_of_nobody() {
        for label in ["学号", "&nbsp;课程号 ", "班 级", "50米跑(s)", "1000米跑/800米跑", "Name"] {
            assert!(is_label(label), "{label}");
        }
        for other in [
            "",
            "&nbsp;",
            "2017-11-02",
            "林知夏 课表",
            "林知夏的课表",
            "林知夏同学",
            "欢迎您",
            "林知夏(学号",
            "林知夏，女",
            "卡号12345",
            "lin@example",
            "&#26519;知夏",
            "一二三四五六七八九十一二三四五六七",
        ] {
            assert!(!is_label(other), "{other}");
        }
        assert_eq!(label("50米跑(s)"), "00米跑(s)");
    }

    #[test]
    fn names_of_the_page_are_kept_without_numbers_and_secrets() {
        for name in
            ["TD11_0", "ctl00_ContentPlaceHolder1_GridView1_ctl02", "courseTableForStd!courseTable.action", "a1b2"]
        {
            assert_eq!(names(name), name);
        }
        assert_eq!(names("semesterBar12345678901Semester"), "semesterBar00000000000Semester");
        assert_eq!(names("td_311509000001 = 1234 + 12345"), "td_000000000000 = 1234 + 00000");
        assert_eq!(names("t=9f86d081884c7d65"), "t=0x00x000000x0x00");
        assert_eq!(names("林/Lin"), "某/Lin");
    }
}
