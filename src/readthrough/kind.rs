//! What a kind of data needs to be read through the store: where it is stored, which system is asked, how long it stays
//! fresh, how a new answer meets the stored one.

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::{ReadResult, flights::AllFlights};
use crate::{
    campus::{Campus, CampusError, academic::Academic, listing::Listing, session::Session},
    config::Freshness,
    flights::Flights,
    model::{Rows, academic::Term},
    store::{SnapshotKey, Snapshots, Store, User},
    students::{Access, Login, Service},
};

/// A kind of data that is read through the store.
pub trait DataKind: Clone + Send + Sync + 'static {
    /// What it yields.
    type Data: Rows + Clone + Send + Sync + Serialize + DeserializeOwned + Unpin + 'static;

    /// Name in keys, logs, metrics and exports.
    const NAME: &'static str;

    /// Whether it may have no rows. Where it may not, an empty answer never replaces a stored one.
    const MAY_BE_EMPTY: bool = false;

    /// Where it is stored.
    fn snapshots(store: &Store) -> &Snapshots<Self::Data>;

    /// How long it stays fresh.
    fn freshness(fresh: &Freshness) -> Duration;

    /// What is stored after `fetched` came and `stored` was there.
    fn merge(_stored: Self::Data, fetched: Self::Data) -> Self::Data {
        fetched
    }

    /// The requests for this kind that are under way in this replica.
    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>>;
}

/// A kind of data that a campus system shows.
pub trait CampusKind: DataKind {
    /// What is asked for it.
    const SERVICE: Service;

    /// What is asked for; a student's own data of the term unless it says otherwise. `asked`: the system that is asked,
    /// by its kind and by the profile's name of the student's academic system.
    fn key(&self, user: &User, _asked: &str, term: &str) -> SnapshotKey {
        SnapshotKey::own(user, term)
    }

    /// Asks the campus.
    fn fetch(&self, visit: Visit<'_>) -> impl Future<Output = Shown<Self::Data>> + Send;
}

/// What a campus system shows of a kind of data.
pub type Shown<T> = Result<Listing<T>, CampusError>;

/// A student at the campus.
pub struct Visit<'a> {
    /// The campus systems.
    pub campus: &'a Campus,
    /// The system that is asked, and what opens it.
    pub access: Access,
    /// The academic system of the student, where one is asked.
    pub academic: Option<&'a Academic>,
    /// What the student logs in with; nothing where anybody may ask.
    pub login: &'a Login,
    /// His session at the system.
    pub session: &'a mut Session,
    /// The current term.
    pub term: &'a Term,
}

impl<'a> Visit<'a> {
    /// The academic system of the student.
    ///
    /// # Errors
    /// [`CampusError::Down`]: a kind that asks it is only read where there is one.
    pub fn academic(&self) -> Result<&'a Academic, CampusError> {
        self.academic.ok_or(CampusError::Down(self.access.system))
    }
}

impl std::fmt::Debug for Visit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visit").field("term", &self.term.name).finish_non_exhaustive()
    }
}
