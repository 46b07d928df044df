//! The list of courses whose teachers are to be evaluated.

use super::columns::{Grid, cell};
use super::lesson::{lesson_id, lesson_of};
use super::{Asked, MOUNT, Shown};
use crate::page::Escaped;
use crate::world::Term;

/// The current term's courses; those with an even number are not evaluated yet.
pub(super) fn evaluation(asked: &Asked<'_>) -> Shown {
    let mut grid = Grid::new("grid10000000015", &["序号", "课程名称", "课程类别", "教师姓名", "状态", "操作"]);
    for (index, course) in asked.sim.world().courses_of(asked.student, Term::CURRENT).iter().enumerate() {
        let id = lesson_id(&lesson_of(course));
        let link = format!("{MOUNT}/quality/stdEvaluate!answer.action?evaluationLesson.id={id}");
        let open = id.is_multiple_of(2);
        grid.row(vec![
            cell(&(index + 1)),
            cell(&Escaped(&course.name)),
            cell(&"理论"),
            cell(&Escaped(&course.teachers.join(","))),
            cell(&if open { "未评教" } else { "已评教" }),
            if open { format!("<td><a href=\"{link}\">进行评教</a></td>") } else { cell(&"") },
        ]);
    }
    asked.page("量化评教", &grid.shaped(asked.visit, "课程名称").html())
}
