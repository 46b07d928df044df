//! Login codes: each is valid once, for five minutes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::ApiError;
use crate::rng::Rng;
use crate::world::lock;

const LIVES_FOR: Duration = Duration::from_mins(5);

/// Number of used codes that are remembered; older ones are unknown.
const REMEMBERED: usize = 200_000;

/// Codes that were minted, and codes that were used.
///
/// In addition to minted codes, any code `sim-<openid>-<nonce>` is valid once, so that a person can log in with `curl`
/// alone.
#[derive(Debug)]
pub(super) struct Codes(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    rng: Rng,
    minted: HashMap<String, (String, Instant)>,
    /// Hashes of used codes: a load test uses up many, and eight bytes each are enough.
    used: HashSet<u64>,
    order: VecDeque<u64>,
    hasher: RandomState,
}

impl Default for Codes {
    fn default() -> Self {
        Self(Mutex::new(Inner {
            rng: Rng::unrepeatable(),
            minted: HashMap::new(),
            used: HashSet::new(),
            order: VecDeque::new(),
            hasher: RandomState::new(),
        }))
    }
}

impl Codes {
    /// A new code for a user.
    pub(super) fn mint(&self, openid: &str) -> String {
        let mut inner = lock(&self.0);
        let now = Instant::now();
        inner.minted.retain(|_, (_, minted)| now.duration_since(*minted) < LIVES_FOR);
        let code = format!("0{}", inner.rng.hex(31));
        inner.minted.insert(code.clone(), (openid.to_owned(), now));
        code
    }

    /// The user a code stands for; it is used up by that.
    pub(super) fn redeem(&self, code: &str) -> Result<String, ApiError> {
        let mut inner = lock(&self.0);
        let hash = inner.hasher.hash_one(code);
        if inner.used.contains(&hash) {
            return Err(ApiError(40163, "code been used"));
        }
        let openid = match inner.minted.remove(code) {
            Some((openid, minted)) if minted.elapsed() < LIVES_FOR => openid,
            Some(_) => return Err(INVALID),
            None => ready_made(code).ok_or(INVALID)?.to_owned(),
        };
        inner.used.insert(hash);
        inner.order.push_back(hash);
        if inner.order.len() > REMEMBERED
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.used.remove(&oldest);
        }
        Ok(openid)
    }
}

const INVALID: ApiError = ApiError(40029, "invalid code");

/// The user in a code of the form `sim-<openid>-<nonce>`.
fn ready_made(code: &str) -> Option<&str> {
    let (openid, nonce) = code.strip_prefix("sim-")?.split_once('-')?;
    (!openid.is_empty() && !nonce.is_empty()).then_some(openid)
}

#[cfg(test)]
mod tests {
    use super::{ApiError, Codes};

    fn errcode(result: Result<String, ApiError>) -> i64 {
        result.unwrap_err().0
    }

    #[test]
    fn a_code_is_good_once() {
        let codes = Codes::default();
        let minted = codes.mint("o-with-dashes");
        assert_eq!(codes.redeem(&minted), Ok("o-with-dashes".to_owned()));
        assert_eq!(errcode(codes.redeem(&minted)), 40163);
        assert_eq!(codes.redeem("sim-alice-1"), Ok("alice".to_owned()));
        assert_eq!(codes.redeem("sim-alice-2-3"), Ok("alice".to_owned()));
        assert_eq!(errcode(codes.redeem("sim-alice-1")), 40163);
    }

    #[test]
    fn anything_else_is_invalid_however_often_it_comes() {
        let codes = Codes::default();
        for code in ["", "x", "sim-", "sim-alice", "sim--1", "sim-alice-", "x", "x"] {
            assert_eq!(errcode(codes.redeem(code)), 40029, "{code}");
        }
    }
}
