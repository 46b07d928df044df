//! The REST service behind *wehpu*, a campus mini-program.
//!
//! The rooms, in the order a request crosses them:
//!
//! | room | what lives there |
//! |---|---|
//! | [`http`] | the public API: middleware, extractors, one file per feature; the admin listener |
//! | [`limiter`] | how often and how much at once anything may be asked |
//! | [`accounts`] | how accounts end, and which do by themselves |
//! | [`readthrough`] | campus data through the store: fresh, refreshed once for all, or stale |
//! | [`students`] | a student at the campus systems: passwords, sessions, one at a time, orders |
//! | [`campus`] | the university's systems: clients, and parsers apart from them |
//! | [`wechat`] | WeChat's server API |
//! | [`messenger`] | what is said through WeChat, with the access token that all replicas share |
//! | [`github`] | feedback becomes issues; donations |
//! | [`feeds`] | the spider: news, lectures and notices from the campus into the store |
//! | [`objects`] | uploaded files: GridFS, a directory or a bucket |
//! | [`ics`] | a course table as a calendar, pure |
//! | [`school`] | the profile of the school: which systems it has, where, with which quirks |
//! | [`outbound`] | the only sender of requests: limits, breaker, cookies |
//! | [`store`] | the MongoDB replica set: one file per collection; migrations |
//! | [`cli`] | one file per subcommand |
//!
//! and beside them [`app`] (what a replica owns), [`service`] (start, readiness and end of a process), [`tokens`],
//! [`flights`] (single flight), [`changed_pages`] (copies of campus pages that nobody understood), [`config`], [`crypto`],
//! [`clock`], [`day`] (days in texts), [`public_url`], [`error`] (what callers are told) and [`telemetry`]. `campus` and `wechat` know neither `http` nor `store`.

pub mod accounts;
pub mod app;
pub(crate) mod campus;
pub(crate) mod changed_pages;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
pub(crate) mod day;
pub(crate) mod error;
pub mod feeds;
pub(crate) mod flights;
pub(crate) mod github;
pub mod http;
pub(crate) mod ics;
pub(crate) mod limiter;
pub(crate) mod messenger;
pub mod model;
pub mod objects;
pub(crate) mod outbound;
pub(crate) mod public_url;
pub mod readthrough;
pub mod school;
pub(crate) mod service;
pub mod store;
pub(crate) mod students;
pub(crate) mod telemetry;
pub(crate) mod terms;
pub mod tokens;
pub(crate) mod wechat;
