//! The physical education system.

pub mod parse_login;
pub mod parse_scores;
