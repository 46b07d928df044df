//! How full the database's disk is: gauges for the alarm that comes before it is full.

use mongodb::bson::{Bson, doc};

use super::{Store, StoreError};

impl Store {
    /// Sets `database_disk_used_bytes` and `database_disk_bytes` from the primary's `dbStats`.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn measure_disk(&self) -> Result<(), StoreError> {
        let stats = self.db.run_command(doc! { "dbStats": 1 }).await?;
        let gauges = [("fsUsedSize", "database_disk_used_bytes"), ("fsTotalSize", "database_disk_bytes")];
        for (field, gauge) in gauges {
            let bytes = match stats.get(field) {
                Some(Bson::Double(bytes)) => Some(*bytes),
                Some(Bson::Int32(bytes)) => Some(f64::from(*bytes)),
                // Counts of bytes are far below 2^53.
                #[expect(clippy::cast_precision_loss, reason = "see above")]
                Some(Bson::Int64(bytes)) => Some(*bytes as f64),
                _ => None,
            };
            if let Some(bytes) = bytes {
                metrics::gauge!(gauge).set(bytes);
            }
        }
        Ok(())
    }
}
