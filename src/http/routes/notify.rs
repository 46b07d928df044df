//! `POST /api/notify`: a student sends another one a subscribe message.
//!
//! Limits: a sender's attempts count once they say anything about the receiver, so that nobody counts through student
//! numbers; they do not count when WeChat or this service fails. For a receiver only delivered messages count.

use std::fmt;

use axum::extract::State;
use futures_util::future::join_all;
use serde::{
    Deserialize, Deserializer,
    de::{self, value::MapAccessDeserializer},
};
use utoipa::ToSchema;

use crate::{
    app::AppState,
    config::{NotifyLimits, Template},
    error::ApiError,
    http::{
        auth::BoundStudent,
        envelope::{Done, Envelope},
        extract::Body,
        openapi::{Failures, Unusable},
        text::{self, Raw, StudentId, Text},
    },
    messenger::MessengerError,
    store::User,
    wechat::WechatError,
};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotifyInput {
    /// Student number of the receiver.
    student_id: StudentId,
    /// Which message; the operator configures the known ones.
    template_id: Text<64>,
    /// Page of the mini-program that a tap on the message opens.
    #[serde(default, deserialize_with = "text::optional")]
    #[schema(
        value_type = Option<String>,
        max_length = 256,
        pattern = "^/?[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*([?][A-Za-z0-9_.~=&-]*)?$"
    )]
    page: Option<Text<256>>,
    #[schema(value_type = Keywords)]
    data: Data,
}

/// As a form: `data` is the JSON text of what stands there in a JSON body.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
#[schema(rename_all = "camelCase")]
struct FormInput {
    /// Student number of the receiver.
    student_id: StudentId,
    /// Which message; the operator configures the known ones.
    template_id: Text<64>,
    /// Page of the mini-program that a tap on the message opens.
    page: Option<Text<256>>,
    /// `{"keyword1": {"value": "…"}, …}`
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// The values of the message, in the order of the template's fields. Texts that are too long for their field are shortened,
/// missing ones are filled, and what does not fit otherwise is refused.
#[derive(Deserialize, ToSchema)]
struct Keywords {
    keyword1: Option<Keyword>,
    keyword2: Option<Keyword>,
    keyword3: Option<Keyword>,
    keyword4: Option<Keyword>,
    keyword5: Option<Keyword>,
}

/// One value; a colour that comes along is a thing of the past.
#[derive(Deserialize, ToSchema)]
struct Keyword {
    #[schema(value_type = String)]
    value: Option<Raw>,
}

impl Keywords {
    fn values(&self) -> [&str; 5] {
        [&self.keyword1, &self.keyword2, &self.keyword3, &self.keyword4, &self.keyword5]
            .map(|keyword| keyword.as_ref().and_then(|k| k.value.as_ref()).map_or("", |Raw(value)| value.as_str()))
    }
}

/// [`Keywords`], or their JSON text.
struct Data(Keywords);

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Data;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keywords")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Data, A::Error> {
                Keywords::deserialize(MapAccessDeserializer::new(map)).map(Data)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Data, E> {
                let is_object = text.trim_start().starts_with('{');
                let keywords = serde_json::from_str(text).ok().filter(|_| is_object);
                keywords.map(Data).ok_or_else(|| E::custom("应为 JSON 对象，如 {\"keyword1\":{\"value\":\"…\"}}"))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// Sends a message to the student with a student number.
///
/// The sender must have bound campus accounts. It reaches every WeChat account that has bound the number, and counts as sent when one of them got it. A receiver must
/// have subscribed to the message before. `formId`, which old clients send, is ignored.
#[utoipa::path(
    post,
    path = "/api/notify",
    operation_id = "sendMessage",
    tag = "life",
    security(("token" = [])),
    request_body(content((NotifyInput = "application/json"), (FormInput = "application/x-www-form-urlencoded"))),
    responses((status = 200, body = Envelope<Done>, description = "delivered"), Failures, Unusable)
)]
pub(super) async fn notify(
    State(app): State<AppState>,
    BoundStudent(sender): BoundStudent,
    Body(input): Body<NotifyInput>,
) -> Result<Envelope<Done>, ApiError> {
    let template = app.messenger.template(&input.template_id.0).ok_or(ApiError::TemplateUnknown)?.clone();
    if input.page.as_ref().is_some_and(|Text(page)| !is_page(page)) {
        return Err(ApiError::BadRequest("参数 page 应为小程序页面路径".to_owned()));
    }
    // Before anything is counted: a message that cannot be sent is no attempt.
    app.messenger.compose(&template, &input.data.0.values(), None)?;
    let worker = app.clone();
    app.finish(async move { within_limits(&worker, &sender, &template, input).await }).await?;
    Ok(Envelope::ok("通知成功", Done {}))
}

/// Whether `page` is the path of a page, perhaps with a query: nothing that leads out of the mini-program. A page may show
/// an address that it finds in its query, so nothing there can make one, encoded or not: no `%`, `:` or `/`.
fn is_page(page: &str) -> bool {
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let segment = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let path_ok = path.strip_prefix('/').unwrap_or(path).split('/').all(segment);
    let query_ok = query.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~=&".contains(&b));
    path_ok && query_ok
}

async fn within_limits(app: &AppState, sender: &User, template: &Template, input: NotifyInput) -> Result<(), ApiError> {
    let NotifyLimits { per_sender, per_receiver } = app.config.limits.notify;
    let now = app.clock.now();
    let from = format!("notify/from/{}", sender.open_id);
    let to = format!("notify/to/{}", input.student_id.as_str());
    app.limiter.count(&from, per_sender).await?;
    let receivers = app.store.users.accounts_of_student(input.student_id.as_str()).await?;
    if receivers.is_empty() {
        return Err(ApiError::NotFound("接收人不存在"));
    }
    if let Err(refused) = app.limiter.count(&to, per_receiver).await {
        app.limiter.refund(&from, per_sender, now).await;
        return Err(match refused {
            ApiError::RateLimited(after) => ApiError::ReceiverLimited(after),
            other => other,
        });
    }
    let outcome = deliver(app, sender, &receivers, template, input).await;
    if let Err(error) = &outcome {
        app.limiter.refund(&to, per_receiver, now).await;
        if error.is_outage() {
            app.limiter.refund(&from, per_sender, now).await;
        }
    }
    Ok(outcome?)
}

/// Checks the text, then sends it to every account; gives the most telling failure when none got it.
async fn deliver(
    app: &AppState,
    sender: &User,
    receivers: &[String],
    template: &Template,
    input: NotifyInput,
) -> Result<(), MessengerError> {
    let Data(keywords) = &input.data;
    let message = app.messenger.compose(template, &keywords.values(), input.page.map(|Text(page)| page))?;
    let shown: Vec<&str> = message.fields.values().map(String::as_str).collect();
    app.messenger.check_text(&sender.open_id, &shown.join("\n")).await?;
    let outcomes = join_all(receivers.iter().map(|open_id| app.messenger.send(open_id, &message))).await;
    let mut failure = None;
    for outcome in outcomes {
        match outcome {
            Ok(()) => return Ok(()),
            // That somebody has not subscribed is what the sender can do something about.
            Err(e @ MessengerError::Wechat(WechatError::NotSubscribed)) => failure = Some(e),
            Err(e) => failure = failure.or(Some(e)),
        }
    }
    failure.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_may_be_an_object_or_its_json_text_and_colours_are_ignored() {
        let text =
            r##"{"keyword1":{"value":"一","color":"#173177"},"keyword3":{"value":3},"keyword4":{},"other":[1]}"##;
        for json in [text.to_owned(), serde_json::to_string(text).unwrap()] {
            let Data(keywords) = serde_json::from_str(&json).unwrap();
            assert_eq!(keywords.values(), ["一", "", "3", "", ""]);
        }
    }

    #[test]
    fn anything_else_is_no_data() {
        for json in
            ["[]", "null", "1", r#""""#, r#""[]""#, r#"{"keyword1":"a"}"#, r#"{"keyword1":{"value":{"$gt":""}}}"#]
        {
            assert!(serde_json::from_str::<Data>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_page_lies_within_the_mini_program() {
        for page in
            ["pages/index/index", "/pages/lost/detail?id=5a1f&from=notify", "index", "index?", "index?a=1.0~b-c_d"]
        {
            assert!(is_page(page), "{page}");
        }
        for page in [
            "",
            "/",
            "//evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "pages/../x",
            "pages//x",
            "a b",
            "pages/web?url=https://evil.example",
            "pages/web?url=https%3A%2F%2Fevil.example",
            "pages/web?url=%2F%2Fevil.example",
            "pages/web?url=%2568ttps",
            "pages/web?url=//evil.example",
            "pages/web?name=%E4%BD%A0",
            "pages%2Findex",
            "weixin://dl/business",
            "pages/index#a",
            "页面",
            "a?b?c",
        ] {
            assert!(!is_page(page), "{page}");
        }
    }
}
