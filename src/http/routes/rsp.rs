//! `POST /api/rsp/repair`: a repair order for the logistics department.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    campus::repair::{Order, Verdict},
    error::ApiError,
    http::{
        auth::Student,
        envelope::{Done, Envelope},
        extract::Body,
        openapi::{Failures, Unusable},
        text::{self, Text},
    },
};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RspInput {
    #[schema(value_type = String, min_length = 1, max_length = 32)]
    project_serial: Text<32>,
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    project_name: Text<64>,
    /// Telephone number to call back.
    #[schema(value_type = String, min_length = 1, max_length = 20)]
    mobile: Text<20>,
    #[schema(value_type = String, min_length = 1, max_length = 32)]
    b_user_name: Text<32>,
    /// What is broken.
    #[schema(value_type = String, min_length = 1, max_length = 1000)]
    b_content: Text<1000>,
    /// Where exactly.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    b_address: Text<200>,
    #[schema(value_type = String, min_length = 1, max_length = 32)]
    area_serial: Text<32>,
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    area_name: Text<64>,
    /// Addresses of pictures, joined by commas.
    #[serde(default, deserialize_with = "text::optional")]
    #[schema(value_type = Option<String>, max_length = 2048)]
    img_list: Option<Text<2048>>,
}

/// Places a repair order.
#[utoipa::path(
    post,
    path = "/api/rsp/repair",
    tag = "life",
    security(("token" = [])),
    request_body(content((RspInput = "application/x-www-form-urlencoded"), (RspInput = "application/json"))),
    responses((status = 201, body = Envelope<Done>, description = "the department took it"), Failures, Unusable)
)]
async fn repair(
    State(app): State<AppState>,
    Student(user): Student,
    Body(input): Body<RspInput>,
) -> Result<Envelope<Done>, ApiError> {
    let order = Order {
        project_serial: input.project_serial.0,
        project_name: input.project_name.0,
        area_serial: input.area_serial.0,
        area_name: input.area_name.0,
        address: input.b_address.0,
        content: input.b_content.0,
        user_name: input.b_user_name.0,
        mobile: input.mobile.0,
        images: input.img_list.map(|Text(list)| list).unwrap_or_default(),
    };
    let worker = app.clone();
    let verdict = app.finish(async move { Ok(worker.reader.place_repair(&user, order).await?) }).await?;
    match verdict {
        Verdict::Accepted => Ok(Envelope::created("报修成功", Done {})),
        Verdict::Refused => Err(ApiError::CampusRefused("后勤系统未接受该报修，请检查后重试")),
    }
}

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(repair))
}
