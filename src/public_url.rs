//! Where this service is reached from outside, for links that leave it.

use axum::http::{header::HOST, request::Parts, uri::Authority};
use url::Url;

use crate::{config::Listen, error::ApiError};

/// The public base: `WEHPU_PUBLIC_URL`. Only in the dev profile it may be missing; then it is what the request was sent to.
///
/// # Errors
/// [`ApiError::BadRequest`] when nothing is configured and the request names no sane host.
pub fn base(listen: &Listen, request: &Parts) -> Result<Url, ApiError> {
    if let Some(url) = &listen.public_url {
        return Ok(url.clone());
    }
    let insane = || ApiError::BadRequest("请求头 Host 无效".to_owned());
    let host = request.headers.get(HOST).and_then(|value| value.to_str().ok()).ok_or_else(insane)?;
    let authority: Authority = host.parse().map_err(|_| insane())?;
    if authority.as_str().contains('@') || url::Host::parse(authority.host()).is_err() {
        return Err(insane());
    }
    Url::parse(&format!("http://{authority}/")).map_err(|_| insane())
}

/// The address of `path` below `base`, whose own path is kept.
#[must_use]
pub fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // Only addresses without a host have no path segments; configuration and `base` give none of those.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn listen(public: Option<&str>) -> Listen {
        Listen {
            bind: "127.0.0.1:0".parse().unwrap(),
            admin: "127.0.0.1:0".parse().unwrap(),
            engines: "127.0.0.1:0".parse().unwrap(),
            public_url: public.map(|url| url.parse().unwrap()),
            trusted_proxies: Vec::new(),
        }
    }

    fn request(host: &str) -> Parts {
        Request::builder().header(HOST, host).body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_configured_address_wins_and_keeps_its_path() {
        let base = base(&listen(Some("https://a.example/wehpu")), &request("evil.example")).unwrap();
        assert_eq!(below(&base, &["files", "x.png"]).as_str(), "https://a.example/wehpu/files/x.png");
    }

    #[test]
    fn without_one_the_address_is_that_of_the_request() {
        for (host, address) in [("a.example:8080", "http://a.example:8080/"), ("[::1]:3000", "http://[::1]:3000/")] {
            assert_eq!(base(&listen(None), &request(host)).unwrap().as_str(), address);
        }
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for host in ["", "a b", "user@a.example", "a.example/x", "a.example?x", "<a>", "a.example:x"] {
            assert!(base(&listen(None), &request(host)).is_err(), "{host}");
        }
    }
}
