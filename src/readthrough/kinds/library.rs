//! What the library shows: loans, books, copies of a book.

use std::time::Duration;

use crate::{
    config::Freshness,
    flights::Flights,
    model::{Book, BookCopy, Loan},
    readthrough::{
        ReadResult,
        flights::AllFlights,
        kind::{CampusKind, DataKind, Shown, Visit},
    },
    store::{SnapshotKey, Snapshots, Store, User},
    students::Service,
};

/// Library loans.
#[derive(Debug, Clone, Copy)]
pub struct Borrowing;

impl DataKind for Borrowing {
    type Data = Vec<Loan>;
    const NAME: &'static str = "borrowing";
    /// Somebody who returned everything has no loans.
    const MAY_BE_EMPTY: bool = true;

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.student_data.borrowing
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.borrowing
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.borrowing
    }
}

impl CampusKind for Borrowing {
    const SERVICE: Service = Service::Loans;

    async fn fetch(&self, Visit { campus, login, session, .. }: Visit<'_>) -> Shown<Self::Data> {
        campus.library.loans(&login.student_id, &login.library, session).await
    }
}

/// Books whose title contains a text.
#[derive(Debug, Clone)]
pub struct Search(pub String);

impl DataKind for Search {
    type Data = Vec<Book>;
    const NAME: &'static str = "searches";

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.searches
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.borrowing
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.searches
    }
}

impl CampusKind for Search {
    const SERVICE: Service = Service::Catalogue;

    fn key(&self, _: &User, _: &str, _: &str) -> SnapshotKey {
        SnapshotKey::Question(format!("title={}", self.0))
    }

    async fn fetch(&self, Visit { campus, session, .. }: Visit<'_>) -> Shown<Self::Data> {
        campus.library.search(&self.0, session).await
    }
}

/// Copies of a book.
#[derive(Debug, Clone)]
pub struct Copies(pub String);

impl DataKind for Copies {
    type Data = Vec<BookCopy>;
    const NAME: &'static str = "copies";

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.copies
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.borrowing
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.copies
    }
}

impl CampusKind for Copies {
    const SERVICE: Service = Service::Catalogue;

    fn key(&self, _: &User, _: &str, _: &str) -> SnapshotKey {
        SnapshotKey::Question(format!("book={}", self.0))
    }

    async fn fetch(&self, Visit { campus, session, .. }: Visit<'_>) -> Shown<Self::Data> {
        Ok(campus.library.copies(&self.0, session).await?.into())
    }
}
