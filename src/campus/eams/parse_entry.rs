//! The entry page of the weekly table (`GET courseTableForStd.action`): what the other requests of a session need. It must
//! be asked for first in every session; until then the system shows no terms.

use serde::Serialize;

use super::script::{Script, scripts};
use super::signals::{instead, signal_on};
use crate::campus::page::PageError;
use crate::campus::page::dom::Page;

/// Name of this page on the command line and in errors.
const PAGE: &str = "eams-entry";

/// What the entry page tells. Numbers are those of the system, in its own spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// `ids` of the student in requests for the weekly table; no student number.
    pub student_ids: String,
    /// `ids` of the student's class.
    pub class_ids: Option<String>,
    /// Id of the term that the system shows when asked for none.
    pub term: Option<String>,
    /// Id of the element for the terms, `semesterBar12345678901Semester`, which requests for the terms name.
    pub bar: Option<String>,
}

/// Reads the entry page.
pub fn parse_entry(html: &str) -> Result<Entry, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let source = scripts(&page);
    let script = Script::of(&source);
    // `bg.form.addInput(form,"ids","75011")`: first the student's, then the class's.
    let mut ids = script.calls("addInput").filter_map(|arguments| {
        let [_, name, value] = &arguments[..] else { return None };
        (script.text(name)? == "ids").then_some(script.text(value)?)
    });
    let Some(student_ids) = ids.next().filter(|ids| is_number(ids)) else {
        return Err(instead(&page, PAGE, "the ids of the student"));
    };
    // `semesterCalendar({empty:"false",onChange:"",value:"264"},"searchTable()")`
    let term = script.calls("semesterCalendar").find_map(|arguments| {
        let options = arguments.first()?;
        script.text(&script.field(options.start, "value")?)
    });
    Ok(Entry {
        student_ids,
        class_ids: ids.next().filter(|ids| is_number(ids)),
        term: term.filter(|term| is_number(term)),
        bar: bar(&page),
    })
}

fn bar(page: &Page<'_>) -> Option<String> {
    let ids = page.all().filter_map(|element| element.value().id());
    let mut bars = ids.filter(|id| {
        id.strip_prefix("semesterBar").and_then(|rest| rest.strip_suffix("Semester")).is_some_and(is_number)
    });
    bars.next().map(str::to_owned)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_entry(&fixture(name)).unwrap_err()
    }

    #[test]
    fn ids_term_and_bar_are_read() {
        let entry = parse_entry(&fixture("eams/entry.html")).unwrap();
        assert_eq!((entry.student_ids.as_str(), entry.class_ids.as_deref()), ("75011", Some("3107")));
        assert_eq!(entry.term.as_deref(), Some("264"));
        assert_eq!(entry.bar.as_deref(), Some("semesterBar12345678901Semester"));
    }

    #[test]
    fn quotes_and_blanks_do_not_matter_and_only_the_ids_are_needed() {
        let page = "<script>bg.form.addInput( form , 'type', 'std'); bg.form.addInput( form ,\n'ids' , '75011' );\
                    jQuery('#b').semesterCalendar( { 'value' : 264 } , 'x' );</script>";
        let entry = parse_entry(page).unwrap();
        assert_eq!((entry.student_ids.as_str(), entry.class_ids, entry.bar), ("75011", None, None));
        assert_eq!(entry.term.as_deref(), Some("264"));
    }

    #[test]
    fn a_page_without_the_ids_is_a_changed_page() {
        let page = fixture("eams/entry.html").replace("\"ids\"", "\"id\"");
        assert!(matches!(parse_entry(&page), Err(PageError::Changed { page: "eams-entry", .. })));
        let page = fixture("eams/entry.html").replace("75011", "seventy");
        assert!(matches!(parse_entry(&page), Err(PageError::Changed { .. })));
    }

    #[test]
    fn other_pages_are_told_apart() {
        assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/duplicate-login.html"), PageError::Again);
        assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_page_has_ids_or_is_an_error(page in mutilated("eams/entry.html")) {
            if let Ok(entry) = parse_entry(&page) {
                prop_assert!(is_number(&entry.student_ids));
            }
        }
    }
}
