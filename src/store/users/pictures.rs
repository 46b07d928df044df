//! Account pictures that are files of this service.

use mongodb::{
    Collection,
    bson::{Document, doc},
};

use super::Users;
use crate::store::{StoreError, reads::steadily};

impl Users {
    /// Which of the files `ids` (hexadecimal, so safe in a pattern) are the picture of an account. Reads the index of
    /// picture addresses.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn pictured(&self, ids: &[String]) -> Result<Vec<String>, StoreError> {
        let documents: Collection<Document> = self.primary.clone_with_type();
        let shown = doc! { "avatarUrl": { "$regex": format!(r"/files/(?:{})\.", ids.join("|")) } };
        let mut cursor = steadily(|| documents.find(shown.clone()).projection(doc! { "avatarUrl": 1 })).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            let address = cursor.deserialize_current()?.get_str("avatarUrl").unwrap_or_default().to_owned();
            found.extend(ids.iter().filter(|id| address.contains(id.as_str())).cloned());
        }
        Ok(found)
    }
}
