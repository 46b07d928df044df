//! Which courses and teachers a student has still to evaluate (`GET quality/stdEvaluate.action`). They are only
//! counted, and no form is ever answered. `wehpu-engine parse` reads this page; no client asks for it.

use super::signals::{instead, signal_on};
use crate::campus::page::PageError;
use crate::campus::page::dom::{Page, text_nodes};
use crate::model::academic::Evaluations;

/// Name of this page on the command line and in errors.
const PAGE: &str = "eams-evaluation";

/// A word of every list: in its states and its links.
const WORD: &str = "评教";

/// Part of the address of a form that is to be filled.
const FORM: &str = "evaluationLesson.id=";

/// Reads how many evaluations are open: the list has a link for each.
///
/// `None` is a page without the list; it is counted, and means that none is known to be open. Only an ended session,
/// haste and maintenance are errors.
pub fn parse_evaluation(html: &str) -> Result<Option<Evaluations>, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let list = page.elements("table").find(|table| text_nodes(*table).any(|text| text.contains(WORD)));
    let Some(list) = list else {
        return match instead(&page, PAGE, "the list of courses") {
            PageError::Changed { .. } | PageError::Closed(..) => {
                metrics::counter!("eams_evaluation_unlisted_total").increment(1);
                Ok(None)
            }
            other => Err(other),
        };
    };
    let links = list.descendent_elements().filter(|link| link.value().name() == "a");
    let open = links.filter(|link| link.attr("href").is_some_and(|address| address.contains(FORM))).count();
    Ok(Some(Evaluations { open }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn open(html: &str) -> Option<usize> {
        parse_evaluation(html).unwrap().map(|evaluations| evaluations.open)
    }

    #[test]
    fn the_links_of_the_list_are_counted() {
        let page = fixture("eams/evaluation.html");
        assert_eq!(open(&page), Some(2));
        assert_eq!(open(&page.replace("<a ", "<b ").replace("</a>", "</b>")), Some(0));
        let elsewhere =
            format!("<a href=\"/eams/quality/stdEvaluate!answer.action?evaluationLesson.id=1\">x</a>{page}");
        assert_eq!(open(&elsewhere), Some(2));
    }

    #[test]
    fn a_page_without_the_list_is_none_and_no_error() {
        for name in
            ["eams/home.html", "eams/rooms.html", "eams/no-permission.html", "eams/red-line.html", "garbage.html"]
        {
            assert_eq!(open(&fixture(name)), None, "{name}");
        }
        assert_eq!(open(""), None);
    }

    #[test]
    fn an_ended_session_haste_and_maintenance_are_told_apart() {
        let error = |name: &str| parse_evaluation(&fixture(name)).unwrap_err();
        assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/session-ended.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
    }

    proptest! {
        #[test]
        fn a_mutilated_list_never_is_an_error(page in mutilated("eams/evaluation.html")) {
            prop_assert!(parse_evaluation(&page).is_ok());
        }
    }
}
