//! Requests byte by byte, which no HTTP client would send.

use std::net::SocketAddr;

use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::in_time;

/// Sends `request` and reads status, headers and body (which must have a length) of the answer. The request should ask
/// for the connection to be closed.
pub async fn raw(addr: SocketAddr, request: &[u8]) -> (StatusCode, HeaderMap, Vec<u8>) {
    exchange(addr, request, false).await
}

/// Sends the beginning of a request, ends the sending side, and reads the answer.
pub async fn raw_cut_off(addr: SocketAddr, beginning: &[u8]) -> (StatusCode, HeaderMap, Vec<u8>) {
    exchange(addr, beginning, true).await
}

async fn exchange(addr: SocketAddr, request: &[u8], cut: bool) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut received = Vec::new();
    in_time("the answer to a raw request", async {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request).await.unwrap();
        if cut {
            stream.shutdown().await.unwrap();
        }
        stream.read_to_end(&mut received).await.unwrap();
    })
    .await;
    parse(&received).unwrap_or_else(|| panic!("no answer to {:?}", String::from_utf8_lossy(request)))
}

/// The first answer in `received`.
fn parse(received: &[u8]) -> Option<(StatusCode, HeaderMap, Vec<u8>)> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        headers.insert(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    let length = headers.get("content-length")?.to_str().ok()?.parse::<usize>().ok()?;
    Some((status, headers, received.get(end + 4..end + 4 + length)?.to_vec()))
}
