//! Logs (one JSON object a line on standard output) and metrics.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{campus::page::Barrier, config::Log, outbound::System};

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
    let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
    begin_at_zero();
    Ok(handle)
}

/// Counters of which an alarm wants to know the first few events (`docker/prometheus/alerts.yml`). Prometheus sees a rise
/// only from a value it has seen before, so these are there before anything happens.
fn begin_at_zero() {
    metrics::counter!("limit_uncounted_total").increment(0);
    metrics::counter!("login_codes_total", "outcome" => "limited").increment(0);
    for outcome in ["failed", "template_rejected"] {
        metrics::counter!("wechat_messages_total", "outcome" => outcome).increment(0);
    }
    for outcome in ["right", "wrong"] {
        metrics::counter!("captcha_reads_total", "outcome" => outcome).increment(0);
    }
    for system in [System::Vpn, System::Urp, System::Library, System::Physical, System::Repair] {
        for barrier in [Barrier::Captcha, Barrier::Address] {
            let labels = [("system", system.name()), ("reason", barrier.word())];
            metrics::counter!("campus_login_pauses_total", &labels).increment(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_alarm_waits_for_is_there_before_it_happens() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, begin_at_zero);
        let told = recorder.handle().render();
        for line in [
            "limit_uncounted_total 0",
            r#"login_codes_total{outcome="limited"} 0"#,
            r#"wechat_messages_total{outcome="template_rejected"} 0"#,
            r#"captcha_reads_total{outcome="wrong"} 0"#,
            r#"campus_login_pauses_total{system="vpn",reason="captcha"} 0"#,
        ] {
            assert!(told.lines().any(|told| told == line), "{line} is missing from\n{told}");
        }
    }
}
