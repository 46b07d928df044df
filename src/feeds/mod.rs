//! The spider: collects university news, logistics news, and the lectures and notices of the bulletin board.
//!
//! Any number of spiders may run. Each checks every few seconds whether a job is due, or was begun by a spider that
//! died; the job's document in the database (`store/schedulers.rs`) decides who runs it. A run may end anywhere: what
//! it stored stays, its keys make it harmless to store an article again, and the next run knows that something may be
//! missing (`walk.rs`).

mod backoff;
mod board;
mod files;
mod lease_guard;
mod mend;
mod pages;
pub mod report;
mod run_context;
mod run_error;
mod walk;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    app::SetupError,
    campus::{Campus, CampusError},
    clock::Clock,
    config::{Schedule, SpiderConfig, Storage},
    crypto::random_hex,
    model::Class,
    objects::{ObjectError, Objects},
    outbound::Outbound,
    service::hostname,
    store::{Claim, Counts, Ended, LastRun, Run, RunOutcome, Scheduler, Store, StoreError},
};
use lease_guard::{LeaseGuard, TTL};
use pages::Source;
use report::{Status, Watch};
use run_context::RunContext;
use run_error::RunError;
use walk::Reach;

/// How often a spider checks whether a job is due or unfinished.
pub(crate) const POLL: Duration = Duration::from_secs(3);

/// How often a walk reads a list to its end although its beginning is known: an article that is removed while the list
/// is read moves the later ones up, and one of them may be missed.
const WHOLE: TimeDelta = TimeDelta::days(30);

/// A job of the spider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Job {
    /// University news.
    News,
    /// News of the logistics department.
    Logistics,
    /// Lectures and notices of the bulletin board.
    Bulletin,
}

/// Every job.
pub const JOBS: [Job; 3] = [Job::News, Job::Logistics, Job::Bulletin];

impl Job {
    /// Its name, as in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What it collects.
    #[must_use]
    pub fn classes(self) -> &'static [Class] {
        match self {
            Self::News => &[Class::News],
            Self::Logistics => &[Class::Logistics],
            Self::Bulletin => &[Class::Lecture, Class::Notice],
        }
    }
}

/// One spider.
#[derive(Debug)]
pub struct Spider {
    config: SpiderConfig,
    /// The database.
    pub store: Store,
    campus: Campus,
    objects: Objects,
    clock: Clock,
    name: String,
}

/// How a run came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It ended.
    Ended(LastRun),
    /// It was interrupted, for this reason, and will be continued.
    Interrupted(String),
    /// The spider of this name is running the job.
    HeldBy(String),
    /// The job does not run, for this reason.
    NotConfigured(Off),
}

/// Why a job does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Off {
    /// The profile of the school has the feed as `none`.
    #[error("the school has no such feed")]
    NoFeed,
    /// The account that reads the bulletin board is not set.
    #[error("WEHPU_BULLETIN_STUDENT_ID is not set")]
    NoAccount,
}

impl Spider {
    /// Builds everything from the settings without waiting for the database.
    pub async fn new(config: SpiderConfig, clock: Clock) -> Result<Self, SetupError> {
        let store = Store::connect(config.mongodb_uri.expose_secret(), "wehpu-engine spider").await?;
        let outbound =
            Outbound::new(config.campus.timeout, config.campus.concurrency, config.campus.ca_file.as_deref())?;
        let campus = Campus::new(&config.campus, &config.school, &config.spider.news_list_path, &outbound)?;
        // Its files count like all others, but campus files are never refused for a full storage.
        let objects = Objects::open(&Storage::unbounded(&config.storage_url), &store, clock.clone()).await?;
        let name = format!("{}/{}", hostname(), random_hex());
        Ok(Self { config, store, campus, objects, clock, name })
    }

    /// The storage of files.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// When `job` runs.
    ///
    /// # Errors
    /// [`Off`] when it never does.
    pub fn schedule(&self, job: Job) -> Result<&Schedule, Off> {
        let services = &self.config.school.services;
        if !job.classes().iter().any(|class| services.publishes(*class)) {
            return Err(Off::NoFeed);
        }
        let settings = &self.config.spider;
        match job {
            Job::News => Ok(&settings.news),
            Job::Logistics => Ok(&settings.logistics),
            Job::Bulletin if self.campus.bulletin.is_configured() => Ok(&settings.bulletin),
            Job::Bulletin => Err(Off::NoAccount),
        }
    }

    /// Runs `job` whenever it is due, until `stop`; then finishes the article under way.
    pub async fn follow(&self, job: Job, stop: &CancellationToken) {
        let schedule = match self.schedule(job) {
            Ok(schedule) => schedule,
            Err(off) => {
                tracing::info!(job = job.name(), why = %off, "not configured");
                return stop.cancelled().await;
            }
        };
        let watch: Watch = Box::new(|item| {
            tracing::debug!(class = item.class.name(), what = item.what.word(), "item");
        });
        while !stop.is_cancelled() {
            if let Err(error) = self.look(job, schedule, stop, &watch).await {
                tracing::warn!(job = job.name(), %error, "the job's state is not known");
            }
            tokio::select! {
                () = sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Runs `job` if it is due.
    async fn look(
        &self,
        job: Job,
        schedule: &Schedule,
        stop: &CancellationToken,
        watch: &Watch,
    ) -> Result<(), StoreError> {
        let status = self.status(job).await?;
        let now = self.clock.now();
        self.measure(&status, now);
        let latest = schedule.latest(now);
        if status.state.holder.is_some() || !is_due(&status.state, latest, now) {
            return Ok(());
        }
        let asked = Instant::now();
        let run = self.store.schedulers.claim(job.name(), Claim::Due, (latest, now), (&self.name, TTL)).await?;
        if let Some(run) = run {
            if status.state.unfinished {
                tracing::info!(job = job.name(), "going on with a run that did not end");
            }
            self.run(job, &run, asked, stop, watch).await;
        }
        Ok(())
    }

    /// Runs `job` now, unless another spider is running it.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn once(&self, job: Job, stop: &CancellationToken, watch: &Watch) -> Result<Ran, StoreError> {
        let schedule = match self.schedule(job) {
            Ok(schedule) => schedule,
            Err(off) => return Ok(Ran::NotConfigured(off)),
        };
        let (asked, now) = (Instant::now(), self.clock.now());
        let times = (schedule.latest(now), now);
        let Some(run) = self.store.schedulers.claim(job.name(), Claim::Now, times, (&self.name, TTL)).await? else {
            let holder = self.store.schedulers.find(job.name()).await?.holder;
            return Ok(Ran::HeldBy(holder.unwrap_or_else(|| "another spider".to_owned())));
        };
        Ok(self.run(job, &run, asked, stop, watch).await)
    }

    async fn run(&self, job: Job, run: &Run, asked: Instant, stop: &CancellationToken, watch: &Watch) -> Ran {
        tracing::info!(job = job.name(), run = run.fence, "run begins");
        let started = Instant::now();
        let lease = LeaseGuard::new(&self.store.schedulers, run, asked);
        let context = RunContext::new(self, run, &lease, stop, watch);
        let outcome = {
            let (collecting, keeping) = (self.collect(job, &context), lease.keep());
            tokio::pin!(collecting, keeping);
            tokio::select! {
                outcome = &mut collecting => outcome,
                // Not dropped half-way through a write: it ends by itself at its next lease check.
                () = &mut keeping => collecting.await,
            }
        };
        let ran = match RunResult::of(outcome) {
            Ok(result) => self.end(job, run, result, context.counts(), started.elapsed()).await,
            Err(error) => self.interrupt(job, run, &lease, &error).await,
        };
        let outcome = match &ran {
            Ran::Ended(last) => last.outcome.word(),
            _ => "interrupted",
        };
        metrics::counter!("spider_runs_total", "job" => job.name(), "outcome" => outcome).increment(1);
        metrics::gauge!("spider_run_seconds", "job" => job.name()).set(started.elapsed());
        ran
    }

    async fn collect(&self, job: Job, context: &RunContext<'_>) -> Result<Reach, RunError> {
        let state = &context.run.state;
        let recently = |at: DateTime<Utc>| self.clock.now() - at < WHOLE;
        let settled = state.settled.filter(|_| state.whole_at.is_some_and(recently));
        match job {
            Job::News => pages::collect(context, Source::News(&self.campus.news), settled).await,
            Job::Logistics => pages::collect(context, Source::Logistics(&self.campus.logistics), settled).await,
            Job::Bulletin => board::collect(context, &self.campus.bulletin).await,
        }
    }

    /// Records how a run ended.
    async fn end(&self, job: Job, run: &Run, result: RunResult, counts: Counts, took: Duration) -> Ran {
        let now = self.clock.now();
        let RunResult { outcome, why, reach, rejected } = result;
        let last = LastRun {
            ended_at: now,
            millis: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
            outcome,
            why,
            counts,
        };
        let again = outcome != RunOutcome::Done && !rejected;
        let ended = Ended {
            settled: reach.is_some(),
            whole: reach.is_some_and(|reach| reach.whole),
            rejected,
            retry_at: again.then(|| now + backoff::of_job(run.state.failures.saturating_add(1))),
            newest_at: self.newest(job, now).await,
            last: last.clone(),
        };
        let written = self.store.schedulers.end(job.name(), run.fence, &ended).await;
        match &last.why {
            None => tracing::info!(job = job.name(), run = run.fence, ?counts, "run ended"),
            Some(why) => tracing::warn!(job = job.name(), run = run.fence, ?counts, why, "run ended badly"),
        }
        match written {
            Ok(true) => Ran::Ended(last),
            Ok(false) => Ran::Interrupted(RunError::Lost.to_string()),
            Err(error) => {
                tracing::warn!(job = job.name(), %error, "the end of a run was not written down; it will be repeated");
                Ran::Interrupted(error.to_string())
            }
        }
    }

    /// Leaves a run to the spider that continues it.
    async fn interrupt(&self, job: Job, run: &Run, lease: &LeaseGuard, error: &RunError) -> Ran {
        tracing::warn!(job = job.name(), run = run.fence, why = %error, "run interrupted");
        if lease.check().is_ok()
            && let Err(error) = self.store.schedulers.release(job.name(), run.fence).await
        {
            tracing::warn!(job = job.name(), %error, "the lease is left to run out");
        }
        Ran::Interrupted(error.to_string())
    }

    /// Date of the newest article of `job`; `None` also when the database does not answer.
    async fn newest(&self, job: Job, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut newest = None;
        for class in job.classes() {
            newest = newest.max(self.store.articles.newest(*class, now).await.ok().flatten());
        }
        newest
    }

    /// The status of `job`.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn status(&self, job: Job) -> Result<Status, StoreError> {
        let state = self.store.schedulers.find(job.name()).await?;
        let failing = self.store.failures.count(job.name()).await?;
        let now = self.clock.now();
        let schedule = self.schedule(job).cloned();
        let next = schedule.as_ref().ok().and_then(|schedule| {
            let latest = schedule.latest(now);
            if is_due(&state, latest, now) {
                return Some(now);
            }
            let again = state.retry_at.filter(|_| !state.rejected);
            again.into_iter().chain(schedule.next(now).filter(|_| !state.rejected)).min()
        });
        Ok(Status { job, schedule, state, next, failing })
    }

    /// How long a source may bring nothing new before it counts as stale.
    #[must_use]
    pub fn stale(&self) -> Duration {
        self.config.spider.stale
    }

    /// Now, by the injected clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Sets the job's gauges; they are the same in every spider.
    fn measure(&self, status: &Status, now: DateTime<Utc>) {
        let job = status.job.name();
        if let Some(age) = status.newest_age(now) {
            metrics::gauge!("spider_newest_item_age_seconds", "job" => job).set(seconds(age));
        }
        if let Some(at) = status.state.success_at {
            metrics::gauge!("spider_last_success_timestamp_seconds", "job" => job)
                .set(seconds(at - DateTime::UNIX_EPOCH));
        }
        let stale = status.is_stale(now, self.config.spider.stale);
        metrics::gauge!("spider_stale", "job" => job).set(f64::from(u8::from(stale)));
        #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
        metrics::gauge!("spider_failing_items", "job" => job).set(status.failing as f64);
    }
}

#[expect(clippy::cast_precision_loss, reason = "whole seconds far below 2^52")]
fn seconds(time: TimeDelta) -> f64 {
    time.num_seconds() as f64
}

/// Whether a job is due at `now`, when its latest scheduled time was `latest`.
fn is_due(state: &Scheduler, latest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let missed = latest.is_some_and(|latest| state.due.is_none_or(|due| due < latest));
    let again = state.retry_at.is_some_and(|at| at <= now);
    !state.rejected && (state.unfinished || missed || again)
}

/// The result of a run that ended.
#[derive(Debug)]
struct RunResult {
    outcome: RunOutcome,
    why: Option<String>,
    /// How far it came, if it left nothing out.
    reach: Option<Reach>,
    rejected: bool,
}

impl RunResult {
    /// The result of a run, or the error when another spider has to continue it.
    fn of(result: Result<Reach, RunError>) -> Result<Self, RunError> {
        let (outcome, why, reach, rejected) = match result {
            Ok(reach) if reach.complete => (RunOutcome::Done, None, Some(reach), false),
            Ok(_) => (RunOutcome::Partial, Some("some list pages cannot be read".to_owned()), None, false),
            Err(
                error @ (RunError::Lost
                | RunError::Stopped
                | RunError::Store(StoreError::Unavailable(_))
                | RunError::Objects(ObjectError::Store(StoreError::Unavailable(_)))),
            ) => return Err(error),
            Err(error) => {
                let rejected = matches!(error, RunError::Campus(CampusError::WrongPassword(..)));
                (RunOutcome::Failed, Some(error.to_string()), None, rejected)
            }
        };
        Ok(Self { outcome, why, reach, rejected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_run_that_meets_an_election_is_continued_also_while_it_stores_a_file() {
        let away = || StoreError::Unavailable(mongodb::error::Error::custom("no primary"));
        for error in [RunError::Store(away()), RunError::Objects(ObjectError::Store(away()))] {
            RunResult::of(Err(error)).unwrap_err();
        }
        let failed = RunResult::of(Err(RunError::Objects(ObjectError::Missing))).unwrap();
        assert_eq!(failed.outcome, RunOutcome::Failed);
    }

    #[test]
    fn a_job_is_due_once_for_each_scheduled_time_and_until_it_has_ended() {
        let (now, latest) = (at("2026-11-24T00:00:00Z"), Some(at("2026-11-23T18:00:00Z")));
        let due = |state: Scheduler| is_due(&state, latest, now);
        assert!(due(Scheduler::default()), "it never ran");
        assert!(due(Scheduler { due: Some(at("2026-11-20T18:00:00Z")), ..Scheduler::default() }), "it was missed");
        let done = Scheduler { due: latest, ..Scheduler::default() };
        assert!(!due(done.clone()));
        assert!(due(Scheduler { unfinished: true, ..done.clone() }));
        assert!(due(Scheduler { retry_at: Some(now), ..done.clone() }));
        assert!(!due(Scheduler { retry_at: Some(at("2026-11-24T00:00:01Z")), ..done }));
        assert!(!due(Scheduler { rejected: true, ..Scheduler::default() }), "accounts lock");
        assert!(!is_due(&Scheduler::default(), None, now), "its time has never come");
    }
}
