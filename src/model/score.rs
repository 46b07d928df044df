//! Scores of a student.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A score as the API shows it. Every field is the text of the page: a mark can be a word (`中等`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// Number of the course.
    pub number: String,
    /// Name of the course.
    pub name: String,
    /// The best mark of all participants.
    pub highest: String,
    /// The worst mark of all participants.
    pub lowest: String,
    /// The average mark of all participants.
    pub average: String,
    /// The student's own mark.
    pub mark: String,
    /// The student's rank among all participants.
    pub rank: String,
}

/// A row of the list: the score, and what else the page says about the course.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScoreRow {
    /// The part that the API shows.
    #[serde(flatten)]
    pub score: Score,
    /// Number of the class among the course's parallel classes (课序号).
    #[serde(default)]
    pub serial: String,
    /// The course's name in English, often empty.
    #[serde(default)]
    pub english_name: String,
    /// Credits, such as `3.5`.
    #[serde(default)]
    pub credit: String,
    /// Compulsory or elective (课程属性).
    #[serde(default)]
    pub course_type: String,
    /// Why the course was not passed, empty when it was.
    #[serde(default)]
    pub failed_reason: String,
}
