//! Rows of the JSON answers, and lists that come page by page.

use serde_json::{Map, Value};

use super::signals::json_of;
use crate::campus::page::pager::Pager;
use crate::campus::page::{Leaf, PageError, clean};

/// Longest text that is kept of a value, in characters.
const MAX_TEXT: usize = 200;

/// An object of an answer. Its values are texts or numbers; a value that is missing or `null` is an empty text.
#[derive(Clone, Copy)]
pub(super) struct Row<'a>(&'a Map<String, Value>);

impl<'a> Row<'a> {
    /// `None` for JSON that is no object.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    /// The value of a key as one clean line.
    pub(super) fn text(self, key: &str) -> String {
        let text = match self.0.get(key) {
            Some(Value::String(text)) => clean(text),
            Some(Value::Number(number)) => number.to_string(),
            _ => return String::new(),
        };
        text.char_indices().nth(MAX_TEXT).map_or(text.as_str(), |(end, _)| &text[..end]).to_owned()
    }

    /// The first of these values that is not empty.
    pub(super) fn first_text(self, keys: &[&str]) -> String {
        keys.iter().map(|key| self.text(key)).find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// The value of a key, empty where it is the word by which the system says that there is none.
    pub(super) fn text_but(self, key: &str, none: &str) -> String {
        let text = self.text(key);
        if text == none { String::new() } else { text }
    }

    /// The names in a value: `钟岚,贺一舟`.
    pub(super) fn names(self, key: &str) -> Vec<String> {
        let text = self.text(key);
        text.split([',', '，', '、', ';', '；'])
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// The rows of a list. `needed`: groups of keys; of each group, at least one row must have one. The system leaves keys
/// out of single rows, but a key that no row has was renamed.
pub(super) fn rows_of<'a>(
    list: &'a Value,
    page: &'static str,
    name: &'static str,
    needed: &[&[&'static str]],
) -> Result<Vec<Row<'a>>, PageError> {
    let missing = |missing| PageError::Changed { page, missing };
    let rows = list.as_array().ok_or_else(|| missing(name))?;
    let rows: Vec<Row<'a>> = rows.iter().map(Row::of).collect::<Option<_>>().ok_or_else(|| missing(name))?;
    let renamed = needed.iter().find(|keys| !rows.iter().any(|row| keys.iter().any(|key| row.0.contains_key(*key))));
    match renamed.and_then(|keys| keys.first()) {
        Some(&key) if !rows.is_empty() => Err(missing(key)),
        _ => Ok(rows),
    }
}

/// One page of a list: `{"items":[…],"totalResult":51,"totalPage":1}`. `number`: which page was asked for, from 1.
///
/// A list that says how many rows it has, and shows none of them, is no empty list.
pub(super) fn leaf_of<T>(
    body: &str,
    page: &'static str,
    number: u32,
    needed: &[&[&'static str]],
    read: impl FnMut(Row<'_>) -> T,
) -> Result<Leaf<T, u32>, PageError> {
    let answer = json_of(body, page)?;
    let rows = rows_of(&answer["items"], page, "items", needed)?;
    let count = |key| Row::of(&answer).and_then(|answer| answer.text(key).parse::<u32>().ok());
    let (total, pages) = (count("totalResult"), count("totalPage"));
    let should_have_rows = number == 1 || pages.is_some_and(|pages| number <= pages);
    if rows.is_empty() && should_have_rows && total.is_some_and(|total| total > 0) {
        return Err(PageError::Changed { page, missing: "the rows of items" });
    }
    let total = total.map(|total| total as usize);
    let seen = rows.len() * number as usize;
    let goes_on = match pages {
        Some(pages) => number < pages,
        None => !rows.is_empty() && total.is_some_and(|total| seen < total),
    };
    let place = pages.filter(|pages| (1..=*pages).contains(&number)).map(|pages| Pager { page: number, pages });
    let next = goes_on.then(|| number + 1);
    Ok(Leaf { rows: rows.into_iter().map(read).collect(), pager: place, total, next })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn leaf(answer: &Value, number: u32) -> Result<Leaf<String, u32>, PageError> {
        leaf_of(&answer.to_string(), "zf-score", number, &[&["a", "b"]], |row| row.text("a"))
    }

    fn missing(answer: &Value) -> &'static str {
        match leaf(answer, 1) {
            Err(PageError::Changed { missing, .. }) => missing,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_are_texts_whatever_they_came_as() {
        let value = json!({"a": " 电工\u{a0}技术 ", "b": 3.5, "c": null, "d": "*", "e": "钟岚， 贺一舟,,", "f": "长".repeat(300)});
        let row = Row::of(&value).unwrap();
        assert_eq!(["a", "b", "c", "x"].map(|key| row.text(key)), ["电工 技术", "3.5", "", ""]);
        assert_eq!((row.text_but("d", "*"), row.text_but("a", "*")), (String::new(), "电工 技术".to_owned()));
        assert_eq!(row.names("e"), ["钟岚", "贺一舟"]);
        assert_eq!(row.first_text(&["x", "c", "b"]), "3.5");
        assert_eq!(row.text("f").chars().count(), MAX_TEXT);
    }

    #[test]
    fn a_page_says_what_follows_and_how_many_rows_there_are() {
        let first = leaf(&json!({"items": [{"a": "1"}, {"b": 2}], "totalResult": 3, "totalPage": "2"}), 1).unwrap();
        assert_eq!((first.rows.len(), first.total, first.next), (2, Some(3), Some(2)));
        assert_eq!(first.pager, Some(Pager { page: 1, pages: 2 }));
        let last = leaf(&json!({"items": [{"a": "3"}], "totalResult": 3, "totalPage": 2}), 2).unwrap();
        assert_eq!((last.next, last.pager), (None, Some(Pager { page: 2, pages: 2 })));
    }

    #[test]
    fn without_a_number_of_pages_the_number_of_rows_decides() {
        let page = |rows: usize| json!({"items": vec![json!({"a": "1"}); rows], "totalResult": "5"});
        assert_eq!(leaf(&page(3), 1).unwrap().next, Some(2));
        assert_eq!(leaf(&page(5), 1).unwrap().next, None);
        assert_eq!(leaf(&page(0), 2).unwrap().next, None);
        assert_eq!(leaf(&json!({"items": [{"a": ""}]}), 1).unwrap().next, None);
    }

    #[test]
    fn an_empty_list_is_empty_and_a_list_without_its_rows_is_changed() {
        for none in [json!({"items": []}), json!({"items": [], "totalResult": 0, "totalPage": 0})] {
            assert_eq!(leaf(&none, 1).unwrap().rows, Vec::<String>::new());
        }
        assert_eq!(missing(&json!({"rows": []})), "items");
        assert_eq!(missing(&json!({"items": null})), "items");
        assert_eq!(missing(&json!({"items": ["a"]})), "items");
        assert_eq!(missing(&json!([])), "items");
        assert_eq!(missing(&json!({"items": [], "totalResult": 51})), "the rows of items");
        assert_eq!(missing(&json!({"items": [{"c": "1"}]})), "a");
    }
}
