//! Every kind of student data in one list, for what is done with all of them in the same way: forgetting and exporting.

use super::{
    kind::CampusKind,
    kinds::{Borrowing, Courses, Physical, Scores},
};
use crate::{
    store::{Owned, Snapshots, StudentData},
    students::Service,
};

/// A kind of student data.
#[derive(Clone, Copy)]
pub struct StudentKind<'a> {
    /// Its name in logs, metrics and exports.
    pub name: &'static str,
    /// What is asked for it.
    pub service: Service,
    /// What is stored of it.
    pub stored: &'a dyn Owned,
}

impl std::fmt::Debug for StudentKind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StudentKind").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every kind of student data. The pattern names each collection, so that one that is missing here does not compile.
#[must_use]
pub fn each(data: &StudentData) -> [StudentKind<'_>; 4] {
    let StudentData { courses, scores, physical, borrowing } = data;
    [kind::<Courses>(courses), kind::<Scores>(scores), kind::<Physical>(physical), kind::<Borrowing>(borrowing)]
}

fn kind<K: CampusKind>(stored: &Snapshots<K::Data>) -> StudentKind<'_> {
    StudentKind { name: K::NAME, service: K::SERVICE, stored }
}
