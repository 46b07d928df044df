//! `GET /api/rss/{classify}`: articles that the spider collected: news, logistics news, lectures and notices.
//! `GET /api/rss/{classify}/{id}`: one of them.

use axum::extract::State;
use chrono::{DateTime, SecondsFormat, Utc};
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::Caller,
        envelope::{Envelope, Tagged},
        extract::{Path, Query},
        openapi::{Failures, Unchanged},
        text::{self, Text},
    },
    model::{Class, Rendered},
    store::{StoreError, StoredArticle},
};

/// How many articles a page has when the client does not say.
const DEFAULT_COUNT: u8 = 10;

/// Most articles of one page.
const MAX_COUNT: u8 = 50;

/// No class has nearly as many articles; skipping costs time.
const MAX_START: u32 = 1_000_000;

/// Most words of one search.
const MAX_WORDS: usize = 5;

const NOTHING: ApiError = ApiError::NotFound("没有更多内容");

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// How many of the newest articles to leave out; 0 when missing.
    #[serde(default, deserialize_with = "text::optional")]
    #[param(value_type = Option<u32>, maximum = 1_000_000)]
    start: Option<Text<16>>,
    /// How many articles; 10 when missing.
    #[serde(default, deserialize_with = "text::optional")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 50)]
    count: Option<Text<16>>,
    /// Only articles with all of these words (at most five, separated by white space) in title or content.
    #[serde(default, deserialize_with = "text::optional")]
    #[param(value_type = Option<String>, max_length = 64)]
    q: Option<Text<64>>,
}

impl Page {
    /// The words looked for.
    fn words(&self) -> Result<Vec<String>, ApiError> {
        let words: Vec<String> = self.q.iter().flat_map(|Text(q)| q.split_whitespace()).map(str::to_owned).collect();
        if words.len() > MAX_WORDS {
            return Err(ApiError::BadRequest(format!("参数 q 最多 {MAX_WORDS} 个词")));
        }
        Ok(words)
    }

    /// How many to leave out and how many to show.
    fn bounds(&self) -> Result<(u32, u8), ApiError> {
        let number = |text: &Option<Text<16>>, default: u32| match text {
            None => Some(default),
            Some(Text(digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
            Some(_) => None,
        };
        let start = number(&self.start, 0).filter(|start| *start <= MAX_START);
        let count = number(&self.count, DEFAULT_COUNT.into()).and_then(|count| u8::try_from(count).ok());
        let start = start.ok_or_else(|| ApiError::BadRequest(format!("参数 start 应为 0 至 {MAX_START} 的整数")))?;
        let count = count.filter(|count| (1..=MAX_COUNT).contains(count));
        let count = count.ok_or_else(|| ApiError::BadRequest(format!("参数 count 应为 1 至 {MAX_COUNT} 的整数")))?;
        Ok((start, count))
    }
}

/// What a list shows of an article.
#[derive(Serialize, ToSchema)]
pub(super) struct Headline {
    #[serde(rename = "_id")]
    id: String,
    title: String,
    /// As the page had it; at least the day it was collected.
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    /// When it was collected: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

/// An article.
#[derive(Serialize, ToSchema)]
pub(super) struct FullArticle {
    title: String,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    /// Text, or HTML as the page has it.
    content: String,
    /// Address of the file that a notice consists of.
    #[serde(skip_serializing_if = "Option::is_none")]
    href: Option<String>,
    /// Addresses of the pictures in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    /// Where a lecture is.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// Who gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

fn timestamp(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

impl From<StoredArticle> for Headline {
    fn from(article: StoredArticle) -> Self {
        Self {
            id: article.id.to_hex(),
            title: article.title,
            time: article.time,
            tag: article.tag,
            timestamp: timestamp(article.timestamp),
        }
    }
}

impl From<StoredArticle> for FullArticle {
    fn from(article: StoredArticle) -> Self {
        Self {
            title: article.title,
            time: article.time,
            tag: article.tag,
            content: article.content,
            href: article.href,
            images: article.images,
            place: article.place,
            speaker: article.speaker,
            timestamp: timestamp(article.timestamp),
        }
    }
}

/// Articles of a class, the newest first, a page at a time; with `q` those in which it is found.
#[utoipa::path(
    get,
    path = "/api/rss/{classify}",
    operation_id = "listArticles",
    tag = "rss",
    security(("token" = [])),
    params(("classify" = String, Path, description = "`news`, `logistics`, `lecture` or `notice`"), Page),
    responses((status = 200, body = Envelope<Vec<Headline>>, description = "the articles"), Unchanged, Failures)
)]
pub(super) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    Path(classify): Path<String>,
    Query(page): Query<Page>,
) -> Result<Tagged<Rendered<Vec<Headline>>>, ApiError> {
    let class = Class::from_name(&classify).ok_or(ApiError::NotFound("没有这个分类"))?;
    if !app.config.school.services.publishes(class) {
        return Err(ApiError::NotOffered);
    }
    let (start, count) = page.bounds()?;
    let words = page.words()?;
    let (articles, stale_since) = if words.is_empty() {
        let found = app.store.articles.shown_list(class, start, count).await?;
        (Rendered::clone(&found.value), found.stale_since(app.clock.now()))
    } else {
        app.limiter.count_read(&format!("search/{}", caller.open_id), app.config.limits.search).await?;
        let worker = app.clone();
        // The database goes on scanning when the caller has gone; the turn lasts as long.
        let found = app.finish(async move {
            let _turn = worker.searches.take().await?;
            Ok(worker.store.articles.list(class, &words, start, count).await?)
        });
        let found: Vec<Headline> = found.await?.into_iter().map(Headline::from).collect();
        (Rendered::of(&found).map_err(StoreError::from)?, None)
    };
    if articles.json() == "[]" {
        return Err(NOTHING);
    }
    Ok(Tagged(Envelope::ok("获取新闻成功", articles).stale_since(stale_since)))
}

/// One article.
#[utoipa::path(
    get,
    path = "/api/rss/{classify}/{id}",
    operation_id = "getArticle",
    tag = "rss",
    security(("token" = [])),
    params(
        ("classify" = String, Path, description = "`news`, `logistics`, `lecture` or `notice`"),
        ("id" = String, Path, description = "`_id` of the list", pattern = "^[0-9a-f]{24}$")
    ),
    responses((status = 200, body = Envelope<FullArticle>, description = "the article"), Unchanged, Failures)
)]
pub(super) async fn article(
    State(app): State<AppState>,
    _caller: Caller,
    Path((classify, id)): Path<(String, String)>,
) -> Result<Tagged<Rendered<FullArticle>>, ApiError> {
    let class = Class::from_name(&classify).ok_or(ApiError::NotFound("没有这个分类"))?;
    let id = ObjectId::parse_str(&id).map_err(|_| NOTHING)?;
    let article = app.store.articles.shown(class, id).await?.ok_or(ApiError::NotFound("没有这篇文章"))?;
    let stale_since = article.stale_since(app.clock.now());
    Ok(Tagged(Envelope::ok("获取新闻成功", Rendered::clone(&article.value)).stale_since(stale_since)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(query: &str) -> Option<(u32, u8)> {
        serde_urlencoded::from_str::<Page>(query).unwrap().bounds().ok()
    }

    #[test]
    fn a_page_has_bounds_and_defaults() {
        assert_eq!(bounds(""), Some((0, 10)));
        assert_eq!(bounds("start=&count="), Some((0, 10)));
        assert_eq!(bounds("start=20&count=50"), Some((20, 50)));
        for query in [
            "start=-1",
            "start=1.5",
            "start=%2B1",
            "start=1000001",
            "start=9999999999999999",
            "count=0",
            "count=51",
            "count=x",
        ] {
            assert_eq!(bounds(query), None, "{query}");
        }
    }
}
