//! One run: the load, the faults one after the other, and what is measured of each.

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

/// How many engines the stack has.
pub const ENGINES: usize = 3;

/// Longest until everything is as before once a fault is healed. Restarted members and engines included.
const HEALING: Duration = Duration::from_secs(90);

/// Quiet load between two faults.
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
    /// The client's book.
    pub ledger: Arc<Ledger>,
    /// The proxy.
    pub rotation: Arc<Rotation>,
    /// The engines' breakers.
    pub breakers: Breakers,
}

/// What was measured of one fault.
#[derive(Debug)]
pub struct Case {
    /// Which.
    pub fault: Fault,
    /// When.
    pub struck: Struck,
    /// Its time begins where that of the fault before ended, so that no request is nobody's.
    pub begun: Instant,
    /// End of its time: the next one begins.
    pub end: Instant,
    /// From the fault (or, where writes are impossible meanwhile, from its healing) until each writer's first
    /// acknowledged write that began after it.
    pub resumed: Vec<Duration>,
    /// Whether every writer wrote again.
    pub all_resumed: bool,
    /// How long after the fault an engine was out of rotation; `None`: none was.
    pub out_of_rotation: Option<Duration>,
    /// How long it took until everything was as before, from the end of the fault's own time.
    pub healing: Duration,
    /// Answers with old data while the breakers were open, and how long they took.
    pub stale: Vec<Duration>,
    /// From the campus being well until the first answer that was not old.
    pub campus_recovery: Option<Duration>,
    /// What was wrong besides.
    pub troubles: Vec<String>,
}

impl Case {
    /// Whether this moment belongs to it.
    #[must_use]
    pub fn covers(&self, at: Instant) -> bool {
        at >= self.begun && at < self.end
    }
}

impl Bench {
    /// One engine's container, another one each time as Docker lists the youngest first.
    ///
    /// # Errors
    /// When none runs.
    pub async fn an_engine(&self) -> Result<String, Failure> {
        self.stack.containers("engine").await?.pop().ok_or_else(|| "no engine runs".into())
    }

    /// Tags a new image for the engines: the same program under another id.
    ///
    /// # Errors
    /// When Docker cannot build it.
    pub async fn new_engine_image(&self) -> Result<(), Failure> {
        let image = std::env::var("WEHPU_ENGINE_IMAGE").map_err(|_| "WEHPU_ENGINE_IMAGE is not set")?;
        let build = "printf 'FROM %s\\nLABEL cluster-test.release=%s\\n' \"$1\" \"$2\" | docker build -q -t \"$1\" -";
        run("bash", &["-c", build, "_", &image, &crate::api::unique()]).await.map(drop)
    }

    /// Waits until all members, engines and writers are as they should be.
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

    /// Lets one fault happen and measures it. Its time begins with `begun`, the end of the fault before.
    ///
    /// # Errors
    /// When the fault cannot be brought about.
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

    /// Waits until each writer had a write acknowledged that began after `since`.
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

    /// How long after `since` a request of this kind brought something fresh again.
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

/// The time from `from` to each writer's first acknowledged write that began at `writing` or later.
fn resumed(journal: &Journal, from: Instant, writing: Instant) -> Vec<Duration> {
    let records = journal.between(writing, Instant::now());
    let first = |writer| records.iter().filter(|r| r.kind == Kind::Set(writer) && r.is_ok()).map(|r| r.end).min();
    (0..WRITERS).filter_map(first).map(|end| end - from).collect()
}

/// How long the old data took that was served while all breakers were open.
fn stale_answers(journal: &Journal, table: &'static str, opened: Option<Instant>, healed: Instant) -> Vec<Duration> {
    let Some(opened) = opened else { return Vec::new() };
    let answers = journal.between(opened, healed);
    answers.iter().filter(|r| r.kind == Kind::Read(table) && r.is_ok()).map(Record::took).collect()
}

/// Engines that Docker had to start again although nobody killed them.
fn crashed(
    before: &std::collections::BTreeMap<String, u32>,
    after: &std::collections::BTreeMap<String, u32>,
) -> Option<String> {
    let again = after.iter().filter(|(id, count)| before.get(*id).is_some_and(|known| known < *count)).count();
    (again > 0).then(|| format!("{again} engines ended by themselves"))
}

/// Removes the images that rollouts left behind; those in use are refused.
pub async fn tidy() {
    let old = ["images", "-q", "--filter", "label=cluster-test.release", "--filter", "dangling=true"];
    for id in docker(&old).await.unwrap_or_default().lines() {
        let _ = docker(&["rmi", id]).await;
    }
}
