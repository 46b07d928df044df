//! The list of donations: GitHub shows it and no campus system, but it is read through the store in the same way.

use std::time::Duration;

use super::{Question, ReadResult, ReadThrough, flights::AllFlights, kind::DataKind};
use crate::{
    campus::{CampusError, listing::Listing},
    config::Freshness,
    flights::Flights,
    github::{Github, GithubError, donation::parse_donations},
    model::Donation,
    outbound::System,
    store::{SnapshotKey, Snapshots, Store},
    students::{Access, StudentError},
};

/// How long the list stays fresh: people edit it once in a while, and without a token GitHub answers 60 requests an hour.
const FRESH: Duration = Duration::from_mins(10);

/// The list of donations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Donations;

impl DataKind for Donations {
    type Data = Vec<Donation>;
    const NAME: &'static str = "donations";
    /// The list is what its owner wrote, also when he emptied it.
    const MAY_BE_EMPTY: bool = true;

    fn snapshots(store: &Store) -> &Snapshots<Self::Data> {
        &store.donations
    }

    fn freshness(_: &Freshness) -> Duration {
        FRESH
    }

    fn flights(all: &AllFlights) -> &Flights<ReadResult<Self::Data>> {
        &all.donations
    }
}

impl ReadThrough {
    /// The donations, in the order in which they are listed.
    pub async fn donations(&self, github: &Github) -> ReadResult<Vec<Donation>> {
        let github = github.clone();
        let question = Question {
            access: Access::open(System::Github),
            academic: None,
            key: SnapshotKey::Question(github.donation_issue()),
            asker: "",
            may_ask: Ok(()),
            ask: move || async move { Ok(fetch(&github).await.map_err(StudentError::from)?) },
        };
        self.answer::<Donations, _>(question).await
    }
}

async fn fetch(github: &Github) -> Result<Listing<Vec<Donation>>, CampusError> {
    match github.donation_text().await {
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
