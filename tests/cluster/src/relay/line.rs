//! A slow and lossy line: when each chunk of a TCP connection is there, in one direction. A lost one is sent again by the
//! sender's TCP, and what comes after it waits for it, since TCP keeps the order.

use std::time::Duration;

use tokio::time::Instant;

use crate::chance::Chance;

/// How long TCP waits before it sends again what was lost: Linux' least (`TCP_RTO_MIN`). It doubles with each loss of the
/// same chunk (RFC 6298, 5.5).
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// Longest wait before it sends again (`TCP_RTO_MAX` is 120 s; no fault lasts so long).
const LONGEST: Duration = Duration::from_secs(10);

/// One direction of a connection.
#[derive(Debug)]
pub struct Line {
    chance: Chance,
    delay: Duration,
    loss: u64,
    /// When the last chunk is there.
    last: Option<Instant>,
}

impl Line {
    /// A line on which each chunk takes `delay`, and `loss` of 100 are lost.
    #[must_use]
    pub fn new(delay: Duration, loss: u64, seed: u64) -> Self {
        Self { chance: Chance::new(seed), delay, loss, last: None }
    }

    /// When a chunk that is sent now is there, and how often it was lost on the way.
    pub fn send(&mut self, now: Instant) -> (Instant, u64) {
        let (mut there, mut wait, mut lost) = (now + self.delay, RETRANSMISSION, 0);
        while self.chance.happens(self.loss) && wait < LONGEST {
            there += wait;
            wait *= 2;
            lost += 1;
        }
        let there = self.last.map_or(there, |last| last.max(there));
        self.last = Some(there);
        (there, lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(200);

    #[test]
    fn a_chunk_takes_the_delay_and_each_loss_twice_as_long_as_the_one_before() {
        let now = Instant::now();
        let mut seen = [0; 3];
        for seed in 0..1000 {
            let (there, lost) = Line::new(DELAY, 30, seed).send(now);
            let waited = match lost {
                0 => 0,
                1 => 200,
                2 => 200 + 400,
                _ => continue,
            };
            assert_eq!(there - now, DELAY + Duration::from_millis(waited), "lost {lost} times");
            seen[usize::try_from(lost).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| *count > 30), "{seen:?}");
    }

    #[test]
    fn what_comes_after_a_lost_chunk_waits_for_it() {
        let begun = Instant::now();
        let mut line = Line::new(DELAY, 5, 1);
        let mut newest = begun;
        let mut held_back = 0;
        for n in 0..1000 {
            let now = begun + Duration::from_millis(n);
            let (there, lost) = line.send(now);
            assert!(there >= newest && there >= now + DELAY);
            held_back += usize::from(lost == 0 && there > now + DELAY);
            newest = there;
        }
        assert!(held_back > 0);
    }

    #[test]
    fn a_line_that_loses_nothing_only_delays() {
        let now = Instant::now();
        let mut line = Line::new(DELAY, 0, 1);
        assert!((0..100).all(|_| line.send(now) == (now + DELAY, 0)));
    }

    #[test]
    fn a_line_that_loses_everything_still_ends() {
        let now = Instant::now();
        let (there, lost) = Line::new(DELAY, 100, 1).send(now);
        assert!(lost > 3 && there - now < LONGEST * 3, "{lost} times, {:?}", there - now);
    }
}
