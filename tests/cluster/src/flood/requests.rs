//! Complete requests, in excess: uploads, login codes, searches.

use std::{io, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::{
    Tally,
    line::{Door, Line, Target, head},
};
use crate::{api::unique, load::PNG};

/// Workers that send invented login codes.
const GUESSERS: usize = 64;

/// Accounts that search, and searches of each at once.
const SEARCHERS: usize = 30;
const SEARCHES_AT_ONCE: usize = 4;

/// A search for a word that occurs nowhere, which reads everything.
const SEARCH: &str = "/api/rss/news?q=%E9%BE%98%E9%9D%90";

/// Accounts that upload, and uploads of each at once.
const UPLOADERS: usize = 10;
const UPLOADS_AT_ONCE: usize = 20;

/// Size of an upload, and of each piece that is sent, in bytes.
const UPLOAD: usize = 20 * 1024 * 1024 - 1024;
const PIECE: usize = 64 * 1024;

/// Pause after an error.
const AGAIN: Duration = Duration::from_millis(500);

/// A request.
#[derive(Clone)]
enum Request {
    Guess,
    /// With the token of the account.
    Search(String),
    Upload(String),
}

impl Request {
    /// Sends it. Returns the status of the answer.
    async fn send(&self, line: &mut Line) -> io::Result<u16> {
        match self {
            Self::Guess => Ok(line.login(&format!("guess-{}-{}", unique(), unique())).await?.status),
            Self::Search(token) => Ok(line.get(SEARCH, token).await?.status),
            Self::Upload(token) => upload(line, token).await,
        }
    }
}

/// Sends the same request without end, on one connection after the other.
async fn repeat(target: Target, tally: Tally, request: Request) {
    loop {
        if let Ok(mut line) = target.connect(Door::Tls, None).await {
            tally.opened();
            while let Ok(status) = request.send(&mut line).await {
                tally.answered(status);
            }
        }
        tally.refused();
        sleep(AGAIN).await;
    }
}

/// `count` workers that send the same request.
fn repeated(target: &Target, tally: &Tally, request: &Request, count: usize) -> JoinSet<()> {
    (0..count).map(|_| repeat(target.clone(), tally.clone(), request.clone())).collect()
}

/// A token for a new account, after as many tries as necessary.
async fn token(target: &Target, name: &str) -> String {
    loop {
        if let Ok(mut line) = target.connect(Door::Tls, None).await
            && let Ok(token) = line.token(name).await
        {
            return token;
        }
        sleep(AGAIN).await;
    }
}

/// `accounts` accounts that each send the same request, `at_once` at once.
fn by_accounts(
    target: &Target,
    tally: &Tally,
    accounts: usize,
    at_once: usize,
    request: fn(String) -> Request,
) -> JoinSet<()> {
    let account = |_| {
        let (target, tally) = (target.clone(), tally.clone());
        async move {
            let request = request(token(&target, "attacker").await);
            let mut workers = repeated(&target, &tally, &request, at_once);
            while workers.join_next().await.is_some() {}
        }
    };
    (0..accounts).map(account).collect()
}

/// Invented login codes.
pub fn codes(target: &Target, tally: &Tally) -> JoinSet<()> {
    repeated(target, tally, &Request::Guess, GUESSERS)
}

/// Searches that read whole collections.
pub fn searches(target: &Target, tally: &Tally) -> JoinSet<()> {
    by_accounts(target, tally, SEARCHERS, SEARCHES_AT_ONCE, Request::Search)
}

/// Two hundred uploads of 20 MiB at once.
pub fn uploads(target: &Target, tally: &Tally) -> JoinSet<()> {
    by_accounts(target, tally, UPLOADERS, UPLOADS_AT_ONCE, Request::Upload)
}

/// One upload. Returns the status of the answer, which may come before the end.
async fn upload(line: &mut Line, token: &str) -> io::Result<u16> {
    const PART: &str = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n";
    const END: &str = "\r\n--x--\r\n";
    let length = (PART.len() + UPLOAD + END.len()).to_string();
    let authorization = format!("Bearer {token}");
    let head = head(
        "POST",
        "/api/upload",
        &[
            ("authorization", &authorization),
            ("content-type", "multipart/form-data; boundary=x"),
            ("content-length", &length),
            ("connection", "close"),
        ],
    );
    let sent = async {
        line.send(format!("{head}\r\n{PART}").as_bytes()).await?;
        let (mut left, mut piece) = (UPLOAD, PNG.to_vec());
        piece.resize(PIECE, b'.');
        while left > 0 {
            let now = left.min(PIECE);
            line.send(&piece[..now]).await?;
            left -= now;
        }
        line.send(END.as_bytes()).await
    };
    // A refused upload is cut off, and answered all the same.
    let _ = sent.await;
    Ok(line.answer().await?.status)
}
