//! The attacker: one address that opens connections, streams and requests and does not end them, or sends requests
//! without end. It runs in a container on the proxy's network (`cluster-test flood …`) to have an address of its own,
//! and prints its results as one line of JSON.

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

/// The attacks.
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
    /// HTTP/2 with TLS and in clear text: a hundred streams per connection, each with one byte of its body.
    Streams,
    /// Downloads of a public file that nobody reads.
    Downloads,
    /// Connections that send nothing.
    Idle,
    /// Connections that are opened and closed.
    Burst,
    /// Two hundred uploads of 20 MiB at once, by ten accounts.
    Uploads,
    /// Invented login codes.
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

/// Which attack, against whom, for how long.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The attack
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
    /// Length in seconds
    #[arg(long)]
    seconds: u64,
    /// Factor by which students come and read more slowly
    #[arg(long, default_value_t = 1.0, value_parser = crate::slack)]
    slack: f64,
}

/// The results of an attacker.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Met {
    /// Connections that were opened.
    pub opened: usize,
    /// Connections that could not be opened, or ended without an answer.
    pub refused: usize,
    /// Answers by status.
    pub answers: BTreeMap<u16, usize>,
}

/// The results, shared by all connections of an attacker.
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

/// Attacks for the given time, and prints the results.
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
        // They end by themselves after their last answer.
        while workers.join_next().await.is_some() {}
    }
    println!("{}", serde_json::to_string(&*lock(&tally.0))?);
    Ok(())
}
