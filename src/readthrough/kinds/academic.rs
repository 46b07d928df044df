//! What the academic system shows: course table, scores, empty classrooms.

use std::time::Duration;

use crate::{
    campus::urp::ClassroomQuery,
    config::Freshness,
    flights::Flights,
    model::{CourseTable, Room, ScoreRow},
    readthrough::{
        ReadResult,
        flights::AllFlights,
        kind::{CampusKind, DataKind, Shown, Visit},
    },
    store::{SnapshotKey, Snapshots, Store, User},
    students::Access,
};

/// The course table of the term.
#[derive(Debug, Clone, Copy)]
pub struct Courses;

impl DataKind for Courses {
    type Data = CourseTable;
    const NAME: &'static str = "courses";
    const ACCESS: Access = Access::URP;

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.student_data.courses
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.course
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.courses
    }
}

impl CampusKind for Courses {
    async fn fetch(&self, Visit { campus, login, session, term }: Visit<'_>) -> Shown<Self::Data> {
        Ok(campus.urp.course_table(&login.into(), u8::try_from(term.weeks).unwrap_or(u8::MAX), session).await?.into())
    }
}

/// The scores of the term.
#[derive(Debug, Clone, Copy)]
pub struct Scores;

impl DataKind for Scores {
    type Data = Vec<ScoreRow>;
    const NAME: &'static str = "scores";
    const ACCESS: Access = Access::URP;

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.student_data.scores
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.score
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

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.scores
    }
}

impl CampusKind for Scores {
    async fn fetch(&self, Visit { campus, login, session, .. }: Visit<'_>) -> Shown<Self::Data> {
        campus.urp.scores(&login.into(), session).await
    }
}

/// Empty classrooms at a time in a building: the same for everybody.
#[derive(Debug, Clone)]
pub struct Classrooms(pub ClassroomQuery);

impl DataKind for Classrooms {
    type Data = Vec<Vec<Room>>;
    const NAME: &'static str = "classrooms";
    const ACCESS: Access = Access::URP;

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.classrooms
    }

    fn freshness(fresh: &Freshness) -> Duration {
        fresh.classroom
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.classrooms
    }
}

impl CampusKind for Classrooms {
    fn key(&self, _: &User, term: &str) -> SnapshotKey {
        let ClassroomQuery { building, week, weekday, section } = &self.0;
        SnapshotKey::Question(format!(
            "term={term} building={building} week={week} weekday={weekday} section={section}"
        ))
    }

    async fn fetch(&self, Visit { campus, login, session, term }: Visit<'_>) -> Shown<Self::Data> {
        Ok(campus.urp.classrooms(&login.into(), &term.name, &self.0, session).await?.into())
    }
}
