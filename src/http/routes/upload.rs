//! `POST /api/upload`: a file, streamed to the storage while it comes. `GET /api/upload` lists the caller's own,
//! `DELETE /api/upload/{name}` removes one.
//!
//! The work of an upload runs in a task of its own, which the end of the request cancels at the next chunk: whatever happens
//! to the request, what was written is either a complete file or removed.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap,
        header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
        request::Parts,
    },
};
use chrono::{DateTime, SecondsFormat, Utc};
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use utoipa::ToSchema;

use crate::{
    app::{App, AppState},
    error::ApiError,
    http::{
        auth::Student,
        envelope::{Done, Envelope},
        extract::Path,
        incoming::{Cut, Incoming, Unparsed},
        middleware::UPLOAD_PAUSE,
        openapi::Failures,
    },
    objects::{Draft, FileName, Label, Sniffer},
    public_url,
    store::FileRecord,
};

/// Where it is; its limits in time are in `http/middleware.rs`.
pub const PATH: &str = "/api/upload";

/// Largest file, in bytes.
const MAX_FILE: u64 = 20 * 1024 * 1024;

/// Largest other field, in bytes.
const MAX_FIELD: u64 = 1024;

/// Largest body: the file, the other fields, and the heads of all parts.
const MAX_BODY: u64 = MAX_FILE + 64 * 1024;

/// How long the rest of a body is read after its refusal.
const DROP_REST: Duration = Duration::from_secs(10);

/// The form that is sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `receive` reads")]
struct UploadForm {
    /// Label of the page: `feedback`, `repair`, `lost-card`, `avatar`, `notice`, `download`; anything else counts as `misc`.
    folder: Option<String>,
    /// Label of what the file belongs to, a word of the same list; `prefix-feedback-` means `feedback`.
    prefix: Option<String>,
    /// At most 20 MiB: doc, docx, pdf, xls, xlsx, zip, rar, jpeg, gif or png, recognised by its content.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Uploaded {
    /// One address.
    url: Vec<String>,
}

/// Stores a file and gives its address. Its type goes by its content; its name is chosen by the service.
#[utoipa::path(
    post,
    path = PATH,
    operation_id = "uploadFile",
    tag = "life",
    security(("token" = [])),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Envelope<Uploaded>, description = "stored"), Failures)
)]
pub(super) async fn upload(
    State(app): State<AppState>,
    student: Result<Student, ApiError>,
    request: Request,
) -> Result<Envelope<Uploaded>, ApiError> {
    let (head, body) = request.into_parts();
    let incoming = Incoming::new(body, MAX_BODY, UPLOAD_PAUSE);
    let rest = incoming.rest();
    let result = store(&app, student, &head, incoming).await;
    metrics::counter!("uploads_total", "outcome" => outcome(result.as_ref().err())).increment(1);
    if result.is_err() {
        let asked = head.headers.contains_key(EXPECT);
        app.tasks.spawn(rest.drop_all(asked, MAX_BODY, DROP_REST));
    }
    Ok(Envelope::created("上传成功", Uploaded { url: vec![result?] }))
}

/// Short word for the metrics.
fn outcome(error: Option<&ApiError>) -> &'static str {
    match error {
        None => "stored",
        Some(ApiError::FileTypeNotAllowed) => "type_not_allowed",
        Some(ApiError::FileTooLarge) => "too_large",
        Some(ApiError::RateLimited(_)) => "limited",
        Some(ApiError::QuotaExceeded) => "over_quota",
        Some(ApiError::StorageFull) => "storage_full",
        Some(ApiError::TokenInvalid) => "no_token",
        Some(ApiError::BadRequest(_) | ApiError::UnsupportedMediaType | ApiError::TimedOut) => "bad_body",
        Some(_) => "failed",
    }
}

/// Checks what can be checked before the body, then receives it; gives the address of the file.
async fn store(
    app: &AppState,
    student: Result<Student, ApiError>,
    head: &Parts,
    incoming: Incoming,
) -> Result<String, ApiError> {
    let Student(user) = student?;
    let boundary = boundary(&head.headers)?;
    let base = public_url::base(&app.config.listen, head)?;
    let declared = length(&head.headers);
    if declared.is_some_and(|length| length > MAX_BODY) {
        return Err(ApiError::FileTooLarge);
    }
    // A file is no longer than the body it comes in.
    let most = declared.unwrap_or(MAX_FILE).min(MAX_FILE);
    let limits = &app.config.limits.upload;
    let rate = if user.bind { limits.bound } else { limits.unbound };
    app.limiter.count(&format!("upload/{}", user.open_id), rate).await?;

    let end = CancellationToken::new();
    let _end_of_request = end.clone().drop_guard();
    let worker = app.clone();
    let work = async move {
        let room = Room { owner: &user.open_id, most };
        let received = receive(&worker, room, boundary, incoming, &end).await;
        // Somebody has to remove what killed engines left behind; anyone who uploads also cleans.
        worker.tasks.spawn(worker.objects.clone().sweep());
        received
    };
    let name = app.tasks.spawn(work.in_current_span()).await.unwrap_or(Err(ApiError::Internal))?;
    Ok(public_url::below(&base, &["files", &name.to_string()]).into())
}

/// Whose file is to come, and how long it can be at most.
#[derive(Clone, Copy)]
struct Room<'a> {
    owner: &'a str,
    most: u64,
}

fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    multer::parse_boundary(kind.unwrap_or_default()).map_err(|error| match error {
        multer::Error::NoBoundary => ApiError::BadRequest("multipart 请求体缺少 boundary".to_owned()),
        _ => ApiError::UnsupportedMediaType,
    })
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What has been read of the form.
#[derive(Default)]
struct Received {
    folder: Label,
    prefix: Label,
    file: Option<(Draft, Sniffer)>,
}

/// Reads the form and stores its file. Whatever goes wrong, nothing is left behind.
async fn receive(
    app: &App,
    room: Room<'_>,
    boundary: String,
    incoming: Incoming,
    end: &CancellationToken,
) -> Result<FileName, ApiError> {
    let unparsed = incoming.unparsed();
    let limits = SizeLimit::new().per_field(MAX_FIELD).for_field("file", MAX_FILE);
    let mut form = Multipart::with_constraints(incoming, boundary, Constraints::new().size_limit(limits));
    let mut received = Received::default();
    let read = read_form(app, room, &mut form, &unparsed, end, &mut received).await;
    let Some((draft, sniffer)) = received.file else {
        return Err(read.err().unwrap_or_else(|| ApiError::BadRequest("缺少参数 file".to_owned())));
    };
    let kind = read.and_then(|()| sniffer.finish().map_err(ApiError::from));
    let kind = match kind {
        Ok(kind) => kind,
        Err(error) => {
            draft.abort().await;
            return Err(error);
        }
    };
    let length = draft.length();
    let name = draft.commit(kind, received.folder, received.prefix).await?;
    if end.is_cancelled() {
        // Nobody is there any more to learn the name.
        app.objects.delete(&name.id).await?;
        return Err(broken());
    }
    metrics::counter!("upload_bytes_total").increment(length);
    tracing::info!(bytes = length, kind = kind.extension(), folder = received.folder.word(), "stored a file");
    Ok(name)
}

async fn read_form(
    app: &App,
    room: Room<'_>,
    form: &mut Multipart<'static>,
    unparsed: &Unparsed,
    end: &CancellationToken,
    received: &mut Received,
) -> Result<(), ApiError> {
    while let Some(field) = unless_ended(end, form.next_field()).await? {
        unparsed.reset();
        match field.name() {
            Some("folder") => received.folder = label(field, end).await?,
            Some("prefix") => received.prefix = label(field, end).await?,
            Some("file") if received.file.is_some() => return Err(ApiError::BadRequest("参数 file 重复".to_owned())),
            Some("file") => {
                let draft = app.objects.begin_within(room.owner, room.most).await?;
                let (draft, sniffer) = received.file.insert((draft, Sniffer::default()));
                read_file(field, unparsed, end, draft, sniffer).await?;
            }
            // A field nobody asked for is skipped.
            _ => {}
        }
    }
    Ok(())
}

async fn label(field: Field<'static>, end: &CancellationToken) -> Result<Label, ApiError> {
    let bytes = unless_ended(end, field.bytes()).await?;
    Ok(Label::parse(&String::from_utf8_lossy(&bytes)))
}

async fn read_file(
    mut field: Field<'static>,
    unparsed: &Unparsed,
    end: &CancellationToken,
    draft: &mut Draft,
    sniffer: &mut Sniffer,
) -> Result<(), ApiError> {
    while let Some(bytes) = unless_ended(end, field.chunk()).await? {
        unparsed.reset();
        sniffer.feed(&bytes)?;
        // Not interrupted: a write without an answer could not be undone for certain.
        draft.write(bytes).await?;
    }
    Ok(())
}

/// Waits for the next part of the body, but not beyond the end of the request.
async fn unless_ended<T>(
    end: &CancellationToken,
    next: impl Future<Output = Result<T, multer::Error>>,
) -> Result<T, ApiError> {
    tokio::select! {
        biased;
        () = end.cancelled() => Err(broken()),
        result = next => result.map_err(|error| explain(&error)),
    }
}

fn broken() -> ApiError {
    ApiError::BadRequest("请求体不完整".to_owned())
}

/// What a caller is told about a body that cannot be read.
fn explain(error: &multer::Error) -> ApiError {
    match error {
        multer::Error::FieldSizeExceeded { field_name, .. } if field_name.as_deref() == Some("file") => {
            ApiError::FileTooLarge
        }
        multer::Error::FieldSizeExceeded { .. } => {
            ApiError::BadRequest(format!("除 file 外的参数过长，最多 {MAX_FIELD} 字节"))
        }
        multer::Error::StreamReadFailed(error) => match error.downcast_ref() {
            Some(Cut::TooLong) => ApiError::FileTooLarge,
            Some(Cut::Paused) => ApiError::TimedOut,
            Some(Cut::Malformed) => ApiError::BadRequest("请求体不是有效的 multipart 表单".to_owned()),
            Some(Cut::Broken) | None => broken(),
        },
        multer::Error::IncompleteFieldData { .. } | multer::Error::IncompleteStream => broken(),
        _ => ApiError::BadRequest("请求体不是有效的 multipart 表单".to_owned()),
    }
}

/// One of the caller's files.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OwnFile {
    name: String,
    /// Its address.
    url: String,
    bytes: u64,
    /// When it was uploaded: RFC 3339, UTC.
    at: String,
    /// Media type.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it is removed unless a report, a repair order or the account's picture refers to it by then; missing when one
    /// did.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// The caller's files, the oldest first.
#[utoipa::path(
    get,
    path = PATH,
    operation_id = "listFiles",
    tag = "life",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Vec<OwnFile>>, description = "the files"), Failures)
)]
pub(super) async fn list(
    State(app): State<AppState>,
    Student(user): Student,
    head: Parts,
) -> Result<Envelope<Vec<OwnFile>>, ApiError> {
    let base = public_url::base(&app.config.listen, &head)?;
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let file = |(name, record): (FileName, FileRecord)| OwnFile {
        url: public_url::below(&base, &["files", &name.to_string()]).into(),
        name: name.to_string(),
        bytes: record.length,
        at: time(record.at),
        kind: name.kind.media_type(),
        expires_at: record.expires_at.map(time),
    };
    let files = app.objects.of(&user.open_id).await?;
    Ok(Envelope::ok("文件列表获取成功", files.into_iter().map(file).collect()))
}

/// Removes one of the caller's files; whatever refers to it finds nothing there any more.
#[utoipa::path(
    delete,
    path = "/api/upload/{name}",
    operation_id = "deleteFile",
    tag = "life",
    security(("token" = [])),
    params(("name" = String, Path, description = "as the list has it")),
    responses((status = 200, body = Envelope<Done>, description = "it is gone"), Failures)
)]
pub(super) async fn remove(
    State(app): State<AppState>,
    Student(user): Student,
    name: Result<Path<String>, ApiError>,
) -> Result<Envelope<Done>, ApiError> {
    // Files of others are no others than those that are not there.
    let unknown = ApiError::NotFound("文件不存在");
    let name = name.ok().and_then(|Path(name)| FileName::parse(&name)).ok_or_else(|| unknown.clone())?;
    let worker = app.clone();
    let removed = app.finish(async move { Ok(worker.objects.delete_own(&user.open_id, &name).await?) }).await?;
    if removed { Ok(Envelope::ok("文件已删除", Done {})) } else { Err(unknown) }
}
