//! Access tokens of the stable interface: all callers get the same one, and the former one stays valid for a while.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::ApiError;
use crate::rng::Rng;
use crate::world::lock;

const LIVES_FOR: Duration = Duration::from_hours(2);

/// How long a replaced token is still accepted.
const OVERLAP: Duration = Duration::from_mins(5);

/// The answer to a call with a token that was good once.
pub(super) const EXPIRED: ApiError = ApiError(42001, "access_token expired");

#[derive(Debug)]
pub(super) struct Tokens(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    rng: Rng,
    /// Tokens that were handed out, newest last, and when each ends.
    tokens: Vec<(String, Instant)>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self(Mutex::new(Inner { rng: Rng::unrepeatable(), tokens: Vec::new() }))
    }
}

impl Tokens {
    /// The token and how long it is good; a new one with `refresh`, or when there is none.
    pub(super) fn current(&self, refresh: bool) -> (String, Duration) {
        let mut inner = lock(&self.0);
        let now = Instant::now();
        if let Some((token, ends)) = inner.tokens.last().filter(|(_, ends)| !refresh && *ends > now) {
            return (token.clone(), ends.duration_since(now));
        }
        for (_, ends) in &mut inner.tokens {
            *ends = (*ends).min(now + OVERLAP);
        }
        // Only the last few can still matter.
        let surplus = inner.tokens.len().saturating_sub(8);
        inner.tokens.drain(..surplus);
        let token = format!("62_{}", inner.rng.hex(128));
        inner.tokens.push((token.clone(), now + LIVES_FOR));
        (token, LIVES_FOR)
    }

    /// Whether a call with this token may go on.
    pub(super) fn check(&self, token: &str) -> Result<(), ApiError> {
        if token.is_empty() {
            return Err(ApiError(41001, "access_token missing"));
        }
        let inner = lock(&self.0);
        let (_, ends) = inner
            .tokens
            .iter()
            .find(|(known, _)| known == token)
            .ok_or(ApiError(40001, "invalid credential, access_token is invalid or not latest"))?;
        if *ends > Instant::now() { Ok(()) } else { Err(EXPIRED) }
    }

    /// Ends all tokens.
    pub(super) fn expire(&self) {
        let now = Instant::now();
        lock(&self.0).tokens.iter_mut().for_each(|(_, ends)| *ends = now);
    }
}

#[cfg(test)]
mod tests {
    use super::Tokens;

    #[test]
    fn all_get_one_token_until_it_is_refreshed_or_expires() {
        let tokens = Tokens::default();
        let (first, _) = tokens.current(false);
        assert_eq!(tokens.current(false).0, first);
        let (second, _) = tokens.current(true);
        assert_ne!(first, second);
        assert_eq!((tokens.check(&first), tokens.check(&second)), (Ok(()), Ok(())));
        tokens.expire();
        assert_eq!(tokens.check(&second).unwrap_err().0, 42001);
        assert_ne!(tokens.current(false).0, second);
        assert_eq!(tokens.check("made up").unwrap_err().0, 40001);
        assert_eq!(tokens.check("").unwrap_err().0, 41001);
    }
}
