//! Connections that are held: each says the beginning of something and then nothing, or next to nothing, until it is
//! closed; then another one is opened in its place.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::{
    Tally,
    line::{Door, Line, Target, head},
};

/// Pause before a connection is opened in place of another one.
const AGAIN: Duration = Duration::from_millis(500);

/// How often a request grows by one byte.
const DRIBBLE: Duration = Duration::from_secs(1);

/// How long a client that reads nothing waits until it begins anew.
const UNREAD: Duration = Duration::from_mins(1);

/// As small a receive buffer as Linux gives.
const NO_WINDOW: u32 = 2048;

/// More connections than one address may hold.
const CROWD: usize = 4500;

/// Connections that do not read what they asked for.
const READERS: usize = 600;

/// Workers that open and close connections.
const BURST: usize = 64;

/// Paths that read a body, that answer without reading it, and that are none.
const PATHS: [&str; 4] = ["/api/login", "/api/user", "/api/upload", "/nope"];

/// What a connection that was opened does until it is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Waits.
    Wait,
    /// Sends a byte now and then.
    Dribble,
    /// Does not even read.
    LookAway,
}

/// Keeps `count` connections open, each with the bytes and through the door that `first` gives for its number.
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
    // What is refused early is answered although it could not be sent to its end.
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

/// Bodies that say they are `length` bytes long and stop after `sent`.
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

/// Connections that say nothing.
pub fn idle(target: &Target, tally: &Tally) -> JoinSet<()> {
    keep(target, tally, CROWD, Then::Wait, |n| (both_doors(n), Arc::new([])))
}

/// Connections that are opened and closed as fast as that goes.
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
