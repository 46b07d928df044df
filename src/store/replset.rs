//! Sets up the replica set itself: initiation, first primary, database users. No shell beside the server is needed.
//!
//! With a key file it signs in as the members do among themselves: as the internal user `__system` (database `local`,
//! password = the key file without white space). So no administrator has to exist, before or afterwards.

use std::time::Duration;

use futures_util::future::join_all;
use mongodb::{
    Client, Database,
    bson::{Bson, Document, doc},
    error::{Error, ErrorKind},
    options::{AuthMechanism, ClientOptions, Credential, ServerAddress},
};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};

use crate::config::Mongodb;

/// Server error code `AlreadyInitialized`.
const ALREADY_INITIALIZED: i32 = 23;

/// Server error code: a user of that name exists.
const USER_EXISTS: i32 = 51003;

/// Server error code `UserNotFound`.
const USER_NOT_FOUND: i32 = 11;

/// Server error code: a role of that name exists.
const ROLE_EXISTS: i32 = 51002;

/// The role of the spider's user.
const SPIDER_ROLE: &str = "wehpuSpider";

/// What the spider may do with each collection it uses (`feeds`, `objects`), and nothing else. It parses pages from
/// outside; an intruder who takes it over finds no account. `migrations` tells it whether the schema is current. GridFS
/// drivers ensure the indexes of `fs.…` before they write.
const SPIDER_MAY: [(&str, &[&str]); 10] = [
    ("news", &["find", "insert", "update"]),
    ("logistics", &["find", "insert", "update"]),
    ("lectures", &["find", "insert", "update"]),
    ("notices", &["find", "insert", "update"]),
    ("schedulers", &["find", "insert", "update"]),
    ("failures", &["find", "insert", "update", "remove"]),
    ("files", &["find", "insert", "update", "remove"]),
    ("fs.files", &["find", "insert", "update", "remove", "createIndex", "listIndexes"]),
    ("fs.chunks", &["find", "insert", "update", "remove", "createIndex", "listIndexes"]),
    ("migrations", &["find"]),
];

/// How long a new primary waits, before it takes writes, for writes that silent members may have and it lacks. It was
/// elected, so it has every write of a majority. The server's default lasts as long again as the election.
const CATCH_UP: Duration = Duration::from_millis(200);

/// Interval of heartbeats between members. A secondary follows a new primary only after four heartbeats since the
/// election; until then no write reaches a majority if a member is away. With the server's default of 2 s this took six
/// seconds.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// How long a heartbeat may stay unanswered before a member counts as gone; the server's default is 10 s. Must be below
/// the 3 s after which a secondary stops copying from a silent member (`oplogNetworkTimeoutBufferSeconds` in
/// docker/mongo/parameters.sh): a secondary that still considers this member the primary starts to copy from it again
/// and waits until it wakes, or 30 s.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(2);

/// `NewReplicaSetConfigurationIncompatible` (another instance was quicker), `ConfigurationInProgress`,
/// `CurrentConfigNotCommittedYet`: read the settings again and retry.
const RECONFIG_AGAIN: [i32; 3] = [103, 109, 308];

/// Most tries to change the settings of a set.
const RECONFIG_TRIES: u32 = 40;

/// Pause between two tries to reach members.
const POLL: Duration = Duration::from_millis(250);

/// How long a set that has a primary waits for silent members before they are reported as away: when all are started
/// together, the third may be this much slower than the other two.
const STRAGGLER: Duration = Duration::from_secs(15);

/// Why the set could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ReplsetError {
    /// The connection string cannot be used for this.
    #[error("{0}")]
    Settings(String),
    /// Members did not answer in time, and no other member knows the set.
    #[error("no answer from {0}; to make a new set, all members are needed")]
    Members(String),
    /// No primary in time, and some members are silent.
    #[error("no primary within the given time; no answer from {0}: a primary needs most of the members")]
    NoMajority(String),
    /// No primary in time although all members answer.
    #[error("no primary within the given time; do the members reach each other under the names in WEHPU_MONGODB_URI?")]
    NoPrimary,
    /// The existing set has other members.
    #[error("the set {set} exists with other members ({present}) than WEHPU_MONGODB_URI names ({wanted})")]
    OtherMembers {
        /// Name of the set.
        set: String,
        /// Its members.
        present: String,
        /// The members in the connection string.
        wanted: String,
    },
    /// A command failed.
    #[error("{what}: {source}")]
    Command {
        /// What was being done.
        what: &'static str,
        /// What the server said.
        source: Error,
    },
}

/// A database user to make, from a connection string.
#[derive(Debug)]
pub struct DatabaseUser {
    /// Name.
    pub name: String,
    password: String,
    auth_source: String,
    /// The database that it works on.
    database: String,
    roles: Vec<&'static str>,
}

/// What a member reports about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    /// Host and port.
    pub name: String,
    /// `primary`, `secondary`, `recovering`, `in no set` or `away`.
    pub role: &'static str,
    /// How far a secondary's last write is behind the primary's, if both report it.
    pub lag: Option<Duration>,
}

/// What the set should look like.
#[derive(Debug)]
pub struct Plan {
    name: String,
    members: Vec<ServerAddress>,
    /// Users to create, with their roles on the database.
    pub users: Vec<DatabaseUser>,
    system: Option<Credential>,
}

impl Plan {
    /// From the connection strings of the engine, of `migrate` and of the spider, if those have users of their own.
    /// `key`: content of the members' key file; without it there is no authentication and no user is made.
    ///
    /// # Errors
    /// [`ReplsetError::Settings`].
    pub async fn new(mongodb: &Mongodb, key: Option<&str>) -> Result<Self, ReplsetError> {
        let unusable = |e: Error| ReplsetError::Settings(format!("the connection string cannot be used: {e}"));
        let options = ClientOptions::parse(mongodb.uri.expose_secret()).await.map_err(unusable)?;
        let name = options
            .repl_set_name
            .clone()
            .ok_or_else(|| ReplsetError::Settings("WEHPU_MONGODB_URI names no replicaSet".to_owned()))?;
        let mut users = Vec::new();
        if key.is_some() {
            users.push(user(&options, vec!["readWrite"])?);
            let others =
                [(&mongodb.migrate_uri, vec!["readWrite", "dbAdmin"]), (&mongodb.spider_uri, vec![SPIDER_ROLE])];
            for (uri, roles) in others {
                let Some(uri) = uri else { continue };
                let options = ClientOptions::parse(uri.expose_secret()).await.map_err(unusable)?;
                users.push(user(&options, roles)?);
            }
            let mut names: Vec<_> = users.iter().map(|user| (&user.auth_source, &user.name)).collect();
            names.sort_unstable();
            if names.windows(2).any(|pair| pair[0] == pair[1]) {
                let what = "the connection strings must name different users: each has rights of its own";
                return Err(ReplsetError::Settings(what.to_owned()));
            }
        }
        let system = key.map(|key| {
            Credential::builder()
                .username("__system".to_owned())
                .source("local".to_owned())
                .password(key.split_whitespace().collect::<String>())
                .mechanism(AuthMechanism::ScramSha256)
                .build()
        });
        Ok(Self { name, members: options.hosts, users, system })
    }

    fn member_names(&self) -> Vec<String> {
        self.members.iter().map(ToString::to_string).collect()
    }

    /// A client that speaks to one member only, whatever state it is in.
    fn direct(&self, member: &ServerAddress, sign_in: bool) -> Result<Database, ReplsetError> {
        let mut options = ClientOptions::builder()
            .hosts(vec![member.clone()])
            .direct_connection(true)
            .server_selection_timeout(Duration::from_secs(2))
            .connect_timeout(Duration::from_secs(2))
            .build();
        options.credential = self.system.clone().filter(|_| sign_in);
        let client =
            Client::with_options(options).map_err(|source| ReplsetError::Command { what: "client set-up", source })?;
        Ok(client.database("admin"))
    }

    /// Makes the set and its users, or finds them made; reports each step to `progress`. Returns the silent members
    /// once there is a primary: an existing set works without them, a new one needs all.
    pub async fn carry_out(
        &self,
        election_timeout: Duration,
        wait: Duration,
        progress: impl Fn(&str),
    ) -> Result<Vec<String>, ReplsetError> {
        let deadline = Instant::now() + wait;
        if self.wait_for_set(deadline).await? {
            progress(&format!("replica set {} exists", self.name));
        } else {
            self.initiate(election_timeout).await?;
            progress(&format!("replica set {} initiated", self.name));
        }
        let (primary, hello) = self.wait_for_primary(deadline).await?;
        self.compare_members(&hello)?;
        progress(&format!("primary is {primary}"));
        let database = self.direct(&primary, true)?;
        if ensure_settings(async |command| database.run_command(command).await, election_timeout).await? {
            progress("settings of the set brought up to date");
        }
        self.ensure_users(&database, progress).await?;
        self.stragglers(deadline.min(Instant::now() + STRAGGLER)).await
    }

    /// What each member reports now, in the order of the connection string. Needs no user.
    ///
    /// # Errors
    /// [`ReplsetError::Command`] when no client can be made.
    pub async fn status(&self) -> Result<Vec<MemberStatus>, ReplsetError> {
        let hellos = self.hellos().await?;
        let written = |hello: &Document| {
            let date = hello.get_document("lastWrite").and_then(|write| write.get_datetime("lastWriteDate"));
            date.ok().map(|date| date.timestamp_millis())
        };
        let is = |hello: &Document, role: &str| hello.get_bool(role).unwrap_or(false);
        let primary = hellos.iter().flatten().find(|hello| is(hello, "isWritablePrimary")).and_then(written);
        let status = |(name, hello): (String, &Option<Document>)| match hello {
            None => MemberStatus { name, role: "away", lag: None },
            Some(hello) if is(hello, "isWritablePrimary") => MemberStatus { name, role: "primary", lag: None },
            Some(hello) if is(hello, "secondary") => {
                let behind = primary.zip(written(hello)).map(|(primary, own)| primary.saturating_sub(own));
                let lag = behind.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or_default()));
                MemberStatus { name, role: "secondary", lag }
            }
            Some(hello) if hello.contains_key("setName") => MemberStatus { name, role: "recovering", lag: None },
            Some(_) => MemberStatus { name, role: "in no set", lag: None },
        };
        Ok(self.member_names().into_iter().zip(&hellos).map(status).collect())
    }

    /// Removes a database user that no connection string names any more, such as the former one after a change of
    /// passwords. Returns whether it existed.
    ///
    /// # Errors
    /// [`ReplsetError::Settings`] for a user that is in use, else as [`Plan::carry_out`].
    pub async fn drop_user(&self, name: &str, wait: Duration) -> Result<bool, ReplsetError> {
        if self.users.iter().any(|user| user.name == name) {
            return Err(ReplsetError::Settings(format!("the connection strings name the user {name}: it is in use")));
        }
        let Some(engine) = self.users.first() else {
            return Err(ReplsetError::Settings("without a key file there are no users".to_owned()));
        };
        let (primary, _) = self.wait_for_primary(Instant::now() + wait).await?;
        let database = self.direct(&primary, true)?.client().database(&engine.auth_source);
        let command = doc! { "dropUser": name, "writeConcern": { "w": "majority", "wtimeout": 30_000 } };
        match database.run_command(command).await {
            Ok(_) => Ok(true),
            Err(e) if code(&e) == Some(USER_NOT_FOUND) => Ok(false),
            Err(source) => Err(ReplsetError::Command { what: "dropUser", source }),
        }
    }

    /// Makes the users and their roles through the primary's database `admin`, or updates their rights and passwords;
    /// reports each to `progress`.
    ///
    /// # Errors
    /// [`ReplsetError::Command`].
    pub async fn ensure_users(&self, admin: &Database, progress: impl Fn(&str)) -> Result<(), ReplsetError> {
        for user in &self.users {
            if user.roles.contains(&SPIDER_ROLE) {
                ensure_spider_role(&admin.client().database(&user.database)).await?;
            }
            ensure_user(admin, user).await?;
            progress(&format!("user {} may sign in", user.name));
        }
        Ok(())
    }

    /// Each member's answer to `hello`, in the order of the members; `None`: no answer.
    async fn hellos(&self) -> Result<Vec<Option<Document>>, ReplsetError> {
        let databases =
            self.members.iter().map(|member| self.direct(member, false)).collect::<Result<Vec<_>, ReplsetError>>()?;
        let hello = |database: Database| async move { database.run_command(doc! { "hello": 1 }).await.ok() };
        Ok(join_all(databases.into_iter().map(hello)).await)
    }

    /// The members that did not answer.
    fn silent(&self, hellos: &[Option<Document>]) -> Vec<String> {
        let members = self.member_names().into_iter().zip(hellos);
        members.filter(|(_, hello)| hello.is_none()).map(|(member, _)| member).collect()
    }

    /// Whether the set exists. Waits until one member knows it, or all members answer and none knows it.
    async fn wait_for_set(&self, deadline: Instant) -> Result<bool, ReplsetError> {
        loop {
            let hellos = self.hellos().await?;
            if let Some(exists) = exists(&hellos) {
                return Ok(exists);
            }
            if Instant::now() >= deadline {
                return Err(ReplsetError::Members(self.silent(&hellos).join(", ")));
            }
            sleep(POLL).await;
        }
    }

    /// The members that are still silent at `deadline`; returns early when all answer.
    async fn stragglers(&self, deadline: Instant) -> Result<Vec<String>, ReplsetError> {
        loop {
            let silent = self.silent(&self.hellos().await?);
            if silent.is_empty() || Instant::now() >= deadline {
                return Ok(silent);
            }
            sleep(POLL).await;
        }
    }

    async fn initiate(&self, election_timeout: Duration) -> Result<(), ReplsetError> {
        let member = |(id, host): (i32, String)| doc! { "_id": id, "host": host };
        let members: Vec<Document> = (0..).zip(self.member_names()).map(member).collect();
        let config = doc! { "_id": &self.name, "members": members, "settings": settings(election_timeout) };
        let database = self.direct(&self.members[0], true)?;
        match database.run_command(doc! { "replSetInitiate": config }).await {
            Ok(_) => Ok(()),
            // Another instance was quicker.
            Err(e) if code(&e) == Some(ALREADY_INITIALIZED) => Ok(()),
            Err(source) => Err(ReplsetError::Command { what: "replSetInitiate", source }),
        }
    }

    async fn wait_for_primary(&self, deadline: Instant) -> Result<(ServerAddress, Document), ReplsetError> {
        loop {
            let hellos = self.hellos().await?;
            let silent = self.silent(&hellos);
            let mut known = self.members.iter().zip(hellos);
            let primary = known.find_map(|(member, hello)| {
                let hello = hello.filter(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false))?;
                Some((member.clone(), hello))
            });
            match primary {
                Some(primary) => return Ok(primary),
                None if Instant::now() < deadline => sleep(POLL).await,
                None if silent.is_empty() => return Err(ReplsetError::NoPrimary),
                None => return Err(ReplsetError::NoMajority(silent.join(", "))),
            }
        }
    }

    fn compare_members(&self, hello: &Document) -> Result<(), ReplsetError> {
        let mut present: Vec<String> = hello
            .get_array("hosts")
            .map(|hosts| hosts.iter().filter_map(|h| h.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        let mut wanted = self.member_names();
        present.sort();
        wanted.sort();
        let set = hello.get_str("setName").unwrap_or_default().to_owned();
        if present == wanted && set == self.name {
            return Ok(());
        }
        Err(ReplsetError::OtherMembers { set, present: present.join(","), wanted: wanted.join(",") })
    }
}

/// Whether the set exists: `true` when a member knows it, `false` when all members answer and none does. A member that
/// lost its data knows no set, so a silent member may be the one that does.
fn exists(hellos: &[Option<Document>]) -> Option<bool> {
    if hellos.iter().flatten().any(|hello| hello.contains_key("setName")) {
        return Some(true);
    }
    hellos.iter().all(Option::is_some).then_some(false)
}

/// The election settings of the set.
///
/// No chaining: a secondary that copies from another secondary hears from it, for the time of an election, that there
/// is still a primary, and votes that much later.
fn settings(election_timeout: Duration) -> Document {
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    doc! {
        "electionTimeoutMillis": millis(election_timeout),
        "catchUpTimeoutMillis": millis(CATCH_UP),
        "heartbeatIntervalMillis": millis(HEARTBEAT),
        "heartbeatTimeoutSecs": i64::try_from(HEARTBEAT_TIMEOUT.as_secs()).unwrap_or(i64::MAX),
        "chainingAllowed": false,
    }
}

/// Changes the settings of an existing set to these, by commands which `admin` runs at its primary. Returns whether that
/// was necessary.
async fn ensure_settings(
    admin: impl AsyncFn(Document) -> mongodb::error::Result<Document>,
    election_timeout: Duration,
) -> Result<bool, ReplsetError> {
    let failed = |what| move |source| ReplsetError::Command { what, source };
    let wanted = settings(election_timeout);
    let mut tries = RECONFIG_TRIES;
    loop {
        let answer = admin(doc! { "replSetGetConfig": 1 }).await.map_err(failed("replSetGetConfig"))?;
        let mut config = answer.get_document("config").cloned().unwrap_or_default();
        let mut present = config.get_document("settings").cloned().unwrap_or_default();
        if wanted.iter().all(|(name, value)| present.get(name).is_some_and(|present| is_same(present, value))) {
            return Ok(tries < RECONFIG_TRIES);
        }
        present.extend(wanted.clone());
        config.insert("settings", present);
        config.insert("version", number(config.get("version")).unwrap_or_default() + 1);
        tries -= 1;
        match admin(doc! { "replSetReconfig": config }).await {
            // Read again: another instance or the server may have changed it.
            Ok(_) if tries > 0 => {}
            Ok(_) => {
                return Err(ReplsetError::Settings("the set accepts its settings and does not keep them".to_owned()));
            }
            Err(e) if tries > 0 && code(&e).is_some_and(|code| RECONFIG_AGAIN.contains(&code)) => sleep(POLL).await,
            Err(source) => return Err(ReplsetError::Command { what: "replSetReconfig", source }),
        }
    }
}

/// Whether two settings are equal, whatever integer size the server chose.
fn is_same(a: &Bson, b: &Bson) -> bool {
    match (number(Some(a)), number(Some(b))) {
        (None, None) => a == b,
        (a, b) => a == b,
    }
}

/// An integer, whatever size the server chose.
fn number(value: Option<&Bson>) -> Option<i64> {
    match value? {
        Bson::Int32(number) => Some((*number).into()),
        Bson::Int64(number) => Some(*number),
        _ => None,
    }
}

/// The user of a connection string, with `roles` on its database.
fn user(options: &ClientOptions, roles: Vec<&'static str>) -> Result<DatabaseUser, ReplsetError> {
    let missing = || {
        ReplsetError::Settings(
            "with a key file, the connection strings must name user, password and database".to_owned(),
        )
    };
    let database = options.default_database.clone().ok_or_else(missing)?;
    let credential = options.credential.as_ref().ok_or_else(missing)?;
    Ok(DatabaseUser {
        name: credential.username.clone().ok_or_else(missing)?,
        password: credential.password.clone().ok_or_else(missing)?,
        auth_source: credential.source.clone().unwrap_or_else(|| database.clone()),
        database,
        roles,
    })
}

/// Makes the spider's role in `database`, or updates it.
async fn ensure_spider_role(database: &Database) -> Result<(), ReplsetError> {
    let may = |(collection, actions): (&str, &[&str])| doc! { "resource": { "db": database.name(), "collection": collection }, "actions": actions };
    let privileges: Vec<Document> = SPIDER_MAY.into_iter().map(may).collect();
    let none: [Document; 0] = [];
    let rest = doc! { "privileges": privileges, "roles": none };
    create_or_update(database, ["createRole", "updateRole"], ROLE_EXISTS, SPIDER_ROLE, rest).await
}

async fn ensure_user(admin: &Database, user: &DatabaseUser) -> Result<(), ReplsetError> {
    let database = admin.client().database(&user.auth_source);
    let roles: Vec<Document> = user.roles.iter().map(|role| doc! { "role": *role, "db": &user.database }).collect();
    let rest = doc! { "pwd": &user.password, "roles": roles };
    create_or_update(&database, ["createUser", "updateUser"], USER_EXISTS, &user.name, rest).await
}

/// Runs the first of two commands about `name`, or the second when `name` exists already (error code `exists`).
async fn create_or_update(
    database: &Database,
    [create, update]: [&'static str; 2],
    exists: i32,
    name: &str,
    rest: Document,
) -> Result<(), ReplsetError> {
    let command = |what: &str| {
        let mut command = doc! { what: name };
        command.extend(rest.clone());
        command.insert("writeConcern", doc! { "w": "majority", "wtimeout": 30_000 });
        database.run_command(command)
    };
    match command(create).await {
        Err(e) if code(&e) == Some(exists) => {
            command(update).await.map_err(|source| ReplsetError::Command { what: update, source })?;
        }
        Err(source) => return Err(ReplsetError::Command { what: create, source }),
        Ok(_) => {}
    }
    Ok(())
}

fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(e) => Some(e.code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_set_needs_all_members_and_one_that_exists_a_single_one_that_knows_it() {
        let (knows, fresh) = (|| Some(doc! { "setName": "wehpu" }), || Some(doc! { "isreplicaset": true }));
        assert_eq!(exists(&[fresh(), fresh(), fresh()]), Some(false));
        assert_eq!(exists(&[knows(), None, knows()]), Some(true));
        assert_eq!(exists(&[fresh(), None, knows()]), Some(true));
        assert_eq!(exists(&[fresh(), fresh(), None]), None, "the silent one may have the data");
        assert_eq!(exists(&[None, None, None]), None);
    }

    #[tokio::test]
    async fn settings_that_the_set_accepts_and_does_not_keep_end_in_an_error() {
        let changes = std::cell::Cell::new(0_u32);
        let forgets = async |command: Document| {
            if command.contains_key("replSetReconfig") {
                changes.set(changes.get() + 1);
            }
            Ok(doc! { "ok": 1, "config": { "_id": "wehpu", "version": 1, "settings": { "chainingAllowed": true } } })
        };
        let error = ensure_settings(forgets, Duration::from_secs(4)).await.unwrap_err();
        assert!(error.to_string().contains("does not keep them"), "{error}");
        assert_eq!(changes.get(), RECONFIG_TRIES);
    }
}
