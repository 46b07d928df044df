//! Classrooms.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An empty room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Room {
    /// Name of the building.
    pub building: String,
    /// Number or name of the room, without the `(多)` that marks a projector.
    pub room: String,
    /// Number of seats.
    pub volume: String,
}
