//! The service through its API: against a real three-member replica set, with the campus simulator as the rest of the
//! world. See `tests/support` for what the tests stand on.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod bad_paths;
mod bind;
mod calendar;
mod cli;
mod concurrency;
mod course;
mod errors;
mod lifecycle;
mod login;
mod migrations;
mod old_defects;
mod rekey;
mod replset;
mod resilience;
mod secrets;
mod tokens;
mod user;
