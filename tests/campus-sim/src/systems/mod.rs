//! The systems, one module each. To add one: a module with `router()` (or, behind the VPN, an `answer` function for the
//! VPN's relay), its state in [`States`], its [`crate::System`].

mod articles;
pub(crate) mod bulletin;
pub(crate) mod cas;
pub(crate) mod eams;
pub(crate) mod github;
pub(crate) mod jwglxt;
pub(crate) mod library;
pub(crate) mod logistics;
pub(crate) mod news;
pub(crate) mod physical;
pub(crate) mod repair;
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
    pub(crate) cas: cas::CasState,
    pub(crate) eams: eams::EamsState,
    pub(crate) jwglxt: jwglxt::JwglxtState,
    pub(crate) library: library::LibraryState,
    pub(crate) physical: physical::PhysicalState,
    pub(crate) repair: repair::RepairState,
    pub(crate) wechat: wechat::WechatState,
    pub(crate) github: github::GithubState,
}

impl States {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            vpn: vpn::VpnState::new(config),
            urp: urp::UrpState::new(config),
            cas: cas::CasState::new(config),
            eams: eams::EamsState::new(config),
            jwglxt: jwglxt::JwglxtState::new(config),
            library: library::LibraryState::new(config),
            physical: physical::PhysicalState::new(config),
            repair: repair::RepairState::new(config),
            wechat: wechat::WechatState::default(),
            github: github::GithubState::default(),
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
        if wanted(System::Cas) {
            self.cas.expire_tickets();
        }
        if wanted(System::Eams) {
            self.eams.sessions.expire_all();
        }
        if wanted(System::Jwglxt) {
            self.jwglxt.sessions.expire_all();
        }
        if wanted(System::Library) {
            self.library.sessions.expire_all();
        }
        if wanted(System::Physical) {
            self.physical.sessions.expire_all();
        }
        if wanted(System::Repair) {
            self.repair.sessions.expire_all();
        }
        if wanted(System::Wechat) {
            self.wechat.expire_access_tokens();
        }
    }
}

/// Everything that is served, except the control API.
pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .merge(vpn::router())
        .merge(cas::router())
        .merge(eams::router())
        .merge(jwglxt::router())
        .merge(library::router())
        .merge(physical::router())
        .merge(repair::router())
        .merge(news::router())
        .merge(logistics::router())
        .merge(wechat::router())
        .merge(github::router())
}

/// Answers what nobody else does.
pub(crate) async fn unknown_path(State(sim): State<Sim>, call: Call) -> Response {
    sim.unexpected(&call, "no system answers this path and method")
}
