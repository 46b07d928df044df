//! The student's record (`xjInfoAction.do?oper=xjxx`): name and identity card number.

use std::fmt;

use scraper::ElementRef;
use serde::{Deserialize, Serialize};

use crate::campus::page::dom::{Page, label_of, text_of};
use crate::campus::page::{Layer, PageError};

/// Name of this page on the command line and in errors.
const PAGE: &str = "urp-student";

/// Heading of the record.
const MARKER: &str = "学籍信息";

/// Longest name, in characters.
const LONGEST_NAME: usize = 64;

/// Longest number of a card or passport, in characters.
const LONGEST_ID_NUMBER: usize = 32;

/// A student's identity. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StudentInfo {
    /// The name in full.
    pub name: String,
    /// The number of the identity card: 15 digits, or 17 and a digit or `X`; for some, of a passport; empty when the
    /// record shows none. Its end is the first password of other campus systems.
    pub id_number: String,
}

impl fmt::Debug for StudentInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StudentInfo").finish_non_exhaustive()
    }
}

/// Reads name and identity card number from the student's record.
pub fn parse_student(html: &str) -> Result<StudentInfo, PageError> {
    let page = Page::parse(html)?;
    if !page.shows(MARKER) {
        return Err(page.instead(Layer::Urp, PAGE, "the heading 学籍信息"));
    }
    let name = value_of(&page, "姓名").filter(|name| (1..=LONGEST_NAME).contains(&name.chars().count()));
    let Some(name) = name else {
        return Err(page.instead(Layer::Urp, PAGE, "the name"));
    };
    let Some(id_number) = value_of(&page, "身份证号") else {
        return Err(page.instead(Layer::Urp, PAGE, "the identity card number"));
    };
    let id_number = if is_id_number(&id_number) { id_number } else { String::new() };
    Ok(StudentInfo { name, id_number })
}

/// The text of the cell to the right of a label.
fn value_of(page: &Page<'_>, label: &str) -> Option<String> {
    let is_label = |text: String| text.trim_end_matches([':', '：', ' ']) == label;
    let cell = page.elements("td").find(|cell| label_of(*cell).is_some_and(is_label))?;
    cell.next_siblings().find_map(ElementRef::wrap).map(text_of)
}

/// Digits and letters: identity cards have 15 or 18 characters, passports fewer.
fn is_id_number(number: &str) -> bool {
    (1..=LONGEST_ID_NUMBER).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_student(&fixture(name)).unwrap_err()
    }

    #[test]
    fn name_and_id_number_are_found_by_their_labels() {
        insta::assert_json_snapshot!(parse_student(&fixture("urp/student.gbk.html")).unwrap());
    }

    #[test]
    fn numbers_of_cards_and_passports_are_accepted_and_other_texts_are_none() {
        for number in ["410802990101123", "41080219990101123X", "41080219990101123x", "G12345678"] {
            assert!(is_id_number(number), "{number}");
        }
        for number in ["", "无", "4108021999010112姓", "410802 199901011234"] {
            assert!(!is_id_number(number), "{number}");
        }
    }

    #[test]
    fn a_record_without_name_or_id_number_is_a_changed_page() {
        let whole = fixture("urp/student.gbk.html");
        for label in ["姓名", "身份证号"] {
            let error = parse_student(&whole.replace(label, "其他")).unwrap_err();
            assert!(matches!(error, PageError::Changed { page: "urp-student", .. }), "{label}: {error:?}");
        }
    }

    #[test]
    fn a_login_page_instead_of_the_record_is_an_expired_session() {
        assert_eq!(error("urp/login-page.gbk.html"), PageError::SessionExpired(Layer::Urp));
        assert_eq!(error("vpn/login-page.html"), PageError::SessionExpired(Layer::Vpn));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    #[test]
    fn debug_output_shows_nobody() {
        let student = parse_student(&fixture("urp/student.gbk.html")).unwrap();
        assert_eq!(format!("{student:?}"), "StudentInfo { .. }");
    }

    proptest! {
        #[test]
        fn a_mutilated_record_has_a_name_and_no_garbled_id_number_or_is_an_error(page in mutilated("urp/student.gbk.html")) {
            if let Ok(student) = parse_student(&page) {
                prop_assert!(!student.name.is_empty());
                prop_assert!(student.id_number.is_empty() || is_id_number(&student.id_number));
            }
        }
    }
}
