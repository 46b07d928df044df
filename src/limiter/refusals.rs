//! Refusals of the limiter, remembered until their window ends, so that a caller who keeps asking costs no database
//! write. Only for limits whose uses are never refunded.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

/// Most keys that are remembered, some 1 MB. Further ones are refused by the database.
const MAX_KEYS: usize = 10_000;

/// The refusals that this replica knows.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<String, DateTime<Utc>>>);

impl Refusals {
    /// How long `key` is still refused after `now`.
    #[must_use]
    pub fn left(&self, key: &str, now: DateTime<Utc>) -> Option<Duration> {
        let until = self.0.lock().get(key).copied();
        until.and_then(|until| (until - now).to_std().ok()).filter(|left| !left.is_zero())
    }

    /// Remembers that `key` is refused for `left` after `now`.
    pub fn remember(&self, key: &str, left: Duration, now: DateTime<Utc>) {
        let Some(until) = TimeDelta::from_std(left).ok().and_then(|left| now.checked_add_signed(left)) else { return };
        let mut refused = self.0.lock();
        if refused.len() >= MAX_KEYS {
            refused.retain(|_, until| *until > now);
        }
        if refused.len() < MAX_KEYS {
            refused.insert(key.to_owned(), until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_holds_until_its_window_ends() {
        let (refusals, now) = (Refusals::default(), DateTime::UNIX_EPOCH);
        assert_eq!(refusals.left("search/a", now), None);
        refusals.remember("search/a", Duration::from_secs(20), now);
        assert_eq!(refusals.left("search/a", now + TimeDelta::seconds(5)), Some(Duration::from_secs(15)));
        assert_eq!(refusals.left("search/a", now + TimeDelta::seconds(20)), None);
        assert_eq!(refusals.left("search/b", now), None);
    }

    #[test]
    fn old_refusals_make_room_and_new_ones_are_not_kept_without() {
        let (refusals, now) = (Refusals::default(), DateTime::UNIX_EPOCH);
        for key in 0..=MAX_KEYS {
            refusals.remember(&key.to_string(), Duration::from_secs(1), now);
        }
        assert_eq!(refusals.left(&MAX_KEYS.to_string(), now), None);
        let later = now + TimeDelta::seconds(2);
        refusals.remember("new", Duration::from_secs(1), later);
        assert_eq!(refusals.left("new", later), Some(Duration::from_secs(1)));
    }
}
