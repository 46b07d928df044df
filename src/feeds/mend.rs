//! Repairs articles that were stored in a wrong character set: UTF-8 read as GBK (`棰樼洰` for `题目`). They are fetched
//! again, wherever they stand in the list. A lecture has no address; its garbled copy is removed once the board shows
//! it correctly.

use super::{run_context::RunContext, run_error::RunError, walk::Listed};
use crate::{
    campus::{bulletin::Lecture, feed::Link, page::ungarbled},
    model::Class,
};

/// Most articles that one run repairs; the next run continues.
const MENDED: usize = 200;

/// Shortest common beginning of two titles, in characters, that proves the same lecture.
const LEAST: usize = 4;

/// The garbled articles of `class`, to be fetched again.
pub(super) async fn garbled(context: &RunContext<'_>, class: Class) -> Result<Vec<Listed>, RunError> {
    let stored = &context.spider.store.articles;
    let found = stored.garbled(class, |text| ungarbled(text).is_some(), MENDED).await?;
    if !found.is_empty() {
        tracing::warn!(
            class = class.name(),
            count = found.len(),
            "articles stored in a wrong character set are fetched again"
        );
    }
    let listed = found.into_iter().filter_map(|(key, title)| {
        let title = ungarbled(&title).unwrap_or(title);
        let link = Link { url: key.parse().ok()?, title: title.clone(), date: None };
        Some(Listed { key, title, date: None, target: Ok(link), page: 0, known: None, failure: None })
    });
    Ok(listed.collect())
}

/// Removes the garbled copies of lectures that the board shows correctly.
pub(super) async fn lectures(context: &RunContext<'_>, board: &[Lecture]) -> Result<(), RunError> {
    let stored = &context.spider.store.articles;
    for (key, title) in stored.garbled(Class::Lecture, |text| ungarbled(text).is_some(), MENDED).await? {
        let meant = ungarbled(&title).unwrap_or(title);
        let sure = meant.split('\u{FFFD}').next().unwrap_or_default();
        if sure.chars().count() >= LEAST && board.iter().any(|lecture| lecture.title.starts_with(sure)) {
            context.lease.check()?;
            stored.remove(Class::Lecture, &key).await?;
        }
    }
    Ok(())
}
