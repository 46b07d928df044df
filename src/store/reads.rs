//! How a document is read: retried when a member cannot answer yet, nearest then primary when the nearest member does
//! not know it, and hedged when a member stays silent.

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

/// How long a read is retried that a member cannot answer yet, and the pause between two tries. A member that has just
/// started waits for two heartbeats of each other member (up to 1.5 s); on a busy machine with two members away, 5 s
/// was too short. The driver may choose the same member each time: it prefers the one with the fewest running
/// operations, and one that fails at once has none.
const READ_PATIENCE: Duration = Duration::from_secs(10);
const READ_PAUSE: Duration = Duration::from_millis(200);

/// Hedge after: how long a member may stay silent until a second one is asked. A paused member is noticed only after 3
/// s. A primary whose writes reach no majority does not answer either: they hold all its connections, up to
/// [`super::WRITE_TIMEOUT`].
const SILENCE: Duration = Duration::from_secs(1);

/// Hedges at the same time: enough for a thousand reads a second, and few enough that an engine which is slow itself
/// adds little load.
static SECOND: Semaphore = Semaphore::const_new(16);

/// Retries a read that met a member which cannot answer it. The driver does not know the error of a member that has
/// just started, and retries only once when two members are lost at the same moment. A read that already waited for a
/// member in vain fails at once.
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

/// One document, nearest then primary: the list or address that led here may come from a member that is further on.
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

/// One document from where `documents` reads; hedged with a secondary.
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

/// Pings any member; hedged.
pub(super) async fn ping(db: &Database) -> Result<(), StoreError> {
    let nearest = SelectionCriteria::ReadPreference(ReadPreference::Nearest { options: None });
    let ask = |db: Database, whom: SelectionCriteria| async move {
        steadily(|| db.run_command(doc! { "ping": 1 }).selection_criteria(whom.clone())).await
    };
    first_of(ask(db.clone(), nearest), ask(db.clone(), elsewhere())).await.map(drop)
}

/// A secondary. Of two, the driver chooses the one with fewer running operations, hence not a silent one.
fn elsewhere() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::SecondaryPreferred { options: None })
}

/// A hedged read: the answer of `first`, or, when it is silent for [`SILENCE`], the earlier answer of both. Fails when
/// both fail or no member was found.
///
/// Each read is a task of its own and runs to its end: a dropped read would close its connection, and the new
/// connection to a silent member would end the driver's monitoring of it (see [`super::POOL`]).
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

/// Whether the error is about the member that was asked, not about all members.
fn is_passing(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => true,
        ErrorKind::Command(e) => UNAVAILABLE_CODES.contains(&e.code),
        _ => false,
    }
}
