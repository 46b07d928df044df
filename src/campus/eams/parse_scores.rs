//! The marks: of one term (`GET teach/grade/course/person!search.action`) or of all
//! (`POST teach/grade/course/person!historyCourseGrade.action`, below a table of sums).

use scraper::ElementRef;

use super::list::List;
use super::signals::signal_on;
use crate::campus::page::dom::{Page, text_of};
use crate::campus::page::{Closed, PageError, Reading, Said, UnreadCell, clean};
use crate::model::academic::{Attempt, Grade};

mod columns;

pub use columns::{ScoreColumns, ScoreField};

/// Name of this page on the command line and in errors.
const PAGE: &str = "eams-score";

/// What a small raised word beside the name says about the attempt. Only `缓考` was seen; the others are those that the
/// university uses.
const ATTEMPTS: [(&str, Attempt); 4] =
    [("缓考", Attempt::Deferred), ("补考", Attempt::Makeup), ("重修", Attempt::Retake), ("免修", Attempt::Exempt)];

/// Reads the marks in the order of the page. No marks yet are an empty list; a missing list is an error. A filled column
/// that `columns` does not know, a term and a status of another form are unread cells.
pub fn parse_scores(html: &str, columns: &ScoreColumns) -> Result<Reading<Vec<Grade>>, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let list = List::find(&page, html, PAGE, |names| columns.are_header(names));
    let list = list.map_err(|error| match error {
        PageError::Changed { .. } => evaluation_wall(&page).unwrap_or(error),
        other => other,
    })?;
    let fields: Vec<ScoreField> = list.names().iter().map(|name| columns.field(name)).collect();
    let mut read = Reading::<Vec<Grade>>::default();
    for row in list.rows() {
        let texts: Vec<String> = row.iter().map(|cell| text_of(*cell)).collect();
        if texts.iter().all(String::is_empty) {
            continue;
        }
        let grade = grade(&list, &fields, row, &texts, &mut read.unread);
        if grade.name.is_empty() {
            return Err(PageError::Changed { page: PAGE, missing: "the name of a course" });
        }
        read.data.push(Grade { mark: columns.mark(list.names(), &texts), ..grade });
    }
    if read.data.is_empty()
        && let Some(refusal) = page.refusal()
    {
        return Err(refusal);
    }
    let unknown = fields.iter().enumerate().filter(|(_, field)| **field == ScoreField::Unknown);
    for (place, _) in unknown {
        if list.rows().iter().any(|row| !text_of(row[place]).is_empty()) {
            read.unread.push(unread("列", &list.names()[place]));
        }
    }
    Ok(read)
}

/// Everything of a row but its mark.
fn grade(
    list: &List<'_>,
    fields: &[ScoreField],
    row: &[ElementRef<'_>],
    texts: &[String],
    unread: &mut Vec<UnreadCell>,
) -> Grade {
    let mut grade = Grade::default();
    for (place, (field, text)) in fields.iter().zip(texts).enumerate() {
        match field {
            ScoreField::Term => grade.term = term(text, unread),
            ScoreField::Name => (grade.name, grade.attempt) = name(row[place], text, unread),
            ScoreField::Part if !text.is_empty() => grade.parts.push((list.names()[place].clone(), text.clone())),
            ScoreField::Code => grade.code.clone_from(text),
            ScoreField::Lesson => grade.lesson.clone_from(text),
            ScoreField::Kind => grade.kind.clone_from(text),
            ScoreField::Property => grade.property.clone_from(text),
            ScoreField::Credit => grade.credit.clone_from(text),
            ScoreField::Point => grade.points.clone_from(text),
            ScoreField::Text | ScoreField::Part | ScoreField::None | ScoreField::Unknown => {}
        }
    }
    grade
}

/// The label of a term: `2026-2027 1` is `2026-2027-1`.
fn term(text: &str, unread: &mut Vec<UnreadCell>) -> String {
    let label: Vec<&str> = text.split([' ', '-']).filter(|part| !part.is_empty()).collect();
    let is_year = |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(label[..], [from, to, _] if is_year(from) && is_year(to)) && !text.is_empty() {
        unread.push(self::unread("学年学期", text));
    }
    label.join("-")
}

/// The name of a course without the words raised beside it that tell the attempt.
fn name(cell: ElementRef<'_>, text: &str, unread: &mut Vec<UnreadCell>) -> (String, Attempt) {
    let mut attempt = Attempt::Normal;
    let mut name = text.to_owned();
    for raised in cell.descendent_elements().filter(|part| part.value().name() == "sup").map(text_of) {
        match ATTEMPTS.iter().find(|(word, _)| *word == raised) {
            Some((word, told)) => {
                attempt = *told;
                if let Some(at) = name.rfind(word) {
                    name.replace_range(at..at + word.len(), " ");
                }
            }
            None if raised.is_empty() => {}
            None => unread.push(self::unread("课程名称", &raised)),
        }
    }
    (clean(&name), attempt)
}

/// The refusal that wants courses to be evaluated first. Its exact words are not known.
fn evaluation_wall(page: &Page<'_>) -> Option<PageError> {
    if page.elements("table").next().is_some() || page.shows("学年学期") {
        return None;
    }
    let text = page.seen_texts().map(clean).find(|text| text.contains("评教"))?;
    Some(PageError::Closed(Closed::Evaluate, Said::new(&text)))
}

fn unread(column: &'static str, text: &str) -> UnreadCell {
    UnreadCell { page: PAGE, column, text: Said::new(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn read(html: &str) -> Result<Reading<Vec<Grade>>, PageError> {
        parse_scores(html, &ScoreColumns::default())
    }

    fn error(name: &str) -> PageError {
        read(&fixture(name)).unwrap_err()
    }

    #[test]
    fn the_marks_of_a_term_are_read() {
        let read = read(&fixture("eams/score.html")).unwrap();
        assert_eq!(read.unread, []);
        insta::assert_json_snapshot!(read.data);
    }

    #[test]
    fn the_marks_of_all_terms_are_read_below_their_sums() {
        let read = read(&fixture("eams/score-history.html")).unwrap();
        assert_eq!(read.unread, []);
        insta::assert_json_snapshot!(read.data);
    }

    #[test]
    fn no_marks_yet_is_an_empty_list() {
        assert_eq!(read(&fixture("eams/score-empty.html")), Ok(Reading::default()));
    }

    #[test]
    fn a_profile_says_which_columns_count() {
        let page = fixture("eams/score.html").replace("总评成绩", "综合成绩").replace("最终", "折算");
        assert!(matches!(read(&page), Err(PageError::Changed { .. })));
        let columns = [("综合成绩", ScoreField::Text), ("折算", ScoreField::None)];
        let columns = ScoreColumns::with(columns.map(|(name, field)| (name.to_owned(), field)));
        let read = parse_scores(&page, &columns).unwrap();
        assert_eq!((read.data[0].mark.as_str(), read.unread.len()), ("78", 0));
        assert_eq!(read.data[0].parts, []);
    }

    #[test]
    fn what_is_not_known_is_told_and_kept() {
        let page = fixture("eams/score.html");
        let unread_of = |from: &str, to: &str| {
            let read = read(&page.replace(from, to)).unwrap();
            (read.unread.iter().map(|cell| (cell.column, cell.text.as_str().to_owned())).collect::<Vec<_>>(), read.data)
        };
        let (unread, _) = unread_of("绩点", "学分绩点");
        assert_eq!(unread, [("列", "学分绩点".to_owned())]);
        let (unread, grades) = unread_of("缓考", "缺考");
        assert_eq!(unread, [("课程名称", "缺考".to_owned())]);
        assert!(grades.iter().any(|grade| grade.name == "工程图学 缺考" && grade.attempt == Attempt::Normal));
        let (unread, grades) = unread_of("2026-2027 1</td><td>990030090", "秋季</td><td>990030090");
        assert_eq!(unread, [("学年学期", "秋季".to_owned())]);
        assert!(grades.iter().any(|grade| grade.term == "秋季"));
    }

    #[test]
    fn a_row_that_does_not_fit_the_header_is_a_changed_page() {
        let page = fixture("eams/score.html");
        for page in [
            page.replacen("<td>必修</td>", "", 1),
            page.replace("课程名称", "名称"),
            page.replace("</table>", ""),
            page.replacen("高等数学A(一),下", "", 1),
        ] {
            assert!(matches!(read(&page), Err(PageError::Changed { page: "eams-score", .. })), "{page}");
        }
    }

    #[test]
    fn the_demand_to_evaluate_first_is_a_refusal() {
        let said = |text: &str| PageError::Closed(Closed::Evaluate, Said::new(text));
        assert_eq!(error("eams/evaluate-first.html"), said("请先完成评教后再查看成绩"));
        assert_eq!(read("<p>本学期评教</p>"), Err(said("本学期评教")));
        let with_table = read("<p>本学期评教</p><table></table>");
        assert!(matches!(with_table, Err(PageError::Changed { .. })));
    }

    #[test]
    fn other_pages_are_told_apart() {
        assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/session-ended.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_list_is_data_or_an_error(page in mutilated("eams/score.html")) {
            if let Ok(read) = read(&page) {
                prop_assert!(!read.data.is_empty(), "a filled list is no empty one");
                prop_assert!(read.data.iter().all(|grade| !grade.name.is_empty()));
            }
        }
    }
}
