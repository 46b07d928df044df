//! The judge: compares each promise of the table "Survival" with the results. Promises that were not tested are left
//! out.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    api::{Journal, Record},
    bench::Case,
    fault::Fault,
    ledger::Ledger,
    plan::Form,
    report::{Run, percentile, records},
};

/// Promise: writes are possible again within this time (95 of 100), election included.
const RESUMED: Duration = Duration::from_secs(5);

/// Promise: reads of stored data take no longer than this while a member is slow (99 of 100). After a second another
/// member is asked, too.
const HEDGED_READ: Duration = Duration::from_secs(2);

/// Promise: a killed engine gets no requests after this time.
const OUT_OF_ROTATION: Duration = Duration::from_secs(2);

/// Fewest requests during the rollouts of the long form.
const ROLLOUT_REQUESTS: usize = 20_000;

/// Promise: an impossible write is refused within this time.
const REFUSED: Duration = Duration::from_secs(12);

/// The engine's limit on a request. A write under way when both secondaries fall silent waits for the majority, then
/// for a primary.
const REQUEST_LIMIT: Duration = Duration::from_secs(25);

/// Promise: stale data is served within this time (99 of 100) while the breaker is tripped.
const STALE: Duration = Duration::from_millis(300);

/// Promise: the campus is asked again within this time.
const RECOVERED: Duration = Duration::from_secs(30);

/// Promise: everything is healthy within this time after `down` and `up`, and after a power cut.
const UP: Duration = Duration::from_mins(1);

/// Promise: a killed proxy answers again within this time.
const PROXY_BACK: Duration = Duration::from_secs(2);

/// Promise: share of the capacity that is answered at three times the load. Load generator and service share one
/// machine, so the load itself costs some of it.
const UNDER_PRESSURE: f64 = 0.75;

/// The verdict on a promise.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// The promise.
    pub promise: String,
    /// The result.
    pub found: String,
    /// Whether it held.
    pub held: bool,
}

/// Collects verdicts on some of the cases.
struct Judge<'a> {
    run: &'a Run,
    journal: &'a Journal,
    verdicts: Vec<Verdict>,
}

impl<'a> Judge<'a> {
    fn cases(&self, which: impl Fn(Fault) -> bool) -> Vec<&'a Case> {
        self.run.cases.iter().filter(|case| which(case.fault)).collect()
    }

    fn records(&self, cases: &[&Case]) -> Vec<Record> {
        cases.iter().flat_map(|case| records(case, self.journal)).collect()
    }

    fn say(&mut self, promise: &'static str, held: bool, found: String) {
        self.verdicts.push(Verdict { promise: promise.to_owned(), found, held });
    }

    /// A promised time, multiplied by the slack of this run.
    fn time(&self, promised: Duration) -> Duration {
        promised.mul_f64(self.run.slack)
    }

    /// No read failed during these cases.
    fn reads(&mut self, promise: &'static str, cases: &[&Case]) {
        let records = self.records(cases);
        let reads = records.iter().filter(|r| !r.kind.is_write());
        let failed = reads.clone().filter(|r| !r.is_ok()).count();
        self.say(promise, failed == 0, format!("{failed} of {} failed, {} faults", reads.count(), cases.len()));
    }

    /// No request failed during these cases, of at least `least`.
    fn success(&mut self, promise: &'static str, cases: &[&Case], least: usize) {
        let records = self.records(cases);
        let failed = records.iter().filter(|r| !r.is_ok()).count();
        let found = format!("{failed} of {} requests, {} times", records.len(), cases.len());
        self.say(promise, failed == 0 && records.len() >= least, found);
    }

    /// There were failed writes during these cases, and all were refused in time with one of these statuses.
    fn refusals(&mut self, promise: &'static str, cases: &[&Case], statuses: &[u16], within: Duration) {
        let records = self.records(cases);
        let failed: Vec<&Record> = records.iter().filter(|r| r.kind.is_write() && !r.is_ok()).collect();
        let is_well = |r: &&&Record| {
            r.status.is_some_and(|status| statuses.contains(&status))
                && !r.code.is_empty()
                && r.took() <= self.time(within)
        };
        let well = failed.iter().filter(is_well).count();
        let slowest = failed.iter().map(|r| r.took()).max().unwrap_or_default();
        let text = format!("{well} of {}, slowest {:.1} s", failed.len(), slowest.as_secs_f64());
        self.say(promise, well == failed.len() && well > 0, text);
    }

    /// Every writer wrote again soon after these faults (95 of 100).
    fn resumed(&mut self, promise: &'static str, cases: &[&Case]) {
        let resumed: Vec<Duration> = cases.iter().flat_map(|case| case.resumed.clone()).collect();
        let found = percentile(resumed, 95).unwrap_or(Duration::MAX);
        let all = cases.iter().all(|case| case.all_resumed);
        let text = format!("p95 {:.1} s over {} faults × writers", found.as_secs_f64(), cases.len());
        self.say(promise, all && found <= self.time(RESUMED), text);
    }

    /// Reads (or writes) took no longer than this during these cases, `percent` of 100.
    fn took(&mut self, promise: &'static str, cases: &[&Case], writes: bool, percent: usize, within: Duration) {
        let records = self.records(cases);
        let took = records.iter().filter(|r| r.kind.is_write() == writes).map(Record::took).collect();
        let found = percentile(took, percent).unwrap_or(Duration::MAX);
        let text = format!("p{percent} {} ms", found.as_millis());
        self.say(promise, found <= self.time(within), text);
    }

    fn healed(&mut self, promise: &'static str, cases: &[&Case]) {
        let troubles: Vec<&str> = cases.iter().flat_map(|case| &case.troubles).map(String::as_str).collect();
        let stuck = cases.iter().filter(|case| !case.all_resumed).count();
        let slowest = cases.iter().map(|case| case.healing).max().unwrap_or_default();
        let found = match (troubles.is_empty(), stuck) {
            (true, 0) => format!("slowest {:.1} s", slowest.as_secs_f64()),
            _ => format!("{stuck} times no writes; {}", troubles.join("; ")),
        };
        self.say(promise, troubles.is_empty() && stuck == 0, found);
    }
}

/// All promises that were tested.
#[must_use]
pub fn judge(run: &Run, journal: &Journal, ledger: &Ledger) -> Vec<Verdict> {
    let mut judge = Judge { run, journal, verdicts: Vec::new() };
    everywhere(&mut judge, ledger);
    database(&mut judge);
    engines(&mut judge);
    clocks(&mut judge, ledger);
    campus(&mut judge);
    pressure(&mut judge);
    judge.verdicts
}

fn everywhere(judge: &mut Judge<'_>, ledger: &Ledger) {
    let checked = judge.run.findings.checked;
    let lost = judge.run.findings.lost.len() + ledger.lost_writes().len();
    let doubled = judge.run.findings.doubled.len();
    judge.say("0 acknowledged writes lost", lost == 0, format!("{lost} of {checked}"));
    judge.say("0 acknowledged writes doubled", doubled == 0, format!("{doubled} of {checked}"));
    let nicknames = &judge.run.nicknames;
    judge.say(
        "each nickname is one register for all clients (linearizable)",
        nicknames.violations == 0 && nicknames.operations > 0,
        nicknames.summary(),
    );
    let untried = &judge.run.untried;
    judge.say(
        "every fault could be tried",
        untried.is_empty(),
        if untried.is_empty() { "all were".to_owned() } else { untried.join("; ") },
    );
    let records = judge.records(&judge.cases(|_| true));
    let away: Vec<&Record> = records.iter().filter(|r| r.status == Some(503)).collect();
    if !away.is_empty() {
        let told = away.iter().filter(|r| r.retry_after).count();
        judge.say("every 503 says when to come again", told == away.len(), format!("{told} of {}", away.len()));
    }
    let broken = ledger.broken_promises();
    // A login code may be lost only when an engine is killed.
    let killing = judge.cases(Fault::kills_engines);
    let (lost, unexplained): (Vec<Instant>, Vec<Instant>) =
        ledger.cut_off_logins().into_iter().partition(|at| killing.iter().any(|case| case.covers(*at)));
    let mut found = (broken.len() + unexplained.len()).to_string();
    if let Some((_, what)) = broken.first() {
        _ = write!(found, ": {what}");
    } else if !unexplained.is_empty() {
        found += ": a code was lost although no engine was killed";
    }
    if !lost.is_empty() {
        _ = write!(found, "; {} codes of logins lost with engines that were killed", lost.len());
    }
    judge.say(
        "no repeated login, bind or write is refused, no stored data emptied",
        broken.is_empty() && unexplained.is_empty(),
        found,
    );
}

fn database(judge: &mut Judge<'_>) {
    let cases = judge.cases(Fault::is_of_primary);
    if !cases.is_empty() {
        judge.resumed("primary gone: every writer writes again within 5 s (p95)", &cases);
        judge.reads("primary gone: reads of stored data do not fail", &cases);
        judge.healed("primary gone: heals without a restart of anything else", &cases);
    }
    let cases = judge.cases(|fault| fault == Fault::TwoMembersDown);
    if !cases.is_empty() {
        judge.reads("two members down: reads go on", &cases);
        judge.refusals("two members down: writes answer 503 with a code within 12 s", &cases, &[503], REFUSED);
        judge.healed("two members down: all heals without a restart", &cases);
    }
    let cases = judge.cases(|fault| fault == Fault::SecondariesPaused);
    if !cases.is_empty() {
        judge.reads("both secondaries paused: reads go on", &cases);
        judge.refusals(
            "both secondaries paused: writes answer 503 with a code within 25 s",
            &cases,
            &[503],
            REQUEST_LIMIT,
        );
        judge.healed("both secondaries paused: all heals without a restart", &cases);
    }
    let cases = judge.cases(|fault| fault == Fault::SlowWay);
    if !cases.is_empty() {
        judge.reads("slow way to a secondary: reads of stored data do not fail", &cases);
        judge.took("slow way to a secondary: reads within 2 s (p99)", &cases, false, 99, HEDGED_READ);
        judge.took("slow way to a secondary: writes within 5 s (p95)", &cases, true, 95, RESUMED);
        judge.healed("slow way to a secondary: all is well when it is direct again", &cases);
    }
    let cases = judge.cases(|fault| fault == Fault::AllMembersRestarted);
    if !cases.is_empty() {
        judge.healed("MongoDB restarted as a whole: serves again, no manual step", &cases);
    }
    let cases = judge.cases(|fault| fault == Fault::DiskFull);
    if !cases.is_empty() {
        judge.reads("primary's disk full: reads of stored data do not fail", &cases);
        judge.healed("primary's disk full: heals when there is room again", &cases);
    }
    up_again(judge, "compose down and up: all healthy within 60 s", Fault::DownAndUp);
    up_again(judge, "power cut: all healthy within 60 s, no manual step", Fault::PowerCut);
}

/// Everything is healthy soon after it began to start.
fn up_again(judge: &mut Judge<'_>, promise: &'static str, fault: Fault) {
    let cases = judge.cases(|other| other == fault);
    if !cases.is_empty() {
        let until_healthy = |case: &&Case| case.struck.healed.map_or(Duration::MAX, |begun| case.end - begun);
        let up = cases.iter().map(until_healthy).max().unwrap_or_default();
        let well = cases.iter().all(|case| case.all_resumed && case.troubles.is_empty());
        judge.say(promise, well && up <= judge.time(UP), format!("{:.1} s", up.as_secs_f64()));
    }
}

fn engines(judge: &mut Judge<'_>) {
    let cases = judge.cases(Fault::kills_engines);
    if !cases.is_empty() {
        judge.reads("engine killed: no GET fails", &cases);
        let slowest = cases.iter().filter_map(|case| case.out_of_rotation).max();
        let noticed = cases.iter().all(|case| case.fault != Fault::EngineGone || case.out_of_rotation.is_some());
        let found = slowest.map_or("back before it was noticed".to_owned(), |d| format!("{:.1} s", d.as_secs_f64()));
        judge.say(
            "engine killed: out of rotation within 2 s",
            slowest.is_none_or(|d| d <= judge.time(OUT_OF_ROTATION)) && noticed,
            found,
        );
        judge.healed("engine killed: back by itself", &cases);
    }
    let cases = judge.cases(|fault| fault == Fault::EngineHung);
    if !cases.is_empty() {
        judge.reads("engine hung: no GET fails", &cases);
        judge.healed("engine hung: all is well when it goes on", &cases);
    }
    let cases = judge.cases(|fault| matches!(fault, Fault::Rollout { .. }));
    if !cases.is_empty() {
        let least = if judge.run.form == Form::Short { 1 } else { ROLLOUT_REQUESTS };
        judge.success("rolling replacement of all engines: 0 answers other than 2xx", &cases, least);
    }
    let cases = judge.cases(|fault| fault == Fault::ProxyReloaded);
    if !cases.is_empty() {
        judge.success("proxy reloaded: 0 answers other than 2xx", &cases, 1);
    }
    let cases = judge.cases(|fault| fault == Fault::ProxyKilled);
    if !cases.is_empty() {
        let back: Option<Vec<Duration>> = cases.iter().map(|case| first_success(case, judge.journal)).collect();
        let slowest = back.into_iter().flatten().max();
        let found = slowest.map_or("once not at all".to_owned(), |d| format!("slowest {:.1} s", d.as_secs_f64()));
        let held = slowest.is_some_and(|slowest| slowest <= judge.time(PROXY_BACK));
        judge.say("proxy killed: answers again within 2 s", held, found);
        judge.healed("proxy killed: back by itself", &cases);
    }
}

fn clocks(judge: &mut Judge<'_>, ledger: &Ledger) {
    let cases = judge.cases(|fault| matches!(fault, Fault::WrongClock { .. }));
    if cases.is_empty() {
        return;
    }
    judge.success("an engine's clock wrong: no read or write fails", &cases, 1);
    let sessions = ledger.sessions();
    let of_cases = || sessions.iter().filter(|(at, _)| cases.iter().any(|case| case.covers(*at)));
    let troubles: Vec<&str> = of_cases().filter_map(|(_, trouble)| trouble.as_deref()).collect();
    let mut found = format!("{} of {} did not", troubles.len(), of_cases().count());
    if let Some(first) = troubles.first() {
        _ = write!(found, ": {first}");
    }
    let held = troubles.is_empty() && of_cases().count() > 0;
    judge.say("an engine's clock wrong: logins and logouts count at every engine", held, found);
    judge.healed("an engine's clock wrong: all is well when it is right again", &cases);
}

/// Time from a fault to the end of the first successful request that was sent after it.
fn first_success(case: &Case, journal: &Journal) -> Option<Duration> {
    let records = journal.between(case.struck.after, case.end).into_iter();
    records.filter(Record::is_ok).map(|record| record.end - case.struck.before).min()
}

fn campus(judge: &mut Judge<'_>) {
    let cases = judge.cases(|fault| matches!(fault, Fault::Campus { .. }));
    if cases.is_empty() {
        return;
    }
    judge.reads("campus misbehaves: reads of stored data do not fail", &cases);
    // No write needs the library or the physical tests.
    if cases
        .iter()
        .any(|case| matches!(case.fault, Fault::Campus { system, .. } if system != "library" && system != "physical"))
    {
        judge.refusals(
            "campus misbehaves: what cannot be done is 502 or 503 with a code within 12 s",
            &cases,
            &[502, 503],
            REFUSED,
        );
    }
    let stale: Vec<Duration> = cases.iter().flat_map(|case| case.stale.clone()).collect();
    let count = stale.len();
    let p99 = percentile(stale, 99);
    let text = p99.map_or("no breaker opened".to_owned(), |d| format!("p99 {} ms of {count}", d.as_millis()));
    judge.say(
        "campus misbehaves: old data within 300 ms (p99) once the breakers are open",
        p99.is_some_and(|d| d <= judge.time(STALE)),
        text,
    );
    let slowest = cases.iter().filter_map(|case| case.campus_recovery).max().unwrap_or_default();
    let never: Vec<String> =
        cases.iter().filter(|case| case.campus_recovery.is_none()).map(|case| case.fault.name()).collect();
    let text = if never.is_empty() {
        format!("slowest {:.1} s", slowest.as_secs_f64())
    } else {
        format!("never: {}", never.join(", "))
    };
    let held = never.is_empty() && slowest <= judge.time(RECOVERED);
    judge.say("campus misbehaves: fresh data within 30 s after it is well", held, text);
}

fn pressure(judge: &mut Judge<'_>) {
    let Some(pressure) = &judge.run.pressure else { return };
    let share = pressure.answered / pressure.capacity;
    let text = format!(
        "{:.0}/s of {:.0}/s ({:.0} %) at {:.0}/s asked, p99 {} ms; {} refused with retry-after, {} failed {}",
        pressure.answered,
        pressure.capacity,
        share * 100.0,
        pressure.offered,
        pressure.p99_ms,
        pressure.refused,
        pressure.failed,
        pressure.failure
    );
    let held = share >= UNDER_PRESSURE / judge.run.slack && pressure.failed == 0;
    judge.say("three times the load: answers what it can, refuses the rest at once with retry-after", held, text);
}
