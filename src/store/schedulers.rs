//! `schedulers`: one document per job of the spider, under the job's name: who runs it, how the last run ended, and
//! what the next one must know. The old service's documents here (`{id, flag}`, under object ids) stay as they are.
//!
//! The document is also the job's lease, so one write takes the lease, begins the run and notes its scheduled time.
//! Every claim raises `fence`, the number of the run. A run's writes here carry that number, so a run that lost its
//! lease changes nothing. Lease times are computed by the database.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, Bson, Document, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{Reads, StoreError, collection};

/// The `schedulers` collection.
#[derive(Debug, Clone)]
pub struct Schedulers(Collection<Document>);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum RunOutcome {
    /// Every item was collected or recorded as failed.
    Done,
    /// Some pages of the list could not be read.
    Partial,
    /// The run ended early.
    Failed,
}

impl RunOutcome {
    /// The stored word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Items listed.
    pub seen: u64,
    /// Collected for the first time.
    pub new: u64,
    /// Collected before, with another text.
    pub changed: u64,
    /// Collected before, fetched again, not changed.
    pub unchanged: u64,
    /// Not collected, to be retried.
    pub failed: u64,
    /// Not collected because the link leads where the engine does not go.
    pub refused: u64,
}

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastRun {
    /// When.
    #[serde(with = "moment")]
    pub ended_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub millis: i64,
    /// How it ended.
    pub outcome: RunOutcome,
    /// The reason, when it did not end well.
    #[serde(default)]
    pub why: Option<String>,
    /// What it did.
    #[serde(flatten)]
    pub counts: Counts,
}

/// A job as stored. Every field is empty before its first run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scheduler {
    /// Who holds the lease now.
    pub holder: Option<String>,
    /// A run was begun and has not ended: it is going on, or its spider died.
    pub unfinished: bool,
    /// The scheduled time that the last run was for.
    pub due: Option<DateTime<Utc>>,
    /// When a failed job is retried before its next scheduled time.
    pub retry_at: Option<DateTime<Utc>>,
    /// The campus refused the service account's password: only a person starts the job again.
    pub rejected: bool,
    /// Number of the last run that left nothing out.
    pub settled: Option<i64>,
    /// When a run that left nothing out last read the whole list.
    pub whole_at: Option<DateTime<Utc>>,
    /// How many runs in a row did not end as [`RunOutcome::Done`].
    pub failures: u32,
    /// The last run that ended.
    pub last: Option<LastRun>,
    /// When a run last ended as [`RunOutcome::Done`].
    pub success_at: Option<DateTime<Utc>>,
    /// When an item was last collected for the first time.
    pub new_at: Option<DateTime<Utc>>,
    /// Date of the newest item.
    pub newest_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobDocument {
    #[serde(default)]
    runner: Option<String>,
    #[serde(default)]
    held: bool,
    #[serde(default)]
    fence: i64,
    #[serde(default)]
    unfinished: bool,
    #[serde(default)]
    due: Option<bson::DateTime>,
    #[serde(default)]
    retry_at: Option<bson::DateTime>,
    #[serde(default)]
    rejected: bool,
    #[serde(default)]
    settled: Option<i64>,
    #[serde(default)]
    whole_at: Option<bson::DateTime>,
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    last: Option<LastRun>,
    #[serde(default)]
    success_at: Option<bson::DateTime>,
    #[serde(default)]
    new_at: Option<bson::DateTime>,
    #[serde(default)]
    newest_at: Option<bson::DateTime>,
}

impl From<JobDocument> for Scheduler {
    fn from(document: JobDocument) -> Self {
        let at = |at: Option<bson::DateTime>| at.map(bson::DateTime::to_chrono);
        Self {
            holder: document.runner.filter(|_| document.held),
            unfinished: document.unfinished,
            due: at(document.due),
            retry_at: at(document.retry_at),
            rejected: document.rejected,
            settled: document.settled,
            whole_at: at(document.whole_at),
            failures: document.failures,
            last: document.last,
            success_at: at(document.success_at),
            new_at: at(document.new_at),
            newest_at: at(document.newest_at),
        }
    }
}

/// Why a run is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is due: nobody has run it for this scheduled time, a run did not end, or a retry is due.
    Due,
    /// A person wants it.
    Now,
}

/// A run that was begun.
#[derive(Debug, Clone)]
pub struct Run {
    /// The job.
    pub job: &'static str,
    /// Its number; later ones are larger.
    pub fence: i64,
    /// The job after the claim.
    pub state: Scheduler,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// What is stored for people to read.
    pub last: LastRun,
    /// Every item it saw, back to those of the last settled run, is stored or recorded as failed.
    pub settled: bool,
    /// It read the whole list.
    pub whole: bool,
    /// The campus refused the service account's password.
    pub rejected: bool,
    /// When to try again before the next scheduled time.
    pub retry_at: Option<DateTime<Utc>>,
    /// Date of the newest item.
    pub newest_at: Option<DateTime<Utc>>,
}

fn date(at: DateTime<Utc>) -> bson::DateTime {
    bson::DateTime::from_chrono(at)
}

/// A time as BSON has it.
mod moment {
    use super::{DateTime, Deserialize, Serialize, Utc, bson, date};

    pub(super) fn serialize<S: serde::Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        date(*at).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        let at = bson::DateTime::deserialize(deserializer)?;
        Ok(at.to_chrono())
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Schedulers {
    pub(super) fn new(db: &Database) -> Self {
        Self(collection(db, "schedulers", Reads::Primary))
    }

    /// The job of this name.
    ///
    /// # Errors
    /// [`StoreError`] when the primary does not answer.
    pub async fn find(&self, job: &str) -> Result<Scheduler, StoreError> {
        let fields = doc! {
            "runner": 1, "fence": 1, "unfinished": 1, "due": 1, "retryAt": 1, "rejected": 1, "settled": 1,
            "wholeAt": 1, "failures": 1, "last": 1, "successAt": 1, "newAt": 1, "newestAt": 1,
            "held": { "$gt": ["$leaseUntil", "$$NOW"] },
        };
        let documents = self.0.clone_with_type::<JobDocument>();
        Ok(documents.find_one(doc! { "_id": job }).projection(fields).await?.map(Scheduler::from).unwrap_or_default())
    }

    /// Begins a run of `job` under a lease of `ttl` for `runner`; `None` when somebody else holds the lease or nothing
    /// is due. `due` is the scheduled time of the run; nobody runs the job for that time again.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn claim(
        &self,
        job: &'static str,
        claim: Claim,
        (due, now): (Option<DateTime<Utc>>, DateTime<Utc>),
        (runner, ttl): (&str, Duration),
    ) -> Result<Option<Run>, StoreError> {
        match self.0.insert_one(doc! { "_id": job }).await.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Duplicate(_)) => {}
            Err(error) => return Err(error),
        }
        let never = bson::DateTime::from_millis(0);
        let mut filter = doc! { "_id": job, "$expr": { "$lt": [{ "$ifNull": ["$leaseUntil", never] }, "$$NOW"] } };
        if claim == Claim::Due {
            let mut reasons =
                vec![doc! { "unfinished": true }, doc! { "retryAt": { "$gt": never, "$lte": date(now) } }];
            if let Some(due) = due {
                reasons.extend([doc! { "due": Bson::Null }, doc! { "due": { "$lt": date(due) } }]);
            }
            filter.insert("$or", reasons);
            filter.insert("rejected", doc! { "$ne": true });
        }
        let begin = vec![
            doc! { "$set": {
                "runner": { "$literal": runner },
                "leaseUntil": { "$add": ["$$NOW", millis(ttl)] },
                "fence": { "$add": [{ "$ifNull": ["$fence", 0_i64] }, 1_i64] },
                "unfinished": true,
                "begunAt": "$$NOW",
                "due": { "$max": ["$due", due.map(date)] },
            } },
            doc! { "$unset": ["retryAt", "rejected"] },
        ];
        let documents = self.0.clone_with_type::<JobDocument>();
        let document = documents.find_one_and_update(filter, begin).return_document(ReturnDocument::After).await?;
        Ok(document.map(|document| Run { job, fence: document.fence, state: document.into() }))
    }

    /// Extends the lease of a run to `ttl` from now; `false` when another run has replaced it.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; the lease then ends by itself.
    pub async fn renew(&self, job: &str, fence: i64, ttl: Duration) -> Result<bool, StoreError> {
        let prolong = vec![doc! { "$set": { "leaseUntil": { "$add": ["$$NOW", millis(ttl)] } } }];
        let mine = doc! { "_id": job, "fence": fence, "unfinished": true };
        Ok(self.0.update_one(mine, prolong).await?.matched_count == 1)
    }

    /// Releases the lease and leaves the run unfinished, so that the next spider continues it.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer; the lease then ends by itself.
    pub async fn release(&self, job: &str, fence: i64) -> Result<(), StoreError> {
        self.0.update_one(doc! { "_id": job, "fence": fence }, doc! { "$unset": { "leaseUntil": "" } }).await?;
        Ok(())
    }

    /// Ends a run and releases its lease; `false` when another run has replaced it, and nothing was written.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn end(&self, job: &str, fence: i64, ended: &Ended) -> Result<bool, StoreError> {
        let at = date(ended.last.ended_at);
        let last = bson::serialize_to_document(&ended.last).map_err(mongodb::error::Error::from)?;
        let mut set = doc! { "unfinished": false, "last": last };
        let mut unset = doc! { "leaseUntil": "", "runner": "" };
        let mut update = Document::new();
        if let Some(newest) = ended.newest_at {
            set.insert("newestAt", date(newest));
        }
        if ended.last.counts.new > 0 {
            set.insert("newAt", at);
        }
        if ended.settled {
            set.insert("settled", fence);
            if ended.whole {
                set.insert("wholeAt", at);
            }
        }
        match ended.retry_at {
            Some(retry) => _ = set.insert("retryAt", date(retry)),
            None => _ = unset.insert("retryAt", ""),
        }
        if ended.rejected {
            set.insert("rejected", true);
        }
        if ended.last.outcome == RunOutcome::Done {
            set.insert("successAt", at);
            unset.insert("failures", "");
        } else {
            update.insert("$inc", doc! { "failures": 1 });
        }
        update.insert("$set", set);
        update.insert("$unset", unset);
        let mine = doc! { "_id": job, "fence": fence, "unfinished": true };
        Ok(self.0.update_one(mine, update).await?.matched_count == 1)
    }
}
