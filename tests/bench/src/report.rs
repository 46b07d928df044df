//! The table, for people and as `target/bench/speed.json`.

use std::{fs, time::Duration};

use serde::Serialize;

use crate::{Failure, load::Measured};

/// File for the table in JSON.
const FILE: &str = "target/bench/speed.json";

/// A request that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `GET /api/user`.
    User,
    /// `GET /api/course`, stored and fresh.
    Course,
    /// `GET /api/rss/news`, a page of ten.
    News,
    /// `GET /api/calendar`, which needs no database.
    Calendar,
}

impl Case {
    /// Requests that are compared with the minimal program.
    pub const AGAINST_REFERENCE: [Self; 4] = [Self::User, Self::Course, Self::News, Self::Calendar];

    /// Requests whose speed could depend on the number of students.
    pub const OF_STUDENTS: [Self; 2] = [Self::User, Self::Course];

    /// The path.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "/user",
            Self::Course => "/course",
            Self::News => "/rss/news",
            Self::Calendar => "/calendar",
        }
    }
}

/// What the engine has in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// `WEHPU_CACHE=off`.
    Nothing,
    /// All that is asked for.
    Everything,
}

impl Kept {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "cold",
            Self::Everything => "hot",
        }
    }
}

/// A line of the table: the measured value and its bar.
#[derive(Debug, Serialize)]
struct Line {
    what: String,
    measured: f64,
    /// The least allowed value, or with `at_most` the largest.
    bar: f64,
    at_most: bool,
    unit: &'static str,
    holds: bool,
    detail: String,
}

/// What a thousand requests cost: processor seconds.
#[derive(Debug, Serialize)]
struct Cost {
    what: String,
    engine: f64,
    database: f64,
}

/// All measured values.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    lines: Vec<Line>,
    costs: Vec<Cost>,
}

impl Report {
    /// A report with the time of a start.
    pub fn new(ready: Duration) -> Self {
        let mut report = Self::default();
        report.at_most("ready after its start", ready.as_secs_f64(), 1.0, "s", String::new());
        report
    }

    /// Compares the service (first of each turn) with the minimal program.
    pub fn against_reference(&mut self, case: Case, kept: Kept, turns: &[[Measured; 2]]) {
        let detail = detail(turns);
        let bar = match (kept, case) {
            (_, Case::Calendar) | (Kept::Nothing, Case::Course) => 0.6,
            (Kept::Nothing, Case::User) => 0.95,
            (Kept::Nothing, Case::News) => 0.9,
            (Kept::Everything, _) => 3.0,
        };
        let what = format!("{}, {}", case.name(), kept.name());
        let rate = median(turns.iter().map(|[own, reference]| own.rate / reference.rate));
        self.at_least(format!("{what}: throughput to the minimal program's"), rate, bar, detail.clone());
        if case != Case::Calendar {
            let p99 = median(turns.iter().map(|[own, reference]| own.p99 / reference.p99));
            self.at_most(&format!("{what}: p99 to the minimal program's"), p99, 1.0, "x", detail);
        }
    }

    /// What the requests of `what` cost in processor seconds of the engine and of the database.
    pub fn cost(&mut self, what: String, requests: u32, engine: f64, database: f64) {
        let thousands = f64::from(requests) / 1e3;
        self.costs.push(Cost { what, engine: engine / thousands, database: database / thousands });
    }

    /// Compares the large school (first of each turn) with the small one.
    pub fn ten_times_the_students(&mut self, case: Case, kept: &str, turns: &[[Measured; 2]]) {
        let rate = median(turns.iter().map(|[large, small]| large.rate / small.rate));
        let what = format!("{}, {kept}: throughput with ten times the students", case.name());
        self.at_least(what, rate, 0.9, detail(turns));
    }

    /// Resident memory before and after the load, in MB, of an engine that keeps `kept` at most `cache` MB.
    pub fn memory(&mut self, kept: Kept, cache: f64, idle: f64, loaded: f64) {
        let what = format!("resident memory after the load, {}", kept.name());
        self.at_most(&what, loaded, 24.0 + cache, "MB", format!("{idle:.1} MB before"));
    }

    fn at_least(&mut self, what: String, measured: f64, bar: f64, detail: String) {
        self.lines.push(Line { what, measured, bar, at_most: false, unit: "x", holds: measured >= bar, detail });
    }

    fn at_most(&mut self, what: &str, measured: f64, bar: f64, unit: &'static str, detail: String) {
        let what = what.to_owned();
        self.lines.push(Line { what, measured, bar, at_most: true, unit, holds: measured <= bar, detail });
    }

    /// Prints the table.
    pub fn print(&self) {
        println!("\n{:<60} {:>9} {:>10}          detail", "what", "measured", "bar");
        for Line { what, measured, bar, at_most, unit, holds, detail } in &self.lines {
            let (sign, held) = (if *at_most { "≤" } else { "≥" }, if *holds { "holds" } else { "MISSED" });
            println!("{what:<60} {measured:>6.2} {unit:<2} {sign}{bar:>6.2} {unit:<2} {held:<8} {detail}");
        }
    }

    /// Prints what requests cost.
    pub fn print_costs(&self) {
        println!("\n{:<60} {:>10} {:>10}", "processor seconds of 1,000 requests", "engine", "database");
        for Cost { what, engine, database } in &self.costs {
            println!("{what:<60} {engine:>10.3} {database:>10.3}");
        }
    }

    /// Writes the table for machines.
    pub fn write(&self) -> Result<(), Failure> {
        Ok(fs::write(FILE, serde_json::to_vec_pretty(self)?)?)
    }

    /// Whether every bar is reached.
    pub fn holds(&self) -> bool {
        self.lines.iter().all(|line| line.holds)
    }
}

fn detail(turns: &[[Measured; 2]]) -> String {
    let of = |which: usize, value: fn(&Measured) -> f64| median(turns.iter().map(|turn| value(&turn[which])));
    let side = |which| {
        format!("{:.0}/s p50 {:.1} p99 {:.1} ms", of(which, |m| m.rate), of(which, |m| m.p50), of(which, |m| m.p99))
    };
    format!("{} : {}", side(0), side(1))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
