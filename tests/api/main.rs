//! The service through its API: against a real three-member replica set, with the campus simulator as the rest of the
//! world. See `tests/support` for what the tests stand on.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod bad_input;
mod bad_paths;
mod bind;
mod bind_limits;
mod calendar;
mod cli;
mod concurrency;
mod course;
mod errors;
mod feeds;
mod library;
mod lifecycle;
mod login;
mod memory;
mod messages;
mod migrations;
mod old_defects;
mod other_accounts;
mod own;
mod pages;
mod partial;
mod refusals;
mod rekey;
mod repair;
mod replset;
mod resilience;
mod retention;
mod rooms;
mod schools;
mod secrets;
mod spider;
mod statements;
mod study;
mod subscription;
mod takeover;
mod tokens;
mod uploads;
mod user;
