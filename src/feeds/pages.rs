//! University and logistics news: list pages, and an article behind each link.
//!
//! The list is walked first, then the articles are stored from the oldest to the newest: what has the same date is
//! listed in the order in which it was stored.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::{
    walk::{Listed, Plan, Reach, Walk},
    work::{Halt, Work},
};
use crate::{
    campus::{
        CampusError,
        feed::{self, Link, LinkError, ListPage},
        logistics::Logistics,
        news::News,
    },
    outbound::System,
    store::{Article, Class},
};

/// How often a list page is asked for before it counts as unreadable.
const LIST_TRIES: u32 = 2;

/// Most articles of earlier runs that one run tries again.
const RETRIED: i64 = 50;

/// Where the articles come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    News(&'a News),
    Logistics(&'a Logistics),
}

impl Source<'_> {
    fn system(self) -> System {
        match self {
            Self::News(_) => System::News,
            Self::Logistics(_) => System::Logistics,
        }
    }

    pub(super) fn class(self) -> Class {
        match self {
            Self::News(_) => Class::News,
            Self::Logistics(_) => Class::Logistics,
        }
    }

    async fn list(self, page: u32) -> Result<ListPage, CampusError> {
        match self {
            Self::News(news) => news.list(page).await,
            Self::Logistics(logistics) => logistics.list(page).await,
        }
    }

    async fn article(self, link: &Link) -> Result<feed::Article, LinkError> {
        match self {
            Self::News(news) => news.article(link).await,
            Self::Logistics(logistics) => logistics.article(link).await,
        }
    }
}

/// An article of the campus, as it is stored under `key`.
pub(super) fn to_store(key: &str, date: Option<&str>, article: feed::Article) -> Article {
    let time = if article.time.is_empty() { date.unwrap_or_default().to_owned() } else { article.time };
    Article {
        key: key.to_owned(),
        title: article.title,
        time,
        tag: article.tag,
        content: article.text,
        images: article.images.into_iter().map(String::from).collect(),
        ..Article::default()
    }
}

/// Collects everything of `source`, back to what run `settled` knew or to the end of the list.
pub(super) async fn collect(work: &Work<'_>, source: Source<'_>, settled: Option<i64>) -> Result<Reach, Halt> {
    let (reach, mut items) = list(work, source, settled).await?;
    let listed: HashSet<String> = items.iter().map(|item| item.key.clone()).collect();
    items.reverse();
    all(work, source, items).await?;
    all(work, source, due(work, source.class(), &listed).await?).await?;
    Ok(reach)
}

/// Walks the list; gives what is to be looked at, the newest first.
async fn list(work: &Work<'_>, source: Source<'_>, settled: Option<i64>) -> Result<(Reach, Vec<Listed>), Halt> {
    let mut walk = Walk::new(settled, work.spider.config.spider.max_pages);
    let mut items = Vec::new();
    let mut seen = false;
    let reach = loop {
        let page = match walk.next() {
            Ok(page) => page,
            Err(reach) => break reach,
        };
        match read(work, source, page).await? {
            Ok(list) => {
                let fresh = walk.take(work.look_up(source.class(), page, list).await?);
                seen |= !fresh.is_empty();
                work.saw(fresh.len());
                // A list has thousands of articles; those that need nothing are not kept.
                items.extend(fresh.into_iter().filter(|item| item.plan(work.spider.clock.now()) != Plan::Leave));
            }
            Err(error) if page == 1 => return Err(error.into()),
            Err(error) => {
                tracing::warn!(job = work.run.job, page, %error, "a list page cannot be read");
                walk.unreadable();
            }
        }
    };
    if seen { Ok((reach, items)) } else { Err(Halt::Empty) }
}

/// A list page, or why it cannot be read.
async fn read(work: &Work<'_>, source: Source<'_>, page: u32) -> Result<Result<ListPage, CampusError>, Halt> {
    let (mut tries, mut outages) = (1, 0);
    loop {
        work.turn().await?;
        let error = match source.list(page).await {
            Ok(list) => return Ok(Ok(list)),
            Err(error) => error,
        };
        if work.again(source.system(), error, &mut outages).await? {
            continue;
        }
        if tries == LIST_TRIES {
            return Ok(Err(error));
        }
        tries += 1;
    }
}

/// What failed in earlier runs and is due for another try, as far as it is not among the `listed`.
async fn due(work: &Work<'_>, class: Class, listed: &HashSet<String>) -> Result<Vec<Listed>, Halt> {
    let now = work.spider.clock.now();
    let due = work.spider.store.failures.due(work.run.job, now, RETRIED).await?;
    let again = due.into_iter().filter(|failure| failure.class == class && !listed.contains(&failure.key));
    let listed = again.filter_map(|failure| {
        let link = Link { url: failure.key.parse().ok()?, title: failure.title.clone(), date: failure.date.clone() };
        Some(Listed {
            key: failure.key,
            title: failure.title,
            date: failure.date,
            target: Ok(link),
            page: 0,
            known: None,
            failure: Some(failure.known),
        })
    });
    Ok(listed.collect())
}

/// Deals with all of `items`. Several are fetched at once, and stored in order.
async fn all(work: &Work<'_>, source: Source<'_>, items: Vec<Listed>) -> Result<(), Halt> {
    for few in items.chunks(work.spider.config.spider.concurrency) {
        let fetched = join_all(few.iter().map(|item| fetch(work, source, item))).await;
        let mut halted = Ok(());
        for (item, fetched) in few.iter().zip(fetched) {
            let settled = match fetched {
                Ok(Some(fetched)) => settle(work, source.class(), item, fetched).await,
                Ok(None) => Ok(()),
                Err(halt) => Err(halt),
            };
            // The others are stored all the same.
            halted = halted.and(settled);
        }
        halted?;
    }
    Ok(())
}

/// What is behind an item, if it is to be fetched.
async fn fetch(
    work: &Work<'_>,
    source: Source<'_>,
    item: &Listed,
) -> Result<Option<Result<feed::Article, LinkError>>, Halt> {
    let plan = work.plan(source.class(), item).await?;
    let (Plan::Fetch, Ok(link)) = (plan, &item.target) else { return Ok(None) };
    let mut outages = 0;
    loop {
        work.turn().await?;
        match source.article(link).await {
            Err(LinkError::Campus(error)) if work.again(source.system(), error, &mut outages).await? => {}
            fetched => return Ok(Some(fetched)),
        }
    }
}

async fn settle(
    work: &Work<'_>,
    class: Class,
    item: &Listed,
    fetched: Result<feed::Article, LinkError>,
) -> Result<(), Halt> {
    match fetched {
        Ok(article) => work.store(class, item, &to_store(&item.key, item.date.as_deref(), article)).await,
        Err(error) => work.fail(class, item, error).await,
    }
}
