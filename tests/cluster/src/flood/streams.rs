//! HTTP/2 (RFC 9113) by hand, because no client library leaves a request unfinished: a hundred streams per connection,
//! each with the first byte of its body.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::{
    Tally,
    line::{Door, NAME, Target},
};

/// Connections, and streams on each: the least that RFC 9113 §6.5.2 recommends a server to allow.
const CONNECTIONS: usize = 200;
const STREAMS: u32 = 100;

/// Pause before a closed connection is replaced.
const AGAIN: Duration = Duration::from_millis(500);

/// Frame types (RFC 9113 §6) and the flag for complete headers.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header field as a literal without indexing, with a new name (RFC 7541 §6.2.2). Name and value must be shorter than
/// 127 bytes.
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap_or_default()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// The connection preface and all streams.
fn begun() -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", "/api/login"),
        (":authority", NAME),
        ("content-type", "application/json"),
        ("content-length", "14000"),
    ];
    let head: Vec<u8> = fields.into_iter().flat_map(|(name, value)| field(name, value)).collect();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    for stream in (1..).step_by(2).take(STREAMS as usize) {
        bytes.extend(frame(HEADERS, END_HEADERS, stream, &head));
        bytes.extend(frame(DATA, 0, stream, b"{"));
    }
    bytes
}

/// Keeps the connections open.
pub fn streams(target: &Target, tally: &Tally) -> JoinSet<()> {
    let begun: Arc<[u8]> = begun().into();
    let hold = |n: usize| {
        let (target, tally, begun) = (target.clone(), tally.clone(), Arc::clone(&begun));
        let door = if n.is_multiple_of(2) { Door::TlsHttp2 } else { Door::Plain };
        async move {
            loop {
                match target.connect(door, None).await {
                    Ok(mut line) => {
                        tally.opened();
                        let _ = line.send(&begun).await;
                        match line.closed().await {
                            Some(status) => tally.answered(status),
                            None => tally.refused(),
                        }
                    }
                    Err(_) => tally.refused(),
                }
                sleep(AGAIN).await;
            }
        }
    };
    (0..CONNECTIONS).map(hold).collect()
}
