//! Extractors whose every rejection is an answer in the envelope. `axum`'s own are banned by `clippy.toml`.

use std::time::Duration;

use axum::{
    body::{Bytes, HttpBody},
    extract::{FromRequest, FromRequestParts, Request, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::IntoResponse,
};
use serde::de::DeserializeOwned;

use super::MAX_BODY;
use crate::error::ApiError;

/// How long a body may take to arrive: a megabyte over a poor mobile connection.
const BODY_PATIENCE: Duration = Duration::from_secs(15);

/// A body, form-encoded or JSON, whichever its content type says.
#[derive(Debug)]
pub struct Body<T>(pub T);

#[derive(Clone, Copy)]
enum BodyKind {
    Json,
    Form,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = kind(request.headers());
        // What is said to be too long is not waited for.
        if request.body().size_hint().lower() > MAX_BODY as u64 {
            return Err(ApiError::PayloadTooLarge);
        }
        let received = tokio::time::timeout(BODY_PATIENCE, Bytes::from_request(request, state)).await;
        let bytes = received.map_err(|_| ApiError::RequestTimeout)?.map_err(|rejection| {
            match rejection.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => ApiError::PayloadTooLarge,
                _ => ApiError::BadRequest("请求体不完整".to_owned()),
            }
        })?;
        match kind? {
            BodyKind::Json => json(&bytes),
            BodyKind::Form => form(&bytes),
        }
        .map(Self)
    }
}

/// What the content type says; a body without one is read as a form, as old clients send none with an empty body.
fn kind(headers: &HeaderMap) -> Result<BodyKind, ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(BodyKind::Form) };
    let text = value.to_str().map_err(|_| ApiError::UnsupportedMediaType)?.to_ascii_lowercase();
    let (essence, parameters) = text.split_once(';').unwrap_or((&text, ""));
    let charset = parameters.split(';').find_map(|p| p.trim().strip_prefix("charset="));
    if charset.is_some_and(|c| !matches!(c.trim_matches('"'), "utf-8" | "utf8")) {
        return Err(ApiError::UnsupportedMediaType);
    }
    match essence.trim() {
        "application/json" => Ok(BodyKind::Json),
        "application/x-www-form-urlencoded" => Ok(BodyKind::Form),
        _ => Err(ApiError::UnsupportedMediaType),
    }
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let malformed = || ApiError::BadRequest("请求体不是有效的 JSON 对象".to_owned());
    // A struct would also be read from an array; the contract knows only objects.
    if bytes.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return Err(malformed());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        if e.inner().is_data() { field_error(&e.path().to_string(), &e.inner().to_string()) } else { malformed() }
    })?;
    reader.end().map_err(|_| malformed())?;
    Ok(value)
}

fn form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let reader = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(bytes));
    serde_path_to_error::deserialize(reader).map_err(|e| field_error(&e.path().to_string(), &e.inner().to_string()))
}

/// Turns a message of serde into one for a person. Our own types speak Chinese already; serde's texts are recognised by
/// their wording, which has been the same since serde 1.0.
fn field_error(path: &str, message: &str) -> ApiError {
    let quoted = |prefix: &str| message.strip_prefix(prefix)?.split('`').nth(1).map(str::to_owned);
    let text = if let Some(field) = quoted("missing field") {
        format!("缺少参数 {field}")
    } else if let Some(field) = quoted("duplicate field") {
        format!("参数 {field} 重复")
    } else if message.starts_with(|c: char| !c.is_ascii()) {
        // serde_json appends the position: « at line 1 column 9».
        let own = message.split(" at line ").next().unwrap_or(message);
        format!("参数 {path} {own}")
    } else {
        format!("参数 {path} 类型错误")
    };
    ApiError::BadRequest(text)
}

/// A parameter of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    #[expect(clippy::disallowed_types, reason = "wrapped here, so that its rejection has the envelope")]
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => {
                Err(ApiError::BadRequest("路径参数错误".to_owned()))
            }
            Err(_) => Err(ApiError::Internal),
        }
    }
}

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        form(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::http::text::{self, StudentId, Text};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        student_id: StudentId,
        pass_word: Text<8>,
        #[serde(default, deserialize_with = "text::optional")]
        iv: Option<Text<4>>,
    }

    fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
        match result {
            Err(ApiError::BadRequest(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn form_and_json_mean_the_same_and_numbers_may_be_strings() {
        let expected =
            |input: Input| assert_eq!((input.student_id.as_str(), input.pass_word.0.as_str()), ("311500000001", "12"));
        expected(form(b"studentId=311500000001&passWord=12&other=x").unwrap());
        expected(json(br#"{"studentId":311500000001,"passWord":"12","iv":null}"#).unwrap());
        expected(json(br#" {"studentId":" 311500000001 ","passWord":12,"iv":""}"#).unwrap());
    }

    #[test]
    fn every_bad_body_names_the_parameter_and_what_is_wrong() {
        let json = |text: &str| refused(json::<Input>(text.as_bytes()));
        assert_eq!(json(r#"{"studentId":"311500000001"}"#), "缺少参数 passWord");
        assert_eq!(json(r#"{"studentId":{"$gt":""},"passWord":"1"}"#), "参数 studentId 类型错误");
        assert_eq!(json(r#"{"studentId":"311500000001","passWord":["1"]}"#), "参数 passWord 类型错误");
        assert_eq!(json(r#"{"studentId":"12","passWord":"1"}"#), "参数 studentId 应为 8 至 14 位数字");
        assert_eq!(json(r#"{"studentId":"311500000001","passWord":""}"#), "参数 passWord 不能为空");
        assert_eq!(json(r#"{"studentId":"311500000001","passWord":"123456789"}"#), "参数 passWord 过长，最多 8 个字符");
        assert_eq!(json(r#"{"studentId":"311500000001","passWord":"a\u0000"}"#), "参数 passWord 含有无效字符");
        assert_eq!(json(r#"{"studentId":"311500000001","passWord":"1","passWord":"2"}"#), "参数 passWord 重复");
        assert_eq!(json(r#"["311500000001","1"]"#), "请求体不是有效的 JSON 对象");
        assert_eq!(json(r#"{"studentId":"#), "请求体不是有效的 JSON 对象");
        assert_eq!(json("{} {}"), "缺少参数 studentId");
        let form = |text: &str| refused(form::<Input>(text.as_bytes()));
        assert_eq!(form("passWord=1&passWord=2&studentId=311500000001"), "参数 passWord 重复");
        assert_eq!(form("passWord=%FF%FE&studentId=311500000001"), "参数 passWord 含有无效字符");
        assert_eq!(form(""), "缺少参数 studentId");
    }
}
