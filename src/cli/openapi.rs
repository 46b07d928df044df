//! `wehpu-engine openapi`: the API's description.

use super::Failure;

/// Print the description of the API (OpenAPI 3.1, JSON).
pub fn run() -> Result<(), Failure> {
    super::print(&format!("{}\n", crate::http::description().to_pretty_json()?))
}
