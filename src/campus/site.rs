//! A campus system that is reached directly: its base address and how its pages are requested. All of them are UTF-8.

use url::Url;

use super::{
    CampusError, ask,
    page::{PageEncoding, PageError},
    pause::{Caller, Pauses},
    session::Session,
};
use crate::{
    clock::Clock,
    outbound::{Outbound, Request, System},
};

/// A person who can log in at a system.
pub(super) trait SignIn: Sync {
    /// The account's name at the system.
    fn account(&self) -> &str;

    /// Logs in with the new session `session`.
    fn log_in(&self, session: &mut Session) -> impl Future<Output = Result<(), CampusError>> + Send;
}

/// One system.
#[derive(Debug, Clone)]
pub(super) struct Site {
    system: System,
    base: Url,
    outbound: Outbound,
    pauses: Pauses,
}

impl Site {
    pub(super) fn new(system: System, base: &Url, outbound: &Outbound, pauses: Pauses) -> Self {
        Self { system, base: base.clone(), outbound: outbound.clone(), pauses }
    }

    /// Address of `path` (starting with `/`), below the path of the base address.
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

    /// Sends a request that needs a login. Logs `who` in if the session is not. An ended session may be answered with
    /// anything: after a login page, an error or an unknown page, `who` is logged in once with a second session, which
    /// replaces the first only if the login works.
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
            Err(e) if known && e.may_be_a_dead_session() => {
                if matches!(e, CampusError::SessionExpired(_)) {
                    session.leave(self.system);
                }
                let mut beside = session.fresh();
                self.sign_in(&mut beside, who).await?;
                *session = beside;
                self.ask(request(), session, &parse).await
            }
            outcome => outcome,
        }
    }

    async fn sign_in(&self, session: &mut Session, who: &impl SignIn) -> Result<(), CampusError> {
        session.clear();
        let caller = Caller { system: self.system, account: who.account(), by_hand: false };
        self.pauses.around(caller, who.log_in(session)).await?;
        session.enter(self.system);
        Ok(())
    }
}

/// Now, in milliseconds since 1970: what pages append to addresses against caches. The clock of the campus, which tests set,
/// has no say in it.
pub(super) fn moment() -> String {
    Clock::system().now().timestamp_millis().to_string()
}

/// `path` appended to `base`, whose own path is kept.
pub(super) fn join(base: &Url, path: &str) -> Url {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).unwrap_or_else(|_| base.clone())
}
