//! Anyone who asks with the token of a personal address: a calendar program or a feed reader, which cannot log in.

use axum::http::request::Parts;
use serde::Deserialize;
use url::Url;
use utoipa::IntoParams;

use super::text::{self, Text};
use crate::{
    app::{App, AppState},
    crypto::random_token,
    error::ApiError,
    public_url,
    store::{SubscriptionKind, User},
};

/// Digits of a token.
const TOKEN_LENGTH: usize = 64;

/// What a wrong token is answered with, and everything else that would tell something about an account.
pub const NO_SUBSCRIPTION: ApiError = ApiError::NotFound("没有这个订阅");

/// The token in a personal address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Subscriber {
    /// From the address of the subscription: 64 hexadecimal digits. Where none is needed, it is not looked at.
    #[serde(default, deserialize_with = "text::optional")]
    #[param(value_type = Option<String>)]
    token: Option<Text<128>>,
}

impl Subscriber {
    /// The account that a personal address of this kind belongs to. Its requests count as those of the account.
    ///
    /// # Errors
    /// [`NO_SUBSCRIPTION`] without such an address, or when its account is not bound any more;
    /// [`ApiError::RateLimited`], [`ApiError::DatabaseUnavailable`].
    pub async fn user(self, app: &App, kind: SubscriptionKind) -> Result<User, ApiError> {
        let Some(Text(token)) = self.token.filter(|Text(token)| token.len() == TOKEN_LENGTH) else {
            return Err(NO_SUBSCRIPTION);
        };
        let subscription = app.store.subscriptions.find(kind, &token).await?.ok_or(NO_SUBSCRIPTION)?;
        app.burst.take(app.pseudonyms.number(&subscription.open_id), &subscription.open_id).await?;
        app.store.users.find(&subscription.open_id).await?.filter(|user| user.bind).ok_or(NO_SUBSCRIPTION)
    }
}

/// Makes `token` the one that opens the account's personal addresses of this kind; an earlier one stops working.
///
/// # Errors
/// [`ApiError::DatabaseUnavailable`].
pub async fn subscribe(app: &AppState, kind: SubscriptionKind, open_id: String, token: String) -> Result<(), ApiError> {
    let worker = app.clone();
    app.finish(async move { Ok(worker.store.subscriptions.put(kind, &open_id, &token, worker.clock.now()).await?) })
        .await
}

/// Ends the account's personal addresses of this kind.
///
/// # Errors
/// [`ApiError::DatabaseUnavailable`].
pub async fn unsubscribe(app: &AppState, kind: SubscriptionKind, open_id: String) -> Result<(), ApiError> {
    let worker = app.clone();
    app.finish(async move { Ok(worker.store.subscriptions.end(kind, &open_id).await?) }).await
}

/// A token for a personal address.
///
/// # Errors
/// [`ApiError::Internal`] when the system gives no random bytes.
pub fn new_token() -> Result<String, ApiError> {
    random_token().ok_or(ApiError::Internal)
}

/// The address of `path` at this service, with `token` if it is a personal one.
///
/// # Errors
/// As [`public_url::base`].
pub fn address(app: &App, request: &Parts, path: &[&str], token: Option<&str>) -> Result<Url, ApiError> {
    let mut url = public_url::below(&public_url::base(&app.config.listen, request)?, path);
    if let Some(token) = token {
        url.query_pairs_mut().append_pair("token", token);
    }
    Ok(url)
}
