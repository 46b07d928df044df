//! How many members of the replica set this process sees, and in which state: a gauge.

use mongodb::{
    ServerType,
    event::{EventHandler, sdam::SdamEvent},
};

/// Sets `database_members` with the label `state` (`primary`, `secondary`, `away`) whenever the driver sees a change.
pub(super) fn watch() -> EventHandler<SdamEvent> {
    EventHandler::callback(|event| {
        let SdamEvent::TopologyDescriptionChanged(change) = event else { return };
        let mut members = [("primary", 0_u32), ("secondary", 0), ("away", 0)];
        for member in change.new_description.servers().values() {
            let (_, count) = match member.server_type() {
                ServerType::RsPrimary => &mut members[0],
                ServerType::RsSecondary => &mut members[1],
                _ => &mut members[2],
            };
            *count += 1;
        }
        for (state, count) in members {
            metrics::gauge!("database_members", "state" => state).set(f64::from(count));
        }
    })
}
