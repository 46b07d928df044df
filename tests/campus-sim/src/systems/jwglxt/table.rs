//! The course table.

use serde_json::{Value, json};

use super::classes::{campus, class_id, class_name, credit, mask, room, weeks};
use super::term_data::{half_code, term_of};
use super::{Asked, Shown};
use crate::faults::Mode;
use crate::student::{Course, Session};

/// Lessons of a day.
const LESSONS: u8 = 10;

/// The table of the term that the form names; an unknown term has no courses.
pub(super) fn table(asked: &Asked<'_>) -> Shown {
    if asked.form.get("kzlx") != "ck" {
        return Err("the course table is asked for with kzlx=ck");
    }
    let term = term_of(asked.form);
    let courses = match term {
        Some(term) if !asked.visit.empty => asked.sim.world().courses_of(asked.student, term),
        _ => Vec::new(),
    };
    let differ = asked.visit.form(Mode::MasksDiffer).is_some();
    let meetings: Vec<Value> = courses
        .iter()
        .flat_map(|course| course.sessions.iter().map(move |session| meeting(course, session, differ)))
        .collect();
    let loose: Vec<Value> = courses.iter().filter(|course| course.sessions.is_empty()).map(loose).collect();
    Ok(super::json(&json!({
        "kbList": meetings,
        "sjkList": loose,
        "jxhjkcList": [],
        "qsxqj": "1",
        "xnxqsfkz": "false",
        "xqjmcMap": {
            "1": "星期一", "2": "星期二", "3": "星期三", "4": "星期四", "5": "星期五", "6": "星期六", "7": "星期日",
        },
        "xsxx": {
            "BJMC": asked.student.class_name,
            "KCMS": courses.len(),
            "XH": asked.student.number,
            "XM": asked.student.name,
            "XNM": asked.form.get("xnm"),
            "XQM": asked.form.get("xqm"),
            "XQMMC": term.map(|term| term.half.to_string()),
            "XQMC": term.map(half_code),
        },
    })))
}

/// One meeting. With `differ` the sets of weeks and lessons contradict the texts.
fn meeting(course: &Course, session: &Session, differ: bool) -> Value {
    let first = session.section;
    let last = LESSONS.min(first.saturating_add(session.sections).saturating_sub(1)).max(first);
    let week_numbers = session.week_numbers();
    let (campus_id, campus_name, _) = campus(&session.campus);
    let shift = u32::from(differ);
    json!({
        "kcmc": course.name,
        "kch": course.number,
        "kch_id": course.number,
        "jxb_id": class_id(&course.number, &course.sequence),
        "jxbmc": class_name(course),
        "xm": course.teachers.join(","),
        "zcmc": "讲师",
        "xqj": session.weekday.to_string(),
        "xqjmc": session.weekday.to_string(),
        "jc": format!("{first}-{last}节"),
        "jcs": format!("{first}-{last}"),
        // Lessons of neighbouring meetings are merged in it.
        "jcor": format!("{first}-{}", LESSONS.min(last.saturating_add(2))),
        "zcd": weeks(&week_numbers),
        "oldjc": (mask(first..=last) << shift).to_string(),
        "oldzc": (mask(week_numbers.iter().copied()) << shift).to_string(),
        "cdmc": room(session),
        "xqmc": campus_name,
        "xqh_id": campus_id,
        "xf": credit(&course.credit),
        "kcxszc": "讲课:56",
        "khfsmc": course.exam,
        "xslxbj": "★",
    })
}

/// A course without a time.
fn loose(course: &Course) -> Value {
    let teachers = course.teachers.join(",");
    json!({
        "kcmc": course.name,
        "jsxm": teachers,
        "qsjsz": "17-18周",
        "xf": credit(&course.credit),
        "qtkcgs": format!("{}★(共2周)/{teachers}/17-18周/无", course.name),
    })
}
