//! The own login page of EAMS (`GET loginExt.action`, at some schools `login.action`) and the answer to a login. Schools
//! with a central sign-on in front never show it.

use aws_lc_rs::cipher::{AES_128, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scraper::ElementRef;
use serde_json::Value;

use super::script::{Script, scripts};
use super::signals::{instead, signal_on};
use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{Layer, PageError, refusal_of_login};

/// Name of this page on the command line and in errors.
const PAGE: &str = "eams-login";

/// Words above every page after a login.
const LOGGED_IN: &str = "您当前位置";

/// Field of the form for what is read in the captcha.
const CAPTCHA_FIELD: &str = "captcha_response";

/// Path of the captcha below the system's own, seen at HPU until 2022.
const CAPTCHA_IMAGE: &str = "captcha/image.action";

/// Longest message, in characters; longer texts are instructions.
const MAX_MESSAGE: usize = 80;

/// What the login page wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginPage {
    /// What stands before the password when it is hashed; valid for this session, with its last `-`.
    pub salt: String,
    /// The key that the user name is encrypted with; without one it is sent as it is.
    pub user_key: Option<String>,
    /// Address of the captcha's picture, as the page names it; `None` where no captcha is asked for.
    pub captcha: Option<String>,
}

/// Reads the login page.
pub fn parse_login_page(html: &str) -> Result<LoginPage, PageError> {
    let page = Page::parse(html)?;
    let source = scripts(&page);
    let script = Script::of(&source);
    let missing = |missing| PageError::Changed { page: PAGE, missing };
    // `CryptoJS.SHA1('<salt>' + form['password'].value)`
    let salt = script.calls("SHA1").find_map(|arguments| script.first_literal(arguments.first()?));
    let Some(salt) = salt.filter(|salt| !salt.is_empty()) else {
        return Err(match instead(&page, PAGE, "the salt of the password") {
            // This is the login page, so it cannot have come instead of itself.
            PageError::SessionExpired(Layer::Eams) => missing("the salt of the password"),
            other => other,
        });
    };
    // `encrypt(username,'<key>')`
    let user_key = script.calls("encrypt").find_map(|arguments| script.text(arguments.get(1)?));
    if user_key.as_deref().is_some_and(|key| encode_user("", key).is_none()) {
        return Err(missing("a key of 16 bytes for the user name"));
    }
    Ok(LoginPage { salt, user_key, captcha: captcha(&page) })
}

/// Whether a page asks for a password, as every login page does.
#[must_use]
pub fn has_password_field(html: &str) -> bool {
    Page::parse(html).is_ok_and(|page| page.has_password_input())
}

fn captcha(page: &Page<'_>) -> Option<String> {
    let mut pictures = page.elements("img").filter_map(|image| image.attr("src"));
    let shown = pictures.find(|address| address.contains(CAPTCHA_IMAGE));
    shown.map(str::to_owned).or_else(|| page.has_input(CAPTCHA_FIELD).then(|| CAPTCHA_IMAGE.to_owned()))
}

/// The password as the form sends it: hexadecimal SHA-1 of salt and password.
#[must_use]
pub fn encode_password(salt: &str, password: &str) -> String {
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(salt.as_bytes());
    hash.update(password.as_bytes());
    hex::encode(hash.finish())
}

/// The user name as the form sends it where the page has a key: Base64 of AES-128-ECB with PKCS#7. `None` for a key that
/// has not 16 bytes.
#[must_use]
pub fn encode_user(number: &str, key: &str) -> Option<String> {
    let key = UnboundCipherKey::new(&AES_128, key.as_bytes()).ok()?;
    let mut text = number.as_bytes().to_vec();
    PaddedBlockEncryptingKey::ecb_pkcs7(key).ok()?.encrypt(&mut text).ok()?;
    Some(STANDARD.encode(text))
}

/// Whether the captcha was read rightly: the answer to `POST loginExt!getCodeFlag.action`, `{"flag":true}`.
pub fn parse_captcha_check(text: &str) -> Result<bool, PageError> {
    let flag = serde_json::from_str::<Value>(text).ok().and_then(|answer| answer.get("flag")?.as_bool());
    match flag {
        Some(flag) => Ok(flag),
        None => Err(instead(&Page::parse(text)?, PAGE, "the flag of the captcha")),
    }
}

/// Whether a login worked, from the page after it. The login page means what its message says, and without one
/// [`PageError::SessionExpired`]. [`PageError::TooFast`] must not be repeated here: the password was sent.
pub fn parse_login(html: &str) -> Result<(), PageError> {
    let page = Page::parse(html)?;
    if page.shows(LOGGED_IN) && !page.has_password_input() {
        return Ok(());
    }
    Err(match signal_on(&page) {
        Some(PageError::SessionExpired(Layer::Eams)) => refusal(&page),
        Some(signal) => signal,
        None if page.is_login_page(Layer::Eams) && !page.has_vpn_login_form() => refusal(&page),
        None => instead(&page, PAGE, "the page after a login"),
    })
}

/// What the message of the login page means.
fn refusal(page: &Page<'_>) -> PageError {
    let Some(message) = message(page) else { return PageError::SessionExpired(Layer::Eams) };
    if message.contains("请不要过快点击") {
        return PageError::TooFast;
    }
    refusal_of_login(&message)
}

/// The text in the first place of messages that has one: the class `actionError`, beside the icon of an alert, in red
/// across the form.
fn message(page: &Page<'_>) -> Option<String> {
    let errors = page.of_class("actionError");
    let beside = page.of_class("ui-icon-alert").filter_map(|icon| {
        let next = icon.next_siblings().find_map(ElementRef::wrap)?;
        (next.value().name() == "span").then_some(next)
    });
    let red = page.elements("td").filter(|cell| is_red(*cell));
    let is_message = |text: &String| (1..=MAX_MESSAGE).contains(&text.chars().count());
    errors.chain(beside).chain(red).map(text_of).find(is_message)
}

fn is_red(cell: ElementRef<'_>) -> bool {
    let style: String = cell.attr("style").unwrap_or_default().split_whitespace().collect();
    style.to_ascii_lowercase().contains("color:red")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};
    use crate::campus::page::{Barrier, Said};

    const SALT: &str = "5f3c2b1a-0d4e-4c6b-9a8f-112233445566-";

    const KEY: &str = "abcd1234efgh5678";

    /// The login page with a message where the first place of messages is.
    fn answer(message: &str) -> Result<(), PageError> {
        let html = fixture("eams/login-captcha.html");
        assert!(html.contains("<!--message-->"));
        let message = format!("<div class='actionError'><span>{message}</span></div>");
        parse_login(&html.replace("<!--message-->", &message))
    }

    #[test]
    fn salt_key_and_captcha_are_read() {
        let page = parse_login_page(&fixture("eams/login-captcha.html")).unwrap();
        assert_eq!((page.salt.as_str(), page.user_key.as_deref()), (SALT, Some(KEY)));
        assert_eq!(page.captcha.as_deref(), Some("/eams/captcha/image.action"));
        let elsewhere = parse_login_page(&fixture("eams/login.html")).unwrap();
        assert_eq!(elsewhere, LoginPage { salt: SALT.to_owned(), user_key: None, captcha: None });
    }

    #[test]
    fn password_and_user_name_are_encoded_as_the_script_does_it() {
        assert_eq!(encode_password(SALT, "jwc-000001"), "00894f38067eb08e1f85eb820dbab3764eb1908a");
        assert_eq!(encode_user("311509000001", KEY).as_deref(), Some("jjX0hU/L4q/qtp/lRt5Riw=="));
        assert_eq!(encode_user("311509000001", "short"), None);
    }

    #[test]
    fn a_login_page_without_salt_or_with_another_key_is_a_changed_page() {
        let page = fixture("eams/login-captcha.html");
        let changed = |from: &str, to: &str| parse_login_page(&page.replace(from, to)).unwrap_err();
        assert!(matches!(changed("SHA1", "SHA256"), PageError::Changed { missing: "the salt of the password", .. }));
        assert!(matches!(changed(KEY, "abcd"), PageError::Changed { page: "eams-login", .. }));
        assert_eq!(parse_login_page(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
        assert_eq!(parse_login_page(&fixture("eams/too-fast.html")), Err(PageError::TooFast));
    }

    #[test]
    fn the_check_of_a_captcha_is_read() {
        assert_eq!(parse_captcha_check("{\"flag\":true}"), Ok(true));
        assert_eq!(parse_captcha_check(" {\"flag\":false}\n"), Ok(false));
        assert_eq!(parse_captcha_check(&fixture("eams/too-fast.html")), Err(PageError::TooFast));
        assert!(matches!(parse_captcha_check("{}"), Err(PageError::Changed { .. })));
    }

    #[test]
    fn the_page_after_a_login_is_a_login_that_worked() {
        assert_eq!(parse_login(&fixture("eams/home.html")), Ok(()));
    }

    #[test]
    fn a_refusal_means_what_its_message_says_wherever_it_stands() {
        for (name, message) in [("eams/login-refused.html", "密码错误"), ("eams/login-refused-icon.html", "账户不存在")]
        {
            assert_eq!(parse_login(&fixture(name)), Err(PageError::WrongPassword(Said::new(message))), "{name}");
        }
        assert_eq!(parse_login(&fixture("eams/login-wrong-captcha.html")), Err(PageError::WrongCaptcha));
        assert!(matches!(answer("账号或密码错误"), Err(PageError::WrongPassword(_))));
        assert_eq!(answer("请不要过快点击"), Err(PageError::TooFast));
        assert!(matches!(answer("请输入验证码"), Err(PageError::Barred(Barrier::Captcha, _))));
        assert!(matches!(answer("密码错误，请输入验证码"), Err(PageError::WrongPassword(_))));
        assert!(matches!(answer("账号已被锁定"), Err(PageError::Locked(_))));
        assert_eq!(answer("登录失败"), Err(PageError::Unknown(Said::new("登录失败"))));
    }

    #[test]
    fn the_login_page_without_a_message_says_nothing_about_the_password() {
        for name in ["eams/login.html", "eams/login-captcha.html"] {
            assert_eq!(parse_login(&fixture(name)), Err(PageError::SessionExpired(Layer::Eams)), "{name}");
        }
        assert_eq!(parse_login(&fixture("vpn/login-page.html")), Err(PageError::SessionExpired(Layer::Vpn)));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(parse_login(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
        assert!(matches!(parse_login(&fixture("garbage.html")), Err(PageError::Changed { .. })));
        assert!(matches!(parse_login(""), Err(PageError::Changed { .. })));
    }

    proptest! {
        #[test]
        fn a_mutilated_login_page_never_is_a_login_that_worked(page in mutilated("eams/login-refused.html")) {
            prop_assert_ne!(parse_login(&page), Ok(()));
            let _ = parse_login_page(&page);
        }
    }
}
