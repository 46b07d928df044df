//! The list of courses below the grid: the only place of courses without a time.

use super::{PAGE, limited, names_in, unread};
use crate::campus::eams::list::List;
use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{PageError, Reading};
use crate::model::academic::{Unscheduled, Weeks};

/// Columns without which a row cannot be understood: name and number of the class.
const COLUMNS: [&str; 2] = ["课程名称", "课程序号"];

/// Reads the list, each class once. A student without courses has none.
pub(super) fn courses(page: &Page<'_>, html: &str) -> Result<Reading<Vec<Unscheduled>>, PageError> {
    let names_all = |names: &[String]| COLUMNS.iter().all(|column| names.iter().any(|name| name == column));
    let list = List::find(page, html, PAGE, names_all)?;
    let mut read = Reading::<Vec<Unscheduled>>::default();
    for row in list.rows() {
        let text = |column| list.column(column).map(|column| text_of(row[column])).unwrap_or_default();
        let course = Unscheduled {
            code: text("课程代码"),
            lesson: text("课程序号"),
            name: limited(&text("课程名称"), super::MAX_NAME),
            teachers: names_in(&text("教师")),
            weeks: Weeks::default(),
            note: limited(&text("备注"), super::MAX_NOTE),
        };
        if course.lesson.is_empty() || course.name.is_empty() {
            return Err(PageError::Changed { page: PAGE, missing: "name and number of a course" });
        }
        if read.data.iter().any(|known| known.lesson == course.lesson) {
            continue;
        }
        let span = text("起止周");
        let weeks = weeks(&span);
        if weeks.is_none() {
            read.unread.push(unread("起止周", &span));
        }
        read.data.push(Unscheduled { weeks: weeks.unwrap_or_default(), ..course });
    }
    Ok(read)
}

/// `1-16` or `3`, with or without the words for weeks; nothing is no weeks.
fn weeks(text: &str) -> Option<Weeks> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace() && !"第周".contains(*c)).collect();
    if bare.is_empty() {
        return Some(Weeks::default());
    }
    let (first, last) = bare.split_once(['-', '~']).unwrap_or((&bare, &bare));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (1 <= first && first <= last && last <= Weeks::LAST).then(|| Weeks::range(first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str, row: &str) -> Result<Reading<Vec<Unscheduled>>, PageError> {
        let html = format!("<table><tr>{header}</tr><tr>{row}</tr></table>");
        courses(&Page::parse(&html).unwrap(), &html)
    }

    #[test]
    fn a_list_with_other_columns_is_read() {
        let header = "<th>课程序号</th><th>课程名称</th><th>教师</th><th>起止周</th><th>操作</th>";
        let row = |weeks: &str| {
            format!("<td>A.1</td><td>化学<sup>双语</sup></td><td>钟岚,贺一舟</td><td>{weeks}</td><td>x</td>")
        };
        let course = read(header, &row("第1-16周")).unwrap();
        assert_eq!(course.unread, []);
        let expected = Unscheduled {
            lesson: "A.1".to_owned(),
            name: "化学双语".to_owned(),
            teachers: vec!["钟岚".to_owned(), "贺一舟".to_owned()],
            weeks: Weeks::range(1, 16),
            ..Unscheduled::default()
        };
        assert_eq!(course.data, [expected]);
        let strange = read(header, &row("上半学期")).unwrap();
        assert_eq!(strange.unread, [unread("起止周", "上半学期")]);
        assert!(strange.data[0].weeks.is_empty());
    }

    #[test]
    fn a_row_without_name_or_number_is_a_changed_page() {
        let header = "<th>课程序号</th><th>课程名称</th>";
        for row in ["<td>A.1</td><td></td>", "<td></td><td>化学</td>", "<td>A.1</td>"] {
            assert!(matches!(read(header, row), Err(PageError::Changed { .. })), "{row}");
        }
        assert!(matches!(read("<th>课程名称</th>", "<td>化学</td>"), Err(PageError::Changed { .. })));
    }
}
