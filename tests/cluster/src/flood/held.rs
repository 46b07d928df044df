//! Held connections: each sends the beginning of something and then nothing, or almost nothing, until it is closed;
//! then another one is opened.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::{
    Tally,
    line::{Door, Line, Target, head},
};

/// Pause before a closed connection is replaced.
const AGAIN: Duration = Duration::from_millis(500);

/// Pause between two single bytes of a request.
const DRIBBLE: Duration = Duration::from_secs(1);

/// How long a client that reads nothing waits before it starts again.
const UNREAD: Duration = Duration::from_mins(1);

/// Smallest receive buffer of Linux, in bytes.
const NO_WINDOW: u32 = 2048;

/// More connections than one address may have open.
const CROWD: usize = 4500;

/// Connections that do not read their answer.
const READERS: usize = 600;

/// Workers that open and close connections.
const BURST: usize = 64;

/// Paths that read a body, that answer without reading it, and that do not exist.
const PATHS: [&str; 4] = ["/api/login", "/api/user", "/api/upload", "/nope"];

/// What an open connection does until it is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Waits.
    Wait,
    /// Sends a byte now and then.
    Dribble,
    /// Does not even read.
    LookAway,
}

/// Keeps `count` connections open; `first` returns door and first bytes for each number.
fn keep(
    target: &Target,
    tally: &Tally,
    count: usize,
    then: Then,
    first: impl Fn(usize) -> (Door, Arc<[u8]>),
) -> JoinSet<()> {
    let hold = |n| {
        let (target, tally, (door, first)) = (target.clone(), tally.clone(), first(n));
        async move {
            let window = (then == Then::LookAway).then_some(NO_WINDOW);
            loop {
                match target.connect(door, window).await {
                    Ok(line) => {
                        tally.opened();
                        hold(line, &tally, &first, then).await;
                    }
                    Err(_) => tally.refused(),
                }
                sleep(AGAIN).await;
            }
        }
    };
    (0..count).map(hold).collect()
}

async fn hold(mut line: Line, tally: &Tally, first: &[u8], then: Then) {
    // An early refusal is answered although the request could not be sent completely.
    let _ = line.send(first).await;
    let answer = match then {
        Then::Wait => line.closed().await,
        Then::Dribble => loop {
            sleep(DRIBBLE).await;
            if line.send(b"a").await.is_err() {
                break line.closed().await;
            }
        },
        Then::LookAway => return sleep(UNREAD).await,
    };
    match answer {
        Some(status) => tally.answered(status),
        None => tally.refused(),
    }
}

fn both_doors(n: usize) -> Door {
    if n.is_multiple_of(2) { Door::Tls } else { Door::Plain }
}

/// Requests whose headers never end.
pub fn headers(target: &Target, tally: &Tally) -> JoinSet<()> {
    let first: Arc<[u8]> = format!("{}x-endless: ", head("GET", "/", &[])).into_bytes().into();
    keep(target, tally, CROWD, Then::Dribble, |n| (both_doors(n), Arc::clone(&first)))
}

/// Bodies with a declared length of `length` bytes that stop after `sent`.
pub fn bodies(target: &Target, tally: &Tally, count: usize, length: usize, sent: usize) -> JoinSet<()> {
    let request = |path| -> Arc<[u8]> {
        let length = length.to_string();
        let kind = if path == "/api/upload" { "multipart/form-data; boundary=x" } else { "application/json" };
        let head = head("POST", path, &[("content-type", kind), ("content-length", &length)]);
        [format!("{head}\r\n").as_bytes(), &vec![b'a'; sent]].concat().into()
    };
    let requests = PATHS.map(request);
    keep(target, tally, count, Then::Wait, |n| (Door::Tls, Arc::clone(&requests[n % PATHS.len()])))
}

/// Downloads of a file that nobody reads.
pub fn downloads(target: &Target, tally: &Tally, file: &str) -> JoinSet<()> {
    let first: Arc<[u8]> = format!("{}\r\n", head("GET", file, &[])).into_bytes().into();
    keep(target, tally, READERS, Then::LookAway, |_| (Door::Tls, Arc::clone(&first)))
}

/// Connections that send nothing.
pub fn idle(target: &Target, tally: &Tally) -> JoinSet<()> {
    keep(target, tally, CROWD, Then::Wait, |n| (both_doors(n), Arc::new([])))
}

/// Connections that are opened and closed as fast as possible.
pub fn burst(target: &Target, tally: &Tally) -> JoinSet<()> {
    let work = |n| {
        let (target, tally) = (target.clone(), tally.clone());
        async move {
            loop {
                match target.connect(if n % 4 == 0 { Door::Tls } else { Door::Plain }, None).await {
                    Ok(line) => {
                        tally.opened();
                        drop(line);
                    }
                    Err(_) => tally.refused(),
                }
            }
        }
    };
    (0..BURST).map(work).collect()
}
