//! Campus sessions at rest: sealed like a password, shared by all replicas.

use secrecy::ExposeSecret;

use crate::{
    campus::session::Session,
    clock::Clock,
    crypto::KeyRing,
    outbound::System,
    store::{Store, StoreError},
};

use super::StudentError;

/// Whose session, and where.
#[derive(Debug)]
pub struct SessionOwner<'a> {
    /// WeChat account.
    pub open_id: &'a str,
    /// Student number, so that a re-bind never meets the former one's session.
    pub student_id: &'a str,
    /// The system; what lies behind the VPN shares the VPN's session.
    pub system: System,
}

impl SessionOwner<'_> {
    /// Name of the session: the VPN's for everything behind it.
    fn name(&self) -> &'static str {
        match self.system {
            System::Urp | System::Bulletin => System::Vpn.name(),
            system => system.name(),
        }
    }

    fn field(&self) -> String {
        format!("session/{}/{}", self.name(), self.student_id)
    }
}

/// The stored session, or a new one. A session that does not open (its key is gone) is simply made again.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn load_session(store: &Store, keys: &KeyRing, owner: &SessionOwner<'_>) -> Result<Session, StoreError> {
    let sealed = store.sessions.find(owner.open_id, owner.student_id, owner.name()).await?;
    let opened = sealed.and_then(|sealed| keys.open(owner.open_id, &owner.field(), &sealed).ok());
    Ok(opened.map(|text| Session::from_text(text.expose_secret())).unwrap_or_default())
}

/// Stores a session, sealed, for every replica to use.
pub async fn store_session(
    store: &Store,
    keys: &KeyRing,
    clock: &Clock,
    owner: &SessionOwner<'_>,
    session: &Session,
) -> Result<(), StudentError> {
    let sealed = keys.seal(owner.open_id, &owner.field(), &session.to_text())?;
    store.sessions.save(owner.open_id, owner.student_id, owner.name(), sealed, clock).await?;
    Ok(())
}
