//! The student's record: as JSON (`xsxxwh_cxCkDgxsxx.html`), or, where a school has switched that off, as a page
//! (`xsgrxxwh_cxXsgrxx.html`). Both hold much more about a person; nothing of it is read.

use std::fmt;

use serde::Serialize;

use super::rows::Row;
use super::signals::{instead, json_of};
use super::terms::label_of;
use crate::campus::page::PageError;
use crate::campus::page::dom::{Page, has_class, text_of};
use crate::model::academic::StudentRecord;

/// Name of this page on the command line and in errors.
const PAGE: &str = "zf-record";

/// Class of the values on the page.
const VALUE: &str = "form-control-static";

/// Longest student number, in bytes.
const LONGEST_NUMBER: usize = 32;

/// A student's record. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Who the student is.
    pub student: StudentRecord,
    /// Label of the current term; only the JSON tells it.
    pub term: Option<String>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("term", &self.term).finish_non_exhaustive()
    }
}

/// Reads the JSON. `None` for `null`, by which some schools answer: read the page instead, with [`parse_record_page`].
pub fn parse_record(body: &str) -> Result<Option<Record>, PageError> {
    let answer = json_of(body, PAGE)?;
    if answer.is_null() {
        return Ok(None);
    }
    let row = Row::of(&answer).ok_or(PageError::Changed { page: PAGE, missing: "xh" })?;
    let student = StudentRecord {
        number: row.text("xh"),
        name: row.text("xm"),
        grade: row.text("njdm_id"),
        college: row.text("jg_id"),
        major: row.text("zyh_id"),
        class: row.text("bh_id"),
        campus: String::new(),
        level: row.text("pyccdm"),
    };
    match missing(&student, ["xh", "xm"]) {
        Some(missing) => Err(PageError::Changed { page: PAGE, missing }),
        None => Ok(Some(Record { student, term: label_of(&row.text("xnm"), &row.text("xqm")) })),
    }
}

/// Reads the page.
pub fn parse_record_page(html: &str) -> Result<Record, PageError> {
    let page = Page::parse(html)?;
    let mut student = StudentRecord::default();
    let mut label = None;
    // The value is beside its label or in a box beside it, so only the order is sure.
    for element in page.all() {
        if element.value().name() == "label" {
            label = Some(text_of(element));
        } else if has_class(element, VALUE)
            && let Some(field) = label.take().and_then(|label| field(&mut student, &label))
            && field.is_empty()
        {
            *field = text_of(element);
        }
    }
    match missing(&student, ["学号", "姓名"]) {
        Some(missing) => Err(instead(html, PAGE, missing)),
        None => Ok(Record { student, term: None }),
    }
}

/// The field for a label. Schools name some of them in two ways.
fn field<'a>(student: &'a mut StudentRecord, label: &str) -> Option<&'a mut String> {
    let label: String = label.chars().filter(|c| !c.is_whitespace()).collect();
    Some(match label.trim_end_matches([':', '：']) {
        "学号" => &mut student.number,
        "姓名" => &mut student.name,
        "年级" => &mut student.grade,
        "学院" | "学院名称" => &mut student.college,
        "专业" | "专业名称" => &mut student.major,
        "班级" | "班级名称" => &mut student.class,
        "校区" => &mut student.campus,
        "培养层次" | "学历层次" => &mut student.level,
        _ => return None,
    })
}

/// Which of number and name is missing, by these names. A number that is damaged is missing.
fn missing(student: &StudentRecord, [number, name]: [&'static str; 2]) -> Option<&'static str> {
    let bytes = student.number.as_bytes();
    let is_number = (1..=LONGEST_NUMBER).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric);
    if !is_number {
        return Some(number);
    }
    student.name.is_empty().then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    #[test]
    fn a_record_is_read_with_the_current_term() {
        let record = parse_record(&fixture("jwglxt/record.json")).unwrap().unwrap();
        assert_eq!(record.term.as_deref(), Some("2026-2027-1"));
        insta::assert_json_snapshot!(record);
    }

    #[test]
    fn the_page_tells_the_same_student() {
        let mut json = parse_record(&fixture("jwglxt/record.json")).unwrap().unwrap();
        let page = parse_record_page(&fixture("jwglxt/record.html")).unwrap();
        assert_eq!((page.student.campus.as_str(), &page.term), ("东校区", &None));
        json.student.campus.clone_from(&page.student.campus);
        assert!(page.student == json.student, "records differ");
    }

    #[test]
    fn nothing_else_of_a_person_is_read() {
        for record in [
            parse_record(&fixture("jwglxt/record.json")).unwrap().unwrap(),
            parse_record_page(&fixture("jwglxt/record.html")).unwrap(),
        ] {
            let told = serde_json::to_string(&record).unwrap();
            assert!(!told.contains("990101200601010017") && !told.contains("2006-01-01"), "{told}");
            assert!(!format!("{record:?}").contains("林知夏"));
        }
    }

    #[test]
    fn null_sends_the_caller_to_the_page() {
        assert_eq!(parse_record("null"), Ok(None));
        assert_eq!(parse_record(&fixture("jwglxt/record-null.json")), Ok(None));
    }

    #[test]
    fn a_record_without_number_or_name_is_changed() {
        let json = fixture("jwglxt/record.json");
        for key in ["xh", "xm"] {
            let error = parse_record(&json.replace(&format!("\"{key}\""), "\"other\"")).unwrap_err();
            assert_eq!(error, PageError::Changed { page: PAGE, missing: key });
        }
        let html = fixture("jwglxt/record.html");
        for label in ["学号", "姓名"] {
            let error = parse_record_page(&html.replace(label, "其他")).unwrap_err();
            assert_eq!(error, PageError::Changed { page: PAGE, missing: label });
        }
        let damaged = html.replace("2409310127", "2409三10127");
        assert!(matches!(parse_record_page(&damaged), Err(PageError::Changed { .. })));
        assert!(matches!(parse_record("[]"), Err(PageError::Changed { .. })));
    }

    #[test]
    fn a_term_that_is_not_understood_is_none() {
        let json = fixture("jwglxt/record.json").replace("\"xqm\":\"3\"", "\"xqm\":\"1\"");
        assert_eq!(parse_record(&json).unwrap().unwrap().term, None);
    }

    #[test]
    fn another_answer_is_no_record() {
        type Read = fn(&str) -> Result<(), PageError>;
        let read: [Read; 2] = [|body| parse_record(body).map(drop), |body| parse_record_page(body).map(drop)];
        for read in read {
            assert_eq!(read(&fixture("jwglxt/login-page.html")), Err(PageError::SessionExpired(Layer::Jwglxt)));
            assert_eq!(read(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
            assert!(matches!(read(&fixture("jwglxt/no-function.html")), Err(PageError::Closed(..))));
            assert!(matches!(read(&fixture("garbage.html")), Err(PageError::Changed { .. })));
            assert_eq!(read(""), Err(PageError::SessionExpired(Layer::Jwglxt)));
        }
    }

    proptest! {
        #[test]
        fn a_mutilated_record_has_number_and_name_or_is_an_error(body in mutilated("jwglxt/record.json")) {
            if let Ok(Some(Record { student, .. })) = parse_record(&body) {
                prop_assert!(missing(&student, ["xh", "xm"]).is_none());
            }
        }

        #[test]
        fn a_mutilated_page_has_number_and_name_or_is_an_error(html in mutilated("jwglxt/record.html")) {
            if let Ok(Record { student, .. }) = parse_record_page(&html) {
                prop_assert!(missing(&student, ["学号", "姓名"]).is_none());
            }
        }
    }
}
