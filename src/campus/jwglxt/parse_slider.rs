//! The slider before a login (`zfcaptchaLogin`): its script, what its pictures are asked for with, and what is said of
//! the way that the piece took. So far only the command `parse` reads them.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::signals::{instead, json_of};
use crate::campus::page::PageError;

/// Name of the three answers on the command line and in errors.
const PAGE: &str = "zf-slider";

/// Longest value that is taken from an answer, in bytes.
const LONGEST: usize = 200;

/// What the pictures of a slider are asked for with. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SliderPictures {
    /// Id of the background (`si`).
    pub background: String,
    /// Id of the piece (`mi`).
    pub piece: String,
    /// The token of both (`imtk`).
    pub token: String,
    /// Time of the pictures, in milliseconds (`t`).
    pub time: u64,
}

impl fmt::Debug for SliderPictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SliderPictures").finish_non_exhaustive()
    }
}

/// Reads the slider's key (`rtk`) out of its script.
pub fn parse_slider_script(script: &str) -> Result<String, PageError> {
    // A page in place of the script may hold a script, too.
    let is_page = script.trim_start().starts_with('<');
    let key = script.match_indices("rtk").filter(|_| !is_page).find_map(|(at, word)| {
        let is_word = !script[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        key_after(&script[at + word.len()..]).filter(|_| is_word)
    });
    key.map(str::to_owned).ok_or_else(|| instead(script, PAGE, "rtk"))
}

/// The key of `:'0b6c…'`.
fn key_after(text: &str) -> Option<&str> {
    let value = text.trim_start_matches(['\'', '"']).trim_start().strip_prefix(':')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let value = &value[1..];
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '-')?;
    ((1..=LONGEST).contains(&end) && value[end..].starts_with(quote)).then_some(&value[..end])
}

/// Reads what the pictures are asked for with: `{"si":"…","mi":"…","imtk":"…","t":1790000000000,"status":"success",…}`.
pub fn parse_slider_pictures(body: &str) -> Result<SliderPictures, PageError> {
    let answer = json_of(body, PAGE)?;
    let missing = |missing| PageError::Changed { page: PAGE, missing };
    if answer["status"] != "success" {
        return Err(missing("status"));
    }
    let text = |key: &'static str| {
        let text = answer[key].as_str().filter(|text| (1..=LONGEST).contains(&text.len()));
        text.map(str::to_owned).ok_or_else(|| missing(key))
    };
    let time = match &answer["t"] {
        Value::Number(time) => time.as_u64(),
        Value::String(time) => time.parse().ok(),
        _ => None,
    };
    Ok(SliderPictures {
        background: text("si")?,
        piece: text("mi")?,
        token: text("imtk")?,
        time: time.ok_or_else(|| missing("t"))?,
    })
}

/// Reads what is said of the way that the piece took: `Ok` if it was right, else [`PageError::WrongCaptcha`].
pub fn parse_slider_verdict(body: &str) -> Result<(), PageError> {
    let answer = json_of(body, PAGE)?;
    match (answer["vs"].as_str(), answer["status"].as_str()) {
        (Some("verified"), Some("success")) => Ok(()),
        (None, None) => Err(PageError::Changed { page: PAGE, missing: "vs" }),
        _ => Err(PageError::WrongCaptcha),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    const KEY: &str = "5d0f7c3a-91b2-4e6d-8c47-2a3b4c5d6e7f";

    #[test]
    fn the_key_stands_in_the_script() {
        assert_eq!(parse_slider_script(&fixture("jwglxt/slider-script.js")).as_deref(), Ok(KEY));
        for script in ["{rtk:'a-1'}", "x={\"rtk\" : \"a-1\"}", "{rtk:'',o:{rtk:'a-1'}}", "{xrtk:'b',rtk:'a-1'}"] {
            assert_eq!(parse_slider_script(script).as_deref(), Ok("a-1"), "{script}");
        }
    }

    #[test]
    fn a_script_without_its_key_is_changed() {
        let whole = fixture("jwglxt/slider-script.js");
        for script in [
            whole.replace("rtk", "key"),
            whole.replace(KEY, ""),
            whole.replace(KEY, "<a>"),
            whole.replace(&format!("'{KEY}'"), "key"),
            format!("{{rtk:'{}'}}", "a".repeat(LONGEST + 1)),
        ] {
            assert_eq!(
                parse_slider_script(&script),
                Err(PageError::Changed { page: PAGE, missing: "rtk" }),
                "{script}"
            );
        }
        let page = format!("<script>rtk:'{KEY}'</script>");
        assert!(matches!(parse_slider_script(&page), Err(PageError::Changed { .. })));
    }

    #[test]
    fn the_pictures_are_read_with_their_token() {
        let expected = SliderPictures {
            background: "0a7d41c2".to_owned(),
            piece: "9b3e60f8".to_owned(),
            token: "71c5e2d04b8f".to_owned(),
            time: 1_790_000_000_000,
        };
        assert_eq!(parse_slider_pictures(&fixture("jwglxt/slider-refresh.json")), Ok(expected));
    }

    #[test]
    fn pictures_without_their_ids_are_changed() {
        let whole = fixture("jwglxt/slider-refresh.json");
        for key in ["si", "mi", "imtk", "t", "status"] {
            let error = parse_slider_pictures(&whole.replace(&format!("\"{key}\""), "\"other\"")).unwrap_err();
            assert_eq!(error, PageError::Changed { page: PAGE, missing: key });
        }
        for other in ["null", "[]", r#"{"msg":"error","status":"fail"}"#, &whole.replace("0a7d41c2", "")] {
            assert!(matches!(parse_slider_pictures(other), Err(PageError::Changed { .. })), "{other}");
        }
    }

    #[test]
    fn only_a_way_that_is_verified_is_right() {
        let whole = fixture("jwglxt/slider-verify.json");
        assert_eq!(parse_slider_verdict(&whole), Ok(()));
        for other in [
            whole.replace("verified", "not_verify"),
            whole.replace("success", "fail"),
            whole.replace("\"status\"", "\"other\""),
            r#"{"msg":"error","status":"fail"}"#.to_owned(),
            fixture("jwglxt/slider-refused.json"),
        ] {
            assert_eq!(parse_slider_verdict(&other), Err(PageError::WrongCaptcha), "{other}");
        }
        for other in ["null", "[]", "{}", r#"{"vs":1}"#] {
            assert_eq!(parse_slider_verdict(other), Err(PageError::Changed { page: PAGE, missing: "vs" }), "{other}");
        }
    }

    #[test]
    fn debug_output_shows_no_token() {
        let shown = format!("{:?}", parse_slider_pictures(&fixture("jwglxt/slider-refresh.json")));
        assert!(!shown.contains("71c5e2d04b8f"), "{shown}");
    }

    #[test]
    fn another_answer_is_none_of_the_three() {
        type Read = fn(&str) -> Result<(), PageError>;
        let read: [Read; 3] = [
            |body| parse_slider_script(body).map(drop),
            |body| parse_slider_pictures(body).map(drop),
            parse_slider_verdict,
        ];
        for read in read {
            assert_eq!(read(""), Err(PageError::SessionExpired(Layer::Jwglxt)));
            assert_eq!(read(&fixture("jwglxt/login-slider.html")), Err(PageError::SessionExpired(Layer::Jwglxt)));
            assert_eq!(read(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
            assert!(matches!(read(&fixture("jwglxt/no-function.html")), Err(PageError::Closed(..))));
            assert!(matches!(read(&fixture("garbage.html")), Err(PageError::Changed { .. })));
        }
    }

    proptest! {
        #[test]
        fn a_mutilated_script_has_a_key_or_is_an_error(script in mutilated("jwglxt/slider-script.js")) {
            if let Ok(key) = parse_slider_script(&script) {
                prop_assert!(!key.is_empty() && key.len() <= LONGEST);
            }
        }

        #[test]
        fn mutilated_pictures_have_all_their_ids_or_are_an_error(body in mutilated("jwglxt/slider-refresh.json")) {
            if let Ok(pictures) = parse_slider_pictures(&body) {
                let ids = [pictures.background, pictures.piece, pictures.token];
                prop_assert!(ids.iter().all(|id| !id.is_empty()));
            }
        }

        #[test]
        fn a_mutilated_refusal_never_is_a_right_way(body in mutilated("jwglxt/slider-refused.json")) {
            prop_assert!(parse_slider_verdict(&body).is_err());
        }
    }
}
