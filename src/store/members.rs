//! How many members of the replica set this process sees, and in which state.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use mongodb::{
    ServerType,
    event::{EventHandler, sdam::SdamEvent},
};

/// The members as the driver last saw them.
#[derive(Debug, Clone)]
pub struct Members(Arc<Seen>);

#[derive(Debug)]
struct Seen {
    hosts: Vec<String>,
    primary: AtomicBool,
    any: AtomicBool,
}

impl Members {
    /// The members at `hosts` (`name:port`); until the driver has looked, all seem to be there.
    pub(super) fn new(hosts: Vec<String>) -> Self {
        Self(Arc::new(Seen { hosts, primary: AtomicBool::new(true), any: AtomicBool::new(true) }))
    }

    /// The addresses of the connection string.
    pub(super) fn hosts(&self) -> &[String] {
        &self.0.hosts
    }

    /// Whether there is a primary.
    #[must_use]
    pub fn primary(&self) -> bool {
        self.0.primary.load(Ordering::Relaxed)
    }

    /// Whether any member can be read.
    #[must_use]
    pub fn any(&self) -> bool {
        self.0.any.load(Ordering::Relaxed)
    }

    /// Follows what the driver sees. Sets `database_members` with the label `state` (`primary`, `secondary`, `away`)
    /// whenever it sees a change.
    pub(super) fn watch(&self) -> EventHandler<SdamEvent> {
        let seen = Arc::clone(&self.0);
        EventHandler::callback(move |event| {
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
            let [(_, primaries), (_, secondaries), _] = members;
            seen.primary.store(primaries > 0, Ordering::Relaxed);
            seen.any.store(primaries + secondaries > 0, Ordering::Relaxed);
        })
    }
}
