//! Logins that stopped at a captcha. What is needed to go on lies sealed in the database, so that any replica can; the
//! password does not: the student sends it again with what he has read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{StudentError, Students};
use crate::{
    campus::{
        academic::Academic,
        captcha::{CaptchaAnswer, Challenge},
        session::Session,
    },
    crypto::random_hex,
    store::PendingLogin,
};

/// How long a student has to read a captcha.
const TIME_TO_READ: Duration = Duration::from_mins(3);

/// A login that waits for an answer.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// What the client sends with the answer.
    pub id: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Where a login stopped.
#[derive(Serialize, Deserialize)]
struct Stopped {
    session: String,
    flow: String,
}

fn field(student_id: &str) -> String {
    format!("pending/{student_id}")
}

impl Students {
    /// Whether a login as this student may stop at a captcha that only he can read.
    #[must_use]
    pub fn is_shown_captchas(&self, student_id: &str) -> bool {
        let academic = self.academic_id(student_id).and_then(|id| self.campus.academic(id));
        academic.is_some_and(Academic::shows_captchas)
    }

    /// Keeps a login of an account as this student until he has read the captcha.
    ///
    /// # Errors
    /// [`StudentError::Store`], [`StudentError::Seal`].
    pub async fn wait_for_answer(
        &self,
        open_id: &str,
        student_id: &str,
        session: &Session,
        challenge: &Challenge,
    ) -> Result<Waiting, StudentError> {
        let stopped = Stopped { session: session.to_text(), flow: challenge.flow.clone() };
        let text = serde_json::to_string(&stopped).unwrap_or_default();
        let sealed = self.keys.seal(open_id, &field(student_id), &text)?;
        let (id, expires_at) = (random_hex() + &random_hex(), self.clock.now() + TIME_TO_READ);
        self.store.pending_logins.put(&PendingLogin::new(&id, open_id, sealed, expires_at)).await?;
        Ok(Waiting { id, expires_at })
    }

    /// The login that an account goes on with as this student, once. `None` when there is none with this id, its time is
    /// over, or another account or student began it.
    ///
    /// # Errors
    /// [`StudentError::Store`].
    pub async fn go_on(
        &self,
        open_id: &str,
        student_id: &str,
        id: &str,
        read: String,
    ) -> Result<Option<(Session, CaptchaAnswer)>, StudentError> {
        let Some(waiting) = self.store.pending_logins.take(id, open_id, self.clock.now()).await? else {
            return Ok(None);
        };
        let opened = self.keys.open(open_id, &field(student_id), &waiting.sealed).ok();
        let stopped = opened.and_then(|text| serde_json::from_str::<Stopped>(text.expose_secret()).ok());
        Ok(stopped.map(|stopped| {
            let session = Session::from_text(&stopped.session).asked_for(student_id);
            (session, CaptchaAnswer { flow: stopped.flow, text: read })
        }))
    }
}
