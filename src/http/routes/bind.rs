//! `POST /api/bind`: checks the campus accounts with the campus and keeps them, sealed.

use std::collections::BTreeMap;

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    accounts::forgetting::{forget_latecomers, leave_student},
    app::AppState,
    campus::{
        CampusError,
        academic::{Academic, AcademicLogin, IdNumber, Verified},
        page::{Barrier, Said},
        session::Session,
    },
    error::{ApiError, FailedBind},
    http::{
        auth::Student,
        captcha::Captcha,
        envelope::Envelope,
        extract::Body,
        middleware::AccessNotes,
        openapi::{CaptchaWanted, Failures},
        text::{self, StudentId, Text},
        tries::Try,
    },
    outbound::System,
    school::{Ability, Passwords},
    store::{Binding, Credential, User},
    students::Service,
};

/// What is asked for to see who the student is.
const VERIFIED_BY: Service = Service::Academic(Ability::Record);

/// Longest password a campus system takes, in characters.
const MAX_PASSWORD: usize = 64;

/// The physical education and repair systems take the end of the id number as password; more of it is not kept.
const ID_NUMBER_KEPT: usize = 8;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindInput {
    student_id: StudentId,
    /// Password of the VPN, where the school has one in front of its academic system.
    #[serde(default, deserialize_with = "text::optional")]
    vpn_pass_word: Option<Text<{ MAX_PASSWORD }>>,
    /// Password of the academic system.
    #[serde(default, deserialize_with = "text::optional")]
    jwc_pass_word: Option<Text<{ MAX_PASSWORD }>>,
    /// The one password of a school that has only one; in its place `jwcPassWord` is taken too.
    #[serde(default, deserialize_with = "text::optional")]
    password: Option<Text<{ MAX_PASSWORD }>>,
    /// The captcha that is answered, as a 409 named it.
    #[serde(default, deserialize_with = "text::optional")]
    captcha_id: Option<Text<32>>,
    /// What the student read in it.
    #[serde(default, deserialize_with = "text::optional")]
    captcha: Option<Text<16>>,
    /// Version of the privacy text that the student has agreed to.
    #[serde(default, deserialize_with = "text::optional")]
    consent: Option<Text<32>>,
}

impl BindInput {
    /// The passwords of the VPN and of the academic system; the former is empty where the school has none.
    ///
    /// # Errors
    /// [`ApiError::BadRequest`] that names the one that is missing.
    fn passwords(&self, of: Passwords) -> Result<(SecretString, SecretString), ApiError> {
        let given = |value: &Option<Text<MAX_PASSWORD>>, name: &str| match value {
            Some(Text(password)) => Ok(SecretString::from(password.as_str())),
            None => Err(ApiError::BadRequest(format!("缺少参数 {name}"))),
        };
        match of {
            Passwords::VpnAndJwc => {
                Ok((given(&self.vpn_pass_word, "vpnPassWord")?, given(&self.jwc_pass_word, "jwcPassWord")?))
            }
            Passwords::One if self.password.is_some() => {
                Ok((SecretString::default(), given(&self.password, "password")?))
            }
            Passwords::One => Ok((SecretString::default(), given(&self.jwc_pass_word, "jwcPassWord")?)),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Bound {
    vpn: bool,
    jwc: bool,
}

/// A refusal. Every 400, and a captcha, tells which of the two logins worked: the client reads `data.vpn` and `data.jwc`
/// without looking whether they are there.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    error: ApiError,
    captcha: Option<Captcha>,
}

impl<E: Into<ApiError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { error: error.into(), captcha: None }
    }
}

impl Refusal {
    fn until_read(captcha: Captcha) -> Self {
        Self { error: ApiError::CaptchaRequired, captcha: Some(captcha) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match (self.error, self.captcha) {
            (error, Some(captcha)) => error.with_data(Some(json!({ "vpn": true, "jwc": false, "captcha": captcha }))),
            (told @ (ApiError::BindRefused(..) | ApiError::BindLocked(..)), None) => told.into_response(),
            (untried, None) if untried.status() == StatusCode::BAD_REQUEST => {
                untried.with_data(Some(json!({ "vpn": false, "jwc": false })))
            }
            (other, None) => other.into_response(),
        }
    }
}

/// Binds campus accounts, after trying the passwords at the campus.
///
/// Where the campus wants a captcha, the answer is 409 with the picture; the same request with `captchaId` and `captcha`
/// goes on with the login.
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
    responses((status = 201, body = Envelope<Bound>, description = "bound"), CaptchaWanted, Failures)
)]
pub(super) async fn bind(
    State(app): State<AppState>,
    Extension(notes): Extension<AccessNotes>,
    Student(user): Student,
    body: Result<Body<BindInput>, ApiError>,
) -> Result<Envelope<Bound>, Refusal> {
    let input = match body {
        Ok(Body(input)) => input,
        Err(error) => {
            conclude(&notes, Err(&error));
            return Err(error.into());
        }
    };
    notes.number(app.pseudonyms.of(input.student_id.as_str()));
    let worker = app.clone();
    let tried = async move {
        let outcome = try_and_store(&worker, user, input, &notes).boxed().await;
        conclude(&notes, outcome.as_ref().copied().map_err(|refusal| &refusal.error));
        Ok(outcome)
    };
    app.finish(tried).await??;
    Ok(Envelope::created("绑定成功", Bound { vpn: true, jwc: true }))
}

/// Notes and counts what became of a bind, unless it is noted already which campus account failed and why.
fn conclude(notes: &AccessNotes, outcome: Result<(), &ApiError>) {
    let word = match outcome {
        Ok(()) => "bound".to_owned(),
        Err(error) => error.code().to_lowercase(),
    };
    notes.outcome(word, String::new());
    metrics::counter!("binds_total", "outcome" => notes.noted_outcome().to_owned()).increment(1);
}

async fn try_and_store(app: &AppState, user: User, input: BindInput, notes: &AccessNotes) -> Result<(), Refusal> {
    let (vpn_password, password) = input.passwords(app.config.school.bind.passwords)?;
    let student_id = input.student_id.as_str().to_owned();
    let Some(academic) = app.students.academic_of(VERIFIED_BY, &student_id) else {
        return Err(ApiError::BadRequest("参数 studentId 学号格式不符".to_owned()).into());
    };
    let mut login = AcademicLogin { student_id, vpn_password, password, by_hand: true, answer: None };
    let mut session = Session::of(&login.student_id);
    let read = input.captcha_id.zip(input.captcha);
    // Both first, so that an answer is not used up by a bind that is not tried.
    let tried = Try::reserve(app, &user, &input.student_id).await?;
    let captcha = match Try::reserve_captcha(app, &user.open_id, &login.student_id, read.is_some()).await {
        Ok(reserved) => reserved,
        Err(error) => {
            tried.refund(app).await;
            return Err(error.into());
        }
    };
    if let Some((Text(id), Text(read))) = read {
        match app.students.go_on(&user.open_id, &login.student_id, &id, read).await {
            Ok(Some((begun, answer))) => (session, login.answer) = (begun, Some(answer)),
            // A login that cannot be gone on with begins anew, with another captcha.
            Ok(None) => {}
            Err(error) => {
                captcha.refund(app).await;
                tried.refund(app).await;
                return Err(error.into());
            }
        }
    }
    let consent = input.consent.map(|Text(version)| version);
    let former = (user.student_id != login.student_id).then_some(user.student_id.as_str());
    let verified = verify(academic, &login, &mut session, notes).await;
    if !matches!(verified, Err(CampusError::NeedsCaptcha(..))) {
        captcha.refund(app).await;
    }
    let outcome = match verified {
        Ok(verified) => {
            let bound = Bind { open_id: &user.open_id, former, login: &login, consent: consent.as_deref() };
            store(app, &bound, verified).await.map_err(Refusal::from)
        }
        Err(CampusError::NeedsCaptcha(_, challenge)) => {
            let asked = Captcha::ask(app, &user.open_id, &login.student_id, &session, &challenge).await;
            Err(asked.map_or_else(Refusal::from, Refusal::until_read))
        }
        Err(error) => Err(refusal_of(error).into()),
    };
    if !matches!(outcome, Err(Refusal { error: ApiError::BindRefused(..), .. })) {
        tried.refund(app).await;
    }
    outcome?;
    app.students.renew_term(&login, &mut session).await;
    app.students.keep_session_of_bind(&user.open_id, &login.student_id, academic.system(), &session).await;
    if !user.bind || former.is_some() {
        let notice = app.clone();
        app.tasks.spawn(async move { tell_others(&notice, &user.open_id, &login.student_id).await });
    }
    Ok(())
}

/// Tries the passwords at the campus; notes which account failed and why.
async fn verify(
    academic: &Academic,
    login: &AcademicLogin,
    session: &mut Session,
    notes: &AccessNotes,
) -> Result<Verified, CampusError> {
    let verified = academic.verify(login, session).await;
    if let Err(error) = &verified {
        let (word, said) = reason(error);
        notes.outcome(word, said.map(Said::for_log).unwrap_or_default());
    }
    verified
}

/// What a bind answers when the campus refuses it.
fn refusal_of(error: CampusError) -> ApiError {
    match error {
        CampusError::WrongPassword(system, said) => ApiError::BindRefused(FailedBind::at(system, said)),
        CampusError::Locked(system, said) => ApiError::BindLocked(FailedBind::at(system, said)),
        other => other.into(),
    }
}

/// Which account failed and why, as the access line and `binds_total` have it (`vpn_refused`, `urp_down` …), and what the
/// system said.
fn reason(error: &CampusError) -> (String, Option<&Said>) {
    let (system, why, said) = match error {
        CampusError::WrongPassword(system, said) => (*system, "refused", Some(said)),
        CampusError::Locked(system, said) => (*system, "locked", Some(said)),
        CampusError::Barred(system, Barrier::Slider, said) => (*system, "slider_wanted", Some(said)),
        CampusError::Barred(system, _, said) => (*system, "barred", Some(said)),
        CampusError::LoginPaused(system, _) => (*system, "paused", None),
        CampusError::Captcha => (System::Urp, "captcha_unread", None),
        CampusError::NeedsCaptcha(system, _) | CampusError::CaptchaWanted(system) => (*system, "captcha_wanted", None),
        CampusError::TooFast(system) => (*system, "too_fast", None),
        CampusError::SessionExpired(system) => (*system, "session_expired", None),
        CampusError::NoDates(system) => (*system, "term_unknown", None),
        CampusError::Closed(system, _, said) => (*system, "closed", Some(said)),
        CampusError::Down(system) | CampusError::Failing(system) => (*system, "down", None),
        CampusError::Changed { system, .. } => (*system, "changed", None),
    };
    (format!("{system}_{why}"), said)
}

/// A bind that the campus has accepted.
struct Bind<'a> {
    open_id: &'a str,
    /// The number that was bound before, if it is another one.
    former: Option<&'a str>,
    login: &'a AcademicLogin,
    consent: Option<&'a str>,
}

async fn store(app: &AppState, bind: &Bind<'_>, verified: Verified) -> Result<(), ApiError> {
    let &Bind { open_id, former, login, consent } = bind;
    let IdNumber(id_number) = &verified.id_number;
    let kept = id_number.get(id_number.len().saturating_sub(ID_NUMBER_KEPT)..).unwrap_or_default();
    let plain = [
        (Credential::Vpn, login.vpn_password.expose_secret()),
        (Credential::Jwc, login.password.expose_secret()),
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
        leave_student(app, open_id, former).await?;
    }
    let numbers = [Some(login.student_id.as_str()), former].into_iter().flatten().filter(|number| !number.is_empty());
    let known = numbers.map(|number| app.pseudonyms.of(number)).collect();
    let binding = Binding { student_id: &login.student_id, name: &verified.name, sealed, known, consent };
    if !app.store.users.bind(open_id, &binding, app.clock.now()).await? {
        return Err(ApiError::TokenInvalid);
    }
    if let Some(former) = former {
        forget_latecomers(app, open_id, former);
    }
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
