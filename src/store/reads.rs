//! How a document is read: again where a member cannot answer yet, elsewhere where one does not know it, and elsewhere
//! as well where one does not answer.

use std::time::Duration;

use mongodb::{
    Collection, Database,
    bson::{Document, doc},
    error::{Error, ErrorKind},
    options::{ReadConcern, ReadPreference, SelectionCriteria},
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::Semaphore,
    task::JoinError,
    time::{Instant, sleep},
};

use super::{StoreError, UNAVAILABLE_CODES};

/// How long, and how long apart, a read is tried that a member cannot answer yet: one that has just started first waits for
/// two heartbeats from each of the others, which took up to 1.5 s; on a busy machine, with two members away, a read was given up after 5 s.
/// The driver may well choose the same member each time: it prefers the one with the fewest operations under way, and one
/// that fails at once has none.
const READ_PATIENCE: Duration = Duration::from_secs(10);
const READ_PAUSE: Duration = Duration::from_millis(200);

/// How long a member may stay silent until another one is asked as well. A paused one is noticed after 3 s; a primary whose
/// writes no majority takes answers nothing either, since they hold all connections to it, up to [`super::WRITE_TIMEOUT`].
const SILENCE: Duration = Duration::from_secs(1);

/// Reads that may ask a second member at the same time: enough for a thousand a second, and so few that an engine which is
/// slow itself does not make much more work of it.
static SECOND: Semaphore = Semaphore::const_new(16);

/// Does a read, again while it meets members that cannot answer it: one that has just started says so with an error the
/// driver does not know how to deal with, and two that are lost at the same moment are one more than the driver tries. A
/// moment later they, or another one, answer. Anyone who has looked for a member in vain does not look again.
pub(super) async fn steadily<T, R>(read: impl Fn() -> R) -> Result<T, StoreError>
where
    R: IntoFuture<Output = Result<T, Error>>,
{
    let deadline = Instant::now() + READ_PATIENCE;
    loop {
        match read().await {
            Err(error) if is_passing(&error) && Instant::now() < deadline => sleep(READ_PAUSE).await,
            outcome => return Ok(outcome?),
        }
    }
}

/// One document from where `near` reads, or from the primary where that member does not know it (yet): what led here, a
/// list or an address, may have come from a member that is further on.
pub(crate) async fn find_anywhere<T>(near: &Collection<T>, filter: Document) -> Result<Option<T>, StoreError>
where
    T: Send + Sync + DeserializeOwned + 'static,
{
    if let Some(found) = find_one(near, filter.clone()).await? {
        return Ok(Some(found));
    }
    let primary = SelectionCriteria::ReadPreference(ReadPreference::PrimaryPreferred { options: None });
    let again =
        || near.find_one(filter.clone()).selection_criteria(primary.clone()).read_concern(ReadConcern::majority());
    steadily(again).await
}

/// One document from where `documents` reads, or, where that member does not answer, from a secondary.
pub(super) async fn find_one<T>(documents: &Collection<T>, filter: Document) -> Result<Option<T>, StoreError>
where
    T: Send + Sync + DeserializeOwned + 'static,
{
    let (first, second, same) = (documents.clone(), documents.clone(), filter.clone());
    first_of(async move { steadily(|| first.find_one(filter.clone())).await }, async move {
        steadily(|| second.find_one(same.clone()).selection_criteria(elsewhere())).await
    })
    .await
}

/// Asks any member whether it is there.
pub(super) async fn ping(db: &Database) -> Result<(), StoreError> {
    let nearest = SelectionCriteria::ReadPreference(ReadPreference::Nearest { options: None });
    let ask = |db: Database, whom: SelectionCriteria| async move {
        steadily(|| db.run_command(doc! { "ping": 1 }).selection_criteria(whom.clone())).await
    };
    first_of(ask(db.clone(), nearest), ask(db.clone(), elsewhere())).await.map(drop)
}

/// Of two secondaries the driver chooses the one with fewer operations under way: not the one that does not answer.
fn elsewhere() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::SecondaryPreferred { options: None })
}

/// The answer of `first`, or, when it does not come for [`SILENCE`], the earlier answer of both. An error only where both
/// fail, or no member was found.
///
/// Each is a task of its own, which ends by itself: a read that is dropped takes its connection along, and the new one that
/// is made to a silent member ends the driver's watch on it (see [`super::POOL`]).
async fn first_of<T: Send + 'static>(
    first: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    second: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let mut first = tokio::spawn(first);
    let turn = async {
        sleep(SILENCE).await;
        SECOND.acquire().await
    };
    let turn = tokio::select! {
        answer = &mut first => return joined(answer),
        turn = turn => turn,
    };
    let mut second = tokio::spawn(async move {
        let _turn = turn;
        second.await
    });
    let (answer, other) = tokio::select! {
        answer = &mut first => (joined(answer), second),
        answer = &mut second => (joined(answer), first),
    };
    match answer {
        Err(error) if !error.is_without_member() => joined(other.await),
        answer => answer,
    }
}

fn joined<T>(ended: Result<Result<T, StoreError>, JoinError>) -> Result<T, StoreError> {
    ended.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(StoreError::Unavailable(Error::custom("the runtime ends"))),
    })
}

/// Whether this is about the member that was asked, and not about all of them.
fn is_passing(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => true,
        ErrorKind::Command(e) => UNAVAILABLE_CODES.contains(&e.code),
        _ => false,
    }
}
