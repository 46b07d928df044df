//! Logging in: the form (`login_slogin.html`), the key of the password (`login_getPublicKey.html`), and why a login was
//! refused.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use rsa::{BoxedUint, PublicKey};
use serde::Serialize;

use super::rows::Row;
use super::signals::{instead, json_of};
use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{Barrier, Layer, PageError, Said, refusal_of_login};

/// Name of this page on the command line and in errors.
const PAGE: &str = "zf-login";

/// What a page loads or names that wants the slider.
const SLIDER: &str = "zfcaptchaLogin";

/// Words of a login that was sent without the slider.
const SLIDE_FIRST: &str = "滑动";

/// Largest modulus of a key, in bytes; the known ones have 128.
const MAX_MODULUS: usize = 512;

/// The captcha that a login page wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CaptchaKind {
    /// None; some schools want one only after a failed login.
    None,
    /// A picture (`kaptcha`), whose answer is sent as `yzm`.
    Picture,
    /// A piece to be dragged, checked before the login.
    Slider,
}

/// The login page. `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginPage {
    /// `csrftoken`, to be sent back whole: it is two values with a comma.
    pub csrf_token: String,
    /// Which captcha it wants.
    pub captcha: CaptchaKind,
}

impl fmt::Debug for LoginPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginPage").field("captcha", &self.captcha).finish_non_exhaustive()
    }
}

/// Reads the login page, also the one that comes after a refused login.
pub fn parse_login_page(html: &str) -> Result<LoginPage, PageError> {
    let page = Page::parse(html)?;
    let token = page.elements("input").find(|input| input.attr("name") == Some("csrftoken"));
    let token = token.and_then(|token| token.attr("value")).map(str::trim).filter(|token| !token.is_empty());
    match token {
        Some(token) if page.has_input("yhm") => {
            Ok(LoginPage { csrf_token: token.to_owned(), captcha: captcha_of(&page) })
        }
        // A login page cannot have come instead of itself.
        _ => Err(match instead(html, PAGE, "csrftoken") {
            PageError::SessionExpired(Layer::Jwglxt) => PageError::Changed { page: PAGE, missing: "csrftoken" },
            other => other,
        }),
    }
}

fn captcha_of(page: &Page<'_>) -> CaptchaKind {
    let loads_slider = page.elements("script").any(|script| {
        script.attr("src").is_some_and(|src| src.contains(SLIDER)) || script.text().any(|text| text.contains(SLIDER))
    });
    if loads_slider || message(page).is_some_and(|text| text.contains(SLIDE_FIRST)) {
        CaptchaKind::Slider
    } else if page.has_input("yzm") || page.by_id("input", "yzm").is_some() {
        CaptchaKind::Picture
    } else {
        CaptchaKind::None
    }
}

/// Why a login was refused, from the page that came in place of the entry page.
///
/// The login page means what its message says. Without one it is [`PageError::SessionExpired`]: the system ignored the
/// login, which proves nothing about the password.
#[must_use]
pub fn refusal(html: &str) -> PageError {
    let page = match Page::parse(html) {
        Ok(page) => page,
        Err(error) => return error,
    };
    let Some(text) = message(&page) else { return instead(html, PAGE, "the login form") };
    if text.contains(SLIDE_FIRST) {
        PageError::Barred(Barrier::Slider, Said::new(&text))
    } else {
        refusal_of_login(&text)
    }
}

/// The message of the login page.
fn message(page: &Page<'_>) -> Option<String> {
    page.by_id("p", "tips").map(text_of).filter(|text| !text.is_empty())
}

/// Whether a login that is answered by a redirect to this address worked.
#[must_use]
pub fn is_entry(address: &str) -> bool {
    address.split(['?', ';', '#']).next().is_some_and(|path| path.ends_with("/xtgl/index_initMenu.html"))
}

/// The key that the password of one login is encrypted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginKey {
    /// Modulus, big-endian, without leading zeros.
    pub modulus: Vec<u8>,
    /// Public exponent.
    pub exponent: u64,
}

/// Reads the key: `{"modulus":"AJbx…","exponent":"AQAB"}`, both in Base64.
pub fn parse_public_key(body: &str) -> Result<LoginKey, PageError> {
    let answer = json_of(body, PAGE)?;
    let number = |key| {
        let bytes = BASE64_STANDARD.decode(Row::of(&answer)?.text(key)).ok()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(bytes[zeros..].to_vec()).filter(|bytes| !bytes.is_empty())
    };
    let missing = |missing| PageError::Changed { page: PAGE, missing };
    let modulus = number("modulus").filter(|modulus| modulus.len() <= MAX_MODULUS).ok_or_else(|| missing("modulus"))?;
    let exponent = number("exponent").filter(|exponent| exponent.len() <= 8).ok_or_else(|| missing("exponent"))?;
    Ok(LoginKey { modulus, exponent: exponent.into_iter().fold(0, |number, byte| number << 8 | u64::from(byte)) })
}

/// The password as the form sends it in `mm`: Base64 of RSA PKCS#1 v1.5, as the login page does it in the browser.
///
/// # Errors
/// [`PageError::Changed`] for a key that is none. [`PageError::WrongPassword`] for a password that is longer than the
/// key allows: the system can have no such password.
pub fn encrypt_password(key: &LoginKey, password: &str) -> Result<String, PageError> {
    let modulus = BoxedUint::from_be_slice_vartime(&key.modulus);
    let key = PublicKey::new(modulus, BoxedUint::from(key.exponent))
        .map_err(|_| PageError::Changed { page: PAGE, missing: "an RSA key" })?;
    let encrypted = key.pkcs1v15_encrypt(password.as_bytes());
    encrypted.map(|bytes| BASE64_STANDARD.encode(bytes)).map_err(|_| PageError::WrongPassword(Said::default()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rsa::PrivateKey;

    use super::*;
    use crate::campus::page::Closed;
    use crate::campus::page::fixture::{fixture, mutilated};

    /// The primes of the key in the fixture. TEST ONLY.
    const TEST_ONLY_P: &str = "f4284e0cc983a0556acab5044b31adb0c874dbbc542e439df849250da9de1897\
                               21697aeb2682dc3305a94665c252b30daa6d53e3a473dc92d74f4017aec91c6f";
    const TEST_ONLY_Q: &str = "c734aadeff36d0074e5d68c78b12c5e54cf32a412040bd70134b04a1e698287c\
                               f636c9bae79f2df8fc92944d121b546718b3dae92ec0b51e3f1d623c5200adef";

    const EXPIRED: PageError = PageError::SessionExpired(Layer::Jwglxt);

    fn page(name: &str) -> LoginPage {
        parse_login_page(&fixture(name)).unwrap()
    }

    #[test]
    fn the_token_is_read_whole_and_the_captcha_by_what_the_page_has() {
        assert_eq!(
            page("jwglxt/login-page.html").csrf_token,
            "3f0b6c1d-52a7-4e8b-9c40-7d1e2f3a4b5c,3f0b6c1d52a74e8b9c407d1e2f3a4b5c"
        );
        let kinds =
            ["page", "picture", "slider", "slide-first"].map(|name| page(&format!("jwglxt/login-{name}.html")).captcha);
        assert_eq!(kinds, [CaptchaKind::None, CaptchaKind::Picture, CaptchaKind::Slider, CaptchaKind::Slider]);
    }

    #[test]
    fn a_refused_login_shows_the_form_for_the_next_one() {
        assert_eq!(page("jwglxt/login-wrong-password.html").captcha, CaptchaKind::Picture);
    }

    #[test]
    fn a_login_page_without_its_token_is_changed_and_no_expired_session() {
        let whole = fixture("jwglxt/login-page.html");
        for page in [
            whole.replace("csrftoken", "token"),
            whole.replace("value=\"3f0b", "title=\"3f0b"),
            whole.replace("yhm", "user"),
        ] {
            assert_eq!(parse_login_page(&page), Err(PageError::Changed { page: PAGE, missing: "csrftoken" }));
        }
    }

    #[test]
    fn a_refused_login_means_what_its_message_says() {
        let refused = |name: &str| refusal(&fixture(&format!("jwglxt/login-{name}.html")));
        let words = Said::new("用户名或密码不正确，请重新输入！");
        assert_eq!(refused("wrong-password"), PageError::WrongPassword(words));
        assert_eq!(refused("wrong-captcha"), PageError::WrongCaptcha);
        let words = Said::new("请先滑动图片进行验证！");
        assert_eq!(refused("slide-first"), PageError::Barred(Barrier::Slider, words));
        assert!(matches!(refused("locked"), PageError::Locked(_)));
        assert_eq!(refused("page"), EXPIRED, "no message");
    }

    #[test]
    fn only_a_message_that_names_account_or_password_is_a_wrong_password() {
        let say = |words: &str| {
            refusal(&fixture("jwglxt/login-wrong-password.html").replace("用户名或密码不正确，请重新输入！", words))
        };
        assert!(matches!(say("验证码不能为空！"), PageError::Barred(Barrier::Captcha, _)));
        assert_eq!(say("密码或验证码错误"), PageError::WrongCaptcha, "which of both is not said");
        assert!(matches!(say("密码错误，请输入验证码"), PageError::WrongPassword(_)));
        assert!(matches!(say("系统已关闭"), PageError::Closed(Closed::SwitchedOff, _)));
        assert_eq!(say("登录失败"), PageError::Unknown(Said::new("登录失败")));
        assert_eq!(say(" "), EXPIRED);
    }

    #[test]
    fn other_pages_after_a_login_are_no_refusal_of_the_password() {
        assert_eq!(refusal(&fixture("maintenance.gbk.html")), PageError::Maintenance);
        assert!(matches!(refusal(&fixture("garbage.html")), PageError::Changed { .. }));
        assert!(matches!(refusal(&fixture("jwglxt/night.html")), PageError::Closed(Closed::Hours, _)));
        assert_eq!(refusal(&fixture("vpn/login-page.html")), PageError::SessionExpired(Layer::Vpn));
        assert_eq!(refusal(""), EXPIRED);
    }

    #[test]
    fn the_address_of_the_entry_page_is_a_login_that_worked() {
        assert!(is_entry("/jwglxt/xtgl/index_initMenu.html?jsdm=xs&_t=1790000000000"));
        assert!(is_entry("https://jw.example.edu/xtgl/index_initMenu.html;jsessionid=0"));
        assert!(!is_entry("/jwglxt/xtgl/login_slogin.html?to=/xtgl/index_initMenu.html"));
    }

    #[test]
    fn a_password_can_be_read_with_the_key_of_the_system_alone() {
        let key = parse_public_key(&fixture("jwglxt/public-key.json")).unwrap();
        assert_eq!((key.modulus.len(), key.exponent), (128, 65_537), "without the zero byte");
        let prime = |hex| BoxedUint::from_be_hex(hex, 512).unwrap();
        let private =
            PrivateKey::from_p_q(prime(TEST_ONLY_P), prime(TEST_ONLY_Q), BoxedUint::from(65_537_u32)).unwrap();
        let encrypted = BASE64_STANDARD.decode(encrypt_password(&key, "zf-密码 1").unwrap()).unwrap();
        assert_eq!(encrypted.len(), 128);
        assert_eq!(private.pkcs1v15_decrypt(&encrypted).unwrap(), "zf-密码 1".as_bytes());
    }

    #[test]
    fn a_key_that_is_none_and_a_password_that_is_too_long_are_errors() {
        let whole = fixture("jwglxt/public-key.json");
        for body in [whole.replace("modulus", "n"), whole.replace("AQAB", "?"), "{}".to_owned(), "[]".to_owned()] {
            assert!(matches!(parse_public_key(&body), Err(PageError::Changed { page: PAGE, .. })), "{body}");
        }
        assert_eq!(parse_public_key(""), Err(EXPIRED));
        let weak = LoginKey { modulus: vec![0xff; 32], exponent: 65_537 };
        assert!(matches!(encrypt_password(&weak, "x"), Err(PageError::Changed { .. })));
        let key = parse_public_key(&whole).unwrap();
        assert!(matches!(encrypt_password(&key, &"x".repeat(118)), Err(PageError::WrongPassword(_))));
    }

    #[test]
    fn debug_output_shows_no_token() {
        let shown = format!("{:?}", page("jwglxt/login-page.html"));
        assert!(!shown.contains("3f0b"), "{shown}");
    }

    proptest! {
        #[test]
        fn a_mutilated_login_page_has_its_token_or_is_an_error(html in mutilated("jwglxt/login-picture.html")) {
            if let Ok(page) = parse_login_page(&html) {
                prop_assert!(!page.csrf_token.is_empty());
            }
        }

        #[test]
        fn a_mutilated_wrong_captcha_never_is_a_wrong_password(html in mutilated("jwglxt/login-wrong-captcha.html")) {
            prop_assert!(!matches!(refusal(&html), PageError::WrongPassword(_)));
        }

        #[test]
        fn a_mutilated_key_is_a_key_or_an_error(body in mutilated("jwglxt/public-key.json")) {
            if let Ok(key) = parse_public_key(&body) {
                drop(encrypt_password(&key, "zf-000001"));
            }
        }
    }
}
