//! The student's record (`xjInfoAction.do?oper=xjxx`): the name, and the number of the identity card.

use std::fmt;

use scraper::ElementRef;
use serde::{Deserialize, Serialize};

use crate::campus::page::dom::{Page, label_of, text_of};
use crate::campus::page::{Layer, PageError};

/// The name of this page on the command line and in errors.
const PAGE: &str = "urp-student";

/// Heading of the record.
const MARKER: &str = "学籍信息";

/// Who a student is. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StudentInfo {
    /// The name in full.
    pub name: String,
    /// The number of the identity card: 15 digits, or 17 and a digit or `X`. The last digits are the first password
    /// of other campus systems.
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
    let name = value_of(&page, "姓名").filter(|name| !name.is_empty());
    let Some(name) = name else {
        return Err(page.instead(Layer::Urp, PAGE, "the name"));
    };
    let id_number = value_of(&page, "身份证号").filter(|number| is_id_number(number));
    let Some(id_number) = id_number else {
        return Err(page.instead(Layer::Urp, PAGE, "the identity card number"));
    };
    Ok(StudentInfo { name, id_number })
}

/// The text of the cell to the right of a label.
fn value_of(page: &Page<'_>, label: &str) -> Option<String> {
    let is_label = |text: String| text.trim_end_matches([':', '：', ' ']) == label;
    let cell = page.elements("td").find(|cell| label_of(*cell).is_some_and(is_label))?;
    cell.next_siblings().find_map(ElementRef::wrap).map(text_of)
}

/// 15 digits (numbers given before 1999), or 17 digits and a check character.
fn is_id_number(number: &str) -> bool {
    let digits = match number.as_bytes() {
        digits if digits.len() == 15 => digits,
        [digits @ .., b'X' | b'x' | b'0'..=b'9'] if digits.len() == 17 => digits,
        _ => return false,
    };
    digits.iter().all(u8::is_ascii_digit)
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
    fn both_forms_of_id_number_are_accepted_and_nothing_else() {
        for number in ["410802990101123", "410802199901011234", "41080219990101123X", "41080219990101123x"] {
            assert!(is_id_number(number), "{number}");
        }
        for number in ["", "4108021999010112", "41080219990101123Y", "4108021999010112姓", "4108021999010112X4"] {
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
        fn a_mutilated_record_has_a_name_and_an_id_number_or_is_an_error(page in mutilated("urp/student.gbk.html")) {
            if let Ok(student) = parse_student(&page) {
                prop_assert!(!student.name.is_empty());
                prop_assert!(is_id_number(&student.id_number));
            }
        }
    }
}
