//! The kinds of campus data, one small type each, by the system that shows them.

mod academic;
mod library;
mod physical;

pub use academic::{Classrooms, Courses, Scores};
pub use library::{Borrowing, Copies, Search};
pub use physical::Physical;
