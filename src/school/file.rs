//! A file in TOML as a tree whose nodes know where they stand, so that every problem can name its line, also after two
//! files were merged.

use std::sync::Arc;

use chrono::NaiveDate;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub at: Place,
    pub value: Value,
}

/// A table: keys and values in the order of the file.
pub(super) type Table = Vec<(String, Node)>;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Decimal(f64),
    Flag(bool),
    Date(NaiveDate),
    /// A number or time that no key of a profile takes, as it is written.
    Other(String),
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    /// The elements, if this is a list of tables.
    pub fn tables(&self) -> Option<impl Iterator<Item = &Node>> {
        match self {
            Self::List(nodes) if nodes.iter().all(|node| matches!(node.value, Self::Table(_))) => Some(nodes.iter()),
            _ => None,
        }
    }

    /// The value of `key`, if this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Self::Table(table) => table.iter().find_map(|(name, node)| (name == key).then_some(node)),
            _ => None,
        }
    }

    /// The value as a file would write it, in one line.
    pub fn written(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(", ");
        match self {
            Self::Text(text) if text.contains('\\') && !text.contains('\'') => format!("'{text}'"),
            Self::Text(text) => format!("{text:?}"),
            Self::Whole(number) => number.to_string(),
            Self::Decimal(number) => format!("{number:?}"),
            Self::Flag(flag) => flag.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Other(text) => text.clone(),
            Self::List(nodes) => format!("[{}]", joined(nodes.iter().map(|node| node.value.written()).collect())),
            Self::Table(table) => {
                let pair = |(key, node): &(String, Node)| format!("{key:?} = {}", node.value.written());
                format!("{{ {} }}", joined(table.iter().map(pair).collect()))
            }
        }
    }
}

/// Reads `text`. `name` is what problems call the file.
pub(super) fn parse(name: &str, text: &str) -> Result<Node, Vec<Problem>> {
    let lines = Lines::new(name, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(Node { at: lines.whole(), value: Value::Table(lines.table(table.into_inner())) });
    }
    // The message only: the parser's own report repeats the line, and with it what may be a secret.
    let problem = |error: toml::de::Error| Problem {
        at: error.span().map_or_else(|| lines.whole(), |span| lines.at(span.start)),
        key: String::new(),
        what: format!("is no TOML: {}", error.message()),
        example: String::new(),
    };
    Err(errors.into_iter().map(problem).collect())
}

/// Finds the lines of a text.
struct Lines {
    file: Arc<str>,
    /// Where each line begins, in bytes.
    begins: Vec<usize>,
}

impl Lines {
    fn new(name: &str, text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter_map(|(at, byte)| (byte == b'\n').then_some(at + 1));
        Self { file: name.into(), begins: std::iter::once(0).chain(breaks).collect() }
    }

    fn whole(&self) -> Place {
        Place { file: Arc::clone(&self.file), line: None }
    }

    fn at(&self, byte: usize) -> Place {
        let line = self.begins.partition_point(|begin| *begin <= byte);
        Place { file: Arc::clone(&self.file), line: Some(line) }
    }

    fn table(&self, table: DeTable<'_>) -> Table {
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (toml::Spanned<_>, toml::Spanned<DeValue<'_>>)| {
            let at = self.at(key.span().start);
            let key: std::borrow::Cow<'_, str> = key.into_inner();
            (key.into_owned(), Node { at, value: self.value(value.into_inner()) })
        };
        entries.into_iter().map(entry).collect()
    }

    fn value(&self, value: DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| Value::Other(number.as_str().to_owned()), Value::Whole),
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(finite) if finite.is_finite() => Value::Decimal(finite),
                _ => Value::Other(number.as_str().to_owned()),
            },
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(moment) => {
                let written = moment.to_string();
                written.parse().map_or(Value::Other(written), Value::Date)
            }
            DeValue::Array(values) => {
                let node = |value: toml::Spanned<DeValue<'_>>| Node {
                    at: self.at(value.span().start),
                    value: self.value(value.into_inner()),
                };
                Value::List(values.into_iter().map(node).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(node: &Node) -> usize {
        node.at.line.unwrap()
    }

    #[test]
    fn every_key_and_every_element_knows_its_line() {
        let text = "# a profile\n[school]\nid = \"x\"\n\n[[times]]\nid = \"all\"\nsections = [\n  \"a\",\n  \"b\",\n]\n[[times]]\nid = \"more\"\n[times.deep]\nkey = 1\n";
        let root = parse("x.toml", text).unwrap();
        let school = root.value.get("school").unwrap();
        assert_eq!((line(school), line(school.value.get("id").unwrap())), (2, 3));
        let times: Vec<_> = root.value.get("times").unwrap().value.tables().unwrap().collect();
        assert_eq!(times.iter().map(|node| line(node)).collect::<Vec<_>>(), [5, 11]);
        let Value::List(sections) = &times[0].value.get("sections").unwrap().value else { panic!() };
        assert_eq!(sections.iter().map(line).collect::<Vec<_>>(), [8, 9]);
        assert_eq!(line(times[1].value.get("deep").unwrap().value.get("key").unwrap()), 14);
    }

    #[test]
    fn every_error_of_the_notation_is_named_without_the_text_of_its_line() {
        let text = "[school]\nid = \nname = \"hunter2\nlist = [1,\n";
        let problems = parse("x.toml", text).unwrap_err();
        assert!(problems.iter().any(|problem| problem.at.to_string() == "x.toml:2"), "{problems:?}");
        assert!(problems.iter().any(|problem| problem.at.to_string() == "x.toml:3"), "{problems:?}");
        assert!(problems.iter().all(|problem| !problem.to_string().contains("hunter2")), "{problems:?}");
    }

    #[test]
    fn values_are_written_as_a_file_would_have_them() {
        let text = "a = 'x\\d'\nb = \"南\"\nc = [1, 2.5, true]\nd = 2026-11-27\ne = { f = \"g\" }\nh = 12:00:00\n";
        let root = parse("x.toml", text).unwrap();
        let written = ["a", "b", "c", "d", "e", "h"].map(|key| root.value.get(key).unwrap().value.written());
        assert_eq!(written, ["'x\\d'", "\"南\"", "[1, 2.5, true]", "2026-11-27", "{ \"f\" = \"g\" }", "12:00:00"]);
    }
}
