//! Renewing a loan: an order to the library that also brings the list of loans.

use chrono::{DateTime, Utc};
use futures_util::FutureExt;

use super::{Access, Service, StudentError, Students};
use crate::{
    campus::library::Renewal,
    model::Loan,
    store::{SnapshotKey, User},
};

/// What became of a renewal.
#[derive(Debug, Clone)]
pub enum Renewed {
    /// The loan as it is now, and when the library showed it.
    Loan(Loan, DateTime<Utc>),
    /// There is no loan of this number.
    Unknown,
    /// The library does not renew this one.
    NotRenewable,
    /// The library was asked and changed nothing.
    Refused,
}

impl Students {
    /// Renews the loan of the copy `number` and stores the list of loans that comes with the answer. Call it in a task of
    /// its own: a renewal under way must come to its end.
    ///
    /// # Errors
    /// [`StudentError`]; the loan may have been renewed if the library did not answer in time.
    pub async fn renew(&self, user: &User, number: &str) -> Result<Renewed, StudentError> {
        let access = self.access(Service::Loans, user)?;
        self.order(user, access, self.renew_alone(user, access, number).boxed()).await
    }

    async fn renew_alone(&self, user: &User, access: Access, number: &str) -> Result<Renewed, StudentError> {
        let renewal = self.with_session(user, access, async |login, session| {
            self.campus.library.renew(&login.student_id, &login.library, number, session).await
        });
        let (loans, renewed) = match renewal.await? {
            Renewal::Unknown => return Ok(Renewed::Unknown),
            Renewal::NotRenewable => return Ok(Renewed::NotRenewable),
            Renewal::Renewed(loans) => (loans, true),
            Renewal::Refused(loans) => (loans, false),
        };
        let at = self.clock.now();
        // A part of the list never takes the place of all of it; the next look brings it.
        if !loans.partial {
            let academic = self.academic_id(&user.student_id).unwrap_or_default();
            let term = self.terms.current(academic).map(|term| term.name).unwrap_or_default();
            let key = SnapshotKey::own(user, &term);
            if let Err(error) = self.store.student_data.borrowing.save(&key, &loans.data, at).await {
                // The library has renewed it; that the stored list is older is mended by the next look.
                tracing::warn!(%error, "loans not stored after a renewal");
            }
        }
        let loan = loans.data.into_iter().find(|loan| loan.number == number).filter(|_| renewed);
        Ok(loan.map_or(Renewed::Refused, |loan| Renewed::Loan(loan, at)))
    }
}
