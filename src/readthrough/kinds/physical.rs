//! What physical education shows: the tests of all years.

use std::time::Duration;

use crate::{
    config::Freshness,
    flights::Flights,
    model::PhysicalYear,
    readthrough::{
        ReadResult,
        flights::AllFlights,
        kind::{CampusKind, DataKind, Shown, Visit},
    },
    store::{Snapshots, Store},
    students::Service,
};

/// Physical tests of all years.
#[derive(Debug, Clone, Copy)]
pub struct Physical;

impl DataKind for Physical {
    type Data = Vec<PhysicalYear>;
    const NAME: &'static str = "physical";

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.student_data.physical
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.physical
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.physical
    }
}

impl CampusKind for Physical {
    const SERVICE: Service = Service::Physical;

    async fn fetch(&self, Visit { campus, login, session, .. }: Visit<'_>) -> Shown<Self::Data> {
        Ok(campus.physical.scores(&login.student_id, &login.id_number, session).await?.into())
    }
}
