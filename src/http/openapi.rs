//! The API's own description (OpenAPI 3.1), made from the table of routes: each handler carries its part above it.

use std::{collections::BTreeMap, mem};

use utoipa::{
    IntoResponses, Modify, OpenApi, ToSchema,
    openapi::{
        Content, ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
        path::{Operation, PathItem},
        schema::{SchemaType, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::http::captcha::Captcha;

/// Types by name.
type Schemas = BTreeMap<String, RefOr<Schema>>;

/// What the description says beside the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "wehpu-engine",
        description = "The REST service behind the wehpu mini-program. Every JSON answer has the same envelope; \
                       `statusCode` in the body equals the HTTP status; 403 means «log in again». A path or method \
                       that is not described here answers 404 or 405 in the same envelope."
    ),
    components(schemas(Failure, FailureData, Captcha)),
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
    /// Only for some errors.
    #[schema(required = false)]
    data: Option<FailureData>,
}

/// What an error of a login at the campus tells in addition.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the errors of a bind write")]
struct FailureData {
    /// Whether the VPN took its password, or there is none.
    #[schema(required = false)]
    vpn: Option<bool>,
    /// Whether the academic system took its password.
    #[schema(required = false)]
    jwc: Option<bool>,
    /// Which campus account failed.
    #[schema(required = false)]
    account: Option<String>,
    /// What the school said.
    #[schema(required = false)]
    reason: Option<String>,
    /// The captcha to be read.
    #[schema(required = false)]
    captcha: Option<Captcha>,
}

/// The answers that any endpoint can give in addition to its own.
pub struct Failures;

/// Status and meaning of each error.
const FAILURES: [(&str, &str); 9] = [
    ("400", "something in the request is wrong, or campus accounts or passwords are missing or refused"),
    ("403", "no valid token: log in again"),
    ("404", "nothing there"),
    ("408", "the body did not arrive in time"),
    ("413", "the body is too large"),
    ("415", "the body has another type than the endpoint reads"),
    ("429", "too often; `retry-after` says when to try again"),
    ("500", "a defect of the service"),
    ("503", "a campus system, WeChat or the database is away; `retry-after` says when to try again"),
];

/// What an endpoint answers when another system took the request and answered something unusable.
pub struct Unusable;

/// What an endpoint answers when the school wants a captcha that the student must read.
pub struct CaptchaWanted;

impl IntoResponses for CaptchaWanted {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([failure(("409", "the student must read the captcha in `data`"))])
    }
}

/// What an answer with an `ETag` is to a caller who has it already.
pub struct Unchanged;

impl IntoResponses for Unchanged {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let same = "unchanged since the `ETag` given in `If-None-Match`";
        BTreeMap::from([("304".to_owned(), RefOr::T(ResponseBuilder::new().description(same).build()))])
    }
}

impl IntoResponses for Failures {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        FAILURES.into_iter().map(failure).collect()
    }
}

impl IntoResponses for Unusable {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([failure(("502", "another system answered something unusable"))])
    }
}

fn failure((status, meaning): (&str, &str)) -> (String, RefOr<Response>) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Failure"))).build();
    let response = ResponseBuilder::new().description(meaning).content("application/json", content).build();
    (status.to_owned(), RefOr::T(response))
}

/// Begins the name of a type that is written out where it is used, as if its limits stood there.
pub const INLINE: &str = "inline.";

/// Makes the description exact where that follows from the shape of an operation: who needs no token is not told to log
/// in again, what has no body cannot have a wrong one, a body without a required field may be left out, a text in a body may
/// be sent as a whole number ([`crate::http::text`]), and a HEAD that the handler of a GET answers is an operation of its
/// own.
pub fn tighten(api: &mut utoipa::openapi::OpenApi) {
    for head in api.paths.paths.values_mut().filter_map(|path| path.head.as_mut()) {
        head.operation_id = head.operation_id.take().map(|id| id + "Head");
    }
    write_out(&mut api.components.get_or_insert_default().schemas);
    let mut bodies = Vec::new();
    for operation in api.paths.paths.values_mut().flat_map(operations) {
        let responses = &mut operation.responses.responses;
        if operation.security.as_ref().is_none_or(Vec::is_empty) {
            responses.remove("403");
        }
        let Some(RefOr::T(body)) = &operation.request_body else {
            for only_with_a_body in ["408", "413", "415"] {
                responses.remove(only_with_a_body);
            }
            continue;
        };
        bodies.extend(body.content.values().filter_map(schema_of).map(str::to_owned));
    }
    let schemas = &mut api.components.get_or_insert_default().schemas;
    for name in bodies {
        if let Some(RefOr::T(Schema::Object(body))) = schemas.get_mut(&name) {
            body.properties.values_mut().for_each(allow_number);
        }
    }
    for operation in api.paths.paths.values_mut().flat_map(operations) {
        let Some(RefOr::T(body)) = &mut operation.request_body else { continue };
        if body.content.values().filter_map(schema_of).all(|name| has_no_required_field(schemas, name)) {
            body.required = None;
        }
    }
}

/// The name of the type that a body has.
fn schema_of(content: &RefOr<Content>) -> Option<&str> {
    let RefOr::T(content) = content else { return None };
    match &content.schema {
        Some(RefOr::Ref(schema)) => Some(name_of(schema)),
        _ => None,
    }
}

fn has_no_required_field(schemas: &Schemas, name: &str) -> bool {
    matches!(schemas.get(name), Some(RefOr::T(Schema::Object(body))) if body.required.is_empty())
}

fn name_of(reference: &Ref) -> &str {
    reference.ref_location.rsplit('/').next().unwrap_or_default()
}

/// Writes the types of [`INLINE`] names out in the properties that refer to them.
fn write_out(schemas: &mut Schemas) {
    let (inline, others): (Schemas, Schemas) =
        mem::take(schemas).into_iter().partition(|(name, _)| name.starts_with(INLINE));
    *schemas = others;
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::Object(object)) = schema else { continue };
        for property in object.properties.values_mut() {
            if let Some(written) = written_out(property, &inline) {
                *property = written.into();
            }
        }
    }
}

fn written_out(property: &RefOr<Schema>, inline: &Schemas) -> Option<Schema> {
    let (reference, optional) = match property {
        RefOr::Ref(reference) => (reference, false),
        RefOr::T(Schema::OneOf(either)) => match &either.items[..] {
            [RefOr::Ref(reference), _null] => (reference, true),
            _ => return None,
        },
        RefOr::T(_) => return None,
    };
    let Some(RefOr::T(Schema::Object(written))) = inline.get(name_of(reference)) else { return None };
    let mut written = written.clone();
    written.description = Some(reference.description.clone()).filter(|text| !text.is_empty());
    if optional && let SchemaType::Type(kind) = &written.schema_type {
        written.schema_type = SchemaType::from_iter([kind.clone(), Type::Null]);
        // Empty is the same as missing (`text::optional`).
        written.min_length = None;
    }
    Some(Schema::Object(written))
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, .. } = path;
    [get, put, post, delete, options, head, patch].into_iter().flatten()
}

fn allow_number(property: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(field)) = property else { return };
    let mut types = match &field.schema_type {
        SchemaType::Type(Type::String) => vec![Type::String],
        SchemaType::Array(types) if types.contains(&Type::String) => types.clone(),
        _ => return,
    };
    if !types.contains(&Type::Integer) {
        types.push(Type::Integer);
        field.schema_type = SchemaType::Array(types);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

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

    #[test]
    fn every_operation_has_an_id_of_its_own() {
        let json = serde_json::to_value(crate::http::description()).unwrap();
        let mut known = BTreeMap::new();
        for (path, item) in json["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap_or_default();
                // Where none is given it is the name of the function, which has no capital letters.
                assert!(id.contains(char::is_uppercase), "{method} {path} has no operation_id, only {id:?}");
                let other = known.insert(id, (method, path));
                assert_eq!(other, None, "{method} {path} is called {id} too");
            }
        }
    }

    #[test]
    fn only_a_body_without_a_required_field_may_be_left_out() {
        let json = serde_json::to_value(crate::http::description()).unwrap();
        let mut optional = Vec::new();
        for (path, item) in json["paths"].as_object().unwrap() {
            let bodies = item.as_object().unwrap().values().map(|operation| &operation["requestBody"]);
            optional.extend(bodies.filter(|body| body.is_object() && body["required"] != true).map(|_| path.as_str()));
        }
        assert_eq!(optional, ["/api/session"]);
    }

    #[test]
    fn a_text_is_described_with_its_limit_where_it_is_used() {
        let json = serde_json::to_value(crate::http::description()).unwrap();
        let login = &json["components"]["schemas"]["LoginInput"]["properties"];
        let code = json!({
            "type": ["string", "integer"], "description": "What `wx.login` gave.", "minLength": 1, "maxLength": 256
        });
        assert_eq!(login["code"], code);
        assert_eq!(login["iv"], json!({ "type": ["string", "null", "integer"], "maxLength": 64 }));
        let building = &json["components"]["schemas"]["ClassroomInput"]["properties"]["building"];
        assert_eq!((&building["minimum"], &building["maximum"]), (&json!(1), &json!(18)));
        assert!(!json.to_string().contains(super::INLINE), "a reference to what is nowhere");
    }
}
