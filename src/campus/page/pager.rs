//! Lists on several pages: what a page says about the others, and how to get the next one.

use super::clean;
use super::dom::{Page, text_of};

/// What a page says about its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pager {
    /// Number of this page, from 1.
    pub page: u32,
    /// Number of pages.
    pub pages: u32,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf<T, N> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Its pager, if it has one.
    pub pager: Option<Pager>,
    /// Number of rows of all pages together, if the page says so.
    pub total: Option<usize>,
    /// What to request for the next page.
    pub next: Option<N>,
}

impl<T, N> Leaf<T, N> {
    /// Whether the list has more than this page.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.next.is_some()
            || self.pager.is_some_and(|pager| pager.pages > 1)
            || self.total.is_some_and(|total| total > self.rows.len())
    }
}

/// The pager in a page: `第1/2页`, `第1页/共2页`.
pub(crate) fn pager_of(page: &Page<'_>) -> Option<Pager> {
    texts(page).find_map(|text| {
        let (_, rest) = text.split_once('第')?;
        let (number, rest) = leading_number(rest)?;
        let rest = rest.strip_prefix('页').unwrap_or(rest);
        let rest = rest.trim_start_matches(['/', '，', ',', '共']);
        let (pages, rest) = leading_number(rest)?;
        (rest.starts_with('页') && 1 <= number && number <= pages).then_some(Pager { page: number, pages })
    })
}

/// The number of rows of the whole list: `共12项`, `共检索到31条记录`.
pub(crate) fn total_of(page: &Page<'_>) -> Option<usize> {
    texts(page).find_map(|text| {
        text.split('共').skip(1).find_map(|rest| {
            let rest = ["检索到", "找到", "有"].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
            let (number, rest) = leading_number(rest)?;
            ["项", "条", "本", "册", "个记录"].iter().any(|unit| rest.starts_with(unit)).then_some(number as usize)
        })
    })
}

/// The short texts of the page, one per cell or label, without white space.
fn texts(page: &Page<'_>) -> impl Iterator<Item = String> {
    let cells = page.all().filter(|element| matches!(element.value().name(), "td" | "th" | "span" | "div" | "p"));
    let cells = cells.filter(|element| !element.descendent_elements().any(|part| part.value().name() == "table"));
    cells
        .map(text_of)
        .chain(page.seen_texts().map(clean))
        .filter(|text| text.chars().count() <= 200)
        .map(|text| text.chars().filter(|c| !c.is_whitespace()).collect())
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pagers_and_totals_are_read_in_every_spelling() {
        let read = |html: &str| {
            let page = Page::parse(html).unwrap();
            (pager_of(&page).map(|pager| (pager.page, pager.pages)), total_of(&page))
        };
        assert_eq!(read("<td>共12项 &nbsp;每页 10 项&nbsp;第1/2页 <a>下一页</a></td>"), (Some((1, 2)), Some(12)));
        assert_eq!(read("<td>第 1 页/共 2 页</td>"), (Some((1, 2)), None));
        assert_eq!(read("<span>共检索到<b>31</b>条记录</span>"), (None, Some(31)));
        assert_eq!(read("<td>第1章 共同基础</td><td>共3学分</td><td>第3/2页"), (None, None));
    }
}
