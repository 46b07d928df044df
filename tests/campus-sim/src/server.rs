//! The HTTP server. It owns its connections, so it can cut one without an answer and drop all when it stops.

use std::io;
use std::ops::Deref;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::call::{SentUri, Wire};
use crate::config::SimConfig;
use crate::sim::Sim;
use crate::system::System;
use crate::{control, profile, systems};

/// A running simulator. It stops, and drops all its connections, when this value is dropped.
#[derive(Debug)]
pub struct CampusSim {
    sim: Sim,
    base_url: String,
    port: u16,
    accepting: JoinHandle<()>,
}

impl CampusSim {
    /// Starts a simulator on the current runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(config: SimConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(config.bind).await?;
        let address = listener.local_addr()?;
        let base_url = format!("http://{address}");
        let sim = Sim::new(config);
        let app = systems::router().merge(control::router()).fallback(systems::unknown_path).with_state(sim.clone());
        let accepting = tokio::spawn(accept(listener, app));
        Ok(Self { sim, base_url, port: address.port(), accepting })
    }

    /// `http://address:port`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Base URL of a system (`vpn`, `library`, `wechat` …), without a slash at the end. CAS and EAMS have host names of
    /// their own.
    #[must_use]
    pub fn url(&self, system: &str) -> String {
        let own_host =
            system.parse::<System>().ok().and_then(|system| profile::address(self.sim.config(), system, self.port));
        own_host.unwrap_or_else(|| format!("{}/{system}", self.base_url))
    }

    /// The school profile of this id (`hpu`) as the engine reads it, with the addresses of this simulator; none when no
    /// such school is played.
    #[must_use]
    pub fn profile(&self, id: &str) -> Option<String> {
        profile::school_profile(id, self.sim.config(), self.port)
    }

    /// A handle on the state, to be kept where this value cannot be.
    #[must_use]
    pub fn handle(&self) -> Sim {
        self.sim.clone()
    }

    /// Stops it: open connections are dropped, new ones refused from the moment this ends.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // Ends with "cancelled"; waiting for it makes sure the port is closed.
        let _ = (&mut self.accepting).await;
    }

    /// Serves until the server ends, which it does not by itself.
    pub async fn serve(&mut self) {
        let _ = (&mut self.accepting).await;
    }
}

impl Deref for CampusSim {
    type Target = Sim;

    fn deref(&self) -> &Sim {
        &self.sim
    }
}

impl Drop for CampusSim {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Accepts connections for ever. Dropping the future drops the connections with it.
async fn accept(listener: TcpListener, app: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, app.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: some connection must end first.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, app: Router) {
    let wire = Wire::default();
    let app = TowerToHyperService::new(app);
    let service = service_fn(|mut request: hyper::Request<hyper::body::Incoming>| {
        let sent = SentUri(request.uri().clone());
        request.extensions_mut().insert(sent);
        request.extensions_mut().insert(wire.clone());
        app.call(request)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A client that goes away in the middle is no news.
        _ = connection => {}
        () = wire.wants_cut() => {}
    }
}
