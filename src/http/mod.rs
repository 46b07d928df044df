//! The public API and the admin listener. A request passes the middleware, is matched here, is checked by extractors and
//! answered by a handler in `routes/`.

pub mod admin;
pub mod auth;
pub mod client_address;
pub mod envelope;
mod error_response;
pub mod etag;
pub mod extract;
pub mod incoming;
pub mod listener;
pub mod middleware;
pub mod openapi;
pub mod own_files;
pub mod places;
mod routes;
pub mod subscriber;
pub mod text;
pub mod tries;

use std::{any::Any, sync::Arc};

use axum::{Router, extract::DefaultBodyLimit, response::IntoResponse};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{app::AppState, error::ApiError};
use places::Places;

/// Largest body of any request but an upload, in bytes: the largest that makes sense, a login with `encryptedData` or a report
/// with all its texts, has some 30 KB.
const MAX_BODY: usize = 64 * 1024;

/// Every route, each with its description.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::Api::openapi())
        .merge(routes::login::router())
        .merge(routes::bind::router())
        .merge(routes::leaving::router())
        .merge(routes::other_accounts::router())
        .merge(routes::user::router())
        .merge(routes::course::router())
        .merge(routes::course_calendar::router())
        .merge(routes::export::router())
        .merge(routes::score::router())
        .merge(routes::classroom::router())
        .merge(routes::physical::router())
        .merge(routes::library::router())
        .merge(routes::repair::router())
        .merge(routes::articles::router())
        .merge(routes::article_feeds::router())
        .merge(routes::article_subscription::router())
        .merge(routes::calendar::router())
        .merge(routes::upload::router())
        .merge(routes::files::router())
        .merge(routes::notify::router())
        .merge(routes::feedback::router())
        .merge(routes::donation::router())
}

/// The description of the public API.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let mut api = routes().into_openapi();
    openapi::tighten(&mut api);
    api
}

/// The public API.
pub fn router(app: AppState) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .merge(routes::index::router())
        .fallback(async || ApiError::NotFound("请求错误"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state((app.clone(), Arc::<Places>::default()), middleware::observe))
        .with_state(app)
}

/// The answer to a request whose handler panicked. The panic itself is in the log, through the panic hook.
fn panicked(_panic: Box<dyn Any + Send + 'static>) -> axum::response::Response {
    ApiError::Internal.into_response()
}
