//! `GET /api/course`: the caller's course table of the current term.

use axum::extract::State;

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::Student,
        envelope::{Envelope, Tagged},
        openapi::{Failures, Unchanged},
    },
    model::{CourseTable, Rendered},
    readthrough::Courses,
};

/// The caller's course table of the current term.
#[utoipa::path(
    get,
    path = "/api/course",
    operation_id = "getCourseTable",
    tag = "study",
    security(("token" = [])),
    responses((status = 200, body = Envelope<CourseTable>, description = "the table"), Unchanged, Failures)
)]
pub(super) async fn course(
    State(app): State<AppState>,
    Student(user): Student,
) -> Result<Tagged<Rendered<CourseTable>>, ApiError> {
    Ok(Tagged(Envelope::campus("课表获取成功", app.reader.read(&Courses, &user).await?)))
}
