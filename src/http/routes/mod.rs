//! One file per feature, each ending in `router()`.

pub mod bind;
pub mod calendar;
pub mod course;
pub mod index;
pub mod login;
pub mod user;
