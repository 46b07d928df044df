//! The yearly fitness test.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One year's results, as the page writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhysicalYear {
    /// The year.
    pub year: String,
    /// Height in centimetres.
    pub height: String,
    /// Weight in kilograms.
    pub weight: String,
    /// Vital capacity in millilitres.
    pub vital_capacity: String,
    /// Standing long jump in centimetres.
    pub long_jump: String,
    /// 50 metres in seconds.
    pub sprint: String,
    /// Sit and reach in centimetres.
    pub flexion: String,
    /// 1000 metres (men) or 800 metres (women), in minutes and seconds such as `3:58` or `4'05"`.
    pub long_run: String,
    /// Number of pull-ups (men) or sit-ups (women).
    pub pull_or_situp: String,
    /// The total.
    pub total_score: String,
}
