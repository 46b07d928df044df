//! `GET /api/me/export`: everything the service knows about the caller, for him to keep.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::{HeaderValue, header::CONTENT_DISPOSITION},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use mongodb::bson::{Bson, Document};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    app::AppState,
    error::ApiError,
    http::{auth::Student, envelope::Envelope, openapi::Failures},
    readthrough::each,
    store::{CREDENTIALS, Credential, Exported, FileRecord, Store, SubscriptionKind, User},
};

/// Where it is.
pub const PATH: &str = "/api/me/export";

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Export {
    /// When this was put together: RFC 3339, UTC, like all times here.
    exported_at: String,
    /// The account, without secrets.
    #[schema(value_type = Object)]
    account: Map<String, Value>,
    /// Which passwords are stored. They are sealed and are not shown.
    credentials: Vec<StoredCredential>,
    /// Words for the student numbers the account is or was bound to, made with a key of the service: it knows a number
    /// again by them, and nobody turns them back.
    known_numbers: Vec<String>,
    /// What the campus systems showed this account, by kind of data: `courses`, `scores` …
    campus: BTreeMap<&'static str, Vec<Stored>>,
    /// Since when the course table can be subscribed to; missing when it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_subscription_since: Option<String>,
    /// Since when feeds that are not public can be read under personal addresses; missing when they cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_subscription_since: Option<String>,
    /// Files uploaded.
    files: Vec<File>,
    /// Uses counted at present.
    limits: Vec<Limit>,
}

#[derive(Serialize, ToSchema)]
struct StoredCredential {
    /// Which one: `vpn`, `jwc`, `library` or `idNumber` (its last eight digits).
    name: &'static str,
    stored: bool,
    /// The campus refused it since it was stored.
    refused: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stored {
    term: String,
    fetched_at: String,
    /// As the endpoint of its own shows it.
    data: Value,
}

#[derive(Serialize, ToSchema)]
struct File {
    name: String,
    bytes: u64,
    at: String,
}

#[derive(Serialize, ToSchema)]
struct Limit {
    /// What is counted.
    what: String,
    count: i64,
    /// When counting begins again.
    until: String,
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A profile as JSON; times in text.
fn profile(document: Document) -> Map<String, Value> {
    let value = |value: Bson| match value {
        Bson::DateTime(at) => Value::String(time(at.to_chrono())),
        Bson::String(text) => Value::String(text),
        Bson::Boolean(truth) => Value::Bool(truth),
        Bson::Int32(number) => number.into(),
        Bson::Int64(number) => number.into(),
        Bson::Double(number) => number.into(),
        Bson::Document(document) => Value::Object(profile(document)),
        _ => Value::Null,
    };
    document.into_iter().map(|(name, content)| (name, value(content))).collect()
}

fn credential(user: &User, credential: Credential) -> StoredCredential {
    let name = match credential {
        Credential::Vpn => "vpn",
        Credential::Jwc => "jwc",
        Credential::Library => "library",
        Credential::IdNumber => "idNumber",
    };
    StoredCredential {
        name,
        stored: user.sealed(credential).is_some(),
        refused: user.sealed(credential).is_some() && user.is_rejected(credential),
    }
}

async fn campus(store: &Store, user: &User) -> Result<BTreeMap<&'static str, Vec<Stored>>, ApiError> {
    let mut campus = BTreeMap::new();
    for kind in each(&store.student_data) {
        let exported = if user.bind { kind.stored.export(&user.open_id, &user.student_id).await? } else { Vec::new() };
        let stored = |Exported { term, fetched_at, data }| Stored { term, fetched_at: time(fetched_at), data };
        campus.insert(kind.name, exported.into_iter().map(stored).collect());
    }
    Ok(campus)
}

/// Everything the service knows about the caller.
#[utoipa::path(
    get,
    path = PATH,
    operation_id = "exportAccount",
    tag = "account",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Export>, description = "all data, as an attachment"), Failures)
)]
pub(super) async fn export(State(app): State<AppState>, Student(user): Student) -> Result<Response, ApiError> {
    let (store, open_id) = (&app.store, user.open_id.as_str());
    let file =
        |file: FileRecord| File { name: format!("{}.{}", file.id, file.kind), bytes: file.length, at: time(file.at) };
    let since = async |kind| {
        let subscription = store.subscriptions.of(kind, open_id).await?;
        Ok::<_, ApiError>(subscription.map(|subscription| time(subscription.created_at())))
    };
    let mut limits = store.limits.of(open_id).await?;
    if user.bind {
        limits.extend(store.limits.of(&user.student_id).await?);
    }
    let export = Export {
        exported_at: time(app.clock.now()),
        account: store.users.profile(open_id).await?.map(profile).ok_or(ApiError::TokenInvalid)?,
        credentials: CREDENTIALS.into_iter().map(|name| credential(&user, name)).collect(),
        known_numbers: user.known_numbers().to_vec(),
        campus: campus(store, &user).await?,
        calendar_subscription_since: since(SubscriptionKind::Calendar).await?,
        feed_subscription_since: since(SubscriptionKind::Feeds).await?,
        files: store.files.of_owner(open_id).await?.into_iter().map(file).collect(),
        limits: limits.into_iter().map(|(what, count, ends)| Limit { what, count, until: time(ends) }).collect(),
    };
    let mut response = Envelope::ok("数据导出成功", export).into_response();
    let attachment = HeaderValue::from_static("attachment; filename=\"wehpu-export.json\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, attachment);
    Ok(response)
}
