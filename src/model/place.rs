//! Names of places, as short as the mini-program has room for.

/// Words left out of a building's name: `3号教学楼` is shown as `3教`.
const BUILDING_FILLERS: [&str; 6] = ["综合楼", "学楼", "号", "训练", "区", "地"];

/// Mark of a room with a projector.
const ROOM_FILLER: &str = "(多)";

/// A building's name without filler words.
#[must_use]
pub fn short_building(building: &str) -> String {
    BUILDING_FILLERS.iter().fold(building.to_owned(), |name, filler| name.replace(filler, ""))
}

/// A room's name without its mark.
#[must_use]
pub fn short_room(room: &str) -> String {
    room.replace(ROOM_FILLER, "")
}
