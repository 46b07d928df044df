//! The requests that are under way in this replica, by kind of data.

use super::{
    ReadResult,
    donations::Donations,
    kind::DataKind,
    kinds::{Borrowing, Classrooms, Copies, Courses, Physical, Scores, Search},
};
use crate::flights::Flights;

type FlightsOf<K> = Flights<ReadResult<<K as DataKind>::Data>>;

/// The flights of every kind.
#[derive(Clone, Default)]
pub struct AllFlights {
    pub(super) courses: FlightsOf<Courses>,
    pub(super) scores: FlightsOf<Scores>,
    pub(super) classrooms: FlightsOf<Classrooms>,
    pub(super) physical: FlightsOf<Physical>,
    pub(super) borrowing: FlightsOf<Borrowing>,
    pub(super) searches: FlightsOf<Search>,
    pub(super) copies: FlightsOf<Copies>,
    pub(super) donations: FlightsOf<Donations>,
}
