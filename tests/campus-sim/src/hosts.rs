//! Host names. The CAS has another one than the academic systems, so that cookies and redirects cross hosts as in life.

use axum::http::header;

use crate::call::Call;
use crate::config::SimConfig;
use crate::sim::Sim;
use crate::system::System;

impl Call {
    /// Name and port of the host that was asked, as the request has them.
    fn authority(&self) -> (&str, Option<&str>) {
        let given = self.headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        given.rsplit_once(':').map_or((given, None), |(name, port)| (name, Some(port)))
    }
}

/// The host name a system is called by; none = any will do.
pub(crate) fn host_of(config: &SimConfig, system: System) -> Option<&str> {
    match system {
        System::Cas => Some(&config.cas_host),
        System::Eams | System::Jwglxt => Some(&config.academic_host),
        _ => None,
    }
}

impl Sim {
    /// Whether a request asks the host that this system goes by.
    pub(crate) fn is_at_home(&self, system: System, call: &Call) -> bool {
        host_of(self.config(), system).is_none_or(|host| call.authority().0.eq_ignore_ascii_case(host))
    }

    /// `http://host:port` of a system, with the port that this request came to.
    pub(crate) fn origin(&self, system: System, call: &Call) -> String {
        let (asked, port) = call.authority();
        let host = host_of(self.config(), system).unwrap_or(asked);
        port.map_or_else(|| format!("http://{host}"), |port| format!("http://{host}:{port}"))
    }
}
