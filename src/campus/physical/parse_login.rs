//! Logging in to physical education: the hidden fields of the form (`GET /index.aspx`) and the answer to it.

use std::fmt;

use crate::campus::page::dom::Page;
use crate::campus::page::{Layer, PageError, login_outcome};

use super::parse_scores::is_welcome;

/// Name of this page on the command line and in errors.
const PAGE: &str = "physical-login";

/// Fields that ASP.NET expects back with the form. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginForm {
    /// `__VIEWSTATE`.
    pub view_state: String,
    /// `__EVENTVALIDATION`.
    pub event_validation: String,
}

impl fmt::Debug for LoginForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginForm").finish_non_exhaustive()
    }
}

/// Reads the hidden fields of the login form.
pub fn parse_login_form(html: &str) -> Result<LoginForm, PageError> {
    let page = Page::parse(html)?;
    let value = |name: &str| {
        let field = page.elements("input").find(|input| input.attr("name") == Some(name));
        field.and_then(|field| field.attr("value")).map(str::to_owned)
    };
    match (value("__VIEWSTATE"), value("__EVENTVALIDATION")) {
        (Some(view_state), Some(event_validation)) => Ok(LoginForm { view_state, event_validation }),
        // This is the login page, so it cannot have come instead of itself.
        _ => Err(match page.instead(Layer::Physical, PAGE, "a hidden field of the login form") {
            PageError::SessionExpired(Layer::Physical) => {
                PageError::Changed { page: PAGE, missing: "a hidden field of the login form" }
            }
            other => other,
        }),
    }
}

/// Whether a login worked, from the page after it. The login page means what its message says, and without one
/// [`PageError::SessionExpired`].
pub fn parse_login(html: &str) -> Result<(), PageError> {
    let page = Page::parse(html)?;
    if is_welcome(&page) {
        return Ok(());
    }
    login_outcome(html, Err(page.instead(Layer::Physical, PAGE, "the welcome page")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    #[test]
    fn the_hidden_fields_of_the_form_are_read() {
        let form = parse_login_form(&fixture("physical/login-page.html")).unwrap();
        assert_eq!((form.view_state.as_str(), form.event_validation.as_str()), ("/wEPDwULLTE0MTc4", "/wEdAAdMXV0b"));
    }

    #[test]
    fn a_login_form_without_them_is_a_changed_page() {
        let page = fixture("physical/login-page.html").replace("__EVENTVALIDATION", "__OTHER");
        assert!(matches!(parse_login_form(&page), Err(PageError::Changed { page: "physical-login", .. })));
        assert_eq!(parse_login_form(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
    }

    #[test]
    fn the_welcome_page_is_a_login_that_worked() {
        assert_eq!(parse_login(&fixture("physical/welcome.html")), Ok(()));
        assert_eq!(parse_login(&fixture("physical/welcome-none.html")), Ok(()));
    }

    #[test]
    fn a_refusal_is_told_from_the_login_page_coming_again() {
        let refused = parse_login(&fixture("physical/login-refused.html"));
        assert!(matches!(refused, Err(PageError::WrongPassword(_))), "{refused:?}");
        let again = parse_login(&fixture("physical/login-page.html"));
        assert_eq!(again, Err(PageError::SessionExpired(Layer::Physical)));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(parse_login(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
        assert!(matches!(parse_login(&fixture("garbage.html")), Err(PageError::Changed { .. })));
    }

    proptest! {
        #[test]
        fn a_mutilated_login_page_never_is_a_login_that_worked(page in mutilated("physical/login-page.html")) {
            prop_assert_ne!(parse_login(&page), Ok(()));
            let _ = parse_login_form(&page);
        }
    }
}
