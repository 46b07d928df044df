//! Copies of campus pages that nobody understood, for whoever maintains the profile of the school: cleaned of what tells
//! whose they are, sealed, for a day. Only with `WEHPU_KEEP_CHANGED_PAGES`.

mod cleaning;
mod script;
mod words;

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::{
    campus::page::{PageError, decode_answer, detect},
    clock::Clock,
    crypto::{KeyRing, SealError, random_hex},
    outbound::{Changed, ChangedAnswers, System},
    store::{ChangedPage, Store, StoreError},
};
use cleaning::cleaned;

/// Shortest time between two copies of a page: one copy tells as much as a hundred.
const PAUSE: Duration = Duration::from_mins(1);

/// Longest copy, in bytes. The largest known page has 60 KiB; of a longer one the begin is kept.
const MAX_COPY: usize = 256 * 1024;

/// Keeps copies of the pages of one engine.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    keys: Arc<KeyRing>,
    clock: Clock,
    tasks: TaskTracker,
    recent: Recent,
}

/// When each page was kept last.
#[derive(Debug, Default)]
struct Recent(Mutex<HashMap<&'static str, Instant>>);

/// Why a copy is not kept.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Page(#[from] PageError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An answer as it came, cut to the length of a copy.
struct Original {
    system: System,
    page: &'static str,
    missing: &'static str,
    content_type: Option<String>,
    body: Vec<u8>,
}

impl Keeper {
    /// `keys` seal the copies; they are made and stored as tasks of `tasks`.
    pub fn new(store: Store, keys: Arc<KeyRing>, clock: Clock, tasks: TaskTracker) -> Self {
        Self { store, keys, clock, tasks, recent: Recent::default() }
    }
}

impl ChangedAnswers for Keeper {
    fn show(&self, changed: &Changed<'_>) {
        let Changed { system, page, missing, answer } = *changed;
        // A body with a zero byte is no page but a picture or a file.
        if answer.body.is_empty() || answer.body.contains(&0) || !self.recent.is_due(page) {
            return;
        }
        let content_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.body[..answer.body.len().min(MAX_COPY)].to_vec();
        let original = Original { system, page, missing, content_type, body };
        let (store, keys, clock) = (self.store.clone(), Arc::clone(&self.keys), self.clock.clone());
        self.tasks.spawn(async move {
            match keep(&store, &keys, &clock, &original).await {
                Ok(id) => tracing::info!(%system, page, id, "a copy of a changed page is kept"),
                Err(error) => tracing::warn!(%system, page, %error, "no copy of a changed page is kept"),
            }
        });
    }
}

impl Recent {
    /// Whether a copy of the page may be kept now; that is then noted.
    fn is_due(&self, page: &'static str) -> bool {
        let (mut kept, now) = (self.0.lock(), Instant::now());
        let is_due = kept.get(page).is_none_or(|at| now.duration_since(*at) >= PAUSE);
        if is_due {
            kept.insert(page, now);
        }
        is_due
    }
}

/// Cleans, seals and stores a page. Returns the id of the copy.
async fn keep(store: &Store, keys: &KeyRing, clock: &Clock, original: &Original) -> Result<String, KeepError> {
    let body = original.body.as_slice();
    let copy = cleaned(&decode_answer(body, original.content_type.as_deref(), detect(body))?, MAX_COPY);
    let id = random_hex();
    let sealed = keys.seal(&id, &field(original.page), &copy)?;
    let what = (original.system.name(), original.page, original.missing);
    let copy = ChangedPage::new(&id, what, (sealed, copy.len()), clock.now());
    store.changed_pages.keep(&copy).await?;
    Ok(id)
}

/// The text of a copy.
///
/// # Errors
/// [`SealError`] when the key that sealed it is gone, or the copy was changed.
pub fn open(keys: &KeyRing, copy: &ChangedPage) -> Result<SecretString, SealError> {
    keys.open(&copy.id, &field(&copy.page), &copy.sealed)
}

/// The field that a copy is sealed for.
fn field(page: &str) -> String {
    format!("changedPage/{page}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_page_is_kept_once_a_minute_and_other_pages_meanwhile() {
        let recent = Recent::default();
        assert!(recent.is_due("eams-course"));
        assert!(!recent.is_due("eams-course"));
        assert!(recent.is_due("eams-score"));
        tokio::time::advance(PAUSE).await;
        assert!(recent.is_due("eams-course"));
        assert!(!recent.is_due("eams-course"));
    }
}
