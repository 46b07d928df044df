//! Requests among the service's own parts: health checks, and what engines tell each other. Outside of every system's limits.

use std::time::Duration;

use reqwest::{Client, redirect::Policy};

/// A client without proxy and redirects.
#[derive(Debug, Clone)]
pub struct Inside(Client);

impl Inside {
    /// A client that waits for an answer this long.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    #[expect(clippy::disallowed_methods, reason = "the place that builds the service's own client")]
    pub fn new(timeout: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self(Client::builder().redirect(Policy::none()).timeout(timeout).no_proxy().build()?))
    }

    /// The status of `GET url`.
    ///
    /// # Errors
    /// When there is no answer in time.
    pub async fn get(&self, url: &str) -> Result<u16, reqwest::Error> {
        Ok(self.0.get(url).send().await.map_err(reqwest::Error::without_url)?.status().as_u16())
    }

    /// The status of `POST url` with `body`.
    ///
    /// # Errors
    /// When there is no answer in time.
    pub async fn post(&self, url: &str, body: Vec<u8>) -> Result<u16, reqwest::Error> {
        Ok(self.0.post(url).body(body).send().await.map_err(reqwest::Error::without_url)?.status().as_u16())
    }
}
