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
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    crypto::{random_hex, sha256_hex},
    error::ApiError,
    github::report::{Picture, Report},
    http::{
        auth::Student,
        envelope::Envelope,
        extract::Body,
        openapi::{Failures, Unusable},
        public_url,
        text::{self, Prose, Text},
    },
    objects::FileName,
    store::eventually,
};

/// Shortest content, in characters.
const MIN_CONTENT: usize = 5;

/// Most labels, and the longest, in characters (GitHub takes 50).
const MAX_LABELS: usize = 5;
const MAX_LABEL: usize = 30;

/// Most pictures.
const MAX_IMAGES: usize = 9;

/// How often the same report, sent again meanwhile, looks for the page that the first one became.
const LEASE_POLL: Duration = Duration::from_millis(200);

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FeedbackInput {
    /// What the student writes.
    #[schema(value_type = String, min_length = 5, max_length = 2000)]
    content: Prose<2000>,
    /// Labels of the issue, joined by commas, at most five.
    #[serde(default, deserialize_with = "text::optional")]
    #[schema(value_type = Option<String>, max_length = 200)]
    labels: Option<Text<200>>,
    /// Nickname.
    #[serde(default, deserialize_with = "text::optional")]
    #[schema(value_type = Option<String>, max_length = 128)]
    nick: Option<Text<128>>,
    /// Model of the telephone.
    #[serde(default, deserialize_with = "text::optional")]
    #[schema(value_type = Option<String>, max_length = 128)]
    model: Option<Text<128>>,
    /// Its operating system.
    #[serde(default, deserialize_with = "text::optional")]
    #[schema(value_type = Option<String>, max_length = 128)]
    platform: Option<Text<128>>,
    /// Version of WeChat.
    #[serde(default, deserialize_with = "text::optional")]
    #[schema(value_type = Option<String>, max_length = 128)]
    wx_version: Option<Text<128>>,
    /// Version of the mini-program.
    #[serde(default, deserialize_with = "text::optional")]
    #[schema(value_type = Option<String>, max_length = 128)]
    wehpu_version: Option<Text<128>>,
    /// Addresses that `POST /api/upload` gave, joined by commas, at most nine.
    #[serde(default, deserialize_with = "text::optional")]
    #[schema(value_type = Option<String>, max_length = 4096)]
    images: Option<Text<4096>>,
}

/// Where the report can be read.
#[derive(Serialize, ToSchema)]
struct Published {
    /// Page of the issue.
    url: String,
}

/// Reports something about the service. It can be read by everybody.
#[utoipa::path(
    post,
    path = "/api/feedback",
    tag = "service",
    security(("token" = [])),
    request_body(content((FeedbackInput = "application/json"), (FeedbackInput = "application/x-www-form-urlencoded"))),
    responses((status = 201, body = Envelope<Published>, description = "published, now or by the same report a moment ago"), Failures, Unusable)
)]
async fn feedback(
    State(app): State<AppState>,
    Student(user): Student,
    Body(input): Body<FeedbackInput>,
) -> Result<Envelope<Published>, ApiError> {
    let report = report(input, app.config.listen.public_url.as_ref()).map_err(ApiError::BadRequest)?;
    let worker = app.clone();
    let url = app.finish(async move { publish_once(&worker, &user.open_id, &report).await }).await?;
    Ok(Envelope::created("反馈成功", Published { url }))
}

/// The report, or in Chinese what is wrong with it.
fn report(input: FeedbackInput, public_url: Option<&Url>) -> Result<Report, String> {
    let Prose(content) = input.content;
    if content.chars().count() < MIN_CONTENT {
        return Err(format!("参数 content 过短，至少 {MIN_CONTENT} 个字符"));
    }
    let facts = [
        ("昵称", input.nick),
        ("机型", input.model),
        ("系统", input.platform),
        ("微信版本", input.wx_version),
        ("小程序版本", input.wehpu_version),
    ];
    Ok(Report {
        content,
        labels: labels(input.labels.as_ref().map_or("", |Text(list)| list))?,
        images: images(input.images.as_ref().map_or("", |Text(list)| list), public_url)?,
        facts: facts.into_iter().filter_map(|(name, fact)| Some((name, fact?.0))).collect(),
    })
}

/// The items of a list joined by commas, without empty ones.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', '，']).map(str::trim).filter(|item| !item.is_empty())
}

fn labels(list: &str) -> Result<Vec<String>, String> {
    let sane = |label: &str| {
        label.chars().count() <= MAX_LABEL && label.chars().all(|c| c.is_alphanumeric() || " -_/:.".contains(c))
    };
    let mut labels: Vec<String> = Vec::new();
    for label in items(list) {
        if !sane(label) {
            return Err("参数 labels 只能是由逗号分隔的短词".to_owned());
        }
        if !labels.iter().any(|known| known == label) {
            labels.push(label.to_owned());
        }
    }
    if labels.len() > MAX_LABELS {
        return Err(format!("参数 labels 最多 {MAX_LABELS} 个"));
    }
    Ok(labels)
}

/// Pictures that students uploaded to this service: a link to anywhere else has no place under the owner's name.
fn images(list: &str, public_url: Option<&Url>) -> Result<Vec<Picture>, String> {
    let images: Option<Vec<Picture>> = items(list).map(|item| own_picture(item, public_url)).collect();
    match images {
        Some(images) if images.len() <= MAX_IMAGES => Ok(images),
        Some(_) => Err(format!("参数 images 最多 {MAX_IMAGES} 个")),
        None => Err("参数 images 只能是本服务上传得到的图片地址".to_owned()),
    }
}

/// Where no public address is configured, which host is ours is not known (the request's own `Host` is the sender's word):
/// then only the path of the picture is kept.
fn own_picture(address: &str, public_url: Option<&Url>) -> Option<Picture> {
    let url = Url::parse(address).ok()?;
    let (folder, name) = url.path().rsplit_once('/')?;
    let name = FileName::parse(name).filter(|name| name.kind.is_image())?.to_string();
    let Some(base) = public_url else {
        return folder.ends_with("/files").then(|| Picture::Path(format!("/files/{name}")));
    };
    let own = public_url::below(base, &["files", &name]);
    (own == url).then_some(Picture::Link(own))
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
    app.limit(&key, &app.config.limits.feedback).await?;
    let published = check_and_create(app, open_id, report).await;
    let url = match published {
        Ok(url) => url,
        Err(error) => {
            if error != ApiError::ContentRefused {
                app.give_back(&key, &app.config.limits.feedback, now).await;
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

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(feedback))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "0123456789abcdef0123456789abcdef.png";

    #[test]
    fn pictures_are_taken_from_this_service_only() {
        let public = Url::parse("https://wehpu.example/app").unwrap();
        let taken = |list: &str| images(list, Some(&public));
        let own = format!("https://wehpu.example/app/files/{NAME}");
        assert_eq!(
            taken(&format!("{own}, {own},")).unwrap(),
            [Picture::Link(own.parse().unwrap()), Picture::Link(own.parse().unwrap())]
        );
        assert!(taken("").unwrap().is_empty());
        for address in [
            own.replace("wehpu.example", "evil.example"),
            own.replace("https", "http"),
            own.replace("example", "example:444"),
            own.replace("wehpu.example", "wehpu.example@evil.example"),
            own.replace("wehpu", "user@wehpu"),
            own.replace("files/", "files/x/"),
            own.replace("/app", ""),
            own.replace("png", "zip"),
            own.replace(NAME, "@torvalds"),
            format!("{own}?x=1"),
            format!("{own}#@torvalds"),
            "javascript:alert(1)".to_owned(),
            NAME.to_owned(),
        ] {
            assert!(taken(&address).is_err(), "{address}");
        }
        assert!(taken(&vec![own; 10].join(",")).is_err());
    }

    #[test]
    fn without_a_public_address_no_host_is_believed_to_be_ours() {
        let taken = |address: &str| images(address, None);
        let path = Picture::Path(format!("/files/{NAME}"));
        assert_eq!(taken(&format!("http://evil.example/files/{NAME}")).unwrap(), [path]);
        assert!(taken("http://evil.example/files/x.png").is_err());
        assert!(taken(&format!("http://evil.example/other/{NAME}")).is_err());
    }

    #[test]
    fn labels_are_a_few_short_words() {
        assert_eq!(labels("bug, 课表，bug,,help wanted").unwrap(), ["bug", "课表", "help wanted"]);
        assert!(labels("").unwrap().is_empty());
        for list in ["a,b,c,d,e,f", "@torvalds", "a#1", "<b>", &"长".repeat(31)] {
            assert!(labels(list).is_err(), "{list}");
        }
    }
}
