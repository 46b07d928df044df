//! The simulator as a program: `docker compose up` starts it for local development.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use campus_sim::{CampusSim, MAX_SEEDED, SimConfig, school_profile};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

const ABOUT: &str = "\
Plays the university's systems, WeChat and GitHub, for local development and tests.

Nothing here is real: students, tables, books and messages are invented, and forgotten when the program ends.

Every system has a path of its own. The engine is pointed at them with
  WEHPU_VPN_URL=http://HOST:4000/vpn            WEHPU_LIBRARY_URL=http://HOST:4000/library
  WEHPU_PHYSICAL_URL=http://HOST:4000/physical  WEHPU_REPAIR_URL=http://HOST:4000/repair
  WEHPU_NEWS_URL=http://HOST:4000/news          WEHPU_LOGISTICS_URL=http://HOST:4000/logistics
  WEHPU_WECHAT_API_URL=http://HOST:4000/wechat  WEHPU_GITHUB_API_URL=http://HOST:4000/github
  WEHPU_VPN_RSA_MODULUS=(what GET /_sim/rsa shows)
and with the credentials wx-sim-appid / wx-sim-secret for WeChat and sim-github-token for GitHub.
The bulletin board is read with any student's account of the VPN.
For HPU as it is today (EAMS behind the CAS) write the output of 'campus-sim profile hpu' to a file, for a school with
jwglxt that of 'campus-sim profile demo-zf', and name it in
  WEHPU_SCHOOL=./hpu-sim.toml

Ready-made students are 311509000000, 311509000001 and so on. Their passwords end in the same six digits:
vpn-000001 for the VPN, jwc-000001 for the academic system, lib-000001 for the library, uia-000001 for the CAS,
eams-000001 for EAMS itself. jwglxt has the students 202409000000 and 902409000000 and so on, with zf-000001. GET /_sim/students lists them.
A WeChat login code is any text sim-<openid>-<nonce>; it is good once.";

const AFTER: &str = "\
Try it:
  curl localhost:4000/_sim/students?limit=3
  curl -X PUT -d '{\"mode\":\"maintenance\"}' localhost:4000/_sim/faults/urp     (makes a system misbehave)
  curl -X DELETE localhost:4000/_sim/faults                                     (and behave again)
  curl localhost:4000/_sim/counts                                               (requests each system got)
Every call is described in tests/campus-sim/README.md.";

/// Settings from the command line.
#[derive(Debug, Parser)]
#[command(name = "campus-sim", version, about = ABOUT, after_help = AFTER)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Address and port to listen on.
    #[arg(long, global = true, default_value = "0.0.0.0:4000", value_name = "ADDRESS:PORT")]
    bind: SocketAddr,
    /// How many ready-made students there are (0 to 1000000); they are made when asked for and cost no memory.
    #[arg(long, default_value_t = 400, value_name = "COUNT", value_parser = student_count)]
    students: usize,
    /// The same seed makes the same students, tables and books.
    #[arg(long, default_value_t = 2017, value_name = "NUMBER")]
    seed: u64,
    /// Host name by which the CAS is called.
    #[arg(long, global = true, default_value = "localhost", value_name = "HOST")]
    cas_host: String,
    /// Host name by which EAMS and jwglxt are called; another one than the CAS's.
    #[arg(long, global = true, default_value = "127.0.0.1", value_name = "HOST")]
    academic_host: String,
}

/// What to do in place of serving.
#[derive(Debug, Subcommand)]
enum Command {
    /// Prints a school profile with the simulator's addresses, for `WEHPU_SCHOOL`.
    Profile {
        /// The school: hpu (EAMS behind the CAS) or demo-zf (jwglxt).
        school: String,
    },
}

fn student_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count <= MAX_SEEDED => Ok(count),
        _ => Err(format!("a number from 0 to {MAX_SEEDED} is needed")),
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = SimConfig {
        bind: arguments.bind,
        students: arguments.students,
        seed: arguments.seed,
        cas_host: arguments.cas_host,
        academic_host: arguments.academic_host,
        ..SimConfig::default()
    };
    if let Some(Command::Profile { school }) = arguments.command {
        return print_profile(&school, &config);
    }
    tracing_subscriber::fmt().with_target(false).with_ansi(std::io::stdout().is_terminal()).init();
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, bind = %arguments.bind, "cannot start");
            ExitCode::FAILURE
        }
    }
}

fn print_profile(school: &str, config: &SimConfig) -> ExitCode {
    if let Some(text) = school_profile(school, config, config.bind.port()) {
        print!("{text}");
        ExitCode::SUCCESS
    } else {
        eprintln!("no school '{school}' is played; there are: hpu, demo-zf");
        ExitCode::FAILURE
    }
}

/// Serves until SIGTERM or SIGINT. There is nothing to save, so it ends at once.
async fn run(config: SimConfig) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (students, seed) = (config.students, config.seed);
    let mut sim = CampusSim::start(config).await?;
    tracing::info!(url = sim.base_url(), students, seed, "campus simulator is listening");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = sim.serve() => {}
    }
    Ok(())
}
