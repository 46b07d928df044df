//! `ETag` of answers that are made again for each request.

use axum::{
    body::Body,
    http::{
        HeaderMap, Method, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::Response,
};

use crate::crypto::sha256_hex;

/// The tag of a text, quoted as the header wants it: the same for the same bytes on every replica.
#[must_use]
pub fn of(text: &[u8]) -> String {
    format!("\"{}\"", &sha256_hex(text)[..32])
}

/// What a request says of the answers that its caller has already; `None` when it says nothing, or is no read.
#[must_use]
pub fn given(method: &Method, headers: &HeaderMap) -> Option<HeaderMap> {
    if !matches!(*method, Method::GET | Method::HEAD) || !headers.contains_key(IF_NONE_MATCH) {
        return None;
    }
    let given = headers.get_all(IF_NONE_MATCH).iter();
    Some(given.map(|value| (IF_NONE_MATCH, value.clone())).collect())
}

/// The answer, or 304 without a body when the caller has it already.
#[must_use]
pub fn unless_known(given: Option<&HeaderMap>, mut response: Response) -> Response {
    let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    let known = given.zip(tag).is_some_and(|(given, tag)| is_known(given, tag));
    if known && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        for of_the_body in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_DISPOSITION] {
            response.headers_mut().remove(of_the_body);
        }
    }
    response
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
