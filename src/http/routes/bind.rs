//! `POST /api/bind`: checks the campus accounts with the campus and keeps them, sealed.

use std::collections::BTreeMap;

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    accounts::forgetting::{forget_latecomers, forget_student},
    app::AppState,
    campus::{
        CampusError,
        page::Said,
        session::Session,
        urp::{UrpLogin, parse_student::StudentInfo},
    },
    error::ApiError,
    http::{
        auth::Student,
        envelope::Envelope,
        extract::Body,
        middleware::AccessNotes,
        openapi::Failures,
        text::{self, StudentId, Text},
        tries::Try,
    },
    outbound::System,
    store::{Binding, Credential, User},
};

/// Longest password a campus system takes, in characters.
const MAX_PASSWORD: usize = 64;

/// The physical education and repair systems take the end of the id number as password; more of it is not kept.
const ID_NUMBER_KEPT: usize = 8;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindInput {
    student_id: StudentId,
    vpn_pass_word: Text<{ MAX_PASSWORD }>,
    jwc_pass_word: Text<{ MAX_PASSWORD }>,
    /// Version of the privacy text that the student has agreed to.
    #[serde(default, deserialize_with = "text::optional")]
    consent: Option<Text<32>>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Bound {
    vpn: bool,
    jwc: bool,
}

/// A refusal whose every 400 tells which of the two logins worked: the client reads `data.vpn` and `data.jwc` without
/// looking whether they are there.
pub(super) struct Refused(ApiError);

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self.0 {
            told @ ApiError::BindRefused { .. } => told.into_response(),
            untried if untried.status() == StatusCode::BAD_REQUEST => {
                untried.with_data(Some(json!({ "vpn": false, "jwc": false })))
            }
            other => other.into_response(),
        }
    }
}

/// Binds campus accounts, after trying both passwords at the campus.
///
/// What the campus refuses is counted: 3 an hour of an account with one number, 10 a day of an account (`WEHPU_LIMIT_BIND`);
/// accounts that neither are nor were bound to a number try it 5 times an hour, all together.
#[utoipa::path(
    post,
    path = "/api/bind",
    operation_id = "bindCampusAccounts",
    tag = "account",
    security(("token" = [])),
    request_body(content((BindInput = "application/x-www-form-urlencoded"), (BindInput = "application/json"))),
    responses((status = 201, body = Envelope<Bound>, description = "bound"), Failures)
)]
pub(super) async fn bind(
    State(app): State<AppState>,
    Extension(notes): Extension<AccessNotes>,
    Student(user): Student,
    body: Result<Body<BindInput>, ApiError>,
) -> Result<Envelope<Bound>, Refused> {
    let input = match body {
        Ok(Body(input)) => input,
        Err(error) => {
            conclude(&notes, &Err(error.clone()));
            return Err(error.into());
        }
    };
    notes.number(app.pseudonyms.of(input.student_id.as_str()));
    let worker = app.clone();
    app.finish(async move {
        let outcome = try_and_store(&worker, user, input, &notes).await;
        conclude(&notes, &outcome);
        outcome
    })
    .await?;
    Ok(Envelope::created("绑定成功", Bound { vpn: true, jwc: true }))
}

/// Notes and counts what became of a bind, unless it is noted already which campus account failed and why.
fn conclude(notes: &AccessNotes, outcome: &Result<(), ApiError>) {
    let word = match outcome {
        Ok(()) => "bound".to_owned(),
        Err(error) => error.code().to_lowercase(),
    };
    notes.outcome(word, String::new());
    metrics::counter!("binds_total", "outcome" => notes.noted_outcome().to_owned()).increment(1);
}

async fn try_and_store(app: &AppState, user: User, input: BindInput, notes: &AccessNotes) -> Result<(), ApiError> {
    let login = UrpLogin {
        student_id: input.student_id.as_str().to_owned(),
        vpn_password: input.vpn_pass_word.0.into(),
        urp_password: input.jwc_pass_word.0.into(),
        by_hand: true,
    };
    let consent = input.consent.map(|Text(version)| version);
    let tried = Try::reserve(app, &user, &input.student_id).await?;
    let former = (user.student_id != login.student_id).then_some(user.student_id.as_str());
    let outcome = match verify(app, &login, notes).await {
        Ok(verified) => store(app, &user.open_id, former, &login, consent.as_deref(), verified).await,
        Err(error) => Err(error),
    };
    if !matches!(outcome, Err(ApiError::BindRefused { .. })) {
        tried.refund(app).await;
    }
    outcome?;
    if !user.bind || former.is_some() {
        let notice = app.clone();
        app.tasks.spawn(async move { tell_others(&notice, &user.open_id, &login.student_id).await });
    }
    Ok(())
}

/// Tries both passwords at the campus; notes which of the two accounts failed and why.
async fn verify(app: &AppState, login: &UrpLogin, notes: &AccessNotes) -> Result<(StudentInfo, Session), ApiError> {
    let mut session = Session::of(&login.student_id);
    match app.campus.urp.verify(login, &mut session).await {
        Ok(student) => Ok((student, session)),
        Err(error) => {
            let (word, said) = reason(&error);
            notes.outcome(word, said.map(Said::for_log).unwrap_or_default());
            Err(match error {
                CampusError::WrongPassword(System::Vpn, _) => ApiError::BindRefused { vpn: false, jwc: false },
                CampusError::WrongPassword(..) => ApiError::BindRefused { vpn: true, jwc: false },
                CampusError::Locked(System::Vpn, said) => ApiError::BindLocked { vpn: false, jwc: false, said },
                CampusError::Locked(_, said) => ApiError::BindLocked { vpn: true, jwc: false, said },
                other => other.into(),
            })
        }
    }
}

/// Which account failed and why, as the access line and `binds_total` have it (`vpn_refused`, `urp_down` …), and what the
/// system said.
fn reason(error: &CampusError) -> (String, Option<&Said>) {
    let (system, why, said) = match error {
        CampusError::WrongPassword(system, said) => (*system, "refused", Some(said)),
        CampusError::Locked(system, said) => (*system, "locked", Some(said)),
        CampusError::Barred(system, _, said) => (*system, "barred", Some(said)),
        CampusError::LoginPaused(system, _) => (*system, "paused", None),
        CampusError::Captcha => (System::Urp, "captcha_unread", None),
        CampusError::SessionExpired(system) => (*system, "session_expired", None),
        CampusError::Closed(system, _, said) => (*system, "closed", Some(said)),
        CampusError::Down(system) | CampusError::Failing(system) => (*system, "down", None),
        CampusError::Changed { system, .. } => (*system, "changed", None),
    };
    (format!("{system}_{why}"), said)
}

/// `former`: the number that was bound before, if it is another one.
async fn store(
    app: &AppState,
    open_id: &str,
    former: Option<&str>,
    login: &UrpLogin,
    consent: Option<&str>,
    (student, session): (StudentInfo, Session),
) -> Result<(), ApiError> {
    let id_number = &student.id_number;
    let kept = id_number.get(id_number.len().saturating_sub(ID_NUMBER_KEPT)..).unwrap_or_default();
    let plain = [
        (Credential::Vpn, login.vpn_password.expose_secret()),
        (Credential::Jwc, login.urp_password.expose_secret()),
        (Credential::IdNumber, kept),
    ];
    let seal =
        |(credential, value): (Credential, &str)| Ok((credential, app.keys.seal(open_id, credential.field(), value)?));
    let sealed = plain
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(seal)
        .collect::<Result<BTreeMap<_, _>, ApiError>>()?;
    if let Some(former) = former {
        // Before the number is replaced: until then a request that failed finds what is left to be done.
        forget_student(&app.store, open_id, former).await?;
    }
    let numbers = [Some(login.student_id.as_str()), former].into_iter().flatten().filter(|number| !number.is_empty());
    let known = numbers.map(|number| app.pseudonyms.of(number)).collect();
    let binding = Binding { student_id: &login.student_id, name: &student.name, sealed, known, consent };
    if !app.store.users.bind(open_id, &binding, app.clock.now()).await? {
        return Err(ApiError::TokenInvalid);
    }
    if let Some(former) = former {
        forget_latecomers(app, open_id, former);
    }
    app.students.keep_session_of_bind(open_id, &login.student_id, &session).await;
    Ok(())
}

/// Tells the accounts that had bound the same student number before.
async fn tell_others(app: &AppState, open_id: &str, student_id: &str) {
    match app.store.users.accounts_of_student(student_id).await {
        Ok(mut others) => {
            others.retain(|other| other != open_id);
            if !others.is_empty() {
                app.messenger.report_second_bind(&others, student_id, &app.pseudonyms.of(student_id)).await;
            }
        }
        Err(error) => tracing::warn!(%error, "whether others have bound the number is not known"),
    }
}
