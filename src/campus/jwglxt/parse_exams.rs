//! The examinations of a student (`kscx_cxXsksxxIndex.html`), page by page, and the names under which a term's are
//! announced (`common_cxKsmcByXnxq.html`). So far only the command `parse` reads them.

use chrono::{NaiveDate, NaiveTime};

use super::rows::{Row, leaf_of, rows_of};
use super::signals::json_of;
use super::terms::query_of;
use crate::campus::page::{Leaf, PageError, Reading, Said, UnreadCell};
use crate::model::academic::{Exam, ExamBatch, ExamState};

/// Name of both answers on the command line and in errors.
const PAGE: &str = "zf-exam";

/// What stands for a place that is not told.
const NOTHING: &str = "*";

/// Length of the label of a term, in bytes: `2026-2027-1`.
const LABEL: usize = 11;

/// Reads the names of the examinations of a term, with what requests call them (`ksmcdmb_id`). A term without
/// examinations has none; which one is current is not told.
pub fn parse_exam_names(body: &str) -> Result<Vec<ExamBatch>, PageError> {
    let answer = json_of(body, PAGE)?;
    let rows = rows_of(&answer, PAGE, "the list of names", &[&["KSMCDMB_ID"], &["KSMC"]])?;
    let names = rows.into_iter().map(|row| {
        let batch = ExamBatch { system_id: row.text("KSMCDMB_ID"), name: row.text("KSMC"), current: false };
        (!batch.system_id.is_empty() && !batch.name.is_empty()).then_some(batch)
    });
    names.collect::<Option<_>>().ok_or(PageError::Changed { page: PAGE, missing: "a name" })
}

/// Reads one page of the examinations. `number`: which page was asked for, from 1. None announced is an empty list.
///
/// A time that is not understood makes the examination one without a time, and is told as unread. Words in place of a
/// time become part of the note.
pub fn parse_exam_page(body: &str, number: u32) -> Result<Reading<Leaf<Exam, u32>>, PageError> {
    let mut unread = Vec::new();
    let data = leaf_of(body, PAGE, number, &[&["kcmc"], &["kssj"]], |row| exam(row, &mut unread))?;
    Ok(Reading { data, unread })
}

fn exam(row: Row<'_>, unread: &mut Vec<UnreadCell>) -> Exam {
    let (batch, said) = (row.text("ksmc"), row.text_but("kssj", NOTHING));
    let time = time(&said);
    if time.is_none() && said.contains(|c: char| c.is_ascii_digit()) {
        unread.push(UnreadCell { page: PAGE, column: "kssj", text: Said::new(&said) });
    }
    let words = if time.is_none() { said } else { String::new() };
    let note = [words, row.text_but("bz1", NOTHING)].join(" ").trim().to_owned();
    Exam {
        name: row.text("kcmc"),
        code: row.first_text(&["kch", "kch_id"]),
        lesson: row.text("jxb_id"),
        kind: kind(&batch).to_owned(),
        batch,
        date: time.map(|(date, ..)| date),
        begin: time.map(|(_, begin, _)| begin),
        end: time.map(|(.., end)| end),
        campus: row.text_but("cdxqmc", NOTHING),
        // As in the timetable, names of rooms hold the building in ways that differ.
        building: String::new(),
        room: row.text_but("cdmc", NOTHING),
        seat: row.text_but("zwh", NOTHING),
        state: if time.is_some() { ExamState::Set } else { ExamState::Unset },
        note,
    }
}

/// Day, begin and end of `2027-01-16(15:00-17:00)`.
fn time(text: &str) -> Option<(NaiveDate, NaiveTime, NaiveTime)> {
    let (date, times) = text.split_once('(')?;
    let (begin, end) = times.strip_suffix(')')?.split_once('-')?;
    let clock = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
    let date = NaiveDate::parse_from_str(date.trim(), "%Y-%m-%d").ok()?;
    let (begin, end) = (clock(begin)?, clock(end)?);
    (begin < end).then_some((date, begin, end))
}

/// The kind of `2026-2027-1期末考试`: what stands behind the term.
fn kind(batch: &str) -> &str {
    match batch.split_at_checked(LABEL) {
        Some((term, kind)) if query_of(term).is_some() => kind.trim(),
        _ => batch,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn read(body: &str) -> Reading<Leaf<Exam, u32>> {
        parse_exam_page(body, 1).unwrap()
    }

    /// The usual row with these values instead.
    fn one(values: &Value) -> Reading<Leaf<Exam, u32>> {
        let mut row = json!({"kcmc": "测量学", "ksmc": "2026-2027-1期末考试", "kssj": "2027-01-16(15:00-17:00)"});
        for (key, value) in values.as_object().unwrap() {
            row[key] = value.clone();
        }
        read(&json!({"items": [row], "totalResult": 1, "totalPage": 1}).to_string())
    }

    fn day(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(year, month, day)
    }

    fn clock(hour: u32) -> Option<NaiveTime> {
        NaiveTime::from_hms_opt(hour, 0, 0)
    }

    #[test]
    fn every_examination_is_read() {
        let read = read(&fixture("jwglxt/exam.json"));
        assert!(!read.data.is_part());
        assert_eq!(read.unread, []);
        let final_exam = |name: &str, code: &str| Exam {
            name: name.to_owned(),
            code: code.to_owned(),
            kind: "期末考试".to_owned(),
            batch: "2026-2027-1期末考试".to_owned(),
            ..Exam::default()
        };
        let expected = [
            Exam {
                date: day(2027, 1, 16),
                begin: clock(15),
                end: clock(17),
                room: "东区-B103".to_owned(),
                seat: "27".to_owned(),
                state: ExamState::Set,
                ..final_exam("电工技术(2)", "9071330")
            },
            Exam {
                date: day(2027, 1, 18),
                begin: clock(9),
                end: clock(11),
                campus: "西校区".to_owned(),
                room: "西区-2号楼301".to_owned(),
                state: ExamState::Set,
                ..final_exam("工程测量学", "9071410")
            },
            Exam {
                note: "待安排 以学院通知为准".to_owned(), ..final_exam("程序设计实践(24版，", "9071502")
            },
            Exam {
                kind: "补考".to_owned(),
                batch: "2026-2027-1补考".to_owned(),
                date: day(2026, 9, 12),
                begin: clock(19),
                end: clock(21),
                campus: "东校区".to_owned(),
                room: "东区-B207".to_owned(),
                seat: "3".to_owned(),
                state: ExamState::Set,
                ..final_exam("高等数学A(2)", "9070025")
            },
        ];
        assert_eq!(read.data.rows, expected);
    }

    #[test]
    fn an_examination_is_printed_with_its_day_and_hours() {
        let exams = json!(read(&fixture("jwglxt/exam.json")).data.rows);
        let told = |row: usize| ["date", "begin", "end", "state"].map(|key| exams[row][key].clone());
        assert_eq!(told(0), [json!("2027-01-16"), json!("15:00"), json!("17:00"), json!("set")]);
        assert_eq!(told(2), [json!(null), json!(null), json!(null), json!("unset")]);
    }

    #[test]
    fn no_examination_announced_is_an_empty_list() {
        assert_eq!(read(&fixture("jwglxt/exam-empty.json")).data.rows, []);
    }

    #[test]
    fn a_list_without_its_rows_or_their_keys_is_changed_and_never_an_empty_one() {
        let whole = fixture("jwglxt/exam.json");
        for key in ["items", "kcmc", "kssj"] {
            let error = parse_exam_page(&whole.replace(&format!("\"{key}\""), "\"other\""), 1).unwrap_err();
            assert_eq!(error, PageError::Changed { page: PAGE, missing: key });
        }
        for other in ["null", "{}", "[]"] {
            assert!(matches!(parse_exam_page(other, 1), Err(PageError::Changed { .. })), "{other}");
        }
    }

    #[test]
    fn a_time_that_is_not_understood_is_told_and_words_in_its_place_are_a_note() {
        for time in [
            "2027-01-16",
            "2027-01-16(15:00)",
            "2027-01-16(17:00-15:00)",
            "2027-02-30(15:00-17:00)",
            "第18周 周六(15:00-17:00)",
            "2027-01-16(15:00-17:00),2027-01-17(15:00-17:00)",
        ] {
            let read = one(&json!({ "kssj": time }));
            let exam = &read.data.rows[0];
            assert_eq!((exam.state, exam.date, exam.begin, exam.note.as_str()), (ExamState::Unset, None, None, time));
            assert_eq!((read.unread[0].column, read.unread[0].text.as_str()), ("kssj", time));
        }
        for (time, note) in [("未安排", "未安排"), ("*", ""), ("", "")] {
            let read = one(&json!({ "kssj": time }));
            assert_eq!((read.data.rows[0].note.as_str(), read.unread.len()), (note, 0), "{time}");
        }
    }

    #[test]
    fn the_kind_is_the_name_without_its_term() {
        let kinds = ["2026-2027-1期末考试", "2026-2027-2 补考", "期中考试", "2026-2027学年1学期期末考试", ""].map(kind);
        assert_eq!(kinds, ["期末考试", "补考", "期中考试", "2026-2027学年1学期期末考试", ""]);
    }

    #[test]
    fn the_names_are_read_with_what_requests_need() {
        let names = parse_exam_names(&fixture("jwglxt/exam-names.json")).unwrap();
        let told: Vec<_> = names.iter().map(|name| (name.system_id.as_str(), name.name.as_str())).collect();
        assert_eq!(told, [("E7A1", "2026-2027-1期末考试"), ("E7B4", "2026-2027-1补考")]);
        assert_eq!(parse_exam_names("[]"), Ok(vec![]));
    }

    #[test]
    fn names_without_their_keys_are_changed() {
        let whole = fixture("jwglxt/exam-names.json");
        for key in ["KSMCDMB_ID", "KSMC"] {
            let error = parse_exam_names(&whole.replace(&format!("\"{key}\""), "\"other\"")).unwrap_err();
            assert_eq!(error, PageError::Changed { page: PAGE, missing: key });
        }
        for other in ["null", "{}", "[1]", r#"[{"KSMCDMB_ID":"","KSMC":"补考"}]"#] {
            assert!(matches!(parse_exam_names(other), Err(PageError::Changed { .. })), "{other}");
        }
    }

    #[test]
    fn another_answer_is_none_of_both() {
        for read in [|body: &str| parse_exam_names(body).map(drop), |body: &str| parse_exam_page(body, 1).map(drop)] {
            assert_eq!(read(""), Err(PageError::SessionExpired(Layer::Jwglxt)));
            assert_eq!(read(&fixture("jwglxt/login-page.html")), Err(PageError::SessionExpired(Layer::Jwglxt)));
            assert_eq!(read(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
            assert!(matches!(read(&fixture("jwglxt/grid-strict.html")), Err(PageError::Closed(..))));
            assert!(matches!(read(&fixture("garbage.html")), Err(PageError::Changed { .. })));
        }
    }

    proptest! {
        #[test]
        fn a_mutilated_list_is_an_error_or_no_empty_one(body in mutilated("jwglxt/exam.json")) {
            if let Ok(Reading { data, .. }) = parse_exam_page(&body, 1) {
                prop_assert!(!data.rows.is_empty());
                for exam in data.rows {
                    let time = exam.begin.zip(exam.end).filter(|(begin, end)| begin < end);
                    prop_assert_eq!(exam.state == ExamState::Set, exam.date.is_some() && time.is_some());
                    prop_assert_eq!(exam.date.is_some(), exam.begin.is_some());
                }
            }
        }

        #[test]
        fn mutilated_names_are_names_or_an_error(body in mutilated("jwglxt/exam-names.json")) {
            if let Ok(names) = parse_exam_names(&body) {
                prop_assert!(names.iter().all(|name| !name.system_id.is_empty() && !name.name.is_empty()));
            }
        }
    }
}
