//! The end of a replica: a signal, the announcement to the proxy, the drain, the exit.

use std::{future::Future, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Readiness;

/// How long requests are still accepted after `/readyz` answers 404: some checks of the proxy, which asks every half
/// second.
const ANNOUNCE: Duration = Duration::from_secs(3);

/// How long running requests and background work may take to finish.
const DRAIN: Duration = Duration::from_secs(20);

/// How often upkeep of the metrics runs.
const UPKEEP: Duration = Duration::from_secs(5);

/// The signals that end a replica, and the token that tells its parts.
#[derive(Debug)]
pub struct Shutdown {
    /// Accept no more connections, and finish the running work.
    pub stop: CancellationToken,
    terminate: Signal,
    interrupt: Signal,
}

/// Why a replica ended without a signal, or before its drain did.
#[derive(Debug, thiserror::Error)]
pub enum Abort {
    /// A part ended that must run as long as the service.
    #[error("{0} ended unexpectedly")]
    PartEnded(&'static str),
    /// Signals cannot be received.
    #[error("signal handling: {0}")]
    Signals(std::io::Error),
    /// A second signal came while draining.
    #[error("a second signal ended the drain")]
    Impatience,
}

impl Shutdown {
    /// Takes over SIGTERM and SIGINT. Call it before the replica listens, so that a signal to a ready replica always
    /// drains it.
    ///
    /// # Errors
    /// [`Abort::Signals`].
    pub fn new() -> Result<Self, Abort> {
        let take = |kind| signal(kind).map_err(Abort::Signals);
        let (terminate, interrupt) = (take(SignalKind::terminate())?, take(SignalKind::interrupt())?);
        Ok(Self { stop: CancellationToken::new(), terminate, interrupt })
    }

    /// Waits for SIGTERM or SIGINT.
    pub async fn signalled(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Waits for SIGTERM or SIGINT, then drains. When a part ends first, returns at once.
    ///
    /// `part_ended` resolves with the name of a part that ended unasked. `served` ends when the listeners have finished
    /// their connections.
    pub async fn supervise(
        mut self,
        readiness: &Readiness,
        tasks: &TaskTracker,
        part_ended: impl Future<Output = &'static str>,
        served: impl Future<Output = ()>,
    ) -> Result<(), Abort> {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            part = part_ended => return Err(Abort::PartEnded(part)),
        }
        readiness.set_draining();
        tracing::info!("draining: not ready any more, finishing what runs");
        let stop = self.stop;
        let drain = async {
            tokio::time::sleep(ANNOUNCE).await;
            stop.cancel();
            tasks.close();
            let finished = async {
                served.await;
                tasks.wait().await;
            };
            if timeout(DRAIN, finished).await.is_err() {
                tracing::warn!(seconds = DRAIN.as_secs(), "some requests did not finish in time");
            }
        };
        tokio::select! {
            () = drain => Ok(()),
            _ = self.terminate.recv() => Err(Abort::Impatience),
            _ = self.interrupt.recv() => Err(Abort::Impatience),
        }
    }
}

/// Runs the upkeep of the metrics for ever.
pub async fn metrics_upkeep(handle: metrics_exporter_prometheus::PrometheusHandle) {
    let mut every = tokio::time::interval(UPKEEP);
    loop {
        every.tick().await;
        handle.run_upkeep();
    }
}
