//! The content check for text that other people will see (`msg_sec_check`, version 2).

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::{Wechat, WechatError};
use crate::outbound::Request;

/// Longest text of one call, in characters (WeChat documentation of `msg_sec_check`).
const MAX_TEXT: usize = 2500;

/// Number of the place where the text appears: comments (WeChat documentation of `msg_sec_check`).
const SCENE: u8 = 2;

/// WeChat's opinion of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opinion {
    /// Nothing wrong with it.
    Pass,
    /// A person should look at it.
    Review,
    /// It must not be published.
    Risky,
}

#[derive(Deserialize)]
struct Checked {
    result: CheckResult,
}

#[derive(Deserialize)]
struct CheckResult {
    suggest: String,
}

impl Wechat {
    /// WeChat's opinion of `text` by `open_id` (`POST /wxa/msg_sec_check`). A long text is checked in pieces; the worst
    /// opinion counts.
    ///
    /// # Errors
    /// See [`WechatError`]; [`WechatError::UserInactive`] when WeChat knows no visit of `open_id` in the last two hours
    /// and therefore checks nothing.
    pub async fn check_text(&self, token: SecretString, open_id: &str, text: &str) -> Result<Opinion, WechatError> {
        let url = self.signed("/wxa/msg_sec_check", &token);
        let mut worst = Opinion::Pass;
        for piece in pieces(text) {
            let body = json!({ "version": 2, "scene": SCENE, "openid": open_id, "content": piece });
            let Checked { result } = self.ask(|| Request::json(url.clone(), &body)).await?;
            worst = worst.max(match result.suggest.as_str() {
                "pass" => Opinion::Pass,
                "review" => Opinion::Review,
                "risky" => Opinion::Risky,
                _ => return Err(WechatError::garbage()),
            });
        }
        Ok(worst)
    }
}

/// `text` in pieces of at most [`MAX_TEXT`]; an empty text has none.
fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(MAX_TEXT).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_checked_to_its_end_in_pieces_that_one_call_takes() {
        assert!(pieces("").is_empty());
        assert_eq!(pieces(&"字".repeat(2500)).len(), 1);
        let text = "字".repeat(5001);
        let pieces = pieces(&text);
        assert_eq!(pieces.iter().map(|p| p.chars().count()).collect::<Vec<_>>(), [2500, 2500, 1]);
        assert_eq!(pieces.concat(), text);
    }

    #[test]
    fn of_two_opinions_the_worse_counts() {
        assert_eq!(Opinion::Review.max(Opinion::Pass), Opinion::Review);
        assert_eq!(Opinion::Review.max(Opinion::Risky), Opinion::Risky);
    }
}
