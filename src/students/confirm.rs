//! Asking the campus once more whether the stored passwords are right, for what a token alone does not allow.

use futures_util::FutureExt;

use super::{Access, CAMPUS_LIMIT, SessionOwner, StudentError, Students};
use crate::{
    campus::{CampusError, session::Session, urp::UrpLogin},
    store::User,
};

impl Students {
    /// Logs `user` in at the VPN and the academic system with the stored passwords, whatever sessions there are. A password
    /// that is refused is remembered as such; one that was refused before is not sent again. Call it in a task of its own:
    /// the answer must be remembered though nobody waits for it any more.
    ///
    /// # Errors
    /// [`StudentError`]; nothing but success means that the campus took the passwords just now.
    pub async fn confirm(&self, user: &User) -> Result<(), StudentError> {
        self.order(user, Access::URP, self.confirm_alone(user).boxed()).await
    }

    async fn confirm_alone(&self, user: &User) -> Result<(), StudentError> {
        let (user, login) = self.log_in_as(user, Access::URP).await?;
        let (login, mut session) = (UrpLogin::from(&login), Session::default());
        let asked = tokio::time::timeout(CAMPUS_LIMIT, self.campus.urp.verify(&login, &mut session)).await;
        match asked.unwrap_or(Err(CampusError::Down(Access::URP.system))) {
            Ok(_) => {
                // The campus may have ended the former session. Nobody waits for this: without it the next request logs in.
                let this = self.clone();
                self.tasks.spawn(async move {
                    let (open_id, student_id) = (user.open_id.as_str(), user.student_id.as_str());
                    this.keep(&SessionOwner { open_id, student_id, system: Access::URP.system }, &session).await;
                });
                Ok(())
            }
            Err(error) => {
                if let CampusError::WrongPassword(refusing, _) = &error {
                    self.remember_refusal(&user, Access::URP, *refusing).await?;
                }
                Err(error.into())
            }
        }
    }
}
