//! What a kind of data needs to be read through the store: where it is stored, which system is asked, how long it stays
//! fresh, how a new answer meets the stored one.

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::{ReadResult, flights::AllFlights};
use crate::{
    campus::{Campus, CampusError, listing::Listing, session::Session},
    config::{Freshness, Term},
    flights::Flights,
    store::{SnapshotKey, Snapshots, Store, User},
    students::{Access, Login},
};

/// A kind of data that is read through the store.
pub trait DataKind: Clone + Send + Sync + 'static {
    /// What it yields.
    type Data: Clone + Send + Sync + Serialize + DeserializeOwned + Unpin + 'static;

    /// Name, for keys, logs and metrics.
    const NAME: &'static str;

    /// The system that is asked, and what opens it.
    const ACCESS: Access;

    /// Where it is stored.
    fn snapshots(store: &Store) -> &Snapshots<Self::Data>;

    /// How long it stays fresh.
    fn freshness(fresh: &Freshness) -> Duration;

    /// Whether there is nothing in it. Such an answer never replaces a stored one.
    fn is_empty(data: &Self::Data) -> bool;

    /// How many rows it has, for lists that can be partial: one with fewer rows never replaces a stored one.
    fn rows(_data: &Self::Data) -> usize {
        0
    }

    /// What is stored after `fetched` came and `stored` was there.
    fn merge(_stored: Self::Data, fetched: Self::Data) -> Self::Data {
        fetched
    }

    /// The requests for this kind that are under way in this replica.
    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>>;
}

/// A kind of data that a campus system shows.
pub trait CampusKind: DataKind {
    /// What is asked for.
    fn key(&self, user: &User, term: &str) -> SnapshotKey;

    /// Asks the campus.
    fn fetch(
        &self,
        campus: &Campus,
        login: &Login,
        term: &Term,
        session: &mut Session,
    ) -> impl Future<Output = Result<Listing<Self::Data>, CampusError>> + Send;
}
