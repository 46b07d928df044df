//! `GET /api/donation`: who gave what for the service.

use axum::extract::State;

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::Student,
        envelope::Envelope,
        openapi::{Failures, Unusable},
    },
    model::{Donation, Rendered},
    readthrough::ReadError,
    students::StudentError,
};

/// Who gave what for the service.
#[utoipa::path(
    get,
    path = "/api/donation",
    operation_id = "listDonations",
    tag = "service",
    security(("token" = [])),
    responses(
        (
            status = 200,
            body = Envelope<Vec<Donation>>,
            description = "the donations, in the order in which they are listed"
        ),
        Failures,
        Unusable
    )
)]
pub(super) async fn donation(
    State(app): State<AppState>,
    _: Student,
) -> Result<Envelope<Rendered<Vec<Donation>>>, ApiError> {
    let donations = app.reader.donations(&app.github).await.map_err(|e| match e {
        ReadError::Student(StudentError::Campus(_)) | ReadError::TooSlow => ApiError::DonationUnavailable,
        other => other.into(),
    })?;
    Ok(Envelope::campus("捐助名单获取成功", donations))
}
