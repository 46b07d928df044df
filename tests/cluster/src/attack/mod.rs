//! `make attack`: one address attacks the service in every way while ordinary users at another address read. For each
//! attack: their reads succeed in time, no container ends, memory stays within its limits, and soon after the attack
//! everything is normal.

mod containers;
mod users;

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::process::Command;

use crate::{
    Failure,
    api::{Api, IDLE, Record},
    attack::{
        containers::{Memory, Watch},
        users::Users,
    },
    flood::{Attack, Met, NAME},
    judge::Verdict,
    plan::Form,
    report::percentile,
    school::School,
    sim::Sim,
    speed::slowness,
    stack::{Stack, docker},
};

/// Length of an attack in the short and long form, and how long the students stay, in seconds.
const SHORT: u64 = 15;
const LONG: u64 = 40;
const STAY: u64 = 90;

/// Largest factor by which students come and read more slowly: a person waits for the end.
const SLOWEST: f64 = 3.0;

/// Number of slow reads that the line of an attack names.
const SLOWEST_SHOWN: usize = 6;

/// Promise: 99 of 100 reads of ordinary users are answered within this time.
const ANSWERED: Duration = Duration::from_secs(1);

/// Promise: everything is normal within this time after the attack.
const NORMAL: Duration = Duration::from_secs(15);

/// Pause between two attacks: longer than the proxy remembers the connections of an address (10 s), because the next
/// attacker gets the same address.
const SETTLE: Duration = Duration::from_secs(12);

/// Most invented codes of one address that may reach WeChat in an attack: `WEHPU_LIMIT_LOGIN` (300 in ten minutes) and
/// those under way when it is used up, twice, because a window of the limit may end in the middle.
const CODES_THAT_REACH_WECHAT: u64 = 700;

/// Weight of the attacker's container among those that want the processors; the others have 1,024. An attacker has a
/// machine of his own, so that his work takes no time from the service. Here it takes what the service leaves.
const PROCESSOR_SHARES: &str = "64";

/// File for the table in JSON.
const FILE: &str = "target/bench/attack.json";

/// All attacks, in order.
const ALL: [Attack; 12] = [
    Attack::Headers,
    Attack::SmallBodies,
    Attack::Bodies,
    Attack::LargeBodies,
    Attack::Streams,
    Attack::Downloads,
    Attack::Idle,
    Attack::Burst,
    Attack::Uploads,
    Attack::Searches,
    Attack::Students,
    // Last: after it, nobody at the attacker's address can log in for a while.
    Attack::Codes,
];

/// Which attacks.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Length of each attack
    #[arg(value_enum, default_value_t = Form::Short)]
    form: Form,
    /// Only attacks whose name contains one of these texts, separated by commas
    #[arg(long)]
    only: Option<String>,
    /// Factor on all promised times, in addition to the slowness of this machine (measured before and after each
    /// attack); failures count as always
    #[arg(long, default_value_t = 1.0, value_parser = crate::slack)]
    slack: f64,
}

/// The results of one attack.
#[derive(Debug)]
struct Case {
    attack: Attack,
    met: Met,
    reads: Vec<Record>,
    normal_again: Option<Duration>,
    ended: Vec<String>,
    memory: Vec<(String, Memory)>,
    /// Codes that reached WeChat.
    codes: u64,
    /// Factor on all promised times: slowness of the machine times allowed slack.
    slack: f64,
}

/// Everything an attack needs.
struct Ground {
    stack: Stack,
    sim: Sim,
    users: Users,
    proxy: IpAddr,
    certificate: String,
    seconds: u64,
    slack: f64,
}

/// Returns whether every promise held.
///
/// # Errors
/// When an attack cannot be run.
pub async fn run_all(arguments: &Arguments) -> Result<bool, Failure> {
    let wanted = |attack: &Attack| {
        arguments.only.as_ref().is_none_or(|text| text.split(',').any(|part| attack.name().contains(part)))
    };
    let attacks: Vec<Attack> = ALL.into_iter().filter(wanted).collect();
    let variable =
        |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set: start this with make attack"));
    let stack = Stack::from_environment()?;
    let proxy: IpAddr = stack.address("haproxy", "edge").await?.ok_or("the proxy has no address")?.parse()?;
    let certificate = variable("ATTACK_CERTIFICATE")?;
    let client = |keep: bool| {
        let pem = std::fs::read(&certificate)?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_idle_timeout(IDLE)
            .tls_certs_only([reqwest::Certificate::from_pem(&pem)?])
            .resolve(NAME, SocketAddr::new(proxy, 8443));
        Ok::<_, Failure>(if keep { client } else { client.pool_max_idle_per_host(0) }.build()?)
    };
    let door = format!("https://{NAME}:8443");
    let api = Api::new(&door, client(true)?, School::usual());
    let fresh = api.through(client(false)?);
    let port = std::env::var("CLUSTER_SIM_PORT").unwrap_or_else(|_| "18381".to_owned());
    let ground = Ground {
        sim: Sim::new(&format!("http://127.0.0.1:{port}"), client(true)?),
        users: Users::start(&api, &fresh).await?,
        stack,
        proxy,
        certificate,
        seconds: if arguments.form == Form::Short { SHORT } else { LONG },
        slack: arguments.slack,
    };
    let names: Vec<String> = containers::started(&ground.stack).await?.into_keys().collect();
    let watch = Watch::start(&names).await?;
    tokio::time::sleep(SETTLE).await;

    let mut cases = Vec::new();
    for attack in attacks {
        let case = ground.case(attack, &watch).await?;
        println!("{}", line(&case));
        cases.push(case);
    }
    ground.users.stop().await;
    let verdicts: Vec<Verdict> = cases.iter().flat_map(judge).collect();
    print(&cases, &verdicts)?;
    Ok(!cases.is_empty() && verdicts.iter().all(|verdict| verdict.held))
}

impl Ground {
    async fn case(&self, attack: Attack, watch: &Watch) -> Result<Case, Failure> {
        let before = containers::started(&self.stack).await?;
        let codes = self.sim.logins().await?;
        let slower = slowness().await;
        let slack = self.slack * slower;
        watch.begin_anew();
        let begun = Instant::now();
        let met = self.flood(attack, slack).await?;
        let over = Instant::now();
        let normal_again = self.users.normal_again(over, NORMAL.mul_f64(slack), slack).await;
        let reads = self.users.reads(begun, Instant::now());
        let ended = containers::ended(&before, &containers::started(&self.stack).await?);
        let memory = watch.most().into_iter().collect();
        let codes = self.sim.logins().await?.saturating_sub(codes);
        tokio::time::sleep(SETTLE).await;
        let slack = self.slack * slowness().await.max(slower);
        Ok(Case { attack, met, reads, normal_again, ended, memory, codes, slack })
    }

    /// Runs the attacker to its end, in a container on the proxy's network.
    async fn flood(&self, attack: Attack, slack: f64) -> Result<Met, Failure> {
        let image =
            std::env::var("ATTACK_IMAGE").map_err(|_| "ATTACK_IMAGE is not set: start this with make attack")?;
        let program = std::env::current_exe()?;
        let mount = |from: &str, to: &str| format!("{from}:{to}:ro");
        // A slower machine carries as many students if they come and read more slowly. They come during half of the
        // time.
        let slack = slack.min(SLOWEST);
        let seconds = if attack == Attack::Students {
            Duration::from_secs(STAY).mul_f64(f64::midpoint(1.0, slack)).as_secs()
        } else {
            self.seconds
        };
        let name = format!("{}-attacker", self.stack.network("edge"));
        let _ = docker(&["rm", "--force", &name]).await;
        let output = Command::new("docker")
            .args(["run", "--rm", "--name", &name, "--network", &self.stack.network("edge")])
            .args(["--ulimit", "nofile=16384:16384", "--cpu-shares", PROCESSOR_SHARES, "--entrypoint", "/cluster-test"])
            .args(["--volume", &mount(&program.to_string_lossy(), "/cluster-test")])
            .args(["--volume", &mount(&absolute(&self.certificate)?, "/certificate.pem"), &image])
            .args(["flood", attack.name(), "--proxy", &self.proxy.to_string(), "--certificate", "/certificate.pem"])
            .args(["--file", &self.users.file, "--seconds", &seconds.to_string()])
            .args(["--slack", &slack.to_string()])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        if !output.status.success() {
            return Err(format!("the attacker failed: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

fn absolute(path: &str) -> Result<String, Failure> {
    Ok(Path::new(path).canonicalize()?.to_string_lossy().into_owned())
}

/// One line about a finished attack.
fn line(case: &Case) -> String {
    let failed: Vec<String> = case.reads.iter().filter(|read| !read.is_ok()).map(failure).collect();
    let what = if failed.is_empty() { String::new() } else { format!(" ({})", failed.join("; ")) };
    let memory: Vec<String> =
        case.memory.iter().map(|(name, memory)| format!("{name} {}/{}", mib(memory.most), mib(memory.limit))).collect();
    format!(
        "  {}: {} of {} reads failed{what}, p99 {} ms, slowest {}, normal after {}; attacker: {} opened, {} refused, answers {:?}; {} codes at WeChat; MiB: {}{}",
        case.attack.name(),
        failed.len(),
        case.reads.len(),
        p99(case).as_millis(),
        slowest(case),
        case.normal_again.map_or("–".to_owned(), |d| format!("{:.1} s", d.as_secs_f64())),
        case.met.opened,
        case.met.refused,
        case.met.answers,
        case.codes,
        memory.join(", "),
        if case.ended.is_empty() { String::new() } else { format!("; ENDED: {}", case.ended.join(", ")) },
    )
}

/// A failed read in a few words.
fn failure(read: &Record) -> String {
    let status = read.status.map_or("no status".to_owned(), |status| status.to_string());
    format!("{} after {} ms: {status}, {}", read.kind.name(), read.took().as_millis(), read.code)
}

/// The slowest reads: how many milliseconds each took, when it began, in seconds since the first read, and its request id.
fn slowest(case: &Case) -> String {
    let mut reads: Vec<&Record> = case.reads.iter().collect();
    let Some(first) = reads.iter().map(|read| read.start).min() else { return "none".to_owned() };
    reads.sort_by_key(|read| std::cmp::Reverse(read.took()));
    let one = |read: &&Record| {
        let at = (read.start - first).as_secs_f64();
        format!("{} {} at {at:.1} s ({})", read.kind.name(), read.took().as_millis(), read.request_id)
    };
    reads.iter().take(SLOWEST_SHOWN).map(one).collect::<Vec<_>>().join(", ")
}

fn mib(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

fn p99(case: &Case) -> Duration {
    percentile(case.reads.iter().map(Record::took).collect(), 99).unwrap_or_default()
}

/// The container with the highest share of its memory limit.
fn fullest(case: &Case) -> Option<&(String, Memory)> {
    case.memory.iter().max_by_key(|(_, memory)| memory.most * 1000 / memory.limit.max(1))
}

/// The promises, for one attack.
fn judge(case: &Case) -> Vec<Verdict> {
    let verdict = |promise: &str, held: bool, found: String| Verdict {
        promise: format!("{}: {promise}", case.attack.name()),
        found,
        held,
    };
    let failed = case.reads.iter().filter(|read| !read.is_ok()).count();
    let p99 = p99(case);
    let full = fullest(case);
    let mut verdicts = vec![
        verdict(
            "no read of an ordinary user fails",
            failed == 0 && !case.reads.is_empty(),
            format!("{failed} of {} failed", case.reads.len()),
        ),
        verdict(
            "99 of 100 reads within a second, times what the machine is slower",
            p99 <= ANSWERED.mul_f64(case.slack),
            format!("p99 {} ms, {:.1} times", p99.as_millis(), case.slack),
        ),
        verdict(
            "no container ends",
            case.ended.is_empty(),
            if case.ended.is_empty() { "none did".to_owned() } else { case.ended.join(", ") },
        ),
        verdict(
            "memory stays within its limits",
            full.is_some_and(|(_, memory)| memory.most < memory.limit),
            full.map_or("not measured".to_owned(), |(name, memory)| {
                format!("fullest: {name} {} of {} MiB", mib(memory.most), mib(memory.limit))
            }),
        ),
        verdict(
            "normal again within 15 s",
            case.normal_again.is_some(),
            case.normal_again.map_or("not".to_owned(), |d| format!("{:.1} s", d.as_secs_f64())),
        ),
        verdict(
            "the attack took place",
            case.met.opened > 0,
            format!("{} connections, {} refused", case.met.opened, case.met.refused),
        ),
    ];
    match case.attack {
        Attack::Codes => verdicts.push(verdict(
            "few made-up codes reach WeChat",
            case.codes <= CODES_THAT_REACH_WECHAT,
            format!("{} of {}", case.codes, case.met.answers.values().sum::<usize>()),
        )),
        Attack::Students => {
            let well: usize = case.met.answers.iter().filter(|(status, _)| **status == 200).map(|(_, n)| n).sum();
            let all: usize = case.met.answers.values().sum();
            verdicts.push(verdict(
                "none of 3,000 students behind one address is refused",
                case.met.refused == 0 && well == all && case.met.opened >= 3000,
                format!(
                    "{} refused, {well} of {all} requests answered, {} connections",
                    case.met.refused, case.met.opened
                ),
            ));
        }
        _ => {}
    }
    verdicts
}

/// Prints the table and the verdicts, and writes both to the file.
fn print(cases: &[Case], verdicts: &[Verdict]) -> Result<(), Failure> {
    println!("\n| attack | connections | refused | reads failed | p99 | allowed | normal again | fullest container |");
    println!("|---|---|---|---|---|---|---|---|");
    for case in cases {
        println!(
            "| {} | {} | {} | {} of {} | {} ms | {} ms | {} | {} |",
            case.attack.name(),
            case.met.opened,
            case.met.refused,
            case.reads.iter().filter(|read| !read.is_ok()).count(),
            case.reads.len(),
            p99(case).as_millis(),
            ANSWERED.mul_f64(case.slack).as_millis(),
            case.normal_again.map_or("–".to_owned(), |d| format!("{:.1} s", d.as_secs_f64())),
            fullest(case).map_or("–".to_owned(), |(name, memory)| format!(
                "{name} {} of {} MiB",
                mib(memory.most),
                mib(memory.limit)
            )),
        );
    }
    let broken: Vec<&Verdict> = verdicts.iter().filter(|verdict| !verdict.held).collect();
    println!("\n{} of {} promises held", verdicts.len() - broken.len(), verdicts.len());
    for verdict in broken {
        println!("BROKEN  {}: {}", verdict.promise, verdict.found);
    }
    if let Some(folder) = Path::new(FILE).parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(FILE, serde_json::to_string_pretty(&json!({ "promises": verdicts }))?)?;
    Ok(())
}
