//! Who a request comes from: the address of the client, as far as proxies that are trusted say so.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderValue, request::Parts},
};
use ipnet::IpNet;

use crate::app::AppState;

/// Where a request comes from, see [`of`].
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        Ok(Self(of(&app.config.listen.trusted_proxies, parts)))
    }
}

/// The address that `request` comes from: that of the connection, or, when it belongs to a trusted proxy
/// (`WEHPU_TRUSTED_PROXIES`), the last one in `X-Forwarded-For` that does not. What stands before that one is the client's own
/// word. `0.0.0.0` when the connection has no address, so that all such count as one.
#[must_use]
pub fn of(trusted: &[IpNet], request: &Parts) -> IpAddr {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let Some(peer) = peer else { return IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
    let mut client = peer;
    let mut hops = forwarded_for(&request.headers).into_iter().rev();
    while is_trusted(trusted, client) {
        // What is no address was not written by a proxy of ours: the proxy is as far as is known.
        let Some(Some(hop)) = hops.next() else { break };
        client = hop;
    }
    client
}

/// Whether `address` belongs to a proxy whose headers are believed.
#[must_use]
pub fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|net| net.contains(&address.to_canonical()))
}

/// The hops of all `X-Forwarded-For` headers in their order; `None` for what is no address.
fn forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let parse = |hop: &str| -> Option<IpAddr> {
        let hop = hop.trim();
        let address = hop.parse().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
        address.ok().map(|address| address.to_canonical())
    };
    let hops = |value: &HeaderValue| match value.to_str() {
        Ok(list) => list.split(',').map(parse).collect(),
        Err(_) => vec![None],
    };
    headers.get_all("x-forwarded-for").iter().flat_map(hops).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap()).to_vec();
        let mut request = Request::builder();
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        of(&trusted, &parts).to_string()
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_nobody_else() {
        assert_eq!(client("10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(client("192.0.2.1", &["198.51.100.9"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_the_client_wrote_before_the_proxies_counts_for_nothing() {
        assert_eq!(client("10.0.0.1", &["198.51.100.9, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["198.51.100.9", "192.0.2.7, 10.0.0.2"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["192.0.2.7,fd00::5"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["192.0.2.7, nonsense"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn addresses_are_read_in_every_way_proxies_write_them() {
        assert_eq!(client("10.0.0.1", &["192.0.2.7:4711"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["::ffff:192.0.2.7"]), "192.0.2.7");
    }

    #[test]
    fn without_a_connection_all_are_one() {
        let (parts, ()) = Request::builder().header("x-forwarded-for", "192.0.2.7").body(()).unwrap().into_parts();
        assert_eq!(of(&[], &parts), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
}
