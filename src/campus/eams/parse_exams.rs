//! Examinations: the batches of a term (`GET stdExamTable.action`) and the list of one batch
//! (`GET stdExamTable!examTable.action`). `wehpu-engine parse` reads these pages; no client asks for them.

use chrono::{Datelike, NaiveDate, NaiveTime};
use scraper::ElementRef;

use super::list::{List, columns_spanned};
use super::parse_table::limited;
use super::signals::{instead, signal_on};
use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{PageError, Reading, Said, UnreadCell};
use crate::model::academic::{Exam, ExamBatch, ExamState};

/// Name of the list on the command line and in errors.
const PAGE: &str = "eams-exam";

/// Name of the page with the batches on the command line and in errors.
const BATCH_PAGE: &str = "eams-exam-batches";

/// Names of the choice: of a batch, in older builds of a kind of examination.
const CHOICES: [&str; 2] = ["examBatch.id", "examType.id"];

/// Words of a cell for which nothing is set yet.
const UNSET: [&str; 2] = ["未安排", "尚未发布"];

/// What the column of the situation usually says; only other words are worth a note.
const USUAL: &str = "正常";

/// Part of the address of the plan of seats, to which one build links beside the seat.
const SEAT_PLAN: &str = "examRoom.id=";

/// Longest name, in characters.
const MAX_NAME: usize = 100;

/// Longest note, in characters.
const MAX_NOTE: usize = 200;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Code,
    Lesson,
    Name,
    Kind,
    Date,
    Time,
    Campus,
    Building,
    Room,
    Seat,
    Situation,
    Note,
    /// Nothing that is shown.
    None,
    /// A column that nobody has described.
    Unknown,
}

/// The columns that were seen, in four arrangements.
const COLUMNS: [(&str, Field); 18] = [
    ("课程代码", Field::Code),
    ("课程序号", Field::Lesson),
    ("课程名称", Field::Name),
    ("考试类别", Field::Kind),
    ("考试类型", Field::Kind),
    ("考试日期", Field::Date),
    ("考试安排", Field::Time),
    ("考试时间", Field::Time),
    ("考场校区", Field::Campus),
    ("考场教学楼", Field::Building),
    ("考场教室", Field::Room),
    ("考试地点", Field::Room),
    ("考场座位", Field::Seat),
    ("座位号", Field::Seat),
    ("考试情况", Field::Situation),
    ("其他说明", Field::Note),
    ("其它说明", Field::Note),
    ("序号", Field::None),
];

/// Reads the batches, or in older builds the kinds of examination, that a list can be asked for. A choice with nothing
/// to choose is an empty list; a page without the choice is an error.
pub fn parse_exam_batches(html: &str) -> Result<Vec<ExamBatch>, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let is_choice = |select: &ElementRef<'_>| select.attr("name").is_some_and(|name| CHOICES.contains(&name));
    let Some(select) = page.elements("select").find(is_choice) else {
        return Err(instead(&page, BATCH_PAGE, "the choice of a batch"));
    };
    let options = select.descendent_elements().filter(|option| option.value().name() == "option");
    let batches = options.filter_map(|option| {
        let system_id = option.attr("value").map(str::trim).filter(|value| !value.is_empty())?.to_owned();
        Some(ExamBatch { system_id, name: text_of(option), current: option.attr("selected").is_some() })
    });
    let batches: Vec<ExamBatch> = batches.filter(|batch| !batch.name.is_empty()).collect();
    if batches.is_empty() && !has_empty_choice(html) {
        return Err(instead(&page, BATCH_PAGE, "a batch of examinations"));
    }
    Ok(batches)
}

/// Whether the choice stands in the source with nothing between its begin and its end.
fn has_empty_choice(html: &str) -> bool {
    CHOICES.iter().any(|name| {
        let inside = html.split_once(name).and_then(|(_, rest)| rest.split_once('>')?.1.split_once("</select"));
        inside.is_some_and(|(inside, _)| inside.trim().is_empty())
    })
}

/// Reads the examinations in the order of the page, without their batch, which the page does not name. None announced
/// is an empty list; a missing list is an error.
///
/// An examination is set when day, begin and end are told and nothing in its row says that something is not set yet. A
/// date or a time of another form, a text across several columns and a filled unknown column are unread cells.
pub fn parse_exams(html: &str) -> Result<Reading<Vec<Exam>>, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let list = List::find_spread(&page, html, PAGE, is_header)?;
    let fields: Vec<Field> = list.names().iter().map(|name| field(name)).collect();
    let mut read = Reading::<Vec<Exam>>::default();
    for row in list.rows() {
        if row.iter().all(|cell| text_of(*cell).is_empty()) {
            continue;
        }
        let exam = exam(&fields, row, &mut read.unread);
        if exam.name.is_empty() {
            return Err(PageError::Changed { page: PAGE, missing: "the name of a course" });
        }
        read.data.push(exam);
    }
    if read.data.is_empty()
        && let Some(refusal) = page.refusal()
    {
        return Err(refusal);
    }
    let unknown = fields.iter().enumerate().filter(|(_, field)| **field == Field::Unknown);
    for (place, _) in unknown {
        if list.rows().iter().any(|row| tells_more(row[place])) {
            read.unread.push(unread("列", &list.names()[place]));
        }
    }
    Ok(read)
}

fn is_header(names: &[String]) -> bool {
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    has("课程名称") && (has("考试日期") || has("考试安排"))
}

fn field(name: &str) -> Field {
    COLUMNS.iter().find(|(known, _)| *known == name).map_or(Field::Unknown, |(_, field)| *field)
}

/// The examination of a row.
fn exam(fields: &[Field], row: &[ElementRef<'_>], unread: &mut Vec<UnreadCell>) -> Exam {
    let mut exam = Exam::default();
    let mut notes: Vec<String> = Vec::new();
    let mut is_set = true;
    for (place, (field, cell)) in fields.iter().zip(row).enumerate() {
        let text = text_of(*cell);
        if is_unset(&text) {
            is_set = false;
            continue;
        }
        if text.is_empty() {
            continue;
        }
        if columns_spanned(*cell) > 1 {
            // The cell stands in each of its columns, but is told once.
            if place == 0 || row[place - 1] != *cell {
                unread.push(self::unread("考试安排", &text));
            }
            continue;
        }
        match field {
            Field::Code => exam.code = text,
            Field::Lesson => exam.lesson = text,
            Field::Name => exam.name = limited(&text, MAX_NAME),
            Field::Kind => exam.kind = limited(&text, MAX_NAME),
            Field::Date => match date(&text) {
                Some(date) => exam.date = Some(date),
                None if is_weekday(&text) => {}
                None => unread.push(self::unread("考试日期", &text)),
            },
            Field::Time => {
                exam.date = exam.date.or_else(|| date(&text));
                match times(&text) {
                    Some((begin, end)) => (exam.begin, exam.end) = (Some(begin), Some(end)),
                    None => unread.push(self::unread("考试安排", &text)),
                }
            }
            Field::Campus => exam.campus = limited(&text, MAX_NAME),
            Field::Building => exam.building = limited(&text, MAX_NAME),
            Field::Room => exam.room = limited(&text, MAX_NAME),
            Field::Seat if links_to_seat_plan(*cell) && !is_number(&text) => {}
            Field::Seat => exam.seat = limited(&text, MAX_NAME),
            Field::Situation if text == USUAL => {}
            Field::Situation | Field::Note => notes.push(text),
            Field::None | Field::Unknown => {}
        }
    }
    exam.note = limited(&notes.join("；"), MAX_NOTE);
    if is_set && exam.date.is_some() && exam.begin.is_some() && exam.end.is_some() {
        exam.state = ExamState::Set;
    }
    exam
}

/// Whether a cell of an unknown column tells more than the weekday of the date or the way to the plan of seats.
fn tells_more(cell: ElementRef<'_>) -> bool {
    let text = text_of(cell);
    let is_known = text.is_empty() || is_unset(&text) || is_weekday(&text) || links_to_seat_plan(cell);
    // A cell over several columns is told with its row.
    !is_known && columns_spanned(cell) == 1
}

fn is_unset(text: &str) -> bool {
    UNSET.iter().any(|words| text.contains(words))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `星期日` or `周日`.
fn is_weekday(text: &str) -> bool {
    let day = text.strip_prefix("星期").or_else(|| text.strip_prefix("周"));
    day.is_some_and(|day| ["一", "二", "三", "四", "五", "六", "日", "天"].contains(&day))
}

fn links_to_seat_plan(cell: ElementRef<'_>) -> bool {
    cell.descendent_elements().any(|link| link.attr("href").is_some_and(|address| address.contains(SEAT_PLAN)))
}

/// The first date in a text: `2027-01-10`.
fn date(text: &str) -> Option<NaiveDate> {
    text.split(|c: char| !c.is_ascii_digit() && c != '-').find_map(|piece| {
        let date = NaiveDate::parse_from_str(piece, "%Y-%m-%d").ok()?;
        (2000..2200).contains(&date.year()).then_some(date)
    })
}

/// The first span of times in a text: `14:00~15:50` or `8:00 - 9:50`.
fn times(text: &str) -> Option<(NaiveTime, NaiveTime)> {
    let of_time = |c: char| c.is_ascii_digit() || c == ':';
    let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
    let mut spans = text.match_indices(['~', '-']).filter_map(|(at, sign)| {
        let (before, after) = (text[..at].trim_end(), text[at + sign.len()..].trim_start());
        let begin = &before[before.trim_end_matches(of_time).len()..];
        let end = &after[..after.len() - after.trim_start_matches(of_time).len()];
        Some((time(begin)?, time(end)?))
    });
    spans.find(|(begin, end)| begin < end)
}

fn unread(column: &'static str, text: &str) -> UnreadCell {
    UnreadCell { page: PAGE, column, text: Said::new(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};
    use crate::campus::page::{Closed, Layer};

    fn read(html: &str) -> Vec<Exam> {
        let read = parse_exams(html).unwrap();
        assert_eq!(read.unread, []);
        read.data
    }

    fn error(name: &str) -> PageError {
        let html = fixture(name);
        assert!(parse_exam_batches(&html).is_err(), "{name}");
        parse_exams(&html).unwrap_err()
    }

    fn changed(html: &str) -> &'static str {
        match parse_exams(html) {
            Err(PageError::Changed { page: "eams-exam", missing }) => missing,
            other => panic!("{other:?}"),
        }
    }

    fn day(month: u32, day: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(2027, month, day)
    }

    fn clock(hour: u32, minute: u32) -> Option<NaiveTime> {
        NaiveTime::from_hms_opt(hour, minute, 0)
    }

    /// The examination that all pages have, without room and seat.
    fn mathematics() -> Exam {
        Exam {
            name: "高等数学A(一),下".to_owned(),
            lesson: "990015010.001".to_owned(),
            kind: "期末考试".to_owned(),
            date: day(1, 10),
            begin: clock(14, 0),
            end: clock(15, 50),
            room: "3103".to_owned(),
            state: ExamState::Set,
            ..Exam::default()
        }
    }

    /// An examination that is not set yet.
    fn unset(lesson: &str, name: &str) -> Exam {
        let (name, lesson, kind) = (name.to_owned(), lesson.to_owned(), "期末考试".to_owned());
        Exam { name, lesson, kind, ..Exam::default() }
    }

    #[test]
    fn examinations_are_read_and_those_without_a_time_are_kept() {
        let expected = [
            Exam { seat: "27".to_owned(), ..mathematics() },
            unset("990030090.001", "工程图学"),
            unset("990055070.002", "大学物理实验"),
        ];
        assert_eq!(read(&fixture("eams/exam.html")), expected);
    }

    #[test]
    fn campus_building_and_room_may_have_columns_of_their_own() {
        let exams = read(&fixture("eams/exam-buildings.html"));
        let [with_note, deferred, unset_yet] = &exams[..] else { panic!("{exams:?}") };
        let (campus, building) = ("南校区".to_owned(), "南校区3号教学楼".to_owned());
        assert_eq!(with_note, &Exam { campus, building, note: "带计算器".to_owned(), ..mathematics() });
        assert_eq!((deferred.begin, deferred.end, deferred.date), (clock(8, 0), clock(9, 50), day(1, 12)));
        assert_eq!((deferred.note.as_str(), deferred.state), ("缓考", ExamState::Set));
        assert_eq!(unset_yet, &unset("990030090.001", "工程图学"));
    }

    #[test]
    fn a_weekday_beside_the_date_changes_nothing() {
        let page = fixture("eams/exam-weekday.html");
        let expected = [Exam { seat: "27".to_owned(), ..mathematics() }, unset("990055070.002", "大学物理实验")];
        assert_eq!(read(&page), expected);
        // One header over both columns.
        let over_both = page.replace("<th>考试日期</th><th>星期</th>", "<th colspan=\"2\">考试日期</th>");
        assert_eq!(read(&over_both), expected);
    }

    #[test]
    fn the_number_of_the_seat_counts_and_the_link_to_their_plan_does_not() {
        let page = fixture("eams/exam-seat.html");
        let seats = |html: &str| read(html).into_iter().map(|exam| exam.seat).collect::<Vec<_>>();
        assert_eq!(seats(&page), ["27", "5"]);
        assert_eq!(read(&page)[0], Exam { seat: "27".to_owned(), ..mathematics() });
        // The link in a column of another name, and round the number.
        assert_eq!(seats(&page.replace("<th>考场座位</th>", "<th>座位表</th>")), ["27", "5"]);
        let linked = page.replace("<th>座位号</th>", "<th>序号</th>").replace(">座位表</a>", ">31</a>");
        assert_eq!(seats(&linked), ["31", "31"]);
    }

    #[test]
    fn none_announced_is_an_empty_list() {
        assert_eq!(read(&fixture("eams/exam-empty.html")), []);
    }

    #[test]
    fn what_is_not_understood_is_told_and_not_set() {
        let page = fixture("eams/exam.html");
        let told = |from: &str, to: &str| {
            assert!(page.contains(from), "{from}");
            let read = parse_exams(&page.replace(from, to)).unwrap();
            let unread = read.unread.iter().map(|cell| (cell.column, cell.text.as_str().to_owned()));
            (unread.collect::<Vec<_>>(), read.data)
        };
        for strange in ["2027年1月10日", "2027-02-30", "27-01-10", "第18周"] {
            let (unread, exams) = told("2027-01-10", strange);
            assert_eq!(unread, [("考试日期", strange.to_owned())]);
            assert_eq!((exams[0].date, exams[0].state), (None, ExamState::Unset));
        }
        for strange in ["下午", "15:50~14:00", "14:00", "25:00~26:00"] {
            let (unread, exams) = told("14:00~15:50", strange);
            assert_eq!(unread, [("考试安排", strange.to_owned())]);
            assert_eq!((exams[0].date, exams[0].begin, exams[0].state), (day(1, 10), None, ExamState::Unset));
        }
        let (unread, exams) = told("[考试情况尚未发布]", "另行通知");
        assert_eq!(unread, [("考试安排", "另行通知".to_owned())]);
        assert_eq!(exams[2], unset("990055070.002", "大学物理实验"));
        let (unread, _) = told("考场座位", "考位");
        assert_eq!(unread, [("列", "考位".to_owned())]);
    }

    #[test]
    fn a_place_that_is_not_set_makes_the_examination_unset() {
        let page = fixture("eams/exam.html").replace("<td>3103</td>", "<td>地点未安排</td>");
        let exam = &read(&page)[0];
        assert_eq!((exam.room.as_str(), exam.date, exam.state), ("", day(1, 10), ExamState::Unset));
    }

    #[test]
    fn a_date_may_stand_beside_the_times() {
        let page = fixture("eams/exam.html").replace("考试日期", "备考").replace("<td>2027-01-10</td>", "<td></td>");
        let page = page.replace("14:00~15:50", "第18周 2027-01-10 14:00-15:50");
        assert_eq!(read(&page)[0], Exam { seat: "27".to_owned(), ..mathematics() });
    }

    #[test]
    fn a_list_without_its_header_or_its_end_or_with_a_torn_row_is_a_changed_page() {
        let page = fixture("eams/exam.html");
        assert_eq!(changed(&page.replace("课程名称", "名称")), "the header of the list");
        let no_time = page.replace("考试日期", "日期").replace("考试安排", "安排");
        assert_eq!(changed(&no_time), "the header of the list");
        assert_eq!(changed(&page.replace("</table>", "")), "the end of the list");
        assert_eq!(changed(&page.replace("colspan=\"5\"", "colspan=\"4\"")), "a cell for each column");
        assert_eq!(changed(&page.replacen("<td>正常</td>", "", 1)), "a cell for each column");
        assert_eq!(changed(&page.replace("工程图学", "")), "the name of a course");
        let message = fixture("eams/exam-empty.html").replace("<tr></tr>", "<tr><td colspan=\"9\">见通知</td></tr>");
        assert_eq!(changed(&message), "the name of a course");
    }

    #[test]
    fn batches_are_read_with_the_one_that_is_shown() {
        let batch =
            |id: &str, name: &str, current| ExamBatch { system_id: id.to_owned(), name: name.to_owned(), current };
        let expected = [batch("501", "2026-2027学年1学期期末考试", false), batch("502", "补考", true)];
        assert_eq!(parse_exam_batches(&fixture("eams/exam-batches.html")).unwrap(), expected);
        let older =
            "<select name=\"examType.id\"><option value=\"1\">期末</option><option value=\"2\">期中</option></select>";
        assert_eq!(parse_exam_batches(older).unwrap(), [batch("1", "期末", false), batch("2", "期中", false)]);
    }

    #[test]
    fn no_batch_is_an_empty_list_only_where_the_choice_is_empty() {
        assert_eq!(parse_exam_batches("<select name=\"examBatch.id\" >\n</select>"), Ok(vec![]));
        for page in [
            "<select name=\"examBatch.id\">",
            "<select name=\"examBatch.id\"><option value=\"\">...</option></select>",
            "<select name=\"examBatch.id\"><option value=\"501\"></option></select>",
            "<select name=\"semester.id\"></select>",
        ] {
            let read = parse_exam_batches(page);
            assert!(matches!(read, Err(PageError::Changed { page: "eams-exam-batches", .. })), "{page}");
        }
    }

    #[test]
    fn other_pages_are_told_apart() {
        assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/session-ended.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
        assert!(matches!(error("eams/no-permission.html"), PageError::Closed(Closed::Permission, _)));
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_list_is_data_or_an_error(page in mutilated("eams/exam.html")) {
            if let Ok(read) = parse_exams(&page) {
                prop_assert!(!read.data.is_empty() || !page.contains("<td"), "a filled list is no empty one");
                for exam in read.data {
                    prop_assert!(!exam.name.is_empty());
                    let has_time = exam.date.is_some() && exam.begin.is_some() && exam.begin < exam.end;
                    prop_assert!(has_time || exam.state == ExamState::Unset);
                }
            }
        }

        #[test]
        fn mutilated_batches_are_batches_or_an_error(page in mutilated("eams/exam-batches.html")) {
            if let Ok(batches) = parse_exam_batches(&page) {
                prop_assert!(!batches.is_empty() || !page.contains("<option"), "batches do not vanish");
                prop_assert!(batches.iter().all(|batch| !batch.system_id.is_empty() && !batch.name.is_empty()));
            }
        }
    }
}
