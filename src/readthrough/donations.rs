//! The list of donations: no campus system, but read through the store like campus data.

use std::time::Duration;

use super::{
    Outcome,
    source::{AllFlights, Login, Source},
};
use crate::{
    campus::{Campus, CampusError, listing::Listing, session::Session},
    config::{Freshness, Term},
    flights::Flights,
    github::{Github, GithubError, donation::parse_donations},
    model::Donation,
    outbound::System,
    store::{Credential, SnapshotKey, Snapshots, Store, User},
};

/// How long the list stays fresh: people edit it once in a while, and without a token GitHub answers 60 requests an hour.
const FRESH: Duration = Duration::from_mins(10);

/// The list of donations.
#[derive(Debug, Clone)]
pub struct Donations(pub Github);

impl Source for Donations {
    type Data = Vec<Donation>;
    const NAME: &'static str = "donations";
    const SYSTEM: System = System::Github;
    const CREDENTIALS: &'static [(Credential, System)] = &[];

    fn key(&self, _: &User, _: &str) -> SnapshotKey {
        SnapshotKey::Question(self.0.donation_issue())
    }

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.donations
    }

    fn freshness(_: &Freshness) -> Duration {
        FRESH
    }

    /// The list is what its owner wrote, also when he emptied it.
    fn is_empty(_: &Self::Data) -> bool {
        false
    }

    async fn fetch(
        &self,
        _: &Campus,
        _: &Login,
        _: &Term,
        _: &mut Session,
    ) -> Result<Listing<Self::Data>, CampusError> {
        match self.0.donation_text().await {
            Ok(text) => Ok(parse_donations(&text).into()),
            Err(error) => {
                tracing::warn!(%error, "donations cannot be read");
                Err(match error {
                    GithubError::Refused(_) | GithubError::Malformed(_) | GithubError::NoToken => {
                        CampusError::Changed { system: System::Github, page: "issue", missing: "the list" }
                    }
                    GithubError::Unavailable(_) | GithubError::RateLimited => CampusError::Down(System::Github),
                })
            }
        }
    }

    fn flights(all: &AllFlights) -> &Flights<Outcome<Self::Data>> {
        &all.donations
    }
}
