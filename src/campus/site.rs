//! A campus system that is reached directly: its base address and how its pages are asked for. All of them are UTF-8.

use url::Url;

use super::{CampusError, ask, page::PageEncoding, page::PageError, session::Session};
use crate::outbound::{Outbound, Request, System};

/// Somebody who can log in at a system.
pub(super) trait SignIn: Sync {
    /// Logs in; `session` is a new one.
    fn log_in(&self, session: &mut Session) -> impl Future<Output = Result<(), CampusError>> + Send;
}

/// One system.
#[derive(Debug, Clone)]
pub(super) struct Site {
    system: System,
    base: Url,
    outbound: Outbound,
}

impl Site {
    pub(super) fn new(system: System, base: &Url, outbound: &Outbound) -> Self {
        Self { system, base: base.clone(), outbound: outbound.clone() }
    }

    /// Address of `path` (starting with `/`), below the path that the base address may carry.
    pub(super) fn url(&self, path: &str) -> Url {
        join(&self.base, path)
    }

    /// Sends `request` and reads the page with `parse`.
    pub(super) async fn ask<T>(
        &self,
        request: Request,
        session: &mut Session,
        parse: impl FnOnce(&str) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        ask(&self.outbound, self.system, request, session, PageEncoding::Utf8, parse).await
    }

    /// Sends a request that needs a login: logs `who` in where the session lacks it, and once more where it proves to have
    /// ended.
    pub(super) async fn ask_signed_in<T>(
        &self,
        request: impl Fn() -> Request,
        session: &mut Session,
        who: &impl SignIn,
        parse: impl Fn(&str) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        let known = session.is_in(self.system);
        if !known {
            self.sign_in(session, who).await?;
        }
        match self.ask(request(), session, &parse).await {
            Err(CampusError::SessionExpired(_)) if known => {
                self.sign_in(session, who).await?;
                self.ask(request(), session, &parse).await
            }
            outcome => outcome,
        }
    }

    async fn sign_in(&self, session: &mut Session, who: &impl SignIn) -> Result<(), CampusError> {
        session.clear();
        who.log_in(session).await?;
        session.enter(self.system);
        Ok(())
    }
}

/// `path` appended to `base`, whose own path is kept.
pub(super) fn join(base: &Url, path: &str) -> Url {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).unwrap_or_else(|_| base.clone())
}
