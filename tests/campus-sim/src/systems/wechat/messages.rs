//! Subscribe messages and the content check.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::Value;

use super::ApiError;
use crate::world::lock;

/// How many messages users still accept. Without an entry a user accepts any number.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Mutex<HashMap<(String, String), u32>>);

impl Subscriptions {
    pub(super) fn set(&self, openid: &str, template_id: &str, count: Option<u32>) {
        let key = (openid.to_owned(), template_id.to_owned());
        let mut left = lock(&self.0);
        match count {
            Some(count) => left.insert(key, count),
            None => left.remove(&key),
        };
    }

    /// Uses up one message.
    pub(super) fn take(&self, openid: &str, template_id: &str) -> Result<(), ApiError> {
        match lock(&self.0).get_mut(&(openid.to_owned(), template_id.to_owned())) {
            Some(0) => Err(ApiError(43101, "user refuse to accept the msg")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// A message whose form is right.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) openid: &'a str,
    pub(super) template_id: &'a str,
}

/// Most characters of a template's field, by the kind at the beginning of its name.
const FIELDS: [(&str, usize); 13] = [
    ("thing", 20),
    ("number", 32),
    ("letter", 32),
    ("symbol", 5),
    ("character_string", 32),
    ("time", 24),
    ("date", 24),
    ("amount", 12),
    ("phone_number", 17),
    ("car_number", 8),
    ("name", 20),
    ("phrase", 5),
    ("const", 20),
];

/// Checks the body of a message the way `WeChat` does.
pub(super) fn check(body: &Value) -> Result<Message<'_>, ApiError> {
    let openid =
        body["touser"].as_str().filter(|openid| !openid.is_empty()).ok_or(ApiError(40003, "invalid openid"))?;
    let template_id =
        body["template_id"].as_str().filter(|id| !id.is_empty()).ok_or(ApiError(40037, "invalid template_id"))?;
    let data = body["data"].as_object().filter(|data| !data.is_empty()).ok_or(INVALID_DATA)?;
    for (name, field) in data {
        let value = field["value"].as_str().ok_or(INVALID_DATA)?;
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let (_, most) = FIELDS.iter().find(|(known, _)| *known == kind).ok_or(INVALID_DATA)?;
        let ascii_only = matches!(kind, "character_string" | "letter" | "number");
        if value.is_empty() || value.chars().count() > *most || (ascii_only && !value.is_ascii()) {
            return Err(INVALID_DATA);
        }
    }
    match &body["miniprogram_state"] {
        Value::Null => {}
        Value::String(state) if matches!(state.as_str(), "formal" | "trial" | "developer") => {}
        _ => return Err(ApiError(40097, "invalid args")),
    }
    Ok(Message { openid, template_id })
}

const INVALID_DATA: ApiError = ApiError(47003, "argument invalid! data invalid");

/// What the content check thinks of a text.
#[derive(Debug)]
pub(super) struct Verdict<'a> {
    pub(super) openid: &'a str,
    pub(super) content: &'a str,
    pub(super) suggest: &'static str,
    pub(super) label: u32,
}

/// Texts that contain `违规` are risky, those that contain `存疑` are for a person to look at.
pub(super) fn judge(body: &Value) -> Result<Verdict<'_>, ApiError> {
    if body["version"] != 2 || !body["scene"].as_u64().is_some_and(|scene| (1..=4).contains(&scene)) {
        return Err(ApiError(40097, "invalid args"));
    }
    let openid =
        body["openid"].as_str().filter(|openid| !openid.is_empty()).ok_or(ApiError(40003, "invalid openid"))?;
    let content = body["content"]
        .as_str()
        .filter(|content| !content.is_empty() && content.chars().count() <= 2500)
        .ok_or(ApiError(40097, "invalid args"))?;
    let (suggest, label) = if content.contains("违规") {
        ("risky", 20_001)
    } else if content.contains("存疑") {
        ("review", 20_002)
    } else {
        ("pass", 100)
    };
    Ok(Verdict { openid, content, suggest, label })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Subscriptions, check, judge};

    #[test]
    fn a_message_is_checked_field_by_field() {
        let message = |data| json!({"touser": "a", "template_id": "t", "data": data});
        assert!(check(&message(json!({"thing1": {"value": "二十个字以内"}}))).is_ok());
        assert_eq!(check(&message(json!({"thing1": {"value": "字".repeat(21)}}))).unwrap_err().0, 47003);
        assert_eq!(check(&message(json!({"character_string2": {"value": "中文"}}))).unwrap_err().0, 47003);
        assert_eq!(check(&message(json!({"keyword1": {"value": "old"}}))).unwrap_err().0, 47003);
        assert_eq!(check(&message(json!("text"))).unwrap_err().0, 47003);
        assert_eq!(check(&json!({"touser": "a", "data": {}})).unwrap_err().0, 40037);
    }

    #[test]
    fn a_subscription_is_used_up() {
        let subscriptions = Subscriptions::default();
        assert!(subscriptions.take("a", "t").is_ok());
        subscriptions.set("a", "t", Some(1));
        assert!(subscriptions.take("a", "t").is_ok());
        assert_eq!(subscriptions.take("a", "t").unwrap_err().0, 43101);
        assert!(subscriptions.take("b", "t").is_ok());
    }

    #[test]
    fn texts_are_judged_by_the_words_in_them() {
        let suggest = |content: &str| {
            judge(&json!({"version": 2, "scene": 2, "openid": "a", "content": content})).unwrap().suggest.to_owned()
        };
        assert_eq!([suggest("你好"), suggest("这是违规内容"), suggest("存疑")], ["pass", "risky", "review"]);
        assert!(judge(&json!({"version": 2, "scene": 2, "content": "x"})).is_err());
    }
}
