//! Listening: a connection costs a bounded amount of memory, and only so many are taken that all of them fit.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use std::sync::Arc;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

/// Connections at once. The proxy makes at most 320 (256 requests and 64 transfers), idle ones included; a second proxy
/// fits as well. Further ones wait in the kernel's queue. What they cost is in the sum in `places.rs`.
const CONNECTIONS: usize = 768;

/// Most bytes that a connection reads ahead, and the longest head of a request: the proxy passes on heads of at most 16 KB.
const READ_AHEAD: usize = 32 * 1024;

/// How long the head of a request may take to arrive, which is also how long an idle connection is kept. Longer than the
/// proxy keeps one (its `timeout server` does not end idle connections, its pool gives half of them up every 5 s), so that
/// the proxy seldom sends a request into a connection that ends.
const IDLE: Duration = Duration::from_mins(1);

/// How long to wait after the kernel refused a connection (no file descriptor left, say).
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Answers with `router` on `listener` until `stop`; ends when the requests under way then are answered.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = GracefulShutdown::new();
    let next = async || {
        // The semaphore is never closed.
        let place = Arc::clone(&places).acquire_owned().await.ok()?;
        Some((listener.accept().await, place))
    };
    loop {
        let (accepted, place) = tokio::select! {
            () = stop.cancelled() => break,
            Some(next) = next() => next,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(REFUSED_PAUSE).await;
            continue;
        };
        // Answers are written as a whole; waiting for more to send along only delays them.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .max_buf_size(READ_AHEAD)
            .serve_connection(TokioIo::new(stream), told_of(peer, router.clone()));
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            // A connection that breaks is its client's business.
            let _ = connection.await;
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// `router`, with the peer's address in each request ([`ConnectInfo`]).
fn told_of(
    peer: SocketAddr,
    router: Router,
) -> impl Service<Request<Incoming>, Response = axum::response::Response, Error = std::convert::Infallible, Future: Send>
+ Send {
    let service = TowerToHyperService::new(router);
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        service.call(request)
    })
}
