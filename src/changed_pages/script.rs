//! Scripts, and data in the form of JSON: the code stays, what stands in quotation marks is masked, but for the names of
//! fields.

use super::words::{masked_char, names};

/// Longest name of a field, in bytes.
const MAX_FIELD: usize = 40;

/// How far before a literal the call is looked for whose argument it is, in bytes.
const CALL_WITHIN: usize = 64;

/// Where a quotation or a comment may begin.
const BEGINS: [char; 4] = ['"', '\'', '`', '/'];

/// A script without what it says. Comments are left out.
pub(super) fn cleaned_script(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(BEGINS) {
        out.push_str(&names(&rest[..at]));
        let piece = &rest[at..];
        rest = if piece.starts_with("//") {
            &piece[piece.find(['\n', '\r']).unwrap_or(piece.len())..]
        } else if let Some(comment) = piece.strip_prefix("/*") {
            out.push(' ');
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else if let Some(after) = piece.strip_prefix('/') {
            out.push('/');
            after
        } else {
            push_literal(&text[..text.len() - piece.len()], piece, &mut out)
        };
    }
    out.push_str(&names(rest));
    out
}

/// Writes the literal that `piece` begins with, after the code `before`. Returns what follows it.
fn push_literal<'a>(before: &str, piece: &'a str, out: &mut String) -> &'a str {
    // A quotation mark is one byte.
    let (quote, text) = piece.split_at(1);
    let (content, after) = text.split_at(end_of(text, quote));
    out.push_str(quote);
    let Some(after) = after.strip_prefix(quote) else {
        push_masked(content, out);
        return after;
    };
    if is_field(before, content, after) {
        out.push_str(&names(content));
    } else {
        push_masked(content, out);
    }
    out.push_str(quote);
    after
}

/// Where a literal ends: at its quotation mark, or where it is broken off.
fn end_of(text: &str, quote: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if quote.contains(c) => return at,
            '\n' | '\r' if quote != "`" => return at,
            _ => {}
        }
    }
    text.len()
}

/// Whether a literal is the name of a field: a key, or the name that `addInput(form, "name", …)` gives an input.
fn is_field(before: &str, content: &str, after: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-$[]!".contains(&byte);
    let is_name = (1..=MAX_FIELD).contains(&content.len()) && content.bytes().all(is_of_name);
    let before = before.trim_end();
    let is_key = || after.trim_start().starts_with(':') && (before.is_empty() || before.ends_with(['{', ',']));
    is_name && (is_key() || names_an_input(before))
}

fn names_an_input(before: &str) -> bool {
    let Some(before) = before.strip_suffix(',') else { return false };
    let call = &before[before.floor_char_boundary(before.len().saturating_sub(CALL_WITHIN))..];
    let call = call.rsplit_once('(');
    call.is_some_and(|(name, form)| name.trim_end().ends_with("addInput") && !form.contains([',', '"', '\'']))
}

/// A literal, with its escapes as far as they are no letters.
fn push_masked(content: &str, out: &mut String) {
    let mut chars = content.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(masked_char(c));
            continue;
        }
        let Some(escaped) = chars.next() else { return };
        let code = match escaped {
            'u' => 4,
            'x' => 2,
            _ => 0,
        };
        if code > 0 {
            for _ in 0..code {
                if chars.next_if(char::is_ascii_hexdigit).is_none() {
                    break;
                }
            }
            out.push('某');
        } else if "\"'`\\/bfnrt\n\r".contains(escaped) {
            out.extend(['\\', escaped]);
        } else {
            out.push(masked_char(escaped));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_and_what_it_says_is_masked() {
        let script = "var unitCount = 11; // 林知夏\nvar t = [{id:2101,name:\"钟岚\",lab:false}];/* Lin */ x/2;\n\
                      a = new TaskActivity(ids.join(','),'O\\'Neil',\"20417(990015010.001)\",null,\"\\u6797\\n\");";
        let clean = "var unitCount = 11; \nvar t = [{id:2101,name:\"某某\",lab:false}];  x/2;\n\
                     a = new TaskActivity(ids.join(','),'x\\'xxxx',\"00000(000000000.000)\",null,\"某\\n\");";
        assert_eq!(cleaned_script(script), clean);
    }

    #[test]
    fn names_of_fields_stay() {
        let data =
            r#"{"xsxx":{"XM":"Lin","xh_id":2409310127},"kbList":[{"kcmc" : "电工(2)"},{"张三":95,"2409310127":1}]}"#;
        let clean =
            r#"{"xsxx":{"XM":"xxx","xh_id":0000000000},"kbList":[{"kcmc" : "某某(0)"},{"某某":95,"0000000000":1}]}"#;
        assert_eq!(cleaned_script(data), clean);
        let script = r#"bg.form.addInput(form,"ids","75011"); login("zhang"); x = y ? "li" : "wang";"#;
        let clean = r#"bg.form.addInput(form,"ids","00000"); login("xxxxx"); x = y ? "xx" : "xxxx";"#;
        assert_eq!(cleaned_script(script), clean);
    }

    #[test]
    fn a_literal_without_an_end_hides_what_follows_it_or_ends_with_its_line() {
        assert_eq!(cleaned_script("a = \"Lin\nb = 'x'"), "a = \"xxx\nb = 'x'");
        assert_eq!(cleaned_script("r = /\"/g; f(\"林\")"), "r = /\"/x; x(\"某\")");
        assert_eq!(cleaned_script("a = `Lin ${b}"), "a = `xxx ${x}");
        assert_eq!(cleaned_script("a = 'Lin\\"), "a = 'xxx");
    }
}
