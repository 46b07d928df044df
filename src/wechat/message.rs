//! Subscribe messages: each time a receiver allows them in `wx.requestSubscribeMessage`, one message may be sent.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::{Wechat, WechatError};
use crate::outbound::Request;

/// The edition of the mini-program that a message opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Edition {
    /// The published one.
    Formal,
    /// The developer's.
    Developer,
}

impl Edition {
    fn name(self) -> &'static str {
        self.into()
    }
}

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    /// WeChat's id of the template.
    pub template_id: String,
    /// Page of the mini-program that a tap on the message opens.
    pub page: Option<String>,
    /// The template's fields with their values, which [fit](super::fit).
    pub fields: BTreeMap<String, String>,
    /// The edition that a tap opens.
    pub opens: Edition,
}

/// A successful answer to this call always has an `errcode`.
#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "errcode")]
    _errcode: i64,
}

impl Wechat {
    /// Sends `message` to one account (`POST /cgi-bin/message/subscribe/send`).
    pub async fn send(&self, token: SecretString, open_id: &str, message: &Message) -> Result<(), WechatError> {
        let url = self.signed("/cgi-bin/message/subscribe/send", &token);
        let data: BTreeMap<&str, _> =
            message.fields.iter().map(|(name, value)| (name.as_str(), json!({ "value": value }))).collect();
        let mut body = json!({
            "touser": open_id,
            "template_id": message.template_id,
            "data": data,
            "miniprogram_state": message.opens.name(),
            "lang": "zh_CN",
        });
        if let Some(page) = &message.page {
            body["page"] = json!(page);
        }
        let _: Sent = self.ask(|| Request::json(url.clone(), &body)).await?;
        Ok(())
    }
}
