//! The form for a repair (`GET /rsp/my/wantrepair`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::campus::page::dom::Page;
use crate::campus::page::{Layer, PageError};

/// Name of this page on the command line and in errors.
const PAGE: &str = "repair-form";

/// What must be sent back with an order. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairForm {
    /// The form's token, tied to the session.
    pub pwdstr: String,
}

impl fmt::Debug for RepairForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepairForm").finish_non_exhaustive()
    }
}

/// Reads the token of the form.
pub fn parse_repair_form(html: &str) -> Result<RepairForm, PageError> {
    let page = Page::parse(html)?;
    let field = page.by_id("input", "pwdstr");
    match field.and_then(|field| field.attr("value")).filter(|value| !value.is_empty()) {
        Some(pwdstr) => Ok(RepairForm { pwdstr: pwdstr.to_owned() }),
        None => Err(page.instead(Layer::Repair, PAGE, "the field pwdstr")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_repair_form(&fixture(name)).unwrap_err()
    }

    #[test]
    fn the_token_is_read_from_the_hidden_field() {
        insta::assert_json_snapshot!(parse_repair_form(&fixture("repair/wantrepair.html")).unwrap());
    }

    #[test]
    fn a_form_without_a_token_is_a_changed_page() {
        let page = fixture("repair/wantrepair.html").replace("id=\"pwdstr\"", "id=\"other\"");
        assert!(matches!(parse_repair_form(&page), Err(PageError::Changed { page: "repair-form", .. })));
    }

    #[test]
    fn a_login_page_instead_of_the_form_is_an_expired_session() {
        assert_eq!(error("repair/login-page.html"), PageError::SessionExpired(Layer::Repair));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_form_has_a_token_or_is_an_error(page in mutilated("repair/wantrepair.html")) {
            if let Ok(form) = parse_repair_form(&page) {
                prop_assert!(!form.pwdstr.is_empty());
            }
        }
    }
}
