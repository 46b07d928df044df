//! Rewrites relayed pages as the VPN does: adds its scripts, puts its prefix before URLs, and wraps inline handlers and
//! scripts so that it can flush its cache.

use std::borrow::Cow;

/// Code before (after `var ` in a quoted attribute) and after a wrapped handler.
const HANDLER_START: &str = "SF_FUNC_cache_flush_tmp=SF_FUNC_cache_flush;";
const HANDLER_END: &str = "SF_FUNC_cache_flush_tmp();";
const SCRIPT_END: &str = "\n;if(typeof(SF_FUNC_cache_flush)=='function')SF_FUNC_cache_flush();\n";
const PAGE_END: &str = "\r\n<script language=\"javascript\" sf_script=\"1\">if(typeof(SF_FUNC_Page_End)=='function')SF_FUNC_Page_End();</script>";

/// Attributes that hold URLs.
const URL_ATTRIBUTES: [&str; 3] = ["href", "src", "action"];

/// The page as it leaves the VPN that is served under `mount`; `host` is where it came from.
pub(super) fn rewrite(page: &str, mount: &str, host: &str) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 4 + 600);
    let mut rest = page;
    let mut scripts_in = false;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        if rest.starts_with("<!--") {
            let end = rest.find("-->").map_or(rest.len(), |end| end + 3);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let Some(end) = tag_end(rest) else { break };
        let tag = &rest[..end];
        rewrite_tag(&mut out, tag, mount, host);
        if !scripts_in && is_tag(tag, "<html") {
            scripts_in = true;
            out.push_str(&injected(mount));
        }
        rest = &rest[end..];
        if is_tag(tag, "<script") {
            // Up to its end a script is no markup.
            let end = rest.find("</").unwrap_or(rest.len());
            let script = &rest[..end];
            out.push_str(script);
            out.push_str(if script.trim().is_empty() { "" } else { SCRIPT_END });
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    out.push_str(PAGE_END);
    out
}

fn injected(mount: &str) -> String {
    format!(
        "\n<script language=\"JavaScript\" src=\"{mount}/com/svpn_websvc_functions.js\" charset=\"utf-8\" sf_script=\"1\"></script>\n\
         <script type=\"text/vbscript\" src=\"{mount}/com/svpn_websvc_functions.vbs\" charset=\"utf-8\" sf_script=\"1\"></script>\
         <script sf_script=\"1\"></script>\n"
    )
}

fn is_tag(tag: &str, name: &str) -> bool {
    tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

/// Index right behind the `>` that ends the tag; a `>` in quotes does not.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (index, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(index + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The address that leads through the VPN to where `url` leads inside. One relative to the page does so already.
fn relayed<'a>(url: &'a str, mount: &str, host: &str) -> Cow<'a, str> {
    let (host, path) = match url.strip_prefix("http://").or_else(|| url.strip_prefix("//")) {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None if url.starts_with('/') => (host, url),
        None => return Cow::Borrowed(url),
    };
    Cow::Owned(format!("{mount}/web/2/http/1/{host}{path}"))
}

/// Copies a tag, changing the attributes that are to be changed.
fn rewrite_tag(out: &mut String, tag: &str, mount: &str, host: &str) {
    let mut rest = tag;
    while let Some(equals) = rest.find('=') {
        let name = rest[..equals].rsplit(char::is_whitespace).next().unwrap_or_default();
        out.push_str(&rest[..=equals]);
        let handler = name.len() > 2 && name[..2].eq_ignore_ascii_case("on");
        let url = URL_ATTRIBUTES.iter().any(|attribute| name.eq_ignore_ascii_case(attribute));
        rest = &rest[equals + 1..];
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => rest[1..].split_once(quote).unwrap_or((&rest[1..], "")),
            None => rest.split_at(rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len())),
        };
        out.extend(quote);
        if handler {
            // Without quotes there may be no space in the value, so the VPN leaves `var` out.
            let declare = if quote.is_some() { "var " } else { "" };
            out.push_str(declare);
            out.push_str(HANDLER_START);
            out.push_str(value);
            out.push_str(if value.ends_with(';') { "" } else { ";" });
            out.push_str(HANDLER_END);
        } else {
            out.push_str(&if url { relayed(value, mount, host) } else { Cow::Borrowed(value) });
        }
        out.extend(quote);
        rest = after;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    #[test]
    fn urls_get_the_prefix_and_handlers_are_wrapped() {
        let page = "<HTML><link href=\"/css/a.css\"><tr class=odd onMouseOut=this.x='a'; onClick=\"go(this)\"><a href='b.do?x=1&y=/z'>";
        let out = rewrite(page, "/vpn", "10.0.0.1");
        assert!(out.contains("sf_script=\"1\""), "{out}");
        assert!(out.contains("href=\"/vpn/web/2/http/1/10.0.0.1/css/a.css\""), "{out}");
        assert!(
            out.contains(
                "onClick=\"var SF_FUNC_cache_flush_tmp=SF_FUNC_cache_flush;go(this);SF_FUNC_cache_flush_tmp();\""
            ),
            "{out}"
        );
        assert!(
            out.contains(
                "onMouseOut=SF_FUNC_cache_flush_tmp=SF_FUNC_cache_flush;this.x='a';SF_FUNC_cache_flush_tmp(); "
            ),
            "{out}"
        );
        assert!(out.contains("<a href='b.do?x=1&y=/z'>"), "a relative link stays: {out}");
    }

    #[test]
    fn addresses_of_other_hosts_lead_through_the_vpn_too() {
        let out = rewrite("<a href=\"http://10.0.0.2:81/x?y=1\"><a href=//h2><a href=https://h3/>", "/vpn", "10.0.0.1");
        assert!(out.contains("href=\"/vpn/web/2/http/1/10.0.0.2:81/x?y=1\""), "{out}");
        assert!(out.contains("href=/vpn/web/2/http/1/h2>"), "{out}");
        assert!(out.contains("href=https://h3/>"), "what is encrypted is not relayed: {out}");
    }

    #[test]
    fn a_script_of_the_page_flushes_at_its_end_and_a_comment_stays() {
        let out = rewrite("<!-- <a href=\"/x\"> --><script>var a = 1 < 2;</script>text", "/vpn", "h");
        assert!(out.starts_with("<!-- <a href=\"/x\"> -->"), "{out}");
        assert!(out.contains("SF_FUNC_cache_flush();\n</script>text"), "{out}");
    }

    #[test]
    fn a_page_that_breaks_off_is_passed_on() {
        assert!(rewrite("abc <td class=\"x", "/vpn", "h").starts_with("abc <td class=\"x"));
    }
}
