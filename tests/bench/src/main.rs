//! Speed and cost, behind `make bench`: the service against a minimal program on the same libraries that asks the same
//! of the same database. They take turns, so that other work on the machine affects both. Prints a table and writes
//! `target/bench/speed.json`; exit code 0 only if every bar of "Speed and cost" holds. `docker/bench.sh` makes the
//! replica set, builds everything and starts this.

mod engine;
mod load;
mod reference;
mod report;
mod school;

use std::{path::PathBuf, process::ExitCode};

use campus_sim::{CampusSim, SimConfig};
use clap::{Parser, Subcommand};
use mongodb::Client;

use crate::{
    engine::Engine,
    load::{Load, Measured, Target},
    report::{Case, Kept, Report},
    school::{School, Who},
};

/// The memory of an engine that remembers: the default.
const CACHE: &str = "16MiB";
const CACHE_MB: f64 = 16.0 * 1_048_576.0 / 1e6;

/// Why the bench itself failed.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Compares the service with a minimal program.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures everything
    Run(Plan),
    /// The minimal program
    Reference {
        /// Connection string with the database
        #[arg(long)]
        uri: String,
        /// Port on 127.0.0.1
        #[arg(long)]
        port: u16,
    },
}

/// What is measured.
#[derive(Debug, clap::Args)]
struct Plan {
    /// The service's program
    #[arg(long)]
    engine: PathBuf,
    /// The replica set, `mongodb://host,…/?replicaSet=…`
    #[arg(long)]
    uri: String,
    /// Number of turns of each of a pair
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of a turn, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Students in the school; the large school has ten times as many
    #[arg(long, default_value_t = 40_000)]
    students: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(plan) => run(&plan).await,
        Command::Reference { uri, port } => reference::serve(&uri, port).await.map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(plan: &Plan) -> Result<bool, Failure> {
    let sim = CampusSim::start(SimConfig::default()).await?;
    let client = Client::with_uri_str(&plan.uri).await?;
    let load = Load::new(plan.seconds)?;

    for name in ["bench", "bench_large"] {
        // Left by an interrupted run.
        client.database(name).drop().await?;
    }
    println!("a school of {} students …", plan.students);
    let mut small = Engine::start(&plan.engine, &plan.uri, "bench", &sim, "off").await?;
    let ready = small.ready().await?;
    let school = School::open(&client.database("bench"), &small, &sim, plan.students).await?;
    let mut remembering = Engine::start(&plan.engine, &plan.uri, "bench", &sim, CACHE).await?;
    remembering.ready().await?;
    let mut reference = reference::Process::start(&plan.uri, "bench").await?;

    let mut report = Report::new(ready);
    for (engine, kept, who, cache) in
        [(&small, Kept::Nothing, Who::All, 0.0), (&remembering, Kept::Everything, Who::Few, CACHE_MB)]
    {
        let idle = engine.memory()?;
        for case in Case::AGAINST_REFERENCE {
            let [own, minimal] = school.requests(case, who);
            let pair = [Target::new(&engine.api, own), Target::new(&reference.api, minimal)];
            let name = format!("{} {kept:?}", case.name());
            let turns = take_turns(&load, plan.rounds, &pair, &name).await?;
            report.against_reference(case, kept, &turns);
            let before = (engine.processor_seconds()?, engine::database_processor_seconds()?);
            let requests = load.on(&pair[0]).await?.requests;
            let after = (engine.processor_seconds()?, engine::database_processor_seconds()?);
            report.cost(name, requests, after.0 - before.0, after.1 - before.1);
        }
        report.memory(kept, cache, idle, engine.memory()?);
    }
    reference.stop().await?;

    let many = plan.students * 10;
    println!("a school of {many} students …");
    let mut large = Engine::start(&plan.engine, &plan.uri, "bench_large", &sim, "off").await?;
    large.ready().await?;
    let large_school = School::open(&client.database("bench_large"), &large, &sim, many).await?;
    let mut large_remembering = Engine::start(&plan.engine, &plan.uri, "bench_large", &sim, CACHE).await?;
    large_remembering.ready().await?;
    for (of_large, of_small, who, kept) in
        [(&large, &small, Who::All, "cold"), (&large_remembering, &remembering, Who::Day, "as on a day")]
    {
        for case in Case::OF_STUDENTS {
            let [[of_many, _], [of_few, _]] = [large_school.requests(case, who), school.requests(case, who)];
            let pair = [Target::new(&of_large.api, of_many), Target::new(&of_small.api, of_few)];
            let turns = take_turns(&load, plan.rounds, &pair, &format!("{} {kept}", case.name())).await?;
            report.ten_times_the_students(case, kept, &turns);
        }
    }
    for engine in [&mut large, &mut large_remembering, &mut small, &mut remembering] {
        engine.stop().await?;
    }
    report.print();
    report.print_costs();
    report.write()?;
    Ok(report.holds())
}

/// Puts load on both of a pair in turns. The first turn of each is not counted.
async fn take_turns(load: &Load, rounds: usize, pair: &[Target; 2], name: &str) -> Result<Vec<[Measured; 2]>, Failure> {
    let mut turns = Vec::new();
    for round in 0..=rounds {
        let turn = [load.on(&pair[0]).await?, load.on(&pair[1]).await?];
        if round > 0 {
            println!("  {name}: {} : {} requests a second", turn[0].rate.round(), turn[1].rate.round());
            turns.push(turn);
        }
    }
    Ok(turns)
}
