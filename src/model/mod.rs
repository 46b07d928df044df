//! The university's data, as the API shows it and the store keeps it. Clients, store and API depend on it, not the
//! reverse.

mod class;
mod course;
pub mod donation;
mod library;
mod physical;
mod room;
mod rows;
mod score;

pub use class::{CLASSES, Class};
pub use course::{ClassHour, CourseTable, WeekSpan, colour};
pub use donation::Donation;
pub use library::{Book, BookCopy, Loan};
pub use physical::PhysicalYear;
pub use room::Room;
pub use rows::Rows;
pub use score::{Score, ScoreRow};
