//! Ordinary users, at another address than the attacker: they read what students read, some on kept connections, some
//! on a new one each time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Failure,
    api::{Account, Api, Kind, Record, unique},
    load::{PNG, expect, path_of, patiently},
};

/// Bound accounts that read: enough that none of them reaches its own limit.
const ACCOUNTS: usize = 16;

/// Number of readers, and the pause of each between two reads: some twenty reads a second in total.
const READERS: usize = 10;
const PAUSE: Duration = Duration::from_millis(450);

/// One in this many readers opens a new connection for each read.
const NEW_CONNECTION: usize = 3;

/// Normal means: all reads of a second are answered, none slower than this.
const NORMAL: Duration = Duration::from_millis(500);

/// The users, until they are stopped.
#[derive(Debug)]
pub struct Users {
    api: Api,
    end: CancellationToken,
    readers: JoinSet<()>,
    /// Path of a file of almost 20 MiB.
    pub file: String,
}

#[derive(Debug)]
struct Stored {
    accounts: Vec<Account>,
    picture: String,
}

impl Users {
    /// Makes the accounts and their data, and starts the readers. `fresh`: a client that keeps no connection.
    ///
    /// # Errors
    /// When the service does not work at the beginning.
    pub async fn start(api: &Api, fresh: &Api) -> Result<Self, Failure> {
        let mut accounts = Vec::new();
        for index in 1..=ACCOUNTS {
            let account = api.account(&format!("ordinary{index}x{}", unique())).await?;
            expect("a bind", patiently(async || api.bind(&account, index).await).await)?;
            let table = patiently(async || api.get(Kind::First, "/api/course", Some(&account)).await).await;
            expect("a course table", table)?;
            accounts.push(account);
        }
        let store = async |content: Vec<u8>| {
            let stored = patiently(async || api.upload(&accounts[0], &content).await).await;
            Ok::<_, Failure>(path_of(&expect("an upload", stored)?))
        };
        let picture = store([PNG, unique().as_bytes(), &[b'.'; 2000]].concat()).await?;
        let file = store([PNG, &vec![b'.'; 20 * 1024 * 1024 - 1024]].concat()).await?;
        let (stored, end, mut readers) =
            (Arc::new(Stored { accounts, picture }), CancellationToken::new(), JoinSet::new());
        for n in 0..READERS {
            let api = if n % NEW_CONNECTION == 0 { fresh } else { api };
            readers.spawn(read(api.clone(), Arc::clone(&stored), end.clone(), n));
        }
        Ok(Self { api: api.clone(), end, readers, file })
    }

    /// Their reads in this span of time.
    #[must_use]
    pub fn reads(&self, from: Instant, to: Instant) -> Vec<Record> {
        let mut reads = self.api.journal.between(from, to);
        reads.retain(|record| matches!(record.kind, Kind::Read(_)));
        reads
    }

    /// Time from `since` until everything is normal: the first second in which every read was answered fast.
    pub async fn normal_again(&self, since: Instant, longest: Duration, slack: f64) -> Option<Duration> {
        let well = |record: &Record| record.is_ok() && record.took() < NORMAL.mul_f64(slack);
        let mut begin = since;
        while begin - since <= longest {
            let end = begin + Duration::from_secs(1);
            tokio::time::sleep_until(end.into()).await;
            let reads = self.reads(begin, end);
            if !reads.is_empty() && reads.iter().all(well) {
                return Some(begin - since);
            }
            begin += Duration::from_millis(100);
        }
        None
    }

    /// Stops them.
    pub async fn stop(mut self) {
        self.end.cancel();
        while self.readers.join_next().await.is_some() {}
    }
}

async fn read(api: Api, stored: Arc<Stored>, end: CancellationToken, offset: usize) {
    for turn in offset.. {
        tokio::select! {
            () = end.cancelled() => return,
            () = sleep(PAUSE) => {}
        }
        let account = &stored.accounts[turn % stored.accounts.len()];
        let (what, path) = match turn % 6 {
            0 | 1 => ("user", "/api/user"),
            2 => ("course", "/api/course"),
            3 => ("news", "/api/rss/news?start=0&count=10"),
            4 => ("calendar", "/api/calendar"),
            _ => ("file", stored.picture.as_str()),
        };
        api.get(Kind::Read(what), path, Some(account)).await;
    }
}
