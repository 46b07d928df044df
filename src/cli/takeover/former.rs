//! Reads course tables and scores as the old service stored them, which is how it answered them. Pure.
//!
//! Several of its versions wrote these documents, so each part is read as far as possible: a number may be a text, a
//! list of weeks a single week, and what is missing is empty.

use serde_json::{Value, json};

use crate::model::{ClassHour, CourseTable, ScoreRow, WeekSpan};

/// The days of a table, Monday first, then the list without a day.
const DAYS: [&str; 8] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "oth"];

/// Largest week of a term, and largest lesson of a day.
const MAX_WEEK: u8 = 60;
const MAX_LESSON: u8 = 20;

/// Number of colours for courses.
const COLOURS: usize = 5;

/// Fields of a score.
const SCORE: [&str; 7] = ["number", "name", "highest", "lowest", "average", "mark", "rank"];

/// The stored table: lists of class hours by day, one list of all, or the JSON text of either. `None` when it has no
/// class hour.
pub(super) fn course_table(stored: &Value) -> Option<CourseTable> {
    let mut hours: Vec<ClassHour> = match unquoted(stored)? {
        Value::Array(list) => list.iter().filter_map(|value| hour(value, None)).collect(),
        Value::Object(days) => {
            let of_day = |(at, day): (usize, &&str)| {
                let weekday = u8::try_from(at + 1).ok().filter(|day| *day <= 7);
                let list = days.get(*day).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                list.iter().filter_map(move |value| hour(value, weekday)).collect::<Vec<_>>()
            };
            DAYS.iter().enumerate().flat_map(of_day).collect()
        }
        _ => return None,
    };
    let mut names: Vec<String> = Vec::new();
    for hour in &mut hours {
        let at = names.iter().position(|name| *name == hour.name).unwrap_or(names.len());
        if at == names.len() {
            names.push(hour.name.clone());
        }
        if hour.rel == 0 {
            hour.rel = u8::try_from(at % COLOURS + 1).unwrap_or(1);
        }
    }
    (!hours.is_empty()).then(|| CourseTable::from(hours))
}

/// The stored scores; `None` when there are none.
pub(super) fn scores(stored: &Value) -> Option<Vec<ScoreRow>> {
    let Value::Array(list) = unquoted(stored)? else { return None };
    let rows: Vec<ScoreRow> = list.iter().filter_map(score).collect();
    (!rows.is_empty()).then_some(rows)
}

/// A value, or its text parsed as JSON.
fn unquoted(stored: &Value) -> Option<Value> {
    match stored {
        Value::String(text) => serde_json::from_str(text).ok(),
        other => Some(other.clone()),
    }
}

/// A class hour, on `day` unless it names another; `None` without the name of its course.
fn hour(value: &Value, day: Option<u8>) -> Option<ClassHour> {
    let name = text(&value["name"]);
    let weekly = value["weekly"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rel = whole(&value["rel"]).filter(|rel| (1..=COLOURS).contains(&usize::from(*rel)));
    (!name.is_empty()).then(|| ClassHour {
        name,
        place: text(&value["place"]),
        time: lessons(&text(&value["time"])),
        week: whole(&value["week"]).filter(|day| (1..=7).contains(day)).or(day),
        weekly: weekly.iter().filter_map(weeks).collect(),
        teacher: text(&value["teacher"]),
        rel: rel.unwrap_or_default(),
        sections: None,
        key: None,
        campus: None,
        clock: None,
    })
}

/// `time` if it looks like `1-2`, else an empty text.
fn lessons(time: &str) -> String {
    let lesson = |text: &str| text.parse::<u8>().is_ok_and(|lesson| (1..=MAX_LESSON).contains(&lesson));
    let known = time.split_once('-').is_some_and(|(first, last)| lesson(first) && lesson(last));
    if known { time.to_owned() } else { String::new() }
}

/// `[6, 12]`, `[1]` or `1`.
fn weeks(value: &Value) -> Option<WeekSpan> {
    let week = |value: &Value| whole(value).filter(|week| (1..=MAX_WEEK).contains(week));
    match value.as_array().map(Vec::as_slice) {
        None => week(value).map(WeekSpan::Single),
        Some([one]) => week(one).map(WeekSpan::Single),
        Some([first, last]) => {
            let (first, last) = (week(first)?, week(last)?);
            (first <= last).then_some(WeekSpan::Range(first, last))
        }
        Some(_) => None,
    }
}

/// A score; `None` without the name of its course.
fn score(value: &Value) -> Option<ScoreRow> {
    let fields = SCORE.iter().map(|field| ((*field).to_owned(), json!(text(&value[*field]))));
    let row: ScoreRow = serde_json::from_value(Value::Object(fields.collect())).ok()?;
    (!row.score.name.is_empty()).then_some(row)
}

/// A text, or a number as text, trimmed.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A small integer, also written as text or as `6.0`.
fn whole(value: &Value) -> Option<u8> {
    let text = text(value);
    text.strip_suffix(".0").unwrap_or(&text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored_hour() -> Value {
        json!({ "name": "大学物理", "place": "1教1304", "time": "5-6", "week": 3, "weekly": [[6, 12], [14]], "teacher": "丁四", "rel": 2 })
    }

    #[test]
    fn a_table_of_the_old_service_is_read_whole_and_answered_as_it_was() {
        let unscheduled = json!({ "name": "创业基础", "place": "", "time": "", "week": "", "weekly": "", "teacher": "杨静宁", "rel": 3 });
        let table = json!({
            "mon": [], "tue": [], "wed": [stored_hour()], "thu": [], "fri": [], "sat": [], "sun": [], "oth": [unscheduled],
        });
        let read = course_table(&table).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), table);
        assert_eq!(course_table(&json!(table.to_string())), Some(read), "as JSON text");
    }

    #[test]
    fn a_list_of_class_hours_becomes_a_week_with_colours() {
        let mut hour = stored_hour();
        hour.as_object_mut().unwrap().remove("rel");
        let read = course_table(&json!([hour, hour])).unwrap();
        assert_eq!((read.wed.len(), read.wed[0].rel, read.wed[1].rel), (2, 1, 1));
    }

    #[test]
    fn what_a_class_hour_does_not_say_is_empty() {
        let odd = json!({
            "name": " 实习 ", "time": "13", "week": { "$numberDouble": "NaN" },
            "weekly": [[{ "$numberDouble": "NaN" }], ["6", 12.0], [9, 3], [1, 2, 3], 4, [200]],
        });
        let read = course_table(&json!({ "fri": [odd, { "place": "1教" }, null] })).unwrap();
        assert_eq!(read.fri.len(), 1, "without a name it is no hour");
        let hour = &read.fri[0];
        assert_eq!((hour.name.as_str(), hour.time.as_str(), hour.week), ("实习", "", Some(5)));
        assert_eq!(hour.weekly, [WeekSpan::Range(6, 12), WeekSpan::Single(4)]);
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        for nothing in
            [json!(null), json!("[]"), json!([]), json!({ "mon": [] }), json!("no json"), json!(3), json!([[]])]
        {
            assert_eq!(course_table(&nothing), None, "{nothing}");
            assert_eq!(scores(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn scores_of_the_old_service_are_read_with_numbers_as_texts() {
        let stored = json!([
            { "number": "060001", "name": "高等数学", "highest": "100", "lowest": 31, "average": 71.5, "mark": "中等", "rank": "12" },
            { "number": "060002" },
        ]);
        let read = scores(&stored).unwrap();
        assert_eq!(read.len(), 1, "without a name it is no score");
        let score = &read[0].score;
        assert_eq!((score.lowest.as_str(), score.average.as_str(), score.mark.as_str()), ("31", "71.5", "中等"));
        assert_eq!(read[0].serial, "");
    }
}
