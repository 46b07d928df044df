//! The table, for people and as `target/bench/cluster.json`.

use std::{
    collections::BTreeMap,
    fmt::Write,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;

use crate::{
    Failure,
    api::{Journal, Kind, Record},
    bench::Case,
    history::Outcome,
    judge::Verdict,
    ledger::Ledger,
    plan::Form,
    pressure::Pressure,
    verify::Findings,
};

/// File for the table in JSON.
const FILE: &str = "target/bench/cluster.json";

/// Slower requests are listed.
const SLOW: Duration = Duration::from_secs(6);

/// The results of a run.
#[derive(Debug)]
pub struct Run {
    /// When it began.
    pub begun: Instant,
    /// Its form.
    pub form: Form,
    /// Factor on all promised times.
    pub slack: f64,
    /// Each fault.
    pub cases: Vec<Case>,
    /// Faults that could not be caused or measured, and why.
    pub untried: Vec<String>,
    /// The check of all acknowledged writes.
    pub findings: Findings,
    /// The check of the histories of all nicknames.
    pub nicknames: Outcome,
    /// The overload.
    pub pressure: Option<Pressure>,
}

/// A row of the table: all faults of one name.
#[derive(Debug, Default, Serialize)]
pub struct Row {
    /// The fault.
    pub fault: String,
    /// How often it happened.
    pub times: usize,
    /// Requests from the end of the fault before until the end of this one.
    pub requests: usize,
    /// Reads that were not answered with 2xx.
    pub failed_reads: usize,
    /// The slowest read, in milliseconds.
    pub slowest_read_ms: u128,
    /// Writes that were not answered with 2xx.
    pub failed_writes: usize,
    /// Time from the fault until each writer wrote again, in milliseconds: median, 95th percentile, maximum.
    pub resumed_ms: Option<[u128; 3]>,
    /// Acknowledged writes that are missing.
    pub lost: usize,
    /// Acknowledged writes that were stored more than once.
    pub doubled: usize,
}

/// The smallest value that `percent` of 100 values do not exceed.
#[must_use]
pub fn percentile(mut values: Vec<Duration>, percent: usize) -> Option<Duration> {
    values.sort_unstable();
    let place = (values.len() * percent).div_ceil(100).max(1) - 1;
    values.get(place).copied()
}

/// The requests of a fault's time, including those under way when it happens and those that outlast it.
#[must_use]
pub fn records(case: &Case, journal: &Journal) -> Vec<Record> {
    let mut records = journal.between(case.begun, case.end);
    records.retain(|record| !matches!(record.kind, Kind::First | Kind::Token));
    records
}

/// One line about a finished fault.
#[must_use]
pub fn line(case: &Case, journal: &Journal) -> String {
    let records = records(case, journal);
    let failed = |write: bool| records.iter().filter(|r| r.kind.is_write() == write && !r.is_ok()).count();
    let slowest = records.iter().filter(|r| r.kind.is_write()).map(Record::took).max().unwrap_or_default();
    let mut line = format!(
        "{}: {} requests, failed {} reads {} writes, slowest write {:.1} s, writes resumed after {}, healed in {:.1} s",
        case.fault.name(),
        records.len(),
        failed(false),
        failed(true),
        slowest.as_secs_f64(),
        case.resumed.iter().max().map_or("–".to_owned(), |d| format!("{:.1} s", d.as_secs_f64())),
        case.healing.as_secs_f64(),
    );
    if let Some(out) = case.out_of_rotation {
        _ = write!(line, ", out of rotation after {:.1} s", out.as_secs_f64());
    }
    if let Some(recovery) = case.campus_recovery {
        let p99 = percentile(case.stale.clone(), 99).unwrap_or_default();
        _ = write!(
            line,
            ", {} stale answers p99 {} ms, campus back after {:.1} s",
            case.stale.len(),
            p99.as_millis(),
            recovery.as_secs_f64()
        );
    }
    let mut slow: Vec<&Record> = records.iter().filter(|r| r.took() > SLOW).collect();
    slow.sort_by_key(|r| std::cmp::Reverse(r.took()));
    for record in slow.iter().take(3) {
        let offset = (record.start - case.begun).as_secs_f64() - (case.struck.before - case.begun).as_secs_f64();
        _ = write!(line, "; {} sent at {offset:.1} s took {:.1} s", record.kind.name(), record.took().as_secs_f64());
    }
    for trouble in &case.troubles {
        _ = write!(line, "; {trouble}");
    }
    line
}

/// The rows of the table.
#[must_use]
pub fn rows(run: &Run, journal: &Journal, ledger: &Ledger) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut resumed: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    let lost = [run.findings.lost.clone(), ledger.lost_writes()].concat();
    for case in &run.cases {
        let name = case.fault.name();
        let found = rows.iter().position(|row| row.fault == name);
        let place = found.unwrap_or_else(|| {
            rows.push(Row { fault: name.clone(), ..Row::default() });
            rows.len() - 1
        });
        let row = &mut rows[place];
        let within = |found: &[(Instant, String)]| found.iter().filter(|(at, _)| case.covers(*at)).count();
        row.times += 1;
        row.lost += within(&lost);
        row.doubled += within(&run.findings.doubled);
        for record in records(case, journal) {
            row.requests += 1;
            if record.kind.is_write() {
                row.failed_writes += usize::from(!record.is_ok());
            } else {
                row.failed_reads += usize::from(!record.is_ok());
                row.slowest_read_ms = row.slowest_read_ms.max(record.took().as_millis());
            }
        }
        resumed.entry(name).or_default().extend(&case.resumed);
    }
    for row in &mut rows {
        let times = resumed.remove(&row.fault).unwrap_or_default();
        let [half, most, all] = [50, 95, 100].map(|percent| percentile(times.clone(), percent));
        row.resumed_ms = half.zip(most).zip(all).map(|((half, most), all)| [half, most, all].map(|d| d.as_millis()));
    }
    rows
}

/// Prints the table and the verdicts, and writes both to the file.
///
/// # Errors
/// When the file cannot be written.
pub fn print(run: &Run, journal: &Journal, ledger: &Ledger, verdicts: &[Verdict]) -> Result<(), Failure> {
    let rows = rows(run, journal, ledger);
    let seconds = |ms: u128| format!("{}.{} s", ms / 1000, ms % 1000 / 100);
    println!(
        "\n| fault | times | requests | failed reads | slowest read | failed writes | writes resumed p50 / p95 / max | lost | doubled |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for row in &rows {
        let resumed = row.resumed_ms.map_or("–".to_owned(), |times| times.map(seconds).join(" / "));
        println!(
            "| {} | {} | {} | {} | {} | {} | {resumed} | {} | {} |",
            row.fault,
            row.times,
            row.requests,
            row.failed_reads,
            seconds(row.slowest_read_ms),
            row.failed_writes,
            row.lost,
            row.doubled
        );
    }
    println!("\n| promise | found | |\n|---|---|---|");
    for verdict in verdicts {
        println!("| {} | {} | {} |", verdict.promise, verdict.found, if verdict.held { "held" } else { "BROKEN" });
    }
    for (_, what) in run.findings.lost.iter().chain(&ledger.lost_writes()).take(20) {
        println!("lost: {what}");
    }
    for (_, what) in run.findings.doubled.iter().take(20) {
        println!("doubled: {what}");
    }
    for what in &run.nicknames.first {
        println!("not one register: {what}");
    }
    for (at, what) in ledger.broken_promises().iter().take(20) {
        let case = run.cases.iter().find(|case| case.covers(*at));
        println!("never to happen: {what}, during «{}»", case.map_or("no fault".to_owned(), |case| case.fault.name()));
    }
    for (what, count) in failures(run, journal) {
        println!("failed: {count} × {what}");
    }
    let elapsed = run.begun.elapsed().as_secs();
    println!("\n{} acknowledged writes looked for; {} form, {elapsed} s", run.findings.checked, run.form.name());
    let written = json!({
        "form": run.form.name(),
        "seconds": elapsed,
        "acknowledgedWrites": run.findings.checked,
        "nicknames": run.nicknames,
        "faults": rows,
        "overload": run.pressure,
        "promises": verdicts,
    });
    if let Some(folder) = std::path::Path::new(FILE).parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(FILE, serde_json::to_string_pretty(&written)?)?;
    Ok(())
}

/// What failed during which fault, most frequent first.
fn failures(run: &Run, journal: &Journal) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for case in &run.cases {
        for record in records(case, journal).iter().filter(|r| !r.is_ok()) {
            let status = record.status.map_or("none".to_owned(), |status| status.to_string());
            let what = format!("{} during «{}»: {status} {}", record.kind.name(), case.fault.name(), record.code);
            *counts.entry(what).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values = |n: u64| (1..=n).map(Duration::from_secs).collect::<Vec<_>>();
        assert_eq!(percentile(values(100), 95), Some(Duration::from_secs(95)));
        assert_eq!(percentile(values(4), 95), Some(Duration::from_secs(4)));
        assert_eq!(percentile(values(1), 50), Some(Duration::from_secs(1)));
        assert_eq!(percentile(Vec::new(), 50), None);
    }
}
