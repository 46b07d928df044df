//! Opening a session at the academic system when a student asks for it: where it wants a captcha, only he can.

use std::sync::Arc;

use futures_util::FutureExt;

use super::{Access, CAMPUS_LIMIT, Service, SessionOwner, StudentError, Students, load_session};
use crate::{
    campus::{CampusError, academic::AcademicLogin, captcha::Challenge, session::Session},
    school::Ability,
    store::User,
};

/// What is asked for to see whether a session is open.
const OPENED_FOR: Service = Service::Academic(Ability::Record);

/// What became of a login.
#[derive(Debug)]
pub enum Opened {
    /// The session is open.
    Yes,
    /// The system wants a captcha to be read; the login stopped in this session.
    Stopped(Box<Session>, Arc<Challenge>),
}

impl Students {
    /// Opens the session of `user` with the stored password. `read`: the id of the captcha at which an earlier try
    /// stopped, and what the student read in it.
    ///
    /// # Errors
    /// [`StudentError`].
    pub async fn open_session(&self, user: &User, read: Option<(String, String)>) -> Result<Opened, StudentError> {
        let access = self.access(OPENED_FOR, user)?;
        self.order(user, access, self.open_alone(user, access, read).boxed()).await
    }

    async fn open_alone(
        &self,
        user: &User,
        access: Access,
        read: Option<(String, String)>,
    ) -> Result<Opened, StudentError> {
        let (user, login) = self.log_in_as(user, access).await?;
        let academic = self.academic_of(OPENED_FOR, &user.student_id).ok_or(StudentError::NotOffered)?;
        let owner = SessionOwner { open_id: &user.open_id, student_id: &user.student_id, system: access.system };
        let mut login = AcademicLogin { by_hand: true, ..AcademicLogin::from(&login) };
        let mut session = load_session(&self.store, &self.keys, &owner).await?.asked_for(&user.student_id);
        if let Some((id, read)) = read
            && let Some((begun, answer)) = self.go_on(&user.open_id, &user.student_id, &id, read).await?
        {
            (session, login.answer) = (begun, Some(answer));
        }
        let opened = tokio::time::timeout(CAMPUS_LIMIT, academic.open(&login, &mut session)).await;
        match opened.unwrap_or(Err(CampusError::Down(access.system))) {
            Ok(()) => {
                self.keep(&owner, &session).await;
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
