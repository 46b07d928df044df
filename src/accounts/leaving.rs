//! How an account leaves: the same way no matter who ends it, its owner or the end of the time for which it is kept.

use std::time::Duration;

use super::forgetting::{forget_every_student, forget_latecomers, leave_student};
use crate::{
    app::{App, AppState},
    error::ApiError,
    objects::ObjectError,
    store::{User, eventually},
};

/// How long a revocation is remembered, at least: longer than any token lives, the old service's included.
const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// Tells every replica that tokens of `open_id` issued at `until` (Unix milliseconds) or before are invalid.
///
/// # Errors
/// [`ApiError::DatabaseUnavailable`].
async fn revoke(app: &App, open_id: &str, until: i64) -> Result<(), ApiError> {
    let keep = app.config.auth.jwt_ttl.max(REMEMBERED);
    app.store.revocations.add(&app.pseudonyms.of(open_id), until, keep, app.clock.now()).await?;
    app.revoked.add(app.pseudonyms.number(open_id), until);
    Ok(())
}

/// Ends every way in of an account: tokens (that of `presented`, in Unix milliseconds, in any case), the login codes of the
/// last five minutes, the personal addresses of its calendar and feeds. `None` when there is no such account. It can be
/// repeated with one of its tokens until all is done, since they end last.
///
/// # Errors
/// [`ApiError::DatabaseUnavailable`] when something is not known to be ended.
pub async fn end_ways_in(app: &App, open_id: &str, presented: i64) -> Result<Option<()>, ApiError> {
    app.store.subscriptions.revoke(open_id).await?;
    app.store.login_codes.forget(open_id).await?;
    match app.store.users.revoke_tokens(open_id, presented, app.clock.now()).await? {
        Some(until) => revoke(app, open_id, until).await.map(Some),
        None => Ok(None),
    }
}

/// Ends the bind of `user`, with everything that came of it.
///
/// # Errors
/// [`ApiError::DatabaseUnavailable`]; the bind is the last to go: until then, repeating finds what is left to be done.
pub async fn forget_bind(app: &App, user: &User) -> Result<(), ApiError> {
    let (open_id, student_id) = (user.open_id.as_str(), user.student_id.as_str());
    leave_student(app, open_id, student_id).await?;
    // They are for those who are bound; another bind does not bring them back.
    app.store.subscriptions.revoke(open_id).await?;
    let known = (!student_id.is_empty()).then(|| app.pseudonyms.of(student_id));
    app.store.users.unbind(open_id, student_id, known).await?;
    forget_latecomers(app, open_id, student_id);
    Ok(())
}

/// Removes what is stored about `user`, the account last: whatever fails before can be done again.
///
/// # Errors
/// [`ApiError::DatabaseUnavailable`], [`ApiError::StorageUnavailable`]; what is left is removed by another call.
pub async fn forget(app: &AppState, user: &User) -> Result<(), ApiError> {
    let (store, open_id) = (&app.store, user.open_id.as_str());
    store.subscriptions.revoke(open_id).await?;
    store.former.forget(open_id).await?;
    leave_student(app, open_id, &user.student_id).await?;
    forget_deeds(app, user).await?;
    // Before the account is gone, so that it cannot come back with its tokens.
    revoke(app, open_id, user.all_tokens_until(app.clock.now())).await?;
    store.users.delete(open_id).await?;
    // What requests that began before left meanwhile: from here on none can.
    forget_latecomers(app, open_id, &user.student_id);
    let (worker, user) = (app.clone(), user.clone());
    let again = move || {
        let (worker, user) = (worker.clone(), user.clone());
        async move { forget_deeds(&worker, &user).await }
    };
    app.tasks.spawn(eventually("forget what a deleted account did while it was being deleted", again));
    Ok(())
}

/// Removes what requests of `user` left: files, campus sessions and what they showed, used login codes, counted uses.
async fn forget_deeds(app: &App, user: &User) -> Result<(), ObjectError> {
    let (store, open_id) = (&app.store, user.open_id.as_str());
    app.objects.delete_of(open_id).await?;
    forget_every_student(store, open_id).await?;
    store.login_codes.forget(open_id).await?;
    store.limits.forget(open_id).await?;
    if !user.student_id.is_empty() && !store.users.is_bound(&user.student_id, Some(open_id)).await? {
        store.limits.forget(&user.student_id).await?;
    }
    Ok(())
}
