//! A relay in front of each member of the replica set. One replica of the service reaches the database through it, so a
//! test can take away the primary between two statements of one request, or a whole member, without disturbing anything
//! else.
//!
//! It knows only the necessary part of the wire protocol: the frame of messages, and the first field of an `OP_MSG`
//! (<https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>).

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use mongodb::bson::{Document, doc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::AbortHandle,
};

use super::{Replica, TestApp, replica_set_uri};

const OP_MSG: i32 = 2013;
const HEADER: usize = 16;

/// Offset of the document in an `OP_MSG` with one section, in bytes: after the flags and the kind of the section.
const BODY: usize = HEADER + 5;

/// A field that only retryable writes have.
const TXN_NUMBER: &[u8] = b"\x12txnNumber\0";

/// Commands by which the driver watches the members; a request does not cause them.
const UPKEEP: [&str; 7] = ["hello", "isMaster", "ismaster", "ping", "endSessions", "killCursors", "getMore"];

/// A statement that the service sends all the time.
const FOLLOWED: &str = "find revocations";

/// What happens to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The member says that it is no longer primary, and does not execute it.
    Refused,
    /// The member executes it, and the connection breaks before the answer.
    AnswerLost,
    /// The member has just started and cannot verify cluster times yet.
    NotReady,
    /// The member lags behind and does not have the document yet. Only for `find`.
    Unknown,
    /// The member receives it and stays silent.
    Silent,
    /// The member goes away before it receives it, until [`Relays::start_again`].
    Gone,
}

/// Which statements are lost, and how.
#[derive(Debug, Clone)]
struct Plan {
    numbers: Range<usize>,
    loss: Loss,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<String>,
    plan: Option<Plan>,
}

impl State {
    /// Notes a statement and returns what happens to it.
    fn next(&mut self, statement: String) -> Option<Loss> {
        let number = self.seen.len();
        self.seen.push(statement);
        self.plan.as_ref().filter(|plan| plan.numbers.contains(&number)).map(|plan| plan.loss)
    }
}

/// Relays in front of all members.
#[derive(Debug)]
pub struct Relays {
    /// Members as the set names them, and their relays: `host:port`, all of the same length.
    names: Arc<HashMap<String, String>>,
    state: Arc<Mutex<State>>,
    present: Vec<watch::Sender<bool>>,
    tasks: Vec<AbortHandle>,
}

impl Relays {
    /// Starts a relay in front of each member of the tests' replica set.
    pub async fn start() -> Self {
        let uri = replica_set_uri();
        let hosts = uri.trim_start_matches("mongodb://").split('/').next().unwrap().to_owned();
        let mut listeners = Vec::new();
        let mut names = HashMap::new();
        for host in hosts.split(',') {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let relay = listener.local_addr().unwrap().to_string();
            // So a name can replace another without parsing the message around it.
            assert_eq!(relay.len(), host.len(), "members are at 127.0.0.1 and ports of five digits");
            names.insert(host.to_owned(), relay);
            listeners.push((host.to_owned(), listener));
        }
        let (names, state) = (Arc::new(names), Arc::<Mutex<State>>::default());
        let (mut present, mut tasks) = (Vec::new(), Vec::new());
        for (member, listener) in listeners {
            let here = watch::Sender::new(true);
            let relay = Relay { member, names: Arc::clone(&names), state: Arc::clone(&state), present: here.clone() };
            tasks.push(tokio::spawn(relay.run(listener)).abort_handle());
            present.push(here);
        }
        Self { names, state, present, tasks }
    }

    /// `uri` with the relays in place of the members.
    pub fn uri(&self, uri: &str) -> String {
        self.names.iter().fold(uri.to_owned(), |uri, (member, relay)| uri.replace(member, relay))
    }

    /// A replica of the service that reaches the members through the relays.
    pub async fn replica(&self, app: &TestApp) -> Replica {
        let uri = self.uri(&app.db.uri());
        // On the heap: the future of a whole replica is large.
        Box::pin(app.start_replica(|s| {
            s.set("WEHPU_MONGODB_URI", &uri);
        }))
        .await
    }

    /// The number of members.
    pub fn members(&self) -> usize {
        self.present.len()
    }

    /// Takes a member away: its connections end, and no new ones are accepted.
    pub fn stop(&self, member: usize) {
        self.present[member].send_replace(false);
    }

    /// Brings a member back.
    pub fn start_again(&self, member: usize) {
        self.present[member].send_replace(true);
    }

    /// Waits until a member has gone. Returns its index.
    pub async fn gone(&self) -> usize {
        let gone = self.present.iter().enumerate().map(|(member, present)| {
            let mut present = present.subscribe();
            Box::pin(async move {
                // The sender is in `self`.
                let _ = present.wait_for(|present| !present).await;
                member
            })
        });
        futures_util::future::select_all(gone).await.0
    }

    /// The statements since the last call, as `command collection`. Restarts the count and loses nothing from now on.
    pub fn take_statements(&self) -> Vec<String> {
        let mut state = lock(&self.state);
        state.plan = None;
        std::mem::take(&mut state.seen)
    }

    /// Restarts the count and loses the statement with this number (the first is 0).
    pub fn lose(&self, number: usize, loss: Loss) {
        self.lose_all(number..number + 1, loss);
    }

    /// Restarts the count and loses the statements with these numbers.
    pub fn lose_all(&self, numbers: Range<usize>, loss: Loss) {
        *lock(&self.state) = State { seen: Vec::new(), plan: Some(Plan { numbers, loss }) };
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The relay in front of one member.
#[derive(Clone)]
struct Relay {
    member: String,
    names: Arc<HashMap<String, String>>,
    state: Arc<Mutex<State>>,
    present: watch::Sender<bool>,
}

impl Relay {
    async fn run(self, listener: TcpListener) {
        loop {
            let Ok((client, _)) = listener.accept().await else { continue };
            if !*self.present.borrow() {
                continue;
            }
            let relay = self.clone();
            tokio::spawn(async move {
                let mut is_present = relay.present.subscribe();
                tokio::select! {
                    _ = relay.connect(client) => {}
                    _ = is_present.wait_for(|present| !present) => {}
                }
            });
        }
    }

    async fn connect(&self, client: TcpStream) -> std::io::Result<()> {
        let server = TcpStream::connect(&self.member).await?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let to_client = tokio::sync::Mutex::new(to_client);
        let answer_is_lost = AtomicBool::new(false);
        // The first of both directions to end ends both.
        tokio::select! {
            ended = self.ask(from_client, to_server, &to_client, &answer_is_lost) => ended,
            ended = self.answer(from_server, &to_client, &answer_is_lost) => ended,
        }
    }

    async fn ask(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        back: &tokio::sync::Mutex<OwnedWriteHalf>,
        answer_is_lost: &AtomicBool,
    ) -> std::io::Result<()> {
        loop {
            let message = read(&mut from).await?;
            let loss = statement(&message).and_then(|statement| lock(&self.state).next(statement));
            match loss {
                Some(Loss::Refused) => back.lock().await.write_all(&refusal(&message)).await?,
                Some(Loss::NotReady) => back.lock().await.write_all(&not_ready(&message)).await?,
                Some(Loss::Unknown) => back.lock().await.write_all(&nothing(&message)).await?,
                Some(Loss::AnswerLost) => {
                    answer_is_lost.store(true, Ordering::SeqCst);
                    to.write_all(&message).await?;
                }
                Some(Loss::Silent) => {}
                Some(Loss::Gone) => {
                    self.present.send_replace(false);
                }
                None => to.write_all(&message).await?,
            }
        }
    }

    async fn answer(
        &self,
        mut from: OwnedReadHalf,
        to: &tokio::sync::Mutex<OwnedWriteHalf>,
        answer_is_lost: &AtomicBool,
    ) -> std::io::Result<()> {
        loop {
            let mut message = read(&mut from).await?;
            if answer_is_lost.load(Ordering::SeqCst) {
                return Ok(());
            }
            for (member, relay) in self.names.iter() {
                replace(&mut message, member.as_bytes(), relay.as_bytes());
            }
            to.lock().await.write_all(&message).await?;
        }
    }
}

/// One message, with its header.
async fn read(from: &mut OwnedReadHalf) -> std::io::Result<Vec<u8>> {
    let length = usize::try_from(from.read_i32_le().await?).unwrap();
    let mut message = vec![0; length];
    message[..4].copy_from_slice(&i32::try_from(length).unwrap().to_le_bytes());
    from.read_exact(&mut message[4..]).await?;
    Ok(message)
}

fn number(message: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(message[at..at + 4].try_into().unwrap())
}

/// `command collection`, if the message is a statement of a request.
fn statement(message: &[u8]) -> Option<String> {
    if number(message, 12) != OP_MSG || message[BODY - 1] != 0 {
        return None;
    }
    let body = Document::from_reader(&message[BODY..]).ok()?;
    let (command, what) = body.iter().next()?;
    let statement = format!("{command} {}", what.as_str().unwrap_or_default());
    (!UPKEEP.contains(&command.as_str()) && statement != FOLLOWED).then_some(statement)
}

/// The answer of a member that is no longer primary. A statement with a transaction number may be retried elsewhere.
fn refusal(request: &[u8]) -> Vec<u8> {
    let mut body = doc! { "ok": 0, "code": 10107, "codeName": "NotWritablePrimary", "errmsg": "not primary" };
    if request.windows(TXN_NUMBER.len()).any(|window| window == TXN_NUMBER) {
        body.insert("errorLabels", ["RetryableWriteError"]);
    }
    reply(request, &body)
}

/// The answer of a member that has just started.
fn not_ready(request: &[u8]) -> Vec<u8> {
    reply(request, &doc! { "ok": 0, "code": 211, "codeName": "KeyNotFound", "errmsg": "no keys found" })
}

/// The answer of a member that does not have the document.
fn nothing(request: &[u8]) -> Vec<u8> {
    reply(request, &doc! { "ok": 1, "cursor": { "id": 0_i64, "ns": "any.thing", "firstBatch": [] } })
}

fn reply(request: &[u8], body: &Document) -> Vec<u8> {
    let body = mongodb::bson::serialize_to_vec(body).unwrap();
    let length = i32::try_from(BODY + body.len()).unwrap();
    // Length, own number, number of the request, operation code, flags, kind of the section.
    let mut message: Vec<u8> =
        [length, 0, number(request, 4), OP_MSG, 0].into_iter().flat_map(i32::to_le_bytes).collect();
    message.push(0);
    message.extend(body);
    message
}

fn replace(message: &mut [u8], from: &[u8], to: &[u8]) {
    let mut at = 0;
    while let Some(found) = message[at..].windows(from.len()).position(|window| window == from) {
        at += found;
        message[at..at + to.len()].copy_from_slice(to);
        at += to.len();
    }
}
