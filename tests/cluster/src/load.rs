//! The constant mixed load: a few students who read stored data, and a few who make every kind of write. Each waits for
//! its answer and then pauses, so that the rate is moderate and constant.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Failure,
    api::{Account, Answer, Api, Kind, LoginError, unique},
    campus::{LOANS, Table},
    ledger::{Ledger, Write},
};

/// Number of readers, and the pause of each between two reads.
const READERS: usize = 5;
const READ_PAUSE: Duration = Duration::from_millis(50);

/// Accounts that are read.
const READ_ACCOUNTS: usize = 6;

/// Number of nickname writers, who also measure when writes are possible again, and the pause of each.
pub const WRITERS: usize = 4;
const SET_PAUSE: Duration = Duration::from_millis(60);

/// Accounts that several clients use at the same time, the clients of each, and the pause of each client. Of three
/// operations one is a write.
const SHARED_ACCOUNTS: usize = 2;
const CLIENTS: usize = 3;
const SHARED_PAUSE: Duration = Duration::from_millis(150);

/// Pauses of the other writers.
const LOGIN_PAUSE: Duration = Duration::from_millis(150);
const BIND_PAUSE: Duration = Duration::from_millis(800);
const TABLE_PAUSE: Duration = Duration::from_millis(400);
const FEEDBACK_PAUSE: Duration = Duration::from_millis(500);
const REPAIR_PAUSE: Duration = Duration::from_millis(500);
const UPLOAD_PAUSE: Duration = Duration::from_millis(400);

/// How often a request is retried, each time after a second, while the campus is down: an engine's breaker may still be
/// tripped from the fault before.
const TRIES: usize = 30;

/// Additional readers during a rollout, and during a campus fault.
const CROWD: usize = 12;
const TABLE_READERS: usize = 15;

/// Students of the simulator below this index are read; new binds use the later ones.
const FIRST_FREE_STUDENT: usize = 100;

/// The beginning of every PNG file.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

/// The load, until it is stopped.
#[derive(Debug)]
pub struct Load {
    end: CancellationToken,
    workers: JoinSet<()>,
}

/// What all workers share.
#[derive(Debug, Clone)]
struct Shared {
    api: Api,
    ledger: Arc<Ledger>,
    end: CancellationToken,
}

/// A bound account.
#[derive(Debug, Clone)]
struct Bound {
    account: Account,
    student: String,
}

/// Stored data to read.
#[derive(Debug, Clone)]
struct Reading {
    bound: Bound,
    file: String,
}

impl Load {
    /// Makes the accounts and their data, then starts all workers.
    ///
    /// # Errors
    /// When the service does not work at the beginning.
    pub async fn start(api: &Api, ledger: &Arc<Ledger>) -> Result<Self, Failure> {
        let mut readings = Vec::new();
        for index in 1..=READ_ACCOUNTS {
            readings.push(prepare(api, index).await?);
        }
        let shared = Shared { api: api.clone(), ledger: Arc::clone(ledger), end: CancellationToken::new() };
        let mut workers = JoinSet::new();
        for n in 0..READERS {
            workers.spawn(shared.clone().read(readings.clone(), n));
        }
        for n in 0..WRITERS {
            workers.spawn(shared.clone().set(n));
        }
        for n in 0..SHARED_ACCOUNTS {
            let account = api.account(&format!("shared{n}x{}", unique())).await?;
            ledger.acknowledge(Write::Account(account.open_id.clone()));
            let numbers = Arc::new(AtomicU64::new(1));
            for _ in 0..CLIENTS {
                workers.spawn(shared.clone().share(account.clone(), Arc::clone(&numbers)));
            }
        }
        workers.spawn(shared.clone().log_in());
        workers.spawn(shared.clone().bind());
        for table in api.school.tables {
            workers.spawn(shared.clone().table(*table, readings.iter().map(|reading| reading.bound.clone()).collect()));
        }
        workers.spawn(shared.clone().feedback());
        if api.school.takes_repairs {
            workers.spawn(shared.clone().repair(readings[0].bound.account.clone()));
        }
        workers.spawn(shared.clone().upload());
        Ok(Self { end: shared.end, workers })
    }

    /// Starts readers without pauses, enough for thousands of requests during a fault.
    ///
    /// # Errors
    /// When the service does not work at the beginning.
    pub async fn crowd(api: &Api) -> Result<Self, Failure> {
        let bound = prepare(api, 1).await?.bound;
        let (end, mut workers) = (CancellationToken::new(), JoinSet::new());
        for _ in 0..CROWD {
            let (api, end, bound) = (api.clone(), end.clone(), bound.clone());
            workers.spawn(async move {
                while !end.is_cancelled() {
                    api.get(Kind::Read("user"), "/api/user", Some(&bound.account)).await;
                    api.get(Kind::Read("calendar"), "/api/calendar", Some(&bound.account)).await;
                }
            });
        }
        Ok(Self { end, workers })
    }

    /// Starts more readers of a table, so that every engine notices a failing campus system.
    ///
    /// # Errors
    /// When the service does not work at the beginning.
    pub async fn readers(api: &Api, ledger: &Arc<Ledger>, table: Table) -> Result<Self, Failure> {
        let shared = Shared { api: api.clone(), ledger: Arc::clone(ledger), end: CancellationToken::new() };
        let mut workers = JoinSet::new();
        for index in READ_ACCOUNTS + 1..FIRST_FREE_STUDENT {
            if workers.len() == TABLE_READERS {
                break;
            }
            let bound = bind(api, index).await?;
            // Some students have no scores yet (404), or no books (no rows).
            if !first(api, &bound, table.path).await.is_empty_table() {
                workers.spawn(shared.clone().table(table, vec![bound]));
            }
        }
        if workers.is_empty() {
            return Err(format!("nobody has anything at {}", table.path).into());
        }
        Ok(Self { end: shared.end, workers })
    }

    /// Tells all workers to stop, and waits for their last answers.
    pub async fn stop(mut self) {
        self.end.cancel();
        while self.workers.join_next().await.is_some() {}
    }
}

/// Makes an account bound to the simulator's student `index`, with the library's password where there is one.
async fn bind(api: &Api, index: usize) -> Result<Bound, Failure> {
    let account = api.account(&format!("reader{index}x{}", unique())).await?;
    expect("a bind", patiently(async || api.bind(&account, index).await).await)?;
    if api.school.tables.contains(&LOANS) {
        let password = format!("lib-{index:06}");
        let set = patiently(async || api.set(Kind::Bind, &account, "libPassWord", &password).await).await;
        expect("a password", set)?;
    }
    Ok(Bound { account, student: api.school.student(index) })
}

/// A bound account whose tables and a file are stored.
async fn prepare(api: &Api, index: usize) -> Result<Reading, Failure> {
    let bound = bind(api, index).await?;
    for path in api.school.tables.iter().map(|table| table.path).chain(["/api/course"]) {
        expect(path, first(api, &bound, path).await)?;
    }
    let stored = patiently(async || api.upload(&bound.account, &picture()).await).await;
    Ok(Reading { bound, file: path_of(&expect("an upload", stored)?) })
}

/// Fetches a table for the first time.
async fn first(api: &Api, bound: &Bound, path: &str) -> Answer {
    patiently(async || api.get(Kind::First, path, Some(&bound.account)).await).await
}

/// The answer to a request that is retried while the campus is down.
pub async fn patiently(request: impl AsyncFn() -> Answer) -> Answer {
    let mut answer = request().await;
    for _ in 0..TRIES {
        if answer.status != Some(503) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        answer = request().await;
    }
    answer
}

/// The answer to a request that must succeed.
///
/// # Errors
/// When it did not.
pub fn expect(what: &str, answer: Answer) -> Result<Answer, Failure> {
    if answer.is_ok() {
        return Ok(answer);
    }
    Err(format!("{what} is answered with {:?} {}", answer.status, answer.code()).into())
}

/// Unique content of a file.
fn picture() -> Vec<u8> {
    [PNG, unique().as_bytes(), &[b'.'; 2000]].concat()
}

/// Path of the uploaded file in an answer.
pub fn path_of(answer: &Answer) -> String {
    let url = answer.body["data"]["url"][0].as_str().unwrap_or_default();
    url.find("/files/").map_or_else(String::new, |at| url[at..].to_owned())
}

impl Shared {
    /// Pauses; `false` when it is time to stop.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            () = self.end.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }

    /// An account for a worker, after as many tries as necessary; `None` when it is time to stop.
    async fn account(&self, name: &str) -> Option<Account> {
        loop {
            match self.api.account(&format!("{name}{}", unique())).await {
                Ok(account) => {
                    self.ledger.acknowledge(Write::Account(account.open_id.clone()));
                    return Some(account);
                }
                Err(LoginError::CutOff(at, _)) => self.ledger.cut_off(at),
                Err(error) => self.ledger.broken(Instant::now(), error.to_string()),
            }
            if !self.pause(LOGIN_PAUSE).await {
                return None;
            }
        }
    }

    async fn read(self, readings: Vec<Reading>, offset: usize) {
        let mut turn = offset;
        while self.pause(READ_PAUSE).await {
            let Reading { bound, file } = &readings[turn % readings.len()];
            let lookup = format!("/api/user/{}", bound.student);
            let (what, path) = match turn % 7 {
                0 | 1 => ("user", "/api/user"),
                2 | 3 => ("course", "/api/course"),
                4 => self.api.school.common,
                5 => ("file", file.as_str()),
                _ => ("lookup", lookup.as_str()),
            };
            self.api.get(Kind::Read(what), path, Some(&bound.account)).await;
            turn += 1;
        }
    }

    /// Counts up in the nickname of an account. After an unclear answer it continues with another account: the unclear
    /// write may still arrive, and would hide later ones.
    async fn set(self, writer: usize) {
        'accounts: loop {
            let Some(account) = self.account("writer").await else { return };
            let place = self.ledger.open(account.clone());
            for number in 1.. {
                if !self.pause(SET_PAUSE).await {
                    return;
                }
                let answer = self.ledger.history.write(&self.api, Kind::Set(writer), &account, number).await;
                if answer.is_ok() {
                    self.ledger.set(place, number, true);
                } else if answer.is_refusal() {
                    self.ledger.broken(Instant::now(), format!("a nickname is refused: {}", answer.code()));
                } else {
                    self.ledger.set(place, number, false);
                    continue 'accounts;
                }
            }
        }
    }

    /// One of several clients of an account: writes numbers that nobody else writes, and reads. It ends with a read.
    async fn share(self, account: Account, numbers: Arc<AtomicU64>) {
        let history = &self.ledger.history;
        for turn in 1_u64.. {
            let goes_on = self.pause(SHARED_PAUSE).await;
            if goes_on && turn % 3 == 0 {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                let answer = history.write(&self.api, Kind::SharedSet, &account, number).await;
                if answer.is_refusal() {
                    self.ledger.broken(Instant::now(), format!("a nickname is refused: {}", answer.code()));
                }
            } else {
                history.read(&self.api, Kind::Read("own"), &account).await;
            }
            if !goes_on {
                return;
            }
        }
    }

    async fn log_in(self) {
        while self.pause(LOGIN_PAUSE).await {
            let _ = self.account("login").await;
        }
    }

    async fn bind(self) {
        let mut index = FIRST_FREE_STUDENT;
        while self.pause(BIND_PAUSE).await {
            let Some(account) = self.account("binder").await else { return };
            let answer = self.api.bind(&account, index).await;
            if answer.is_ok() {
                let student = self.api.school.student(index);
                self.ledger.acknowledge(Write::Bind { open_id: account.open_id, student });
            } else if answer.is_refusal() {
                self.ledger
                    .broken(Instant::now(), format!("a bind with the right passwords is refused: {}", answer.code()));
            }
            index += 1;
        }
    }

    /// Tables are never fresh here, so each answer that is not stale was just stored.
    async fn table(self, table: Table, holders: Vec<Bound>) {
        for Bound { account, student } in holders.iter().cycle() {
            if !self.pause(TABLE_PAUSE).await {
                return;
            }
            let answer = self.api.get(Kind::Read(table.name), table.path, Some(account)).await;
            let meta = &answer.body["meta"];
            let fetched_at =
                meta["fetchedAt"].as_str().and_then(|at| mongodb::bson::DateTime::parse_rfc3339_str(at).ok());
            if let Some(at) = fetched_at.filter(|_| answer.is_ok() && meta["stale"] == false) {
                self.ledger.acknowledge(Write::Table {
                    collection: table.collection,
                    open_id: account.open_id.clone(),
                    student: student.clone(),
                    fetched_at: at.timestamp_millis(),
                });
            }
            if answer.is_ok() && !table.may_become_empty && answer.is_empty_table() {
                self.ledger.broken(Instant::now(), format!("stored data of {} was replaced by nothing", table.path));
            }
        }
    }

    async fn feedback(self) {
        let Some(account) = self.account("reporter").await else { return };
        while self.pause(FEEDBACK_PAUSE).await {
            let text = format!("cluster-test {}", unique());
            if self.api.feedback(&account, &text).await.is_ok() {
                self.ledger.acknowledge(Write::Feedback(text));
            }
        }
    }

    async fn repair(self, account: Account) {
        while self.pause(REPAIR_PAUSE).await {
            let text = format!("cluster-test {}", unique());
            if self.api.repair(&account, &text).await.is_ok() {
                self.ledger.acknowledge(Write::Repair(text));
            }
        }
    }

    async fn upload(self) {
        let Some(account) = self.account("uploader").await else { return };
        while self.pause(UPLOAD_PAUSE).await {
            let content = picture();
            let answer = self.api.upload(&account, &content).await;
            if answer.is_ok() {
                self.ledger.acknowledge(Write::Upload {
                    owner: account.open_id.clone(),
                    path: path_of(&answer),
                    content,
                });
            } else {
                self.ledger.unclear_upload(&account.open_id);
            }
        }
    }
}
