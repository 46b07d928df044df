//! How an [`ApiError`] is answered: its status and text in the envelope, `retry-after`, and what belongs into `data`.

use axum::{
    http::{HeaderValue, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::envelope::Envelope;
use crate::error::ApiError;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let data = match &self {
            Self::BindRefused(failed) | Self::BindLocked(failed) => {
                let (vpn, account, reason) = (failed.vpn_worked(), failed.system.name(), failed.said.as_str());
                Some(serde_json::json!({ "vpn": vpn, "jwc": false, "account": account, "reason": reason }))
            }
            Self::AccountLocked(_, said) | Self::CampusClosed(_, said) => {
                Some(serde_json::json!({ "reason": said.as_str() }))
            }
            _ => None,
        };
        self.with_data(data)
    }
}

impl ApiError {
    /// The answer with this as its `data`.
    #[must_use]
    pub fn with_data(&self, data: Option<Value>) -> Response {
        let (status, code, text) = self.parts();
        let mut response = Envelope::<Value>::error(status, code, &text, data).into_response();
        if let Some(after) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}
