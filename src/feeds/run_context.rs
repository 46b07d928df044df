//! What the runs of all jobs have in common. Every request waits for its [`RunContext::turn`], every write checks the
//! lease.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    Spider, backoff,
    lease_guard::LeaseGuard,
    report::{Item, Watch, What},
    run_error::RunError,
    walk::{Listed, Plan},
};
use crate::{
    campus::{
        CampusError,
        feed::{LinkError, ListPage, Refusal},
    },
    model::Class,
    outbound::System,
    store::{Article, Counts, Failure, Put, Run},
};

/// Pause before a request to a system whose breaker is tripped is retried; longer than the breaker's pause.
const OUT: std::time::Duration = std::time::Duration::from_secs(6);

/// How often in a row a request is retried after that pause.
const PATIENCE: u32 = 3;

/// Number of first failures of articles in a row that prove the source as a whole to be broken.
const IN_A_ROW: u32 = 20;

/// Short lower-case word for a campus failure.
pub(super) fn word_of(error: &CampusError) -> &'static str {
    match error {
        CampusError::Down(_) | CampusError::Failing(_) | CampusError::TooFast(_) => "down",
        CampusError::Closed(..) | CampusError::NoDates(_) => "closed",
        CampusError::Locked(..) => "locked",
        CampusError::Barred(..) | CampusError::LoginPaused(..) => "barred",
        CampusError::Changed { .. } => "changed",
        CampusError::SessionExpired(_) => "session",
        CampusError::WrongPassword(..) => "password",
        CampusError::Captcha | CampusError::NeedsCaptcha(..) | CampusError::CaptchaWanted(_) => "captcha",
    }
}

/// A run under way.
pub(super) struct RunContext<'a> {
    pub(super) spider: &'a Spider,
    pub(super) run: &'a Run,
    pub(super) lease: &'a LeaseGuard,
    pub(super) stop: &'a CancellationToken,
    watch: &'a Watch,
    counts: Mutex<Counts>,
    next_turn: Mutex<Instant>,
    in_a_row: AtomicU32,
}

impl<'a> RunContext<'a> {
    pub(super) fn new(
        spider: &'a Spider,
        run: &'a Run,
        lease: &'a LeaseGuard,
        stop: &'a CancellationToken,
        watch: &'a Watch,
    ) -> Self {
        Self {
            spider,
            run,
            lease,
            stop,
            watch,
            counts: Mutex::default(),
            next_turn: Mutex::new(Instant::now()),
            in_a_row: AtomicU32::new(0),
        }
    }

    /// The counts so far.
    pub(super) fn counts(&self) -> Counts {
        *self.counts.lock()
    }

    fn count(&self, add: impl FnOnce(&mut Counts)) {
        add(&mut self.counts.lock());
    }

    /// Counts items that a list showed.
    pub(super) fn saw(&self, items: usize) {
        let items = items as u64;
        self.count(|counts| counts.seen += items);
        metrics::counter!("spider_items_total", "job" => self.run.job, "what" => "seen").increment(items);
    }

    /// Reports the outcome of an item.
    pub(super) fn tell(&self, class: Class, title: &str, key: &str, what: What) {
        self.count(|counts| match what {
            What::New => counts.new += 1,
            What::Changed => counts.changed += 1,
            What::Unchanged => counts.unchanged += 1,
            What::Failed(_) => counts.failed += 1,
            What::Refused(_) => counts.refused += 1,
            What::Waiting => {}
        });
        metrics::counter!("spider_items_total", "job" => self.run.job, "what" => what.word()).increment(1);
        (self.watch)(Item { class, title, key, what });
    }

    /// Reports a part of a page that could not be read. The next run reads the page again.
    pub(super) fn could_not_read(&self, class: Class, text: &str) {
        tracing::warn!(job = self.run.job, class = class.name(), "an entry of a page could not be read");
        self.tell(class, text, "", What::Failed("changed"));
    }

    /// Fails when the lease is lost or the spider is to end.
    pub(super) fn may_go_on(&self) -> Result<(), RunError> {
        self.lease.check()?;
        if self.stop.is_cancelled() { Err(RunError::Stopped) } else { Ok(()) }
    }

    /// Waits for the time of the next request. Requests of a job begin at a polite distance.
    pub(super) async fn turn(&self) -> Result<(), RunError> {
        let at = {
            let mut next = self.next_turn.lock();
            let at = (*next).max(Instant::now());
            *next = at + self.spider.config.spider.pause;
            at
        };
        self.pause(sleep_until(at)).await
    }

    async fn pause(&self, time: impl Future<Output = ()>) -> Result<(), RunError> {
        tokio::select! {
            () = time => {}
            () = self.stop.cancelled() => {}
            () = self.lease.lost() => {}
        }
        self.may_go_on()
    }

    /// Decides after a request failed with `error`: `true` to retry it, because the breaker was tripped; `false` when
    /// only this page failed. `tries` counts the retries.
    pub(super) async fn again(&self, system: System, error: &CampusError, tries: &mut u32) -> Result<bool, RunError> {
        match error {
            CampusError::WrongPassword(..)
            | CampusError::Locked(..)
            | CampusError::Barred(..)
            | CampusError::LoginPaused(..) => Err(error.clone().into()),
            CampusError::Down(_) | CampusError::Failing(_) if self.spider.campus.is_down(system) => {
                *tries += 1;
                if *tries > PATIENCE {
                    return Err(error.clone().into());
                }
                self.pause(sleep(OUT)).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The items of a list page, with what is stored about each.
    pub(super) async fn look_up(&self, class: Class, page: u32, list: ListPage) -> Result<Vec<Listed>, RunError> {
        let links = list.links.into_iter().map(|link| {
            let mut url = link.url.clone();
            url.set_fragment(None);
            (url.to_string(), link.title.clone(), link.date.clone(), Ok(link))
        });
        let refused = list.refused.into_iter().map(|link| (link.address, link.title, None, Err(link.refusal)));
        let found: Vec<_> = links.chain(refused).filter(|(key, ..)| !key.is_empty()).collect();
        let keys: Vec<String> = found.iter().map(|(key, ..)| key.clone()).collect();
        let store = &self.spider.store;
        let mut known = store.articles.known(class, &keys).await?;
        let mut failures = store.failures.known(class, &keys).await?;
        let listed = found.into_iter().map(|(key, title, date, target)| {
            let (known, failure) = (known.remove(&key), failures.remove(&key));
            Listed { key, title, date, target, page, known, failure }
        });
        Ok(listed.collect())
    }

    /// Handles an item for which nothing is fetched. Returns its plan.
    pub(super) async fn plan(&self, class: Class, item: &Listed) -> Result<Plan, RunError> {
        let plan = item.plan(self.spider.clock.now());
        match plan {
            Plan::Refuse(refusal) => self.refuse(class, item, refusal).await?,
            Plan::Wait => self.tell(class, &item.title, &item.key, What::Waiting),
            Plan::Fetch | Plan::Leave => {}
        }
        Ok(plan)
    }

    /// Stores the article that was fetched for `item`, and forgets its failure.
    pub(super) async fn store(&self, class: Class, item: &Listed, article: &Article) -> Result<(), RunError> {
        self.put(class, article).await?;
        if item.failure.is_some() {
            self.lease.check()?;
            self.spider.store.failures.forget(class, &item.key).await?;
        }
        self.in_a_row.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Stores an article.
    pub(super) async fn put(&self, class: Class, article: &Article) -> Result<(), RunError> {
        self.lease.check()?;
        let now = self.spider.clock.now();
        let what = match self.spider.store.articles.put_in_run(class, article, self.run.fence, now).await? {
            Put::Inserted => What::New,
            Put::Changed => What::Changed,
            Put::Unchanged => What::Unchanged,
        };
        self.tell(class, &article.title, &article.key, what);
        Ok(())
    }

    /// Records why `item` was not collected. Too many first failures in a row end the run.
    pub(super) async fn fail(&self, class: Class, item: &Listed, error: LinkError) -> Result<(), RunError> {
        match error {
            LinkError::Refused(refusal) => self.refuse(class, item, refusal).await,
            LinkError::Campus(error) => {
                self.fail_with(class, item, word_of(&error)).await?;
                if item.failure.is_none() && self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= IN_A_ROW {
                    return Err(error.into());
                }
                Ok(())
            }
        }
    }

    /// Records that `item` could not be fetched, to be retried.
    pub(super) async fn fail_with(&self, class: Class, item: &Listed, word: &'static str) -> Result<(), RunError> {
        let attempts = item.failure.as_ref().map_or(0, |failure| failure.attempts);
        self.record(class, item, What::Failed(word), Some(backoff::of_item(attempts.saturating_add(1)))).await
    }

    /// Records that the engine does not go where `item` leads. If only an answer showed that, it is retried much later.
    pub(super) async fn refuse(&self, class: Class, item: &Listed, refusal: Refusal) -> Result<(), RunError> {
        self.in_a_row.store(0, Ordering::Relaxed);
        let pause = item.target.is_ok().then(backoff::of_refused);
        self.record(class, item, What::Refused(refusal.word()), pause).await
    }

    async fn record(&self, class: Class, item: &Listed, what: What, pause: Option<TimeDelta>) -> Result<(), RunError> {
        self.lease.check()?;
        let now = self.spider.clock.now();
        let word = what.why().unwrap_or_default();
        let failure = Failure {
            class,
            key: item.key.clone(),
            job: self.run.job,
            title: item.title.clone(),
            date: item.date.clone(),
            word,
            next: pause.map(|pause| now + pause),
        };
        self.spider.store.failures.record(&failure, self.run.fence, now).await?;
        tracing::warn!(job = self.run.job, why = word, "an article was not collected");
        self.tell(class, &item.title, &item.key, what);
        Ok(())
    }
}
