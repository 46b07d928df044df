//! Reads the tables of a profile key by key. Every problem is noted and reading goes on, so that one look at the output
//! shows all of them.

use std::cell::RefCell;

use super::{
    file::{Node, Table, Value},
    problem::{Place, Problem},
};

/// A key as it was understood, for `school check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key with its tables, such as `academic[undergraduate].match`.
    pub path: String,
    /// Its value as a file would write it.
    pub value: String,
    /// Where it stands; `None` for the default.
    pub at: Option<Place>,
}

/// What was read so far, and what was wrong with it.
#[derive(Debug, Default)]
pub(super) struct Report {
    keys: RefCell<Vec<Key>>,
    problems: RefCell<Vec<Problem>>,
}

impl Report {
    pub fn add(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub fn add_all(&self, problems: Vec<Problem>) {
        self.problems.borrow_mut().extend(problems);
    }

    /// Notes a key that was understood.
    pub fn understood(&self, path: String, node: &Node) {
        let key = Key { path, value: node.value.written(), at: Some(node.at.clone()) };
        self.keys.borrow_mut().push(key);
    }

    /// Notes a problem with a key that was read before; where it is not written, with what is written of its table.
    pub fn problem(&self, path: &str, what: &str, example: &str) {
        let table = path.rsplit_once('.').map_or("", |(table, _)| table);
        let keys = self.keys.borrow();
        // The last one: of two entries with the same name the second is wrong.
        let written = keys.iter().rev().find_map(|key| key.at.clone().filter(|_| key.path == path));
        let below = |table: &str| {
            let prefix = format!("{table}.");
            keys.iter().find_map(|key| key.at.clone().filter(|_| key.path.starts_with(&prefix)))
        };
        let at = written.or_else(|| below(path)).or_else(|| below(table));
        let at = at.unwrap_or(Place { file: "profile".into(), line: None });
        drop(keys);
        self.add(Problem { at, key: path.to_owned(), what: what.to_owned(), example: example.to_owned() });
    }

    /// The keys and the problems, these in the order of the file.
    pub fn into_parts(self) -> (Vec<Key>, Vec<Problem>) {
        let mut problems = self.problems.into_inner();
        problems.sort();
        problems.dedup();
        (self.keys.into_inner(), problems)
    }
}

/// A table that is being read. A key is taken out when it is asked for; what is left at the end is unknown.
pub(super) struct Fields<'r> {
    report: &'r Report,
    path: String,
    at: Place,
    left: Table,
    asked: Vec<String>,
}

impl<'r> Fields<'r> {
    pub fn new(report: &'r Report, path: String, at: Place, table: Table) -> Self {
        Self { report, path, at, left: table, asked: Vec::new() }
    }

    /// The path of one of its keys.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Whether a key is there that was not asked for yet.
    pub fn has(&self, key: &str) -> bool {
        self.left.iter().any(|(name, _)| name == key)
    }

    /// The keys that were not asked for yet.
    pub fn names(&self) -> Vec<String> {
        self.left.iter().map(|(name, _)| name.clone()).collect()
    }

    fn take(&mut self, key: &str) -> Option<Node> {
        self.asked.push(key.to_owned());
        let at = self.left.iter().position(|(name, _)| name == key)?;
        Some(self.left.remove(at).1)
    }

    fn add(&self, at: Place, key: &str, what: &str, example: &str) {
        let (key, what, example) = (self.path_of(key), what.to_owned(), example.to_owned());
        self.report.add(Problem { at, key, what, example });
    }

    /// Notes a problem of a key that is missing or was read before.
    pub fn problem(&self, key: &str, what: &str, example: &str) {
        let path = self.path_of(key);
        let written = self.report.keys.borrow().iter().rev().find(|known| known.path == path).cloned();
        self.add(written.and_then(|known| known.at).unwrap_or_else(|| self.at.clone()), key, what, example);
    }

    /// A key that may be missing. `example`: a value that would be right, as a file writes it.
    pub fn optional<T>(
        &mut self,
        key: &str,
        example: &str,
        convert: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let node = self.take(key)?;
        match convert(&node.value) {
            Ok(value) => {
                self.report.understood(self.path_of(key), &node);
                Some(value)
            }
            Err(what) => {
                self.add(node.at, key, &what, &format!("{key} = {example}"));
                None
            }
        }
    }

    /// A key that must be there.
    pub fn required<T>(
        &mut self,
        key: &str,
        example: &str,
        convert: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.asked.push(key.to_owned());
            self.add(self.at.clone(), key, "is missing", &format!("{key} = {example}"));
            return None;
        }
        self.optional(key, example, convert)
    }

    /// A key with a default, which is also its example.
    pub fn defaulted<T>(
        &mut self,
        key: &str,
        default: &Value,
        convert: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<T> {
        if self.has(key) {
            return self.optional(key, &default.written(), convert);
        }
        self.asked.push(key.to_owned());
        self.report.keys.borrow_mut().push(Key { path: self.path_of(key), value: default.written(), at: None });
        convert(default).ok()
    }

    /// A key that has a meaning which this version does not know, such as one of an older file: it would do nothing, so it
    /// is a problem. `why` it would, and a line that can stand in its place.
    pub fn unknown(&mut self, key: &str, why: &str, instead: &str) {
        if let Some(at) = self.left.iter().position(|(name, _)| name == key) {
            let (_, node) = self.left.remove(at);
            self.add(node.at, key, &format!("this version does not know it: {why}"), instead);
        }
    }

    /// A table that may be missing.
    pub fn table(&mut self, key: &str) -> Option<Fields<'r>> {
        let node = self.take(key)?;
        if let Value::Table(table) = node.value {
            Some(Fields::new(self.report, self.path_of(key), node.at, table))
        } else {
            self.add(node.at, key, "must be a table", &format!("[{}]", self.path_of(key)));
            None
        }
    }

    /// A table that is not written, so that its keys have their defaults.
    pub fn empty(&self, key: &str) -> Fields<'r> {
        Fields::new(self.report, self.path_of(key), self.at.clone(), Table::new())
    }

    /// A table that must be there.
    pub fn required_table(&mut self, key: &str) -> Option<Fields<'r>> {
        if !self.has(key) {
            self.asked.push(key.to_owned());
            self.add(self.at.clone(), key, "is missing", &format!("[{}]", self.path_of(key)));
        }
        self.table(key)
    }

    /// The entries of a list of tables, which may be missing. Each is called by its `identity` where it has one.
    pub fn list(&mut self, key: &str, identity: &str) -> Vec<Fields<'r>> {
        let Some(node) = self.take(key) else { return Vec::new() };
        if node.value.tables().is_none() {
            self.add(node.at, key, "must be a list of tables", &format!("[[{key}]]"));
            return Vec::new();
        }
        let Value::List(entries) = node.value else { return Vec::new() };
        let entry = |(index, node): (usize, Node)| {
            let name = match node.value.get(identity).map(|id| &id.value) {
                Some(Value::Text(id)) => id.clone(),
                Some(Value::Date(day)) => day.to_string(),
                _ => (index + 1).to_string(),
            };
            let Value::Table(table) = node.value else { return None };
            Some(Fields::new(self.report, format!("{}[{name}]", self.path_of(key)), node.at, table))
        };
        entries.into_iter().enumerate().filter_map(entry).collect()
    }

    /// Leaves the rest of the table unread, because it cannot be told what it should be.
    pub fn abandon(mut self) {
        self.left.clear();
    }

    /// Every key that nobody asked for is a problem.
    pub fn finish(self) {
        let known = || format!("one of {}", self.asked.join(", "));
        for (key, node) in &self.left {
            self.add(node.at.clone(), key, "there is no such key", &known());
        }
    }
}
