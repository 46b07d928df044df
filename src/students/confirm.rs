//! Asking the campus once more whether the stored passwords are right: for what nobody may do who only has a token.

use super::{
    CAMPUS_LIMIT, PATIENCE_WITHOUT, ReadError, ReadThrough, SessionOwner, check, sources::URP_CREDENTIALS,
    store_session, student_lease,
};
use crate::{
    campus::{CampusError, session::Session, urp::Account},
    crypto::random_hex,
    outbound::System,
    store::User,
};

impl ReadThrough {
    /// Logs `user` in at the VPN and the academic system with the stored passwords, whatever sessions there are. A password
    /// that is refused is remembered as such; one that was refused before is not sent again. Call it in a task of its own:
    /// the answer must be remembered though nobody waits for it any more.
    ///
    /// # Errors
    /// See [`ReadError`]; nothing but success means that the campus took the passwords just now.
    pub async fn confirm(&self, user: &User) -> Result<(), ReadError> {
        if !user.bind {
            return Err(ReadError::NotBound);
        }
        check(user, URP_CREDENTIALS)?;
        if self.campus.is_down(System::Urp) {
            return Err(CampusError::Down(System::Urp).into());
        }
        let owner = format!("{}/{}", self.replica, random_hex());
        let name = student_lease(System::Urp, &user.student_id);
        let lease = self.store.leases.wait_for(&name, &owner);
        let lease = tokio::time::timeout(PATIENCE_WITHOUT, lease).await.map_err(|_| ReadError::TooSlow)??;
        self.store.leases.under(lease, self.confirm_alone(user)).await
    }

    async fn confirm_alone(&self, user: &User) -> Result<(), ReadError> {
        let (user, login) = self.log_in_as(user, URP_CREDENTIALS).await?;
        let (account, mut session) = (Account::from(&login), Session::default());
        let asked = tokio::time::timeout(CAMPUS_LIMIT, self.campus.urp.verify(&account, &mut session)).await;
        match asked.unwrap_or(Err(CampusError::Down(System::Urp))) {
            Ok(_) => {
                // The campus may have ended the former session. Nobody waits for this: without it the next request logs in.
                let this = self.clone();
                self.tasks.spawn(async move {
                    let owner =
                        SessionOwner { open_id: &user.open_id, student_id: &user.student_id, system: System::Urp };
                    if let Err(error) = store_session(&this.store, &this.keys, &this.clock, &owner, &session).await {
                        tracing::warn!(%error, "campus session not kept");
                    }
                });
                Ok(())
            }
            Err(CampusError::WrongPassword(refusing, said)) => {
                self.remember_refusal(&user, URP_CREDENTIALS, refusing).await?;
                Err(CampusError::WrongPassword(refusing, said).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}
