//! Who is asking: extractors that check a token and load its account. A handler that takes a [`Student`] cannot be reached
//! without one.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};

pub use crate::tokens::Caller;
use crate::{
    app::AppState,
    error::ApiError,
    http::middleware::AccessNotes,
    store::{Found, User},
};

impl Caller {
    /// The caller's account, to show what is his; it may come from memory ([`Users::find_to_show`]). `None` when there
    /// is none.
    ///
    /// # Errors
    /// [`ApiError::TokenInvalid`] when the token was revoked, [`ApiError::DatabaseUnavailable`].
    ///
    /// [`Users::find_to_show`]: crate::store::Users::find_to_show
    pub async fn account_to_show(&self, app: &AppState) -> Result<Option<Found<User>>, ApiError> {
        match app.store.users.find_to_show(&self.open_id).await? {
            Some(found) if !found.value.accepts_token_of(self.issued_at) => Err(ApiError::TokenInvalid),
            found => Ok(found),
        }
    }

    /// The caller's account as it is in the database, or `None` when there is none.
    ///
    /// # Errors
    /// [`ApiError::TokenInvalid`] when the token was revoked, [`ApiError::DatabaseUnavailable`].
    pub async fn account(&self, app: &AppState) -> Result<Option<User>, ApiError> {
        let user = app.store.users.find(&self.open_id).await?;
        match user {
            Some(user) if !user.accepts_token_of(self.issued_at) => Err(ApiError::TokenInvalid),
            user => Ok(user),
        }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = bearer(&parts.headers).and_then(|token| app.tokens.check(token)).ok_or(ApiError::TokenInvalid)?;
        let account = app.pseudonyms.number(&caller.open_id);
        if let Some(notes) = parts.extensions.get::<AccessNotes>() {
            notes.caller(format!("{account:016x}"));
        }
        if app.revoked.contains(account, caller.issued_at) {
            return Err(ApiError::TokenInvalid);
        }
        app.burst.take(account, &caller.open_id).await?;
        Ok(caller)
    }
}

/// The token of an `Authorization: Bearer` header; the scheme is compared without case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Somebody with a valid token and an account.
#[derive(Debug)]
pub struct Student(pub User);

impl FromRequestParts<AppState> for Student {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let user = if parts.method.is_safe() {
            caller.account_to_show(app).await?.map(|found| User::clone(&found.value))
        } else {
            caller.account(app).await?
        };
        user.map(Self).ok_or(ApiError::TokenInvalid)
    }
}

/// Somebody with an account that is bound to a student number.
#[derive(Debug)]
pub struct BoundStudent(pub User);

impl FromRequestParts<AppState> for BoundStudent {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let Student(user) = Student::from_request_parts(parts, app).await?;
        if user.bind { Ok(Self(user)) } else { Err(ApiError::NotBound) }
    }
}
