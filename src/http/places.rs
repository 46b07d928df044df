//! How much an engine does at once. What comes beyond is refused at once (503 with `retry-after`), so that what is under way
//! is answered in time and fits into the container's memory:
//!
//! | what | at most | each | together |
//! |---|---|---|---|
//! | the program, idle, with its database connections | | | 27 MiB |
//! | connections (`listener.rs`) | 768 | 12 KiB: buffers of an idle one | 9 MiB |
//! | requests (`REQUESTS`) | 384 | 64 KiB of body, 16 KiB of what is made of it | 30 MiB |
//! | what was read (`WEHPU_CACHE`), what was written lately | | | 19 MiB |
//! | transfers (`TRANSFERS`) | 64 | a chunk of a file (255 KiB), and its copy for the database | 32 MiB |
//!
//! 117 MiB in the worst case; `mem_limit` of the engines is 160 MiB.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::Method,
    response::Response,
};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::routes;

/// Requests under way at once, transfers aside. Above what the proxy sends (`maxconn` of its servers is 256), so that the
/// queue is there and this the last resort; enough for some seconds of writes that wait for a primary.
const REQUESTS: usize = 384;

/// Uploads and downloads under way at once: as many as the proxy sends (`maxconn` in its backend `transfers`). They last as
/// long as the client takes, so they have places of their own.
const TRANSFERS: usize = 64;

/// The places of an engine.
#[derive(Debug)]
pub struct Places {
    requests: Arc<Semaphore>,
    transfers: Arc<Semaphore>,
}

/// What a request holds while it is under way.
#[derive(Debug)]
pub enum Place {
    /// Until its answer is made: the answer is small and written without waiting.
    Request(OwnedSemaphorePermit),
    /// Until its answer is written.
    Transfer(OwnedSemaphorePermit),
}

impl Default for Places {
    fn default() -> Self {
        Self { requests: Arc::new(Semaphore::new(REQUESTS)), transfers: Arc::new(Semaphore::new(TRANSFERS)) }
    }
}

impl Places {
    /// A place for a request of `route`, the path as the router knows it; `None` when all are taken.
    #[must_use]
    pub fn take(&self, method: &Method, route: &str) -> Option<Place> {
        let (places, place): (_, fn(_) -> _) = if is_transfer(method, route) {
            (&self.transfers, Place::Transfer)
        } else {
            (&self.requests, Place::Request)
        };
        Arc::clone(places).try_acquire_owned().ok().map(place)
    }
}

/// Whether it may last as long as its client takes. The proxy sends these, and what does not fit into its buffer, to the
/// backend `transfers` (`docker/haproxy/haproxy.cfg`).
fn is_transfer(method: &Method, route: &str) -> bool {
    (route == routes::upload::PATH && *method == Method::POST)
        || route == routes::files::PATH
        || route == routes::export::PATH
        || route.strip_suffix(".atom").is_some()
}

impl Place {
    /// `response`, which keeps this place as long as it has to.
    #[must_use]
    pub fn keep_for(self, response: Response) -> Response {
        match self {
            Self::Request(_) => response,
            Self::Transfer(permit) => response.map(|body| Body::new(Held { body, _permit: permit })),
        }
    }
}

/// A body that holds a place until it is written or given up.
struct Held {
    body: Body,
    _permit: OwnedSemaphorePermit,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn transfers_cannot_use_up_the_places_of_requests() {
        let places = Places::default();
        let held: Vec<_> = (0..TRANSFERS).map(|_| places.take(&Method::GET, routes::files::PATH).unwrap()).collect();
        for (method, route) in [
            (Method::POST, routes::upload::PATH),
            (Method::GET, "/api/rss/news.atom"),
            (Method::GET, routes::export::PATH),
        ] {
            assert!(places.take(&method, route).is_none(), "{route}");
        }
        assert!(places.take(&Method::GET, "/api/user").is_some());
        // Of the addresses under which files are uploaded only that one takes long.
        assert!(places.take(&Method::GET, routes::upload::PATH).is_some());
        drop(held);
        assert!(places.take(&Method::GET, routes::files::PATH).is_some());
    }

    #[tokio::test]
    async fn a_transfer_holds_its_place_until_its_answer_is_written() {
        let places = Places::default();
        let free = places.transfers.available_permits();
        let place = places.take(&Method::GET, routes::files::PATH).unwrap();
        let response = place.keep_for("some bytes".into_response());
        assert_eq!(places.transfers.available_permits(), free - 1);
        assert_eq!(axum::body::to_bytes(response.into_body(), 100).await.unwrap(), "some bytes");
        assert_eq!(places.transfers.available_permits(), free);
    }

    #[test]
    fn a_request_gives_its_place_back_with_its_answer() {
        let places = Places::default();
        let place = places.take(&Method::GET, "/api/user").unwrap();
        let _response = place.keep_for("some bytes".into_response());
        assert_eq!(places.requests.available_permits(), REQUESTS);
    }
}
