//! `POST /api/rsp/repair`: a repair order for the logistics department. Somebody comes for each, so an account has a few a
//! day; what was certainly not placed does not count.

use axum::{extract::State, http::request::Parts};
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use crate::{
    app::AppState,
    campus::repair::{Order, OrderOutcome},
    error::ApiError,
    http::{
        auth::Student,
        envelope::{Done, Envelope},
        extract::Body,
        openapi::{Failures, Unusable},
        own_files::{self, items, not_own, picture_at},
        text::{self, Text},
    },
    objects::FileName,
    public_url,
    store::User,
};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RspInput {
    project_serial: Text<32>,
    project_name: Text<64>,
    /// Telephone number to call back.
    mobile: Text<20>,
    b_user_name: Text<32>,
    /// What is broken.
    b_content: Text<1000>,
    /// Where exactly.
    b_address: Text<200>,
    area_serial: Text<32>,
    area_name: Text<64>,
    /// Addresses that `POST /api/upload` gave to this account, of pictures, joined by commas.
    #[serde(default, deserialize_with = "text::optional")]
    img_list: Option<Text<2048>>,
}

/// Places a repair order.
#[utoipa::path(
    post,
    path = "/api/rsp/repair",
    operation_id = "orderRepair",
    tag = "life",
    security(("token" = [])),
    request_body(content((RspInput = "application/x-www-form-urlencoded"), (RspInput = "application/json"))),
    responses((status = 201, body = Envelope<Done>, description = "the department took it"), Failures, Unusable)
)]
pub(super) async fn repair(
    State(app): State<AppState>,
    Student(user): Student,
    head: Parts,
    Body(input): Body<RspInput>,
) -> Result<Envelope<Done>, ApiError> {
    let list = input.img_list.map(|Text(list)| list).unwrap_or_default();
    let (pictures, images) = pictures(&list, || public_url::base(&app.config.listen, &head))?;
    let order = Order {
        project_serial: input.project_serial.0,
        project_name: input.project_name.0,
        area_serial: input.area_serial.0,
        area_name: input.area_name.0,
        address: input.b_address.0,
        content: input.b_content.0,
        user_name: input.b_user_name.0,
        mobile: input.mobile.0,
        images,
    };
    let worker = app.clone();
    app.finish(async move { place(&worker, &user, order, &pictures).await }).await?;
    Ok(Envelope::created("报修成功", Done {}))
}

/// The pictures of this service that the list names, and their addresses joined by commas.
fn pictures(list: &str, base: impl FnOnce() -> Result<Url, ApiError>) -> Result<(Vec<FileName>, String), ApiError> {
    if items(list).next().is_none() {
        return Ok((Vec::new(), String::new()));
    }
    let base = base()?;
    let names: Option<Vec<FileName>> = items(list).map(|item| picture_at(item, Some(&base))).collect();
    let names = names.ok_or_else(|| not_own("imgList"))?;
    let address = |name: &FileName| public_url::below(&base, &["files", &name.to_string()]).to_string();
    let addresses: Vec<String> = names.iter().map(address).collect();
    Ok((names, addresses.join(",")))
}

async fn place(app: &AppState, user: &User, order: Order, pictures: &[FileName]) -> Result<(), ApiError> {
    own_files::check(app, &user.open_id, pictures, "imgList").await?;
    let (key, rate, now) = (format!("repair/{}", user.open_id), app.config.limits.repair, app.clock.now());
    app.limiter.count(&key, rate).await?;
    let refusal = match app.students.place_repair(user, order).await {
        Ok(OrderOutcome::Accepted) => {
            own_files::keep(app, pictures).await;
            return Ok(());
        }
        // Counted: it may have been placed. Its pictures may be looked at, too.
        Ok(OrderOutcome::Unknown(error)) => {
            own_files::keep(app, pictures).await;
            return Err(error.into());
        }
        Ok(OrderOutcome::Refused) => ApiError::CampusRefused("后勤系统未接受该报修，请检查后重试"),
        Err(error) => error.into(),
    };
    app.limiter.refund(&key, rate, now).await;
    Err(refusal)
}
