//! The members of the replica set, each reached directly at its address: who is primary, step-down, articles to read, and
//! the data stored in the end. Signs in with the members' key file.

use std::{collections::HashMap, time::Duration};

use futures_util::TryStreamExt;
use mongodb::{
    Client, Database,
    bson::{Document, doc},
    options::{AuthMechanism, ClientOptions, Credential, ReadConcern, ServerAddress, WriteConcern},
};

use crate::{
    Failure,
    stack::{MEMBERS, Stack},
};

/// Path of the development key file.
const KEY_FILE: &str = "docker/mongo/keyfile.development-only";

/// The engine's database.
const DATABASE: &str = "wehpu";

/// Longest wait for an answer of a member.
const PATIENCE: Duration = Duration::from_secs(3);

/// A member's role, as it reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Accepts writes.
    Primary,
    /// Copies from the primary.
    Secondary,
    /// Neither, or it does not answer.
    Away,
}

/// The replica set from outside.
#[derive(Debug, Clone)]
pub struct Members {
    stack: Stack,
    credential: Credential,
}

impl Members {
    /// Reads the key file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(stack: Stack) -> Result<Self, Failure> {
        let key = std::fs::read_to_string(KEY_FILE).map_err(|e| format!("{KEY_FILE}: {e}"))?;
        let credential = Credential::builder()
            .username("__system".to_owned())
            .source("local".to_owned())
            .password(key.split_whitespace().collect::<String>())
            .mechanism(AuthMechanism::ScramSha256)
            .build();
        Ok(Self { stack, credential })
    }

    async fn direct(&self, member: &str, sign_in: bool) -> Result<Client, Failure> {
        let address = self.stack.address(member, "data").await?.ok_or_else(|| format!("{member} has no address"))?;
        let mut options = ClientOptions::builder()
            .hosts(vec![ServerAddress::Tcp { host: address, port: Some(27017) }])
            .direct_connection(true)
            .server_selection_timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .build();
        options.credential = sign_in.then(|| self.credential.clone());
        Ok(Client::with_options(options)?)
    }

    /// The role of `member`.
    pub async fn role(&self, member: &str) -> Role {
        let asked = async {
            let client = self.direct(member, false).await?;
            Ok::<_, Failure>(client.database("admin").run_command(doc! { "hello": 1 }).await?)
        };
        let Ok(Ok(hello)) = tokio::time::timeout(PATIENCE, asked).await else { return Role::Away };
        let says = |field: &str| hello.get_bool(field).unwrap_or(false);
        match (says("isWritablePrimary"), says("secondary")) {
            (true, _) => Role::Primary,
            (_, true) => Role::Secondary,
            _ => Role::Away,
        }
    }

    /// The role of each member.
    pub async fn roles(&self) -> [Role; 3] {
        let [a, b, c] = MEMBERS;
        tokio::join!(self.role(a), self.role(b), self.role(c)).into()
    }

    /// The primary.
    ///
    /// # Errors
    /// When there is none.
    pub async fn primary(&self) -> Result<&'static str, Failure> {
        let roles = self.roles().await;
        let found = MEMBERS.into_iter().zip(roles).find(|(_, role)| *role == Role::Primary);
        found.map(|(member, _)| member).ok_or_else(|| "there is no primary".into())
    }

    /// Whether a new write reaches every member: a member that has just started may report itself as secondary and
    /// still have to roll back.
    pub async fn are_in_step(&self) -> bool {
        let noted = async {
            let admin = self.direct(self.primary().await?, true).await?.database("admin");
            let all = i32::try_from(MEMBERS.len())?;
            let concern = doc! { "w": all, "wtimeout": i64::try_from(PATIENCE.as_millis())? };
            let note = doc! { "appendOplogNote": 1, "data": { "cluster-test": 1 }, "writeConcern": concern };
            Ok::<_, Failure>(admin.run_command(note).await?)
        };
        noted.await.is_ok_and(|answer| !answer.contains_key("writeConcernError"))
    }

    /// Makes `member` step down and not stand for election for ten seconds. If two members must not stand, none may be
    /// left when the next fault takes the third.
    ///
    /// # Errors
    /// The member's error, or that it did not answer.
    pub async fn step_down(&self, member: &str) -> Result<(), Failure> {
        let admin = self.direct(member, true).await?.database("admin");
        admin.run_command(doc! { "replSetStepDown": 10, "secondaryCatchUpPeriodSecs": 5 }).await?;
        Ok(())
    }

    async fn database(&self) -> Result<Database, Failure> {
        Ok(self.direct(self.primary().await?, true).await?.database(DATABASE))
    }

    /// Documents of a collection with the given fields, read with majority concern.
    ///
    /// # Errors
    /// When there is no primary or it does not answer.
    pub async fn documents(
        &self,
        collection: &str,
        filter: Document,
        fields: Document,
    ) -> Result<Vec<Document>, Failure> {
        let database = self.database().await?;
        let documents = database.collection::<Document>(collection);
        let found = documents.find(filter).projection(fields);
        Ok(found.read_concern(ReadConcern::majority()).await?.try_collect().await?)
    }

    /// Stores those of `documents` whose `key` is not there yet; how many that were.
    ///
    /// # Errors
    /// When there is no primary, or it does not answer or refuses.
    pub async fn add(&self, collection: &str, documents: Vec<Document>) -> Result<u64, Failure> {
        let database = self.database().await?;
        let stored = database.collection::<Document>(collection);
        let mut new = 0;
        for document in documents {
            let same = doc! { "key": document.get_str("key")? };
            let put = stored.update_one(same, doc! { "$setOnInsert": document }).upsert(true);
            let put = put.write_concern(WriteConcern::majority()).await?;
            new += u64::from(put.upserted_id.is_some());
        }
        Ok(new)
    }

    /// How often each value of a text field occurs.
    ///
    /// # Errors
    /// When there is no primary or it does not answer.
    pub async fn count_by(
        &self,
        collection: &str,
        field: &str,
        filter: Document,
    ) -> Result<HashMap<String, usize>, Failure> {
        let mut counts = HashMap::new();
        for document in self.documents(collection, filter, doc! { field: 1 }).await? {
            *counts.entry(document.get_str(field).unwrap_or_default().to_owned()).or_default() += 1;
        }
        Ok(counts)
    }
}

impl Members {
    /// Makes `member` primary by making the others step down.
    ///
    /// # Errors
    /// When it does not become primary within a minute.
    pub async fn make_primary(&self, member: &str) -> Result<(), Failure> {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        while self.role(member).await != Role::Primary {
            if tokio::time::Instant::now() > deadline {
                return Err(format!("{member} does not become primary").into());
            }
            for (other, role) in MEMBERS.into_iter().zip(self.roles().await) {
                if other != member && role == Role::Secondary {
                    self.freeze(other, 30).await?;
                }
            }
            if let Ok(primary) = self.primary().await
                && primary != member
            {
                // Refused until the others have caught up; then retried.
                let _ = self.step_down(primary).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for other in MEMBERS.into_iter().filter(|other| *other != member) {
            self.freeze(other, 0).await?;
        }
        Ok(())
    }

    async fn freeze(&self, member: &str, seconds: i32) -> Result<(), Failure> {
        let admin = self.direct(member, true).await?.database("admin");
        admin.run_command(doc! { "replSetFreeze": seconds }).await?;
        Ok(())
    }
}
