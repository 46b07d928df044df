//! `POST /api/classroom`: rooms that are empty at a time.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::AppState,
    campus::academic::ClassroomQuery,
    error::ApiError,
    http::{
        auth::Student,
        envelope::Envelope,
        extract::Body,
        openapi::Failures,
        text::{Number, Text},
    },
    model::{Rendered, Room},
    readthrough::Classrooms,
};

/// Pairs of lessons that are searched for.
const SECTIONS: [&str; 5] = ["1,2", "3,4", "5,6", "7,8", "9,10"];

#[derive(Deserialize, ToSchema)]
pub(super) struct ClassroomInput {
    /// Number of the building.
    building: Number<1, 18>,
    /// Week of the term.
    weekly: Number<1, 29>,
    /// Pair of lessons.
    #[schema(value_type = String, pattern = "^(1,2|3,4|5,6|7,8|9,10)$")]
    section: Text<8>,
    /// Day of the week, Monday is 1.
    week: Number<1, 7>,
}

/// Empty classrooms by floor.
#[utoipa::path(
    post,
    path = "/api/classroom",
    operation_id = "findEmptyClassrooms",
    tag = "study",
    security(("token" = [])),
    request_body(content(
        (ClassroomInput = "application/x-www-form-urlencoded"),
        (ClassroomInput = "application/json")
    )),
    responses((status = 200, body = Envelope<Vec<Vec<Room>>>, description = "floors"), Failures)
)]
pub(super) async fn classrooms(
    State(app): State<AppState>,
    Student(user): Student,
    Body(input): Body<ClassroomInput>,
) -> Result<Envelope<Rendered<Vec<Vec<Room>>>>, ApiError> {
    let section = SECTIONS.into_iter().find(|known| *known == input.section.0);
    let section =
        section.ok_or_else(|| ApiError::BadRequest(format!("参数 section 应为 {} 之一", SECTIONS.join("、"))))?;
    let query = ClassroomQuery {
        building: input.building.0,
        week: input.weekly.0,
        weekday: input.week.0,
        section: section.to_owned(),
    };
    Ok(Envelope::campus("空教室获取成功", app.reader.read(&Classrooms(query), &user).await?))
}
