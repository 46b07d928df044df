//! `ETag` of texts that are made again for each request.

use axum::http::{HeaderMap, header::IF_NONE_MATCH};

use crate::crypto::sha256_hex;

/// The tag of a text, quoted as the header wants it: the same for the same bytes on every replica.
#[must_use]
pub fn of(text: &[u8]) -> String {
    format!("\"{}\"", &sha256_hex(text)[..32])
}

/// Whether the caller has the text with this tag already: `If-None-Match` lists it, weakly compared, or says `*`
/// (RFC 9110, 8.8.3 and 13.1.2).
#[must_use]
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut given = lists.flat_map(|list| list.split(',')).map(str::trim);
    given.any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_known_text_is_recognised_by_its_etag() {
        let known = |value: &'static str| {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(value))]);
            is_known(&headers, "\"ab\"")
        };
        assert!(known("\"ab\"") && known("W/\"ab\"") && known("\"x\", \"ab\"") && known("*"));
        assert!(!known("ab") && !known("\"abc\"") && !is_known(&HeaderMap::new(), "\"ab\""));
    }
}
