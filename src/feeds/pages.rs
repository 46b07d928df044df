//! University and logistics news: list pages, and an article behind each link.
//!
//! Articles of the same date are listed in the order in which they were stored. So a stretch of the list, back to the
//! beginning of a day, is read first and then stored from oldest to newest; then comes the stretch before it. Most runs
//! have one stretch. A first run has many, and shows the newest articles early even if it is interrupted.

use futures_util::future::join_all;

use super::{
    mend,
    run_context::RunContext,
    run_error::RunError,
    walk::{Listed, Plan, Reach, Walk},
};
use crate::{
    campus::{
        CampusError,
        feed::{self, Link, LinkError, ListPage},
        logistics::Logistics,
        news::News,
    },
    model::Class,
    outbound::System,
    store::Article,
};

/// Pages of a stretch.
const STRETCH: u32 = 20;

/// How often a list page is requested before it counts as unreadable.
const LIST_TRIES: u32 = 2;

/// Most articles of earlier runs that one run retries.
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

    async fn article(self, link: &Link) -> Result<feed::ArticlePage, LinkError> {
        match self {
            Self::News(news) => news.article(link).await,
            Self::Logistics(logistics) => logistics.article(link).await,
        }
    }
}

/// A campus article as it is stored under `key`.
pub(super) fn to_store(key: &str, date: Option<&str>, article: feed::ArticlePage) -> Article {
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

/// Collects everything of `source`, back to the items of run `settled` or to the end of the list.
pub(super) async fn collect(
    context: &RunContext<'_>,
    source: Source<'_>,
    settled: Option<i64>,
) -> Result<Reach, RunError> {
    let mut walk = Walk::new(settled, context.spider.config.spider.max_pages);
    let (mut items, mut pages, mut empty) = (Vec::new(), 0, true);
    let reach = loop {
        let page = match walk.next() {
            Ok(page) => page,
            Err(reach) => break reach,
        };
        match read(context, source, page).await? {
            Ok(list) => {
                let fresh = walk.take(context.look_up(source.class(), page, list).await?);
                empty &= fresh.is_empty();
                context.saw(fresh.len());
                items.extend(fresh.into_iter().filter(|item| item.plan(context.spider.clock.now()) != Plan::Leave));
            }
            Err(error) if page == 1 => return Err(error.into()),
            Err(error) => {
                tracing::warn!(job = context.run.job, page, %error, "a list page cannot be read");
                walk.unreadable();
            }
        }
        pages += 1;
        if pages == STRETCH {
            let later = day_cut_off(&mut items);
            all(context, source, std::mem::replace(&mut items, later)).await?;
            pages = 0;
        }
    };
    if empty {
        return Err(RunError::Empty);
    }
    all(context, source, items).await?;
    let mut due = due(context, source.class()).await?;
    due.retain(|item| !walk.has_shown(&item.key));
    due.extend(mend::garbled(context, source.class()).await?);
    all(context, source, due).await?;
    Ok(reach)
}

/// Takes the items of the last day off the list; the rest of that day is on the next page.
fn day_cut_off(items: &mut Vec<Listed>) -> Vec<Listed> {
    let Some(last) = items.last().and_then(|item| item.date.clone()) else { return Vec::new() };
    let whole_days = items.iter().rposition(|item| item.date.as_ref() != Some(&last)).map_or(0, |at| at + 1);
    items.split_off(whole_days)
}

/// A list page, or why it cannot be read.
async fn read(
    context: &RunContext<'_>,
    source: Source<'_>,
    page: u32,
) -> Result<Result<ListPage, CampusError>, RunError> {
    let (mut tries, mut outages) = (1, 0);
    loop {
        context.turn().await?;
        let error = match source.list(page).await {
            Ok(list) => return Ok(Ok(list)),
            Err(error) => error,
        };
        if context.again(source.system(), &error, &mut outages).await? {
            continue;
        }
        if tries == LIST_TRIES {
            return Ok(Err(error));
        }
        tries += 1;
    }
}

/// Failures of earlier runs that are due for a retry.
async fn due(context: &RunContext<'_>, class: Class) -> Result<Vec<Listed>, RunError> {
    let now = context.spider.clock.now();
    let due = context.spider.store.failures.due(context.run.job, now, RETRIED).await?;
    let again = due.into_iter().filter(|failure| failure.class == class);
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

/// Handles all of `items`, the last one first. Fetches several at once and stores them in order.
async fn all(context: &RunContext<'_>, source: Source<'_>, mut items: Vec<Listed>) -> Result<(), RunError> {
    items.reverse();
    for few in items.chunks(context.spider.config.spider.concurrency) {
        let fetched = join_all(few.iter().map(|item| fetch(context, source, item))).await;
        let mut halted = Ok(());
        for (item, fetched) in few.iter().zip(fetched) {
            let settled = match fetched {
                Ok(Some(fetched)) => settle(context, source.class(), item, fetched).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            // The others are stored all the same.
            halted = halted.and(settled);
        }
        halted?;
    }
    Ok(())
}

/// Fetches the article of an item, if its plan says so.
async fn fetch(
    context: &RunContext<'_>,
    source: Source<'_>,
    item: &Listed,
) -> Result<Option<Result<feed::ArticlePage, LinkError>>, RunError> {
    let plan = context.plan(source.class(), item).await?;
    let (Plan::Fetch, Ok(link)) = (plan, &item.target) else { return Ok(None) };
    let mut outages = 0;
    loop {
        context.turn().await?;
        match source.article(link).await {
            Err(LinkError::Campus(error)) if context.again(source.system(), &error, &mut outages).await? => {}
            fetched => return Ok(Some(fetched)),
        }
    }
}

async fn settle(
    context: &RunContext<'_>,
    class: Class,
    item: &Listed,
    fetched: Result<feed::ArticlePage, LinkError>,
) -> Result<(), RunError> {
    match fetched {
        Ok(article) => context.store(class, item, &to_store(&item.key, item.date.as_deref(), article)).await,
        Err(error) => context.fail(class, item, error).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: &str, date: Option<&str>) -> Listed {
        let url = format!("http://news.example/{key}").parse().unwrap();
        let date = date.map(str::to_owned);
        let link = Link { url, title: key.to_owned(), date: date.clone() };
        Listed {
            key: key.to_owned(),
            title: key.to_owned(),
            date,
            target: Ok(link),
            page: 1,
            known: None,
            failure: None,
        }
    }

    fn keys(items: &[Listed]) -> Vec<&str> {
        items.iter().map(|item| item.key.as_str()).collect()
    }

    #[test]
    fn a_stretch_ends_with_a_whole_day() {
        let mut items = vec![item("d", Some("3")), item("c", Some("2")), item("b", Some("1")), item("a", Some("1"))];
        let later = day_cut_off(&mut items);
        assert_eq!((keys(&items), keys(&later)), (vec!["d", "c"], vec!["b", "a"]));
        let mut undated = vec![item("b", None), item("a", None)];
        assert!(day_cut_off(&mut undated).is_empty() && undated.len() == 2);
        assert!(day_cut_off(&mut Vec::new()).is_empty());
    }
}
