//! The terms (`POST dataQuery.action` with `dataType=semesterCalendar`): a JavaScript object, not a page.

use super::script::Script;
use super::signals::instead;
use crate::campus::page::PageError;
use crate::campus::page::dom::Page;
use crate::model::academic::TermEntry;

/// Name of this page on the command line and in errors.
const PAGE: &str = "eams-terms";

/// Key of a term in the object.
const YEAR: &str = "schoolYear";

/// Reads the terms, sorted by their labels: the ids are neither dense nor ascending.
///
/// `None` is the empty object that the system answers until the entry page was asked for in the session.
pub fn parse_terms(text: &str) -> Result<Option<Vec<TermEntry>>, PageError> {
    let script = Script::of(text);
    let Some(object) = script.objects().next().filter(|&open| script.field(open, "semesters").is_some()) else {
        return Err(instead(&Page::parse(text)?, PAGE, "the object of the terms"));
    };
    let changed = |missing| PageError::Changed { page: PAGE, missing };
    let current = script.field(object, "semesterId").and_then(|value| script.text(&value));
    let terms = script.objects().filter(|&open| script.field(open, YEAR).is_some());
    let mut terms: Vec<TermEntry> = terms
        .map(|open| {
            let text = |key| script.text(&script.field(open, key)?).filter(|text| !text.is_empty());
            let (id, year, name) = (text("id")?, text(YEAR)?, text("name")?);
            let is_current = current.as_ref() == Some(&id);
            Some(TermEntry { label: format!("{year}-{name}"), system_id: id, current: is_current })
        })
        .collect::<Option<_>>()
        .ok_or(changed("id, year and name of a term"))?;
    if terms.len() != text.matches(YEAR).count() {
        return Err(changed("a whole term"));
    }
    if terms.is_empty() {
        let is_empty = script.field(object, "semesters").is_some_and(|value| script.items(value.start) == Some(vec![]));
        return if is_empty { Ok(None) } else { Err(changed("a term")) };
    }
    terms.sort_by(|a, b| a.label.cmp(&b.label));
    Ok(Some(terms))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_terms(&fixture(name)).unwrap_err()
    }

    fn told(text: &str) -> Vec<(String, String, bool)> {
        let terms = parse_terms(text).unwrap().unwrap();
        terms.into_iter().map(|term| (term.label, term.system_id, term.current)).collect()
    }

    fn term(label: &str, id: &str, current: bool) -> (String, String, bool) {
        (label.to_owned(), id.to_owned(), current)
    }

    #[test]
    fn terms_are_sorted_by_their_labels_and_the_current_one_is_marked() {
        let terms = told(&fixture("eams/terms.txt"));
        assert_eq!(terms.len(), 9);
        assert!(terms.is_sorted());
        assert_eq!(terms[..2], [term("2022-2023-1", "303", false), term("2022-2023-2", "104", false)]);
        assert_eq!(
            terms.iter().filter(|(.., current)| *current).collect::<Vec<_>>(),
            [&term("2026-2027-1", "264", true)]
        );
    }

    #[test]
    fn order_quotes_and_blanks_do_not_matter_and_a_name_may_be_a_word() {
        let text =
            "{ 'semesterId' : 264 , semesters : { 'y0' : [ { name : '春' , schoolYear : '2026-2027' , id : 264 } ] } }";
        assert_eq!(told(text), [term("2026-2027-春", "264", true)]);
    }

    #[test]
    fn the_empty_object_is_no_list_of_terms() {
        assert_eq!(parse_terms(&fixture("eams/terms-empty.txt")), Ok(None));
    }

    #[test]
    fn an_object_that_is_cut_off_or_has_other_keys_is_a_changed_page() {
        let text = fixture("eams/terms.txt");
        let half = text.rfind("y2").unwrap();
        for text in [&text[..half], &text.replace("name:", "title:"), &text.replace("semesters", "terms"), "", "{}"] {
            assert!(matches!(parse_terms(text), Err(PageError::Changed { page: "eams-terms", .. })), "{text}");
        }
    }

    #[test]
    fn other_pages_are_told_apart() {
        assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_list_is_data_or_an_error(text in mutilated("eams/terms.txt")) {
            if let Ok(terms) = parse_terms(&text) {
                let terms = terms.expect("a filled list is no empty one");
                prop_assert!(terms.iter().all(|term| !term.label.is_empty() && !term.system_id.is_empty()));
            }
        }
    }
}
