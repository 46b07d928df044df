//! The limit on login codes that WeChat refuses, per client address. Every code costs WeChat quota, which the whole
//! mini-program shares, and anybody can invent codes.
//!
//! A whole campus has few addresses, so logins as such are not counted: only codes that WeChat refused, afterwards.
//! Over the limit, further codes of the address are refused without asking WeChat until the window ends.
//! - All replicas share one counter per address in the database. A refused code costs one write, a valid one none. A
//!   replica learns the others' count with its own next refused code.
//! - A replica lets WeChat judge at most `AT_ONCE` codes of an address at a time. Further ones wait, and are checked
//!   again when it is their turn. So no burst passes before the counter moves, and hundreds of valid logins at once are
//!   served one after the other.
//!
//! With `N` replicas WeChat sees at most the limit plus `N` × `AT_ONCE` refused codes of an address in a window. While
//! the database cannot count, each replica counts alone: logins need WeChat and not this counter. The address is stored
//! as a keyed hash; for IPv6, the network counts.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::{clock::Clock, config::Rate, crypto::Pseudonyms, error::ApiError, store::Limits};

/// Codes of one address that a replica sends to WeChat at once. Half the default of `WEHPU_CAMPUS_CONCURRENCY`, so that
/// an address that floods leaves places for others; with answers within 100 ms still 160 logins a second.
const AT_ONCE: usize = 16;

/// Longest wait for the shared counter; after that this replica's own count is used.
const PATIENCE: Duration = Duration::from_secs(2);

/// Most addresses whose refused codes a replica remembers in one window, some 8 MB. Further ones are counted only in
/// the database.
const MAX_ADDRESSES: usize = 50_000;

/// Bits of an IPv6 address that name a network: a client of a network can use all its addresses (RFC 4291 §2.5.4).
const NETWORK_BITS: u32 = 64;

/// Counts refused login codes.
#[derive(Debug)]
pub struct LoginLimit {
    rate: Option<Rate>,
    limits: Limits,
    pseudonyms: Pseudonyms,
    clock: Clock,
    tasks: TaskTracker,
    addresses: Arc<Mutex<Addresses>>,
}

/// The addresses seen in the current window.
#[derive(Debug, Default)]
struct Addresses {
    window: i64,
    known: HashMap<u64, Address>,
}

#[derive(Debug)]
struct Address {
    /// Codes refused in this window, as far as this replica knows.
    refused: u32,
    /// Logins of this address that are under way in this replica.
    present: u32,
    places: Arc<Semaphore>,
}

impl Addresses {
    /// Forgets the counts of another window.
    fn turn_to(&mut self, window: i64) {
        if self.window != window {
            self.window = window;
            self.known.retain(|_, address| address.present > 0);
            self.known.values_mut().for_each(|address| address.refused = 0);
        }
    }

    fn enter(&mut self, number: u64) -> Arc<Semaphore> {
        let new = || Address { refused: 0, present: 0, places: Arc::new(Semaphore::new(AT_ONCE)) };
        let address = self.known.entry(number).or_insert_with(new);
        address.present += 1;
        Arc::clone(&address.places)
    }

    fn leave(&mut self, number: u64) {
        let crowded = self.known.len() > MAX_ADDRESSES;
        if let Some(address) = self.known.get_mut(&number) {
            address.present -= 1;
            if address.present == 0 && (address.refused == 0 || crowded) {
                self.known.remove(&number);
            }
        }
    }

    fn refused(&self, number: u64) -> u32 {
        self.known.get(&number).map_or(0, |address| address.refused)
    }

    /// Changes the count of an address, unless `window` is over.
    fn count(&mut self, number: u64, window: i64, change: impl FnOnce(u32) -> u32) {
        if let Some(address) = self.known.get_mut(&number).filter(|_| self.window == window) {
            address.refused = change(address.refused);
        }
    }
}

/// A login under way that may ask WeChat.
#[derive(Debug)]
pub struct Turn {
    number: u64,
    place: Option<OwnedSemaphorePermit>,
    addresses: Arc<Mutex<Addresses>>,
    /// When its code was counted as refused.
    counted: Option<DateTime<Utc>>,
}

impl Turn {
    /// WeChat has judged the code: the next login gets its turn.
    pub fn judged(&mut self) {
        self.place = None;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.addresses).leave(self.number);
    }
}

fn lock(addresses: &Mutex<Addresses>) -> MutexGuard<'_, Addresses> {
    addresses.lock()
}

impl LoginLimit {
    /// Allows as many refused codes as `rate`; without one, any number.
    #[must_use]
    pub fn new(rate: Option<Rate>, limits: Limits, pseudonyms: Pseudonyms, clock: Clock, tasks: TaskTracker) -> Self {
        Self { rate, limits, pseudonyms, clock, tasks, addresses: Arc::default() }
    }

    /// Waits until WeChat may be asked about a code of `address`.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] when too many of its codes were refused.
    pub async fn turn(&self, address: IpAddr) -> Result<Turn, ApiError> {
        let number = self.pseudonyms.number(&network(address));
        let places = lock(&self.addresses).enter(number);
        let mut turn = Turn { number, place: None, addresses: Arc::clone(&self.addresses), counted: None };
        let Some(rate) = self.rate else { return Ok(turn) };
        self.check(number, rate)?;
        turn.place = Some(places.acquire_owned().await.map_err(|_| ApiError::Internal)?);
        // Logins before it may have used up the limit.
        self.check(number, rate)?;
        Ok(turn)
    }

    fn check(&self, number: u64, rate: Rate) -> Result<(), ApiError> {
        let (window, left) = window(rate, self.clock.now());
        let mut addresses = lock(&self.addresses);
        addresses.turn_to(window);
        if addresses.refused(number) < rate.count {
            return Ok(());
        }
        metrics::counter!("login_codes_total", "outcome" => "limited").increment(1);
        Err(ApiError::RateLimited(left))
    }

    /// Counts the code of `turn`, which WeChat refused.
    pub async fn refused(&self, turn: &mut Turn) {
        metrics::counter!("login_codes_total", "outcome" => "refused").increment(1);
        let Some(rate) = self.rate else { return };
        let (now, number) = (self.clock.now(), turn.number);
        let (window, _) = window(rate, now);
        lock(&self.addresses).count(number, window, |refused| refused.saturating_add(1));
        turn.counted = Some(now);
        let (limits, key) = (self.limits.clone(), key(number));
        // A task of its own, so that the write is not dropped half-way when the login goes on without it.
        let noted = self.tasks.spawn(async move { limits.note(&key, rate.period, now).await });
        match tokio::time::timeout(PATIENCE, noted).await {
            Ok(Ok(Ok(all))) => lock(&self.addresses).count(number, window, |refused| refused.max(all)),
            Ok(Ok(Err(error))) => tracing::warn!(%error, "refused login codes counted by this replica alone"),
            Ok(Err(_)) | Err(_) => {}
        }
        turn.judged();
    }

    /// Refunds the counted code of `turn`, which was valid after all.
    pub async fn refund(&self, turn: &mut Turn) {
        let (Some(rate), Some(then)) = (self.rate, turn.counted.take()) else { return };
        let (window, _) = window(rate, then);
        lock(&self.addresses).count(turn.number, window, |refused| refused.saturating_sub(1));
        if let Err(error) = self.limits.refund(&key(turn.number), rate, then).await {
            tracing::warn!(%error, "a use was not refunded");
        }
    }
}

/// The key of a client: its IPv4 address, or the network of its IPv6 address.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << (u128::BITS - NETWORK_BITS));
            format!("{}/{NETWORK_BITS}", Ipv6Addr::from(network))
        }
    }
}

/// The number of the window of `now`, and the time left in it.
fn window(rate: Rate, now: DateTime<Utc>) -> (i64, Duration) {
    let period = i64::try_from(rate.period.as_millis()).unwrap_or(i64::MAX).max(1);
    let millis = now.timestamp_millis();
    let left = u64::try_from(period - millis.rem_euclid(period)).unwrap_or_default();
    (millis.div_euclid(period), Duration::from_millis(left))
}

fn key(number: u64) -> String {
    format!("login/{number:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_remembered_while_it_matters_and_no_longer() {
        let mut addresses = Addresses::default();
        addresses.turn_to(1);
        addresses.enter(7);
        addresses.leave(7);
        assert!(addresses.known.is_empty(), "nothing was refused");
        addresses.enter(7);
        addresses.count(7, 1, |refused| refused + 1);
        addresses.leave(7);
        assert_eq!(addresses.refused(7), 1);
        addresses.count(7, 0, |refused| refused + 1);
        assert_eq!(addresses.refused(7), 1, "that window is over");
        addresses.enter(8);
        addresses.turn_to(2);
        assert_eq!((addresses.refused(7), addresses.known.len()), (0, 1), "who is under way stays, uncounted");
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let of = |address: &str| network(address.parse().unwrap());
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2::"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
    }
}
