//! Fetches one link of many: an article, or a file that is streamed. An article that hangs, is gone or is broken says
//! little about its system, so such failures are not recorded with the breaker. Lists are fetched by
//! [`Outbound::send`], which records them.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use reqwest::{StatusCode, header::CONTENT_TYPE};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout, timeout_at},
};
use url::Url;

use super::{Cookies, MAX_BODY, MAX_QUEUE, Open, Outbound, OutboundError, Request, System, breaker::Permit, record};

/// Largest download, in bytes.
pub const MAX_DOWNLOAD: u64 = 20 * 1024 * 1024;

/// Time limit for a whole download.
const DOWNLOAD_TIME: Duration = Duration::from_mins(1);

/// An answer whose body has not been read.
#[must_use]
pub struct Arrival<'a> {
    /// The body.
    pub download: Download,
    permit: Permit<'a>,
}

impl Arrival<'_> {
    /// Record success: the answer made sense so far.
    #[must_use]
    pub fn well(self) -> Download {
        self.permit.success();
        self.download
    }

    /// Record failure: the answer shows that the system itself does not work.
    pub fn failed(self) {
        self.permit.failure();
    }
}

/// An answer that is read in pieces: at most [`MAX_DOWNLOAD`] bytes, within `DOWNLOAD_TIME` from the request on,
/// without a pause longer than the usual time limit. It holds one of the system's places until it is dropped.
#[derive(Debug)]
pub struct Download {
    system: System,
    url: Url,
    response: reqwest::Response,
    received: u64,
    patience: Duration,
    started: Instant,
    outcome: &'static str,
    _place: OwnedSemaphorePermit,
}

impl Download {
    /// Address of the last request.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Status, below 500.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The declared media type, in lower case and without parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<String> {
        let value = self.response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        (!kind.is_empty()).then_some(kind)
    }

    /// The declared media type with its parameters.
    #[must_use]
    pub fn charset_line(&self) -> Option<&str> {
        self.response.headers().get(CONTENT_TYPE)?.to_str().ok()
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`OutboundError`] when it is too large, too slow or breaks off. No piece follows an error.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, OutboundError> {
        self.piece(MAX_DOWNLOAD, self.started + DOWNLOAD_TIME).await
    }

    /// The whole body, with the size and time limits of a page.
    ///
    /// # Errors
    /// As for [`Download::chunk`].
    pub async fn page(&mut self) -> Result<Vec<u8>, OutboundError> {
        let end = self.started + self.patience;
        let mut page = Vec::new();
        while let Some(piece) = self.piece(MAX_BODY as u64, end).await? {
            page.extend_from_slice(&piece);
        }
        Ok(page)
    }

    async fn piece(&mut self, limit: u64, end: Instant) -> Result<Option<Bytes>, OutboundError> {
        let outcome = self.receive(limit, end).await;
        match &outcome {
            Ok(Some(_)) => {}
            Ok(None) => self.outcome = "answer",
            Err(e) => self.outcome = e.kind(),
        }
        outcome
    }

    async fn receive(&mut self, limit: u64, end: Instant) -> Result<Option<Bytes>, OutboundError> {
        if self.response.content_length().is_some_and(|length| length > limit) {
            return Err(OutboundError::TooLarge(self.system));
        }
        let wait = end.min(Instant::now() + self.patience);
        let piece = match timeout_at(wait, self.response.chunk()).await {
            Ok(Ok(piece)) => piece,
            Ok(Err(e)) if !e.is_timeout() => return Err(OutboundError::Connection(self.system)),
            Ok(Err(_)) | Err(_) => return Err(OutboundError::Timeout(self.system)),
        };
        self.received += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if self.received > limit { Err(OutboundError::TooLarge(self.system)) } else { Ok(piece) }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        record(self.system, self.outcome, self.started);
    }
}

impl Outbound {
    /// Requests one link, follows redirects as [`Outbound::send`] does, and returns before the body is read. Only a
    /// connection that could not be made is recorded as a failure here; the caller, who reads the answer, records the
    /// rest.
    ///
    /// # Errors
    /// [`OutboundError`]; server errors (5xx) are errors, other statuses are answers.
    pub async fn open(
        &self,
        system: System,
        mut request: Request,
        cookies: &mut Cookies,
    ) -> Result<Arrival<'_>, OutboundError> {
        let started = Instant::now();
        request.time = Some(DOWNLOAD_TIME);
        let outcome = self.arrive(system, request, cookies, started).await;
        if let Err(e) = &outcome {
            record(system, e.kind(), started);
        }
        outcome
    }

    async fn arrive(
        &self,
        system: System,
        request: Request,
        cookies: &mut Cookies,
        started: Instant,
    ) -> Result<Arrival<'_>, OutboundError> {
        let gate = &self.gates[&system];
        let permit = gate.breaker.admit().map_err(|Open| OutboundError::BreakerOpen(system))?;
        let Ok(Ok(place)) = timeout(MAX_QUEUE, Arc::clone(&gate.places).acquire_owned()).await else {
            return Err(OutboundError::Busy(system));
        };
        match timeout(self.timeout, self.travel(system, request, cookies)).await {
            Ok(Ok((url, response))) => {
                let (received, patience, outcome) = (0, self.timeout, "abandoned");
                let download = Download { system, url, response, received, patience, started, outcome, _place: place };
                Ok(Arrival { download, permit })
            }
            Ok(Err(e)) => {
                if matches!(e, OutboundError::Connection(_)) {
                    permit.failure();
                }
                Err(e)
            }
            Err(_) => Err(OutboundError::Timeout(system)),
        }
    }
}

#[cfg(test)]
mod tests;
