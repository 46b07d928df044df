//! `GET /api/physical`: the caller's physical tests of all years.

use axum::extract::State;

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::Student,
        envelope::{Envelope, Tagged},
        openapi::{Failures, Unchanged},
    },
    model::{PhysicalYear, Rendered},
    readthrough::Physical,
};

/// The caller's physical tests, one entry a year.
#[utoipa::path(
    get,
    path = "/api/physical",
    operation_id = "listPhysicalTests",
    tag = "study",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Vec<PhysicalYear>>, description = "the tests"), Unchanged, Failures)
)]
pub(super) async fn physical(
    State(app): State<AppState>,
    Student(user): Student,
) -> Result<Tagged<Rendered<Vec<PhysicalYear>>>, ApiError> {
    Ok(Tagged(Envelope::campus("体测成绩获取成功", app.reader.read(&Physical, &user).await?)))
}
