//! The public API and the admin listener. A request passes the middleware, finds its line in the table of `routes/mod.rs`,
//! is checked by extractors and answered by the handler of the line.

pub mod admin;
pub mod auth;
pub mod captcha;
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

use crate::{app::AppState, error::ApiError};
use places::Places;

/// Largest body of any request but an upload, in bytes: the largest that makes sense, a login with `encryptedData` or a report
/// with all its texts, has some 30 KB.
const MAX_BODY: usize = 64 * 1024;

/// The description of the public API.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let mut api = openapi::Api::openapi();
    for route in routes::table() {
        api.merge((route.description)());
    }
    openapi::tighten(&mut api);
    api
}

/// The public API.
pub fn router(app: AppState) -> Router {
    routes::table()
        .into_iter()
        .fold(Router::new(), |router, route| router.route(route.path, route.handler))
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
