//! The course table (`xkAction.do?actionType=6`): the list below the weekly grid, one row per session.
//!
//! A course's first row has a cell for every column; a row for a further session of the same course only has those
//! from the weeks on (the others span several rows). Where a course has no time slot, the server forgets `</tr>`.

use crate::campus::page::dom::{Grid, Page};
use crate::campus::page::{Layer, PageError};

mod session;

pub use session::{CourseTable, Session, WeekSpan};

/// The name of this page on the command line and in errors.
const PAGE: &str = "urp-course";

/// In the title and above the weekly grid.
const MARKER: &str = "选课结果";

/// Columns without which there is no telling what a row says.
const COLUMNS: [&str; 7] = ["课程名", "教师", "周次", "星期", "节次", "教学楼", "教室"];

/// Words the client has no room for in the name of a building: `3号教学楼` is shown as `3教`.
const BUILDING_FILLERS: [&str; 6] = ["综合楼", "学楼", "号", "训练", "区", "地"];

/// No term is longer than a year.
const MAX_WEEK: u8 = 53;

/// Mark of a room with a projector.
const ROOM_FILLER: &str = "(多)";

/// Where the columns are. Those from the weekday on are counted from the weeks, because short rows begin there.
struct Columns {
    width: usize,
    name: usize,
    teacher: usize,
    weeks: usize,
    weekday: usize,
    section: usize,
    building: usize,
    room: usize,
}

/// Reads the sessions in the order of the page. A student without courses has none; a page without the list is an
/// error.
pub fn parse_sessions(html: &str) -> Result<Vec<Session>, PageError> {
    let page = Page::parse(html)?;
    if !page.shows(MARKER) {
        return Err(page.instead(Layer::Urp, PAGE, "the heading 选课结果"));
    }
    let missing = || page.instead(Layer::Urp, PAGE, "the header of the course list");
    let grid = Grid::with_columns(&page, &COLUMNS).ok_or_else(missing)?;
    let columns = Columns::of(&grid).ok_or_else(missing)?;
    let mut sessions = columns.sessions(&grid.rows)?;
    session::colour(&mut sessions);
    Ok(sessions)
}

/// Reads the sessions and sorts them by weekday.
pub fn parse_course_table(html: &str) -> Result<CourseTable, PageError> {
    parse_sessions(html).map(CourseTable::from)
}

impl Columns {
    /// `None` when a column of the session stands to the left of the weeks: then the short rows mean something else.
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
            building: after_weeks("教学楼")?,
            room: after_weeks("教室")?,
        })
    }

    fn sessions(&self, rows: &[Vec<String>]) -> Result<Vec<Session>, PageError> {
        let mut sessions = Vec::with_capacity(rows.len());
        let mut course: Option<&[String]> = None;
        for row in rows {
            if row.len() == self.width - self.weeks {
                let missing = PageError::Changed { page: PAGE, missing: "the course of a further session" };
                let course = course.ok_or(missing)?;
                // An unscheduled course is listed once; further empty slots say nothing.
                if row.iter().any(|cell| !cell.is_empty()) {
                    sessions.push(self.session(course, row));
                }
            } else if row.len() % self.width == 0 {
                for main in row.chunks(self.width) {
                    sessions.push(self.session(main, &main[self.weeks..]));
                    course = Some(main);
                }
            } else {
                return Err(PageError::Changed { page: PAGE, missing: "a cell of a row" });
            }
        }
        Ok(sessions)
    }

    fn session(&self, course: &[String], slot: &[String]) -> Session {
        Session {
            name: course[self.name].clone(),
            place: place(&slot[self.building], &slot[self.room]),
            time: time(&slot[self.section]).to_owned(),
            week: weekday(&slot[self.weekday]),
            weekly: weeks(&slot[0]),
            teacher: teachers(&course[self.teacher]),
            rel: 1,
        }
    }
}

fn place(building: &str, room: &str) -> String {
    let building = BUILDING_FILLERS.iter().fold(building.to_owned(), |name, filler| name.replace(filler, ""));
    building + &room.replace(ROOM_FILLER, "")
}

/// `丁四* 徐五* ` are two teachers.
fn teachers(cell: &str) -> String {
    cell.split(['*', ' ']).filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The pair of lessons that a session begins with; the client knows five of them. The evening's further lessons have
/// none.
fn time(section: &str) -> &'static str {
    match numeral(section) {
        Some(1 | 2) => "1-2",
        Some(3 | 4) => "3-4",
        Some(5 | 6) => "5-6",
        Some(7 | 8) => "7-8",
        Some(9 | 10) => "9-10",
        _ => "",
    }
}

fn weekday(cell: &str) -> Option<u8> {
    match cell {
        "日" | "天" => Some(7),
        _ => numeral(cell).filter(|day| (1..=7).contains(day)),
    }
}

fn numeral(text: &str) -> Option<u8> {
    const CHINESE: [&str; 10] = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"];
    let chinese = (1..).zip(CHINESE).find_map(|(value, numeral)| (numeral == text).then_some(value));
    chinese.or_else(|| text.parse().ok())
}

/// Reads `6-12,14-17周上`. Weeks that cannot be read as a whole are unknown (none) rather than half right.
fn weeks(cell: &str) -> Vec<WeekSpan> {
    let parts: Option<Vec<_>> = cell.split([',', '，', '、']).map(week_spans).collect();
    parts.unwrap_or_default().concat()
}

/// Reads one part of it. Odd or even weeks (`1-9周单`) become single ones.
fn week_spans(part: &str) -> Option<Vec<WeekSpan>> {
    let numbers: String = part.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect();
    let (first, last) = numbers.split_once('-').unwrap_or((&numbers, &numbers));
    let (first, last): (u8, u8) = (first.parse().ok()?, last.parse().ok()?);
    if !(1 <= first && first <= last && last <= MAX_WEEK) {
        return None;
    }
    let (odd, even) = (part.contains('单'), part.contains('双'));
    Some(if odd == even {
        vec![if numbers.contains('-') { WeekSpan::Range(first, last) } else { WeekSpan::Single(first) }]
    } else {
        (first..=last).filter(|week| (week % 2 == 1) == odd).map(WeekSpan::Single).collect()
    })
}

#[cfg(test)]
mod tests;
