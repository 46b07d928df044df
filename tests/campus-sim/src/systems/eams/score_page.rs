//! Scores: those of one term, and those of all terms under a summary.

use std::fmt::Write as _;

use super::columns::{Grid, cell};
use super::lesson::{credit, id_of, lesson_number};
use super::{Asked, Shown};
use crate::faults::Mode;
use crate::page::Escaped;
use crate::world::{Marked, TERMS, Term};

const HEADERS: [&str; 10] =
    ["学年学期", "课程代码", "课程序号", "课程名称", "课程类别", "课程属性", "学分", "总评成绩", "最终", "绩点"];

/// The scores of the term that the query names.
pub(super) fn of_term(asked: &Asked<'_>) -> Shown {
    if let Some(wall) = wall(asked) {
        return wall;
    }
    let mut grid = Grid::new("grid10000000012", &HEADERS);
    if let Some(term) = Term::by_id(asked.call.query.get("semesterId")) {
        add_rows(&mut grid, term, &asked.sim.world().marks_of(asked.student, term));
    }
    asked.page("我的成绩", &grid.shaped(asked.visit, "课程名称").html())
}

/// The scores of all terms.
pub(super) fn of_all_terms(asked: &Asked<'_>) -> Shown {
    if let Some(wall) = wall(asked) {
        return wall;
    }
    let terms: Vec<_> = TERMS.into_iter().map(|term| (term, asked.sim.world().marks_of(asked.student, term))).collect();
    let mut grid = Grid::new("grid10000000022", &HEADERS);
    for (term, marks) in &terms {
        add_rows(&mut grid, *term, marks);
    }
    let summary = summary(if asked.visit.empty { &[] } else { &terms });
    let page = format!("{summary}{}", grid.shaped(asked.visit, "课程名称").html());
    asked.page("我的成绩", &page)
}

/// What is shown to one who has not evaluated his teachers.
fn wall(asked: &Asked<'_>) -> Option<Shown> {
    asked.visit.form(Mode::EvaluationWall)?;
    Some(asked.page("我的成绩", "<div class=\"notice\">您还有未完成的评教，请先完成评教后再查看成绩！</div>\n"))
}

fn add_rows(grid: &mut Grid, term: Term, marks: &[Marked]) {
    for Marked { score, status } in marks {
        let lesson = lesson_number(&score.number, &score.sequence);
        let name = if status.is_empty() {
            let id = id_of("score", &lesson, 100_000, 999_999);
            format!("<td>\t<a href=\"#\" onclick=\"showInfo({id})\">{}</a>\n\t</td>", Escaped(&score.name))
        } else {
            format!("<td>{} <sup style=\"color:blue\">{status}</sup></td>", Escaped(&score.name))
        };
        let (total, last, point) = if score.mark.is_empty() {
            ("<td style=\"\">--</td>".to_owned(), "<td style=\"\"></td>".to_owned(), String::new())
        } else {
            let mark = Escaped(&score.mark);
            (
                format!("<td style=\"\">\t  \t\t{mark}\n</td>"),
                format!("<td style=\"\">\t\t\t{mark}\n</td>"),
                point(&score.mark),
            )
        };
        grid.row(vec![
            cell(&format!("{} {}", term.school_year(), term.half)),
            cell(&Escaped(&score.number)),
            cell(&lesson),
            name,
            cell(&if score.kind == "必修" { "公共基础课" } else { "公共选修课" }),
            cell(&Escaped(&score.kind)),
            cell(&credit(&score.credit)),
            total,
            last,
            cell(&point),
        ]);
    }
}

/// Grade points of a mark, in tenths.
fn tenths(mark: &str) -> u32 {
    match mark {
        "优秀" => 45,
        "良好" => 35,
        "中等" => 25,
        "及格" => 15,
        mark => mark.parse::<u32>().ok().filter(|mark| *mark >= 60).map_or(0, |mark| mark - 50),
    }
}

/// Grade points as printed: `2.8`, `3`, `0`.
fn point(mark: &str) -> String {
    credit(&format!("{}.{}", tenths(mark) / 10, tenths(mark) % 10)).to_owned()
}

/// Number, credits and average of each term, and of all.
fn summary(terms: &[(Term, Vec<Marked>)]) -> String {
    let mut out = String::from(
        "<table width=\"100%\" class=\"gridtable\"><thead class=\"gridhead\"><tr><th>学年度</th><th>学期</th><th>门数</th>\
         <th>总学分</th><th>平均绩点</th></tr></thead>\n<tbody>",
    );
    let mut all = Vec::new();
    for (term, marks) in terms.iter().filter(|(_, marks)| !marks.is_empty()) {
        let (count, credits, average) = sums(marks);
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{count}</td><td>{credits}</td><td>{average:.2}</td></tr>",
            term.school_year(),
            term.half
        );
        all.extend_from_slice(marks);
    }
    let (count, credits, average) = sums(&all);
    let _ = write!(
        out,
        "<tr><th colspan=\"2\">在校汇总</th><th>{count}</th><th>{credits}</th><th>{average:.2}</th></tr>\n\
         <tr><th colspan=\"5\">统计时间:2027-01-20 03:00</th></tr>\n</tbody></table>\n"
    );
    out
}

/// Number of scores, sum of their credits, average of their grade points weighted by credits.
fn sums(marks: &[Marked]) -> (usize, f64, f64) {
    let weighed = |marked: &Marked| {
        let credit: f64 = marked.score.credit.parse().unwrap_or(0.0);
        (credit, credit * f64::from(tenths(&marked.score.mark)) / 10.0)
    };
    let (credits, points) = marks.iter().map(weighed).fold((0.0, 0.0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
    (marks.len(), credits, if credits > 0.0 { points / credits } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::point;

    #[test]
    fn grade_points_follow_from_the_mark() {
        assert_eq!(point("78"), "2.8");
        assert_eq!(point("80"), "3");
        assert_eq!(point("59"), "0");
        assert_eq!(point("良好"), "3.5");
    }
}
