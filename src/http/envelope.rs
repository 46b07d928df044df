//! The envelope around every JSON answer: `{"statusCode", "errMsg", "data"?, "code"?, "meta"?}`.

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, ETAG},
    },
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::etag;
use crate::{error::ApiError, readthrough::Fetched};

/// The machine word of an error, beside its answer for the access line and the metrics.
#[derive(Debug, Clone, Copy)]
pub struct ErrorCode(pub &'static str);

/// The data of an answer that has nothing to tell but that it worked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {}

/// One answer; its status is that of the HTTP response.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<T> {
    status_code: u16,
    err_msg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta>,
}

/// How current campus data is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// RFC 3339, UTC.
    fetched_at: String,
    stale: bool,
    /// `true` when it is a list that is known to be incomplete; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<bool>,
    /// Why it is stale: the code that the answer would have without stored data, such as `CAPTCHA_REQUIRED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl<T: Serialize> Envelope<T> {
    /// 200.
    pub fn ok(text: &str, data: T) -> Self {
        Self::success(StatusCode::OK, text, data)
    }

    /// 201.
    pub fn created(text: &str, data: T) -> Self {
        Self::success(StatusCode::CREATED, text, data)
    }

    /// 200 with campus data and how current it is.
    pub fn campus(text: &str, fetched: Fetched<T>) -> Self {
        let fetched_at = fetched.fetched_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let reason = fetched.reason.as_ref().map(|error| ApiError::from(error).code());
        let meta = Some(Meta { fetched_at, stale: fetched.stale, partial: fetched.partial.then_some(true), reason });
        Self { meta, ..Self::success(StatusCode::OK, text, fetched.data) }
    }

    /// The same; when the database does not answer and `since` says when the data was read, marked as stale.
    #[must_use]
    pub fn stale_since(self, since: Option<DateTime<Utc>>) -> Self {
        let Some(read_at) = since else { return self };
        let fetched_at = read_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let reason = Some(ApiError::DatabaseUnavailable.code());
        Self { meta: Some(Meta { fetched_at, stale: true, partial: None, reason }), ..self }
    }

    fn success(status: StatusCode, text: &str, data: T) -> Self {
        Self { status_code: status.as_u16(), err_msg: text.to_owned(), data: Some(data), code: None, meta: None }
    }

    /// An error with its stable machine word.
    pub fn error(status: StatusCode, code: &'static str, text: &str, data: Option<T>) -> Self {
        Self { status_code: status.as_u16(), err_msg: text.to_owned(), data, code: Some(code), meta: None }
    }
}

impl<T: Serialize> Envelope<T> {
    /// The answer; with an `ETag` of its bytes when it is `tagged`.
    fn answer(&self, tagged: bool) -> Response {
        let Ok(body) = serde_json::to_vec(self) else {
            // Our own types always serialise; a map with keys that are no strings would not.
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let tag = if tagged { HeaderValue::try_from(etag::of(&body)).ok() } else { None };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status_code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if let Some(tag) = tag {
            response.headers_mut().insert(ETAG, tag);
        }
        if let Some(code) = self.code {
            response.extensions_mut().insert(ErrorCode(code));
        }
        response
    }
}

impl<T: Serialize> IntoResponse for Envelope<T> {
    fn into_response(self) -> Response {
        self.answer(false)
    }
}

/// An answer with an `ETag`: who names it in `If-None-Match` gets 304 as long as the answer is the same
/// ([`etag::unless_known`]).
#[derive(Debug)]
pub struct Tagged<T>(pub Envelope<T>);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        self.0.answer(true)
    }
}
