//! `GET /api/rss/<class>.atom`: the newest articles of a class for feed readers (Atom, RFC 4287). Those of the classes in
//! `WEHPU_PUBLIC_FEEDS` are for everybody; the others need the token of a personal address (`article_subscription.rs`).

use std::io;

use axum::{
    extract::{FromRequestParts, State},
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use url::Url;

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        etag,
        extract::Query,
        openapi::{Failures, Unchanged},
        subscriber::{self, Subscriber},
    },
    model::Class,
    store::{StoredArticle, SubscriptionKind},
};

/// How many articles a feed has.
const COUNT: u8 = 30;

/// How long a reader or a cache may use a public one without asking: articles come once a day.
const CACHED: &str = "public, max-age=600";

/// A personal one may be kept by its reader, who asks each time whether it is still the same, and still his.
const CACHED_PERSONALLY: &str = "private, no-cache";

/// The class that the path names. Each has a line of the table: the router knows no parameter that something follows.
pub(super) struct Asked(Class);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let name = parts.uri.path().strip_prefix("/api/rss/").and_then(|file| file.strip_suffix(".atom"));
        name.and_then(Class::from_name).map(Self).ok_or(ApiError::NotFound("没有这个分类"))
    }
}

/// The newest articles of a class as an Atom feed: without a token if the class is public, else with that of
/// `POST /api/rss/subscription`.
#[utoipa::path(
    get,
    path = "/api/rss/{classify}.atom",
    operation_id = "getArticleFeed",
    tag = "rss",
    params(("classify" = String, Path, description = "`news`, `logistics`, `lecture` or `notice`"), Subscriber),
    responses(
        (status = 200, body = String, content_type = "application/atom+xml", description = "the feed"),
        Unchanged,
        Failures
    )
)]
pub(super) async fn feed(
    Asked(class): Asked,
    State(app): State<AppState>,
    query: Result<Query<Subscriber>, ApiError>,
    parts: Parts,
) -> Result<Response, ApiError> {
    if !app.config.school.services.publishes(class) {
        return Err(ApiError::NotOffered);
    }
    let public = app.config.public_feeds.contains(&class);
    if !public {
        let Query(subscriber) = query?;
        subscriber.user(&app, SubscriptionKind::Feeds).await?;
    }
    let path = ["api", "rss", &format!("{}.atom", class.name())];
    // Without the token: the text of a feed is passed on more easily than its address.
    let address = subscriber::address(&app, &parts, &path, None)?;
    let articles = app.store.articles.newest_whole(class, COUNT).await?;
    let text = write(class, &address, public, &articles).map_err(|error| {
        tracing::error!(%error, "a feed could not be written");
        ApiError::Internal
    })?;
    let tag = etag::of(&text);
    let mut response = ([(CONTENT_TYPE, "application/atom+xml; charset=utf-8")], text).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static(if public { CACHED } else { CACHED_PERSONALLY }));
    response.headers_mut().insert(ETAG, HeaderValue::try_from(tag).map_err(|_| ApiError::Internal)?);
    Ok(response)
}

fn title(class: Class) -> &'static str {
    match class {
        Class::News => "学校新闻",
        Class::Logistics => "后勤新闻",
        Class::Lecture => "学术讲座",
        Class::Notice => "通知公告",
    }
}

/// The feed. A link to itself is only in a public one: a reader that follows it from a personal one would lose its token.
fn write(class: Class, address: &Url, public: bool, articles: &[StoredArticle]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let updated = articles.iter().filter_map(updated).max().unwrap_or_default();
    writer.create_element("feed").with_attribute(("xmlns", "http://www.w3.org/2005/Atom")).write_inner_content(
        |feed| {
            text(feed, "id", address.as_str())?;
            text(feed, "title", title(class))?;
            text(feed, "updated", &rfc3339(updated))?;
            if public {
                feed.create_element("link")
                    .with_attributes([("rel", "self"), ("type", "application/atom+xml"), ("href", address.as_str())])
                    .write_empty()?;
            }
            articles.iter().try_for_each(|article| entry(feed, class, article))
        },
    )?;
    Ok(writer.into_inner())
}

fn entry(feed: &mut Writer<Vec<u8>>, class: Class, article: &StoredArticle) -> io::Result<()> {
    feed.create_element("entry").write_inner_content(|entry| {
        text(entry, "id", &format!("tag:wehpu,2017:{}/{}", class.name(), article.id.to_hex()))?;
        text(entry, "title", &article.title)?;
        text(entry, "updated", &rfc3339(updated(article).unwrap_or_default()))?;
        // RFC 4287 wants an author; where the article names none, the publisher is one.
        let author = article.speaker.as_deref().or(article.tag.as_deref()).unwrap_or(title(class));
        entry.create_element("author").write_inner_content(|author_of| text(author_of, "name", author))?;
        let source = article.key.as_deref().filter(|key| key.starts_with("http://") || key.starts_with("https://"));
        for (relation, address) in [("alternate", source), ("enclosure", article.href.as_deref())] {
            if let Some(address) = address {
                let link = [("rel", relation), ("href", &*printable(address))];
                entry.create_element("link").with_attributes(link).write_empty()?;
            }
        }
        let facts = [("时间", Some(article.time.as_str())), ("地点", article.place.as_deref())];
        let facts = facts.into_iter().filter_map(|(name, fact)| Some(format!("{name}：{}\n", fact?)));
        let facts: String = if class == Class::Lecture { facts.collect() } else { String::new() };
        text(entry, "content", &format!("{facts}{}", article.content))
    })?;
    Ok(())
}

fn text(writer: &mut Writer<Vec<u8>>, name: &str, content: &str) -> io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(&printable(content)))?;
    Ok(())
}

/// Without the characters that XML 1.0 cannot carry.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || ['\n', '\t'].contains(c))
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect()
}

fn updated(article: &StoredArticle) -> Option<DateTime<Utc>> {
    article.published_at.or(article.timestamp)
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::oid::ObjectId;

    use super::*;

    #[test]
    fn a_feed_escapes_what_an_article_says() {
        let article = StoredArticle {
            id: ObjectId::from_bytes([1; 12]),
            title: "<b>讲座</b> & \u{b}更多".to_owned(),
            time: "2017-12-01".to_owned(),
            tag: None,
            timestamp: None,
            published_at: "2017-11-30T16:00:00Z".parse().ok(),
            key: Some("http://news.example.com/1?a=1&b=2".to_owned()),
            content: "一\n二".to_owned(),
            href: Some("https://wehpu.example.com/files/a.pdf".to_owned()),
            images: Vec::new(),
            place: None,
            speaker: None,
        };
        let address = "https://wehpu.example.com/api/rss/notice.atom".parse().unwrap();
        let text = String::from_utf8(write(Class::Notice, &address, true, &[article]).unwrap()).unwrap();
        insta::assert_snapshot!(text.replace("><", ">\n<"));
    }
}
