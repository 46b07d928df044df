//! One run: the load, the faults one after the other, and their measurement.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    Failure,
    api::{Api, Journal, Kind, Record},
    breakers::Breakers,
    campus,
    fault::{Fault, Struck},
    ledger::Ledger,
    load::{Load, WRITERS},
    members::{Members, Role},
    proxy::Rotation,
    sim::Sim,
    stack::{Stack, docker, run},
    verify::{self, Findings},
};

/// Number of engines in the stack.
pub const ENGINES: usize = 3;

/// Longest time until everything is healthy after a fault, including restarted members and engines.
const HEALING: Duration = Duration::from_secs(90);

/// Undisturbed load between two faults.
const SETTLE: Duration = Duration::from_secs(2);

/// Everything a fault needs.
#[derive(Debug)]
pub struct Bench {
    /// The containers.
    pub stack: Stack,
    /// The replica set.
    pub members: Members,
    /// The simulated campus.
    pub sim: Sim,
    /// The service.
    pub api: Api,
    /// The client's ledger.
    pub ledger: Arc<Ledger>,
    /// The proxy.
    pub rotation: Arc<Rotation>,
    /// The engines' breakers.
    pub breakers: Breakers,
}

/// The measurement of one fault.
#[derive(Debug)]
pub struct Case {
    /// The fault.
    pub fault: Fault,
    /// When it was caused.
    pub struck: Struck,
    /// Its time begins when that of the fault before ends, so that every request belongs to one fault.
    pub begun: Instant,
    /// When the load went on undisturbed: everything was healthy, every writer had written, and a pause was over.
    pub settled: Instant,
    /// End of its time, when the next one begins.
    pub end: Instant,
    /// For each writer, the time from the fault (or from its healing, if no write is possible before) until its first
    /// acknowledged write that began afterwards.
    pub resumed: Vec<Duration>,
    /// Whether every writer had such a write.
    pub all_resumed: bool,
    /// How long after the fault an engine left the rotation; `None`: none did.
    pub out_of_rotation: Option<Duration>,
    /// Time from the end of the fault until everything was healthy.
    pub healing: Duration,
    /// Times of the answers with stale data while the breakers were tripped.
    pub stale: Vec<Duration>,
    /// Time from the recovery of the campus until the first answer that was not stale.
    pub campus_recovery: Option<Duration>,
    /// Other problems.
    pub troubles: Vec<String>,
}

impl Case {
    /// Whether this moment belongs to the fault.
    #[must_use]
    pub fn covers(&self, at: Instant) -> bool {
        at >= self.begun && at < self.end
    }
}

impl Bench {
    /// The container of an engine: the oldest, because Docker lists the youngest first.
    ///
    /// # Errors
    /// When none runs.
    pub async fn an_engine(&self) -> Result<String, Failure> {
        self.stack.containers("engine").await?.pop().ok_or_else(|| "no engine runs".into())
    }

    /// Builds a new image for the engines: the same program under another id.
    ///
    /// # Errors
    /// When Docker cannot build it.
    pub async fn new_engine_image(&self) -> Result<(), Failure> {
        let image = std::env::var("WEHPU_ENGINE_IMAGE").map_err(|_| "WEHPU_ENGINE_IMAGE is not set")?;
        let build = "printf 'FROM %s\\nLABEL cluster-test.release=%s\\n' \"$1\" \"$2\" | docker build -q -t \"$1\" -";
        run("bash", &["-c", build, "_", &image, &crate::api::unique()]).await.map(drop)
    }

    /// Waits until all members, engines and writers are healthy.
    ///
    /// # Errors
    /// What is missing after [`HEALING`].
    pub async fn wait_healthy(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + HEALING;
        loop {
            let roles = self.members.roles().await;
            let primaries = roles.iter().filter(|role| **role == Role::Primary).count();
            let away = roles.iter().filter(|role| **role == Role::Away).count();
            let up = self.rotation.up().await.unwrap_or(0);
            if primaries == 1 && away == 0 && up == ENGINES && self.members.are_in_step().await {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("not healthy again: members {roles:?}, {up} engines in rotation").into());
            }
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// Causes one fault and measures it. Its time begins with `begun`, the end of the fault before.
    ///
    /// # Errors
    /// When the fault cannot be caused.
    pub async fn case(&self, fault: Fault, begun: Instant) -> Result<Case, Failure> {
        let restarts = self.stack.restarts("engine").await?;
        let table = match fault {
            Fault::Campus { system, .. } => campus::table(system),
            _ => None,
        };
        let crowd = match fault {
            Fault::Rollout { .. } => Some(Load::crowd(&self.api).await?),
            _ => match table {
                Some(table) => Some(Load::readers(&self.api, &self.ledger, table).await?),
                None => None,
            },
        };
        let opened = table.map(|table| (table, self.breakers.watch()));
        let struck = fault.strike(self).await?;
        let over = Instant::now();
        let mut troubles = Vec::new();
        if let Err(error) = self.wait_healthy().await {
            troubles.push(error.to_string());
        }
        let healing = over.elapsed();
        let from = struck.healed.unwrap_or(struck.before);
        let writing = struck.healed.unwrap_or(struck.after);
        let mut campus_recovery = None;
        if let Fault::Campus { system, .. } = fault {
            campus_recovery = self.campus_recovery(campus::witness(system), from).await;
        }
        let all_resumed = self.wait_for_writers(writing).await;
        if let Some(crowd) = crowd {
            crowd.stop().await;
        }
        sleep(SETTLE).await;
        let settled = Instant::now();
        let resumed = resumed(&self.api.journal, from, writing);
        let mut findings = Findings::default();
        verify::registers(&self.api, &self.ledger, begun, &mut findings).await?;
        for (at, what) in findings.lost {
            self.ledger.lost(at, what);
        }
        if matches!(
            fault,
            Fault::PrimaryKilled | Fault::PrimaryPaused | Fault::TwoMembersDown | Fault::AllMembersRestarted
        ) {
            troubles.extend(crashed(&restarts, &self.stack.restarts("engine").await?));
        }
        let end = Instant::now();
        let stale = opened
            .map_or_else(Vec::new, |(table, opened)| stale_answers(&self.api.journal, table.name, opened.at(), from));
        Ok(Case {
            fault,
            struck,
            begun,
            settled,
            end,
            resumed,
            all_resumed,
            out_of_rotation: self.rotation.out_after(struck.before, ENGINES),
            healing,
            stale,
            campus_recovery,
            troubles,
        })
    }

    /// Waits until each writer has an acknowledged write that began after `since`.
    async fn wait_for_writers(&self, since: Instant) -> bool {
        let deadline = Instant::now() + HEALING;
        while resumed(&self.api.journal, since, since).len() < WRITERS {
            if Instant::now() > deadline {
                return false;
            }
            sleep(Duration::from_millis(200)).await;
        }
        true
    }

    /// Time from `since` until a request of this kind returned fresh data.
    async fn campus_recovery(&self, kind: Kind, since: Instant) -> Option<Duration> {
        let deadline = Instant::now() + HEALING;
        loop {
            let now = Instant::now();
            let answers = self.api.journal.between(since, now);
            let fresh = answers.iter().find(|r| r.kind == kind && r.is_ok() && !r.stale);
            if let Some(fresh) = fresh {
                return Some(fresh.end - since);
            }
            if now > deadline {
                return None;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// For each writer, the time from `from` to its first acknowledged write that began at `writing` or later.
fn resumed(journal: &Journal, from: Instant, writing: Instant) -> Vec<Duration> {
    let records = journal.between(writing, Instant::now());
    let first = |writer| records.iter().filter(|r| r.kind == Kind::Set(writer) && r.is_ok()).map(|r| r.end).min();
    (0..WRITERS).filter_map(first).map(|end| end - from).collect()
}

/// Times of the stale answers while all breakers were tripped.
fn stale_answers(journal: &Journal, table: &'static str, opened: Option<Instant>, healed: Instant) -> Vec<Duration> {
    let Some(opened) = opened else { return Vec::new() };
    let answers = journal.between(opened, healed);
    answers.iter().filter(|r| r.kind == Kind::Read(table) && r.is_ok()).map(Record::took).collect()
}

/// Engines that Docker had to restart although the bench killed none.
fn crashed(
    before: &std::collections::BTreeMap<String, u32>,
    after: &std::collections::BTreeMap<String, u32>,
) -> Option<String> {
    let again = after.iter().filter(|(id, count)| before.get(*id).is_some_and(|known| known < *count)).count();
    (again > 0).then(|| format!("{again} engines ended by themselves"))
}

/// Removes the images of earlier rollouts; Docker refuses to remove those in use.
pub async fn tidy() {
    let old = ["images", "-q", "--filter", "label=cluster-test.release", "--filter", "dangling=true"];
    for id in docker(&old).await.unwrap_or_default().lines() {
        let _ = docker(&["rmi", id]).await;
    }
}
