//! What the systems that publish articles have in common: pages of a list, and articles that misbehave.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;

use crate::call::Call;
use crate::feeds::{Behaviour, FeedItem};
use crate::page;

/// Articles on one page of a list.
pub(super) const PER_PAGE: usize = 10;

/// How long a huge answer is, in bytes.
const HUGE_BYTES: usize = 1_000_000_000;

/// The items of the page with this number, from 1; none past the end.
pub(super) fn of_page(items: &[FeedItem], number: usize) -> &[FeedItem] {
    items.chunks(PER_PAGE).nth(number.saturating_sub(1)).unwrap_or_default()
}

/// A page number as it stands in a query.
pub(super) fn page_number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number| *number >= 1)
}

/// The answer of an item's address, which is this body unless the item misbehaves.
pub(super) async fn deliver(item: &FeedItem, call: &Call, content_type: &'static str, body: Vec<u8>) -> Response {
    match &item.behaviour {
        Behaviour::Normal => page::bytes(content_type, body),
        Behaviour::Hang => std::future::pending().await,
        Behaviour::RedirectLoop => page::found(&call.uri.to_string()),
        Behaviour::RedirectTo(location) => page::found(location),
        Behaviour::Huge => page::bytes(content_type, Body::new(Flood::after(body))),
        Behaviour::ServerError => page::server_error(),
    }
}

/// The answer of an address without an article.
pub(super) fn gone() -> Response {
    let page = "<html><head><title>404</title></head><body><h2>404 - File or directory not found.</h2></body></html>";
    (StatusCode::NOT_FOUND, [("content-type", "text/html")], page).into_response()
}

/// A body that goes on and on. It is made while it is sent, so it costs no memory, and a client that goes away ends it.
struct Flood {
    next: Bytes,
    filler: Bytes,
    left: usize,
}

impl Flood {
    /// One that begins with these bytes.
    fn after(start: Vec<u8>) -> Self {
        let filler = b"<p>0123456789012345678901234567890123456789</p>\r\n".repeat(1024);
        Self { next: start.into(), filler: filler.into(), left: HUGE_BYTES }
    }
}

impl HttpBody for Flood {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let filler = self.filler.clone();
        let mut chunk = std::mem::replace(&mut self.next, filler);
        chunk.truncate(self.left);
        self.left -= chunk.len();
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }
}

#[cfg(test)]
mod tests {
    use super::{PER_PAGE, of_page, page_number};
    use crate::feeds::FeedItem;

    #[test]
    fn the_last_page_is_short_and_there_is_nothing_behind_it() {
        let items = vec![FeedItem::default(); 2 * PER_PAGE + 3];
        assert_eq!([1, 2, 3, 4].map(|number| of_page(&items, number).len()), [PER_PAGE, PER_PAGE, 3, 0]);
        assert_eq!(["1", "0", "-1", "x", ""].map(page_number), [Some(1), None, None, None, None]);
    }
}
