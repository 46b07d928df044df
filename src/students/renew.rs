//! Renewing a loan: an order to the library that also brings the list of loans.

use super::{Borrowing, Fetched, PATIENCE_WITHOUT, ReadError, ReadThrough, check, source::Source, student_lease};
use crate::{
    campus::{CampusError, library::Renewal},
    crypto::random_hex,
    model::Loan,
    outbound::System,
    store::User,
};

/// What became of a renewal.
#[derive(Debug, Clone)]
pub enum Renewed {
    /// The loan as it is now.
    Loan(Fetched<Loan>),
    /// There is no loan of this number.
    Unknown,
    /// The library does not renew this one.
    NotRenewable,
    /// The library was asked and changed nothing.
    Refused,
}

impl ReadThrough {
    /// Renews the loan of the copy `number` and stores the list of loans that comes with the answer. Call it in a task of
    /// its own: a renewal under way must come to its end.
    pub async fn renew(&self, user: &User, number: &str) -> Result<Renewed, ReadError> {
        if !user.bind {
            return Err(ReadError::NotBound);
        }
        check(user, Borrowing::CREDENTIALS)?;
        if self.campus.is_down(System::Library) {
            return Err(CampusError::Down(System::Library).into());
        }
        let owner = format!("{}/{}", self.replica, random_hex());
        let name = student_lease(System::Library, &user.student_id);
        let lease = self.store.leases.wait_for(&name, &owner);
        let lease = tokio::time::timeout(PATIENCE_WITHOUT, lease).await.map_err(|_| ReadError::TooSlow)??;
        self.store.leases.under(lease, self.renew_alone(user, number)).await
    }

    async fn renew_alone(&self, user: &User, number: &str) -> Result<Renewed, ReadError> {
        let renewal = self.with_session(user, Borrowing::CREDENTIALS, System::Library, async |login, session| {
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
            let key = Borrowing.key(user, &self.term.name);
            if let Err(error) = self.store.borrowing.save(&key, &loans.data, at).await {
                // The library has renewed it; that the stored list is older is mended by the next look.
                tracing::warn!(%error, "loans not stored after a renewal");
            }
        }
        let loan = loans.data.into_iter().find(|loan| loan.number == number).filter(|_| renewed);
        Ok(loan.map_or(Renewed::Refused, |data| {
            Renewed::Loan(Fetched { data, fetched_at: at, stale: false, partial: false })
        }))
    }
}
