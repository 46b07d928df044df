//! One file per feature, each ending in `router()`.

pub mod account;
pub mod accounts;
pub mod atom;
pub mod atom_subscription;
pub mod bind;
pub mod calendar;
pub mod classroom;
pub mod course;
pub mod donation;
pub mod export;
pub mod feedback;
pub mod files;
pub mod ics;
pub mod index;
pub mod library;
pub mod login;
pub mod notify;
pub mod physical;
pub mod rsp;
pub mod rss;
pub mod score;
pub mod upload;
pub mod user;
