//! Asking the campus once more whether the stored passwords are right, for what a token alone does not allow.

use futures_util::FutureExt;

use super::{Access, CAMPUS_LIMIT, Opened, Service, SessionOwner, StudentError, Students};
use crate::{
    campus::{CampusError, academic::AcademicLogin, session::Session},
    school::Ability,
    store::User,
};

/// What is asked for to see whether the passwords are right.
const CONFIRMED_BY: Service = Service::Academic(Ability::Record);

impl Students {
    /// Logs `user` in at the academic system (and the VPN in front of it) with the stored passwords, whatever sessions there
    /// are. A password that is refused is remembered as such; one that was refused before is not sent again. `read`: the id
    /// of the captcha at which an earlier try stopped, and what the student read in it. Call it in a task of its own: the
    /// answer must be remembered though nobody waits for it any more.
    ///
    /// # Errors
    /// [`StudentError`]; nothing but [`Opened::Yes`] means that the campus took the passwords just now.
    pub async fn confirm(&self, user: &User, read: Option<(String, String)>) -> Result<Opened, StudentError> {
        let access = self.access(CONFIRMED_BY, user)?;
        self.order(user, access, self.confirm_alone(user, access, read).boxed()).await
    }

    async fn confirm_alone(
        &self,
        user: &User,
        access: Access,
        read: Option<(String, String)>,
    ) -> Result<Opened, StudentError> {
        let (user, login) = self.log_in_as(user, access).await?;
        let academic = self.academic_of(CONFIRMED_BY, &user.student_id).ok_or(StudentError::NotOffered)?;
        // He waits, and can read a captcha.
        let mut login = AcademicLogin { by_hand: true, ..AcademicLogin::from(&login) };
        let mut session = Session::of(&user.student_id);
        if let Some((id, read)) = read
            && let Some((begun, answer)) = self.go_on(&user.open_id, &user.student_id, &id, read).await?
        {
            (session, login.answer) = (begun, Some(answer));
        }
        let asked = tokio::time::timeout(CAMPUS_LIMIT, academic.verify(&login, &mut session)).await;
        match asked.unwrap_or(Err(CampusError::Down(access.system))) {
            Ok(_) => {
                // The campus may have ended the former session. Nobody waits for this: without it the next request logs in.
                let this = self.clone();
                self.tasks.spawn(async move {
                    let (open_id, student_id) = (user.open_id.as_str(), user.student_id.as_str());
                    this.keep(&SessionOwner { open_id, student_id, system: access.system }, &session).await;
                });
                Ok(Opened::Yes)
            }
            Err(CampusError::NeedsCaptcha(_, challenge)) => Ok(Opened::Stopped(Box::new(session), challenge)),
            Err(error) => {
                if let CampusError::WrongPassword(refusing, _) = &error {
                    self.remember_refusal(&user, access, *refusing).await?;
                }
                Err(error.into())
            }
        }
    }
}
