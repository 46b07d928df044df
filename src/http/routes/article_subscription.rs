//! `POST /api/rss/subscription`: personal addresses of the feeds; `DELETE` ends them. What lies behind the VPN is for those
//! who could read it there: feeds of it need a token, which opens nothing else and can be taken back.

use axum::{extract::State, http::request::Parts};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::{BoundStudent, Student},
        envelope::{Done, Envelope},
        openapi::Failures,
        subscriber,
    },
    model::CLASSES,
    store::SubscriptionKind,
};

/// Where each feed of the school is.
#[derive(Serialize, ToSchema)]
pub(super) struct Addresses {
    feeds: Vec<Address>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FeedAddress)]
struct Address {
    /// `news`, `logistics`, `lecture` or `notice`.
    classify: &'static str,
    /// Whether anybody may read it. Otherwise the address is personal: anyone who has it can read the feed.
    public: bool,
    /// What to give to the feed reader.
    url: String,
}

/// Gives the addresses of all feeds that the school has. The personal ones are made again; earlier ones stop working.
#[utoipa::path(
    post,
    path = "/api/rss/subscription",
    operation_id = "subscribeToArticleFeeds",
    tag = "rss",
    security(("token" = [])),
    responses((status = 201, body = Envelope<Addresses>, description = "the addresses"), Failures)
)]
pub(super) async fn subscribe(
    State(app): State<AppState>,
    BoundStudent(user): BoundStudent,
    parts: Parts,
) -> Result<Envelope<Addresses>, ApiError> {
    let token = subscriber::new_token()?;
    let offered = CLASSES.into_iter().filter(|class| app.config.school.services.publishes(*class));
    let feeds = offered.map(|class| {
        let (classify, public) = (class.name(), app.config.public_feeds.contains(&class));
        let path = ["api", "rss", &format!("{classify}.atom")];
        let url = subscriber::address(&app, &parts, &path, (!public).then_some(&token))?.into();
        Ok(Address { classify, public, url })
    });
    let feeds = feeds.collect::<Result<_, ApiError>>()?;
    subscriber::subscribe(&app, SubscriptionKind::Feeds, user.open_id, token).await?;
    Ok(Envelope::created("订阅地址已生成", Addresses { feeds }))
}

/// Ends the caller's personal addresses of feeds.
#[utoipa::path(
    delete,
    path = "/api/rss/subscription",
    operation_id = "unsubscribeFromArticleFeeds",
    tag = "rss",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Done>, description = "there are none any more"), Failures)
)]
pub(super) async fn unsubscribe(
    State(app): State<AppState>,
    Student(user): Student,
) -> Result<Envelope<Done>, ApiError> {
    subscriber::unsubscribe(&app, SubscriptionKind::Feeds, user.open_id).await?;
    Ok(Envelope::ok("订阅已取消", Done {}))
}
