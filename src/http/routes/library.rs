//! `GET /api/library/borrowing`: the caller's loans; `POST /api/library/renew` renews one. `GET /api/library/books`: the
//! catalogue; `GET /api/library/books/{id}`: copies of a book.

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::Student,
        envelope::{Envelope, Tagged},
        extract::{Body, Path, Query},
        openapi::{Failures, Unchanged, Unusable},
        text::Text,
    },
    model::{Book, BookCopy, Loan, Rendered},
    readthrough::{Borrowing, Copies, Fetched, Search},
    students::Renewed,
};

/// How many characters of a query the catalogue looks at; the client may send more.
const QUERY_LENGTH: usize = 15;

/// The caller's loans; none is an empty list.
#[utoipa::path(
    get,
    path = "/api/library/borrowing",
    operation_id = "listLoans",
    tag = "library",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Vec<Loan>>, description = "the loans"), Unchanged, Failures)
)]
pub(super) async fn borrowing(
    State(app): State<AppState>,
    Student(user): Student,
) -> Result<Tagged<Rendered<Vec<Loan>>>, ApiError> {
    Ok(Tagged(Envelope::campus("借阅信息获取成功", app.reader.read(&Borrowing, &user).await?)))
}

#[derive(Deserialize, IntoParams)]
pub(super) struct Question {
    /// Part of the title; the first 15 characters count.
    #[param(inline)]
    q: Text<256>,
}

/// Books by title.
#[utoipa::path(
    get,
    path = "/api/library/books",
    operation_id = "findBooks",
    tag = "library",
    security(("token" = [])),
    params(Question),
    responses((status = 200, body = Envelope<Vec<Book>>, description = "the books"), Failures)
)]
pub(super) async fn search(
    State(app): State<AppState>,
    Student(user): Student,
    Query(Question { q: Text(q) }): Query<Question>,
) -> Result<Envelope<Rendered<Vec<Book>>>, ApiError> {
    let title: String = q.trim().chars().take(QUERY_LENGTH).collect();
    if title.is_empty() {
        return Err(ApiError::BadRequest("参数 q 不能为空".to_owned()));
    }
    // Every other title is a question to the library.
    app.limiter.count_read(&format!("search/{}", user.open_id), app.config.limits.search).await?;
    Ok(Envelope::campus("图书检索成功", app.reader.read(&Search(title), &user).await?))
}

/// Copies of a book.
#[utoipa::path(
    get,
    path = "/api/library/books/{id}",
    operation_id = "listCopies",
    tag = "library",
    security(("token" = [])),
    params(("id" = String, Path, description = "id of the book in the catalogue")),
    responses((status = 200, body = Envelope<Vec<BookCopy>>, description = "the copies"), Failures)
)]
pub(super) async fn copies(
    State(app): State<AppState>,
    Student(user): Student,
    Path(id): Path<String>,
) -> Result<Envelope<Rendered<Vec<BookCopy>>>, ApiError> {
    // The catalogue's ids are numbers; anything else names no book.
    if !(1..=20).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(ApiError::NotFound("没有查询到结果"));
    }
    Ok(Envelope::campus("馆藏信息获取成功", app.reader.read(&Copies(id), &user).await?))
}

#[derive(Deserialize, ToSchema)]
pub(super) struct Renew {
    /// Number of the copy, as the loans show it.
    number: Text<32>,
}

/// Renews one of the caller's loans.
#[utoipa::path(
    post,
    path = "/api/library/renew",
    operation_id = "renewLoan",
    tag = "library",
    security(("token" = [])),
    request_body(content((Renew = "application/x-www-form-urlencoded"), (Renew = "application/json"))),
    responses((status = 200, body = Envelope<Loan>, description = "the loan as it is now"), Failures, Unusable)
)]
pub(super) async fn renew(
    State(app): State<AppState>,
    Student(user): Student,
    Body(Renew { number: Text(number) }): Body<Renew>,
) -> Result<Envelope<Loan>, ApiError> {
    let worker = app.clone();
    let renewed = app.finish(async move { Ok(worker.students.renew(&user, number.trim()).await?) }).await?;
    match renewed {
        Renewed::Loan(loan, shown_at) => Ok(Envelope::campus("续借成功", Fetched::now(loan, shown_at))),
        Renewed::Unknown => Err(ApiError::NotFound("没有借阅这本书")),
        Renewed::NotRenewable => Err(ApiError::BadRequest("这本书不能续借".to_owned())),
        Renewed::Refused => Err(ApiError::CampusRefused("图书馆未接受续借，请稍后再试或到馆办理")),
    }
}
