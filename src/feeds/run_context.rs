//! One run of a job: what all jobs have in common. Every request goes through [`RunContext::turn`], every write through a look
//! at the lease.

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

/// How long a system that is not asked for now is left alone before the next try; longer than its breaker is open.
const OUT: std::time::Duration = std::time::Duration::from_secs(6);

/// How often in a row that is waited for.
const PATIENCE: u32 = 3;

/// So many articles in a row that fail for the first time say that the source as a whole does not work.
const IN_A_ROW: u32 = 20;

/// Short lower-case word for a failure of the campus.
pub(super) fn word_of(error: &CampusError) -> &'static str {
    match error {
        CampusError::Down(_) | CampusError::Failing(_) => "down",
        CampusError::Closed(..) => "closed",
        CampusError::Locked(..) => "locked",
        CampusError::Barred(..) | CampusError::LoginPaused(..) => "barred",
        CampusError::Changed { .. } => "changed",
        CampusError::SessionExpired(_) => "session",
        CampusError::WrongPassword(..) => "password",
        CampusError::Captcha => "captcha",
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

    /// What was done so far.
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

    /// Tells what became of an item.
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

    /// Tells of an item that a list shows whole and that could not be read; the next run reads the list again.
    pub(super) fn could_not_read(&self, class: Class, text: &str) {
        tracing::warn!(job = self.run.job, class = class.name(), "an entry of a page could not be read");
        self.tell(class, text, "", What::Failed("changed"));
    }

    /// Whether the run may go on.
    pub(super) fn may_go_on(&self) -> Result<(), RunError> {
        self.lease.check()?;
        if self.stop.is_cancelled() { Err(RunError::Stopped) } else { Ok(()) }
    }

    /// Waits for the time of the next request; requests of a job begin at a polite distance.
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

    /// After a request that failed with `error`: `true` when it is to be sent again, because the system was only not
    /// asked for at the moment; `false` when the failure is that of the one page. `tries` counts.
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

    /// What is known of what a page shows.
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

    /// Deals with items for which nothing is fetched; gives the plan for it.
    pub(super) async fn plan(&self, class: Class, item: &Listed) -> Result<Plan, RunError> {
        let plan = item.plan(self.spider.clock.now());
        match plan {
            Plan::Refuse(refusal) => self.refuse(class, item, refusal).await?,
            Plan::Wait => self.tell(class, &item.title, &item.key, What::Waiting),
            Plan::Fetch | Plan::Leave => {}
        }
        Ok(plan)
    }

    /// Stores an article that was fetched for `item`, and forgets its failure.
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

    /// Records why `item` was not collected. A source that fails again and again ends the run.
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

    /// Records that `item` could not be fetched, to be tried again.
    pub(super) async fn fail_with(&self, class: Class, item: &Listed, word: &'static str) -> Result<(), RunError> {
        let attempts = item.failure.as_ref().map_or(0, |failure| failure.attempts);
        self.record(class, item, What::Failed(word), Some(backoff::of_item(attempts.saturating_add(1)))).await
    }

    /// Records that the engine does not go where `item` leads. What only an answer showed is looked at again much later.
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
