//! The university's data, as the API shows it and the store keeps it. Clients, store and API depend on it, not the
//! reverse.

pub mod academic;
mod class;
mod course;
pub mod donation;
pub mod lessons;
mod library;
mod physical;
mod place;
mod rendered;
mod room;
mod rows;
mod score;

pub use class::{CLASSES, Class};
pub use course::{ClassHour, CourseTable, WeekSpan, colour, pairs};
pub use donation::Donation;
pub use library::{Book, BookCopy, Loan};
pub use physical::PhysicalYear;
pub use place::{short_building, short_room};
pub use rendered::Rendered;
pub use room::{Room, by_floor};
pub use rows::Rows;
pub use score::{Score, ScoreRow};
