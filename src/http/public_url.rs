//! Where this service is reached from outside, for links that leave it.

use std::net::SocketAddr;

use axum::{
    extract::ConnectInfo,
    http::{header::HOST, request::Parts, uri::Authority},
};
use url::Url;

use crate::{config::Listen, error::ApiError};

/// The public base: `WEHPU_PUBLIC_URL`, else what the request was sent to. `https` is believed only of a trusted proxy
/// that says so (`X-Forwarded-Proto`).
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
    let scheme = if is_https(listen, request) { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{authority}/")).map_err(|_| insane())
}

fn is_https(listen: &Listen, request: &Parts) -> bool {
    let Some(ConnectInfo(peer)) = request.extensions.get::<ConnectInfo<SocketAddr>>() else { return false };
    let peer = peer.ip().to_canonical();
    listen.trusted_proxies.iter().any(|net| net.contains(&peer))
        && request.headers.get("x-forwarded-proto").is_some_and(|value| value.as_bytes() == b"https")
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
            public_url: public.map(|url| url.parse().unwrap()),
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        }
    }

    fn request(host: &str, proto: Option<&str>, peer: &str) -> Parts {
        let mut request = Request::builder().header(HOST, host);
        if let Some(proto) = proto {
            request = request.header("x-forwarded-proto", proto);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        parts
    }

    #[test]
    fn the_configured_address_wins_and_keeps_its_path() {
        let base = base(&listen(Some("https://a.example/wehpu")), &request("evil.example", None, "10.0.0.1")).unwrap();
        assert_eq!(below(&base, &["files", "x.png"]).as_str(), "https://a.example/wehpu/files/x.png");
    }

    #[test]
    fn https_is_believed_of_a_trusted_proxy_only() {
        let of = |host, proto, peer| base(&listen(None), &request(host, proto, peer)).map(String::from);
        assert_eq!(of("a.example", Some("https"), "10.1.2.3").unwrap(), "https://a.example/");
        assert_eq!(of("a.example", Some("https"), "::ffff:10.1.2.3").unwrap(), "https://a.example/");
        assert_eq!(of("a.example:8080", Some("https"), "192.0.2.1").unwrap(), "http://a.example:8080/");
        assert_eq!(of("[::1]:3000", None, "10.1.2.3").unwrap(), "http://[::1]:3000/");
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for host in ["", "a b", "user@a.example", "a.example/x", "a.example?x", "<a>", "a.example:x"] {
            assert!(base(&listen(None), &request(host, None, "10.0.0.1")).is_err(), "{host}");
        }
    }
}
