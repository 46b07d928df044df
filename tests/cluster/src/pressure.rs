//! Overload: more requests than the service can carry. It must still answer what it can, and refuse the rest at once
//! with `retry-after`. The engines get little processor time, so that this machine can send three times what they can
//! carry.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use crate::{
    Failure,
    api::{Kind, Record, unique},
    bench::Bench,
    report::percentile,
    stack::docker,
};

/// Processor share of each engine during the measurement, in thousandths.
const SHARE: u32 = 30;

/// Requests at once that measure the capacity: enough to keep slow engines busy, few enough that none is refused.
const CROWD: usize = 300;

/// Length of each of the two measurements.
const TIME: Duration = Duration::from_secs(10);

/// Offered load, as a multiple of the capacity.
const FACTOR: f64 = 3.0;

/// Pause between two groups of requests.
const TICK: Duration = Duration::from_millis(10);

/// Most requests that the bench keeps open.
const MOST_OPEN: usize = 20_000;

/// The measured values.
#[derive(Debug, Serialize)]
pub struct Pressure {
    /// Requests answered per second without overload.
    pub capacity: f64,
    /// Requests offered per second.
    pub offered: f64,
    /// Of these answered, per second.
    pub answered: f64,
    /// Refused with 503 and `retry-after`.
    pub refused: usize,
    /// Neither answered nor refused.
    pub failed: usize,
    /// The error of the first failed request.
    pub failure: String,
    /// 99th percentile of the time of an answer, in milliseconds.
    pub p99_ms: u128,
}

/// Measures capacity and overload.
///
/// # Errors
/// When the engines cannot be slowed down.
pub async fn measure(bench: &Bench) -> Result<Pressure, Failure> {
    let engines = bench.stack.containers("engine").await?;
    let share = (SHARE * 100).to_string();
    let account = Arc::new(bench.api.account(&format!("crowd{}", unique())).await?);
    for engine in &engines {
        docker(&["update", "--cpu-period", "100000", "--cpu-quota", &share, engine]).await?;
    }
    sleep(Duration::from_secs(2)).await;

    let begun = Instant::now();
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let (api, account) = (bench.api.clone(), Arc::clone(&account));
        crowd.spawn(async move {
            while begun.elapsed() < TIME {
                api.get(Kind::Read("crowd"), "/api/user", Some(&account)).await;
            }
        });
    }
    while crowd.join_next().await.is_some() {}
    let capacity = rate(&of_crowd(bench, begun), begun.elapsed());

    let begun = Instant::now();
    let open = Arc::new(Semaphore::new(MOST_OPEN));
    let (mut sent, mut ticks) = (0.0, tokio::time::interval(TICK));
    while begun.elapsed() < TIME {
        ticks.tick().await;
        while sent < begun.elapsed().as_secs_f64() * capacity * FACTOR {
            sent += 1.0;
            let permit = Arc::clone(&open).acquire_owned().await;
            let (api, account) = (bench.api.clone(), Arc::clone(&account));
            tokio::spawn(async move {
                api.get(Kind::Read("crowd"), "/api/user", Some(&account)).await;
                drop(permit);
            });
        }
    }
    let offered = sent / begun.elapsed().as_secs_f64();
    let all = u32::try_from(MOST_OPEN)?;
    let _ = open.acquire_many(all).await?;
    let span = begun.elapsed();
    for engine in &engines {
        docker(&["update", "--cpu-quota", "-1", engine]).await?;
    }
    let records = of_crowd(bench, begun);
    let took: Vec<Duration> = records.iter().filter(|r| r.is_ok()).map(Record::took).collect();
    let is_refusal = |r: &&Record| r.status == Some(503) && r.retry_after;
    let failed: Vec<&Record> = records.iter().filter(|r| !r.is_ok() && !is_refusal(r)).collect();
    Ok(Pressure {
        capacity,
        offered,
        answered: rate(&records, span),
        refused: records.iter().filter(is_refusal).count(),
        failed: failed.len(),
        failure: failed.first().map(|r| format!("{:?} {}", r.status, r.code)).unwrap_or_default(),
        p99_ms: percentile(took, 99).unwrap_or_default().as_millis(),
    })
}

fn of_crowd(bench: &Bench, since: Instant) -> Vec<Record> {
    let records = bench.api.journal.between(since, Instant::now());
    records.into_iter().filter(|r| r.kind == Kind::Read("crowd")).collect()
}

#[expect(clippy::cast_precision_loss, reason = "some thousand requests")]
fn rate(records: &[Record], span: Duration) -> f64 {
    records.iter().filter(|r| r.is_ok()).count() as f64 / span.as_secs_f64()
}
