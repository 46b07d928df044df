//! Logs (one JSON object a line on standard output) and metrics.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::Log;

/// Buckets of every duration histogram, in seconds: from a stored answer to the longest campus wait.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 25.0];

/// Starts logging; a second call changes nothing. Panics are logged too.
pub fn init_logs(log: &Log) {
    // Checked when the configuration was read.
    let filter: Targets = log.filter.parse().unwrap_or_default();
    let layer = if log.json {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed()
    } else {
        tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal()).boxed()
    };
    if tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let at = panic.location().map(ToString::to_string);
            // Not the message: it may quote the value that could not be handled.
            tracing::error!(target: "panic", at, "a task panicked");
        }));
    }
}

/// Installs the metrics recorder; gives the handle that renders what was counted.
///
/// # Errors
/// [`BuildError`] when a recorder is installed already.
pub fn init_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()
}
