//! The errors that end a run early.

use super::lease_guard::Lost;
use crate::{campus::CampusError, objects::ObjectError, store::StoreError};

/// Why a run ended early.
#[derive(Debug)]
pub(super) enum RunError {
    /// The spider is to end. Another one continues the run.
    Stopped,
    /// The lease was lost. Its new holder continues the run.
    Lost,
    /// The source does not work.
    Campus(CampusError),
    /// The list is empty.
    Empty,
    /// The database.
    Store(StoreError),
    /// The storage of files.
    Objects(ObjectError),
}

impl From<Lost> for RunError {
    fn from(Lost: Lost) -> Self {
        Self::Lost
    }
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ObjectError> for RunError {
    fn from(error: ObjectError) -> Self {
        Self::Objects(error)
    }
}

impl From<CampusError> for RunError {
    fn from(error: CampusError) -> Self {
        Self::Campus(error)
    }
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stopped => f.write_str("interrupted"),
            Self::Lost => f.write_str("another spider took over"),
            Self::Campus(error) => error.fmt(f),
            Self::Empty => f.write_str("the list shows nothing"),
            Self::Store(error) => error.fmt(f),
            Self::Objects(error) => error.fmt(f),
        }
    }
}
