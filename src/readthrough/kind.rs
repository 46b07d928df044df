//! What kinds of campus data there are, and what each of them needs: whose passwords, which system, how long it stays
//! fresh, how a new answer meets the stored one.

use std::future::Future;

use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    campus::{Campus, CampusError, listing::Listing, session::Session},
    config::{Freshness, Term},
    flights::Flights,
    outbound::System,
    store::{Credential, SnapshotKey, Snapshots, Store, User},
};

use super::Outcome;

/// A kind of campus data that is read through the store.
pub trait Source: Clone + Send + Sync + 'static {
    /// What it yields.
    type Data: Clone + Send + Sync + Serialize + DeserializeOwned + Unpin + 'static;

    /// Name, for keys, logs and metrics.
    const NAME: &'static str;

    /// The system that is asked, and whose session is kept.
    const SYSTEM: System;

    /// Passwords that are sent, each with the system it belongs to. Empty: no login is needed.
    const CREDENTIALS: &'static [(Credential, System)];

    /// What is asked for.
    fn key(&self, user: &User, term: &str) -> SnapshotKey;

    /// Where it is stored.
    fn snapshots(store: &Store) -> &Snapshots<Self::Data>;

    /// How long it stays fresh.
    fn freshness(fresh: &Freshness) -> std::time::Duration;

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

    /// Asks the campus.
    fn fetch(
        &self,
        campus: &Campus,
        login: &Login,
        term: &Term,
        session: &mut Session,
    ) -> impl Future<Output = Result<Listing<Self::Data>, CampusError>> + Send;

    /// The requests for this kind that are under way in this replica.
    fn flights(all: &AllFlights) -> &Flights<Outcome<Self::Data>>;
}

/// What a student logs in with; what a source does not ask for is empty.
#[derive(Debug, Default)]
pub struct Login {
    /// Student number.
    pub student_id: String,
    /// Password of the VPN.
    pub vpn: SecretString,
    /// Password of the URP.
    pub urp: SecretString,
    /// Password of the library.
    pub library: SecretString,
    /// End of the id number.
    pub id_number: SecretString,
}

/// The flights of every source.
#[derive(Clone, Default)]
pub struct AllFlights {
    pub(super) courses: Flights<Outcome<<super::Courses as Source>::Data>>,
    pub(super) scores: Flights<Outcome<<super::Scores as Source>::Data>>,
    pub(super) classrooms: Flights<Outcome<<super::Classrooms as Source>::Data>>,
    pub(super) physical: Flights<Outcome<<super::Physical as Source>::Data>>,
    pub(super) borrowing: Flights<Outcome<<super::Borrowing as Source>::Data>>,
    pub(super) searches: Flights<Outcome<<super::Search as Source>::Data>>,
    pub(super) copies: Flights<Outcome<<super::Copies as Source>::Data>>,
    pub(super) donations: Flights<Outcome<<super::Donations as Source>::Data>>,
}
