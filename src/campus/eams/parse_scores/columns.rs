//! Which column of the marks holds what. Schools name and choose their columns differently.

use std::collections::BTreeMap;

use super::super::list::bare;
use crate::school::ScoreColumn;

/// What a column of the marks holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreField {
    /// Year and number of the term.
    Term,
    /// Number of the course.
    Code,
    /// Number of the class.
    Lesson,
    /// Name of the course, with its status raised beside it.
    Name,
    /// Kind of the course.
    Kind,
    /// Compulsory or elective.
    Property,
    /// Credits.
    Credit,
    /// The mark that counts.
    Text,
    /// A mark that the one that counts is made of.
    Part,
    /// Grade points.
    Point,
    /// Nothing that is shown.
    None,
    /// A column that nobody has described.
    Unknown,
}

impl From<ScoreColumn> for ScoreField {
    fn from(column: ScoreColumn) -> Self {
        match column {
            ScoreColumn::Term => Self::Term,
            ScoreColumn::Code => Self::Code,
            ScoreColumn::Lesson => Self::Lesson,
            ScoreColumn::Name => Self::Name,
            ScoreColumn::Kind => Self::Kind,
            ScoreColumn::Property => Self::Property,
            ScoreColumn::Credit => Self::Credit,
            ScoreColumn::Text => Self::Text,
            ScoreColumn::Point => Self::Point,
            ScoreColumn::Part => Self::Part,
        }
    }
}

/// The columns as HPU's system has them, with those that other schools have.
const USUAL: [(&str, ScoreField); 17] = [
    ("学年学期", ScoreField::Term),
    ("课程代码", ScoreField::Code),
    ("课程序号", ScoreField::Lesson),
    ("课程名称", ScoreField::Name),
    ("课程类别", ScoreField::Kind),
    ("课程属性", ScoreField::Property),
    ("学分", ScoreField::Credit),
    ("绩点", ScoreField::Point),
    ("最终", ScoreField::Text),
    ("总评成绩", ScoreField::Part),
    ("平时成绩", ScoreField::Part),
    ("期中成绩", ScoreField::Part),
    ("期末成绩", ScoreField::Part),
    ("实验成绩", ScoreField::Part),
    ("序号", ScoreField::None),
    ("备注", ScoreField::None),
    ("操作", ScoreField::None),
];

/// The column of the overall mark, and that of the final examination: they count where no other column has a mark.
const OVERALL: [&str; 2] = ["总评成绩", "期末成绩"];

/// The columns of a school.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScoreColumns {
    overridden: BTreeMap<String, ScoreField>,
}

impl ScoreColumns {
    /// The usual columns, but for those that a school's profile describes.
    #[must_use]
    pub fn with(overridden: impl IntoIterator<Item = (String, ScoreField)>) -> Self {
        Self { overridden: overridden.into_iter().map(|(name, field)| (bare(&name), field)).collect() }
    }

    /// What the column of that name holds.
    pub(super) fn field(&self, name: &str) -> ScoreField {
        let usual = || USUAL.iter().find(|(usual, _)| *usual == name).map(|(_, field)| *field);
        self.overridden.get(name).copied().or_else(usual).unwrap_or(ScoreField::Unknown)
    }

    /// Whether these are the names of the columns of the marks: the course, its credits, and a mark.
    pub(super) fn are_header(&self, names: &[String]) -> bool {
        let holds = |wanted| names.iter().any(|name| self.field(name) == wanted);
        let overall = || names.iter().any(|name| name == OVERALL[0] && self.field(name) != ScoreField::None);
        holds(ScoreField::Name) && holds(ScoreField::Credit) && (holds(ScoreField::Text) || overall())
    }

    /// The mark that counts, of a row: the first that is filled in the columns of the profile, in the usual one, in those
    /// of the overall mark and of the final examination.
    pub(super) fn mark(&self, names: &[String], row: &[String]) -> String {
        let of_text = |by_profile: bool| {
            let counts = move |name: &String| {
                self.field(name) == ScoreField::Text && self.overridden.contains_key(name) == by_profile
            };
            names.iter().enumerate().filter(move |(_, name)| counts(name)).map(|(place, _)| place)
        };
        let described = |name: &&str| self.field(name) != ScoreField::None;
        let overall = OVERALL.iter().copied().filter(described);
        let overall = overall.filter_map(|overall| names.iter().position(|name| name == overall));
        let mut places = of_text(true).chain(of_text(false)).chain(overall);
        places.find(|place| !row[*place].is_empty()).map(|place| row[place].clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark<const N: usize>(columns: &ScoreColumns, cells: [(&str, &str); N]) -> String {
        columns.mark(&cells.map(|(name, _)| name.to_owned()), &cells.map(|(_, text)| text.to_owned()))
    }

    #[test]
    fn the_final_mark_counts_before_the_overall_one_and_that_before_the_examination() {
        let usual = ScoreColumns::default();
        assert_eq!(mark(&usual, [("期末成绩", "70"), ("总评成绩", "75"), ("最终", "78")]), "78");
        assert_eq!(mark(&usual, [("期末成绩", "70"), ("总评成绩", "--"), ("最终", "")]), "--");
        assert_eq!(mark(&usual, [("期末成绩", "70"), ("平时成绩", "90")]), "70");
        assert_eq!(mark(&usual, [("平时成绩", "90")]), "");
    }

    #[test]
    fn a_profile_overrides_single_columns() {
        let columns = [("总评成绩", ScoreField::Text), ("最终", ScoreField::Part), ("等级 ", ScoreField::Text)];
        let columns = ScoreColumns::with(columns.map(|(name, field)| (name.to_owned(), field)));
        assert_eq!(mark(&columns, [("最终", "78"), ("总评成绩", "75")]), "75");
        assert_eq!(columns.field("等级"), ScoreField::Text);
        assert_eq!((columns.field("最终"), columns.field("绩点")), (ScoreField::Part, ScoreField::Point));
    }

    #[test]
    fn course_credits_and_a_mark_make_the_header() {
        let header = |names: &[&str]| {
            ScoreColumns::default().are_header(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert!(header(&["课程名称", "学分", "最终"]));
        assert!(header(&["总评成绩", "学分", "课程名称"]));
        assert!(!header(&["课程名称", "学分", "期末成绩"]));
        assert!(!header(&["课程名称", "最终"]));
        assert!(!header(&["学年度", "学期", "门数", "总学分", "平均绩点"]));
    }
}
