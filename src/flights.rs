//! Single flight: callers that want the same thing at the same time share one piece of work.

use std::{collections::HashMap, future::Future, sync::Arc};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

/// The shared result of one flight; `None` when its task was aborted or panicked.
pub(crate) type Flight<T> = Shared<BoxFuture<'static, Option<T>>>;

/// Work under way, by key.
#[derive(Clone)]
pub struct Flights<T: Clone>(Arc<Mutex<HashMap<String, Flight<T>>>>);

impl<T: Clone> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// The flight under `key`: the one under way, else a new one that does `work` as a task of its own, so that it ends
    /// well although its callers may go away.
    pub(crate) fn join<F>(&self, tasks: &TaskTracker, key: String, work: impl FnOnce() -> F) -> Flight<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flights = self.0.lock();
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        let landed = Landing { flights: Arc::clone(&self.0), key: key.clone() };
        let work = work();
        let task = tasks.spawn(async move {
            let _landed = landed;
            work.await
        });
        let flight = task.map(Result::ok).boxed().shared();
        flights.insert(key, flight.clone());
        flight
    }
}

/// Takes the flight off the list when its work ends, however it ends.
struct Landing<T: Clone> {
    flights: Arc<Mutex<HashMap<String, Flight<T>>>>,
    key: String,
}

impl<T: Clone> Drop for Landing<T> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_piece_of_work_and_later_ones_start_another() {
        let (flights, tasks) = (Flights::<u32>::default(), TaskTracker::new());
        let (runs, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let join = || {
            let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
            flights.join(&tasks, "k".to_owned(), || async move {
                gate.notified().await;
                runs.fetch_add(1, Ordering::SeqCst) + 1
            })
        };
        let (a, b) = (join(), join());
        gate.notify_one();
        assert_eq!((a.await, b.await), (Some(1), Some(1)));
        gate.notify_one();
        assert_eq!(join().await, Some(2));
    }

    #[tokio::test]
    async fn a_panic_in_the_work_reaches_every_caller_and_frees_the_key() {
        let (flights, tasks) = (Flights::<u32>::default(), TaskTracker::new());
        let crash = flights.join(&tasks, "k".to_owned(), || async { panic!("work") });
        assert_eq!(crash.await, None);
        assert_eq!(flights.join(&tasks, "k".to_owned(), || async { 7 }).await, Some(7));
    }
}
