//! Tables as the system prints them, with columns that can be renamed and moved.

use std::fmt::Write as _;

use crate::faults::Mode;
use crate::gate::Visit;

/// A table: headers, and rows of whole cells (`<td>…</td>`).
#[derive(Debug)]
pub(super) struct Grid {
    id: &'static str,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A cell with a text that is escaped already.
pub(super) fn cell(text: &impl std::fmt::Display) -> String {
    format!("<td>{text}</td>")
}

impl Grid {
    pub(super) fn new(id: &'static str, headers: &[&str]) -> Self {
        Self { id, headers: headers.iter().map(|header| (*header).to_owned()).collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Misbehaves: `needed` is renamed, the columns are moved, the rows are left out.
    pub(super) fn shaped(mut self, visit: &Visit<'_>, needed: &str) -> Self {
        if visit.form(Mode::RenamedColumn).is_some() {
            for header in self.headers.iter_mut().filter(|header| *header == needed) {
                *header = renamed(needed);
            }
        }
        if visit.form(Mode::MovedColumn).is_some() {
            self.headers.rotate_right(2);
            self.rows.iter_mut().for_each(|row| row.rotate_right(2));
        }
        if visit.empty {
            self.rows.clear();
        }
        self
    }

    /// The table; without rows it has one without cells.
    pub(super) fn html(&self) -> String {
        let mut out = format!("<table id=\"{}\" class=\"gridtable\"><thead class=\"gridhead\"><tr>", self.id);
        for header in &self.headers {
            let _ = write!(out, "<th>{header}</th>");
        }
        let _ = write!(out, "</tr></thead>\n<tbody id=\"{}_data\">", self.id);
        for (index, row) in self.rows.iter().enumerate() {
            let class = if index % 2 == 0 { "even" } else { "odd" };
            let _ = writeln!(out, "<tr class=\"griddata-{class}   \">\t\t{}</tr>", row.concat());
        }
        if self.rows.is_empty() {
            out.push_str("<tr></tr>");
        }
        out + "</tbody></table>\n"
    }
}

/// Another name for a header or label.
pub(super) fn renamed(name: &str) -> String {
    format!("新{name}栏")
}
