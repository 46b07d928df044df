//! Repairs, at the logistics department.

pub mod parse;
