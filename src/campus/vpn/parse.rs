//! The VPN's own pages: the service list, which shows whether a session is alive, and the answer to a login.

use crate::campus::page::dom::Page;
use crate::campus::page::{Layer, PageError, login_refusal, unknown_answer};

/// Name of the page on the command line and in errors.
const PAGE: &str = "vpn-service";

/// Greeting on the service page after a login.
const GREETING: &str = "欢迎您";

/// What the service page (`GET /por/service.csp`) shows about the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VpnState {
    /// The session is alive.
    LoggedIn,
    /// The VPN shows its login page or leads the browser there.
    LoginNeeded,
}

/// Whether the VPN session is alive. A page that is neither the greeting nor the login page is an error, so that an
/// outage does not count as an expired session.
pub fn parse_service(html: &str) -> Result<VpnState, PageError> {
    let page = Page::parse(html)?;
    if page.has_vpn_login_form() {
        return Ok(VpnState::LoginNeeded);
    }
    if page.shows(GREETING) {
        return Ok(VpnState::LoggedIn);
    }
    match page.instead(Layer::Vpn, PAGE, "the greeting") {
        PageError::SessionExpired(_) => Ok(VpnState::LoginNeeded),
        other => Err(other),
    }
}

/// Whether a login worked, from the page after it (or the service page requested right afterwards).
///
/// The login form means what its message says: a wrong password only if it names account or password, else a limit,
/// hours, a lock or a captcha. A form without a known word is [`PageError::Unknown`].
pub fn parse_login(html: &str) -> Result<(), PageError> {
    match parse_service(html)? {
        VpnState::LoggedIn => Ok(()),
        VpnState::LoginNeeded => {
            let page = Page::parse(html)?;
            Err(login_refusal(&page).unwrap_or_else(|| unknown_answer(&page)))
        }
    }
}

/// Why the direct answer to a login refuses it; `None` if it does not tell.
///
/// The form without a message does not tell: the service page must be requested.
#[must_use]
pub fn parse_answer(html: &str) -> Option<PageError> {
    match parse_login(html) {
        Ok(()) | Err(PageError::Unknown(_) | PageError::Changed { .. }) => None,
        Err(said) => Some(said),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};
    use crate::campus::page::{Barrier, Closed, Said};

    fn state(name: &str) -> Result<VpnState, PageError> {
        parse_service(&fixture(name))
    }

    #[test]
    fn the_greeting_is_a_session_that_is_alive() {
        assert_eq!(state("vpn/service.html"), Ok(VpnState::LoggedIn));
        assert_eq!(parse_login(&fixture("vpn/service.html")), Ok(()));
    }

    #[test]
    fn the_login_form_and_a_redirect_to_it_ask_for_a_login() {
        assert_eq!(state("vpn/login-page.html"), Ok(VpnState::LoginNeeded));
        assert_eq!(state("vpn/login-redirect.html"), Ok(VpnState::LoginNeeded));
    }

    #[test]
    fn a_login_form_that_greets_is_still_a_login_form() {
        let page = fixture("vpn/login-page.html").replace("<form", "<h1>欢迎您使用</h1><form");
        assert_eq!(parse_service(&page), Ok(VpnState::LoginNeeded));
    }

    #[test]
    fn the_login_form_again_after_a_login_is_what_it_says_and_a_wrong_password_only_when_it_names_it() {
        let said = |words: &str| {
            let form = format!("<td class='errorinfo'><span id='errmsg'>{words}</span></td><form");
            parse_login(&fixture("vpn/login-page.html").replace("<form", &form))
        };
        assert!(matches!(said("用户名或密码错误，请重新输入！"), Err(PageError::WrongPassword(_))));
        assert_eq!(said("LDAP 服务器没有响应，密码错误"), Err(PageError::Maintenance));
        assert!(matches!(said("您无法在当前时间使用本服务器登录"), Err(PageError::Closed(Closed::Hours, _))));
        assert!(matches!(said("请输入验证码"), Err(PageError::Barred(Barrier::Captcha, _))));
        assert!(matches!(said("该 IP 已被锁定"), Err(PageError::Barred(Barrier::Address, _))));
        assert!(matches!(said("帐号已被锁定"), Err(PageError::Locked(_))));
        assert_eq!(said("认证失败"), Err(PageError::Unknown(Said::new("认证失败"))));
        assert!(matches!(parse_login(&fixture("vpn/login-page.html")), Err(PageError::Unknown(_))));
    }

    #[test]
    fn a_vpn_that_is_full_is_busy_and_nothing_is_said_of_the_password() {
        assert_eq!(parse_login(&fixture("vpn/licence-limit.html")), Err(PageError::Maintenance));
    }

    #[test]
    fn an_outage_is_neither_an_expired_session_nor_a_wrong_password() {
        for read in [|page: &str| parse_service(page).map(drop), parse_login] {
            assert_eq!(read(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
            assert!(matches!(read(&fixture("garbage.html")), Err(PageError::Changed { page: "vpn-service", .. })));
            assert!(matches!(read(""), Err(PageError::Changed { .. })));
        }
    }

    proptest! {
        #[test]
        fn a_mutilated_login_form_never_is_a_login_that_worked(page in mutilated("vpn/login-page.html")) {
            prop_assert_ne!(parse_login(&page), Ok(()));
        }

        #[test]
        fn a_mutilated_notice_of_a_full_vpn_never_is_a_wrong_password(page in mutilated("vpn/licence-limit.html")) {
            prop_assert!(!matches!(parse_login(&page), Err(PageError::WrongPassword(_))));
        }
    }
}
