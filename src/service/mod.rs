//! What `serve` and `spider` have in common: they listen, watch the database and its schema, tell the proxy whether
//! they want requests, and end in an orderly way.

mod database;
mod readiness;
mod shutdown;

use std::net::SocketAddr;

use tokio::net::TcpListener;

pub use database::{is_migrated, watch_database};
pub use readiness::Readiness;
pub use shutdown::{Shutdown, metrics_upkeep};

/// Listens on `addr`.
///
/// # Errors
/// The problem, with the name of the variable that holds the address.
pub async fn bind(addr: SocketAddr, variable: &str) -> Result<TcpListener, String> {
    TcpListener::bind(addr).await.map_err(|e| format!("{variable}: cannot listen on {addr}: {e}"))
}

/// The name of this host, or of this container.
#[must_use]
pub fn hostname() -> String {
    hostname::get().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "unknown".to_owned())
}
