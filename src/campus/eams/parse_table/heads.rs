//! The heads of the rows of the weekly grid: the lessons of the day and their times. The cells beside them are filled by a
//! script in the browser and are empty here.

use std::collections::BTreeMap;

use chrono::NaiveTime;
use scraper::ElementRef;

use super::{PAGE, unread};
use crate::campus::page::dom::{Page, cells_of, rows_of, text_of};
use crate::campus::page::{PageError, Reading, numeral};
use crate::model::academic::LessonTime;

/// Id of the grid.
const GRID: &str = "manualArrangeCourseTable";

/// Rows of the grid by their place in the day, which the system counts from 0 and calls unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Heads {
    rows: BTreeMap<u32, Head>,
    /// The times of the lessons.
    pub(super) times: Vec<LessonTime>,
}

/// What the head of a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Head {
    /// The number of a lesson, from 1.
    Lesson(u8),
    /// Another name, such as `午间课`: the row has no number.
    Named(String),
}

impl Heads {
    /// Reads the heads. The rows of a unit are told by the ids of their cells, `TD<day*units+unit>_0`.
    pub(super) fn read(page: &Page<'_>, units: u32) -> Result<Reading<Self>, PageError> {
        let mut read = Reading::<Self>::default();
        for row in page.by_id("table", GRID).into_iter().flat_map(rows_of) {
            let unit = cells_of(row).find_map(cell_number).map(|cell| cell % units);
            let heads: Vec<String> = cells_of(row)
                .filter(|cell| cell_number(*cell).is_none())
                .map(|cell| text_of(cell).split_whitespace().collect())
                .filter(|head: &String| !head.is_empty())
                .collect();
            let numbered = heads.iter().find_map(|head| Some((head, lesson_number(head)?)));
            if let Some((head, lesson)) = numbered {
                match times(head) {
                    Some((begin, end)) => read.data.times.push(LessonTime { lesson, begin, end }),
                    None if head.ends_with('节') => {}
                    None => read.unread.push(unread("节次", head)),
                }
            }
            let Some(unit) = unit else { continue };
            let head = match (numbered, heads.last()) {
                (Some((_, lesson)), _) => Head::Lesson(lesson),
                (None, Some(name)) => Head::Named(name.clone()),
                (None, None) => continue,
            };
            read.data.rows.insert(unit, head);
        }
        let lessons: Vec<u8> = read.data.rows.values().filter_map(Head::lesson).collect();
        if lessons.is_sorted_by(|a, b| a < b) {
            Ok(read)
        } else {
            Err(PageError::Changed { page: PAGE, missing: "lessons in their order" })
        }
    }

    /// The head of a unit's row. On a page without the grid the units are the lessons.
    pub(super) fn of(&self, unit: u32) -> Result<Head, PageError> {
        let changed = PageError::Changed { page: PAGE, missing: "the row of a lesson" };
        if self.rows.is_empty() {
            return u8::try_from(unit + 1).map(Head::Lesson).map_err(|_| changed);
        }
        self.rows.get(&unit).cloned().ok_or(changed)
    }
}

impl Head {
    fn lesson(&self) -> Option<u8> {
        match self {
            Self::Lesson(lesson) => Some(*lesson),
            Self::Named(_) => None,
        }
    }
}

/// The number in the id of a cell that the script fills: 11 of `TD11_0`.
fn cell_number(cell: ElementRef<'_>) -> Option<u32> {
    cell.value().id()?.strip_prefix("TD")?.split_once('_')?.0.parse().ok()
}

/// `第十一节(21:00-21:50)`.
fn lesson_number(head: &str) -> Option<u8> {
    numeral(head.split_once('第')?.1.split_once('节')?.0).filter(|lesson| *lesson > 0)
}

fn times(head: &str) -> Option<(NaiveTime, NaiveTime)> {
    let of_times = |c: char| c.is_ascii_digit() || c == ':' || c == '-';
    let mut spans = head.split(|c: char| !of_times(c)).filter_map(|span| {
        let (begin, end) = span.split_once('-')?;
        let time = |text| NaiveTime::parse_from_str(text, "%H:%M").ok();
        Some((time(begin)?, time(end)?))
    });
    spans.next().filter(|(begin, end)| begin < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &str) -> Result<Reading<Heads>, PageError> {
        let html = format!("<table id=manualArrangeCourseTable><tbody>{rows}</tbody></table>");
        Heads::read(&Page::parse(&html).unwrap(), 3)
    }

    const ROWS: &str = "<tr><td>节次</td><td>星期一</td></tr>\
        <tr><td>上午</td><td>第 一 节<br/>(08:00-08:50)</td><td id=TD0_0></td><td id=TD3_0></td></tr>\
        <tr><td>午间课</td><td id=TD1_0></td><td id=TD4_0></td></tr>\
        <tr><td>下午</td><td>第二节</td><td id=TD2_0></td><td id=TD5_0></td></tr>";

    #[test]
    fn lessons_have_their_numbers_and_a_row_without_one_its_name() {
        let heads = read(ROWS).unwrap();
        assert_eq!(heads.unread, []);
        let of = |unit| heads.data.of(unit).unwrap();
        assert_eq!([of(0), of(1), of(2)], [Head::Lesson(1), Head::Named("午间课".to_owned()), Head::Lesson(2)]);
        let clock = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        assert_eq!(heads.data.times, [LessonTime { lesson: 1, begin: clock(8, 0), end: clock(8, 50) }]);
    }

    #[test]
    fn a_time_of_another_form_is_an_unread_cell() {
        let heads = read(&ROWS.replace("08:00-08:50", "上午八点")).unwrap();
        assert_eq!((heads.data.times.len(), heads.unread), (0, vec![unread("节次", "第一节(上午八点)")]));
    }

    #[test]
    fn without_a_grid_the_units_are_the_lessons_and_with_one_each_needs_its_row() {
        let none = Heads::read(&Page::parse("<p>").unwrap(), 3).unwrap().data;
        assert_eq!(none.of(10), Ok(Head::Lesson(11)));
        assert!(read(ROWS).unwrap().data.of(3).is_err());
    }

    #[test]
    fn lessons_out_of_order_are_a_changed_page() {
        assert!(matches!(read(&ROWS.replace("第二节", "第一节")), Err(PageError::Changed { .. })));
    }
}
