//! `POST /api/bind`: checks the campus accounts with the campus and keeps them, sealed.

use std::collections::BTreeMap;

use axum::{Router, extract::State, routing::post};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::{
    app::AppState,
    campus::{CampusError, session::Session, urp::Account},
    error::ApiError,
    http::{
        auth::Student,
        envelope::Envelope,
        extract::Body,
        text::{StudentId, Text},
    },
    outbound::System,
    readthrough::store_session,
    store::{Binding, Credential},
};

/// Longest password a campus system takes, in characters.
const MAX_PASSWORD: usize = 64;

/// The physical education and repair systems take the end of the id number as password; more of it is not kept.
const ID_NUMBER_KEPT: usize = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    student_id: StudentId,
    vpn_pass_word: Text<MAX_PASSWORD>,
    jwc_pass_word: Text<MAX_PASSWORD>,
}

#[derive(Serialize)]
struct Bound {
    vpn: bool,
    jwc: bool,
}

async fn bind(
    State(app): State<AppState>,
    Student(user): Student,
    Body(input): Body<Input>,
) -> Result<Envelope<Bound>, ApiError> {
    let (per_student, per_user) = app.config.limits.bind.split_at(app.config.limits.bind.len().min(1));
    app.limit(&format!("bind/user/{}", user.open_id), per_user).await?;
    app.limit(&format!("bind/student/{}", input.student_id.as_str()), per_student).await?;
    let account = Account {
        student_id: input.student_id.as_str().to_owned(),
        vpn_password: input.vpn_pass_word.0.into(),
        urp_password: input.jwc_pass_word.0.into(),
    };
    let worker = app.clone();
    app.finish(async move { verify_and_store(&worker, &user.open_id, &account).await }).await?;
    Ok(Envelope::created("绑定成功", Bound { vpn: true, jwc: true }))
}

async fn verify_and_store(app: &AppState, open_id: &str, account: &Account) -> Result<(), ApiError> {
    let mut session = Session::default();
    let student = app.campus.urp.verify(account, &mut session).await.map_err(|e| match e {
        CampusError::WrongPassword(System::Vpn) => ApiError::BindRefused { vpn: false, jwc: false },
        CampusError::WrongPassword(_) => ApiError::BindRefused { vpn: true, jwc: false },
        other => other.into(),
    })?;
    let id_number = &student.id_number;
    let kept = id_number.get(id_number.len().saturating_sub(ID_NUMBER_KEPT)..).unwrap_or_default();
    let plain = [
        (Credential::Vpn, account.vpn_password.expose_secret()),
        (Credential::Jwc, account.urp_password.expose_secret()),
        (Credential::IdNumber, kept),
    ];
    let seal =
        |(credential, value): (Credential, &str)| Ok((credential, app.keys.seal(open_id, credential.field(), value)?));
    let sealed = plain
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(seal)
        .collect::<Result<BTreeMap<_, _>, ApiError>>()?;
    let binding = Binding { student_id: &account.student_id, name: &student.name, sealed };
    if !app.store.users.bind(open_id, &binding, app.clock.now()).await? {
        return Err(ApiError::TokenInvalid);
    }
    // The bind is done; a session that is not kept only costs the next request a login.
    let owner = (open_id, account.student_id.as_str());
    if let Err(error) = store_session(&app.store, &app.keys, &app.clock, owner, &session).await {
        tracing::warn!(%error, "campus session not kept");
    }
    Ok(())
}

pub fn router() -> Router<AppState> {
    Router::new().route("/api/bind", post(bind))
}
