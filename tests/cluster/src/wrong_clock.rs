//! The fault «an engine's clock is wrong»: one engine is replaced by one whose clock is ten minutes ahead or behind
//! (`WEHPU_CLOCK_OFFSET`). While it serves with the others, logins and logouts are tried at each engine directly, and must
//! count at all of them: a token names the time when it was issued, and a logout the time until which tokens are invalid.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    Failure,
    api::{Account, Api, unique},
    bench::{Bench, ENGINES},
    fault::Struck,
    stack::{docker, run},
};

/// How long an engine may take until it is in the proxy's rotation.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long an engine may take to end, in seconds: longer than its drain (23 s, `docker-compose.yml`).
const DRAIN: &str = "30";

/// How long the engine serves with a wrong clock, at least.
const SERVES: Duration = Duration::from_secs(20);

/// Promise: a logout is seen by all engines within this time.
const SEEN: Duration = Duration::from_secs(1);

/// Replaces an engine by one whose clock is wrong by `offset`, tries logins and logouts, and replaces it again.
///
/// # Errors
/// When an engine cannot be replaced. A login or logout that does not count goes into the ledger.
pub async fn strike(bench: &Bench, offset: &str) -> Result<Struck, Failure> {
    let before = Instant::now();
    let wrong = replace(bench, &bench.an_engine().await?, offset).await?;
    let struck = Struck { before, after: Instant::now(), healed: None };
    let tried = sessions(bench).await;
    sleep(SERVES.saturating_sub(struck.after.elapsed())).await;
    // Whatever was found, the clocks are right afterwards.
    replace(bench, &wrong, "").await?;
    tried?;
    Ok(struck)
}

/// Starts an engine whose clock is off by `offset` (empty: right), waits until it is in rotation, and ends `old`, as
/// `docker/rollout.sh` does. Returns the container of the new one.
async fn replace(bench: &Bench, old: &str, offset: &str) -> Result<String, Failure> {
    let before = bench.stack.containers("engine").await?;
    let (offset, scale) = (format!("WEHPU_CLOCK_OFFSET={offset}"), format!("engine={}", before.len() + 1));
    let compose = [&offset, "docker", "compose", "up", "--detach", "--no-recreate", "--no-build"];
    run("env", &[&compose[..], &["--scale", &scale, "engine"]].concat()).await?;
    let new = bench.stack.containers("engine").await?.into_iter().find(|container| !before.contains(container));
    let new = new.ok_or("compose started no new engine")?;
    let deadline = Instant::now() + PATIENCE;
    while bench.rotation.up().await.unwrap_or(0) <= ENGINES {
        if Instant::now() > deadline {
            docker(&["rm", "--force", &new]).await?;
            return Err("a new engine does not get into rotation".into());
        }
        sleep(Duration::from_millis(300)).await;
    }
    docker(&["stop", "-t", DRAIN, old]).await?;
    docker(&["rm", old]).await?;
    Ok(new)
}

/// Logs in at each engine, out at each engine, and in again at each engine. Notes in the ledger what did not count.
async fn sessions(bench: &Bench) -> Result<(), Failure> {
    let mut engines = Vec::new();
    for container in bench.stack.containers("engine").await? {
        let address = bench.stack.address_of(&container, "backend").await?.ok_or("an engine has no address")?;
        engines.push(bench.api.at(&format!("http://{address}:3000")));
    }
    for first in &engines {
        for second in &engines {
            for third in &engines {
                let at = Instant::now();
                let tried = session(&engines, first, second, third).await;
                bench.ledger.session(at, tried.err());
            }
        }
    }
    Ok(())
}

/// Logs in at `first`, out at `second`, and in again at `third`.
async fn session(engines: &[Api], first: &Api, second: &Api, third: &Api) -> Result<(), String> {
    let name = format!("clock{}", unique());
    let log_in = async |engine: &Api| engine.account(&name).await.map_err(|error| error.to_string());
    let account = log_in(first).await?;
    counts_at_all(engines, &account, "a token").await?;
    let out = second.log_out(&account).await;
    if !out.is_ok() {
        return Err(format!("a logout is answered with {:?} {}", out.status, out.code()));
    }
    for engine in engines {
        let deadline = Instant::now() + SEEN;
        while !is_refused(engine, &account).await {
            if Instant::now() > deadline {
                return Err("a token counts after its logout".to_owned());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
    counts_at_all(engines, &log_in(third).await?, "a token of a login after a logout").await
}

async fn counts_at_all(engines: &[Api], account: &Account, what: &str) -> Result<(), String> {
    for engine in engines {
        let answer = engine.try_token(account).await;
        if !answer.is_ok() {
            return Err(format!("{what} is answered with {:?} {}", answer.status, answer.code()));
        }
    }
    Ok(())
}

async fn is_refused(engine: &Api, account: &Account) -> bool {
    let answer = engine.try_token(account).await;
    answer.is_refusal() && answer.code() == "TOKEN_INVALID"
}
