//! The current term, asked for at the academic system in a student's session, once for everybody.

use std::time::Duration;

use futures_util::FutureExt;

use super::{Access, Service, StudentError, Students};
use crate::{
    campus::{
        academic::{Academic, AcademicLogin},
        session::Session,
    },
    model::academic::Term,
    school::Ability,
    store::User,
};

/// How long a student's request waits for the term, which it asks for on everybody's behalf.
const TERM_LIMIT: Duration = Duration::from_secs(8);

impl Students {
    /// The academic system of a student as the school's profile names it.
    #[must_use]
    pub fn academic_id(&self, student_id: &str) -> Option<&str> {
        self.school.academic_of(student_id).map(|academic| academic.id.as_str())
    }

    /// The academic system of a student, where `service` is one of its.
    #[must_use]
    pub fn academic_of(&self, service: Service, student_id: &str) -> Option<&Academic> {
        let academic = matches!(service, Service::Academic(_)).then(|| self.academic_id(student_id)).flatten();
        academic.and_then(|id| self.campus.academic(id))
    }

    /// Asks for the current term in the student's session if it was not asked for lately, and nobody else is asking.
    /// Without an answer the known term stays.
    pub async fn renew_term(&self, login: &AcademicLogin, session: &mut Session) {
        // The session is open. No captcha is answered twice, and nobody reads another one.
        let login = &AcademicLogin { answer: None, by_hand: false, ..login.clone() };
        let academic = self.school.academic_of(&login.student_id).filter(|known| known.abilities.has(Ability::Terms));
        let Some(id) = academic.map(|academic| academic.id.as_str()).filter(|id| self.terms.is_stale(id)) else {
            return;
        };
        let renewed = async {
            self.terms.look(id).await?;
            let lease = self.store.leases.take(&format!("term/{id}"), &self.lease_owner()).await?;
            let Some(lease) = lease.filter(|_| self.terms.is_stale(id)) else { return Ok(()) };
            self.store.leases.under(lease, self.ask_for_term(id, login, session)).await
        };
        match tokio::time::timeout(TERM_LIMIT, renewed).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, academic = id, "the current term is not known anew");
                self.terms.not_told(id);
            }
            Err(_) => {
                tracing::warn!(academic = id, "the current term is not known anew: it takes too long");
                self.terms.not_told(id);
            }
        }
    }

    /// Asks for the current term because none is known.
    ///
    /// # Errors
    /// [`StudentError`].
    pub async fn learn_term(&self, user: &User) -> Result<Term, StudentError> {
        let access = self.access(Service::Academic(Ability::Terms), user)?;
        self.order(user, access, self.learn_term_alone(user, access).boxed()).await
    }

    async fn learn_term_alone(&self, user: &User, access: Access) -> Result<Term, StudentError> {
        let id = self.academic_id(&user.student_id).ok_or(StudentError::NotOffered)?;
        // Somebody else may have asked meanwhile.
        self.terms.look(id).await?;
        if self.terms.current(id).is_none() {
            let asked = self.with_session(user, access, async |login, session| {
                let Some(academic) = self.campus.academic(id) else { return Ok(None) };
                academic.current_term(&login.into(), session).await
            });
            if let Some(term) = asked.await? {
                self.tell_term(id, term).await;
            }
        }
        self.terms.current(id).ok_or(StudentError::TermUnknown)
    }

    async fn ask_for_term(&self, id: &str, login: &AcademicLogin, session: &mut Session) -> Result<(), StudentError> {
        let Some(academic) = self.campus.academic(id) else { return Ok(()) };
        if let Some(term) = academic.current_term(login, session).await? {
            self.tell_term(id, term).await;
        }
        Ok(())
    }

    async fn tell_term(&self, id: &str, term: Term) {
        if let Err(error) = self.terms.told(id, term).await {
            // The other replicas ask for themselves.
            tracing::warn!(%error, "the current term is not stored");
        }
    }
}
