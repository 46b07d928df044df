//! The lists of EAMS: tables whose header names their columns. Schools arrange the columns differently.

use std::iter::repeat_n;

use scraper::ElementRef;

use super::signals;
use crate::campus::page::PageError;
use crate::campus::page::dom::{Page, cells_of, label_of, rows_of};

/// Most columns that one cell can go over.
const MAX_COLUMNS: usize = 40;

/// A list, with the elements of its cells.
pub(super) struct List<'a> {
    names: Vec<String>,
    rows: Vec<Vec<ElementRef<'a>>>,
}

impl<'a> List<'a> {
    /// The first table with a row whose cells are names that satisfy `is_header`. `html` is the source of `page`.
    ///
    /// A page without it is what [`signals::instead`] says. A list that is cut off, a row that has not one cell for each
    /// column, and a list without rows whose source has cells are changed pages of that `name`.
    pub(super) fn find(
        page: &'a Page<'_>,
        html: &str,
        name: &'static str,
        is_header: impl Fn(&[String]) -> bool,
    ) -> Result<Self, PageError> {
        Self::read(page, html, name, is_header, |row| cells_of(row).collect())
    }

    /// As [`List::find`], but a cell that goes over several columns stands in each of them.
    pub(super) fn find_spread(
        page: &'a Page<'_>,
        html: &str,
        name: &'static str,
        is_header: impl Fn(&[String]) -> bool,
    ) -> Result<Self, PageError> {
        Self::read(page, html, name, is_header, |row| {
            cells_of(row).flat_map(|cell| repeat_n(cell, columns_spanned(cell))).collect()
        })
    }

    fn read(
        page: &'a Page<'_>,
        html: &str,
        name: &'static str,
        is_header: impl Fn(&[String]) -> bool,
        cells: impl Fn(ElementRef<'a>) -> Vec<ElementRef<'a>>,
    ) -> Result<Self, PageError> {
        let list = page.elements("table").find_map(|table| Self::of(table, &is_header, &cells));
        let list = list.ok_or_else(|| signals::instead(page, name, "the header of the list"))?;
        let changed = |missing| PageError::Changed { page: name, missing };
        let body = body(html).ok_or(changed("the end of the list"))?;
        if list.rows.iter().any(|row| row.len() != list.names.len()) {
            return Err(changed("a cell for each column"));
        }
        if list.rows.is_empty() && body.contains("<td") {
            return Err(changed("the rows of the list"));
        }
        Ok(list)
    }

    fn of(
        table: ElementRef<'a>,
        is_header: impl Fn(&[String]) -> bool,
        cells: impl Fn(ElementRef<'a>) -> Vec<ElementRef<'a>>,
    ) -> Option<Self> {
        let mut rows = rows_of(table);
        let names = rows.by_ref().find_map(|row| {
            let names: Vec<String> =
                cells(row).into_iter().map(|cell| bare(&label_of(cell).unwrap_or_default())).collect();
            is_header(&names).then_some(names)
        })?;
        let rows = rows.map(cells).filter(|row: &Vec<_>| !row.is_empty());
        Some(Self { names, rows: rows.collect() })
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The rows, each with a cell for every column.
    pub(super) fn rows(&self) -> &[Vec<ElementRef<'a>>] {
        &self.rows
    }

    /// The place of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

/// Over how many columns a cell goes.
pub(super) fn columns_spanned(cell: ElementRef<'_>) -> usize {
    let span = cell.attr("colspan").and_then(|span| span.trim().parse::<usize>().ok());
    span.unwrap_or(1).clamp(1, MAX_COLUMNS)
}

/// A name of a column or a label without blanks and the colon at its end.
pub(super) fn bare(label: &str) -> String {
    let label: String = label.split_whitespace().collect();
    label.trim_end_matches([':', '：']).to_owned()
}

/// The source from the last header to the end of its table; `None` for a page that was cut off before.
fn body(html: &str) -> Option<String> {
    let html = html.to_ascii_lowercase();
    let (_, after) = html.rsplit_once("</th")?;
    after.split_once("</table").map(|(body, _)| body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campus::page::dom::text_of;

    const HEADER: &str =
        "<table><tr><td>别的</td></tr></table><table><thead><tr><th>名 称：</th><th>容量</th></tr></thead>";

    fn read(rest: &str) -> Result<Vec<Vec<String>>, PageError> {
        let html = format!("{HEADER}{rest}");
        let page = Page::parse(&html).unwrap();
        let list = List::find(&page, &html, "eams-rooms", |names| names.iter().any(|name| name == "名称"))?;
        assert_eq!((list.column("容量"), list.column("校区")), (Some(1), None));
        Ok(list.rows().iter().map(|row| row.iter().map(|cell| text_of(*cell)).collect()).collect())
    }

    fn read_spread(rest: &str) -> Result<Vec<Vec<String>>, PageError> {
        let html = format!("{HEADER}{rest}");
        let page = Page::parse(&html).unwrap();
        let list = List::find_spread(&page, &html, "eams-rooms", |names| names.iter().any(|name| name == "名称"))?;
        Ok(list.rows().iter().map(|row| row.iter().map(|cell| text_of(*cell)).collect()).collect())
    }

    #[test]
    fn a_list_is_found_by_its_header_without_blanks_and_colons() {
        assert_eq!(read("<tbody><tr><td>3103<td>\u{a0}120</tr></tbody></table>").unwrap(), [["3103", "120"]]);
        assert_eq!(read("<tbody><tr></tr></tbody></table>").unwrap(), Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_cell_over_several_columns_stands_in_each_where_it_is_asked_for() {
        let rows = "<tbody><tr><td>3103<td>120</tr><tr><td colspan=' 2 '>停用</tr></tbody></table>";
        assert!(read(rows).is_err());
        assert_eq!(read_spread(rows).unwrap(), [["3103", "120"], ["停用", "停用"]]);
        assert!(read_spread(&rows.replace(" 2 ", "4000000000")).is_err());
    }

    #[test]
    fn a_list_that_is_cut_off_or_torn_is_a_changed_page() {
        let missing = |rest: &str| match read(rest) {
            Err(PageError::Changed { missing, .. }) => missing,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing("<tbody><tr><td>3103<td>120</tr>"), "the end of the list");
        assert_eq!(missing("<tbody><tr><td>3103</tr></table>"), "a cell for each column");
        assert_eq!(missing("<tbody id=\"x><tr><td>3103</td><td>120</td></tr></table>"), "the rows of the list");
    }
}
