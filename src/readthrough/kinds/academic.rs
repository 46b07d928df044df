//! What the academic system shows: course table, scores, empty classrooms.

use std::time::Duration;

use crate::{
    campus::academic::ClassroomQuery,
    config::Freshness,
    flights::Flights,
    model::{CourseTable, Room, ScoreRow},
    readthrough::{
        ReadResult,
        flights::AllFlights,
        kind::{CampusKind, DataKind, Shown, Visit},
    },
    school::Ability,
    store::{SnapshotKey, Snapshots, Store, User},
    students::Service,
};

/// The academic system that was the only one before there were profiles. The keys of what was stored then do not name it,
/// and must stay as they are.
const UNNAMED: &str = "urp/urp";

/// The course table of the term.
#[derive(Debug, Clone, Copy)]
pub struct Courses;

impl DataKind for Courses {
    type Data = CourseTable;
    const NAME: &'static str = "courses";

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
    const SERVICE: Service = Service::Academic(Ability::Table);

    async fn fetch(&self, visit: Visit<'_>) -> Shown<Self::Data> {
        let (academic, login) = (visit.academic()?, visit.login.into());
        Ok(academic.course_table(&login, visit.term, visit.session).await?.into())
    }
}

/// The scores of the term.
#[derive(Debug, Clone, Copy)]
pub struct Scores;

impl DataKind for Scores {
    type Data = Vec<ScoreRow>;
    const NAME: &'static str = "scores";

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
    const SERVICE: Service = Service::Academic(Ability::Scores);

    async fn fetch(&self, visit: Visit<'_>) -> Shown<Self::Data> {
        let (academic, login) = (visit.academic()?, visit.login.into());
        academic.scores(&login, visit.term, visit.session).await
    }
}

/// Empty classrooms at a time in a building: the same for everybody at an academic system.
#[derive(Debug, Clone)]
pub struct Classrooms(pub ClassroomQuery);

impl DataKind for Classrooms {
    type Data = Vec<Vec<Room>>;
    const NAME: &'static str = "classrooms";

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
    const SERVICE: Service = Service::Academic(Ability::Rooms);

    fn key(&self, _: &User, asked: &str, term: &str) -> SnapshotKey {
        let ClassroomQuery { building, week, weekday, section } = &self.0;
        let academic = if asked == UNNAMED { String::new() } else { format!("academic={asked} ") };
        SnapshotKey::Question(format!(
            "{academic}term={term} building={building} week={week} weekday={weekday} section={section}"
        ))
    }

    async fn fetch(&self, visit: Visit<'_>) -> Shown<Self::Data> {
        let (academic, login) = (visit.academic()?, visit.login.into());
        Ok(academic.classrooms(&login, visit.term, &self.0, visit.session).await?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classrooms_stored_before_there_were_other_systems_are_found_again() {
        let query = ClassroomQuery { building: 3, week: 12, weekday: 1, section: "3,4".to_owned() };
        let key = |asked| match Classrooms(query.clone()).key(&User::default(), asked, "2026-2027-1-1") {
            SnapshotKey::Question(text) => text,
            SnapshotKey::Own { .. } => String::new(),
        };
        let old = "term=2026-2027-1-1 building=3 week=12 weekday=1 section=3,4";
        assert_eq!(key("urp/urp"), old);
        assert_eq!(key("eams/undergraduate"), format!("academic=eams/undergraduate {old}"));
    }
}
