//! The faults: how each is caused, and how it is healed.

use std::time::{Duration, Instant};

use tokio::{task::JoinSet, time::sleep};

use crate::{
    Failure,
    api::{Account, Answer, unique},
    bench::Bench,
    campus, detour,
    members::Role,
    stack::{MEMBERS, docker, run},
    wrong_clock,
};

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The primary is killed (`kill -9`) and started again later.
    PrimaryKilled,
    /// The primary hangs (SIGSTOP) with all its connections open.
    PrimaryPaused,
    /// The primary loses its network: nothing is refused, nothing answers.
    PrimaryCut,
    /// The primary steps down.
    PrimarySteppedDown,
    /// Two of three members are killed.
    TwoMembersDown,
    /// Both secondaries hang: for a while there is a primary whose writes reach no majority.
    SecondariesPaused,
    /// A secondary is reached over a slow and lossy line only.
    SlowWay,
    /// All members are killed and started again.
    AllMembersRestarted,
    /// The primary's disk is full.
    DiskFull,
    /// An engine is killed while it receives files; Docker starts it again.
    EngineKilled,
    /// An engine is killed and stays away for a while.
    EngineGone,
    /// An engine hangs.
    EngineHung,
    /// An engine gets less memory than it needs until the kernel kills it, then enough again.
    EngineOutOfMemory,
    /// An engine's clock is wrong.
    WrongClock {
        /// Whether it is ahead; else it is behind.
        ahead: bool,
    },
    /// `make rollout`.
    Rollout {
        /// Whether the engines get a new image.
        new_image: bool,
    },
    /// The proxy reloads its configuration.
    ProxyReloaded,
    /// The proxy is killed (`kill -9`); Docker starts it again.
    ProxyKilled,
    /// Every container is killed at the same moment; Docker starts each again.
    PowerCut,
    /// An outside system misbehaves.
    Campus {
        /// The system.
        system: &'static str,
        /// The mode, by the simulator's name.
        mode: &'static str,
    },
    /// All containers are removed as by `docker compose down`, then `up`; volumes are kept.
    DownAndUp,
}

/// Services that stay when all others go: the helper that holds the third member's disk in memory (its data is part of the
/// majority of acknowledged writes), and the simulated campus, which would forget what it received.
const KEPT: [&str; 2] = ["disk", "campus-sim"];

/// How long a primary stays away: longer than an election, and than any time-out that would hide one.
const AWAY: Duration = Duration::from_secs(10);

/// How long two members stay away: long enough for a write to end.
const TWO_AWAY: Duration = Duration::from_secs(25);

/// Memory limit of an engine in compose, and a limit below the needs of any engine, in KiB.
const ENGINE_MEMORY: u32 = 128 * 1024;
const LEAST_MEMORY: u32 = 8 * 1024;

/// How long the disk stays full.
const DISK_ROUND: Duration = Duration::from_secs(20);

impl Fault {
    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::PrimaryKilled => "primary killed".to_owned(),
            Self::PrimaryPaused => "primary paused".to_owned(),
            Self::PrimaryCut => "primary cut off".to_owned(),
            Self::PrimarySteppedDown => "primary stepped down".to_owned(),
            Self::TwoMembersDown => "two members down".to_owned(),
            Self::SecondariesPaused => "both secondaries paused".to_owned(),
            Self::SlowWay => "slow way to a secondary".to_owned(),
            Self::AllMembersRestarted => "all members restarted".to_owned(),
            Self::DiskFull => "primary's disk full".to_owned(),
            Self::EngineKilled => "engine killed".to_owned(),
            Self::EngineGone => "engine gone".to_owned(),
            Self::EngineHung => "engine hung".to_owned(),
            Self::EngineOutOfMemory => "engine out of memory".to_owned(),
            Self::WrongClock { ahead: true } => "engine's clock 10 minutes ahead".to_owned(),
            Self::WrongClock { ahead: false } => "engine's clock 10 minutes behind".to_owned(),
            Self::Rollout { new_image: true } => "rollout, new image".to_owned(),
            Self::Rollout { new_image: false } => "rollout, same image".to_owned(),
            Self::ProxyReloaded => "proxy reloaded".to_owned(),
            Self::ProxyKilled => "proxy killed".to_owned(),
            Self::PowerCut => "power cut".to_owned(),
            Self::Campus { system, mode } => format!("{system}: {mode}"),
            Self::DownAndUp => "compose down, up".to_owned(),
        }
    }

    /// Whether it takes away the primary and leaves a majority.
    #[must_use]
    pub fn is_of_primary(self) -> bool {
        matches!(self, Self::PrimaryKilled | Self::PrimaryPaused | Self::PrimaryCut | Self::PrimarySteppedDown)
    }

    /// Whether an engine may find no primary because of it, and then reads from a secondary.
    #[must_use]
    pub fn may_take_primary(self) -> bool {
        let others = [
            Self::TwoMembersDown,
            Self::SecondariesPaused,
            Self::AllMembersRestarted,
            Self::DiskFull,
            Self::PowerCut,
            Self::DownAndUp,
        ];
        self.is_of_primary() || others.contains(&self)
    }

    /// Whether an engine dies in the middle of its work.
    #[must_use]
    pub fn kills_engines(self) -> bool {
        matches!(self, Self::EngineKilled | Self::EngineGone | Self::EngineOutOfMemory)
    }

    /// Causes the fault, waits, and heals it. Returns when it was caused: the times before and after the command.
    ///
    /// # Errors
    /// When the fault cannot be caused or healed.
    pub async fn strike(self, bench: &Bench) -> Result<Struck, Failure> {
        let primary = bench.members.primary().await?;
        match self {
            Self::PrimaryKilled => {
                let container = bench.stack.single(primary);
                let struck = Struck::by(docker(&["kill", &container])).await?;
                sleep(AWAY).await;
                docker(&["start", &container]).await?;
                Ok(struck)
            }
            Self::PrimaryPaused => pause(bench, &[bench.stack.single(primary)], AWAY).await,
            Self::PrimaryCut => {
                let struck = Struck::by(bench.stack.cut(primary)).await?;
                sleep(AWAY).await;
                bench.stack.plug(primary).await?;
                Ok(struck)
            }
            Self::PrimarySteppedDown => {
                let struck = Struck::by(bench.members.step_down(primary)).await?;
                sleep(AWAY / 2).await;
                Ok(struck)
            }
            Self::TwoMembersDown => {
                let other = MEMBERS.into_iter().find(|member| *member != primary).unwrap_or(primary);
                let two = [bench.stack.single(primary), bench.stack.single(other)];
                let struck = Struck::by(docker(&["kill", &two[0], &two[1]])).await?;
                sleep(TWO_AWAY).await;
                let healed = Instant::now();
                docker(&["start", &two[0], &two[1]]).await?;
                Ok(Struck { healed: Some(healed), ..struck })
            }
            Self::SecondariesPaused => {
                let two = MEMBERS.into_iter().filter(|member| *member != primary);
                let two: Vec<String> = two.map(|member| bench.stack.single(member)).collect();
                let struck = pause(bench, &two, TWO_AWAY).await?;
                Ok(Struck { healed: Some(Instant::now()), ..struck })
            }
            Self::SlowWay => {
                let secondary = MEMBERS.into_iter().find(|member| *member != primary).unwrap_or(primary);
                detour::slow_way(bench, secondary).await
            }
            Self::AllMembersRestarted => {
                let all = MEMBERS.map(|member| bench.stack.single(member));
                let struck = Struck::by(docker(&["kill", &all[0], &all[1], &all[2]])).await?;
                sleep(AWAY / 2).await;
                let healed = Instant::now();
                docker(&["start", &all[0], &all[1], &all[2]]).await?;
                Ok(Struck { healed: Some(healed), ..struck })
            }
            Self::DiskFull => fill_disk(bench).await,
            Self::EngineKilled => {
                let (engine, account) = (bench.an_engine().await?, uploader(bench).await?);
                let uploads = uploads(bench, &account, 30);
                let struck = Struck::by(bench.stack.signal(&engine, "KILL")).await?;
                uploads.join_all().await;
                sleep(AWAY).await;
                Ok(struck)
            }
            Self::EngineGone => {
                let engine = bench.an_engine().await?;
                let struck = Struck::by(docker(&["kill", &engine])).await?;
                sleep(AWAY).await;
                docker(&["start", &engine]).await?;
                Ok(struck)
            }
            Self::EngineHung => pause(bench, &[bench.an_engine().await?], AWAY).await,
            Self::EngineOutOfMemory => starve(bench).await,
            Self::WrongClock { ahead } => wrong_clock::strike(bench, if ahead { "10m" } else { "-10m" }).await,
            Self::Rollout { new_image } => {
                if new_image {
                    bench.new_engine_image().await?;
                }
                let struck = Struck { before: Instant::now(), after: Instant::now(), healed: None };
                run("docker/rollout.sh", &[]).await?;
                Ok(struck)
            }
            Self::ProxyReloaded => {
                let proxy = bench.stack.single("haproxy");
                let reload = ["exec", &proxy, "bash", "/wehpu/haproxy/reload.sh"];
                let struck = Struck::by(docker(&reload)).await?;
                sleep(AWAY / 2).await;
                Ok(struck)
            }
            Self::ProxyKilled => {
                let struck = Struck::by(bench.stack.signal(&bench.stack.single("haproxy"), "KILL")).await?;
                sleep(AWAY / 2).await;
                Ok(struck)
            }
            Self::PowerCut => cut_power(bench).await,
            Self::Campus { system, mode } => {
                let struck = Struck::by(bench.sim.misbehave(system, mode)).await?;
                sleep(campus::lasts(mode)).await;
                let healed = Instant::now();
                bench.sim.behave().await?;
                Ok(Struck { healed: Some(healed), ..struck })
            }
            Self::DownAndUp => down_and_up().await,
        }
    }
}

/// When a fault was caused.
#[derive(Debug, Clone, Copy)]
pub struct Struck {
    /// Before the command.
    pub before: Instant,
    /// After the command.
    pub after: Instant,
    /// When it was healed, if not at the end of its time.
    pub healed: Option<Instant>,
}

impl Struck {
    /// Caused by this command.
    ///
    /// # Errors
    /// The command's.
    pub async fn by<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<Self, Failure> {
        let before = Instant::now();
        command.await?;
        Ok(Self { before, after: Instant::now(), healed: None })
    }
}

/// Kills all containers but [`KEPT`] at the same moment.
async fn cut_power(bench: &Bench) -> Result<Struck, Failure> {
    let containers = bench.stack.all_but(&KEPT).await?;
    let struck = Struck::by(bench.stack.signal_all(&containers, "KILL")).await?;
    Ok(Struck { healed: Some(struck.after), ..struck })
}

/// Removes all containers but [`KEPT`], as `docker compose down` does, and makes them again.
async fn down_and_up() -> Result<Struck, Failure> {
    let services = run("docker", &["compose", "config", "--services"]).await?;
    let mut down = vec!["compose", "rm", "--stop", "--force"];
    down.extend(services.lines().filter(|service| !KEPT.contains(service)));
    let struck = Struck::by(run("docker", &down)).await?;
    let healed = Instant::now();
    run("docker", &["compose", "up", "--detach", "--wait"]).await?;
    Ok(Struck { healed: Some(healed), ..struck })
}

async fn pause(bench: &Bench, containers: &[String], time: Duration) -> Result<Struck, Failure> {
    let struck = Struck::by(bench.stack.signal_all(containers, "STOP")).await?;
    sleep(time).await;
    bench.stack.signal_all(containers, "CONT").await?;
    Ok(struck)
}

/// An account for [`uploads`].
async fn uploader(bench: &Bench) -> Result<Account, Failure> {
    Ok(bench.api.account(&format!("hungry{}", unique())).await?)
}

/// Uploads `count` files of one megabyte at once.
fn uploads(bench: &Bench, account: &Account, count: usize) -> JoinSet<Answer> {
    let content = [crate::load::PNG, &vec![b'.'; 1_000_000]].concat();
    let upload = |_| {
        let (api, account, content) = (bench.api.clone(), account.clone(), content.clone());
        async move { api.upload(&account, &content).await }
    };
    (0..count).map(upload).collect()
}

/// Gives an engine the smallest memory limit that the kernel accepts, and uploads that need more, so that the kernel
/// kills it. Then restores the limit, with which Docker starts it again.
async fn starve(bench: &Bench) -> Result<Struck, Failure> {
    let engine = bench.an_engine().await?;
    let started = async || docker(&["inspect", "--format", "{{.State.StartedAt}}", &engine]).await;
    let limit = async |kib: u32| {
        let limit = format!("{kib}k");
        docker(&["update", "--memory", &limit, "--memory-swap", &limit, &engine]).await
    };
    let before = started().await?;
    let account = uploader(bench).await?;
    // A kernel may refuse a limit below the memory in use.
    let mut kib = LEAST_MEMORY;
    while limit(kib).await.is_err() {
        kib += 128;
        if kib > ENGINE_MEMORY {
            return Err("no memory limit is accepted".into());
        }
    }
    let struck = Struck { before: Instant::now(), after: Instant::now(), healed: None };
    let deadline = Instant::now() + AWAY;
    while started().await? == before && Instant::now() < deadline {
        uploads(bench, &account, 60).join_all().await;
    }
    limit(ENGINE_MEMORY).await?;
    sleep(AWAY / 2).await;
    if started().await? == before {
        return Err("the kernel did not kill the engine".into());
    }
    Ok(struck)
}

/// Makes the member with the limited disk primary, fills the disk, and empties it after a while. A member that cannot
/// write ends itself; Docker restarts it until it can.
async fn fill_disk(bench: &Bench) -> Result<Struck, Failure> {
    const FULL: &str = "mongo3";
    bench.members.make_primary(FULL).await?;
    let disk = bench.stack.single("disk");
    let fill = "head -c 2G /dev/zero >/data/db/full 2>/dev/null; true";
    let struck = Struck::by(docker(&["exec", &disk, "bash", "-c", fill])).await?;
    sleep(DISK_ROUND).await;
    docker(&["exec", &disk, "bash", "-c", "rm /data/db/full"]).await?;
    if bench.members.role(FULL).await == Role::Away {
        // Docker's restarts become rarer; an operator would not wait for the next one.
        docker(&["restart", &bench.stack.single(FULL)]).await?;
    }
    Ok(struck)
}
