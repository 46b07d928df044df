//! The library catalogue (OPAC).

pub mod parse_book;
pub mod parse_borrowing;
pub mod parse_search;
