//! An article as it is in the database, and as it is read from there: documents of the old service have fields of any
//! type.

use chrono::{DateTime, Utc};
use mongodb::bson::{self, Bson, oid::ObjectId};
use serde::Deserialize;

use crate::{clock::campus_date, day};

/// An article as stored. In a list, `content` and all fields after it are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredArticle {
    /// Its id, which stays the same when the text changes.
    pub id: ObjectId,
    /// Title.
    pub title: String,
    /// When it was published, or when the lecture is, with days as `2017-12-01`; otherwise the day of `published_at` or
    /// `timestamp`.
    pub time: String,
    /// Department or column.
    pub tag: Option<String>,
    /// When it was collected.
    pub timestamp: Option<DateTime<Utc>>,
    /// The date that it is sorted by.
    pub published_at: Option<DateTime<Utc>>,
    /// Identity of the article; documents of the old service have none.
    pub key: Option<String>,
    /// Text, or HTML as the page has it.
    pub content: String,
    /// Address of the file that a notice consists of.
    pub href: Option<String>,
    /// Addresses of the pictures in it, in order.
    pub images: Vec<String>,
    /// Where a lecture is.
    pub place: Option<String>,
    /// Who gives the lecture.
    pub speaker: Option<String>,
}

/// The document in the database. The old service's fields can be of any type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArticleDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    #[serde(default)]
    title: Bson,
    #[serde(default)]
    time: Bson,
    #[serde(default)]
    tag: Bson,
    #[serde(default)]
    timestamp: Bson,
    #[serde(default)]
    published_at: Bson,
    #[serde(default)]
    key: Bson,
    #[serde(default)]
    content: Bson,
    #[serde(default)]
    href: Bson,
    #[serde(default)]
    images: Bson,
    #[serde(default)]
    place: Bson,
    #[serde(default)]
    speaker: Bson,
}

impl From<ArticleDocument> for StoredArticle {
    fn from(document: ArticleDocument) -> Self {
        let time = text(document.time).map(|time| day::dashed(&time)).or_else(|| {
            let day = moment(&document.published_at).or_else(|| moment(&document.timestamp))?;
            Some(campus_date(day).to_string())
        });
        Self {
            id: document.id,
            title: text(document.title).unwrap_or_default(),
            time: time.unwrap_or_default(),
            tag: text(document.tag),
            timestamp: moment(&document.timestamp),
            published_at: moment(&document.published_at),
            key: text(document.key),
            content: text(document.content).unwrap_or_default(),
            href: text(document.href),
            images: texts(document.images),
            place: text(document.place),
            speaker: text(document.speaker),
        }
    }
}

/// A value as text; of a list the first text; `None` when there is none.
fn text(value: Bson) -> Option<String> {
    let text = match value {
        Bson::String(text) => text,
        Bson::Array(list) => list.into_iter().find_map(text)?,
        Bson::DateTime(at) => campus_date(chrono(at)).to_string(),
        Bson::Int32(number) => number.to_string(),
        Bson::Int64(number) => number.to_string(),
        Bson::Double(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The texts of a list; none for any other value.
fn texts(value: Bson) -> Vec<String> {
    match value {
        Bson::Array(list) => list.into_iter().filter_map(text).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn moment(value: &Bson) -> Option<DateTime<Utc>> {
    match value {
        Bson::DateTime(at) => Some(chrono(*at)),
        _ => None,
    }
}

fn chrono(at: bson::DateTime) -> DateTime<Utc> {
    at.to_chrono()
}
