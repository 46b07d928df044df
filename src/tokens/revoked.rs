//! Revoked tokens as this replica knows them, for requests that do not read the account. Requests that read the account
//! see a revocation at once; here, one of another replica is known after `FOLLOW`.

use std::{collections::HashMap, time::Duration};

use parking_lot::RwLock;

use crate::{clock::Clock, store::Revocations};

/// How often the list is updated.
const FOLLOW: Duration = Duration::from_secs(1);

/// How far back each update reads again: writes can become visible slightly out of order.
const OVERLAP_MILLIS: i64 = 10_000;

/// The list.
#[derive(Debug)]
pub struct Revoked {
    /// Until when (Unix milliseconds) the tokens of an account are invalid, by the account's pseudonym.
    accounts: RwLock<HashMap<u64, i64>>,
    /// Life of a token: older revocations concern only expired tokens.
    ttl: Duration,
    store: Revocations,
    clock: Clock,
}

impl Revoked {
    /// An empty list, for tokens that live for `ttl`.
    #[must_use]
    pub fn new(ttl: Duration, store: Revocations, clock: Clock) -> Self {
        Self { accounts: RwLock::default(), ttl, store, clock }
    }

    /// Whether a token of `account` issued at `issued_at` (Unix milliseconds) is known to be revoked.
    #[must_use]
    pub fn contains(&self, account: u64, issued_at: i64) -> bool {
        let accounts = self.accounts.read();
        accounts.get(&account).is_some_and(|until| issued_at <= *until)
    }

    /// Notes that tokens of `account` issued at `until` (Unix milliseconds) or before are revoked.
    pub fn add(&self, account: u64, until: i64) {
        let mut accounts = self.accounts.write();
        let known = accounts.entry(account).or_insert(until);
        *known = until.max(*known);
    }

    /// Forgets revocations of expired tokens.
    fn tidy(&self) {
        let ttl = i64::try_from(self.ttl.as_millis()).unwrap_or(i64::MAX);
        let oldest = self.clock.now().timestamp_millis().saturating_sub(ttl);
        let mut accounts = self.accounts.write();
        accounts.retain(|_, until| *until >= oldest);
    }

    /// Follows the list of all replicas, for ever. While the database is away, the known revocations stay.
    pub async fn follow(&self) -> std::convert::Infallible {
        let mut every = tokio::time::interval(FOLLOW);
        let mut seen = OVERLAP_MILLIS;
        loop {
            every.tick().await;
            match self.store.since(seen - OVERLAP_MILLIS).await {
                Ok(found) => {
                    for revocation in found {
                        seen = seen.max(revocation.written_at());
                        if let Ok(account) = u64::from_str_radix(&revocation.account, 16) {
                            self.add(account, revocation.valid_after());
                        }
                    }
                    self.tidy();
                }
                Err(error) => tracing::debug!(%error, "revoked tokens not brought up to date"),
            }
        }
    }
}
