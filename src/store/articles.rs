//! `news`, `logistics`, `lectures` and `notices`: the articles that the spider collected, one collection per class.
//! They are public, so they are read from any member the connection string prefers.
//!
//! Documents of the old service are still read: `href` can be a list, notices have no `time`, lectures no `timestamp`.
//! Migration 0006 gave them the date they are sorted by. Days in `time` are stored and returned as the mini-program
//! shows them: `2017-12-01`.

mod document;
mod search;

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Datelike, FixedOffset, TimeZone, Utc};
use mongodb::{
    Collection, Database,
    bson::{self, Bson, Document, doc, oid::ObjectId},
    options::FindOptions,
};
use serde::Serialize;

use super::{
    Coherence, Reads, StoreError,
    cache::{Found, Key},
    collection,
    reads::{find_anywhere, steadily},
};
use crate::{
    day::{self, Day},
    model::{Class, Rendered},
};
use document::{ArticleDocument, moment};

pub use document::StoredArticle;

/// The kind of articles in memory.
pub(super) const KIND: &str = "articles";

/// The collection, named as the old service named it.
fn collection_of(class: Class) -> &'static str {
    match class {
        Class::News => "news",
        Class::Logistics => "logistics",
        Class::Lecture => "lectures",
        Class::Notice => "notices",
    }
}

/// An article to store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Article {
    /// Identity of the article: its address, or title and time of a lecture.
    pub key: String,
    /// Title.
    pub title: String,
    /// When it was published, or when the lecture is, as the page says; empty when it does not say. Days are stored as
    /// `2017-12-01`.
    pub time: String,
    /// Department or column.
    pub tag: Option<String>,
    /// Text, or HTML as the page has it.
    pub content: String,
    /// Address of the file that a notice consists of.
    pub href: Option<String>,
    /// SHA-256 of that file, hexadecimal.
    pub file_hash: Option<String>,
    /// Addresses of the pictures in it, in order.
    pub images: Vec<String>,
    /// Where a lecture is.
    pub place: Option<String>,
    /// Who gives the lecture.
    pub speaker: Option<String>,
}

/// What is stored about an article already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownArticle {
    /// The run of the spider that wrote it last; `None` when none did.
    pub run: Option<i64>,
    /// SHA-256 of the file it consists of.
    pub file_hash: Option<String>,
}

/// What storing an article did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was new.
    Inserted,
    /// It was stored with another text.
    Changed,
    /// It was stored with the same text.
    Unchanged,
}

/// The first day in a text, as the moment when that day begins at the university (UTC+8).
fn date_in(text: &str) -> Option<DateTime<Utc>> {
    let midnight = day::find(text)?.date.and_hms_opt(0, 0, 0)?;
    Some(FixedOffset::east_opt(8 * 3600)?.from_local_datetime(&midnight).single()?.to_utc())
}

/// How the time of an article may have been stored: as it is stored now, as the page writes it, and with the old
/// service's days without zeros (`2017-12-1`).
fn stored_times(time: &str) -> Vec<String> {
    let dashed = day::dashed(time);
    let short = day::find(&dashed).map(|Day { at, date }| {
        let day = format!("{}-{}-{}", date.year(), date.month(), date.day());
        [&dashed[..at.start], &day, &dashed[at.end..]].concat()
    });
    [Some(dashed), Some(time.to_owned()), short].into_iter().flatten().collect()
}

/// Where an article or a list of them is in memory.
fn key(class: Class, what: &str) -> Key {
    let collection = collection_of(class);
    Key { kind: KIND, name: format!("{collection}/{what}"), subject: collection.to_owned() }
}

/// The four collections.
#[derive(Debug, Clone)]
pub struct Articles {
    db: Database,
    coherence: Coherence,
}

impl Articles {
    pub(super) fn new(db: &Database, coherence: &Coherence) -> Self {
        Self { db: db.clone(), coherence: coherence.clone() }
    }

    fn nearest(&self, class: Class) -> Collection<ArticleDocument> {
        collection(&self.db, collection_of(class), Reads::Configured)
    }

    fn primary(&self, class: Class) -> Collection<Document> {
        collection(&self.db, collection_of(class), Reads::Primary)
    }

    /// `count` articles without their contents, newest first, after skipping `start`: all of them, or those whose title
    /// or content has every one of `words`. Two pages overlap only when a new article came in between.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers, or a search takes over five seconds.
    pub async fn list(
        &self,
        class: Class,
        words: &[String],
        start: u32,
        count: u8,
    ) -> Result<Vec<StoredArticle>, StoreError> {
        let fields = doc! { "title": 1, "time": 1, "tag": 1, "timestamp": 1, "publishedAt": 1 };
        self.page(class, search::with_words(words), Some(fields), start, count).await
    }

    /// Like [`Articles::list`] of all articles, each as `T` shows it. A list may be some seconds old.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers and it is not in memory.
    pub async fn shown_list<T>(
        &self,
        class: Class,
        start: u32,
        count: u8,
    ) -> Result<Found<Rendered<Vec<T>>>, StoreError>
    where
        T: From<StoredArticle> + Serialize + 'static,
    {
        let articles = self.clone();
        let read = async move |_| {
            let list = articles.list(class, &[], start, count).await?;
            let list: Vec<T> = list.into_iter().map(T::from).collect();
            Ok(Some(Rendered::of(&list)?))
        };
        let found = self.coherence.read(key(class, &format!("list/{start}/{count}")), read).await?;
        found.ok_or_else(StoreError::silent)
    }

    /// One article, as `T` shows it. Its text may be some seconds old.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers and it is not in memory.
    pub async fn shown<T>(&self, class: Class, id: ObjectId) -> Result<Option<Found<Rendered<T>>>, StoreError>
    where
        T: From<StoredArticle> + Serialize + 'static,
    {
        let articles = self.clone();
        let read = async move |_| {
            let article = articles.find(class, id).await?;
            Ok(article.map(|article| Rendered::of(&T::from(article))).transpose()?)
        };
        self.coherence.read(key(class, &id.to_hex()), read).await
    }

    /// The `count` newest articles with their contents.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn newest_whole(&self, class: Class, count: u8) -> Result<Vec<StoredArticle>, StoreError> {
        self.page(class, doc! {}, None, 0, count).await
    }

    async fn page(
        &self,
        class: Class,
        which: Document,
        fields: Option<Document>,
        start: u32,
        count: u8,
    ) -> Result<Vec<StoredArticle>, StoreError> {
        let articles = self.nearest(class);
        let options = FindOptions::builder()
            .projection(fields)
            .sort(doc! { "publishedAt": -1, "_id": -1 })
            .skip(u64::from(start))
            .limit(i64::from(count))
            .batch_size(u32::from(count))
            .max_time(SEARCH_LIMIT)
            .build();
        let mut cursor = steadily(|| articles.find(which.clone()).with_options(options.clone())).await?;
        let mut list = Vec::with_capacity(count.into());
        while cursor.advance().await? {
            list.push(cursor.deserialize_current()?.into());
        }
        Ok(list)
    }

    /// One article with its content.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn find(&self, class: Class, id: ObjectId) -> Result<Option<StoredArticle>, StoreError> {
        let found = find_anywhere(&self.nearest(class), doc! { "_id": id }).await?;
        Ok(found.map(StoredArticle::from))
    }

    /// Stores an article under its key. It is inserted once and keeps its id when its text changes. A document of the
    /// old service (without key) with the same title and time counts as the same article.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn put(&self, class: Class, article: &Article, now: DateTime<Utc>) -> Result<Put, StoreError> {
        self.write(class, article, None, now).await
    }

    /// Like [`Articles::put`], for run `run` of the spider: leaves alone what a later run wrote, and marks what it
    /// changes with its number.
    ///
    /// # Errors
    /// As [`Articles::put`].
    pub async fn put_in_run(
        &self,
        class: Class,
        article: &Article,
        run: i64,
        now: DateTime<Utc>,
    ) -> Result<Put, StoreError> {
        self.write(class, article, Some(run), now).await
    }

    async fn write(
        &self,
        class: Class,
        article: &Article,
        run: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<Put, StoreError> {
        let articles = self.primary(class);
        let mut same = doc! { "key": &article.key };
        if let Some(run) = run {
            // The fence: a run that lost its lease unnoticed may still be writing.
            same.insert("$or", vec![doc! { "run": Bson::Null }, doc! { "run": { "$lte": run } }]);
        }
        let (set, fresh) = changes(article, run, now);
        let known = articles.update_one(same.clone(), vec![doc! { "$set": set.clone() }]).await?;
        if known.matched_count > 0 {
            return Ok(if known.modified_count > 0 { Put::Changed } else { Put::Unchanged });
        }
        let times = stored_times(&article.time);
        let old = doc! { "key": { "$exists": false }, "title": &article.title, "time": { "$in": times } };
        if articles.update_one(old, vec![doc! { "$set": set.clone() }]).await?.matched_count > 0 {
            return Ok(Put::Changed);
        }
        let insert = vec![doc! { "$set": set }, doc! { "$set": fresh }];
        match articles.update_one(same, insert).upsert(true).await.map_err(StoreError::from) {
            Ok(result) if result.upserted_id.is_some() => Ok(Put::Inserted),
            // Somebody else inserted it at the same moment, or a later run wrote it.
            Ok(_) | Err(StoreError::Duplicate(_)) => Ok(Put::Unchanged),
            Err(e) => Err(e),
        }
    }

    /// What is stored about those of `keys` that exist.
    ///
    /// # Errors
    /// [`StoreError`] when the primary does not answer.
    pub async fn known(&self, class: Class, keys: &[String]) -> Result<HashMap<String, KnownArticle>, StoreError> {
        let fields = doc! { "_id": 0, "key": 1, "run": 1, "fileHash": 1 };
        let mut cursor = self.primary(class).find(doc! { "key": { "$in": keys } }).projection(fields).await?;
        let mut known = HashMap::new();
        while cursor.advance().await? {
            let article = cursor.deserialize_current()?;
            let Ok(key) = article.get_str("key") else { continue };
            let file_hash = article.get_str("fileHash").ok().map(str::to_owned);
            known.insert(key.to_owned(), KnownArticle { run: article.get_i64("run").ok(), file_hash });
        }
        Ok(known)
    }

    /// Key and title of at most `most` articles for whose title or beginning `is_garbled` is true.
    ///
    /// # Errors
    /// [`StoreError`] when the primary does not answer.
    pub async fn garbled(
        &self,
        class: Class,
        is_garbled: impl Fn(&str) -> bool,
        most: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let begin = doc! { "$substrCP": ["$content", 0, BEGIN] };
        let fields = doc! { "_id": 0, "key": 1, "title": 1, "begin": begin };
        let keyed = doc! { "key": { "$type": "string" }, "content": { "$type": "string" } };
        let mut cursor = self.primary(class).find(keyed).projection(fields).await?;
        let mut found = Vec::new();
        while found.len() < most && cursor.advance().await? {
            let article = cursor.deserialize_current()?;
            let (Ok(key), Ok(title)) = (article.get_str("key"), article.get_str("title")) else { continue };
            if is_garbled(title) || article.get_str("begin").is_ok_and(&is_garbled) {
                found.push((key.to_owned(), title.to_owned()));
            }
        }
        Ok(found)
    }

    /// Removes an article.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn remove(&self, class: Class, key: &str) -> Result<(), StoreError> {
        self.primary(class).delete_one(doc! { "key": key }).await?;
        Ok(())
    }

    /// The latest date of the articles of `class` that is not after `now`.
    ///
    /// # Errors
    /// [`StoreError`] when the primary does not answer.
    pub async fn newest(&self, class: Class, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let past = doc! { "publishedAt": { "$lte": date(now) } };
        let newest = self.primary(class).find_one(past).sort(doc! { "publishedAt": -1, "_id": -1 }).await?;
        Ok(newest.and_then(|article| moment(article.get("publishedAt")?)))
    }
}

/// Number of characters of the content that `garbled` checks: enough to see a wrong character set.
const BEGIN: i32 = 60;

/// Time limit of a list or search. A search of ten thousand articles takes well below a second.
const SEARCH_LIMIT: Duration = Duration::from_secs(5);

fn date(at: DateTime<Utc>) -> bson::DateTime {
    bson::DateTime::from_chrono(at)
}

/// What storing an article sets, and what it adds to a new one; as update stages, so that a document that already has
/// all of it does not change.
fn changes(article: &Article, run: Option<i64>, now: DateTime<Utc>) -> (Document, Document) {
    let text = |value: &str| Some(Bson::from(value));
    let optional = |value: &Option<String>| value.as_deref().map(Bson::from);
    let images = (!article.images.is_empty()).then(|| Bson::from(article.images.clone()));
    let (time, day) = (day::dashed(&article.time), date_in(&article.time).map(date));
    let mut fields = vec![
        ("key", text(&article.key)),
        ("title", text(&article.title)),
        ("time", text(&time)),
        ("content", text(&article.content)),
        ("tag", optional(&article.tag)),
        ("href", optional(&article.href)),
        ("fileHash", optional(&article.file_hash)),
        ("images", images),
        ("place", optional(&article.place)),
        ("speaker", optional(&article.speaker)),
    ];
    let mut fresh = doc! { "timestamp": { "$ifNull": ["$timestamp", date(now)] } };
    match day {
        Some(day) => fields.push(("publishedAt", Some(day.into()))),
        None => _ = fresh.insert("publishedAt", doc! { "$ifNull": ["$publishedAt", date(now)] }),
    }
    let mut set = Document::new();
    let mut same = Vec::new();
    for (name, value) in fields {
        let stored = format!("${name}");
        if let Some(value) = value {
            // Texts may begin with a dollar sign.
            let value = doc! { "$literal": value };
            same.push(doc! { "$eq": [stored, value.clone()] });
            set.insert(name, value);
        } else {
            same.push(doc! { "$eq": [{ "$type": stored }, "missing"] });
            set.insert(name, "$$REMOVE");
        }
    }
    if let Some(run) = run {
        set.insert("run", doc! { "$cond": [{ "$and": same }, "$run", run] });
    }
    (set, fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn stored(document: &Document) -> StoredArticle {
        bson::deserialize_from_document::<ArticleDocument>(document.clone()).unwrap().into()
    }

    #[test]
    fn articles_are_sorted_by_the_day_and_not_by_its_text() {
        let first_of_december = Some(at("2017-11-30T16:00:00Z"));
        for text in ["2017-12-01", "2017/12/1", "时间：2017年12月1日15:00", "1512-0-0 2017.12.1"] {
            assert_eq!(date_in(text), first_of_december, "{text}");
        }
        assert_eq!(date_in("周五下午"), None);
    }

    #[test]
    fn a_time_is_stored_and_read_with_dashes_and_two_digits() {
        for (time, shown) in
            [("2017/11/9", "2017-11-09"), ("2017-11-9", "2017-11-09"), ("2017年12月1日 15:00", "2017-12-01 15:00")]
        {
            let article = Article { time: time.to_owned(), ..Article::default() };
            let (set, _) = changes(&article, None, at("2026-11-24T00:00:00Z"));
            assert_eq!(set.get_document("time").unwrap().get_str("$literal").unwrap(), shown);
            assert_eq!(stored(&doc! { "_id": ObjectId::new(), "time": time }).time, shown);
        }
    }

    #[test]
    fn an_article_is_known_by_its_time_however_that_was_stored() {
        assert_eq!(stored_times("2017/12/1"), ["2017-12-01", "2017/12/1", "2017-12-1"]);
        assert_eq!(stored_times("周五下午"), ["周五下午", "周五下午"]);
    }

    #[test]
    fn what_the_old_service_stored_is_read() {
        let id = ObjectId::new();
        let taken = bson::DateTime::from_chrono(at("2017-12-01T01:02:03Z"));
        let notice = stored(&doc! {
            "_id": id, "title": "放假通知", "content": "", "href": ["https://files.example/a.doc", "b"], "timestamp": taken,
        });
        assert_eq!((notice.href.as_deref(), notice.time.as_str()), (Some("https://files.example/a.doc"), "2017-12-01"));
        assert_eq!((notice.id, notice.timestamp), (id, Some(at("2017-12-01T01:02:03Z"))));
        let lecture = stored(&doc! { "_id": id, "title": "讲座", "time": "周五下午", "href": [], "speaker": "张三" });
        assert_eq!((lecture.time.as_str(), lecture.href, lecture.timestamp), ("周五下午", None, None));
        assert_eq!(lecture.speaker.as_deref(), Some("张三"));
        assert_eq!(stored(&doc! { "_id": id }).title, "");
    }

    #[test]
    fn a_date_in_the_page_orders_an_article_and_otherwise_the_time_it_was_found() {
        let now = at("2026-11-24T00:00:00Z");
        let (set, fresh) = changes(&Article { time: "2017-12-01".to_owned(), ..Article::default() }, None, now);
        assert!(set.contains_key("publishedAt") && !fresh.contains_key("publishedAt"));
        assert_eq!(set.get_str("href").unwrap(), "$$REMOVE");
        assert!(!set.contains_key("run"));
        let (set, fresh) = changes(&Article { time: "周五下午".to_owned(), ..Article::default() }, Some(3), now);
        assert!(!set.contains_key("publishedAt") && fresh.contains_key("publishedAt"));
        assert!(set.contains_key("run"));
    }

    #[test]
    fn a_text_of_a_page_is_never_read_as_an_expression() {
        let article = Article { title: "$$ROOT".to_owned(), ..Article::default() };
        let (set, _) = changes(&article, Some(1), at("2026-11-24T00:00:00Z"));
        assert_eq!(set.get_document("title").unwrap(), &doc! { "$literal": "$$ROOT" });
    }
}
