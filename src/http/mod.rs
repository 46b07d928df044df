//! The public API and the admin listener. A request passes the middleware, is matched here, is checked by extractors and
//! answered by a handler in `routes/`.

pub mod admin;
pub mod auth;
pub mod envelope;
pub mod extract;
pub mod middleware;
mod routes;
pub mod text;

use std::any::Any;

use axum::{Router, extract::DefaultBodyLimit, response::IntoResponse};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{app::AppState, error::ApiError};

/// Largest body of any request but an upload, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// The public API.
pub fn router(app: AppState) -> Router {
    Router::new()
        .merge(routes::index::router())
        .merge(routes::login::router())
        .merge(routes::bind::router())
        .merge(routes::user::router())
        .merge(routes::course::router())
        .merge(routes::calendar::router())
        .fallback(async || ApiError::NotFound("请求错误"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state(app.clone(), middleware::observe))
        .with_state(app)
}

/// The answer to a request whose handler panicked. The panic itself is in the log, through the panic hook.
fn panicked(_panic: Box<dyn Any + Send + 'static>) -> axum::response::Response {
    ApiError::Internal.into_response()
}
