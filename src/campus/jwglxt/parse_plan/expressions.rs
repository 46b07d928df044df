//! Texts that a script joins: `"必修课程&nbsp;"+$.i18n.get('yqxf')+":41.0"`. Nothing is evaluated: only literals are looked
//! at, and the signs that part one expression from the next.

use super::{HAVE, MISSING, NEED};

/// The names by which a script asks for words, and these words in the language of the pages.
const WORDS: [(&str, &str); 3] = [("yqxf", NEED), ("hdxf", HAVE), ("whdxf", MISSING)];

/// The joined literals of each expression of a script, in the order of the script. Numbers and variables are left out.
pub(super) fn expressions(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut joined = String::new();
    // The bracket that closes next is that of a word asked for.
    let mut in_word = false;
    let mut rest = script;
    while let Some(c) = rest.chars().next() {
        let length = if let Some(length) = comment(rest) {
            length
        } else if matches!(c, '"' | '\'') {
            let (text, length) = literal(rest, c);
            let word = WORDS.into_iter().find_map(|(name, word)| (text.as_deref() == Some(name)).then_some(word));
            in_word = word.is_some();
            joined.push_str(word.or(text.as_deref()).unwrap_or_default());
            length
        } else {
            let parts = matches!(c, ';' | ',' | '=' | '{' | '}') || (c == ')' && !in_word);
            in_word &= c != ')';
            if parts && !joined.is_empty() {
                found.push(std::mem::take(&mut joined));
            }
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    found.extend(Some(joined).filter(|joined| !joined.is_empty()));
    found
}

/// The length of the comment at the beginning of `text`.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let length = text.strip_prefix("/*")?.find("*/");
    Some(length.map_or(text.len(), |length| length + "/**/".len()))
}

/// The literal at the beginning of `text`, which begins with `quote`, and its length. A literal that does not end in
/// its line is none; then the length is that of the line, so that no text is looked at twice.
fn literal(text: &str, quote: char) -> (Option<String>, usize) {
    let mut literal = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return (Some(literal), at + 1),
            '\n' | '\r' => return (None, at),
            '\\' => match chars.next() {
                Some((_, 'n' | 'r' | 't')) => literal.push(' '),
                Some((at, 'u')) => match text.get(at + 1..at + 5).and_then(character) {
                    Some(character) => {
                        literal.push(character);
                        // The four digits are ASCII, a character each.
                        chars.nth(3);
                    }
                    None => literal.push('u'),
                },
                Some((_, escaped)) => literal.push(escaped),
                None => break,
            },
            c => literal.push(c),
        }
    }
    (None, text.len())
}

/// The character of four hexadecimal digits.
fn character(digits: &str) -> Option<char> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| is_number)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn literals_that_are_joined_are_one_text() {
        assert_eq!(
            expressions(r#"var a = "甲" + b + '乙'; f("丙", '丁'+"戊"); g('己')"#),
            ["甲乙", "丙", "丁戊", "己"]
        );
        assert_eq!(expressions("x = 1; y()"), Vec::<String>::new());
    }

    #[test]
    fn words_that_are_asked_for_stand_in_their_places() {
        let script =
            r##"$("#a").html("甲&nbsp;"+$.i18n.get('yqxf')/* 'no' */+":1&nbsp;"+$.i18n.get( "whdxf" ) + ":2");"##;
        assert_eq!(expressions(script), ["#a", "甲&nbsp;要求学分:1&nbsp;未获得学分:2"]);
        assert_eq!(expressions("get('other')+':1'"), ["other", ":1"]);
    }

    #[test]
    fn comments_are_left_out_and_escapes_undone() {
        assert_eq!(expressions("// \"a\"\n'http://b' /* \"c\" */ + 'd'"), ["http://bd"]);
        assert_eq!(expressions(r#"'a\'\"\n\u8bfe\u8b/'"#), ["a'\" 课u8b/"]);
        assert_eq!(expressions("/* 'a'"), Vec::<String>::new());
    }

    #[test]
    fn a_quotation_mark_alone_hides_no_more_than_its_line() {
        assert_eq!(expressions("s.replace(/\"/g, x);\nf('a')"), ["a"]);
        assert_eq!(expressions("'a"), Vec::<String>::new());
        assert_eq!(expressions("'a\\"), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn any_text_is_cut_without_a_panic(text in r#"[a-fu'"\\\\(){}+;,/*\n é中]{0,60}"#) {
            let _ = expressions(&text);
        }
    }
}
