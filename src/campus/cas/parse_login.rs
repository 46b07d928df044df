//! The login page of the CAS (`GET /cas/login`), which is also its answer to a login that it refuses.

use std::fmt;

use scraper::ElementRef;

use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{Layer, PageError, Said, clean, refusal_of_login};

/// Name of this page on the command line and in errors.
pub(super) const PAGE: &str = "cas-login";

/// Hidden fields without which a form cannot be sent. Each page has new ones, which work once.
const NEEDED: [&str; 2] = ["lt", "execution"];

/// The login form. `Debug` shows no values: whoever has them can go on with the login.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginForm {
    /// Where it is sent to, as the page writes it, relative to the page's own address; empty for that address itself.
    pub action: String,
    /// Hidden fields that are sent back as they are, in the order of the page. Their names differ.
    pub fields: Vec<(String, String)>,
    /// What the page says; `None` before a login.
    pub message: Option<Message>,
}

/// What the login page says. At least one of the two is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// A word for programs, such as `INVALID_CREDENTIAL`; HPU's page of 2022 had none.
    pub code: String,
    /// Words for the student.
    pub text: String,
}

impl fmt::Debug for LoginForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.fields.iter().map(|(name, _)| name).collect();
        f.debug_struct("LoginForm").field("fields", &names).field("message", &self.message).finish_non_exhaustive()
    }
}

impl LoginForm {
    /// Why the login was refused; `None` for a page that says nothing: before a login, or after a ticket that is over.
    ///
    /// [`PageError::WrongCaptcha`] and [`PageError::Barred`] with [`Barrier::Captcha`](crate::campus::page::Barrier::Captcha) (one is wanted) prove nothing
    /// about the password. [`PageError::SessionExpired`] is a form that was too old. The code counts before the text.
    #[must_use]
    pub fn refusal(&self) -> Option<PageError> {
        let Message { code, text } = self.message.as_ref()?;
        let words = if text.is_empty() { code } else { text };
        Some(match code.as_str() {
            "INVALID_CREDENTIAL" => PageError::WrongPassword(Said::new(words)),
            "ACCOUNT_LOCKED" => PageError::Locked(Said::new(words)),
            "TicketNotFound" => PageError::SessionExpired(Layer::Cas),
            _ => refusal_by_words(words),
        })
    }
}

fn refusal_by_words(words: &str) -> PageError {
    if words.contains("未能够识别出目标") {
        return PageError::SessionExpired(Layer::Cas);
    }
    refusal_of_login(words)
}

/// Reads the login page. A page that wants the password encrypted is [`PageError::Changed`]: the rule is not known.
pub fn parse_login_form(html: &str) -> Result<LoginForm, PageError> {
    let page = Page::parse(html)?;
    // Logins by telephone or QR code have forms of their own.
    let forms = || page.elements("form").filter(|form| is_complete(&hidden_fields(form.descendent_elements())));
    let form = forms().find(|form| asks_for_a_password(*form)).or_else(|| forms().next());
    // Broken markup can leave the fields outside of their form.
    let fields = match form {
        Some(form) => hidden_fields(form.descendent_elements()),
        None => hidden_fields(page.all()),
    };
    if !is_complete(&fields) {
        return Err(match page.instead(Layer::Cas, PAGE, "lt and execution") {
            // This is the login page, so it cannot have come instead of itself.
            PageError::SessionExpired(Layer::Cas) => PageError::Changed { page: PAGE, missing: "lt and execution" },
            other => other,
        });
    }
    if !told(&page, "publicKey").is_empty() {
        return Err(PageError::Changed { page: PAGE, missing: "publicKey rule" });
    }
    let action = form.or_else(|| page.elements("form").next()).and_then(|form| form.attr("action")).unwrap_or_default();
    let (code, text) = (told(&page, "errorcode"), told(&page, "errormes"));
    let message = (!code.is_empty() || !text.is_empty()).then_some(Message { code, text });
    Ok(LoginForm { action: action.trim().to_owned(), fields, message })
}

fn is_complete(fields: &[(String, String)]) -> bool {
    NEEDED.iter().all(|needed| fields.iter().any(|(name, value)| name == needed && !value.trim().is_empty()))
}

fn asks_for_a_password(form: ElementRef<'_>) -> bool {
    form.descendent_elements().any(|input| input.value().name() == "input" && input.attr("name") == Some("password"))
}

/// The first field of each name. `pid` is left out when it is empty, as the page's script does.
fn hidden_fields<'a>(elements: impl Iterator<Item = ElementRef<'a>>) -> Vec<(String, String)> {
    let is_hidden = |input: &ElementRef<'_>| {
        input.value().name() == "input" && input.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden"))
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    for input in elements.filter(is_hidden) {
        let name = input.attr("name").unwrap_or_default();
        let value = input.attr("value").unwrap_or_default();
        let left_out = name.is_empty() || (name == "pid" && value.is_empty());
        if !left_out && fields.iter().all(|(known, _)| known != name) {
            fields.push((name.to_owned(), value.to_owned()));
        }
    }
    fields
}

/// What the element with that id tells: in its `value`, if it has one (HPU's `span`), else in its text.
fn told(page: &Page<'_>, id: &str) -> String {
    let element = page.any_by_id(id);
    element.map(|element| element.attr("value").map_or_else(|| text_of(element), clean)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};
    use crate::campus::page::{Barrier, Closed};

    fn read(name: &str) -> LoginForm {
        parse_login_form(&fixture(name)).unwrap()
    }

    fn error(page: &str) -> PageError {
        parse_login_form(page).unwrap_err()
    }

    /// What the page means that says `code` and `text`.
    fn refusal(code: &str, text: &str) -> Option<PageError> {
        LoginForm { message: Some(Message { code: code.into(), text: text.into() }), ..read("cas/login.html") }
            .refusal()
    }

    #[test]
    fn the_form_is_read_with_its_hidden_fields_in_their_order() {
        let form = read("cas/login.html");
        assert_eq!(form.action, "/cas/login?service=https%3A%2F%2Fzhjw.hpu.edu.cn%2Feams%2Flogin.action");
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected =
            [("lt", "LT-48213-wGk0aN3bq7Zt-cas"), ("execution", "e1s1"), ("_eventId", "submit"), ("source", "cas")];
        assert_eq!(fields, expected);
        assert_eq!((form.message.as_ref(), form.refusal()), (None, None));
        assert!(!format!("{form:?}").contains("wGk0"));
    }

    #[test]
    fn a_pid_that_has_a_value_goes_back_too() {
        let page = fixture("cas/login.html").replace(r#"name="pid" value="""#, r#"name="pid" value="7""#);
        assert_eq!(parse_login_form(&page).unwrap().fields.last().unwrap(), &("pid".to_owned(), "7".to_owned()));
    }

    #[test]
    fn the_fields_of_another_form_are_not_sent() {
        let form = read("cas/wrong-password-text.html");
        let names: Vec<_> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["lt", "execution", "_eventId", "source"]);
        assert_eq!(form.action, "");
    }

    #[test]
    fn a_page_without_lt_or_execution_or_with_empty_ones_is_changed() {
        for (from, to) in [
            (r#"name="lt""#, r#"name="ticket""#),
            ("LT-48213-wGk0aN3bq7Zt-cas", ""),
            (r#"name="execution""#, r#"name="flow""#),
            (r#"value="e1s1""#, ""),
        ] {
            let page = fixture("cas/login.html").replace(from, to);
            assert_eq!(error(&page), PageError::Changed { page: "cas-login", missing: "lt and execution" }, "{from}");
        }
    }

    #[test]
    fn a_page_that_wants_the_password_encrypted_is_changed() {
        let page = fixture("cas/login.html").replace(r#"id="publicKey" value="""#, r#"id="publicKey" value="MIGf""#);
        assert_eq!(error(&page), PageError::Changed { page: "cas-login", missing: "publicKey rule" });
    }

    #[test]
    fn a_wrong_password_is_read_from_attributes_and_from_texts() {
        let (by_code, by_text) = (read("cas/wrong-password.html"), read("cas/wrong-password-text.html"));
        assert_eq!(by_code.message.as_ref().unwrap().code, "INVALID_CREDENTIAL");
        assert_eq!(by_code.refusal(), Some(PageError::WrongPassword(Said::new("用户名或密码不正确"))));
        assert_eq!(by_text.message.as_ref().unwrap().code, "");
        assert_eq!(by_text.refusal(), Some(PageError::WrongPassword(Said::new("账号或密码错误"))));
        assert_ne!(by_code.fields[0].1, read("cas/login.html").fields[0].1, "each page has a new lt");
    }

    #[test]
    fn a_message_may_be_the_value_of_a_field_that_is_not_sent() {
        let form = read("cas/wrong-password-input.html");
        assert_eq!(form.refusal(), Some(PageError::WrongPassword(Said::new("密码错误"))));
        assert_eq!(form.fields.len(), 3);
        let shown = fixture("cas/login.html")
            .replace("<span id=\"errormes\" value=\"\"></span>", "<input id=\"errormes\" value=\"密码错误\">");
        let form = parse_login_form(&shown).unwrap();
        assert_eq!(form.refusal(), Some(PageError::WrongPassword(Said::new("密码错误"))));
        assert_eq!(form.fields, read("cas/login.html").fields);
    }

    #[test]
    fn the_code_counts_before_the_text() {
        let password = PageError::WrongPassword(Said::new("登录失败"));
        assert_eq!(refusal("INVALID_CREDENTIAL", "登录失败"), Some(password));
        assert_eq!(refusal("ACCOUNT_LOCKED", "密码错误"), Some(PageError::Locked(Said::new("密码错误"))));
        assert_eq!(refusal("ACCOUNT_LOCKED", ""), Some(PageError::Locked(Said::new("ACCOUNT_LOCKED"))));
        assert_eq!(refusal("TicketNotFound", "密码错误"), Some(PageError::SessionExpired(Layer::Cas)));
        let unknown_code = refusal("E_17", "用户名或密码错误");
        assert_eq!(unknown_code, Some(PageError::WrongPassword(Said::new("用户名或密码错误"))));
    }

    #[test]
    fn each_text_has_its_meaning() {
        for text in ["用户名或密码不正确", "账号或密码错误", "密码错误", "密码错误，请输入验证码"]
        {
            assert_eq!(refusal("", text), Some(PageError::WrongPassword(Said::new(text))), "{text}");
        }
        for text in ["账号已被锁定", "帐号已冻结，请联系管理员", "验证码错误次数过多，账号已锁定"]
        {
            assert_eq!(refusal("", text), Some(PageError::Locked(Said::new(text))), "{text}");
        }
        assert_eq!(refusal("", "验证码错误"), Some(PageError::WrongCaptcha));
        for text in ["验证码不能为空", "请输入验证码"] {
            assert_eq!(refusal("", text), Some(PageError::Barred(Barrier::Captcha, Said::new(text))), "{text}");
        }
        let expired = refusal("", "未能够识别出目标 'LT-48213'票根");
        assert_eq!(expired, Some(PageError::SessionExpired(Layer::Cas)));
        assert_eq!(refusal("", "认证服务器连接超时，密码错误"), Some(PageError::Maintenance));
        assert!(matches!(refusal("", "不在系统开放时间内"), Some(PageError::Closed(Closed::Hours, _))));
        assert_eq!(refusal("", "登录失败"), Some(PageError::Unknown(Said::new("登录失败"))));
        assert_eq!(refusal("E_17", ""), Some(PageError::Unknown(Said::new("E_17"))));
    }

    #[test]
    fn another_page_is_told_by_its_kind() {
        assert_eq!(error(&fixture("vpn/login-page.html")), PageError::SessionExpired(Layer::Vpn));
        assert_eq!(error(&fixture("maintenance.gbk.html")), PageError::Maintenance);
        for page in [fixture("garbage.html"), String::new(), fixture("urp/login-success.gbk.html")] {
            assert!(matches!(error(&page), PageError::Changed { page: "cas-login", .. }));
        }
    }

    proptest! {
        #[test]
        fn a_mutilated_login_page_is_a_form_that_can_be_sent_or_an_error(page in mutilated("cas/login.html")) {
            if let Ok(form) = parse_login_form(&page) {
                prop_assert!(is_complete(&form.fields));
                prop_assert!(!matches!(form.refusal(), Some(PageError::WrongPassword(_) | PageError::Locked(_))));
            }
        }

        #[test]
        fn a_mutilated_page_about_a_captcha_never_is_a_wrong_password(page in mutilated("cas/wrong-captcha.html")) {
            if let Ok(form) = parse_login_form(&page) {
                prop_assert!(!matches!(form.refusal(), Some(PageError::WrongPassword(_) | PageError::Locked(_))));
            }
        }
    }
}
