//! The admin listener: health for the proxy and the orchestrator, metrics for Prometheus. Never published.

use axum::{
    Router,
    extract::State,
    http::{HeaderName, header::CONTENT_TYPE},
    response::Html,
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::service::Readiness;

/// The API's description as an answer.
fn description() -> ([(HeaderName, &'static str); 1], String) {
    // Our own types always serialise.
    let json = super::description().to_json().unwrap_or_default();
    ([(CONTENT_TYPE, "application/json")], json)
}

/// `/livez` consults nothing; `/readyz` says whether to send requests; `/metrics` is in Prometheus' text format; `/docs`
/// shows the API's description, which is at `/openapi.json`.
pub fn router(readiness: Readiness, metrics: PrometheusHandle) -> Router {
    let ready = get(async |State(readiness): State<Readiness>| readiness.status()).with_state(readiness);
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", ready)
        .route("/metrics", get(async move || metrics.render()))
        .route("/docs", get(async || Html(include_str!("docs.html"))))
        .route("/openapi.json", get(async || description()))
}
