//! The systems, one module each. To add one: a module with `router()` (or, behind the VPN, an `answer` function the
//! VPN relays to), its state in [`States`], its [`crate::System`].

pub(crate) mod urp;
pub(crate) mod vpn;
pub(crate) mod wechat;

use axum::Router;
use axum::extract::State;
use axum::response::Response;

use crate::call::Call;
use crate::config::SimConfig;
use crate::sim::Sim;
use crate::system::System;

/// What the systems remember.
#[derive(Debug)]
pub(crate) struct States {
    pub(crate) vpn: vpn::VpnState,
    pub(crate) urp: urp::UrpState,
    pub(crate) wechat: wechat::WechatState,
}

impl States {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            vpn: vpn::VpnState::new(config),
            urp: urp::UrpState::new(config),
            wechat: wechat::WechatState::default(),
        }
    }

    /// Ends the sessions of one system, or of all.
    pub(crate) fn expire_sessions(&self, system: Option<System>) {
        let wanted = |candidate| system.is_none_or(|system| system == candidate);
        if wanted(System::Urp) {
            self.vpn.sessions.for_each(|session| session.urp = urp::UrpSession::default());
        }
        if wanted(System::Vpn) {
            self.vpn.sessions.expire_all();
        }
        if wanted(System::Wechat) {
            self.wechat.expire_access_tokens();
        }
    }
}

/// Everything that is served, except the control API.
pub(crate) fn router() -> Router<Sim> {
    Router::new().merge(vpn::router()).merge(wechat::router())
}

/// Answers what nobody else does.
pub(crate) async fn unknown_path(State(sim): State<Sim>, call: Call) -> Response {
    sim.unexpected(&call, "no system answers this path and method")
}
