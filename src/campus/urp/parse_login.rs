//! The answer to a login at the URP system (`POST loginAction.do`).

use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{Layer, PageError, refusal_in};

/// Name of this page on the command line and in errors.
const PAGE: &str = "urp-login";

/// Title of the frame set after a login.
const LOGGED_IN: &str = "学分制综合教务";

/// Class of the cell in which the login page gives the reason of a refusal.
const REASON_CLASS: &str = "errorTop";

/// Whether a login worked, and if not, why.
///
/// The login page without a reason is [`PageError::SessionExpired`] of the URP: the system ignored the login, so it may
/// be sent again. The VPN's login page is [`PageError::SessionExpired`] of the VPN.
pub fn parse_login(html: &str) -> Result<(), PageError> {
    let page = Page::parse(html)?;
    if page.title_contains(LOGGED_IN) {
        return Ok(());
    }
    let reason: String = page
        .elements("td")
        .filter(|cell| cell.value().classes().any(|class| class == REASON_CLASS))
        .map(text_of)
        .collect();
    if reason.is_empty() {
        return Err(page.instead(Layer::Urp, PAGE, "the title"));
    }
    Err(refusal(&reason))
}

fn refusal(reason: &str) -> PageError {
    if reason.contains("验证码") { PageError::WrongCaptcha } else { refusal_in(reason) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};
    use crate::campus::page::{Closed, Said};

    fn answer(name: &str) -> Result<(), PageError> {
        parse_login(&fixture(name))
    }

    #[test]
    fn the_frame_set_of_the_system_is_a_login_that_worked() {
        assert_eq!(answer("urp/login-success.gbk.html"), Ok(()));
    }

    #[test]
    fn a_wrong_captcha_is_told_from_a_wrong_password() {
        assert_eq!(answer("urp/login-wrong-captcha.gbk.html"), Err(PageError::WrongCaptcha));
        let said = |name: &str| answer(name).unwrap_err().said().map(|said| said.as_str().to_owned());
        assert!(matches!(answer("urp/login-wrong-password.gbk.html"), Err(PageError::WrongPassword(_))));
        assert!(matches!(answer("urp/login-unknown-number.gbk.html"), Err(PageError::WrongPassword(_))));
        assert_ne!(said("urp/login-wrong-password.gbk.html"), said("urp/login-unknown-number.gbk.html"));
    }

    #[test]
    fn the_login_page_without_a_reason_is_an_expired_session() {
        assert_eq!(answer("urp/login-page.gbk.html"), Err(PageError::SessionExpired(Layer::Urp)));
    }

    #[test]
    fn the_login_page_of_the_vpn_is_an_expired_session_of_the_vpn() {
        assert_eq!(answer("vpn/login-page.html"), Err(PageError::SessionExpired(Layer::Vpn)));
        assert_eq!(answer("vpn/login-redirect.html"), Err(PageError::SessionExpired(Layer::Vpn)));
    }

    #[test]
    fn an_unknown_reason_is_neither_a_wrong_password_nor_a_wrong_captcha() {
        let page = |reason: &str| format!("<title>URP 综合教务系统 - 登录</title><td class=errorTop>{reason}</td>");
        let answer = |reason: &str| parse_login(&format!("<table><tr>{}</table>", page(reason)));
        assert_eq!(answer("系统维护中，请稍后登录"), Err(PageError::Maintenance));
        assert_eq!(answer("数据库忙请稍候再试"), Err(PageError::Maintenance));
        assert!(matches!(answer("请先评教"), Err(PageError::Closed(Closed::Evaluate, _))));
        assert_eq!(answer("系统发生未知异状"), Err(PageError::Unknown(Said::new("系统发生未知异状"))));
        assert_eq!(answer("&nbsp;"), Err(PageError::SessionExpired(Layer::Urp)));
    }

    #[test]
    fn maintenance_and_garbage_are_no_refusals() {
        assert_eq!(answer("maintenance.gbk.html"), Err(PageError::Maintenance));
        assert!(matches!(answer("garbage.html"), Err(PageError::Changed { .. })));
        assert!(matches!(parse_login(""), Err(PageError::Changed { .. })));
    }

    proptest! {
        #[test]
        fn a_mutilated_answer_is_an_answer_or_an_error(page in mutilated("urp/login-wrong-password.gbk.html")) {
            prop_assert_ne!(parse_login(&page), Ok(()));
        }
    }
}
