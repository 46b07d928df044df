//! `wehpu-engine openapi`: the API's description.

use std::process::ExitCode;

/// Print the description of the API (OpenAPI 3.1, JSON).
pub fn run() -> ExitCode {
    match crate::http::description().to_pretty_json() {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(e) => super::fail(&e.into()),
    }
}
