//! `wehpu-engine school`: profiles of schools, and kept copies of pages that nobody understood.

mod live;
mod pages;
mod trail;

use std::fmt::Write;

use url::Url;

use super::Failure;
use crate::{
    clock::Clock,
    config::{self, Reader},
    school::{self, Key, School, builtin, fingerprint::Hop},
};
use trail::{Client, Trail};

/// The commands about schools.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print the built-in profiles: id, name, academic systems, when somebody last saw it work
    List,
    /// Print how a profile is understood, key by key, or everything that is wrong with it
    Check(CheckArgs),
    /// Find out which academic system an address belongs to
    Detect(DetectArgs),
    /// List the kept copies of campus pages that were not understood, or print one
    Pages(pages::Args),
}

/// What to check.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// A built-in profile or a file; else the one of `WEHPU_SCHOOL`
    profile: Option<String>,
    /// Ask each host of the profile, without a login: does it answer, with which system, does the login want a captcha
    #[arg(long)]
    live: bool,
}

/// What to look at.
#[derive(Debug, clap::Args)]
pub struct DetectArgs {
    /// An address of the system, such as that of its login page
    url: Url,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List => list(),
        Command::Check(args) => check(args).await,
        Command::Detect(args) => detect(args).await,
        Command::Pages(args) => pages::run(args).await,
    }
}

fn list() -> Result<(), Failure> {
    let mut text = String::new();
    for name in builtin::NAMES {
        let school = school::read(name, false).school?;
        let checked = school.checked.map_or_else(|| "never checked".to_owned(), |day| format!("checked {day}"));
        let _ = writeln!(text, "{name}\t{}\t{}\t{checked}", school.name, systems(&school));
    }
    super::print(&text)
}

/// The kinds of a school's academic systems, each once.
fn systems(school: &School) -> String {
    let mut names: Vec<&str> = school.academics.iter().map(|academic| academic.system.name()).collect();
    names.dedup();
    names.join(", ")
}

async fn check(args: CheckArgs) -> Result<(), Failure> {
    let mut reader = config::environment()?;
    let source = args.profile.or_else(|| reader.get("WEHPU_SCHOOL").map(str::to_owned)).unwrap_or_default();
    let dev = reader.get("WEHPU_PROFILE") == Some("dev");
    let read = school::read(&source, dev);
    super::print(&read.keys.iter().map(line).collect::<String>())?;
    let school = read.school?;
    if let Some(warning) = school.outdated(Clock::system().campus_date()) {
        eprintln!("warning: {warning}");
    }
    super::print(&format!("profile {}: nothing is wrong\n", school.id))?;
    if args.live {
        return live::run(&school, &client(&mut reader)?).await;
    }
    Ok(())
}

fn line(key: &Key) -> String {
    let source = key.at.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
    format!("{} = {}  # {source}\n", key.path, key.value)
}

async fn detect(args: DetectArgs) -> Result<(), Failure> {
    let client = client(&mut config::environment()?)?;
    let trail = trail::follow(args.url, async |url| client.get(url).await, |finding| finding.system.is_some()).await;
    let text = told(&trail);
    super::print(&text)?;
    match (trail.system(), &trail.failure) {
        (Some(_), _) => Ok(()),
        (None, Some(failure)) => Err(failure.clone().into()),
        (None, None) => Err("no known system; try the address of its login page".into()),
    }
}

/// The steps of a trail and what they came to, one line each.
fn told(trail: &Trail) -> String {
    let mut text = String::new();
    for step in &trail.steps {
        let hop = step.finding.hop.map(Hop::name).map_or_else(String::new, |name| format!("  {name}"));
        let _ = writeln!(text, "{}  {}{hop}", step.answer, step.url);
    }
    if let Some(system) = trail.system() {
        let built = if system.is_built() { "" } else { " (this version has no client for it)" };
        let _ = writeln!(text, "system: {}{built}", system.name());
    }
    text
}

/// A client that trusts the certificates of `WEHPU_CAMPUS_CA_FILE`, too.
fn client(reader: &mut Reader) -> Result<Client, Failure> {
    Ok(Client::new(reader.get("WEHPU_CAMPUS_CA_FILE").map(std::path::PathBuf::from))?)
}
