//! What pending migrations would do, counted on the database as it is.

use mongodb::{
    Database,
    bson::{Bson, Document, doc},
};

use super::{MigrationError, Reads, StoreError, commands, files, records, status_from};

/// A pending migration.
#[derive(Debug)]
pub struct Preview {
    /// File name without extension.
    pub id: String,
    /// Its commands, in order.
    pub steps: Vec<Step>,
}

/// A command of a migration.
#[derive(Debug)]
pub struct Step {
    /// What it does, and to which collection: `update news`, `createIndexes users (openId, studentId)`.
    pub what: String,
    /// How many documents it changes, removes, or puts into an index; `None` where it touches none.
    pub documents: Option<u64>,
}

/// What the pending migrations would do, in order. Each command is counted as if the earlier ones had not run.
///
/// # Errors
/// As [`super::status`], or [`MigrationError::Command`] for a command whose documents cannot be counted.
pub async fn preview(db: &Database) -> Result<Vec<Preview>, MigrationError> {
    let status = status_from(&records(db, Reads::Primary)).await?;
    let mut previews = Vec::new();
    for (file, _) in files().into_iter().zip(status).filter(|(_, record)| record.applied_at.is_none()) {
        let mut steps = Vec::new();
        for (at, command) in commands(&file)?.into_iter().enumerate() {
            let failed = |e: mongodb::error::Error| MigrationError::Command {
                id: file.id.clone(),
                command: at + 1,
                source: StoreError::from(e),
            };
            steps.push(step(db, &command).await.map_err(failed)?);
        }
        previews.push(Preview { id: file.id, steps });
    }
    Ok(previews)
}

async fn step(db: &Database, command: &Document) -> mongodb::error::Result<Step> {
    let (name, collection) =
        command.iter().next().map_or(("", ""), |(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
    let documents = |field: &str| command.get_array(field).map(Vec::as_slice).unwrap_or_default();
    let each = documents(match name {
        "createIndexes" => "indexes",
        "update" => "updates",
        "delete" => "deletes",
        _ => "pipeline",
    });
    let each: Vec<&Document> = each.iter().filter_map(Bson::as_document).collect();
    let named: Vec<&str> = each.iter().filter_map(|part| part.get_str("name").ok()).collect();
    let what = if named.is_empty() {
        format!("{name} {collection}")
    } else {
        format!("{name} {collection} ({})", named.join(", "))
    };
    let count = match name {
        "update" | "delete" => {
            let mut sum = 0;
            for part in each {
                sum += count(db, collection, &[doc! { "$match": part.get_document("q").cloned().unwrap_or_default() }])
                    .await?;
            }
            Some(sum)
        }
        "aggregate" => {
            // Everything but the stage that writes.
            let reads = each.into_iter().filter(|stage| !stage.contains_key("$merge") && !stage.contains_key("$out"));
            Some(count(db, collection, &reads.cloned().collect::<Vec<_>>()).await?)
        }
        "createIndexes" => Some(count(db, collection, &[]).await?),
        _ => None,
    };
    Ok(Step { what, documents: count })
}

/// How many documents a pipeline returns.
async fn count(db: &Database, collection: &str, pipeline: &[Document]) -> mongodb::error::Result<u64> {
    let counted = pipeline.iter().cloned().chain([doc! { "$count": "count" }]);
    let mut cursor = db.collection::<Document>(collection).aggregate(counted).await?;
    if !cursor.advance().await? {
        return Ok(0);
    }
    let count = cursor.deserialize_current()?;
    let count = count.get_i64("count").or_else(|_| count.get_i32("count").map(i64::from)).unwrap_or_default();
    Ok(u64::try_from(count).unwrap_or_default())
}
