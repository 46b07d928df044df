//! How an engine tells another one what was written: a POST to the address in the other's document.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use mongodb::bson;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UdpSocket, lookup_host};

use super::{ClusterMoment, Coherence};
use crate::{crypto::random_hex, outbound::Inside, store::members::Members};

/// Longest wait for a confirmation. It takes a millisecond between engines that have processor time.
const TELLING: Duration = Duration::from_millis(500);

/// Largest notice in bytes: a key, a subject, a moment.
const LARGEST: usize = 8 * 1024;

const PATH: &str = "/written";

/// A write to a subject.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Write {
    pub subject: String,
    /// Distinguishes it from other writes to the subject.
    pub id: String,
}

/// What is told of a write.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Phase {
    /// It begins.
    Begin,
    /// It has ended, and can be read after this moment.
    End(Option<ClusterMoment>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Notice {
    /// The key in the document of the engine that is told.
    pub key: String,
    pub write: Write,
    pub phase: Phase,
}

/// Where this engine is told.
#[derive(Debug)]
pub struct Listening {
    listener: Mutex<Option<TcpListener>>,
    bound: SocketAddr,
    key: String,
    told: Arc<OnceLock<Coherence>>,
}

/// Listens on `addr`. With an unspecified address, others are told the one by which this engine reaches the database.
///
/// # Errors
/// When it cannot listen there.
pub async fn listen(addr: SocketAddr) -> std::io::Result<Listening> {
    let listener = TcpListener::bind(addr).await?;
    let bound = listener.local_addr()?;
    Ok(Listening { listener: Mutex::new(Some(listener)), bound, key: random_hex(), told: Arc::default() })
}

impl Listening {
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The address that it listens on.
    pub(super) fn address(&self) -> SocketAddr {
        self.bound
    }

    /// Its address as other engines reach it; `None` while no member of the database can be resolved.
    pub(super) async fn reachable_from(&self, members: &Members) -> Option<String> {
        if !self.bound.ip().is_unspecified() {
            return Some(self.bound.to_string());
        }
        for host in members.hosts() {
            let Ok(addresses) = lookup_host(host).await else { continue };
            for address in addresses {
                if let Ok(own) = own_address_towards(address).await {
                    return Some(SocketAddr::new(own, self.bound.port()).to_string());
                }
            }
        }
        None
    }

    /// Takes notices for `coherence` from now on, in the background until the process ends.
    pub(super) fn open(&self, coherence: &Coherence) {
        let _ = self.told.set(coherence.clone());
        let Some(listener) = self.listener.lock().take() else { return };
        let router = Router::new()
            .route(PATH, post(take))
            .layer(axum::extract::DefaultBodyLimit::max(LARGEST))
            .with_state((self.key.clone(), Arc::clone(&self.told)));
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
}

/// The address that packets to `there` leave from. Nothing is sent.
async fn own_address_towards(there: SocketAddr) -> std::io::Result<IpAddr> {
    let any: IpAddr = if there.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    socket.connect(there).await?;
    Ok(socket.local_addr()?.ip())
}

async fn take(State((key, told)): State<(String, Arc<OnceLock<Coherence>>)>, body: Bytes) -> StatusCode {
    let Ok(notice) = bson::deserialize_from_slice::<Notice>(&body) else { return StatusCode::BAD_REQUEST };
    // It was meant for an engine that had this address before.
    if verify_slices_are_equal(notice.key.as_bytes(), key.as_bytes()).is_err() {
        return StatusCode::FORBIDDEN;
    }
    match told.get() {
        Some(coherence) => {
            coherence.noted(&notice);
            StatusCode::NO_CONTENT
        }
        None => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Tells other engines.
#[derive(Debug, Default)]
pub(super) struct Teller {
    client: OnceLock<Option<Inside>>,
    /// Its own id in the list, which needs not be told.
    own: Mutex<Option<String>>,
}

impl Teller {
    pub fn own_id(&self) -> Option<String> {
        self.own.lock().clone()
    }

    pub fn set_own_id(&self, id: Option<String>) {
        *self.own.lock() = id;
    }

    /// Tells the engine at `address`. The error is a text for the log.
    pub async fn tell(&self, address: &str, notice: &Notice) -> Result<(), String> {
        let client = self.client.get_or_init(|| Inside::new(TELLING).ok()).as_ref().ok_or("no HTTP client")?;
        let body = bson::serialize_to_vec(notice).map_err(|error| error.to_string())?;
        match client.post(&format!("http://{address}{PATH}"), body).await {
            Ok(200..300) => Ok(()),
            Ok(status) => Err(format!("status {status}")),
            Err(error) => Err(error.to_string()),
        }
    }
}
