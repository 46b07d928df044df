//! `GET /api/course`: the caller's course table of the current term.

use axum::{Router, extract::State, routing::get};

use crate::{
    app::AppState,
    campus::urp::parse_course::CourseTable,
    error::ApiError,
    http::{auth::Student, envelope::Envelope},
};

async fn course(State(app): State<AppState>, Student(user): Student) -> Result<Envelope<CourseTable>, ApiError> {
    Ok(Envelope::campus("课表获取成功", app.reader.course_table(&user).await?))
}

pub fn router() -> Router<AppState> {
    Router::new().route("/api/course", get(course))
}
