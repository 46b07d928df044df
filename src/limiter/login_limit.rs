//! The limit on login codes that WeChat refuses, per client address. Every code that is asked about costs a piece of WeChat's
//! quota, which belongs to the whole mini-program, and anybody can make codes up.
//!
//! A campus sits behind few addresses, so logins as such are not counted: only codes that WeChat refused, after it did. Beyond
//! the limit further codes of that address are refused before WeChat is asked, until the window ends.
//! - All replicas share one counter per address in the database, which costs one write for each refused code and nothing for
//!   a valid one. A replica learns what the others counted with its own next refused code.
//! - At most `AT_ONCE` codes of an address are in a replica's hands that WeChat has not judged yet; those that come
//!   meanwhile wait, and are looked at again when it is their turn. So no burst gets past the counter before it moves, and
//!   hundreds of valid logins at once are served one after the other.
//!
//! Thus with `N` replicas WeChat sees at most the limit and `N` × `AT_ONCE` refused codes of an address in a window. While
//! the database cannot count, each replica counts alone: logins need WeChat and not this counter.
//! An address is stored as a keyed hash; of an IPv6 address its network counts.

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

/// Codes of one address that WeChat is asked about at once by a replica. Half of what `WEHPU_CAMPUS_CONCURRENCY` lets out at
/// once by default, so that an address that floods leaves places for others; with answers within 100 ms still 160 logins
/// a second.
const AT_ONCE: usize = 16;

/// Longest wait for the shared counter; then this replica's own count has to do.
const PATIENCE: Duration = Duration::from_secs(2);

/// Most addresses whose refused codes a replica remembers in one window, some 8 MB. Of further ones only the shared counter
/// knows.
const MAX_ADDRESSES: usize = 50_000;

/// Bits of an IPv6 address that name a network: anyone who has one has all addresses of it (RFC 4291 §2.5.4).
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

/// What is known of the window of time that is now.
#[derive(Debug, Default)]
struct Addresses {
    window: i64,
    known: HashMap<u64, Address>,
}

#[derive(Debug)]
struct Address {
    /// Codes refused in this window, as far as known here.
    refused: u32,
    /// Logins of this address that are under way here.
    present: u32,
    places: Arc<Semaphore>,
}

impl Addresses {
    /// Forgets what was counted in another window.
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

    /// Changes the count of an address in `window`, unless that is over.
    fn count(&mut self, number: u64, window: i64, change: impl FnOnce(u32) -> u32) {
        if let Some(address) = self.known.get_mut(&number).filter(|_| self.window == window) {
            address.refused = change(address.refused);
        }
    }
}

/// A login that is under way, with its turn to ask WeChat.
#[derive(Debug)]
pub struct Turn {
    number: u64,
    place: Option<OwnedSemaphorePermit>,
    addresses: Arc<Mutex<Addresses>>,
    /// When its code was counted as refused.
    counted: Option<DateTime<Utc>>,
}

impl Turn {
    /// WeChat has judged the code: the next one may be asked about.
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
    /// At most as many refused codes as `rate`; without one, no limit.
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
        // Those before it may have used up what was left.
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

    /// Counts the code of `turn`: WeChat refused it.
    pub async fn refused(&self, turn: &mut Turn) {
        metrics::counter!("login_codes_total", "outcome" => "refused").increment(1);
        let Some(rate) = self.rate else { return };
        let (now, number) = (self.clock.now(), turn.number);
        let (window, _) = window(rate, now);
        lock(&self.addresses).count(number, window, |refused| refused.saturating_add(1));
        turn.counted = Some(now);
        let (limits, key) = (self.limits.clone(), key(number));
        // A task of its own: a write is not dropped half-way when the login goes on without it.
        let noted = self.tasks.spawn(async move { limits.note(&key, rate.period, now).await });
        match tokio::time::timeout(PATIENCE, noted).await {
            Ok(Ok(Ok(all))) => lock(&self.addresses).count(number, window, |refused| refused.max(all)),
            Ok(Ok(Err(error))) => tracing::warn!(%error, "refused login codes counted by this replica alone"),
            Ok(Err(_)) | Err(_) => {}
        }
        turn.judged();
    }

    /// Takes back that the code of `turn` was counted: it was good after all.
    pub async fn refund(&self, turn: &mut Turn) {
        let (Some(rate), Some(then)) = (self.rate, turn.counted.take()) else { return };
        let (window, _) = window(rate, then);
        lock(&self.addresses).count(turn.number, window, |refused| refused.saturating_sub(1));
        if let Err(error) = self.limits.refund(&key(turn.number), rate, then).await {
            tracing::warn!(%error, "a use was not refunded");
        }
    }
}

/// What a client is counted under: its IPv4 address, or the network of its IPv6 address.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << (u128::BITS - NETWORK_BITS));
            format!("{}/{NETWORK_BITS}", Ipv6Addr::from(network))
        }
    }
}

/// The number of the window that `now` falls into, and the time that is left of it.
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
