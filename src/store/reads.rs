//! How a document is read: retried when a member cannot answer yet, nearest then primary when the nearest member does
//! not know it, and hedged when a member stays silent.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

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

use super::{StoreError, UNAVAILABLE_CODES, cache::Ticket, coherence::ClusterMoment};

/// How long a read is retried that a member cannot answer yet, and the pause between two tries. A member that has just
/// started waits for two heartbeats of each other member (up to 1.5 s); on a busy machine with two members away, 5 s
/// was too short. The driver may choose the same member each time: it prefers the one with the fewest running
/// operations, and one that fails at once has none.
const READ_PATIENCE: Duration = Duration::from_secs(10);
const READ_PAUSE: Duration = Duration::from_millis(200);

/// Hedge after: how long a member may stay silent until a second one is asked, which may not know the latest writes.
const SILENCE: Duration = HEDGE_LATEST;

/// Where the second one cannot show less: hedge after so many times the usual time of a read, but within these bounds: a paused member is noticed only after 2
/// s. A primary whose writes reach no majority does not answer either: they hold all its connections, up to
/// [`super::WRITE_TIMEOUT`]. On a busy machine every read takes longer, and a second read would only add to its work.
const UNUSUAL: u32 = 20;
const HEDGE_SOONEST: Duration = Duration::from_millis(150);
const HEDGE_LATEST: Duration = Duration::from_secs(1);

/// How long a read usually takes.
static USUAL: Usual = Usual(AtomicU64::new(0));

/// A moving average of times, in microseconds; each new one counts for a sixteenth.
struct Usual(AtomicU64);

impl Usual {
    fn note(&self, took: Duration) {
        let (before, took) = (self.0.load(Ordering::Relaxed), u64::try_from(took.as_micros()).unwrap_or(u64::MAX / 16));
        // Of two at the same moment one may be lost.
        self.0.store(before - before / 16 + took / 16, Ordering::Relaxed);
    }

    /// How long a member may stay silent until a second one is asked.
    fn hedge_after(&self) -> Duration {
        let unusual = Duration::from_micros(self.0.load(Ordering::Relaxed)).saturating_mul(UNUSUAL);
        unusual.clamp(HEDGE_SOONEST, HEDGE_LATEST)
    }
}

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
    first_of(SILENCE, async move { steadily(|| first.find_one(filter.clone())).await }, async move {
        steadily(|| second.find_one(same.clone()).selection_criteria(elsewhere())).await
    })
    .await
}

/// Like [`find_one`], in a state of the database that includes `ticket.after`, whichever member answers. When that
/// includes every answered write, a second member is asked as soon as the time is unusual: it cannot show less.
pub(super) async fn find_one_after<T>(
    documents: &Collection<T>,
    filter: Document,
    ticket: Ticket,
) -> Result<Option<T>, StoreError>
where
    T: Send + Sync + DeserializeOwned + 'static,
{
    let Ticket { after, is_told, .. } = ticket;
    let Some(after) = after else { return find_one(documents, filter).await };
    let (first, second, same, then) = (documents.clone(), documents.clone(), filter.clone(), after.clone());
    let silence = if is_told { USUAL.hedge_after() } else { SILENCE };
    first_of(silence, async move { steadily(|| find_after(&first, &filter, &after, None)).await }, async move {
        steadily(|| find_after(&second, &same, &then, Some(elsewhere()))).await
    })
    .await
}

/// One read in a causally consistent session: the member waits until it has what happened up to `after`. What is read
/// reached a majority, so that it is never rolled back.
async fn find_after<T>(
    documents: &Collection<T>,
    filter: &Document,
    after: &ClusterMoment,
    whom: Option<SelectionCriteria>,
) -> Result<Option<T>, Error>
where
    T: Send + Sync + DeserializeOwned,
{
    let mut session = documents.client().start_session().causal_consistency(true).await?;
    if let Some(clock) = &after.clock {
        session.advance_cluster_time(clock);
    }
    session.advance_operation_time(after.at);
    let whom = whom.or_else(|| documents.selection_criteria().cloned());
    let read = documents.find_one(filter.clone()).read_concern(ReadConcern::majority());
    match whom {
        Some(whom) => read.selection_criteria(whom).session(&mut session).await,
        None => read.session(&mut session).await,
    }
}

/// Pings any member; hedged.
pub(super) async fn ping(db: &Database) -> Result<(), StoreError> {
    let nearest = SelectionCriteria::ReadPreference(ReadPreference::Nearest { options: None });
    let ask = |db: Database, whom: SelectionCriteria| async move {
        steadily(|| db.run_command(doc! { "ping": 1 }).selection_criteria(whom.clone())).await
    };
    first_of(SILENCE, ask(db.clone(), nearest), ask(db.clone(), elsewhere())).await.map(drop)
}

/// A secondary. Of two, the driver chooses the one with fewer running operations, hence not a silent one.
fn elsewhere() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::SecondaryPreferred { options: None })
}

/// A hedged read: the answer of `first`, or, when it is silent for `silence`, the earlier answer of both. Fails
/// when both fail or no member was found.
///
/// Each read is a task of its own and runs to its end: a dropped read would close its connection, and the new
/// connection to a silent member would end the driver's monitoring of it (see [`super::POOL`]).
async fn first_of<T: Send + 'static>(
    silence: Duration,
    first: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    second: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let began = Instant::now();
    let mut first = tokio::spawn(first);
    let turn = async {
        sleep(silence).await;
        SECOND.acquire().await
    };
    let turn = tokio::select! {
        answer = &mut first => {
            USUAL.note(began.elapsed());
            return joined(answer);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_member_is_asked_after_an_unusual_time_within_bounds() {
        let usual = Usual(AtomicU64::new(0));
        assert_eq!(usual.hedge_after(), HEDGE_SOONEST);
        (0..200).for_each(|_| usual.note(Duration::from_millis(20)));
        let after = usual.hedge_after();
        assert!((300..=400).contains(&after.as_millis()), "{after:?}");
        (0..200).for_each(|_| usual.note(Duration::from_secs(3)));
        assert_eq!(usual.hedge_after(), HEDGE_LATEST);
    }
}
