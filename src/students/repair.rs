//! Repair orders.

use super::{Service, StudentError, Students};
use crate::{
    campus::repair::{Order, OrderOutcome},
    store::User,
};

impl Students {
    /// Places a repair order for `user`. Call it in a task of its own: an order under way must come to its end.
    ///
    /// # Errors
    /// [`StudentError`]: the order was certainly not placed.
    pub async fn place_repair(&self, user: &User, order: Order) -> Result<OrderOutcome, StudentError> {
        let access = self.access(Service::Repair, user)?;
        access.check(user)?;
        let placed = self.with_session(user, access, async |login, session| {
            self.campus.repair.place(&login.student_id, &login.id_number, &order, session).await
        });
        placed.await
    }
}
