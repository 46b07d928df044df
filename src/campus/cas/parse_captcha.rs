//! A captcha of the CAS (`GET /sso/apis/v2/open/captcha`): JSON with a picture and the token that belongs to it.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;

use crate::campus::page::dom::Page;
use crate::campus::{
    captcha::media_type,
    page::{Layer, PageError},
};

/// Name of this page on the command line and in errors.
const PAGE: &str = "cas-captcha";

/// A captcha. `Debug` shows neither picture nor token.
#[derive(Clone, PartialEq, Eq)]
pub struct Captcha {
    /// The picture: JPEG at every school that was seen, PNG or GIF elsewhere perhaps.
    pub picture: Vec<u8>,
    /// Goes back with the answer; it works once.
    pub token: String,
}

impl fmt::Debug for Captcha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captcha").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Sent {
    img: String,
    token: String,
}

/// Reads a captcha. The content type of the answer is not asked: JSON often comes as `text/html`.
pub fn parse_captcha(text: &str) -> Result<Captcha, PageError> {
    if !text.trim_start().starts_with('{') {
        return Err(Page::parse(text)?.instead(Layer::Cas, PAGE, "a JSON object"));
    }
    let changed = |missing| PageError::Changed { page: PAGE, missing };
    let sent: Sent = serde_json::from_str(text).map_err(|_| changed("picture and token"))?;
    if sent.token.is_empty() {
        return Err(changed("the token"));
    }
    let picture = picture_of(&sent.img).ok_or_else(|| changed("the picture"))?;
    Ok(Captcha { picture, token: sent.token })
}

/// The picture in Base64, which may have line breaks and the prefix of a `data:` address. `None` for what no student
/// could see as a picture.
fn picture_of(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_whitespace().collect();
    let base64 = match text.strip_prefix("data:") {
        Some(address) => address.split_once(";base64,")?.1,
        None => &text,
    };
    BASE64_STANDARD.decode(base64).ok().filter(|picture| media_type(picture).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn read(name: &str) -> Result<Captcha, PageError> {
        parse_captcha(&fixture(name))
    }

    #[test]
    fn picture_and_token_are_read_across_line_breaks() {
        let captcha = read("cas/captcha.json").unwrap();
        assert_eq!(captcha.token, "6b0c1d7e2f5a4c0e");
        assert_eq!((captcha.picture.len(), &captcha.picture[6..10]), (134, &b"JFIF"[..]));
        assert!(!format!("{captcha:?}").contains("6b0c"));
    }

    #[test]
    fn a_data_address_is_the_same_picture() {
        let plain = fixture("cas/captcha.json");
        let address = plain.replace("/9j/", "data:image/jpeg;base64,/9j/");
        assert_ne!(plain, address);
        assert_eq!(parse_captcha(&address), parse_captcha(&plain));
    }

    #[test]
    fn an_answer_without_a_picture_or_a_token_is_changed() {
        let changed = |text: &str| matches!(parse_captcha(text), Err(PageError::Changed { page: "cas-captcha", .. }));
        assert!(changed(&fixture("cas/captcha-refused.json")));
        assert!(changed(&fixture("cas/captcha.json").replace("6b0c1d7e2f5a4c0e", "")));
        for picture in ["", "https://cas.example/captcha.jpg", "data:image/jpeg,abc", "PHN2Zz4="] {
            assert!(changed(&format!(r#"{{"img":"{picture}","token":"a"}}"#)), "{picture}");
        }
    }

    #[test]
    fn a_page_instead_of_json_is_told_by_its_kind() {
        assert_eq!(read("cas/login.html"), Err(PageError::SessionExpired(Layer::Cas)));
        assert_eq!(read("maintenance.gbk.html"), Err(PageError::Maintenance));
        for page in [fixture("garbage.html"), String::new(), "[]".to_owned()] {
            assert!(matches!(parse_captcha(&page), Err(PageError::Changed { .. })), "{page}");
        }
    }

    proptest! {
        #[test]
        fn a_mutilated_captcha_is_a_picture_with_a_token_or_an_error(text in mutilated("cas/captcha.json")) {
            if let Ok(captcha) = parse_captcha(&text) {
                prop_assert!(captcha.picture.len() > 2 && !captcha.token.is_empty());
            }
        }
    }
}
