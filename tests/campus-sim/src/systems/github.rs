//! GitHub's API: reading an issue (one lists donations) and creating issues (feedback).

use std::collections::HashMap;
use std::sync::Mutex;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::call::Call;
use crate::gate::{Refused, Visit};
use crate::outbox::Issue;
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};
use crate::world::lock;

const ISSUE: Operation = Operation::new(System::Github, "issue", Kind::Api);
const CREATE_ISSUE: Operation = Operation::new(System::Github, "create_issue", Kind::Api);

/// Number of the issue that every repository starts with: the donations.
const DONATIONS: u64 = 5;
const DONATION_TEXT: &str = "感谢每一位捐助者！\r\n\r\n@nanshan | 6.66rmb\r\n@云台山的猫 | 10rmb\r\n@qinhe_07 | 0.50rmb\r\n\
                             一位不愿透露姓名的同学 | 20rmb\r\n@last-one | 8.88rmb\r\n";

/// Issues by repository.
#[derive(Debug, Default)]
pub(crate) struct GithubState(Mutex<HashMap<String, Vec<Issue>>>);

impl GithubState {
    /// Puts an issue in the place of the one with the same number.
    pub(crate) fn put(&self, issue: Issue) {
        let mut repositories = lock(&self.0);
        let issues = repositories.entry(issue.repo.clone()).or_insert_with(|| start(&issue.repo));
        issues.retain(|other| other.number != issue.number);
        issues.push(issue);
    }

    fn find(&self, repo: &str, number: u64) -> Option<Issue> {
        let mut repositories = lock(&self.0);
        let issues = repositories.entry(repo.to_owned()).or_insert_with(|| start(repo));
        issues.iter().find(|issue| issue.number == number).cloned()
    }

    fn create(&self, repo: &str, title: String, body: String, labels: Vec<String>) -> Issue {
        let mut repositories = lock(&self.0);
        let issues = repositories.entry(repo.to_owned()).or_insert_with(|| start(repo));
        let number = issues.iter().map(|issue| issue.number).max().unwrap_or(0) + 1;
        let issue = Issue { repo: repo.to_owned(), number, title, body, labels };
        issues.push(issue.clone());
        issue
    }
}

fn start(repo: &str) -> Vec<Issue> {
    vec![Issue {
        repo: repo.to_owned(),
        number: DONATIONS,
        title: "捐助名单".to_owned(),
        body: DONATION_TEXT.to_owned(),
        labels: Vec::new(),
    }]
}

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/github/repos/{owner}/{name}/issues/{number}", get(issue))
        .route("/github/repos/{owner}/{name}/issues", post(create_issue))
}

fn message(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(json!({"message": text, "documentation_url": "https://docs.github.com/rest"}))).into_response()
}

fn shown(issue: &Issue) -> Value {
    json!({
        "url": format!("https://api.github.com/repos/{}/issues/{}", issue.repo, issue.number),
        "html_url": format!("https://github.com/{}/issues/{}", issue.repo, issue.number),
        "number": issue.number,
        "state": "open",
        "title": issue.title,
        "body": issue.body,
        "labels": issue.labels.iter().map(|label| json!({"name": label})).collect::<Vec<_>>(),
    })
}

/// What every call must pass: GitHub answers nobody who does not say what program he is, and a wrong token is an error
/// even where none is needed.
fn check(sim: &Sim, call: &Call, visit: &Visit<'_>, token_needed: bool) -> Result<(), Refused> {
    if visit.empty {
        return Err(axum::Json(json!({})).into_response().into());
    }
    if !call.headers.contains_key(header::USER_AGENT) {
        let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.";
        return Err((StatusCode::FORBIDDEN, text).into_response().into());
    }
    let given = call.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given
        .and_then(|given| given.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token"));
    let right = token.is_some_and(|(_, token)| token == sim.config().github_token);
    if visit.expired || (given.is_some() && !right) {
        return Err(message(StatusCode::UNAUTHORIZED, "Bad credentials").into());
    }
    if token_needed && !right {
        return Err(message(StatusCode::UNAUTHORIZED, "Requires authentication").into());
    }
    Ok(())
}

async fn issue(
    State(sim): State<Sim>,
    Path((owner, name, number)): Path<(String, String, String)>,
    call: Call,
) -> Result<Response, Refused> {
    let visit = sim.admit(ISSUE, &call.wire).await?;
    check(&sim, &call, &visit, false)?;
    let found = number.parse().ok().and_then(|number| sim.systems().github.find(&format!("{owner}/{name}"), number));
    Ok(match found {
        Some(issue) => axum::Json(shown(&issue)).into_response(),
        None => message(StatusCode::NOT_FOUND, "Not Found"),
    })
}

async fn create_issue(
    State(sim): State<Sim>,
    Path((owner, name)): Path<(String, String)>,
    call: Call,
) -> Result<Response, Refused> {
    let visit = sim.admit(CREATE_ISSUE, &call.wire).await?;
    check(&sim, &call, &visit, true)?;
    // GitHub reads a JSON body whatever its type is called.
    let Ok(order) = serde_json::from_slice::<Value>(&call.body) else {
        return Ok(message(StatusCode::BAD_REQUEST, "Problems parsing JSON"));
    };
    let Some(title) = order["title"].as_str().filter(|title| !title.is_empty() && title.chars().count() <= 256) else {
        return Ok(message(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed"));
    };
    let body = order["body"].as_str().unwrap_or_default();
    if body.chars().count() > 65_536 {
        return Ok(message(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed"));
    }
    let labels =
        order["labels"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let repo = format!("{owner}/{name}");
    let issue = sim.systems().github.create(&repo, title.to_owned(), body.to_owned(), labels);
    sim.outbox().issue(issue.clone());
    Ok((StatusCode::CREATED, axum::Json(shown(&issue))).into_response())
}
