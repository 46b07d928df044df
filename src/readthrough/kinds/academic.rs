//! The kinds of campus data, one small type each.

use std::time::Duration;

use super::{
    Outcome,
    source::{AllFlights, Login, Source},
};
use crate::{
    campus::{
        Campus, CampusError,
        listing::Listing,
        session::Session,
        urp::{Account, ClassroomQuery},
    },
    config::{Freshness, Term},
    flights::Flights,
    model::{Book, BookCopy, CourseTable, Loan, PhysicalYear, Room, ScoreRow},
    outbound::System,
    store::{Credential, SnapshotKey, Snapshots, Store, User},
};

/// What lies behind the VPN takes two passwords.
pub(super) const URP_CREDENTIALS: &[(Credential, System)] =
    &[(Credential::Vpn, System::Vpn), (Credential::Jwc, System::Urp)];

impl From<&Login> for Account {
    fn from(login: &Login) -> Self {
        Self {
            student_id: login.student_id.clone(),
            vpn_password: login.vpn.clone(),
            urp_password: login.urp.clone(),
            by_hand: false,
        }
    }
}

fn own(user: &User, term: &str) -> SnapshotKey {
    let (open_id, student_id) = (user.open_id.clone(), user.student_id.clone());
    SnapshotKey::Own { open_id, student_id, term: term.to_owned() }
}

/// The course table of the term.
#[derive(Debug, Clone, Copy)]
pub struct Courses;

impl Source for Courses {
    type Data = CourseTable;
    const NAME: &'static str = "courses";
    const SYSTEM: System = System::Urp;
    const CREDENTIALS: &'static [(Credential, System)] = URP_CREDENTIALS;

    fn key(&self, user: &User, term: &str) -> SnapshotKey {
        own(user, term)
    }

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.courses
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.course
    }

    fn is_empty(data: &Self::Data) -> bool {
        data.is_empty()
    }

    async fn fetch(
        &self,
        campus: &Campus,
        login: &Login,
        term: &Term,
        session: &mut Session,
    ) -> Result<Listing<Self::Data>, CampusError> {
        Ok(campus.urp.course_table(&login.into(), u8::try_from(term.weeks).unwrap_or(u8::MAX), session).await?.into())
    }

    fn flights(all: &AllFlights) -> &Flights<Outcome<Self::Data>> {
        &all.courses
    }
}

/// The scores of the term.
#[derive(Debug, Clone, Copy)]
pub struct Scores;

impl Source for Scores {
    type Data = Vec<ScoreRow>;
    const NAME: &'static str = "scores";
    const SYSTEM: System = System::Urp;
    const CREDENTIALS: &'static [(Credential, System)] = URP_CREDENTIALS;

    fn key(&self, user: &User, term: &str) -> SnapshotKey {
        own(user, term)
    }

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.scores
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.score
    }

    fn rows(data: &Self::Data) -> usize {
        data.len()
    }

    fn is_empty(data: &Self::Data) -> bool {
        data.is_empty()
    }

    /// By course number and parallel class: the newest value wins, and a course that is not shown any more stays.
    fn merge(stored: Self::Data, fetched: Self::Data) -> Self::Data {
        // What the old service stored has no class: it is the course's one.
        let same = |old: &ScoreRow, new: &ScoreRow| {
            old.score.number == new.score.number && (old.serial == new.serial || old.serial.is_empty())
        };
        let gone: Vec<ScoreRow> = stored.into_iter().filter(|old| !fetched.iter().any(|new| same(old, new))).collect();
        fetched.into_iter().chain(gone).collect()
    }

    async fn fetch(
        &self,
        campus: &Campus,
        login: &Login,
        _: &Term,
        session: &mut Session,
    ) -> Result<Listing<Self::Data>, CampusError> {
        campus.urp.scores(&login.into(), session).await
    }

    fn flights(all: &AllFlights) -> &Flights<Outcome<Self::Data>> {
        &all.scores
    }
}

/// Empty classrooms at a time in a building: the same for everybody.
#[derive(Debug, Clone)]
pub struct Classrooms(pub ClassroomQuery);

impl Source for Classrooms {
    type Data = Vec<Vec<Room>>;
    const NAME: &'static str = "classrooms";
    const SYSTEM: System = System::Urp;
    const CREDENTIALS: &'static [(Credential, System)] = URP_CREDENTIALS;

    fn key(&self, _: &User, term: &str) -> SnapshotKey {
        let ClassroomQuery { building, week, weekday, section } = &self.0;
        SnapshotKey::Question(format!(
            "term={term} building={building} week={week} weekday={weekday} section={section}"
        ))
    }

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.classrooms
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.classroom
    }

    fn is_empty(data: &Self::Data) -> bool {
        data.is_empty()
    }

    async fn fetch(
        &self,
        campus: &Campus,
        login: &Login,
        term: &Term,
        session: &mut Session,
    ) -> Result<Listing<Self::Data>, CampusError> {
        Ok(campus.urp.classrooms(&login.into(), &term.name, &self.0, session).await?.into())
    }

    fn flights(all: &AllFlights) -> &Flights<Outcome<Self::Data>> {
        &all.classrooms
    }
}

/// Physical tests of all years.
#[derive(Debug, Clone, Copy)]
pub struct Physical;

impl Source for Physical {
    type Data = Vec<PhysicalYear>;
    const NAME: &'static str = "physical";
    const SYSTEM: System = System::Physical;
    const CREDENTIALS: &'static [(Credential, System)] = &[(Credential::IdNumber, System::Physical)];

    fn key(&self, user: &User, term: &str) -> SnapshotKey {
        own(user, term)
    }

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.physical
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.physical
    }

    fn is_empty(data: &Self::Data) -> bool {
        data.is_empty()
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

    fn flights(all: &AllFlights) -> &Flights<Outcome<Self::Data>> {
        &all.physical
    }
}

/// Library loans.
#[derive(Debug, Clone, Copy)]
pub struct Borrowing;

impl Source for Borrowing {
    type Data = Vec<Loan>;
    const NAME: &'static str = "borrowing";
    const SYSTEM: System = System::Library;
    const CREDENTIALS: &'static [(Credential, System)] = &[(Credential::Library, System::Library)];

    fn key(&self, user: &User, term: &str) -> SnapshotKey {
        own(user, term)
    }

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.borrowing
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

    async fn fetch(
        &self,
        campus: &Campus,
        login: &Login,
        _: &Term,
        session: &mut Session,
    ) -> Result<Listing<Self::Data>, CampusError> {
        campus.library.loans(&login.student_id, &login.library, session).await
    }

    fn flights(all: &AllFlights) -> &Flights<Outcome<Self::Data>> {
        &all.borrowing
    }
}

/// Books whose title contains a text.
#[derive(Debug, Clone)]
pub struct Search(pub String);

impl Source for Search {
    type Data = Vec<Book>;
    const NAME: &'static str = "searches";
    const SYSTEM: System = System::Library;
    const CREDENTIALS: &'static [(Credential, System)] = &[];

    fn key(&self, _: &User, _: &str) -> SnapshotKey {
        SnapshotKey::Question(format!("title={}", self.0))
    }

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

    async fn fetch(
        &self,
        campus: &Campus,
        _: &Login,
        _: &Term,
        session: &mut Session,
    ) -> Result<Listing<Self::Data>, CampusError> {
        campus.library.search(&self.0, session).await
    }

    fn flights(all: &AllFlights) -> &Flights<Outcome<Self::Data>> {
        &all.searches
    }
}

/// Copies of a book.
#[derive(Debug, Clone)]
pub struct Copies(pub String);

impl Source for Copies {
    type Data = Vec<BookCopy>;
    const NAME: &'static str = "copies";
    const SYSTEM: System = System::Library;
    const CREDENTIALS: &'static [(Credential, System)] = &[];

    fn key(&self, _: &User, _: &str) -> SnapshotKey {
        SnapshotKey::Question(format!("book={}", self.0))
    }

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.copies
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.borrowing
    }

    fn is_empty(data: &Self::Data) -> bool {
        data.is_empty()
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

    fn flights(all: &AllFlights) -> &Flights<Outcome<Self::Data>> {
        &all.copies
    }
}
