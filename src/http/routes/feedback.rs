//! `POST /api/feedback`: what a student reports becomes an issue of the public repository.
//!
//! The same text by the same student within ten minutes (a double tap, a client that repeats) is answered with the page
//! that was made of it. Reports count against the limit when they were judged: made into an issue or refused by the
//! content check; not when WeChat, GitHub or this service failed.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::{
    app::AppState,
    config::Config,
    crypto::{random_hex, sha256_hex},
    error::ApiError,
    github::report::{Picture, Report},
    http::{
        auth::Student,
        envelope::Envelope,
        extract::Body,
        openapi::{Failures, Unusable},
        own_files::{self, items, not_own, picture_at},
        text::{self, Prose, Text},
    },
    objects::FileName,
    public_url,
    store::eventually,
};

/// Shortest content, in characters.
const MIN_CONTENT: usize = 5;

/// Most pictures.
const MAX_IMAGES: usize = 9;

/// How often the same report, sent again meanwhile, looks for the page that the first one became.
const LEASE_POLL: Duration = Duration::from_millis(200);

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedbackInput {
    /// What the student writes.
    #[schema(value_type = String, min_length = 5, max_length = 2000)]
    content: Prose<2000>,
    /// Labels of the issue, joined by commas; those that the service does not know are dropped.
    #[serde(default, deserialize_with = "text::optional")]
    labels: Option<Text<200>>,
    /// Nickname.
    #[serde(default, deserialize_with = "text::optional")]
    nick: Option<Text<128>>,
    /// Model of the telephone.
    #[serde(default, deserialize_with = "text::optional")]
    model: Option<Text<128>>,
    /// Its operating system.
    #[serde(default, deserialize_with = "text::optional")]
    platform: Option<Text<128>>,
    /// Version of WeChat.
    #[serde(default, deserialize_with = "text::optional")]
    wx_version: Option<Text<128>>,
    /// Version of the mini-program.
    #[serde(default, deserialize_with = "text::optional")]
    wehpu_version: Option<Text<128>>,
    /// Addresses that `POST /api/upload` gave to this account, joined by commas, at most nine.
    #[serde(default, deserialize_with = "text::optional")]
    images: Option<Text<4096>>,
}

/// Where the report can be read.
#[derive(Serialize, ToSchema)]
pub(super) struct Published {
    /// Page of the issue.
    url: String,
}

/// Reports something about the service. It can be read by everybody.
#[utoipa::path(
    post,
    path = "/api/feedback",
    operation_id = "reportProblem",
    tag = "service",
    security(("token" = [])),
    request_body(content((FeedbackInput = "application/json"), (FeedbackInput = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, body = Envelope<Published>, description = "published, now or by the same report a moment ago"),
        Failures,
        Unusable
    )
)]
pub(super) async fn feedback(
    State(app): State<AppState>,
    Student(user): Student,
    Body(input): Body<FeedbackInput>,
) -> Result<Envelope<Published>, ApiError> {
    let pictures = pictures(&input, app.config.listen.public_url.as_ref())?;
    let report = report(input, &pictures, &app.config)?;
    let worker = app.clone();
    let url = app.finish(async move {
        own_files::check(&worker, &user.open_id, &pictures, "images").await?;
        let url = publish_once(&worker, &user.open_id, &report).await?;
        own_files::keep(&worker, &pictures).await;
        Ok(url)
    });
    let url = url.await?;
    Ok(Envelope::created("反馈成功", Published { url }))
}

/// The report that `input` makes, with these pictures.
fn report(input: FeedbackInput, pictures: &[FileName], config: &Config) -> Result<Report, ApiError> {
    let Prose(content) = input.content;
    if content.chars().count() < MIN_CONTENT {
        return Err(ApiError::BadRequest(format!("参数 content 过短，至少 {MIN_CONTENT} 个字符")));
    }
    let facts = [
        ("昵称", input.nick),
        ("机型", input.model),
        ("系统", input.platform),
        ("微信版本", input.wx_version),
        ("小程序版本", input.wehpu_version),
    ];
    let picture = |name: &FileName| picture(name, config.listen.public_url.as_ref());
    Ok(Report {
        content,
        labels: labels(input.labels.as_ref().map_or("", |Text(list)| list), &config.github.labels),
        images: pictures.iter().map(picture).collect(),
        facts: facts.into_iter().filter_map(|(name, fact)| Some((name, fact?.0))).collect(),
    })
}

/// Those of the list that are `known`, each once. The others are dropped: the text matters, not they.
fn labels(list: &str, known: &[String]) -> Vec<String> {
    known.iter().filter(|label| items(list).any(|item| item == *label)).cloned().collect()
}

/// Pictures of this service: a link to anywhere else has no place under the owner's name.
fn pictures(input: &FeedbackInput, public_url: Option<&Url>) -> Result<Vec<FileName>, ApiError> {
    let list = input.images.as_ref().map_or("", |Text(list)| list);
    let pictures: Option<Vec<FileName>> = items(list).map(|item| picture_at(item, public_url)).collect();
    match pictures {
        Some(pictures) if pictures.len() <= MAX_IMAGES => Ok(pictures),
        Some(_) => Err(ApiError::BadRequest(format!("参数 images 最多 {MAX_IMAGES} 个"))),
        None => Err(not_own("images")),
    }
}

/// Where no public address is configured, which host is ours is not known (the request's own `Host` is the sender's word):
/// then only the path of the picture is kept.
fn picture(name: &FileName, public_url: Option<&Url>) -> Picture {
    let name = name.to_string();
    match public_url {
        Some(base) => Picture::Link(public_url::below(base, &["files", &name])),
        None => Picture::Path(format!("/files/{name}")),
    }
}

/// Publishes `report`, or waits for the same report being published by another request or replica.
async fn publish_once(app: &AppState, open_id: &str, report: &Report) -> Result<String, ApiError> {
    let hash = sha256_hex(format!("{}:{open_id}:{}", open_id.len(), report.content).as_bytes());
    let owner = random_hex();
    let lease = loop {
        if let Some(url) = app.store.feedback.recent(&hash, app.clock.now()).await? {
            return Ok(url);
        }
        if let Some(lease) = app.store.leases.take(&format!("feedback/{hash}"), &owner).await? {
            break lease;
        }
        tokio::time::sleep(LEASE_POLL).await;
    };
    let work = async {
        match app.store.feedback.recent(&hash, app.clock.now()).await? {
            Some(url) => Ok(url),
            None => publish(app, open_id, &hash, report).await,
        }
    };
    app.store.leases.under(lease, work).await
}

async fn publish(app: &AppState, open_id: &str, hash: &str, report: &Report) -> Result<String, ApiError> {
    let (key, now) = (format!("feedback/{open_id}"), app.clock.now());
    app.limiter.count(&key, app.config.limits.feedback).await?;
    let published = check_and_create(app, open_id, report).await;
    let url = match published {
        Ok(url) => url,
        Err(error) => {
            if error != ApiError::ContentRefused {
                app.limiter.refund(&key, app.config.limits.feedback, now).await;
            }
            return Err(error);
        }
    };
    // The issue is there, whether it can be remembered now or only later.
    let (worker, hash, known, now) = (app.clone(), hash.to_owned(), url.clone(), app.clock.now());
    let remember = move || {
        let (worker, hash, url) = (worker.clone(), hash.clone(), known.clone());
        async move { worker.store.feedback.remember(&hash, &url, now).await }
    };
    if remember().await.is_err() {
        app.tasks.spawn(eventually("remember a report: sent again it would become another issue", remember));
    }
    Ok(url)
}

async fn check_and_create(app: &AppState, open_id: &str, report: &Report) -> Result<String, ApiError> {
    let facts = report.facts.iter().map(|(_, fact)| fact.as_str());
    let labels = report.labels.iter().map(String::as_str);
    let shown: Vec<&str> = std::iter::once(report.content.as_str()).chain(facts).chain(labels).collect();
    app.messenger.check_text(open_id, &shown.join("\n")).await?;
    app.github.create_issue(report).await.map_err(|error| {
        tracing::error!(%error, "feedback could not be published");
        ApiError::FeedbackUnavailable
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_are_not_known_are_dropped() {
        let known = ["help", "bug", "help wanted"].map(str::to_owned);
        assert_eq!(labels("bug, 课表，bug,,help wanted", &known), ["bug", "help wanted"]);
        for list in ["", "@torvalds", "a#1", "<b>", "Bug", "bugs"] {
            assert!(labels(list, &known).is_empty(), "{list}");
        }
    }
}
