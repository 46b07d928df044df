//! What physical education shows: the tests of all years.

use std::time::Duration;

use crate::{
    campus::{Campus, CampusError, listing::Listing, session::Session},
    config::{Freshness, Term},
    flights::Flights,
    model::PhysicalYear,
    readthrough::{
        ReadResult,
        flights::AllFlights,
        kind::{CampusKind, DataKind},
    },
    store::{SnapshotKey, Snapshots, Store, User},
    students::{Access, Login},
};

/// Physical tests of all years.
#[derive(Debug, Clone, Copy)]
pub struct Physical;

impl DataKind for Physical {
    type Data = Vec<PhysicalYear>;
    const NAME: &'static str = "physical";
    const ACCESS: Access = Access::PHYSICAL;

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.student_data.physical
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.physical
    }

    fn is_empty(data: &Self::Data) -> bool {
        data.is_empty()
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.physical
    }
}

impl CampusKind for Physical {
    fn key(&self, user: &User, term: &str) -> SnapshotKey {
        SnapshotKey::own(user, term)
    }

    async fn fetch(
        &self,
        campus: &Campus,
        login: &Login,
        _: &Term,
        session: &mut Session,
    ) -> Result<Listing<Self::Data>, CampusError> {
        Ok(campus.physical.scores(&login.student_id, &login.id_number, session).await?.into())
    }
}
