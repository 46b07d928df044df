//! `GET /api/app`: which school this is and what it offers, for clients that adapt to it.

use axum::{
    extract::State,
    http::{HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{App, AppState},
    http::{
        envelope::{Envelope, Tagged},
        openapi::{Failures, Unchanged},
    },
    outbound::System,
    school::{Ability, Academic, School},
};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppInfo {
    school: Names,
    bind: BindInfo,
    academics: Vec<AcademicInfo>,
    /// What the school has beside the academic systems: `library`, `physical`, `repair`, `news`, `logistics`, `bulletin`.
    offers: Vec<&'static str>,
    /// The current term; absent while it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    term: Option<TermInfo>,
    systems: Vec<SystemInfo>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Names {
    id: String,
    name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BindInfo {
    /// `one`: one password for everything. `vpn-and-jwc`: one of the VPN and one of the academic system.
    passwords: &'static str,
    /// What people call the account.
    account_name: String,
    /// Where a person can try the password.
    check_at: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct AcademicInfo {
    id: String,
    name: String,
    /// What it can be asked for: `table`, `scores`, `rooms` and so on.
    offers: Vec<&'static str>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct TermInfo {
    name: String,
    /// First day of week 1, `2026-09-07`; absent where nobody tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    /// Number of weeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    weeks: Option<u8>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SystemInfo {
    /// `eams`; of several academic systems of a kind with the id of each: `jwglxt/undergraduate`.
    system: String,
    /// `ok`, or `down` while stored data is served instead.
    state: &'static str,
}

/// Which school this is, what it offers, and how its systems are. For everybody, without a token.
#[utoipa::path(
    get,
    path = "/api/app",
    operation_id = "getApp",
    tag = "service",
    responses(
        (status = 200, body = Envelope<AppInfo>, description = "the school"),
        Unchanged,
        Failures
    )
)]
pub(super) async fn app(State(app): State<AppState>) -> Response {
    let mut response = Tagged(Envelope::ok("获取成功", describe(&app))).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    response
}

fn describe(app: &App) -> AppInfo {
    let school = &app.config.school;
    let term = app.terms.of_most_students().map(|term| TermInfo {
        start: term.dates.map(|dates| dates.monday.to_string()),
        weeks: term.dates.map(|dates| dates.weeks),
        name: term.name,
    });
    AppInfo {
        school: Names { id: school.id.clone(), name: school.name.clone() },
        bind: BindInfo {
            passwords: school.bind.passwords.into(),
            account_name: school.bind.account_name.clone(),
            check_at: school.bind.check_at.to_string(),
        },
        academics: school.academics.iter().map(academic).collect(),
        offers: offers(school).into_iter().map(|(name, _)| name).collect(),
        term,
        systems: systems(app),
    }
}

fn academic(academic: &Academic) -> AcademicInfo {
    AcademicInfo { id: academic.id.clone(), name: academic.name.clone(), offers: offers_of(academic) }
}

/// What clients can ask an academic system for: those of its abilities that an endpoint serves.
pub(super) fn offers_of(academic: &Academic) -> Vec<&'static str> {
    academic.abilities.iter().filter(|ability| is_served(*ability)).map(Into::into).collect()
}

/// Whether an endpoint of this version serves it. A profile may be ahead.
fn is_served(ability: Ability) -> bool {
    match ability {
        Ability::Table | Ability::Scores | Ability::Rooms | Ability::Record | Ability::Terms => true,
        Ability::Exams | Ability::Plan => false,
    }
}

/// What the school has, with the system that answers it.
fn offers(school: &School) -> Vec<(&'static str, System)> {
    let services = &school.services;
    let all = [
        ("library", services.library.is_some(), System::Library),
        ("physical", services.physical.is_some(), System::Physical),
        ("repair", services.repair.is_some(), System::Repair),
        ("news", services.news.is_some(), System::News),
        ("logistics", services.logistics.is_some(), System::Logistics),
        ("bulletin", services.bulletin.is_some(), System::Bulletin),
    ];
    all.into_iter().filter(|(_, offered, _)| *offered).map(|(name, _, system)| (name, system)).collect()
}

fn systems(app: &App) -> Vec<SystemInfo> {
    let info =
        |name: &str, is_down: bool| SystemInfo { system: name.to_owned(), state: if is_down { "down" } else { "ok" } };
    let school = &app.config.school;
    let academics = school.academics.iter().filter_map(|academic| app.campus.academic(&academic.id));
    let academics = academics.map(|academic| info(academic.name(), academic.is_down()));
    let asked = [System::Library, System::Physical, System::Repair];
    let others = offers(school).into_iter().map(|(_, system)| system).filter(|system| asked.contains(system));
    let others = others.map(|system| info(system.name(), app.campus.is_down(system)));
    academics.chain(others).collect()
}
