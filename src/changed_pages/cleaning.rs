//! The cleaned copy of a page: its structure, without what tells whose page it is.
//!
//! Nothing is looked for that would have to be taken out. What stays is named instead, and everything else is masked:
//! - tags, the names of their attributes, and the values of those that give the page its structure;
//! - the first text of a header (`th`, `label`, `dt`) and, of a cell (`td`), what stands before a colon, if it has the form
//!   of a label: one word, and short;
//! - the paths of addresses and the names of their queries;
//! - the code of scripts without quotations and comments; the names of fields in JSON.
//!
//! Of all this, too, every digit of a label and every number of five and more digits becomes zeros.

use super::{
    script::cleaned_script,
    words::{is_label, label, masked, names},
};

/// Attributes whose values belong to the structure.
const STRUCTURE: [&str; 27] = [
    "align",
    "border",
    "cellpadding",
    "cellspacing",
    "checked",
    "class",
    "colspan",
    "disabled",
    "enctype",
    "for",
    "height",
    "http-equiv",
    "id",
    "language",
    "maxlength",
    "method",
    "name",
    "readonly",
    "rel",
    "rowspan",
    "selected",
    "size",
    "style",
    "target",
    "type",
    "valign",
    "width",
];

/// Attributes with an address.
const ADDRESSES: [&str; 4] = ["action", "background", "href", "src"];

/// Elements that a label may be divided by.
const WITHIN_LABELS: [&str; 16] =
    ["a", "b", "br", "em", "font", "i", "img", "input", "nobr", "small", "span", "strong", "sub", "sup", "u", "wbr"];

/// Elements whose content is text up to their end tag.
const RAW: [&str; 8] = ["iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"];

/// The cleaned copy of a page or of data in the form of JSON, at most `most` bytes of it.
pub(super) fn cleaned(text: &str, most: usize) -> String {
    let whole = text.trim();
    let is_data = whole.starts_with(['{', '[']) && (whole.ends_with(['}', ']']) || text.len() >= most);
    let text = cut(text, most);
    let clean = if is_data { cleaned_script(text) } else { cleaned_markup(text) };
    cut(&clean, most).to_owned()
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn cleaned_markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut place) = (text, Place::Other);
    loop {
        let (shown, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        place = push_text(shown, place, &mut out);
        if after.is_empty() {
            return out;
        }
        rest = if let Some(comment) = after.strip_prefix("<!--") {
            comment.split_once("-->").map_or("", |(_, after)| after)
        } else if after.starts_with("<!") || after.starts_with("<?") {
            after.split_once('>').map_or("", |(_, after)| after)
        } else if begins_tag(after) {
            // A tag that is cut off ends the copy.
            let Some((tag, after)) = Tag::read(after) else { return out };
            tag.push_to(&mut out);
            place = place.after(&tag);
            push_raw(&tag, after, &mut out)
        } else {
            out.push('<');
            &after[1..]
        };
    }
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a header, before any other text of it.
    Header,
    /// In a cell, before any other text of it.
    Cell,
    /// Elsewhere.
    Other,
}

impl Place {
    /// Where the text behind this tag stands.
    fn after(self, tag: &Tag<'_>) -> Self {
        match tag.name.as_str() {
            // A header of several columns is a title and may name the student.
            "th" if tag.has("colspan") => Self::Other,
            "th" | "label" | "dt" if !tag.is_end => Self::Header,
            "td" if !tag.is_end => Self::Cell,
            name if WITHIN_LABELS.contains(&name) => self,
            _ => Self::Other,
        }
    }
}

/// Writes a text that stands at `place`. Returns where the next one stands, if no tag moves it.
fn push_text(text: &str, place: Place, out: &mut String) -> Place {
    if text.replace("&nbsp;", " ").trim().is_empty() {
        out.push_str(&masked(text));
        return place;
    }
    let end = match (place, text.find([':', '：'])) {
        (Place::Other, _) | (Place::Cell, None) => 0,
        (Place::Header, None) => text.len(),
        (Place::Header | Place::Cell, Some(colon)) => colon,
    };
    let (head, value) = text.split_at(end);
    out.push_str(&if is_label(head) { label(head) } else { masked(head) });
    out.push_str(&masked(value));
    Place::Other
}

/// Writes the content of an element that holds no tags, if `tag` begins one. Returns what follows.
fn push_raw<'a>(tag: &Tag<'_>, text: &'a str, out: &mut String) -> &'a str {
    if tag.is_end || !RAW.contains(&tag.name.as_str()) {
        return text;
    }
    let name = tag.name.as_bytes();
    let is_end = |bytes: &[u8]| bytes.starts_with(b"</") && bytes[2..].eq_ignore_ascii_case(name);
    let end = text.as_bytes().windows(2 + name.len()).position(is_end);
    let (content, rest) = text.split_at(end.unwrap_or(text.len()));
    match tag.name.as_str() {
        "script" => out.push_str(&cleaned_script(content)),
        "style" => {}
        _ => out.push_str(&masked(content)),
    }
    rest
}

/// A tag.
struct Tag<'a> {
    is_end: bool,
    /// In lower case.
    name: String,
    attributes: Vec<Attribute<'a>>,
}

struct Attribute<'a> {
    /// In lower case.
    name: String,
    value: Option<&'a str>,
    /// The quotation mark around the value; empty without one.
    quote: &'a str,
}

/// Whether a text that begins with `<` begins with a tag.
fn begins_tag(text: &str) -> bool {
    let name = &text[1..];
    name.strip_prefix('/').unwrap_or(name).starts_with(|c: char| c.is_ascii_alphabetic())
}

impl<'a> Tag<'a> {
    /// The tag that a text begins with, and what follows; `None` where it has no end.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let inside = &text[1..];
        let (is_end, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
        let end = inside.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>')?;
        let (name, mut rest) = inside.split_at(end);
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if let Some(after) = rest.strip_prefix('>') {
                return Some((Self { is_end, name: name.to_ascii_lowercase(), attributes }, after));
            }
            let (attribute, after) = Attribute::read(rest)?;
            attributes.push(attribute);
            rest = after;
        }
    }

    fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|known| known.name == attribute)
    }

    fn push_to(&self, out: &mut String) {
        out.push_str(if self.is_end { "</" } else { "<" });
        out.push_str(&names(&self.name));
        for attribute in &self.attributes {
            out.push(' ');
            out.push_str(&names(&attribute.name));
            if let Some(value) = attribute.value {
                out.extend(["=", attribute.quote, attribute.cleaned(value).as_str(), attribute.quote]);
            }
        }
        out.push('>');
    }
}

impl<'a> Attribute<'a> {
    /// The attribute that a text begins with, and what follows; `None` where it has no end.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        // An equals sign in front belongs to the name.
        let from = usize::from(text.starts_with('='));
        let end = from + text[from..].find(|c: char| c.is_ascii_whitespace() || "/>=".contains(c))?;
        let (name, after) = text.split_at(end);
        let name = name.to_ascii_lowercase();
        let Some(value) = after.trim_ascii_start().strip_prefix('=') else {
            return Some((Self { name, value: None, quote: "" }, after));
        };
        let value = value.trim_ascii_start();
        if value.starts_with(['"', '\'']) {
            // A quotation mark is one byte.
            let (quote, value) = value.split_at(1);
            let (value, after) = value.split_once(quote)?;
            return Some((Self { name, value: Some(value), quote }, after));
        }
        let (value, after) = value.split_at(value.find(|c: char| c.is_ascii_whitespace() || c == '>')?);
        Some((Self { name, value: Some(value), quote: "" }, after))
    }

    fn cleaned(&self, value: &str) -> String {
        let name = self.name.as_str();
        if ADDRESSES.contains(&name) {
            cleaned_address(value)
        } else if name.starts_with("on") {
            cleaned_handler(value)
        } else if STRUCTURE.contains(&name) && !value.contains(['@', '&']) {
            names(value)
        } else {
            masked(value)
        }
    }
}

/// A script in an attribute. Quotation marks may be hidden in signs of HTML, so that of such a script nothing is kept.
fn cleaned_handler(value: &str) -> String {
    if value.contains('&') { masked(value) } else { cleaned_script(value) }
}

/// An address with its path and the names of its query.
fn cleaned_address(value: &str) -> String {
    const SCRIPT: &str = "javascript:";
    if value.trim_start().get(..SCRIPT.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCRIPT)) {
        return cleaned_handler(value);
    }
    let (path, query) = value.split_at(value.find('?').unwrap_or(value.len()));
    // Behind these come session ids, parts of the page, and data.
    let (path, rest) = path.split_at(path.find([';', '#']).unwrap_or(path.len()));
    let mut out = if path.contains(['@', '%', '&']) { masked(path) } else { names(path) };
    out.push_str(&masked(rest));
    let Some(query) = query.strip_prefix('?') else { return out };
    let fields = query.split('&').map(|field| match field.split_once('=') {
        Some((name, value)) => format!("{}={}", names(name), masked(value)),
        None => masked(field),
    });
    out.push('?');
    out.push_str(&fields.collect::<Vec<_>>().join("&"));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn clean(text: &str) -> String {
        cleaned(text, usize::MAX)
    }

    /// The longest number of a text that is not all zeros, in digits.
    fn longest_number(text: &str) -> usize {
        let numbers = text.split(|c: char| !c.is_ascii_digit());
        numbers.filter(|number| !number.trim_matches('0').is_empty()).map(str::len).max().unwrap_or_default()
    }

    #[test]
    fn a_record_keeps_its_labels_and_loses_who_it_is_of() {
        let copy = clean(&fixture("eams/record.html"));
        for kept in [
            "<div id=\"tabPage1\"><table class=\"infoTable\" width=\"100%\">",
            "<td class=\"title\">学号：</td><td>000000000000</td><td class=\"title\">姓名：</td><td>某某某</td>",
            "src=\"/eams/showSelfAvatar.action?user.name=000000000000\" alt=\"某某\"",
            "<td>xxx@xxxxxxx.xxxxxxx</td>",
        ] {
            assert!(copy.contains(kept), "{kept}\n{copy}");
        }
        for lost in ["林", "311509000001", "lin@", "父亲", "示范路", "测绘", "2024-09-01"] {
            assert!(!copy.contains(lost), "{lost}\n{copy}");
        }
    }

    #[test]
    fn a_course_table_keeps_headers_and_script_and_loses_teachers_and_courses() {
        let copy = clean(&fixture("eams/course.html"));
        for kept in [
            "<th>课程序号</th><th>教师</th>",
            "<td id=\"TD11_0\"></td>",
            "var unitCount = 11;",
            "{id:2101,name:\"某某\",lab:false}",
            "\"00000(000000000.000)\"",
            "table0.marshalTable(2,1,20);",
            "courseTableForStd!taskTable.action?lesson.id=00000\"",
            "onclick=\"return bg.Go(this,null)\"",
        ] {
            assert!(copy.contains(kept), "{kept}\n{copy}");
        }
        for lost in ["钟岚", "贺一舟", "Neil", "高等数学", "雨天", "20417"] {
            assert!(!copy.contains(lost), "{lost}");
        }
    }

    #[test]
    fn data_keeps_the_names_of_its_fields() {
        let copy = clean(&fixture("jwglxt/table.json"));
        for kept in ["{\"xsxx\":{\"XM\":\"某某某\",\"XH\":\"0000000000\"", "\"kcmc\":\"", "\"xqj\":\"0\""] {
            assert!(copy.contains(kept), "{kept}\n{copy}");
        }
        assert!(!copy.contains("林知夏") && !copy.contains("2409310127"), "{copy}");
    }

    #[test]
    fn a_form_keeps_its_fields_and_loses_their_values() {
        let page = "<FORM Action='/cas/login;jsessionid=AB12?service=https%3A%2F%2Fjw.cn&amp;u=lin#me' method=post>\
                    <input type=\"hidden\" name=\"execution\" value=\"e1s1_9f86\"/><input name=lt value=LT-42>\
                    <meta content=\"text/html; charset=gbk\"><a href=\"mailto:lin@example.cn\" title=\"Lin\">Lin</a>\
                    <a href=\"javascript:go('Lin',&quot;x&quot;)\">x</a><a href=\"/u/%E6%9E%97/9f86d081\">x</a></FORM>";
        let copy = "<form action='/cas/login;xxxxxxxxxx=xx00?service=xxxxx%0x%0x%0xxx.xx&amp;u=xxx#xx' method=post>\
                    <input type=\"hidden\" name=\"execution\" value=\"x0x0_0x00\"><input name=lt value=xx-00>\
                    <meta content=\"xxxx/xxxx; xxxxxxx=xxx\"><a href=\"xxxxxx:xxx@xxxxxxx.xx\" title=\"xxx\">xxx</a>\
                    <a href=\"xxxxxxxxxx:xx('xxx',&quot;x&quot;)\">x</a><a href=\"/x/%x0%0x%00/0x00x000\">x</a></form>";
        assert_eq!(clean(page), copy);
    }

    #[test]
    fn only_the_first_text_of_a_header_and_the_label_of_a_cell_are_kept() {
        for (page, copy) in [
            ("<th>&nbsp;<b>课程名</b></th>", "<th>&nbsp;<b>课程名</b></th>"),
            ("<th>姓名<br/>林知夏</th>", "<th>姓名<br>某某某</th>"),
            ("<label>姓名：<span>林知夏</span></label>", "<label>姓名：<span>某某某</span></label>"),
            ("<label>姓名：林知夏</label>林", "<label>姓名：某某某</label>某"),
            ("<th colspan=8>林知夏课表</th>", "<th colspan=8>某某某某某</th>"),
            ("<th>姓名<td>林知夏", "<th>姓名<td>某某某"),
            ("<td>身高(cm)：175</td>", "<td>身高(cm)：000</td>"),
            ("<td>林知夏同学：您好</td>", "<td>某某某某某：某某</td>"),
            ("<td>林知夏</td>", "<td>某某某</td>"),
            ("<p>姓名：林知夏</p>", "<p>某某：某某某</p>"),
            ("<title>林知夏</title><th>课</th>", "<title>某某某</title><th>课</th>"),
        ] {
            assert_eq!(clean(page), copy);
        }
    }

    #[test]
    fn comments_and_styles_are_left_out_and_what_is_cut_off_too() {
        assert_eq!(clean("<!DOCTYPE html><!-- 林 --><style>.a{}</style>1<2"), "<style></style>0<0");
        assert_eq!(clean("<p>a</p><a href=\"/lin"), "<p>x</p>");
        assert_eq!(clean("<p>a<!-- 林"), "<p>x");
        assert_eq!(clean("<SCRIPT>var a='林'</Script><p>b"), "<script>var a='某'</script><p>x");
        assert_eq!(clean("没有权限"), "某某某某");
        assert_eq!(clean("[通知] Lin"), "[某某] xxx");
    }

    #[test]
    fn a_copy_has_a_greatest_length() {
        assert_eq!(cleaned("<p>林林", 7), "<p>某");
        assert_eq!(cleaned("éé", 4), "某");
        assert_eq!(cleaned("{\"a\":\"bcd\"}", 8), "{\"a\":\"xx");
    }

    #[test]
    fn the_copy_of_a_page_is_cleaned_already() {
        for name in ["eams/record.html", "eams/course.html", "eams/entry.html", "urp/student.gbk.html", "garbage.html"]
        {
            let copy = clean(&fixture(name));
            assert_eq!(clean(&copy), copy, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_number_survives_on_a_damaged_page(page in mutilated("eams/record.html")) {
            prop_assert!(longest_number(&clean(&page)) < 5);
        }

        #[test]
        fn any_text_can_be_cleaned(text in any::<String>()) {
            prop_assert!(longest_number(&clean(&text)) < 5);
        }
    }
}
