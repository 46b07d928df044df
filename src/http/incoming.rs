//! The body of an upload, read as it comes: bounded in length, in pauses, and in what the multipart parser may hold.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, BodyDataStream, Bytes};
use futures_util::{Stream, StreamExt};
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep};

/// Why a body ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// It is longer than allowed.
    #[error("the body is too long")]
    TooLong,
    /// Nothing came for too long.
    #[error("the body paused for too long")]
    Paused,
    /// The connection broke, or the client gave up.
    #[error("the body broke off")]
    Broken,
    /// More than a part's head came where a part's head was expected.
    #[error("the body is no sensible multipart body")]
    Malformed,
}

/// Most bytes given to the parser at once: it copies them, and one read from the socket may bring some hundred kilobytes.
const SLICE: usize = 64 * 1024;

/// Most bytes that the parser may hold back: heads of parts are far smaller.
const MAX_UNPARSED: usize = 2 * SLICE;

/// Gives chunks as they come, and what remains of the body to [`Rest`].
pub struct Incoming {
    body: Shared,
    longest: u64,
    seen: u64,
    /// Read and not yet given to the parser.
    read: Bytes,
    pause: Duration,
    timer: Pin<Box<Sleep>>,
    unparsed: Unparsed,
    waiting: bool,
    yielded: bool,
}

/// Count of the bytes given to the parser since it last made something of them.
#[derive(Debug, Clone, Default)]
pub struct Unparsed(Arc<AtomicUsize>);

impl Unparsed {
    /// The parser made something of what it got.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

#[derive(Clone)]
struct Shared(Arc<Mutex<(BodyDataStream, bool)>>);

impl Shared {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        let mut guard = self.0.lock();
        guard.1 = true;
        guard.0.poll_next_unpin(cx)
    }
}

impl Incoming {
    /// `body`, of which at most `longest` bytes are read and between whose chunks at most `pause` may pass.
    #[must_use]
    pub fn new(body: Body, longest: u64, pause: Duration) -> Self {
        Self {
            body: Shared(Arc::new(Mutex::new((body.into_data_stream(), false)))),
            longest,
            seen: 0,
            read: Bytes::new(),
            pause,
            timer: Box::pin(tokio::time::sleep(pause)),
            unparsed: Unparsed::default(),
            waiting: false,
            yielded: false,
        }
    }

    /// Counts what the parser has not made anything of.
    #[must_use]
    pub fn unparsed(&self) -> Unparsed {
        self.unparsed.clone()
    }

    /// Access to what has not been read when reading ends.
    #[must_use]
    pub fn rest(&self) -> Rest {
        Rest(self.body.clone())
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, Cut>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The parser takes all it can get before it hands anything on; one chunk a turn keeps it small.
        if std::mem::take(&mut self.yielded) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.read.is_empty() {
            match self.body.poll(cx) {
                Poll::Ready(Some(Ok(bytes))) => self.read = bytes,
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(Cut::Broken))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    // Begins here and not at the last read: the time that the storage took is not the client's pause.
                    if !std::mem::replace(&mut self.waiting, true) {
                        let latest = Instant::now() + self.pause;
                        self.timer.as_mut().reset(latest);
                    }
                    return self.timer.as_mut().poll(cx).map(|()| Some(Err(Cut::Paused)));
                }
            }
            self.waiting = false;
            self.seen += self.read.len() as u64;
            if self.seen > self.longest {
                return Poll::Ready(Some(Err(Cut::TooLong)));
            }
        }
        self.yielded = true;
        let length = self.read.len().min(SLICE);
        let slice = self.read.split_to(length);
        if self.unparsed.0.fetch_add(length, Ordering::Relaxed) > MAX_UNPARSED {
            return Poll::Ready(Some(Err(Cut::Malformed)));
        }
        Poll::Ready(Some(Ok(slice)))
    }
}

/// What is left of a body that was refused.
pub struct Rest(Shared);

impl Rest {
    /// Reads and drops at most `most` bytes in at most `longest`. A client sees an early answer only when its connection
    /// stays open until it has sent what it had begun to send.
    ///
    /// A body that nobody has begun to read is not begun now if `asked` (`Expect: 100-continue`): its client waits for
    /// the answer first.
    pub async fn drop_all(self, asked: bool, most: u64, longest: Duration) {
        let begun = self.0.0.lock().1;
        if asked && !begun {
            return;
        }
        let read = async {
            let mut seen = 0;
            while let Some(Ok(bytes)) = std::future::poll_fn(|cx| self.0.poll(cx)).await {
                seen += bytes.len() as u64;
                if seen > most {
                    break;
                }
            }
        };
        // When time is up the connection ends, and with it the client's patience.
        let _ = tokio::time::timeout(longest, read).await;
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(20);

    fn chunks(count: usize, size: usize) -> Body {
        Body::from_stream(stream::iter(vec![Ok::<_, Infallible>(Bytes::from(vec![0; size])); count]))
    }

    #[tokio::test]
    async fn a_body_may_have_the_allowed_length_and_no_byte_more() {
        let exact: Vec<_> = Incoming::new(chunks(3, 10), 30, PAUSE).collect().await;
        assert!(exact.len() == 3 && exact.iter().all(Result::is_ok));
        let long: Vec<_> = Incoming::new(chunks(3, 10), 29, PAUSE).take(3).collect().await;
        assert_eq!(long[2], Err(Cut::TooLong));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_is_too_long_ends_the_body_and_a_slow_one_does_not() {
        let slow = stream::unfold(0_u64, |at| async move {
            tokio::time::sleep(Duration::from_secs(if at < 5 { 15 } else { 25 })).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), at + 1))
        });
        let mut incoming = Incoming::new(Body::from_stream(slow), 100, PAUSE);
        for _ in 0..5 {
            assert!(incoming.next().await.unwrap().is_ok());
        }
        assert_eq!(incoming.next().await, Some(Err(Cut::Paused)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_a_reader_takes_is_no_pause_of_the_client() {
        let (mut client, server) = tokio::io::duplex(64);
        let body = Body::from_stream(stream::unfold(server, |mut server| async move {
            let byte = tokio::io::AsyncReadExt::read_u8(&mut server).await.ok()?;
            Some((Ok::<_, Infallible>(Bytes::from(vec![byte])), server))
        }));
        let mut incoming = Incoming::new(body, 100, PAUSE);
        let mut write = async |byte| tokio::io::AsyncWriteExt::write_u8(&mut client, byte).await.unwrap();
        write(1).await;
        assert!(incoming.next().await.unwrap().is_ok());
        tokio::time::sleep(2 * PAUSE).await;
        let (next, ()) = tokio::join!(incoming.next(), async {
            tokio::time::sleep(PAUSE / 2).await;
            write(2).await;
        });
        assert!(next.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_parser_that_makes_nothing_of_the_body_gets_no_more() {
        let endless = Incoming::new(chunks(1000, 8192), u64::MAX, PAUSE);
        let given = endless.take_while(|chunk| std::future::ready(chunk.is_ok())).count().await;
        assert!(given * 8192 <= MAX_UNPARSED + SLICE, "{given} chunks");
        let mut parsed = Incoming::new(chunks(1000, 8192), u64::MAX, PAUSE);
        let unparsed = parsed.unparsed();
        while let Some(chunk) = parsed.next().await {
            chunk.unwrap();
            unparsed.reset();
        }
    }

    #[tokio::test]
    async fn a_large_read_reaches_the_parser_in_slices() {
        let slices: Vec<_> =
            Incoming::new(chunks(1, SLICE + 1), u64::MAX, PAUSE).map(|slice| slice.unwrap().len()).collect().await;
        assert_eq!(slices, [SLICE, 1]);
    }

    #[tokio::test]
    async fn the_rest_is_read_although_the_reader_has_stopped() {
        let mut incoming = Incoming::new(chunks(10, 10), 15, PAUSE);
        let rest = incoming.rest();
        while let Some(Ok(_)) = incoming.next().await {}
        rest.drop_all(false, 1000, PAUSE).await;
        let next = std::future::poll_fn(|cx| incoming.body.poll(cx)).await;
        assert!(next.is_none());
    }
}
