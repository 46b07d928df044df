//! The attacker: one address that opens connections, streams and requests and does not end them, or asks without end. It
//! runs in a container of its own on the network of the proxy (`cluster-test flood …`), so that it has an address of its
//! own, and prints what it met as one line of JSON.

mod held;
mod line;
mod requests;
mod streams;
mod students;

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use crate::{Failure, lock};
pub use line::NAME;
use line::Target;

/// What one address does to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Attack {
    /// Requests whose headers never end.
    Headers,
    /// Bodies of 14 KB that lack their last byte.
    SmallBodies,
    /// Bodies of 64 KB that stop after 17 KB, on paths that answer early and on others.
    Bodies,
    /// Bodies of a megabyte that lack their last kilobyte.
    LargeBodies,
    /// HTTP/2 over TLS and in clear text: a hundred streams a connection, each with one byte of its body.
    Streams,
    /// Downloads of a public file that nobody reads.
    Downloads,
    /// Connections that say nothing.
    Idle,
    /// Connections that are opened and closed.
    Burst,
    /// Two hundred uploads of 20 MiB at once, by ten accounts.
    Uploads,
    /// Login codes that are made up.
    Codes,
    /// Searches that read whole collections, by thirty accounts.
    Searches,
    /// No attack: three thousand students behind one address.
    Students,
}

impl Attack {
    /// Its name on the command line and in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::SmallBodies => "small-bodies",
            Self::Bodies => "bodies",
            Self::LargeBodies => "large-bodies",
            Self::Streams => "streams",
            Self::Downloads => "downloads",
            Self::Idle => "idle",
            Self::Burst => "burst",
            Self::Uploads => "uploads",
            Self::Codes => "codes",
            Self::Searches => "searches",
            Self::Students => "students",
        }
    }
}

/// What to do, to whom, how long.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to do
    #[arg(value_enum)]
    attack: Attack,
    /// Address of the proxy
    #[arg(long)]
    proxy: IpAddr,
    /// Its certificate (PEM)
    #[arg(long)]
    certificate: std::path::PathBuf,
    /// Path of a large public file
    #[arg(long, default_value = "/files/none.zip")]
    file: String,
    /// For how long
    #[arg(long)]
    seconds: u64,
    /// How many times slower than promised students come and look
    #[arg(long, default_value_t = 1.0, value_parser = crate::slack)]
    slack: f64,
}

/// What an attacker met.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Met {
    /// Connections that were opened.
    pub opened: usize,
    /// Connections that could not be opened, or ended without an answer.
    pub refused: usize,
    /// Answers by status.
    pub answers: BTreeMap<u16, usize>,
}

/// Shared by all connections of an attacker.
#[derive(Debug, Clone, Default)]
struct Tally(Arc<Mutex<Met>>);

impl Tally {
    fn opened(&self) {
        lock(&self.0).opened += 1;
    }

    fn refused(&self) {
        lock(&self.0).refused += 1;
    }

    fn answered(&self, status: u16) {
        *lock(&self.0).answers.entry(status).or_default() += 1;
    }
}

/// Attacks for as long as it is told, and prints what it met.
///
/// # Errors
/// When the certificate cannot be used.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let target = Target::new(arguments.proxy, &arguments.certificate)?;
    let tally = Tally::default();
    let end = Instant::now() + Duration::from_secs(arguments.seconds);
    let mut workers = match arguments.attack {
        Attack::Headers => held::headers(&target, &tally),
        Attack::SmallBodies => held::bodies(&target, &tally, 4500, 14_000, 13_999),
        Attack::Bodies => held::bodies(&target, &tally, 1500, 64_000, 17_000),
        Attack::LargeBodies => held::bodies(&target, &tally, 600, 1_048_000, 1_047_000),
        Attack::Streams => streams::streams(&target, &tally),
        Attack::Downloads => held::downloads(&target, &tally, &arguments.file),
        Attack::Idle => held::idle(&target, &tally),
        Attack::Burst => held::burst(&target, &tally),
        Attack::Uploads => requests::uploads(&target, &tally),
        Attack::Codes => requests::codes(&target, &tally),
        Attack::Searches => requests::searches(&target, &tally),
        Attack::Students => students::students(&target, &tally, end, arguments.slack),
    };
    sleep_until(end).await;
    if arguments.attack == Attack::Students {
        // They end by themselves, each with its last answer.
        while workers.join_next().await.is_some() {}
    }
    println!("{}", serde_json::to_string(&*lock(&tally.0))?);
    Ok(())
}
