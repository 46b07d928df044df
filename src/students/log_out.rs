//! Ending what could open a student's session again, when an account leaves him.

use std::time::Duration;

use super::{Service, SessionOwner, Students, load_session};
use crate::{
    school::{Ability, Login},
    store::StoreError,
};

/// Longest a log-out may take. A replica that stops waits for it.
const LOG_OUT_LIMIT: Duration = Duration::from_secs(10);

impl Students {
    /// Ends the ticket of the sign-on that the account's session as this student has, in the background and as far as the
    /// campus lets it. Call it before the session is forgotten. At a system without a sign-on there is nothing to be ended.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers: the caller would only wait once more.
    pub async fn log_out(&self, open_id: &str, student_id: &str) -> Result<(), StoreError> {
        let service = Service::Academic(Ability::Record);
        let academic = self.school.academic_of(student_id).filter(|academic| academic.login == Login::Cas);
        let Some(system) = academic.and_then(|_| self.system_of(service, student_id)) else { return Ok(()) };
        let owner = SessionOwner { open_id, student_id, system };
        let mut session = load_session(&self.store, &self.keys, &owner).await?.asked_for(student_id);
        let (this, student_id) = (self.clone(), student_id.to_owned());
        self.tasks.spawn(async move {
            let Some(academic) = this.academic_of(service, &student_id) else { return };
            if !ends_in_time(academic.log_out(&mut session)).await {
                tracing::info!(%system, "a ticket could not be ended: the log-out takes too long");
            }
        });
        Ok(())
    }
}

/// Whether a log-out comes to its end within [`LOG_OUT_LIMIT`], after which it is given up.
async fn ends_in_time(log_out: impl Future<Output = ()>) -> bool {
    tokio::time::timeout(LOG_OUT_LIMIT, log_out).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_log_out_that_never_ends_is_given_up() {
        let twice_the_limit = LOG_OUT_LIMIT * 2;
        let given_up = tokio::time::timeout(twice_the_limit, ends_in_time(std::future::pending())).await;
        assert_eq!(given_up, Ok(false));
        let slow = tokio::time::sleep(LOG_OUT_LIMIT / 2);
        assert!(ends_in_time(slow).await);
    }
}
