//! `GET /api/user`: the caller's account; `PUT` changes it. `GET /api/user/{id}`: the name of another student.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::school::offers_of;
use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::{BoundStudent, Caller, Student},
        envelope::Envelope,
        extract::{Body, Path},
        openapi::Failures,
        own_files::picture_at,
        text::{StudentId, Text},
    },
    store::{Credential, EditableField},
};

/// Longest value of a field that a student sets, in characters.
const MAX_VALUE: usize = 512;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    nick_name: String,
    student_id: String,
    name: String,
    bind: bool,
    /// The academic system of the student, as `GET /api/app` names it; absent while not bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    academic: Option<String>,
    /// What that system can be asked for: `table`, `scores`, `rooms` and so on; absent while not bound.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    offers: Vec<&'static str>,
}

/// The caller's account.
#[utoipa::path(
    get,
    path = "/api/user",
    operation_id = "getAccount",
    tag = "account",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Account>, description = "the account"), Failures)
)]
pub(super) async fn own(State(app): State<AppState>, caller: Caller) -> Result<Envelope<Account>, ApiError> {
    let found = caller.account_to_show(&app).await?.ok_or(ApiError::NotFound("用户不存在"))?;
    let (stale_since, user) = (found.stale_since(app.clock.now()), &*found.value);
    let academic = app.config.school.academic_of(&user.student_id).filter(|_| user.bind);
    let account = Account {
        academic: academic.map(|academic| academic.id.clone()),
        offers: academic.map(offers_of).unwrap_or_default(),
        nick_name: user.nick_name.clone(),
        student_id: user.student_id.clone(),
        name: user.name.clone(),
        bind: user.bind,
    };
    Ok(Envelope::ok("用户信息获取成功", account).stale_since(stale_since))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Other {
    student_id: String,
    name: String,
}

/// Name of a student who uses the service, for those who have bound campus accounts.
#[utoipa::path(
    get,
    path = "/api/user/{id}",
    operation_id = "getStudent",
    tag = "account",
    security(("token" = [])),
    params(("id" = String, Path, description = "student number")),
    responses((status = 200, body = Envelope<Other>, description = "the student"), Failures)
)]
pub(super) async fn other(
    State(app): State<AppState>,
    BoundStudent(user): BoundStudent,
    Path(id): Path<String>,
) -> Result<Envelope<Other>, ApiError> {
    let unknown = ApiError::NotFound("用户不存在");
    app.limiter.count_read(&format!("lookup/{}", user.open_id), app.config.limits.lookup).await?;
    let Some(id) = StudentId::parse(&id) else { return Err(unknown) };
    let name = app.store.users.name_of_student(id.as_str()).await?.ok_or(unknown)?;
    Ok(Envelope::ok("用户信息获取成功", Other { student_id: id.as_str().to_owned(), name }))
}

#[derive(Deserialize, ToSchema)]
pub(super) struct Change {
    /// `libPassWord`, `dormitory`, `nickName` or `avatarUrl`.
    #[schema(value_type = String, pattern = "^(libPassWord|dormitory|nickName|avatarUrl)$")]
    key: Text<64>,
    value: Text<{ MAX_VALUE }>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changed {
    student_id: String,
}

/// Changes one field of the caller's account.
#[utoipa::path(
    put,
    path = "/api/user",
    operation_id = "changeAccount",
    tag = "account",
    security(("token" = [])),
    request_body(content((Change = "application/x-www-form-urlencoded"), (Change = "application/json"))),
    responses((status = 201, body = Envelope<Changed>, description = "changed"), Failures)
)]
pub(super) async fn change(
    State(app): State<AppState>,
    Student(user): Student,
    Body(Change { key: Text(key), value: Text(value) }): Body<Change>,
) -> Result<Envelope<Changed>, ApiError> {
    let field = EditableField::from_key(&key).ok_or_else(|| {
        ApiError::BadRequest("参数 key 只能是 libPassWord、dormitory、nickName、avatarUrl 之一".to_owned())
    })?;
    let value = match field {
        EditableField::LibraryPassword => app.keys.seal(&user.open_id, Credential::Library.field(), &value)?,
        EditableField::AvatarUrl if !value.starts_with("https://") => {
            return Err(ApiError::BadRequest("参数 value 应为 https 地址".to_owned()));
        }
        EditableField::NickName | EditableField::Dormitory if value.chars().count() > 64 => {
            return Err(ApiError::BadRequest("参数 value 过长，最多 64 个字符".to_owned()));
        }
        _ => value,
    };
    let worker = app.clone();
    let changed = app.finish(async move {
        let picture = (field == EditableField::AvatarUrl).then(|| picture_at(&value, None)).flatten();
        if let Some(name) = picture {
            // An upload of his own does not expire while it becomes his picture.
            worker.objects.are_own(&user.open_id, &[name]).await?;
        }
        Ok(worker.store.users.set(&user.open_id, field, &value).await?)
    });
    let changed = changed.await?;
    let user = changed.ok_or(ApiError::TokenInvalid)?;
    Ok(Envelope::created("用户信息更新成功", Changed { student_id: user.student_id }))
}
