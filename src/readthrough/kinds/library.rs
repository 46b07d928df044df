//! What the library shows: loans, books, copies of a book.

use std::time::Duration;

use crate::{
    campus::{Campus, CampusError, listing::Listing, session::Session},
    config::{Freshness, Term},
    flights::Flights,
    model::{Book, BookCopy, Loan},
    outbound::System,
    readthrough::{
        ReadResult,
        flights::AllFlights,
        kind::{CampusKind, DataKind},
    },
    store::{SnapshotKey, Snapshots, Store, User},
    students::{Access, Login},
};

/// Library loans.
#[derive(Debug, Clone, Copy)]
pub struct Borrowing;

impl DataKind for Borrowing {
    type Data = Vec<Loan>;
    const NAME: &'static str = "borrowing";
    const ACCESS: Access = Access::LIBRARY;

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.student_data.borrowing
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.borrowing
    }

    fn rows(data: &Self::Data) -> usize {
        data.len()
    }

    /// Somebody who returned everything has no loans: an answer like any other.
    fn is_empty(_: &Self::Data) -> bool {
        false
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.borrowing
    }
}

impl CampusKind for Borrowing {
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
        campus.library.loans(&login.student_id, &login.library, session).await
    }
}

/// Books whose title contains a text.
#[derive(Debug, Clone)]
pub struct Search(pub String);

impl DataKind for Search {
    type Data = Vec<Book>;
    const NAME: &'static str = "searches";
    const ACCESS: Access = Access::open(System::Library);

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.searches
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.borrowing
    }

    fn rows(data: &Self::Data) -> usize {
        data.len()
    }

    fn is_empty(data: &Self::Data) -> bool {
        data.is_empty()
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.searches
    }
}

impl CampusKind for Search {
    fn key(&self, _: &User, _: &str) -> SnapshotKey {
        SnapshotKey::Question(format!("title={}", self.0))
    }

    async fn fetch(
        &self,
        campus: &Campus,
        _: &Login,
        _: &Term,
        session: &mut Session,
    ) -> Result<Listing<Self::Data>, CampusError> {
        campus.library.search(&self.0, session).await
    }
}

/// Copies of a book.
#[derive(Debug, Clone)]
pub struct Copies(pub String);

impl DataKind for Copies {
    type Data = Vec<BookCopy>;
    const NAME: &'static str = "copies";
    const ACCESS: Access = Access::open(System::Library);

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.copies
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.borrowing
    }

    fn is_empty(data: &Self::Data) -> bool {
        data.is_empty()
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.copies
    }
}

impl CampusKind for Copies {
    fn key(&self, _: &User, _: &str) -> SnapshotKey {
        SnapshotKey::Question(format!("book={}", self.0))
    }

    async fn fetch(
        &self,
        campus: &Campus,
        _: &Login,
        _: &Term,
        session: &mut Session,
    ) -> Result<Listing<Self::Data>, CampusError> {
        Ok(campus.library.copies(&self.0, session).await?.into())
    }
}
