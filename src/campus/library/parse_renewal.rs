//! Renewing a loan (`/Borrowing.aspx`): what a browser sends when it follows the link at a loan.
//!
//! The links are ASP.NET postbacks, `javascript:__doPostBack('target','argument')`: the browser sends the page's hidden
//! fields back to the page, with these two words in `__EVENTTARGET` and `__EVENTARGUMENT`.

use std::fmt;

use scraper::ElementRef;

use super::parse_borrowing::{PAGE, loan, loan_rows};
use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{Layer, PageError};
use crate::model::Loan;

/// Text of a link that renews.
const LINK: &str = "续借";

/// The two fields that a postback fills in.
const TARGET: &str = "__EVENTTARGET";
const ARGUMENT: &str = "__EVENTARGUMENT";

/// What the page offers for a loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// No loan has this number.
    Unknown,
    /// The library does not renew it.
    NotRenewable,
    /// It can be renewed by sending this form.
    Renewable(Box<Form>),
}

/// A form to send back to the page, and the loan it is about.
#[derive(Clone, PartialEq, Eq)]
pub struct Form {
    /// The loan before the renewal.
    pub loan: Loan,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

/// The fields hold the page's state.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").finish_non_exhaustive()
    }
}

/// Reads what the page offers for the copy `number`.
pub fn parse_renewal(html: &str, number: &str) -> Result<Offer, PageError> {
    let page = Page::parse(html)?;
    let Some(rows) = loan_rows(&page)? else { return Ok(Offer::Unknown) };
    let changed = |missing| PageError::Changed { page: PAGE, missing };
    for row in rows {
        let loan = loan(row).ok_or(changed("a label of a loan"))?;
        if loan.number != number {
            continue;
        }
        if !loan.renew {
            return Ok(Offer::NotRenewable);
        }
        let (target, argument) = link(row).ok_or(changed("the link that renews a loan"))?;
        let fields = hidden_fields(&page, target, argument);
        if !fields.iter().any(|(name, _)| name == "__VIEWSTATE") {
            return Err(page.instead(Layer::Library, PAGE, "the hidden fields of the form"));
        }
        return Ok(Offer::Renewable(Box::new(Form { loan, fields })));
    }
    Ok(Offer::Unknown)
}

/// Whether `after` shows that `before` was renewed: one more renewal, or another due date.
#[must_use]
pub fn is_renewed(before: &Loan, after: &Loan) -> bool {
    before.number == after.number && (before.times != after.times || before.end != after.end)
}

/// Target and argument of the postback in a row: of the link that mentions renewing, else of the only link.
fn link(row: ElementRef<'_>) -> Option<(String, String)> {
    let mut links: Vec<_> = row.descendent_elements().filter_map(postback_of).collect();
    let speaks = |element: ElementRef<'_>| {
        let shown = ["value", "title", "alt"].into_iter().filter_map(|name| element.attr(name));
        text_of(element).contains(LINK) || shown.into_iter().any(|text| text.contains(LINK))
    };
    let named = links.iter().position(|(element, _)| speaks(*element));
    match named {
        Some(position) => Some(links.swap_remove(position).1),
        None if links.len() == 1 => links.pop().map(|(_, words)| words),
        None => None,
    }
}

/// An element that posts back, with its two words.
pub(super) fn postback_of(element: ElementRef<'_>) -> Option<(ElementRef<'_>, (String, String))> {
    let scripts = ["href", "onclick"].into_iter().filter_map(|name| element.attr(name));
    Some((element, scripts.into_iter().find_map(postback)?))
}

/// The two words of `__doPostBack('target','argument')` in a script.
fn postback(script: &str) -> Option<(String, String)> {
    let words = script.split_once("__doPostBack(")?.1;
    let (target, rest) = quoted(words)?;
    let (argument, _) = quoted(rest.trim_start().strip_prefix(',')?)?;
    (!target.is_empty()).then(|| (target.to_owned(), argument.to_owned()))
}

/// A quoted word at the beginning of a text, and the rest.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mark = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(mark)
}

pub(super) fn hidden_fields(page: &Page<'_>, target: String, argument: String) -> Vec<(String, String)> {
    let hidden = |input: &ElementRef<'_>| input.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden"));
    let field = |input: ElementRef<'_>| {
        let name = input.attr("name").filter(|name| !matches!(*name, "" | TARGET | ARGUMENT))?;
        Some((name.to_owned(), input.attr("value").unwrap_or_default().to_owned()))
    };
    let words = [(TARGET.to_owned(), target), (ARGUMENT.to_owned(), argument)];
    words.into_iter().chain(page.elements("input").filter(hidden).filter_map(field)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn offer(number: &str) -> Offer {
        parse_renewal(&fixture("library/borrowing-postback.html"), number).unwrap()
    }

    #[test]
    fn the_form_of_a_renewable_loan_is_what_the_browser_would_send() {
        let Offer::Renewable(form) = offer("C3000001") else { panic!("not renewable") };
        assert_eq!((form.loan.number.as_str(), form.loan.times.as_str()), ("C3000001", "0"));
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            fields,
            [
                ("__EVENTTARGET", "ctl00$ContentPlaceHolder1$GridView1$ctl02$LinkButton1"),
                ("__EVENTARGUMENT", ""),
                ("__VIEWSTATE", "/wEPDwUKMTY1NDU2MTA1MmRk+x=="),
                ("__EVENTVALIDATION", "/wEWAgL+raDpAgKM54rGBg=="),
            ]
        );
    }

    #[test]
    fn loans_that_are_not_there_or_not_renewable_are_told_apart() {
        assert_eq!(offer("C3000002"), Offer::NotRenewable);
        assert_eq!(offer("C9999999"), Offer::Unknown);
        assert_eq!(parse_renewal(&fixture("library/borrowing-none.html"), "C1"), Ok(Offer::Unknown));
    }

    #[test]
    fn a_renewable_loan_without_its_link_or_its_form_is_a_changed_page() {
        let page = fixture("library/borrowing-postback.html");
        for page in [page.replace("__doPostBack(&#39;ctl00$Con", "other("), page.replace("__VIEWSTATE", "__OTHER")] {
            assert!(matches!(parse_renewal(&page, "C3000001"), Err(PageError::Changed { .. })));
        }
    }

    #[test]
    fn a_login_page_instead_of_the_loans_is_an_expired_session() {
        let expired = parse_renewal(&fixture("library/login-page.html"), "C3000001");
        assert_eq!(expired, Err(PageError::SessionExpired(Layer::Library)));
    }

    #[test]
    fn the_words_of_a_postback_are_read_however_they_are_quoted() {
        let words = |script: &str| postback(script);
        let expected = Some(("a$b".to_owned(), "Renew$0".to_owned()));
        assert_eq!(words("javascript:__doPostBack('a$b','Renew$0')"), expected);
        assert_eq!(words("return confirm('?') && __doPostBack( \"a$b\" , \"Renew$0\" );"), expected);
        for script in
            ["", "javascript:__doPostBack()", "javascript:__doPostBack('a')", "Book.aspx?id=1", "__doPostBack('',''"]
        {
            assert_eq!(words(script), None, "{script}");
        }
    }

    #[test]
    fn a_renewal_shows_in_times_or_end() {
        let Offer::Renewable(form) = offer("C3000001") else { panic!("not renewable") };
        let before = form.loan;
        assert!(!is_renewed(&before, &Loan { renew: false, ..before.clone() }));
        assert!(is_renewed(&before, &Loan { times: "1".to_owned(), ..before.clone() }));
        assert!(is_renewed(&before, &Loan { end: "2018-01-01".to_owned(), ..before.clone() }));
    }

    proptest! {
        #[test]
        fn mutilated_loans_are_an_offer_or_an_error(page in mutilated("library/borrowing-postback.html")) {
            let _ = parse_renewal(&page, "C3000001");
        }
    }
}
