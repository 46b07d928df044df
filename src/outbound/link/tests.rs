use std::convert::Infallible;

use super::*;
use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Redirect},
    routing::get,
};

const SYSTEM: System = System::News;

/// More failures in a row than trip the breaker.
const MANY: usize = 8;

/// A body of `count` megabytes without a declared length.
fn megabytes(count: usize) -> Body {
    let piece = Bytes::from(vec![b'x'; 1024 * 1024]);
    Body::from_stream(futures_util::stream::iter((0..count).map(move |_| Ok::<_, Infallible>(piece.clone()))))
}

/// A server with an answer for each case. Returns its base address.
async fn server() -> Url {
    let router = Router::new()
        .route("/page", get(|| async { ([("content-type", "Text/HTML; charset=gbk")], "page") }))
        .route("/file", get(|| async { ([("content-type", "application/msword")], megabytes(19)) }))
        .route("/large", get(|| async { megabytes(1024) }))
        .route("/announced", get(|| async { ([("content-length", "1073741824")], megabytes(1024)) }))
        .route("/loop", get(|| async { Redirect::to("/loop") }))
        .route("/elsewhere", get(|| async { Redirect::to("http://127.0.0.1:1/page") }))
        .route("/moved", get(|| async { Redirect::to("/page") }))
        .route("/broken", get(|| async { reqwest::StatusCode::INTERNAL_SERVER_ERROR.into_response() }))
        .route("/hangs", get(std::future::pending::<()>))
        .route(
            "/stalls",
            get(|| async {
                let first = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"x"))]);
                Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()))
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Url::parse(&format!("http://{address}")).unwrap()
}

fn outbound(timeout: Duration) -> Outbound {
    Outbound::new(timeout, 2, None).unwrap()
}

async fn open<'a>(outbound: &'a Outbound, base: &Url, path: &str) -> Result<Arrival<'a>, OutboundError> {
    outbound.open(SYSTEM, Request::get(base.join(path).unwrap()), &mut Cookies::default()).await
}

async fn all_of(mut download: Download) -> Result<usize, OutboundError> {
    let mut length = 0;
    while let Some(piece) = download.chunk().await? {
        length += piece.len();
    }
    Ok(length)
}

#[tokio::test]
async fn a_file_is_taken_in_pieces_with_its_kind() {
    let (base, outbound) = (server().await, outbound(Duration::from_secs(20)));
    let download = open(&outbound, &base, "/file").await.unwrap().well();
    assert_eq!(download.content_type().as_deref(), Some("application/msword"));
    assert_eq!(all_of(download).await, Ok(19 * 1024 * 1024));
    let mut page = open(&outbound, &base, "/moved").await.unwrap().well();
    assert_eq!((page.url().path(), page.content_type().as_deref()), ("/page", Some("text/html")));
    assert_eq!(page.page().await, Ok(b"page".to_vec()));
}

#[tokio::test]
async fn what_is_too_large_ends_early() {
    let (base, outbound) = (server().await, outbound(Duration::from_secs(20)));
    for path in ["/large", "/announced"] {
        let download = open(&outbound, &base, path).await.unwrap().well();
        assert_eq!(all_of(download).await, Err(OutboundError::TooLarge(SYSTEM)), "{path}");
    }
    let mut page = open(&outbound, &base, "/file").await.unwrap().well();
    assert_eq!(page.page().await, Err(OutboundError::TooLarge(SYSTEM)), "a page is smaller than a file");
}

#[tokio::test]
async fn redirects_that_lead_elsewhere_or_nowhere_are_told_apart() {
    let (base, outbound) = (server().await, outbound(Duration::from_secs(20)));
    assert_eq!(open(&outbound, &base, "/loop").await.err(), Some(OutboundError::RedirectLoop(SYSTEM)));
    assert_eq!(open(&outbound, &base, "/elsewhere").await.err(), Some(OutboundError::Redirect(SYSTEM)));
    let request = Request::get(base.join("/moved").unwrap()).within(|url| url.path() != "/page");
    let refused = outbound.open(SYSTEM, request, &mut Cookies::default()).await.err();
    assert_eq!(refused, Some(OutboundError::Redirect(SYSTEM)), "the request narrows it");
}

#[tokio::test]
async fn single_links_that_fail_do_not_open_the_breaker_and_lists_do() {
    let (base, outbound) = (server().await, outbound(Duration::from_secs(20)));
    for path in ["/broken", "/loop", "/elsewhere"].repeat(MANY) {
        assert!(open(&outbound, &base, path).await.is_err());
    }
    assert!(!outbound.is_open(SYSTEM));
    for _ in 0..MANY {
        let request = Request::get(base.join("/broken").unwrap());
        assert!(outbound.send(SYSTEM, request, &mut Cookies::default()).await.is_err());
    }
    assert!(outbound.is_open(SYSTEM));
    assert_eq!(open(&outbound, &base, "/page").await.err(), Some(OutboundError::BreakerOpen(SYSTEM)));
}

#[tokio::test]
async fn a_link_that_hangs_or_stalls_ends_and_gives_its_place_back() {
    let (base, outbound) = (server().await, outbound(Duration::from_millis(100)));
    for _ in 0..MANY {
        assert_eq!(open(&outbound, &base, "/hangs").await.err(), Some(OutboundError::Timeout(SYSTEM)));
    }
    let stalled = open(&outbound, &base, "/stalls").await.unwrap().well();
    assert_eq!(all_of(stalled).await, Err(OutboundError::Timeout(SYSTEM)));
    assert!(!outbound.is_open(SYSTEM));
}

#[tokio::test]
async fn nobody_listening_is_a_failure_of_the_system() {
    let base = Url::parse("http://127.0.0.1:1").unwrap();
    let outbound = outbound(Duration::from_secs(20));
    for _ in 0..MANY {
        assert!(open(&outbound, &base, "/page").await.is_err());
    }
    assert!(outbound.is_open(SYSTEM));
}
