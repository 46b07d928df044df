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

/// Groups rooms by their floor, floors in the order of their first room.
pub fn by_floor(rooms: impl Iterator<Item = Room>) -> Vec<Vec<Room>> {
    let mut floors: Vec<(Option<char>, Vec<Room>)> = Vec::new();
    for room in rooms {
        let floor = floor_of(&room.room);
        match floors.iter_mut().find(|(known, _)| *known == floor) {
            Some((_, rooms)) => rooms.push(room),
            None => floors.push((floor, vec![room])),
        }
    }
    floors.into_iter().map(|(_, rooms)| rooms).collect()
}

/// `305` is on floor 3, `3101` (building 3) on floor 1; other names are grouped by their first character (`阶梯1`).
fn floor_of(room: &str) -> Option<char> {
    let is_number = room.bytes().all(|byte| byte.is_ascii_digit());
    let position = usize::from(is_number && room.len() == 4);
    room.chars().nth(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_read_from_the_number_of_the_room() {
        let floors = [("305", '3'), ("3101", '1'), ("阶梯1", '阶'), ("10203", '1'), ("B2", 'B'), ("31A1", '3')];
        for (room, floor) in floors {
            assert_eq!(floor_of(room), Some(floor), "{room}");
        }
    }
}
