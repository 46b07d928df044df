//! Articles that were stored as text in a wrong character set: UTF-8 that was read as GBK (`棰樼洰` for `题目`). They are
//! fetched again, wherever in the list they stand; a lecture, which has no address, is removed once the board shows it as
//! it is meant.

use super::{run_context::RunContext, run_error::RunError, walk::Listed};
use crate::{
    campus::{bulletin::Lecture, feed::Link, page::ungarbled},
    model::Class,
};

/// Most articles that one run mends; the next goes on.
const MENDED: usize = 200;

/// Shorter beginnings of titles are no proof that two are the same lecture, in characters.
const LEAST: usize = 4;

/// The stored articles of `class` that are to be fetched again.
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

/// Removes the lectures that were stored in a wrong character set and are on the board, where they can be read.
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
