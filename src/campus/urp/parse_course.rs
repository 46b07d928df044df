//! The course table (`xkAction.do?actionType=6`): the list below the weekly grid, one row per meeting.
//!
//! A course's first row has a cell for every column; a row for a further meeting of the course has only those from the
//! weeks on (the others span several rows). After a course without a time slot the server forgets `</tr>`.

use crate::campus::page::dom::{Grid, Page};
use crate::campus::page::{Layer, PageError, Reading, Said, UnreadCell};
use crate::model::{ClassHour, CourseTable, WeekSpan, colour, pairs, short_building, short_room};

mod cells;

use cells::{lessons, weekday, weeks};

/// Name of this page on the command line and in errors.
const PAGE: &str = "urp-course";

/// Words in the title and above the weekly grid.
const MARKER: &str = "选课结果";

/// Columns without which a row cannot be understood.
const COLUMNS: [&str; 7] = ["课程名", "教师", "周次", "星期", "节次", "教学楼", "教室"];

/// The positions of the columns. Those from the weekday on count from the weeks, where short rows begin.
struct Columns {
    width: usize,
    name: usize,
    teacher: usize,
    weeks: usize,
    weekday: usize,
    section: usize,
    /// Number of lessons (节数); pages of some schools have no such column.
    count: Option<usize>,
    building: usize,
    room: usize,
}

/// Reads the class hours in the order of the page, one for each pair of lessons that a meeting touches. A student without
/// courses has none; a page without the list is an error. `term_weeks`: how many weeks `全周` is.
pub fn parse_class_hours(html: &str, term_weeks: u8) -> Result<Reading<Vec<ClassHour>>, PageError> {
    let page = Page::parse(html)?;
    if !page.shows(MARKER) {
        return Err(page.instead(Layer::Urp, PAGE, "the heading 选课结果"));
    }
    let missing = || page.instead(Layer::Urp, PAGE, "the header of the course list");
    let grid = Grid::with_columns(&page, &COLUMNS).ok_or_else(missing)?;
    let columns = Columns::of(&grid).ok_or_else(missing)?;
    let mut read = columns.hours(&grid, term_weeks)?;
    if read.data.is_empty() {
        if let Some(refusal) = page.refusal() {
            return Err(refusal);
        }
        if !page.is_whole() {
            return Err(PageError::Changed { page: PAGE, missing: "the end of the page" });
        }
    }
    colour(&mut read.data);
    Ok(read)
}

/// Reads the class hours and sorts them by weekday.
pub fn parse_course_table(html: &str, term_weeks: u8) -> Result<Reading<CourseTable>, PageError> {
    Ok(parse_class_hours(html, term_weeks)?.map(CourseTable::from))
}

impl Columns {
    /// `None` when a column of the meeting is to the left of the weeks: then short rows have another meaning.
    fn of(grid: &Grid) -> Option<Self> {
        let weeks = grid.column("周次")?;
        let after_weeks = |name| grid.column(name)?.checked_sub(weeks);
        Some(Self {
            width: grid.width(),
            name: grid.column("课程名")?,
            teacher: grid.column("教师")?,
            weeks,
            weekday: after_weeks("星期")?,
            section: after_weeks("节次")?,
            count: after_weeks("节数"),
            building: after_weeks("教学楼")?,
            room: after_weeks("教室")?,
        })
    }

    fn hours(&self, grid: &Grid, term_weeks: u8) -> Result<Reading<Vec<ClassHour>>, PageError> {
        let mut read = Reading::<Vec<ClassHour>>::default();
        // For each column: in how many more rows the cell above still holds, and its text.
        let mut above: Vec<(u16, String)> = Vec::new();
        for (row, spans) in grid.rows.iter().zip(&grid.spans) {
            let free = above.iter().filter(|(left, _)| *left == 0).count();
            if row.len() % self.width == 0 {
                for (main, spans) in row.chunks(self.width).zip(spans.chunks(self.width)) {
                    self.meeting(&mut read, main, term_weeks);
                    above = spans.iter().zip(main).map(|(span, text)| (span - 1, text.clone())).collect();
                }
            } else if above.is_empty() && row.len() == self.width - self.weeks {
                return Err(PageError::Changed { page: PAGE, missing: "the course of a further class hour" });
            } else if !above.is_empty() && (row.len() == free || row.len() == self.width - self.weeks) {
                // A row for a further meeting has no cells for columns that a cell above spans. Some pages count those
                // rows wrongly; then all cells from the weeks on are there.
                let by_span = row.len() == free;
                let mut cells = row.iter().zip(spans);
                let mut full = Vec::with_capacity(self.width);
                for (column, (left, text)) in above.iter_mut().enumerate() {
                    let spanned = if by_span { *left > 0 } else { column < self.weeks };
                    if spanned {
                        *left = left.saturating_sub(1);
                    } else if let Some((own, span)) = cells.next() {
                        (*left, *text) = (span - 1, own.clone());
                    }
                    full.push(text.clone());
                }
                // An unscheduled course is listed once; its further empty slots are ignored.
                if row.iter().any(|cell| !cell.is_empty()) {
                    self.meeting(&mut read, &full, term_weeks);
                }
            } else {
                return Err(PageError::Changed { page: PAGE, missing: "a cell of a row" });
            }
        }
        for message in grid.messages.iter().filter(|message| !message.is_empty()) {
            read.unread.push(unread("行", message));
        }
        Ok(read)
    }

    /// Adds a row of full width. A cell that is not understood leaves its value unknown, and is reported.
    fn meeting(&self, read: &mut Reading<Vec<ClassHour>>, row: &[String], term_weeks: u8) {
        let slot = &row[self.weeks..];
        let count = self.count.map_or("", |count| slot[count].as_str());
        let (weekly, week) = (weeks(&slot[0], term_weeks), weekday(&slot[self.weekday]));
        let range = lessons(&slot[self.section], count);
        let understood = [
            ("周次", slot[0].as_str(), weekly.is_some() || cells::are_no_weeks(&slot[0])),
            ("星期", slot[self.weekday].as_str(), week.is_some()),
            ("节次", slot[self.section].as_str(), range.is_some()),
            ("节数", count, cells::is_count(count)),
        ];
        for (column, text, _) in understood.into_iter().filter(|(_, text, understood)| !understood && !text.is_empty())
        {
            read.unread.push(unread(column, text));
        }
        let hour = ClassHour {
            name: row[self.name].clone(),
            place: place(&slot[self.building], &slot[self.room]),
            time: String::new(),
            week,
            weekly: weekly.unwrap_or_default(),
            teacher: teachers(&row[self.teacher]),
            rel: 1,
            sections: range.map(|(first, last)| [first, last]),
            key: None,
            campus: None,
            clock: None,
        };
        let pieces = range.map_or_else(|| vec![""], |(first, last)| pairs(first, last));
        read.data.extend(pieces.into_iter().map(|time| ClassHour { time: time.to_owned(), ..hour.clone() }));
    }
}

fn unread(column: &'static str, text: &str) -> UnreadCell {
    UnreadCell { page: PAGE, column, text: Said::new(text) }
}

fn place(building: &str, room: &str) -> String {
    short_building(building) + &short_room(room)
}

/// `丁四* 徐五* ` are two teachers.
fn teachers(cell: &str) -> String {
    cell.split(['*', ' ']).filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
