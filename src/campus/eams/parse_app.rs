//! The answers that the mobile app gets (`app-ws`): JSON in Base64 in an envelope of JSON. The app logs in over plain HTTP
//! with the password in Base64, so no client does as it does; `wehpu-engine parse` reads saved answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{NaiveDate, NaiveTime};
use serde::Serialize;
use serde_json::Value;

use super::parse_table::limited;
use super::signals::instead;
use crate::campus::page::dom::Page;
use crate::campus::page::{PageError, clean, refusal_of_login};
use crate::model::academic::{Exam, ExamState, Grade, TermEntry};

/// Name of these answers on the command line and in errors.
const PAGE: &str = "eams-app";

/// Code of an answer that is one; every other is an error, also that of a token that is over.
const DONE: &str = "00000";

/// Value of grade points that the school hides.
const HIDDEN: &str = "999.0";

/// Longest text that is kept of a value, in characters.
const MAX_TEXT: usize = 200;

/// What an answer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AppAnswer {
    /// A login that worked. Its token is not kept.
    #[serde(rename_all = "camelCase")]
    Login {
        /// Always true.
        logged_in: bool,
    },
    /// The terms.
    Terms(Vec<TermEntry>),
    /// The meetings of a week.
    Meetings(Vec<AppMeeting>),
    /// The marks of all terms.
    Scores(Vec<Grade>),
    /// The examinations of a term.
    Exams(Vec<Exam>),
    /// A list of nothing, which does not tell of what.
    Nothing([u8; 0]),
}

/// A course on a day. The app asks for the table of a week, and gets an entry for each time that a course takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppMeeting {
    /// Name of the course.
    pub name: String,
    /// Day, as `2024-10-21`.
    pub date: String,
    /// Begin, local time, as `08:00`.
    pub begin: String,
    /// End, local time, as `09:50`.
    pub end: String,
    /// The rooms, as the system writes them.
    pub rooms: Vec<String>,
}

/// Reads an answer, whichever it is.
pub fn parse_app(text: &str) -> Result<AppAnswer, PageError> {
    let envelope = match serde_json::from_str(text) {
        Ok(Value::Object(envelope)) => Value::Object(envelope),
        _ => return Err(instead(&Page::parse(text)?, PAGE, "the envelope")),
    };
    match envelope["err_code"].as_str() {
        Some(DONE) => {}
        Some(_) => return Err(refusal_of_login(&field(&envelope, "err_msg"))),
        None => return Err(missing("err_code")),
    }
    let data = match &envelope["business_data"] {
        Value::String(data) => opened(data).ok_or_else(|| missing("business_data"))?,
        _ => return Err(missing("business_data")),
    };
    match &data {
        Value::Array(rows) => list(rows),
        Value::Object(_) if data["token"].is_string() => Ok(AppAnswer::Login { logged_in: true }),
        Value::Object(_) => match &data["semester_lessons"] {
            Value::Array(terms) => scores(terms),
            _ => Err(missing("token or semester_lessons")),
        },
        _ => Err(missing("data of a known kind")),
    }
}

fn missing(missing: &'static str) -> PageError {
    PageError::Changed { page: PAGE, missing }
}

/// The JSON in a text in Base64, which may have line breaks.
fn opened(data: &str) -> Option<Value> {
    let data: String = data.split_whitespace().collect();
    serde_json::from_slice(&STANDARD.decode(data).ok()?).ok()
}

/// A list, by the keys of its rows.
fn list(rows: &[Value]) -> Result<AppAnswer, PageError> {
    let have = |key: &str| rows.iter().all(|row| row.get(key).is_some());
    if rows.is_empty() {
        Ok(AppAnswer::Nothing([]))
    } else if have("start_time") {
        rows.iter().map(meeting).collect::<Option<_>>().map(AppAnswer::Meetings).ok_or_else(|| missing("a meeting"))
    } else if have("time_start") {
        rows.iter().map(exam).collect::<Option<_>>().map(AppAnswer::Exams).ok_or_else(|| missing("an examination"))
    } else if have("code") {
        rows.iter().map(term).collect::<Option<_>>().map(AppAnswer::Terms).ok_or_else(|| missing("a term"))
    } else {
        Err(missing("a list of a known kind"))
    }
}

fn term(row: &Value) -> Option<TermEntry> {
    Some(TermEntry { label: filled(row, "code")?, system_id: filled(row, "id")?, current: false })
}

fn meeting(row: &Value) -> Option<AppMeeting> {
    let (begin, end) = (time(row, "start_time")?, time(row, "end_time")?);
    let rooms = row["rooms"].as_array()?.iter().map(|room| filled(room, "address")).collect::<Option<_>>()?;
    let clock = |time: NaiveTime| time.format("%H:%M").to_string();
    (begin < end).then_some(AppMeeting {
        name: filled(row, "course_name")?,
        date: date(row)?.to_string(),
        begin: clock(begin),
        end: clock(end),
        rooms,
    })
}

/// An examination; without a time it is one that is not set yet.
fn exam(row: &Value) -> Option<Exam> {
    let (date, begin, end) = (date(row), time(row, "time_start"), time(row, "time_end"));
    let is_set = date.is_some() && begin.is_some() && begin < end;
    Some(Exam {
        name: filled(row, "course_name")?,
        kind: field(row, "exam_type_name"),
        date,
        begin,
        end,
        room: field(row, "place_name"),
        state: if is_set { ExamState::Set } else { ExamState::Unset },
        ..Exam::default()
    })
}

fn scores(terms: &[Value]) -> Result<AppAnswer, PageError> {
    let mut grades = Vec::new();
    for term in terms {
        let (label, rows) = (filled(term, "code"), term["lessons"].as_array());
        let (label, rows) = label.zip(rows).ok_or_else(|| missing("a term with its lessons"))?;
        for row in rows {
            grades.push(grade(&label, row).ok_or_else(|| missing("a mark"))?);
        }
    }
    Ok(AppAnswer::Scores(grades))
}

fn grade(term: &str, row: &Value) -> Option<Grade> {
    let part = |part: &Value| Some((filled(part, "type")?, filled(part, "score_text")?));
    let parts = row["exam_grades"].as_array().into_iter().flatten().filter_map(part).collect();
    Some(Grade {
        term: term.to_owned(),
        code: field(row, "course_code"),
        lesson: field(row, "code"),
        name: filled(row, "course_name")?,
        credit: field(row, "course_credit"),
        mark: row.get("score_text").map(|_| field(row, "score_text"))?,
        points: Some(field(row, "course_gp")).filter(|points| points != HIDDEN).unwrap_or_default(),
        parts,
        ..Grade::default()
    })
}

/// The value of a key as one clean line; empty where it is missing.
fn field(row: &Value, key: &str) -> String {
    match &row[key] {
        Value::String(text) => limited(&clean(text), MAX_TEXT),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The value of a key that must have one.
fn filled(row: &Value, key: &str) -> Option<String> {
    Some(field(row, key)).filter(|text| !text.is_empty())
}

fn date(row: &Value) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(&field(row, "date"), "%Y-%m-%d").ok()
}

fn time(row: &Value, key: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(&field(row, key), "%H:%M").ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};
    use crate::campus::page::{Layer, Said};

    fn read(name: &str) -> Result<AppAnswer, PageError> {
        parse_app(&fixture(name))
    }

    fn sealed(data: &Value) -> Result<AppAnswer, PageError> {
        let data = STANDARD.encode(data.to_string());
        parse_app(&json!({ "err_code": "00000", "err_msg": "", "business_data": data }).to_string())
    }

    fn changed(answer: &Result<AppAnswer, PageError>) -> &'static str {
        match answer {
            Err(PageError::Changed { page: "eams-app", missing }) => missing,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_login_is_told_without_its_token() {
        let answer = read("eams/app-login.json").unwrap();
        assert_eq!(json!(answer), json!({ "loggedIn": true }));
    }

    #[test]
    fn terms_are_read_by_their_labels() {
        let told = json!(read("eams/app-terms.json").unwrap());
        assert_eq!(told[0], json!({ "label": "2024-2025-1", "systemId": "184", "current": false }));
        assert_eq!(told[1]["systemId"], "164");
    }

    #[test]
    fn each_meeting_has_its_day_its_times_and_its_rooms() {
        let told = json!(read("eams/app-table.json").unwrap());
        let first = json!({
            "name": "高等数学A(一),下", "date": "2024-10-21", "begin": "08:00", "end": "09:50", "rooms": ["3103"],
        });
        assert_eq!(told[0], first);
        assert_eq!((&told[1]["rooms"], &told[2]["rooms"]), (&json!([]), &json!(["田径场", "体育馆"])));
    }

    #[test]
    fn marks_of_all_terms_are_read_and_what_is_hidden_is_empty() {
        let AppAnswer::Scores(grades) = read("eams/app-score.json").unwrap() else { panic!("scores") };
        let mathematics = Grade {
            term: "2024-2025-1".to_owned(),
            code: "990015010".to_owned(),
            lesson: "990015010.001".to_owned(),
            name: "高等数学A(一),下".to_owned(),
            credit: "5.5".to_owned(),
            mark: "78".to_owned(),
            points: "2.8".to_owned(),
            parts: vec![("总评成绩".to_owned(), "78".to_owned())],
            ..Grade::default()
        };
        assert_eq!(grades[0], mathematics);
        assert_eq!((grades[1].mark.as_str(), grades[1].points.as_str()), ("良好", ""));
        assert_eq!((grades[2].term.as_str(), grades[2].parts.len()), ("2023-2024-2", 2));
    }

    #[test]
    fn examinations_have_a_time_or_are_not_set() {
        let told = json!(read("eams/app-exam.json").unwrap());
        let of = |exam: usize, keys: [&str; 3]| keys.map(|key| told[exam][key].clone());
        assert_eq!(of(0, ["begin", "room", "state"]), [json!("14:00"), json!("3103"), json!("set")]);
        assert_eq!(of(1, ["date", "begin", "state"]), [Value::Null, Value::Null, json!("unset")]);
    }

    #[test]
    fn an_empty_list_is_one_and_a_list_of_something_else_is_not() {
        assert_eq!(read("eams/app-none.json"), Ok(AppAnswer::Nothing([])));
        assert_eq!(changed(&sealed(&json!([{ "name": "x" }]))), "a list of a known kind");
        assert_eq!(changed(&sealed(&json!([{ "id": 1, "code": "" }]))), "a term");
        assert_eq!(changed(&sealed(&json!([{ "start_time": "8", "end_time": "9" }]))), "a meeting");
        assert_eq!(changed(&sealed(&json!([{ "time_start": "" }]))), "an examination");
        assert_eq!(changed(&sealed(&json!({ "semester_lessons": [{ "code": "a" }] }))), "a term with its lessons");
        assert_eq!(changed(&sealed(&json!({}))), "token or semester_lessons");
        assert_eq!(changed(&sealed(&json!(1))), "data of a known kind");
    }

    #[test]
    fn another_code_is_an_error_with_its_words() {
        assert_eq!(read("eams/app-refused.json"), Err(PageError::WrongPassword(Said::new("用户名或密码错误"))));
        let other = r#"{"err_code":"50000","err_msg":"请重新登录","business_data":"W10="}"#;
        assert_eq!(parse_app(other), Err(PageError::Unknown(Said::new("请重新登录"))));
        assert_eq!(changed(&parse_app("{}")), "err_code");
        assert_eq!(changed(&parse_app(r#"{"err_code":"00000","business_data":"?"}"#)), "business_data");
    }

    #[test]
    fn other_pages_are_told_apart() {
        assert_eq!(read("eams/login.html"), Err(PageError::SessionExpired(Layer::Eams)));
        assert_eq!(read("eams/too-fast.html"), Err(PageError::TooFast));
        assert_eq!(read("maintenance.gbk.html"), Err(PageError::Maintenance));
        assert!(matches!(read("garbage.html"), Err(PageError::Changed { .. })));
    }

    proptest! {
        #[test]
        fn mutilated_marks_are_marks_or_an_error(text in mutilated("eams/app-score.json")) {
            if let Ok(AppAnswer::Scores(grades)) = parse_app(&text) {
                prop_assert!(!grades.is_empty() && grades.iter().all(|grade| !grade.name.is_empty()));
            }
        }

        #[test]
        fn a_mutilated_table_is_a_table_or_an_error(text in mutilated("eams/app-table.json")) {
            if let Ok(AppAnswer::Meetings(meetings)) = parse_app(&text) {
                prop_assert!(!meetings.is_empty() && meetings.iter().all(|meeting| meeting.begin < meeting.end));
            }
        }
    }
}
