//! Bodies and queries of the control API.

use axum::http::header;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::answers::Problem;
use crate::call::{Call, Fields};
use crate::sim::Sim;
use crate::student::Student;

/// Default and largest number of listed students.
const LIST: usize = 20;
const LIST_MOST: usize = 1000;

/// Reads a JSON body.
pub(super) fn body<T: DeserializeOwned>(call: &Call) -> Result<T, Problem> {
    // curl sends a form unless told otherwise, so an unspecific type is read as JSON too; only a clearly different type
    // is not.
    let given = call.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !(given.is_empty() || given.contains("json") || given.starts_with("application/x-www-form-urlencoded")) {
        return Err(Problem::unsupported(format!("the body must be JSON, not {given}")));
    }
    serde_json::from_slice(&call.body).map_err(|error| Problem::bad_request(format!("the body is wrong: {error}")))
}

/// `offset` and `limit` of a list.
pub(super) fn page_of_list(query: &Fields) -> Result<(usize, usize), Problem> {
    let number = |name: &str, otherwise: usize| match query.find(name) {
        None => Ok(otherwise),
        Some(text) => {
            text.parse().map_err(|_| Problem::bad_request(format!("'{name}' must be a number, not '{text}'")))
        }
    };
    Ok((number("offset", 0)?, number("limit", LIST)?.min(LIST_MOST)))
}

/// A student to add or change: the number, and any fields of [`Student`] to set.
#[derive(Debug, Deserialize)]
pub(super) struct StudentChange {
    #[serde(rename = "studentId")]
    number: String,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl StudentChange {
    /// The student with the fields set; what is not set stays, or is invented for a new one.
    pub(super) fn apply(self, sim: &Sim) -> Result<Student, Problem> {
        if self.number.is_empty() || !self.number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Problem::bad_request("'studentId' must be letters and digits".to_owned()));
        }
        let student = sim.student(&self.number).unwrap_or_else(|| sim.invent_student(&self.number));
        let wrong = |error: serde_json::Error| Problem::bad_request(format!("the body is wrong: {error}"));
        let mut value = serde_json::to_value(student).map_err(wrong)?;
        if let Some(object) = value.as_object_mut() {
            object.extend(self.fields);
        }
        serde_json::from_value(value).map_err(wrong)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpireOrder {
    #[serde(default)]
    pub(super) system: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaptchaOrder {
    pub(super) reject_next: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeOrder {
    pub(super) openid: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EncryptOrder {
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) openid: Option<String>,
    pub(super) profile: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SubscriptionOrder {
    pub(super) openid: String,
    pub(super) template_id: String,
    #[serde(default)]
    pub(super) count: Option<u32>,
}
