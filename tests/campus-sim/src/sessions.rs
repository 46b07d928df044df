//! Sessions with cookies that expire.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};

use crate::rng::Rng;
use crate::world::lock;

/// The sessions of one system, by the value of its cookie. A session ends when it was not used for the time to live.
#[derive(Debug)]
pub(crate) struct Sessions<T> {
    live_for: Duration,
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    rng: Rng,
    by_id: HashMap<String, Entry<T>>,
    /// Expired sessions are swept when there are this many; keeps the sweep rare however many are alive.
    sweep_at: usize,
}

#[derive(Debug)]
struct Entry<T> {
    used: Instant,
    value: T,
}

const FIRST_SWEEP: usize = 1024;

impl<T> Sessions<T> {
    pub(crate) fn new(live_for: Duration) -> Self {
        let inner = Inner { rng: Rng::unrepeatable(), by_id: HashMap::new(), sweep_at: FIRST_SWEEP };
        Self { live_for, inner: Mutex::new(inner) }
    }

    /// Opens a session; answers its id, 32 hexadecimal digits.
    pub(crate) fn open(&self, value: T) -> String {
        let mut inner = lock(&self.inner);
        let now = Instant::now();
        if inner.by_id.len() >= inner.sweep_at {
            let live_for = self.live_for;
            inner.by_id.retain(|_, entry| now.duration_since(entry.used) < live_for);
            inner.sweep_at = (inner.by_id.len() * 2).max(FIRST_SWEEP);
        }
        let id = inner.rng.hex(32);
        inner.by_id.insert(id.clone(), Entry { used: now, value });
        id
    }

    /// Does something with a living session and keeps it alive; none when there is no such session any more.
    pub(crate) fn with<R>(&self, id: &str, action: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut inner = lock(&self.inner);
        let now = Instant::now();
        let entry = inner.by_id.get_mut(id)?;
        if now.duration_since(entry.used) >= self.live_for {
            inner.by_id.remove(id);
            return None;
        }
        entry.used = now;
        Some(action(&mut entry.value))
    }

    /// The id of the living session a request belongs to. With `expired` the session ends here.
    pub(crate) fn of<'a>(&self, headers: &'a HeaderMap, cookie_name: &str, expired: bool) -> Option<&'a str> {
        let id = cookie(headers, cookie_name)?;
        if expired {
            self.close(id);
        }
        self.with(id, |_| id)
    }

    /// Ends a session and answers what it held; none when it was over already.
    pub(crate) fn take(&self, id: &str) -> Option<T> {
        let entry = lock(&self.inner).by_id.remove(id)?;
        (entry.used.elapsed() < self.live_for).then_some(entry.value)
    }

    /// Does something with every session, without keeping any alive.
    pub(crate) fn for_each(&self, mut action: impl FnMut(&mut T)) {
        lock(&self.inner).by_id.values_mut().for_each(|entry| action(&mut entry.value));
    }

    /// Ends one session.
    pub(crate) fn close(&self, id: &str) {
        lock(&self.inner).by_id.remove(id);
    }

    /// Ends all sessions.
    pub(crate) fn expire_all(&self) {
        lock(&self.inner).by_id.clear();
    }
}

/// The value of a cookie of the request.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{Sessions, cookie};

    #[test]
    fn a_session_lives_until_it_is_expired() {
        let sessions = Sessions::new(Duration::from_mins(1));
        let id = sessions.open(1);
        assert_eq!(sessions.with(&id, |value| std::mem::replace(value, 2)), Some(1));
        assert_eq!(sessions.with(&id, |value| *value), Some(2));
        sessions.expire_all();
        assert_eq!(sessions.with(&id, |value| *value), None);
    }

    #[test]
    fn what_is_taken_is_gone() {
        let sessions = Sessions::new(Duration::from_mins(1));
        let id = sessions.open(7);
        assert_eq!(sessions.take(&id), Some(7));
        assert_eq!(sessions.take(&id), None);
    }

    #[test]
    fn a_session_without_time_to_live_is_over_at_once() {
        let sessions = Sessions::new(Duration::ZERO);
        let id = sessions.open(());
        assert_eq!(sessions.with(&id, |()| ()), None);
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("lang=zh; TWFID=ab12; x=y=z"));
        assert_eq!(cookie(&headers, "TWFID"), Some("ab12"));
        assert_eq!(cookie(&headers, "x"), Some("y=z"));
        assert_eq!(cookie(&headers, "twfid"), None);
    }
}
