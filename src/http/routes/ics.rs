//! The course table as a calendar that other programs subscribe to: `GET /api/course.ics?token=…`, with a token that
//! opens nothing else and can be taken back.

use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    crypto::random_token,
    error::ApiError,
    http::{
        auth::Student,
        envelope::{Done, Envelope},
        etag,
        extract::Query,
        openapi::Failures,
        public_url,
        text::{self, Text},
    },
    ics::{self, Source},
    readthrough::Courses,
};

/// Digits of a subscription's token.
const TOKEN_LENGTH: usize = 64;

/// What a wrong token is answered with, and everything else that would tell something about an account.
const NO_SUBSCRIPTION: ApiError = ApiError::NotFound("没有这个订阅");

#[derive(Serialize, ToSchema)]
struct Address {
    /// What to give to the calendar program. Whoever has it can read the course table.
    url: String,
}

/// Makes an address under which the caller's course table can be subscribed to; an earlier one stops working.
#[utoipa::path(
    post,
    path = "/api/course/subscription",
    tag = "study",
    security(("token" = [])),
    responses((status = 201, body = Envelope<Address>, description = "the address"), Failures)
)]
async fn subscribe(
    State(app): State<AppState>,
    Student(user): Student,
    parts: Parts,
) -> Result<Envelope<Address>, ApiError> {
    if !user.bind {
        return Err(ApiError::NotBound);
    }
    let token = random_token().ok_or(ApiError::Internal)?;
    let mut url = public_url::below(&public_url::base(&app.config.listen, &parts)?, &["api", "course.ics"]);
    url.query_pairs_mut().append_pair("token", &token);
    let worker = app.clone();
    let stored = async move { Ok(worker.store.subscriptions.put(&user.open_id, &token, worker.clock.now()).await?) };
    app.finish(stored).await?;
    Ok(Envelope::created("订阅地址已生成", Address { url: url.into() }))
}

/// Ends the subscription of the caller's course table.
#[utoipa::path(
    delete,
    path = "/api/course/subscription",
    tag = "study",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Done>, description = "there is none any more"), Failures)
)]
async fn unsubscribe(State(app): State<AppState>, Student(user): Student) -> Result<Envelope<Done>, ApiError> {
    let worker = app.clone();
    app.finish(async move { Ok(worker.store.subscriptions.revoke(&user.open_id).await?) }).await?;
    Ok(Envelope::ok("订阅已取消", Done {}))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Subscriber {
    /// From the address of the subscription.
    #[serde(default, deserialize_with = "text::optional")]
    #[param(value_type = String, pattern = "^[0-9a-f]{64}$")]
    token: Option<Text<128>>,
}

/// A course table as a calendar (RFC 5545), for the token of its subscription.
#[utoipa::path(
    get,
    path = "/api/course.ics",
    tag = "study",
    params(Subscriber),
    responses(
        (status = 200, body = String, content_type = "text/calendar", description = "the calendar"),
        (status = 304, description = "unchanged since the `ETag` given in `If-None-Match`"),
        Failures
    )
)]
async fn calendar(
    State(app): State<AppState>,
    Query(Subscriber { token }): Query<Subscriber>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Some(Text(token)) = token.filter(|Text(token)| token.len() == TOKEN_LENGTH) else {
        return Err(NO_SUBSCRIPTION);
    };
    let subscription = app.store.subscriptions.find(&token).await?.ok_or(NO_SUBSCRIPTION)?;
    app.burst.take(app.pseudonyms.number(&subscription.open_id), &subscription.open_id).await?;
    let user = app.store.users.find(&subscription.open_id).await?.filter(|user| user.bind).ok_or(NO_SUBSCRIPTION)?;
    let fetched = app.reader.read(&Courses, &user).await?;
    let text = ics::calendar(&Source {
        table: &fetched.data,
        fetched_at: fetched.fetched_at,
        term: &app.config.term,
        sections: &app.config.sections,
        owner: &app.pseudonyms.of(&user.open_id),
    });
    let etag = etag::of(text.as_bytes());
    let mut response = if etag::is_known(&headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = text.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("inline; filename=\"course.ics\""));
        response
    };
    // The caller may keep it, but asks each time whether it is still the same.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(subscribe, unsubscribe)).routes(routes!(calendar))
}
