//! `GET /api/course.ics?token=…`: the course table as a calendar that other programs subscribe to.
//! `POST /api/course/subscription` gives the token, which opens nothing else; `DELETE` takes it back.

use axum::{
    extract::State,
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::{BoundStudent, Student},
        envelope::{Done, Envelope},
        etag,
        extract::Query,
        openapi::{Failures, Unchanged},
        subscriber::{self, Subscriber},
    },
    ics::{self, Timetable},
    model::CourseTable,
    readthrough::{Courses, Fetched, ReadError},
    store::SubscriptionKind,
};

#[derive(Serialize, ToSchema)]
pub(super) struct Address {
    /// What to give to the calendar program. Anyone who has it can read the course table.
    url: String,
}

/// Makes an address under which the caller's course table can be subscribed to; an earlier one stops working.
#[utoipa::path(
    post,
    path = "/api/course/subscription",
    operation_id = "subscribeToCourseCalendar",
    tag = "study",
    security(("token" = [])),
    responses((status = 201, body = Envelope<Address>, description = "the address"), Failures)
)]
pub(super) async fn subscribe(
    State(app): State<AppState>,
    BoundStudent(user): BoundStudent,
    parts: Parts,
) -> Result<Envelope<Address>, ApiError> {
    let token = subscriber::new_token()?;
    let url = subscriber::address(&app, &parts, &["api", "course.ics"], Some(&token))?;
    subscriber::subscribe(&app, SubscriptionKind::Calendar, user.open_id, token).await?;
    Ok(Envelope::created("订阅地址已生成", Address { url: url.into() }))
}

/// Ends the subscription of the caller's course table.
#[utoipa::path(
    delete,
    path = "/api/course/subscription",
    operation_id = "unsubscribeFromCourseCalendar",
    tag = "study",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Done>, description = "there is none any more"), Failures)
)]
pub(super) async fn unsubscribe(
    State(app): State<AppState>,
    Student(user): Student,
) -> Result<Envelope<Done>, ApiError> {
    subscriber::unsubscribe(&app, SubscriptionKind::Calendar, user.open_id).await?;
    Ok(Envelope::ok("订阅已取消", Done {}))
}

/// A course table as a calendar (RFC 5545), for the token of its subscription.
#[utoipa::path(
    get,
    path = "/api/course.ics",
    operation_id = "getCourseCalendar",
    tag = "study",
    params(Subscriber),
    responses(
        (status = 200, body = String, content_type = "text/calendar", description = "the calendar"),
        Unchanged,
        Failures
    )
)]
pub(super) async fn calendar(
    State(app): State<AppState>,
    Query(subscriber): Query<Subscriber>,
) -> Result<Response, ApiError> {
    let user = subscriber.user(&app, SubscriptionKind::Calendar).await?;
    let (table, fetched_at) = match app.reader.read(&Courses, &user).await.and_then(Fetched::opened) {
        Ok(fetched) => (fetched.data, fetched.fetched_at),
        // A student without courses has a calendar without events; a calendar program would take 404 for a wrong address.
        Err(ReadError::Empty) => (CourseTable::default(), app.clock.now()),
        Err(other) => return Err(other.into()),
    };
    let academic = app.students.academic_id(&user.student_id).unwrap_or_default();
    let term = app.terms.current(academic).ok_or(ApiError::TermUnknown)?;
    let text = ics::calendar(&Timetable {
        table: &table,
        fetched_at,
        term: &term,
        school: &app.config.school,
        owner: &app.pseudonyms.of(&user.open_id),
    });
    let etag = etag::of(text.as_bytes());
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("inline; filename=\"course.ics\""));
    // The caller may keep it, but asks each time whether it is still the same.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(ETAG, HeaderValue::try_from(etag).map_err(|_| ApiError::Internal)?);
    Ok(response)
}
