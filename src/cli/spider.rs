//! `wehpu-engine spider`: collects articles, as a service, or once for a person who watches.

use std::{fmt::Write, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Failure;
use crate::{
    clock::{Clock, campus_time},
    config::{Profile, SpiderConfig},
    feeds::{
        JOBS, Job, Ran, Spider,
        report::{Item, Status, Watch},
    },
    http::{self, listener::serve},
    service::{Readiness, Shutdown, bind, is_migrated, metrics_upkeep, watch_database},
    store::{LastRun, RunOutcome, wait_for_primary},
    telemetry,
};

/// How long `--once` and `--list` wait for a primary.
const WAIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Longest title in a progress line, in characters.
const TITLE: usize = 40;

/// Collect university news, logistics news, lectures and notices.
///
/// Without options it runs each job at its time (`WEHPU_SPIDER_NEWS`, …) until SIGTERM. Any number of spiders may run;
/// one of them runs each job.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run all jobs, or the one that follows, now; prints a line per item and exits with 1 when a job failed as a whole
    #[arg(long, conflicts_with = "list")]
    once: bool,
    /// With --once: only this job
    #[arg(requires = "once")]
    job: Option<Job>,
    /// Show each job's schedule, last run with its result, and next run
    #[arg(long)]
    list: bool,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let mut reader = crate::config::environment()?;
    if !args.once && !args.list {
        // Otherwise standard output is for the person who watches.
        _ = crate::config::Log::read(&mut reader).inspect(telemetry::init_logs);
    }
    let config = SpiderConfig::read(reader)?;
    if args.list {
        let spider = prepared(config).await?;
        return list(&spider).await;
    }
    if args.once {
        let spider = prepared(config).await?;
        return once(&spider, args.job).await;
    }
    follow(config).await
}

/// A spider whose database answers and is current.
async fn prepared(config: SpiderConfig) -> Result<Spider, Failure> {
    let spider = Spider::new(config, Clock::system()).await?;
    wait_for_primary(&spider.store, WAIT).await?;
    if is_migrated(&spider.store).await? { Ok(spider) } else { Err("the database does not answer".into()) }
}

/// Runs as a service.
async fn follow(config: SpiderConfig) -> Result<(), Failure> {
    let metrics = telemetry::init_metrics()?;
    let address = config.admin;
    if config.profile == Profile::Prod && !config.has_own_user {
        tracing::warn!("WEHPU_SPIDER_MONGODB_URI is not set: the spider could read accounts, which it need not");
    }
    let spider = Arc::new(Spider::new(config, Clock::system()).await?);
    let (readiness, shutdown, tasks) = (Readiness::default(), Shutdown::new()?, TaskTracker::new());
    let admin = bind(address, "WEHPU_ADMIN_ADDR").await?;
    tracing::info!(admin = %address, version = env!("CARGO_PKG_VERSION"), "listening");

    let mut parts: JoinSet<&'static str> = JoinSet::new();
    let admin_router = http::admin::router(readiness.clone(), metrics.clone());
    parts.spawn(async move {
        serve(admin, admin_router, CancellationToken::new()).await;
        "admin listener"
    });
    parts.spawn(async move {
        metrics_upkeep(metrics).await;
        "metrics upkeep"
    });
    let current = CancellationToken::new();
    let watched = (spider.clone(), readiness.clone(), current.clone(), tasks.clone());
    parts.spawn(async move {
        let (spider, readiness, current, tasks) = watched;
        let ready = || {
            tasks.spawn(spider.objects().clone().sweep());
            current.cancel();
        };
        match watch_database(&spider.store, &readiness, ready).await {
            Err(error) => tracing::error!(%error, "the schema does not fit this version; run `wehpu-engine migrate`"),
        }
        "database watch"
    });
    // A job's loop ends when it is told to stop and has finished what was under way.
    let stop = shutdown.stop.clone();
    let jobs = tokio::spawn(async move {
        tokio::select! {
            () = current.cancelled() => {}
            () = stop.cancelled() => return,
        }
        let mut jobs = JoinSet::new();
        for job in JOBS {
            let (spider, stop) = (spider.clone(), stop.clone());
            jobs.spawn(async move { spider.follow(job, &stop).await });
        }
        // A job that ends early, by a panic, ends the process; the service manager starts it again.
        jobs.join_next().await;
        if stop.is_cancelled() {
            jobs.join_all().await;
        }
    });
    let jobs = jobs.map(|_| ()).shared();
    let part_ended = async {
        tokio::select! {
            part = parts.join_next() => part.and_then(Result::ok).unwrap_or("a background task"),
            () = jobs.clone() => "a job",
        }
    };
    shutdown.supervise(&readiness, &tasks, part_ended, jobs.clone()).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Runs one job or all of them, and prints what happens.
async fn once(spider: &Spider, job: Option<Job>) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let signals = stop.clone();
    let mut shutdown = Shutdown::new()?;
    tokio::spawn(async move {
        shutdown.signalled().await;
        eprintln!("ending after what is under way");
        signals.cancel();
    });
    let watch: Watch = Box::new(|item| println!("{}", progress(item)));
    let mut failed = Vec::new();
    for (job, wanted) in job.map_or(JOBS.map(|job| (job, false)).to_vec(), |job| vec![(job, true)]) {
        let name = job.name();
        match spider.once(job, &stop, &watch).await? {
            Ran::Ended(last) => {
                println!("{name}: {}", summary(&last));
                if last.outcome == RunOutcome::Failed {
                    failed.push(format!("{name} failed"));
                }
            }
            Ran::Interrupted(why) => failed.push(format!("{name} was interrupted: {why}")),
            Ran::HeldBy(holder) => failed.push(format!("{name} is being run by {holder}")),
            Ran::NotConfigured(off) if wanted => failed.push(format!("{name} is not configured: {off}")),
            Ran::NotConfigured(off) => println!("{name}: not configured: {off}"),
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}

/// The line about one item.
fn progress(item: Item<'_>) -> String {
    let title: String = item.title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TITLE).collect();
    let mut line = format!("{:<9} {:<9} {title}  {}", item.what.word(), item.class.name(), item.key.escape_debug());
    if let Some(why) = item.what.why() {
        // Writing to a String does not fail.
        let _ = write!(line, "  ({why})");
    }
    line
}

/// A summary of a run in one line.
fn summary(last: &LastRun) -> String {
    let counts = last.counts;
    let mut line = format!(
        "{}: {} seen, {} new, {} changed, {} unchanged, {} failed, {} refused, in {:.1} s",
        last.outcome.word(),
        counts.seen,
        counts.new,
        counts.changed,
        counts.unchanged,
        counts.failed,
        counts.refused,
        std::time::Duration::from_millis(last.millis.unsigned_abs()).as_secs_f64(),
    );
    if let Some(why) = &last.why {
        let _ = write!(line, " ({why})");
    }
    line
}

/// Prints the jobs as a table, with remarks below.
async fn list(spider: &Spider) -> Result<(), Failure> {
    let mut jobs = Vec::new();
    for job in JOBS {
        jobs.push(spider.status(job).await?);
    }
    let now = spider.now();
    let heads =
        ["JOB", "SCHEDULE", "LAST RUN", "RESULT", "SEEN", "NEW", "CHANGED", "FAILING", "NEWEST ITEM", "NEXT RUN"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(jobs.iter().map(|status| row(status, now)));
    print!("{}", table(&rows));
    println!("times are those of Asia/Shanghai");
    for remark in jobs.iter().flat_map(|status| remarks(status, now, spider.stale())) {
        println!("{remark}");
    }
    Ok(())
}

fn row(status: &Status, now: DateTime<Utc>) -> [String; 10] {
    let state = &status.state;
    let time =
        |at: Option<DateTime<Utc>>| at.map_or("-".to_owned(), |at| campus_time(at).format("%F %H:%M").to_string());
    let count = |count: fn(&LastRun) -> u64| state.last.as_ref().map_or("-".to_owned(), |last| count(last).to_string());
    let result = match (&state.holder, state.unfinished, &state.last) {
        (Some(_), ..) => "running",
        (None, true, _) => "unfinished",
        (None, false, Some(last)) => last.outcome.word(),
        (None, false, None) => "-",
    };
    let next = match (&status.schedule, &state.holder, status.next) {
        (Err(_), ..) => "off".to_owned(),
        (_, Some(_), _) => "running".to_owned(),
        (_, None, Some(next)) if next <= now => "now".to_owned(),
        (_, None, next) => time(next),
    };
    [
        status.job.name().to_owned(),
        status.schedule.as_ref().map_or("off".to_owned(), ToString::to_string),
        time(state.last.as_ref().map(|last| last.ended_at)),
        result.to_owned(),
        count(|last| last.counts.seen),
        count(|last| last.counts.new),
        count(|last| last.counts.changed),
        status.failing.to_string(),
        status.newest_age(now).map_or("-".to_owned(), age),
        next,
    ]
}

/// A time span in words.
fn age(span: TimeDelta) -> String {
    match (span.num_days(), span.num_hours(), span.num_minutes()) {
        (days @ 2.., ..) => format!("{days} days ago"),
        (_, hours @ 2.., _) => format!("{hours} hours ago"),
        (.., minutes) => format!("{} minutes ago", minutes.max(0)),
    }
}

/// What a person should know in addition to the table.
fn remarks(status: &Status, now: DateTime<Utc>, stale: std::time::Duration) -> Vec<String> {
    let (name, job) = (status.job.name(), &status.state);
    let mut remarks = Vec::new();
    if let Err(off) = &status.schedule {
        remarks.push(format!("{name}: off, {off}"));
    }
    if let Some(holder) = &job.holder {
        remarks.push(format!("{name}: being run by {holder}"));
    }
    if let Some(why) = job.last.as_ref().and_then(|last| last.why.as_ref()) {
        remarks.push(format!("{name}: the last run ended badly: {why}"));
    }
    if job.rejected {
        remarks.push(format!(
            "{name}: the campus refused the account's password; nothing is tried until a person runs `spider --once {name}`"
        ));
    }
    if status.is_stale(now, stale) {
        let stale = humantime::format_duration(stale);
        remarks.push(format!("{name}: WARNING: nothing new for longer than {stale}; its pages may have changed"));
    }
    remarks
}

/// Rows with aligned columns.
fn table(rows: &[[String; 10]]) -> String {
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
            let _ = write!(text, "{cell:<width$}  ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{feeds::report::What, model::Class};

    #[test]
    fn a_progress_line_shows_what_became_of_an_item_and_nothing_that_moves_the_cursor() {
        let item = Item {
            class: Class::News,
            title: "标题\u{1b}[2J\n第二行",
            key: "http://news.example/\u{202e}1",
            what: What::Failed("down"),
        };
        let line = progress(item);
        assert!(line.starts_with("failed    news      标题 [2J 第二行"), "{line}");
        assert!(line.ends_with("(down)"), "{line}");
        assert!(line.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{line}");
    }

    #[test]
    fn columns_of_the_table_stand_below_each_other() {
        let row = |cell: &str| std::array::from_fn(|_| cell.to_owned());
        let text = table(&[row("A"), row("abc")]);
        let mut lines = text.lines().map(|line| line.split_inclusive("  ").count());
        assert_eq!(text.lines().count(), 2);
        assert!(lines.all(|cells| cells >= 10), "{text}");
    }

    #[test]
    fn ages_are_told_as_people_do() {
        assert_eq!(age(TimeDelta::minutes(3)), "3 minutes ago");
        assert_eq!(age(TimeDelta::hours(47)), "47 hours ago");
        assert_eq!(age(TimeDelta::days(20)), "20 days ago");
    }
}
