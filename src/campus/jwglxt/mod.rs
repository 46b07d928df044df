//! The jwglxt academic system (正方): client, and parsers of its pages and of the JSON that most of its addresses answer with. Facts
//! about it are named as they were seen at schools that use it.

mod client;
mod login;
mod moved;
mod numbers;
pub mod parse_exams;
pub mod parse_login;
pub mod parse_menu;
pub mod parse_plan;
pub mod parse_record;
pub mod parse_rooms;
pub mod parse_scores;
pub mod parse_slider;
pub mod parse_table;
mod rows;
pub mod signals;
pub mod terms;
#[cfg(test)]
mod tests;

pub use client::Jwglxt;
