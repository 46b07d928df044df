//! Answers of the control API.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::student::Student;

/// What is wrong with a request: a status and a sentence, sent as `{"error": "…"}`.
#[derive(Debug)]
pub(super) struct Problem(StatusCode, String);

impl Problem {
    pub(super) fn bad_request(why: String) -> Self {
        Self(StatusCode::BAD_REQUEST, why)
    }

    pub(super) fn not_found(why: String) -> Self {
        Self(StatusCode::NOT_FOUND, why)
    }

    pub(super) fn no_student(number: &str) -> Self {
        Self::not_found(format!("there is no student {number}"))
    }

    pub(super) fn method_not_allowed(why: String) -> Self {
        Self(StatusCode::METHOD_NOT_ALLOWED, why)
    }

    pub(super) fn unsupported(why: String) -> Self {
        Self(StatusCode::UNSUPPORTED_MEDIA_TYPE, why)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

/// A student in the list: who he is and what he logs in with.
pub(super) fn summary(student: &Student) -> Value {
    json!({
        "studentId": student.number,
        "name": student.name,
        "idNumber": student.id_number,
        "vpnPassword": student.vpn_password,
        "urpPassword": student.urp_password,
        "libraryPassword": student.library_password,
        "casPassword": student.cas_password,
        "eamsPassword": student.eams_password,
        "zfPassword": student.zf_password,
        "courses": student.courses.len(),
        "scores": student.scores.len(),
        "loans": student.loans.len(),
    })
}
