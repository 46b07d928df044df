//! What all campus pages have in common: character set, broken HTML, and other pages that come instead.
//!
//! The parsers (`parse_*.rs`) are pure: text in, data or a [`PageError`] out. `scraper`'s tree is not `Send`, so no
//! document may live across an `await`.

use std::fmt;

use encoding_rs::Encoding;

mod charset;
pub(crate) mod dom;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod pager;
mod said;
mod unread;

pub use charset::{decode_answer, ungarbled};
pub use pager::Leaf;
pub(crate) use pager::{pager_of, total_of};
use said::Meaning;
pub use said::{Barrier, Closed, Said};
pub use unread::{Reading, UnreadCell};

/// The largest page that is parsed, in bytes. The largest known one (a full course table) has 60 KiB.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The largest number of `<` in a page that is parsed; a full course table has about 2,000. The work of an HTML parser
/// grows with the square of the nesting, so a limit on size is not enough.
const MAX_TAGS: usize = 20_000;

/// The usual character set of a campus system, for pages that name none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEncoding {
    /// GBK, which includes GB 2312: the usual one unless a system is known to differ.
    Gbk,
    /// UTF-8.
    Utf8,
}

/// A system with a login page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// The SSL VPN in front of the academic systems.
    Vpn,
    /// The URP academic system.
    Urp,
    /// The library's catalogue.
    Library,
    /// The physical education department.
    Physical,
    /// The repair service.
    Repair,
    /// The central sign-on (CAS).
    Cas,
    /// The EAMS academic system.
    Eams,
    /// The jwglxt academic system.
    Jwglxt,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vpn => "the VPN",
            Self::Urp => "URP",
            Self::Library => "the library",
            Self::Physical => "physical education",
            Self::Repair => "the repair service",
            Self::Cas => "the central sign-on",
            Self::Eams => "EAMS",
            Self::Jwglxt => "jwglxt",
        })
    }
}

/// Why a page is not the requested one.
///
/// The error texts never quote the page, which may hold personal data. What a system says to the student about a
/// refusal is kept separately, cleaned and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The login page of that system came instead: a new login there (and in the systems behind it) is needed.
    #[error("the login page of {0} came instead")]
    SessionExpired(Layer),
    /// The system refused the account or its password. Never retry with the same password.
    #[error("the account or its password was refused")]
    WrongPassword(Said),
    /// The account is locked for a while. This proves nothing about the password.
    #[error("the account is locked")]
    Locked(Said),
    /// The system accepts no logins from this service: it wants a captcha, or refuses our address.
    #[error("logins are barred: {word}", word = .0.word())]
    Barred(Barrier, Said),
    /// The captcha was read wrongly: fetch a new one.
    #[error("the captcha was refused")]
    WrongCaptcha,
    /// The system refuses requests that follow each other so fast.
    #[error("the requests came too fast")]
    TooFast,
    /// The system has just ended an older session of the student and asks to request the page again.
    #[error("an older session was ended, the page must be requested again")]
    Again,
    /// The system works and refuses.
    #[error("the system works and refuses: {word}", word = .0.word())]
    Closed(Closed, Said),
    /// A page that announces maintenance, usually with status 200; or the system is full or too busy.
    #[error("the system is under maintenance or busy")]
    Maintenance,
    /// The answer to a login is not known. It proves nothing about the password.
    #[error("the answer to the login is not known")]
    Unknown(Said),
    /// Neither the requested page nor one that is known to come instead: garbage, an empty answer, or a new layout.
    #[error("not the {page} page as it is known: {missing} is missing")]
    Changed {
        /// The page that was asked for, as `wehpu-engine parse` names it.
        page: &'static str,
        /// What was not found on it.
        missing: &'static str,
    },
    /// More than [`MAX_PAGE_BYTES`], or more tags than any known page could have.
    #[error("too large to be a page of a campus system")]
    TooLarge,
}

impl PageError {
    /// What the system said, if that is kept.
    #[must_use]
    pub const fn said(&self) -> Option<&Said> {
        match self {
            Self::WrongPassword(said)
            | Self::Locked(said)
            | Self::Barred(_, said)
            | Self::Closed(_, said)
            | Self::Unknown(said) => Some(said),
            _ => None,
        }
    }

    /// The stable word for this error in the output of `wehpu-engine parse`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SessionExpired(_) => "SESSION_EXPIRED",
            Self::WrongPassword(_) => "WRONG_PASSWORD",
            Self::Locked(_) => "ACCOUNT_LOCKED",
            Self::Barred(..) => "LOGIN_BARRED",
            Self::WrongCaptcha => "CAPTCHA_FAILED",
            Self::Closed(..) => "CAMPUS_CLOSED",
            Self::Maintenance | Self::Unknown(_) | Self::TooFast | Self::Again => "CAMPUS_DOWN",
            Self::Changed { .. } | Self::TooLarge => "CAMPUS_CHANGED",
        }
    }
}

/// What the answer to a login means. `read`: how the page after the login was read.
///
/// A login page with a message means what the message says ([`PageError::WrongPassword`] only if it names account or
/// password). Without a message it stays [`PageError::SessionExpired`]: the system ignored the login (its hidden fields
/// were too old), or has already forgotten it.
pub(crate) fn login_outcome<T>(html: &str, read: Result<T, PageError>) -> Result<T, PageError> {
    match read {
        Err(PageError::SessionExpired(layer)) => {
            Err(login_refusal(&dom::Page::parse(html)?).unwrap_or(PageError::SessionExpired(layer)))
        }
        other => other,
    }
}

/// Why a login was refused; `None` where the page has no known text.
pub(crate) fn login_refusal(page: &dom::Page<'_>) -> Option<PageError> {
    let said = said::messages(page);
    let told = said.iter().find_map(|text| Some((text, said::meaning(text)?)));
    told.map(|(text, meaning)| refusal_of(meaning, text))
}

/// The error for an answer to a login whose text is not known.
pub(crate) fn unknown_answer(page: &dom::Page<'_>) -> PageError {
    PageError::Unknown(Said::new(&said::messages(page).join(" ")))
}

/// The error that refuses a login with these words, at systems whose captcha the student reads.
pub(crate) fn refusal_of_login(words: &str) -> PageError {
    match refusal_in(words) {
        PageError::Barred(Barrier::Captcha, said) => {
            // `密码错误，请输入验证码`: the captcha is wanted next time, the password was wrong this time.
            let clauses = words.split(['，', ',', '。', '！', '!', '；', ';']).filter(|part| !part.contains("验证码"));
            if matches!(refusal_in(&clauses.collect::<Vec<_>>().join("，")), PageError::WrongPassword(_)) {
                return PageError::WrongPassword(said);
            }
            let was_wrong = ["错误", "不正确", "有误", "失效", "过期"].iter().any(|word| words.contains(word));
            if was_wrong { PageError::WrongCaptcha } else { PageError::Barred(Barrier::Captcha, said) }
        }
        other => other,
    }
}

/// The error for the reason in the place where a login page names it.
pub(crate) fn refusal_in(reason: &str) -> PageError {
    said::meaning(reason).map_or_else(|| PageError::Unknown(Said::new(reason)), |meaning| refusal_of(meaning, reason))
}

fn refusal_of(meaning: Meaning, text: &str) -> PageError {
    match meaning {
        Meaning::WrongPassword => PageError::WrongPassword(Said::new(text)),
        Meaning::Locked => PageError::Locked(Said::new(text)),
        Meaning::Barrier(barrier) => PageError::Barred(barrier, Said::new(text)),
        Meaning::Closed(closed) => PageError::Closed(closed, Said::new(text)),
        Meaning::Busy => PageError::Maintenance,
    }
}

/// Guesses the character set of a page that was saved to a file.
///
/// Chinese text in GBK is practically never valid UTF-8. A file cut off in the middle of a character is still UTF-8.
#[must_use]
pub fn detect(bytes: &[u8]) -> PageEncoding {
    let utf8 = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && !bytes[..error.valid_up_to()].is_ascii(),
    };
    if utf8 || Encoding::for_bom(bytes).is_some() { PageEncoding::Utf8 } else { PageEncoding::Gbk }
}

/// Refuses a text that would take a parser too long.
fn check_size(html: &str) -> Result<(), PageError> {
    let tags = html.bytes().filter(|&byte| byte == b'<').count();
    if html.len() > MAX_PAGE_BYTES || tags > MAX_TAGS { Err(PageError::TooLarge) } else { Ok(()) }
}

/// The text as one line: each run of white space (no-break and full-width spaces, line breaks) becomes one space, none
/// at the ends.
pub(crate) fn clean(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Splits `label：value` at its first colon, Chinese or Latin; the value may have more (`3:58`).
pub(crate) fn split_label(text: &str) -> Option<(&str, &str)> {
    text.split_once([':', '：']).map(|(label, value)| (label.trim(), value.trim()))
}

/// A number in digits or, up to nineteen, in Chinese.
pub(crate) fn numeral(text: &str) -> Option<u8> {
    const DIGITS: [&str; 9] = ["一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digit = |text: &str| (1..).zip(DIGITS).find_map(|(value, numeral)| (numeral == text).then_some(value));
    match text.trim().strip_prefix('十') {
        Some("") => Some(10),
        Some(rest) => digit(rest).map(|value| value + 10),
        None => digit(text.trim()).or_else(|| text.trim().parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use encoding_rs::GBK;

    use super::*;

    fn decode(bytes: &[u8], default: PageEncoding) -> Result<Cow<'_, str>, PageError> {
        decode_answer(bytes, None, default)
    }

    #[test]
    fn a_login_page_that_speaks_of_no_refusal_is_not_held_against_the_password() {
        let came_back = || Err::<(), _>(PageError::SessionExpired(Layer::Library));
        for words in ["用户名或密码错误！", "您的密码不正确", "证件号不存在", "<script>alert('密码有误');</script>"]
        {
            assert!(matches!(login_outcome(words, came_back()), Err(PageError::WrongPassword(_))), "{words}");
        }
        assert_eq!(login_outcome("<script>alert('登录失败');</script>", came_back()), came_back());
        assert_eq!(login_outcome("登录超时，请重新登录", came_back()), Err(PageError::Maintenance));
        assert_eq!(login_outcome("密码错误", Ok(1)), Ok(1));
        assert_eq!(login_outcome::<()>("密码错误", Err(PageError::Maintenance)), Err(PageError::Maintenance));
    }

    #[test]
    fn bytes_are_read_in_the_character_set_of_the_system() {
        let gbk = GBK.encode("选课结果").0;
        assert_eq!(decode(&gbk, PageEncoding::Gbk).unwrap(), "选课结果");
        assert_eq!(decode("选课结果".as_bytes(), PageEncoding::Utf8).unwrap(), "选课结果");
    }

    #[test]
    fn a_byte_order_mark_wins_and_is_not_part_of_the_text() {
        let marked = b"\xEF\xBB\xBF\xE5\xA7\x93";
        assert_eq!(decode(marked, PageEncoding::Gbk).unwrap(), "姓");
        assert_eq!(decode(b"\xFF\xFE\xD3\x59", PageEncoding::Gbk).unwrap(), "姓");
    }

    #[test]
    fn damaged_bytes_become_replacement_characters() {
        assert_eq!(decode(b"a\xFFb", PageEncoding::Gbk).unwrap(), "a\u{FFFD}b");
        assert_eq!(decode(b"a\xFFb", PageEncoding::Utf8).unwrap(), "a\u{FFFD}b");
    }

    #[test]
    fn a_page_past_the_limit_is_refused() {
        let page = vec![b' '; MAX_PAGE_BYTES + 1];
        assert_eq!(decode(&page, PageEncoding::Utf8), Err(PageError::TooLarge));
        assert_eq!(decode(&page[1..], PageEncoding::Utf8).map(|text| text.len()), Ok(MAX_PAGE_BYTES));
        assert_eq!(check_size(&"<div>".repeat(MAX_TAGS + 1)), Err(PageError::TooLarge));
    }

    #[test]
    fn a_saved_page_is_taken_for_utf8_only_when_it_is() {
        assert_eq!(detect("姓名".as_bytes()), PageEncoding::Utf8);
        assert_eq!(detect(&GBK.encode("学籍信息").0), PageEncoding::Gbk);
        assert_eq!(detect(&"姓名".as_bytes()[..5]), PageEncoding::Utf8, "cut off in the middle of a character");
        assert_eq!(detect(b"<p>\xD0"), PageEncoding::Gbk, "half a GBK character");
        assert_eq!(detect(b"\xFF\xFE\xD3\x59"), PageEncoding::Utf8, "marked as UTF-16, which decode honours");
    }

    #[test]
    fn white_space_of_every_kind_is_trimmed_and_joined() {
        assert_eq!(clean("\u{a0}\r\n\t 高等数学 \u{3000}A\u{a0}\u{a0}"), "高等数学 A");
        assert_eq!(clean("\u{a0}\u{3000}\0"), "");
    }

    #[test]
    fn a_label_ends_at_the_first_colon_of_either_kind() {
        assert_eq!(split_label("1000米跑：3:58"), Some(("1000米跑", "3:58")));
        assert_eq!(split_label("总分:"), Some(("总分", "")));
        assert_eq!(split_label("总分"), None);
    }

    #[test]
    fn every_error_has_its_stable_word() {
        let words = [
            (PageError::SessionExpired(Layer::Vpn), "SESSION_EXPIRED"),
            (PageError::WrongPassword(Said::default()), "WRONG_PASSWORD"),
            (PageError::Locked(Said::default()), "ACCOUNT_LOCKED"),
            (PageError::Barred(Barrier::Captcha, Said::default()), "LOGIN_BARRED"),
            (PageError::Closed(Closed::Hours, Said::default()), "CAMPUS_CLOSED"),
            (PageError::Unknown(Said::default()), "CAMPUS_DOWN"),
            (PageError::WrongCaptcha, "CAPTCHA_FAILED"),
            (PageError::Maintenance, "CAMPUS_DOWN"),
            (PageError::Changed { page: "urp-course", missing: "the table" }, "CAMPUS_CHANGED"),
            (PageError::TooLarge, "CAMPUS_CHANGED"),
        ];
        for (error, word) in words {
            assert_eq!(error.code(), word);
        }
    }
}
