//! Cuts a page into tags and scripts without building a tree of it: the work grows with the length of the page only, so
//! the page may have more tags than a parser of HTML is given.

use std::ops::Range;

/// Elements whose content is text up to their end tag.
const RAW: [&str; 4] = ["script", "style", "textarea", "title"];

/// A part of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A start tag: its name and its attributes.
    Start(&'a str, &'a str),
    /// An end tag.
    End(&'a str),
    /// A start tag of a script, and the script.
    Script(&'a str),
}

impl Piece<'_> {
    /// Whether it is the start tag or the end tag of such an element.
    pub(super) fn is_of(self, name: &str) -> bool {
        match self {
            Piece::Start(own, _) | Piece::End(own) => own.eq_ignore_ascii_case(name),
            Piece::Script(_) => false,
        }
    }
}

/// The parts of a page in their order, each with its place. Comments are left out, as are a `<` that begins no tag and
/// tags that are not closed.
#[derive(Debug, Clone)]
pub(super) struct Pieces<'a> {
    html: &'a str,
    at: usize,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(html: &'a str) -> Self {
        Self { html, at: 0 }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = (Range<usize>, Piece<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let begin = self.at + self.html[self.at..].find('<')?;
            let rest = &self.html[begin..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                // As in a browser, a comment that never ends hides the rest.
                self.at = comment.find("-->").map_or(self.html.len(), |length| begin + length + "<!---->".len());
                continue;
            }
            let Some(length) = tag_length(rest) else {
                self.at = begin + 1;
                continue;
            };
            self.at = begin + length;
            let tag = &rest[1..length - 1];
            if let Some(name) = tag.strip_prefix('/') {
                return Some((begin..self.at, Piece::End(name.trim_end())));
            }
            let (name, attributes) = tag.split_once(|c: char| c.is_whitespace() || c == '/').unwrap_or((tag, ""));
            let Some(raw) = RAW.into_iter().find(|raw| name.eq_ignore_ascii_case(raw)) else {
                return Some((begin..self.at, Piece::Start(name, attributes)));
            };
            let content = &self.html[self.at..];
            let content = &content[..length_of_raw(content, raw)];
            self.at += content.len();
            if raw == "script" {
                return Some((begin..self.at, Piece::Script(content)));
            }
        }
    }
}

/// The length of the tag at the beginning of `text`. `None` for a `<` that begins no tag, and for a tag that is not
/// closed before the next one.
fn tag_length(text: &str) -> Option<usize> {
    let name = text[1..].strip_prefix('/').unwrap_or(&text[1..]);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let mut quote = None;
    for (at, c) in text.char_indices().skip(1) {
        match (quote, c) {
            (None, '>') => return Some(at + 1),
            (None, '<') => return None,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// The length of `text` up to the end tag of `name`.
fn length_of_raw(text: &str, name: &str) -> usize {
    let is_end = |at: usize| text[at + 2..].get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
    text.match_indices("</").map(|(at, _)| at).find(|&at| is_end(at)).unwrap_or(text.len())
}

/// The value of an attribute of a start tag; empty for one without a value.
pub(super) fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '/')).unwrap_or(rest.len());
        let (own, after) = rest.split_at(end);
        let (value, next) = match after.trim_start().strip_prefix('=') {
            Some(assigned) => value(assigned.trim_start()),
            None => ("", after),
        };
        if own.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
}

/// The value at the beginning of `text`, and what follows it.
fn value(text: &str) -> (&str, &str) {
    match text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => text[1..].split_once(quote).unwrap_or((&text[1..], "")),
        None => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
    }
}

/// Whether the attributes name this class.
pub(super) fn is_of_class(attributes: &str, class: &str) -> bool {
    attribute(attributes, "class").is_some_and(|names| names.split_whitespace().any(|name| name == class))
}

/// What stands in the first element with that id. `None` where there is none, or where it is not closed.
pub(super) fn content_of<'a>(html: &'a str, id: &str) -> Option<&'a str> {
    let mut pieces = Pieces::of(html);
    let (begin, name) = pieces.find_map(|(place, piece)| match piece {
        Piece::Start(name, attributes) if attribute(attributes, "id") == Some(id) => Some((place.end, name)),
        _ => None,
    })?;
    let mut open = 1_usize;
    for (place, piece) in pieces.filter(|(_, piece)| piece.is_of(name)) {
        if matches!(piece, Piece::Start(..)) {
            open += 1;
        } else {
            open -= 1;
        }
        if open == 0 {
            return Some(&html[begin..place.start]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(html: &str) -> Vec<Piece<'_>> {
        Pieces::of(html).map(|(_, piece)| piece).collect()
    }

    #[test]
    fn tags_and_scripts_are_found() {
        assert_eq!(
            pieces("<!doctype html><ul class=\"a>b\"><LI/>x</LI ><br><script src=x>if(a<b)'<p>'</SCRIPT></ul>"),
            [
                Piece::Start("ul", "class=\"a>b\""),
                Piece::Start("LI", ""),
                Piece::End("LI"),
                Piece::Start("br", ""),
                Piece::Script("if(a<b)'<p>'"),
                Piece::End("SCRIPT"),
                Piece::End("ul"),
            ]
        );
    }

    #[test]
    fn comments_and_what_is_no_tag_are_left_out() {
        assert_eq!(
            pieces("a<b <p>1 < 2</p><!-- <p> --><style>p<p</style><"),
            [Piece::Start("p", ""), Piece::End("p"), Piece::End("style"),]
        );
        assert_eq!(pieces("<p><!-- <p> "), [Piece::Start("p", "")]);
    }

    #[test]
    fn attributes_are_found_with_and_without_quotes() {
        let attributes = "a b = 'x y' class=\"one two\"c=d/ ID=e f=\"";
        let read = ["a", "b", "class", "c", "id", "f", "none"].map(|name| attribute(attributes, name));
        assert_eq!(read, [Some(""), Some("x y"), Some("one two"), Some("d/"), Some("e"), Some(""), None]);
        assert!(is_of_class(attributes, "two") && !is_of_class(attributes, "one two"));
        assert_eq!(attribute("= =x", "x"), None);
    }

    #[test]
    fn the_content_of_an_element_ends_with_it() {
        let html = "<div id=a>1<DIV>2</div><p id='b'>3</p></div><div id=a>4</div>";
        assert_eq!(content_of(html, "a"), Some("1<DIV>2</div><p id='b'>3</p>"));
        assert_eq!(content_of(html, "b"), Some("3"));
        assert_eq!((content_of(html, "c"), content_of("<div id=c><div></div>", "c")), (None, None));
    }

    proptest! {
        #[test]
        fn any_text_is_cut_without_a_panic(html in "[<>/!\\-='\" apuscript中]{0,80}") {
            for (place, piece) in Pieces::of(&html) {
                prop_assert!(html[place].starts_with('<'));
                if let Piece::Start(_, attributes) = piece {
                    let _ = attribute(attributes, "p");
                }
            }
            let _ = content_of(&html, "a");
        }
    }
}
