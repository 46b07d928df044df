//! `wehpu-engine takeover`: turns course tables and scores of the old service into snapshots.

mod former;

use futures_util::TryStreamExt;
use mongodb::bson::Bson;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Failure;
use crate::{
    config::read_takeover,
    store::{FormerDocument, FormerKind, SnapshotKey, Snapshots, Store, migrations},
};

/// Number of documents between two progress lines.
const PROGRESS_EVERY: u64 = 1000;

/// Carry over the course tables and scores that the old service stored.
///
/// Run it after `migrate` and `rekey`, so that students find their tables while the campus is away. It never replaces
/// anything newer, leaves the old documents as they are, and may be repeated without effect. Accounts that are not
/// bound, or were bound again since the upgrade, are left alone.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only count what would be done
    #[arg(long)]
    dry_run: bool,
}

/// Counts of the documents of a kind.
#[derive(Debug, Default)]
struct Tally {
    seen: u64,
    carried: u64,
    /// The same or a newer snapshot existed.
    newer: u64,
    /// The account is not bound, or was bound again.
    unowned: u64,
    /// Unreadable, or without date or term.
    unread: u64,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let (mongodb, term) = read_takeover(super::environment()?)?;
    let store = Store::connect(mongodb.migrate_uri(), "wehpu-engine takeover").await?;
    migrations::check_current(store.database()).await?;
    let courses =
        Kind { which: FormerKind::Courses, to: &store.student_data.courses, term: None, read: former::course_table };
    courses.carry_over(&store, args.dry_run).await?;
    let scores = Kind {
        which: FormerKind::Scores,
        to: &store.student_data.scores,
        term: Some(&term.name),
        read: former::scores,
    };
    scores.carry_over(&store, args.dry_run).await
}

/// A kind of data and its destination.
struct Kind<'a, T: Send + Sync> {
    which: FormerKind,
    to: &'a Snapshots<T>,
    /// The term of documents that have none.
    term: Option<&'a str>,
    /// Reads a document's content; `None` when it is empty.
    read: fn(&Value) -> Option<T>,
}

impl<T: Send + Sync + Serialize + DeserializeOwned + Unpin + 'static> Kind<'_, T> {
    async fn carry_over(&self, store: &Store, dry_run: bool) -> Result<(), Failure> {
        let mut tally = Tally::default();
        let mut documents = std::pin::pin!(store.former.of(self.which).await?);
        while let Some(document) = documents.try_next().await? {
            tally.seen += 1;
            self.one(document, dry_run, &mut tally).await?;
            if tally.seen % PROGRESS_EVERY == 0 {
                println!("{}: {} documents", self.which.name(), tally.seen);
            }
        }
        let verb = if dry_run { "to carry over" } else { "carried over" };
        println!(
            "{}: {} documents of the old service: {} {verb}, {} no newer than what is there, {} of nobody bound, {} without anything to read",
            self.which.name(),
            tally.seen,
            tally.carried,
            tally.newer,
            tally.unowned,
            tally.unread
        );
        Ok(())
    }

    async fn one(&self, document: FormerDocument, dry_run: bool, tally: &mut Tally) -> Result<(), Failure> {
        let Some(owner) = document.owner else {
            tally.unowned += 1;
            return Ok(());
        };
        let term = document.term.or_else(|| self.term.map(str::to_owned)).filter(|term| !term.is_empty());
        let data = (self.read)(&plain(&document.content));
        let (Some(term), Some(data), Some(at)) = (term, data, document.made_at) else {
            tally.unread += 1;
            return Ok(());
        };
        let key = SnapshotKey::Own { open_id: owner.open_id, student_id: owner.student_id, term };
        let there = self.to.find_latest(&key).await?;
        if there.is_some_and(|snapshot| snapshot.fetched_at() >= at) {
            tally.newer += 1;
            return Ok(());
        }
        if !dry_run {
            self.to.save(&key, &data, at).await?;
        }
        tally.carried += 1;
        Ok(())
    }
}

/// The content as JSON. Numbers that JSON lacks become null.
fn plain(content: &Bson) -> Value {
    serde_json::to_value(content).unwrap_or_default()
}
