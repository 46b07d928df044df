//! Books, their copies, and loans.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A book of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Book {
    /// Title.
    pub title: String,
    /// Id in the catalogue.
    pub id: String,
    /// Call number: its place on the shelves.
    pub call_number: String,
    /// Authors, editors, translators.
    pub author: String,
    /// Publisher.
    pub publisher: String,
}

/// A copy, on the shelf or lent out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BookCopy {
    /// Where it belongs.
    pub place: String,
    /// Since when it has been lent; empty when it is in the library.
    pub start: String,
    /// When it is due; empty when it is in the library.
    pub end: String,
    /// 1 when it can be borrowed, else 0.
    pub state: u8,
}

/// A book that a reader has borrowed. Dates are `2017-11-02`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Loan {
    /// Whether the loan may be renewed.
    pub renew: bool,
    /// Title of the book.
    pub name: String,
    /// Where it belongs.
    pub place: String,
    /// Number of the copy.
    pub number: String,
    /// How often it was renewed.
    pub times: String,
    /// Since when it has been lent.
    pub start: String,
    /// When it is due.
    pub end: String,
    /// Whether it is overdue, in the library's words.
    pub remain: String,
}
