//! The speed of this machine, relative to the one for which the promises under attack were made: attackers, users and
//! service share it, and it may be slow.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Steps of the pseudo-random number generator that is timed (Marsaglia's xorshift64).
const STEPS: u32 = 20_000_000;

/// Their time on the reference machine, in the unoptimised program that `make attack` builds. An estimate: another
/// machine took 190 ms, and was 1.6 times as slow in a loop of additions in Python.
const REFERENCE: Duration = Duration::from_millis(120);

/// How many times slower this machine is, at least 1. Takes a second, during which nothing else should run.
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
