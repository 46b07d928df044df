//! How fast this machine is, in ratio to the one on which the promises under attack were made: attackers, users and service
//! share it, and it may be a slow one.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Steps of a generator of pseudo-random numbers (Marsaglia's xorshift64).
const STEPS: u32 = 20_000_000;

/// What they take there, in the unoptimised program that `make attack` builds. An estimate, not measured there: another
/// machine took 190 ms, and 1.6 times as long as that one for a loop of additions in Python.
const REFERENCE: Duration = Duration::from_millis(120);

/// How many times as long everything takes here, at least 1. Takes a second; nothing else should run meanwhile.
pub async fn slowness() -> f64 {
    let measured = tokio::task::spawn_blocking(|| (0..3).map(|_| measure()).min()).await;
    let fastest = measured.ok().flatten().unwrap_or_default();
    (fastest.as_secs_f64() / REFERENCE.as_secs_f64()).max(1.0)
}

fn measure() -> Duration {
    let begun = Instant::now();
    let mut number: u64 = 0x9E37_79B9_7F4A_7C15;
    for _ in 0..STEPS {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
    }
    black_box(number);
    begun.elapsed()
}
