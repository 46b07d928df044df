//! The API's own description (OpenAPI 3.1), made from the routes: each handler carries its part on the line above it.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, Modify, OpenApi, ToSchema,
    openapi::{
        ContentBuilder, Ref, RefOr, Response, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// What the description says beside the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "wehpu-engine",
        description = "The REST service behind the wehpu mini-program. Every JSON answer has the same envelope; \
                       `statusCode` in the body equals the HTTP status; 403 means «log in again»."
    ),
    components(schemas(Failure)),
    modifiers(&Security)
)]
pub struct Api;

struct Security;

impl Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        api.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Any answer that is not a success.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Envelope::error` writes")]
#[schema(rename_all = "camelCase")]
struct Failure {
    /// The HTTP status.
    status_code: u16,
    /// What is wrong and what to do, in Chinese.
    err_msg: String,
    /// Stable machine word.
    code: String,
    /// Only for some errors: which part of a request worked.
    #[schema(required = false)]
    data: Option<std::collections::HashMap<String, bool>>,
}

/// The answers that any endpoint can give besides its own.
pub struct Failures;

/// Status and meaning of each error.
const FAILURES: [(&str, &str); 10] = [
    ("400", "something in the request is wrong, or campus accounts or passwords are missing or refused"),
    ("403", "no valid token: log in again"),
    ("404", "nothing there"),
    ("405", "the path does not know this method"),
    ("413", "the body is too large"),
    ("415", "the body has another type than the endpoint reads"),
    ("429", "too often; `retry-after` says when to try again"),
    ("500", "a defect of the service"),
    ("502", "another system answered something unusable"),
    ("503", "a campus system, WeChat or the database is away; `retry-after` says when to try again"),
];

impl IntoResponses for Failures {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let answer = |(status, meaning): (&str, &str)| {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Failure"))).build();
            let response = ResponseBuilder::new().description(meaning).content("application/json", content).build();
            (status.to_owned(), RefOr::T(response))
        };
        FAILURES.into_iter().map(answer).collect()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_operation_is_described_and_says_how_it_is_protected() {
        let api = crate::http::description();
        let json = serde_json::to_value(&api).unwrap();
        assert_eq!(json["openapi"], "3.1.0");
        for (path, item) in json["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let text = operation["summary"].as_str().or(operation["description"].as_str()).unwrap_or_default();
                assert!(!text.is_empty(), "{method} {path} has no description");
                assert!(operation["tags"].is_array(), "{method} {path} has no tag");
                assert!(operation["responses"].as_object().unwrap().len() > 1, "{method} {path} has no failures");
            }
        }
    }
}
