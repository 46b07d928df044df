//! `GET /`: a page for a person who wonders which service answers here.

use axum::response::Html;

use crate::http::openapi::Failures;

const PAGE: &str = concat!(
    "<!doctype html>\n<html lang=\"zh-CN\">\n<head><meta charset=\"utf-8\">",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>wehpu-engine</title></head>\n",
    "<body style=\"font-family:sans-serif;margin:3rem auto;max-width:36rem;line-height:1.6\">\n",
    "<h1>wehpu-engine</h1>\n<p>wehpu 小程序的接口服务，版本 ",
    env!("CARGO_PKG_VERSION"),
    "。</p>\n<p>接口位于 <code>/api</code>，请在微信小程序中使用。</p>\n</body>\n</html>\n",
);

/// A page for a person who wonders which service answers here.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "getFrontPage",
    tag = "service",
    responses((status = 200, body = String, content_type = "text/html", description = "the page"), Failures)
)]
pub(super) async fn index() -> Html<&'static str> {
    Html(PAGE)
}
