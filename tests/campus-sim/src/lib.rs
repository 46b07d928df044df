//! The campus simulator: one HTTP server that simulates every system the engine talks to (VPN, academic systems, CAS,
//! library, physical education, repairs, news, bulletin board, `WeChat`, `GitHub`), with state, sessions, and
//! misbehaviour on command.
//!
//! It serves local development (the `campus-sim` program) and the integration tests, which start it in process:
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use campus_sim::{CampusSim, Fault, SimConfig, System};
//!
//! let sim = CampusSim::start(SimConfig::default()).await?;
//! let vpn_url = sim.url("vpn");
//! sim.set_fault(System::Urp, Fault::maintenance().times(1));
//! assert_eq!(sim.count_of("urp.login"), 0);
//! # Ok(())
//! # }
//! ```
//!
//! The parts: `server` accepts and cuts connections, `gate` counts requests and applies faults, `systems` has one
//! module per system, `world` invents students, courses, books and news, `feeds` keeps what is published, `sim` joins
//! everything and is what tests use, `control` offers the same under `/_sim`.

mod call;
mod captcha;
mod config;
mod control;
mod counts;
mod faults;
mod feeds;
mod gate;
mod hosts;
mod outbox;
mod page;
mod profile;
mod rng;
mod server;
mod sessions;
mod sim;
mod student;
mod system;
mod systems;
mod traffic;
mod world;

pub use config::SimConfig;
pub use counts::{Counts, SystemCounts};
pub use faults::{Fault, Mode};
pub use feeds::{Behaviour, FeedItem, FeedKind, Lecture};
pub use outbox::{Issue, RepairOrder, Sent, SentMessage, TextCheck};
pub use profile::school_profile;
pub use server::CampusSim;
pub use sim::Sim;
pub use student::{Course, FitnessTest, Loan, Score, Session, Student};
pub use system::System;
pub use systems::cas::CasCaptcha;
pub use systems::eams::sha1_hex;
pub use systems::jwglxt::JwglxtCaptcha;
pub use systems::vpn::{RSA_EXPONENT, RSA_MODULUS_HEX};
pub use systems::wechat::Encrypted;
pub use world::{Book, Copy, MAX_SEEDED, NUMBER_PREFIX, ZF_PREFIXES};
