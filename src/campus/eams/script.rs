//! Reads values out of JavaScript text. Nothing is evaluated: a script is cut into tokens, and only literals, names and
//! brackets are looked at.

use std::ops::Range;

use crate::campus::page::dom::Page;

/// The smallest piece of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'a> {
    /// A name, a keyword or a number.
    Word(&'a str),
    /// A string literal, without quotes and escapes.
    Text(String),
    /// Any other character.
    Sign(char),
}

/// A script as tokens. Places in it are counted in tokens.
#[derive(Debug)]
pub(super) struct Script<'a> {
    tokens: Vec<Token<'a>>,
    /// For each opening bracket the place of the one that closes it.
    closing: Vec<Option<usize>>,
}

/// An argument or a value, as far as it is known without running the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing between two commas, `null` or `undefined`.
    Nothing,
    /// One string literal, or several that are joined by `+`.
    Text(String),
    /// An expression. `fixed`: its literals, without those inside brackets: ` 3103` of `names.join(',')+" 3103"`.
    Code {
        /// The literals.
        fixed: String,
    },
}

/// The text of all scripts in the page, one after the other.
pub(super) fn scripts(page: &Page<'_>) -> String {
    let texts: Vec<String> = page.elements("script").map(|script| script.text().collect()).collect();
    texts.join("\n;\n")
}

impl<'a> Script<'a> {
    /// Cuts a text into tokens. Text that is no script gives tokens as well, but none that mean anything.
    pub(super) fn of(text: &'a str) -> Self {
        let tokens = tokens(text);
        let closing = closing(&tokens);
        Self { tokens, closing }
    }

    /// Number of tokens.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether this token is that name, keyword or number.
    pub(super) fn is_word(&self, at: usize, word: &str) -> bool {
        self.word(at) == Some(word)
    }

    /// Whether this token is that sign.
    pub(super) fn is_sign(&self, at: usize, sign: char) -> bool {
        self.tokens.get(at) == Some(&Token::Sign(sign))
    }

    /// The name, keyword or number at this place.
    pub(super) fn word(&self, at: usize) -> Option<&'a str> {
        match self.tokens.get(at) {
            Some(Token::Word(word)) => Some(*word),
            _ => None,
        }
    }

    /// The number at this place.
    pub(super) fn number(&self, at: usize) -> Option<u32> {
        self.word(at)?.parse().ok()
    }

    /// Whether the script uses that name anywhere.
    pub(super) fn names(&self, word: &str) -> bool {
        (0..self.len()).any(|at| self.is_word(at, word))
    }

    /// What stands between the commas within the bracket that opens at `open`, brackets inside it as a whole. Empty
    /// pieces count; an empty bracket has none. `None` where no bracket opens or where it is not closed.
    pub(super) fn items(&self, open: usize) -> Option<Vec<Range<usize>>> {
        let end = (*self.closing.get(open)?)?;
        let mut items = Vec::new();
        let (mut begin, mut at) = (open + 1, open + 1);
        while at < end {
            if self.is_sign(at, ',') {
                items.push(begin..at);
                begin = at + 1;
            }
            at = self.closing[at].unwrap_or(at) + 1;
        }
        if begin < end || !items.is_empty() {
            items.push(begin..end);
        }
        Some(items)
    }

    /// The arguments of every call of a function or method, in the order of the script. Calls that are not closed and
    /// definitions of a function of that name are left out.
    pub(super) fn calls(&self, name: &str) -> impl Iterator<Item = Vec<Range<usize>>> {
        (0..self.len())
            .filter(move |&at| self.is_word(at, name) && self.is_sign(at + 1, '('))
            .filter(move |&at| at.checked_sub(1).is_none_or(|before| !self.is_word(before, "function")))
            .filter_map(move |at| self.items(at + 1))
    }

    /// The places where objects (or blocks) begin.
    pub(super) fn objects(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(move |&at| self.is_sign(at, '{'))
    }

    /// The value of a key in the object that opens at `open`.
    pub(super) fn field(&self, open: usize, key: &str) -> Option<Range<usize>> {
        self.items(open)?.into_iter().find_map(|item| {
            let named = match self.tokens.get(item.start)? {
                Token::Word(word) => *word == key,
                Token::Text(text) => text == key,
                Token::Sign(_) => false,
            };
            (named && self.is_sign(item.start + 1, ':')).then(|| item.start + 2..item.end)
        })
    }

    /// What is known of an argument or of the value of a key.
    pub(super) fn value(&self, span: &Range<usize>) -> Value {
        let (mut fixed, mut only_literals) = (String::new(), true);
        let mut at = span.start;
        while at < span.end {
            match &self.tokens[at] {
                Token::Text(text) => fixed.push_str(text),
                Token::Sign('+') => {}
                _ => only_literals = false,
            }
            at = self.closing[at].unwrap_or(at) + 1;
        }
        let nothing = span.is_empty()
            || (span.len() == 1 && (self.is_word(span.start, "null") || self.is_word(span.start, "undefined")));
        match (nothing, only_literals) {
            (true, _) => Value::Nothing,
            (false, true) => Value::Text(fixed),
            (false, false) => Value::Code { fixed },
        }
    }

    /// The text of a value that is a literal; a number counts as one.
    pub(super) fn text(&self, span: &Range<usize>) -> Option<String> {
        match self.value(span) {
            Value::Text(text) => Some(text),
            Value::Code { .. } if span.len() == 1 => {
                self.word(span.start).filter(|word| word.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned)
            }
            _ => None,
        }
    }

    /// The literal that a value begins with: `salt` of `'salt' + password`.
    pub(super) fn first_literal(&self, span: &Range<usize>) -> Option<String> {
        match self.tokens.get(span.start)? {
            Token::Text(text) if !span.is_empty() => Some(text.clone()),
            _ => None,
        }
    }

    /// Whether a value uses that name.
    pub(super) fn uses(&self, span: &Range<usize>, word: &str) -> bool {
        span.clone().any(|at| self.is_word(at, word))
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let last_end = text.rfind("*/").map(|at| text.len() - at);
    while let Some(c) = rest.chars().next() {
        let length = if c.is_whitespace() {
            c.len_utf8()
        } else if let Some(length) = comment(rest, last_end) {
            length
        } else if is_of_word(c) {
            let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..length]));
            length
        } else if let Some((literal, length)) = literal(rest) {
            tokens.push(Token::Text(literal));
            length
        } else {
            tokens.push(Token::Sign(c));
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The length of the comment at the beginning of `text`. One that never ends is none, so that it cannot hide the rest.
/// `last_end`: where the last `*/` of the script stands, in bytes from its end; a page full of beginnings is not searched
/// to its end for each.
fn comment(text: &str, last_end: Option<usize>) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let inside = text.strip_prefix("/*").filter(|inside| last_end.is_some_and(|end| inside.len() >= end))?;
    inside.find("*/").map(|length| length + 4)
}

/// The string literal at the beginning of `text`, and its length. A literal ends in its line, so a single quotation mark
/// in a regular expression hides no more than that line.
fn literal(text: &str) -> Option<(String, usize)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    // JavaScript's strings are UTF-16, and an escape can write half a character.
    let mut units = Vec::new();
    let mut rest = &text[1..];
    loop {
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        match c {
            _ if c == quote => return Some((String::from_utf16_lossy(&units), text.len() - rest.len())),
            '\n' | '\r' => return None,
            '\\' => rest = &rest[escaped(rest, &mut units)?..],
            c => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
        }
    }
}

/// Adds what a backslash before `text` makes of its beginning, and answers the length of that beginning.
fn escaped(text: &str, units: &mut Vec<u16>) -> Option<usize> {
    let c = text.chars().next()?;
    let digits = match c {
        'u' => text.get(1..5),
        'x' => text.get(1..3),
        _ => None,
    };
    if let Some((digits, unit)) = digits.and_then(|digits| Some((digits, u16::from_str_radix(digits, 16).ok()?))) {
        units.push(unit);
        return Some(1 + digits.len());
    }
    let plain = match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' | 'f' | 'v' | '0' => ' ',
        // The literal goes on in the next line.
        '\r' | '\n' => return Some(if text.starts_with("\r\n") { 2 } else { 1 }),
        other => other,
    };
    units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    Some(c.len_utf8())
}

/// For each opening bracket the place of its closing one. A bracket that is not closed has none, and one that closes
/// nothing is ignored.
fn closing(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    const PAIRS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];
    let mut closing = vec![None; tokens.len()];
    // The brackets that are open, and how many there are of each kind.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut counts = [0_usize; 3];
    for (at, token) in tokens.iter().enumerate() {
        let Token::Sign(sign) = token else { continue };
        if let Some(kind) = PAIRS.iter().position(|(opening, _)| opening == sign) {
            open.push((at, kind));
            counts[kind] += 1;
        } else if let Some(kind) = PAIRS.iter().position(|(_, closing)| closing == sign) {
            while counts[kind] > 0
                && let Some((begin, of)) = open.pop()
            {
                counts[of] -= 1;
                if of == kind {
                    closing[begin] = Some(at);
                    break;
                }
            }
        }
    }
    closing
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arguments(call: &str) -> Vec<Value> {
        let script = Script::of(call);
        let arguments = script.calls("f").next().expect("a call");
        arguments.iter().map(|argument| script.value(argument)).collect()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn code(fixed: &str) -> Value {
        Value::Code { fixed: fixed.to_owned() }
    }

    #[test]
    fn arguments_are_split_at_commas_outside_quotes_and_brackets() {
        assert_eq!(
            arguments(r#"f(ids.join(','), "a,(b", ,'',null,x, {a:[1,2]}, 'c' ) ;"#),
            [code(""), text("a,(b"), Value::Nothing, text(""), Value::Nothing, code(""), code(""), text("c")]
        );
        assert_eq!(arguments("f()"), []);
        assert_eq!(arguments("f(,)"), [Value::Nothing, Value::Nothing]);
    }

    #[test]
    fn literals_that_are_joined_are_one_and_those_beside_code_are_kept() {
        assert_eq!(arguments(r#"f("a"+'b', names.join(',')+" ROOM")"#), [text("ab"), code(" ROOM")]);
    }

    #[test]
    fn escapes_in_literals_are_undone() {
        assert_eq!(arguments(r"f('O\'N', '\u4e2d\x41\ud83d\ude00')"), [text("O'N"), text("中A😀")]);
        assert_eq!(arguments("f('a\\\nb', '\\u12')"), [text("ab"), text("u12")]);
    }

    #[test]
    fn a_single_quotation_mark_hides_no_more_than_its_line() {
        assert_eq!(arguments("s.replace(/'/g, '');\nf('a')"), [text("a")]);
        assert_eq!(arguments("// it's a comment\n/* f('b') ' */ f('a' /* , */, 'c')"), [text("a"), text("c")]);
    }

    #[test]
    fn definitions_and_calls_that_are_not_closed_are_no_calls() {
        for script in ["function f(a, b) {}", "f('a', (", "f('a]", "g(1)"] {
            assert_eq!(Script::of(script).calls("f").count(), 0, "{script}");
        }
        assert_eq!(arguments("[(; f('a') }"), [text("a")], "brackets around it are damaged");
    }

    #[test]
    fn values_of_objects_are_found_by_their_keys() {
        let script = Script::of(r#"x = {id:224, "name" : "1", 'in':{id:5}, flag:true}"#);
        let open = script.objects().next().unwrap();
        let value = |key| script.field(open, key).and_then(|span| script.text(&span));
        assert_eq!(["id", "name"].map(value), [Some("224".to_owned()), Some("1".to_owned())]);
        assert_eq!([value("flag"), value("none")], [None, None]);
        assert_eq!(script.objects().count(), 2);
    }

    proptest! {
        #[test]
        fn any_text_is_cut_without_a_panic(text in r#"[a-f'"\\\\(){}\[\],+:/*\n é中]{0,60}"#) {
            let script = Script::of(&text);
            for call in script.calls("f") {
                for argument in &call {
                    let _ = (script.value(argument), script.text(argument), script.uses(argument, "a"));
                }
            }
            for open in script.objects() {
                let _ = script.field(open, "a");
            }
        }
    }
}
