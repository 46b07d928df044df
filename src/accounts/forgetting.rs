//! Forgetting a student: what the campus systems showed to an account, and its sessions there.

use super::{ReadThrough, student_lease};
use crate::{
    crypto::random_hex,
    outbound::System,
    store::{StoreError, eventually},
};

/// The systems whose refreshes store something about a student.
const SYSTEMS: [System; 3] = [System::Urp, System::Library, System::Physical];

impl ReadThrough {
    /// Removes the campus sessions that an account has as a student, and what they showed it. What another account that is
    /// bound to him was shown stays. Call it before the account stops being bound to him, so that what fails can be repeated,
    /// and [`ReadThrough::forget_latecomers`] after that.
    ///
    /// # Errors
    /// [`StoreError`] when a write is not known to be safe; it can be repeated.
    pub async fn forget(&self, open_id: &str, student_id: &str) -> Result<(), StoreError> {
        if student_id.is_empty() {
            return Ok(());
        }
        let store = &self.store;
        store.sessions.forget(open_id, student_id).await?;
        store.courses.forget(open_id, student_id).await?;
        store.scores.forget(open_id, student_id).await?;
        store.physical.forget(open_id, student_id).await?;
        store.borrowing.forget(open_id, student_id).await
    }

    /// Removes every campus session of an account, and whatever it was shown under any student number.
    ///
    /// # Errors
    /// [`StoreError`] when a write is not known to be safe; it can be repeated.
    pub async fn forget_account(&self, open_id: &str) -> Result<(), StoreError> {
        let store = &self.store;
        store.sessions.forget_account(open_id).await?;
        store.courses.forget_owner(open_id).await?;
        store.scores.forget_owner(open_id).await?;
        store.physical.forget_owner(open_id).await?;
        store.borrowing.forget_owner(open_id).await
    }

    /// Removes, in the background, what a refresh that was under way has stored after [`ReadThrough::forget`].
    pub fn forget_latecomers(&self, open_id: &str, student_id: &str) {
        if student_id.is_empty() {
            return;
        }
        let (this, open_id, student_id) = (self.clone(), open_id.to_owned(), student_id.to_owned());
        let forget = move || {
            let (this, open_id, student_id) = (this.clone(), open_id.clone(), student_id.clone());
            async move {
                for system in SYSTEMS {
                    this.forget_latecomer(system, &open_id, &student_id).await?;
                }
                Ok::<_, StoreError>(())
            }
        };
        self.tasks.spawn(eventually("forget what was stored while it was being forgotten", forget));
    }

    /// A refresh holds the lease of its system from its first look at the account until it has stored what it got. Once
    /// the lease is ours, no refresh that knew the account is left.
    async fn forget_latecomer(&self, system: System, open_id: &str, student_id: &str) -> Result<(), StoreError> {
        let owner = format!("{}/{}", self.replica, random_hex());
        let name = student_lease(system, student_id);
        let lease = self.store.leases.wait_for(&name, &owner).await?;
        let forget = async {
            let bound_again = self.store.users.find(open_id).await?.is_some_and(|user| user.student_id == student_id);
            if bound_again { Ok(()) } else { self.forget(open_id, student_id).await }
        };
        self.store.leases.under(lease, forget).await
    }
}
