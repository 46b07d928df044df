//! The availability bench, behind `make cluster-test`: a constant mixed load on the whole stack of containers, all
//! faults one after the other, and a judge. Exit code 0 only if every promise of the table "Survival" holds.
//! `docker/cluster-test.sh` makes the stack and starts this.

mod api;
mod attack;
mod bench;
mod breakers;
mod campus;
mod chance;
mod detour;
mod fault;
mod flood;
mod history;
mod judge;
mod ledger;
mod linearizable;
mod load;
mod members;
mod plan;
mod pressure;
mod proxy;
mod relay;
mod report;
mod school;
mod seed;
mod sim;
mod speed;
mod stack;
mod verify;
mod wrong_clock;

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    api::Api, bench::Bench, breakers::Breakers, ledger::Ledger, load::Load, members::Members, proxy::Rotation,
    school::School, sim::Sim, stack::Stack,
};

/// Why the bench itself failed.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Load, faults and a judge for the stack in the environment.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Command {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    faults: Arguments,
}

#[derive(Debug, clap::Subcommand)]
enum Other {
    /// One address attacks the service while ordinary users read
    Attack(attack::Arguments),
    /// The attacker itself, in a container
    #[command(hide = true)]
    Flood(flood::Arguments),
    /// A slow and lossy line to a member, in a container
    #[command(hide = true)]
    Relay(relay::Arguments),
    /// Articles to read, for this bench and others
    #[command(hide = true)]
    Seed(seed::Arguments),
}

/// Which faults, and how often.
#[derive(Debug, clap::Args)]
struct Arguments {
    /// Which faults
    #[arg(value_enum, default_value_t = plan::Form::Short)]
    form: plan::Form,
    /// Only faults whose name contains one of these texts, separated by commas; three times the load is "overload"
    #[arg(long)]
    only: Option<String>,
    /// How often each of the four faults of a primary happens in the long form
    #[arg(long, default_value_t = 13)]
    rounds: usize,
    /// Factor on all promised times, for a machine with other work; lost, doubled and refused requests count as always
    #[arg(long, default_value_t = 1.0, value_parser = slack)]
    slack: f64,
}

fn slack(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|slack| (1.0..=10.0).contains(slack)).ok_or_else(|| "must be 1 to 10".to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::parse();
    let work = async {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return Err("signals cannot be received".into());
        };
        tokio::select! {
            done = async {
                match command.other {
                    None => run(&command.faults).await,
                    Some(Other::Attack(arguments)) => attack::run_all(&arguments).await,
                    Some(Other::Flood(arguments)) => flood::run(arguments).await.map(|()| true),
                    Some(Other::Relay(arguments)) => relay::run(arguments).await.map(|()| true),
                    Some(Other::Seed(arguments)) => seed::run(&arguments).await.map(|()| true),
                }
            } => done,
            _ = interrupt.recv() => Err("interrupted".into()),
            _ = terminate.recv() => Err("terminated".into()),
        }
    };
    match work.await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: the bench could not finish: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether every promise held.
async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let only = arguments.only.as_deref();
    let school = School::from_environment()?;
    let (faults, overload) = (plan::faults(school, arguments.form, arguments.rounds, only), plan::wants_pressure(only));
    if faults.is_empty() && !overload {
        let form = arguments.form.name();
        return Err(
            format!("no fault of the {form} form is called anything like «{}»", only.unwrap_or_default()).into()
        );
    }
    let port = |variable: &str, default: &str| std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    let http = reqwest::Client::builder()
        .no_proxy()
        .pool_idle_timeout(api::IDLE)
        .connect_timeout(Duration::from_secs(5))
        .build()?;
    let stack = Stack::from_environment()?;
    let door = format!("http://{}:{}", stack.gateway("edge").await?, port("CLUSTER_PORT", "18380"));
    let rotation = format!("http://127.0.0.1:{}", port("CLUSTER_STATS_PORT", "18382"));
    let bench = Bench {
        members: Members::new(stack.clone())?,
        sim: Sim::new(&format!("http://127.0.0.1:{}", port("CLUSTER_SIM_PORT", "18381")), http.clone()),
        api: Api::new(&door, http.clone(), school),
        ledger: Arc::new(Ledger::default()),
        rotation: Arc::new(Rotation::new(&rotation, http.clone())),
        breakers: Breakers::new(stack.clone(), http),
        stack,
    };
    bench.sim.behave().await?;
    bench.wait_healthy().await?;
    let end = CancellationToken::new();
    let watch = Arc::clone(&bench.rotation);
    let watched = end.clone();
    tokio::spawn(async move { watch.watch(watched).await });
    let _end = end.drop_guard();

    let begun = Instant::now();
    let load = Load::start(&bench.api, &bench.ledger).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (mut cases, mut untried, mut since) = (Vec::new(), Vec::new(), Instant::now());
    // When an engine may have found no primary.
    let mut disturbed = Vec::new();
    let count = faults.len();
    for (n, fault) in faults.into_iter().enumerate() {
        match bench.case(fault, since).await {
            Ok(case) => {
                println!("  {:>3}/{count} {}", n + 1, report::line(&case, &bench.api.journal));
                since = case.end;
                if case.fault.may_take_primary() {
                    disturbed.push((case.begun, case.settled));
                }
                cases.push(case);
            }
            Err(error) => {
                println!("  {:>3}/{count} {}: could not be tried: {error}", n + 1, fault.name());
                untried.push(format!("{}: {error}", fault.name()));
                bench.sim.behave().await?;
                bench.wait_healthy().await?;
                disturbed.push((since, Instant::now()));
                since = Instant::now();
            }
        }
    }
    let pressure = if overload { Some(pressure::measure(&bench).await?) } else { None };
    load.stop().await;
    let findings = verify::everything(&bench.api, &bench.ledger, &bench.members, &bench.sim).await?;
    bench::tidy().await;
    let nicknames = bench.ledger.history.judge(&disturbed);
    let run = report::Run {
        begun,
        form: arguments.form,
        slack: arguments.slack,
        cases,
        untried,
        findings,
        nicknames,
        pressure,
    };
    let verdicts = judge::judge(&run, &bench.api.journal, &bench.ledger);
    report::print(&run, &bench.api.journal, &bench.ledger, &verdicts)?;
    Ok(verdicts.iter().all(|verdict| verdict.held))
}
