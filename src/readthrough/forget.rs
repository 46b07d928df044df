//! Forgetting a student: what the campus systems showed, and the sessions there.

use super::{LEASE, LEASE_POLL, ReadError, ReadThrough, student_lease};
use crate::{crypto::random_hex, outbound::System, store::StoreError};

/// The systems whose refreshes store something about a student.
const SYSTEMS: [System; 3] = [System::Urp, System::Library, System::Physical];

impl ReadThrough {
    /// Removes the campus sessions that an account had as a student, and what is stored of that student unless another
    /// account is bound to him. Call it after the account stopped being bound to him: what a refresh that is under way
    /// stores yet is removed when that has ended, in the background.
    ///
    /// # Errors
    /// [`StoreError`] when a write is not known to be safe; it can be repeated.
    pub async fn forget(&self, open_id: &str, student_id: &str) -> Result<(), StoreError> {
        if student_id.is_empty() {
            return Ok(());
        }
        self.store.sessions.forget(open_id, student_id).await?;
        self.forget_snapshots(student_id).await?;
        let (this, open_id, student_id) = (self.clone(), open_id.to_owned(), student_id.to_owned());
        self.tasks.spawn(async move {
            if let Err(error) = this.forget_latecomers(&open_id, &student_id).await {
                tracing::warn!(%error, "what was stored while it was being forgotten may have stayed");
            }
        });
        Ok(())
    }

    /// Removes what is stored of a student to whom no account is bound any more.
    async fn forget_snapshots(&self, student_id: &str) -> Result<(), StoreError> {
        let store = &self.store;
        if store.users.is_bound(student_id, None).await? {
            return Ok(());
        }
        store.courses.forget_student(student_id).await?;
        store.scores.forget_student(student_id).await?;
        store.physical.forget_student(student_id).await?;
        store.borrowing.forget_student(student_id).await
    }

    /// A refresh holds the lease of its system from its first look at the account until it has stored what it got. Once
    /// the lease is ours, no refresh that knew the account is left.
    async fn forget_latecomers(&self, open_id: &str, student_id: &str) -> Result<(), ReadError> {
        let owner = format!("{}/{}", self.replica, random_hex());
        for system in SYSTEMS {
            let name = student_lease(system, student_id);
            let lease = loop {
                match self.store.leases.acquire(&name, &owner, LEASE).await? {
                    Some(lease) => break lease,
                    None => tokio::time::sleep(LEASE_POLL).await,
                }
            };
            let bound_again = self.store.users.find(open_id).await?.is_some_and(|user| user.student_id == student_id);
            if !bound_again {
                self.store.sessions.forget(open_id, student_id).await?;
                self.forget_snapshots(student_id).await?;
            }
            self.store.leases.release(lease).await?;
        }
        Ok(())
    }
}
