//! A database for each test, on the three-member replica set from `make test`. One that is set up is used again by a later
//! test: making some fifty collections and indexes on three members takes longer than most tests.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use mongodb::{
    Client, Collection, Database,
    bson::{Document, doc},
    options::{Acknowledgment, ClientOptions, WriteConcern},
};
use tokio::sync::OnceCell;
use wehpu_engine::{clock::Clock, store::migrations};

use super::lag;

const DEFAULT_URI: &str = "mongodb://127.0.0.1:27117,127.0.0.1:27118,127.0.0.1:27119/?replicaSet=wehpu-test";

/// Prefix of test databases, followed by the Unix time when they were made.
const PREFIX: &str = "wehpu_test_";

/// Age in seconds after which a database was left by a killed test run.
const LEFT_BEHIND: i64 = 3600;

/// How many other databases are used before one is used again: whatever its last test left under way has ended by then.
const RESTING: usize = 4;

/// Migrated databases of tests that have passed, the one that has rested longest in front.
static USED: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The collections that the migrations make.
static COLLECTIONS: OnceCell<BTreeSet<String>> = OnceCell::const_new();

static THERE: OnceCell<bool> = OnceCell::const_new();
static BEGUN: OnceCell<()> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The connection string of the replica set, without a database.
pub fn replica_set_uri() -> String {
    std::env::var("TEST_MONGODB_URI").unwrap_or_else(|_| DEFAULT_URI.to_owned())
}

/// The database of one test.
#[derive(Debug)]
pub struct TestDatabase {
    db: Database,
    name: String,
    migrated: bool,
}

impl TestDatabase {
    /// A database with all collections and indexes, and without documents.
    pub async fn migrated(clock: &Clock) -> Self {
        let rested = {
            let mut used = USED.lock().unwrap_or_else(PoisonError::into_inner);
            if used.len() > RESTING { used.pop_front() } else { None }
        };
        let Self { db, name, .. } = Self::create().await;
        if let Some(rested) = rested {
            let used = db.client().database(&rested);
            empty(&used).await;
            // There are tests that meddle with what is known of the migrations.
            if migrations::check_current(&used).await.is_ok() {
                return Self { db: used, name: rested, migrated: true };
            }
            used.drop().await.unwrap();
        }
        migrations::apply(&db, "test", clock, |_| {}).await.unwrap();
        COLLECTIONS.get_or_init(async || collections(&db).await).await;
        Self { db, name, migrated: true }
    }

    /// A new database without any collection. Fails the test when there is no replica set.
    pub async fn create() -> Self {
        let mut options = ClientOptions::parse(replica_set_uri()).await.unwrap();
        options.server_selection_timeout = Some(Duration::from_secs(30));
        let members: Vec<String> = options.hosts.iter().map(ToString::to_string).collect();
        // Checked once for all tests: without a database they fail at once instead of each after a time-out.
        let there = *THERE.get_or_init(|| is_there(options.clone())).await;
        assert!(there, "no MongoDB replica set at {}: run `make test`, or set TEST_MONGODB_URI", members.join(","));
        let client = Client::with_options(options).unwrap();
        let now = Clock::system().unix();
        let begin = async || {
            sweep(&client, now).await;
            lag::start_if_wanted();
        };
        BEGUN.get_or_init(begin).await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{now}_{}_{number}", std::process::id());
        Self { db: client.database(&name), name, migrated: false }
    }

    /// The connection string with this database and the options of a deployment.
    pub fn uri(&self) -> String {
        let base = replica_set_uri();
        let (hosts, options) = base.split_once("/?").expect("TEST_MONGODB_URI is mongodb://…/?replicaSet=…");
        let name = &self.name;
        format!("{hosts}/{name}?{options}&readPreference=secondaryPreferred&maxStalenessSeconds=90&w=majority")
    }

    /// A collection, to check what the API stored.
    pub fn collection(&self, name: &str) -> Collection<Document> {
        self.db.collection(name)
    }

    /// The database itself.
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// The stored user.
    pub async fn user(&self, open_id: &str) -> Option<Document> {
        self.collection("users").find_one(doc! { "openId": open_id }).await.unwrap()
    }

    /// All documents of a collection.
    pub async fn all(&self, collection: &str) -> Vec<Document> {
        let mut cursor = self.collection(collection).find(doc! {}).await.unwrap();
        let mut documents = Vec::new();
        while cursor.advance().await.unwrap() {
            documents.push(cursor.deserialize_current().unwrap());
        }
        documents
    }

    /// All documents as text, to search for what must not be stored.
    pub async fn dump(&self) -> String {
        let mut text = String::new();
        for name in self.db.list_collection_names().await.unwrap() {
            for document in self.all(&name).await {
                writeln!(text, "{name}: {document}").unwrap();
            }
        }
        text
    }

    /// Waits until every member has everything written so far.
    pub async fn replicated(&self) {
        let everywhere = WriteConcern::builder().w(Acknowledgment::Nodes(3)).build();
        self.collection("test_marks").insert_one(doc! {}).write_concern(everywhere).await.unwrap();
    }

    /// Index of the primary among the members of the connection string.
    pub async fn primary(&self) -> usize {
        let hello = self.db.run_command(doc! { "hello": 1 }).await.unwrap();
        let (primary, uri) = (text_of(&hello, "primary"), replica_set_uri());
        let mut members = uri.trim_start_matches("mongodb://").split(['/', ',']);
        members.position(|member| member == primary).unwrap_or_else(|| panic!("no primary in {hello}"))
    }

    /// Gives the database to a later test, or drops it where that cannot be: nobody knows what a failed test left.
    pub async fn end(self, passed: bool) {
        if self.migrated && passed {
            USED.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.name);
        } else {
            self.db.drop().await.unwrap();
        }
    }
}

/// Removes every document on every member, and every collection that no migration made.
async fn empty(db: &Database) {
    let everywhere = WriteConcern::builder().w(Acknowledgment::Nodes(3)).build();
    let migrated = COLLECTIONS.get().expect("the database was migrated");
    for name in collections(db).await {
        let collection: Collection<Document> = db.collection(&name);
        if name == "migrations" {
            continue;
        }
        if migrated.contains(&name) {
            collection.delete_many(doc! {}).write_concern(everywhere.clone()).await.unwrap();
        } else {
            collection.drop().write_concern(everywhere.clone()).await.unwrap();
        }
    }
}

async fn collections(db: &Database) -> BTreeSet<String> {
    db.list_collection_names().await.unwrap().into_iter().collect()
}

/// Whether the set has a primary.
async fn is_there(mut options: ClientOptions) -> bool {
    options.server_selection_timeout = Some(Duration::from_secs(10));
    let client = Client::with_options(options).unwrap();
    client.database("admin").run_command(doc! { "ping": 1 }).await.is_ok()
}

/// Drops the databases that killed test runs left behind.
async fn sweep(client: &Client, now: i64) {
    let names = client.list_database_names().await.unwrap();
    for name in names {
        let made = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next()?.parse::<i64>().ok());
        if made.is_some_and(|made| now - made > LEFT_BEHIND) {
            client.database(&name).drop().await.unwrap();
        }
    }
}

/// A text field of a document, empty when there is none.
pub fn text_of<'a>(document: &'a Document, field: &str) -> &'a str {
    document.get_str(field).unwrap_or_default()
}
