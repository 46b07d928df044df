//! The course table: an empty grid, a script that fills it in the browser, and the list of courses.

use std::fmt::Write as _;

use super::columns::{Grid, cell};
use super::lesson::{credit, id_of, lesson_id, lesson_of, person_id, quoted, room};
use super::{Asked, MOUNT, Shown, signals};
use crate::faults::Mode;
use crate::page::Escaped;
use crate::rng::Rng;
use crate::student::{Course, Session};
use crate::world::{Term, person_name};

/// Lessons of a day.
const UNITS: u8 = 11;

/// Characters of a string of weeks.
const WEEK_CHARS: usize = 53;

/// What a row of the grid begins with: part of the day where it begins, number, times.
const ROWS: [(&str, &str, &str); UNITS as usize] = [
    ("上午", "一", "08:00-08:50"),
    ("", "二", "09:00-09:50"),
    ("", "三", "10:10-11:00"),
    ("", "四", "11:10-12:00"),
    ("下午", "五", "14:30-15:20"),
    ("", "六", "15:30-16:20"),
    ("", "七", "16:30-17:20"),
    ("", "八", "17:30-18:20"),
    ("晚上", "九", "19:00-19:50"),
    ("", "十", "20:00-20:50"),
    ("", "十一", "21:00-21:50"),
];

/// The table of the term that the form names.
pub(super) fn table(asked: &Asked<'_>) -> Shown {
    let form = asked.form;
    if form.get("setting.kind") != "std" || form.get("ignoreHead") != "1" {
        return Err("the course table is asked for with setting.kind=std and ignoreHead=1");
    }
    let project = asked.sim.systems().eams.sessions.with(asked.session, |session| session.project).flatten();
    if project.is_some_and(|project| form.get("project.id") != project) {
        return Err("the course table of a project is asked for with its number");
    }
    if form.get("ids") != person_id(&asked.student.number).to_string() {
        return Ok(signals::red_line("没有权限查看该学生的课表"));
    }
    let Some(term) = Term::by_id(form.get("semester.id")) else {
        return Ok(signals::refusal("学年学期不存在"));
    };
    let courses = if asked.visit.empty { Vec::new() } else { asked.sim.world().courses_of(asked.student, term) };
    let origin = asked.visit.form(Mode::WeekOrigin).and_then(|fault| fault.origin).unwrap_or(2);
    let weeks = form.get("startWeek").parse().map_or((1, term.weeks), |week: u8| (week, week));
    let mut page = grid();
    script(&mut page, &courses, origin, weeks);
    page.push_str(&list(&courses).shaped(asked.visit, "课程名称").html());
    asked.page("我的课表", &page)
}

fn grid() -> String {
    let mut out = String::from(
        "<table width=\"100%\" id=\"manualArrangeCourseTable\" class=\"gridtable\" align=\"center\"><thead><tr>\
         <th colspan=\"2\">节次/周次</th><th>星期一</th><th>星期二</th><th>星期三</th><th>星期四</th><th>星期五</th>\
         <th>星期六</th><th>星期日</th></tr></thead><tbody>\n",
    );
    for (unit, (part, number, times)) in ROWS.into_iter().enumerate() {
        out.push_str("<tr>");
        if !part.is_empty() {
            let _ = write!(out, "<td rowspan=\"{}\">{part}</td>", if part == "晚上" { 3 } else { 4 });
        }
        let _ = write!(out, "<td><font size=\"2px\">第{number}节<br/>({times})</font></td>");
        for day in 0..7 {
            let _ = write!(out, "<td id=\"TD{}_0\"></td>", day * usize::from(UNITS) + unit);
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody></table>\n"
}

fn script(out: &mut String, courses: &[Course], origin: u8, (first, last): (u8, u8)) {
    let _ = write!(
        out,
        "<script language=\"JavaScript\">\nvar table0 = new CourseTable({},77);\nvar unitCount = {UNITS};\n\
         var index=0; var activity=null;\n",
        Term::CURRENT.year
    );
    for course in courses {
        let lesson = lesson_id(&lesson_of(course));
        for (place, session) in course.sessions.iter().enumerate() {
            let block = activity(course, session, origin);
            // A few blocks come twice, as they do in life.
            let times = if lesson.is_multiple_of(6) && place == 0 { 2 } else { 1 };
            out.push_str(&block.repeat(times));
        }
    }
    let _ = write!(out, "table0.marshalTable({origin},{first},{last});\nfillTable(table0,7,{UNITS},0);\n</script>\n");
}

/// A person in a script.
fn person(name: &str, assists: bool) -> String {
    format!("{{id:{},name:{},lab:{assists}}}", id_of("teacher", name, 1_000, 9_999), quoted(name))
}

/// The block of one meeting. Its form varies with the class, within what was seen.
fn activity(course: &Course, session: &Session, origin: u8) -> String {
    let lesson = lesson_of(course);
    let id = lesson_id(&lesson);
    let mut people: Vec<_> = course.teachers.iter().map(|name| person(name, false)).collect();
    let teachers = if id % 4 == 1 { String::new() } else { people.join(",") };
    if id.is_multiple_of(3) {
        people.push(person(&person_name(&mut Rng::of(0, "assistant", &lesson)), true));
    }
    let mut out = format!(
        "    var teachers = [{teachers}];\n    var actTeachers = [{}];\n\
         \x20   var assistant = _.filter(actTeachers, function(actTeacher) {{ return (_.where(teachers, {{id:actTeacher.id,name:actTeacher.name,lab:actTeacher.lab}}).length == 0) && (actTeacher.lab == true); }});\n\
         \x20   var assistantName = \"\"; if (assistant.length > 0) {{ assistantName = assistant[0].name; actTeachers = _.reject(actTeachers, function(actTeacher) {{ return (_.where(assistant, {{id:actTeacher.id}}).length > 0); }}); }}\n\
         \x20   var actTeacherId = []; var actTeacherName = [];\n\
         \x20   for (var i = 0; i < actTeachers.length; i++) {{ actTeacherId.push(actTeachers[i].id); actTeacherName.push(actTeachers[i].name); }}\n",
        people.join(",")
    );
    let _ = writeln!(
        out,
        "        activity = new TaskActivity({});",
        arguments(course, session, &lesson, id, &weeks(session, origin)).join(",")
    );
    let day = session.weekday.saturating_sub(1);
    let begin = session.section.saturating_sub(1);
    for unit in begin..UNITS.min(begin.saturating_add(session.sections)) {
        let index = if id % 4 == 2 {
            (u32::from(day) * u32::from(UNITS) + u32::from(unit)).to_string()
        } else {
            format!("{day}*unitCount+{unit}")
        };
        let _ = write!(
            out,
            "        index ={index};\n        table0.activities[index][table0.activities[index].length]=activity;\n"
        );
    }
    out
}

/// The arguments of an activity, 11 to 14 of them.
fn arguments(course: &Course, session: &Session, lesson: &str, id: u32, weeks: &str) -> Vec<String> {
    let room = room(session);
    let room_id = if room.is_empty() { String::new() } else { format!("\"{}\"", id_of("room", &room, 100, 2_999)) };
    // Names stand as they are where nobody assists.
    let plain = id.is_multiple_of(5) && !id.is_multiple_of(3);
    let (ids, names) = if plain {
        let ids: Vec<_> = course.teachers.iter().map(|name| id_of("teacher", name, 1_000, 9_999).to_string()).collect();
        (quoted(&ids.join(",")), quoted(&course.teachers.join(",")))
    } else {
        ("actTeacherId.join(',')".to_owned(), "actTeacherName.join(',')".to_owned())
    };
    let mut arguments = vec![
        ids,
        names,
        quoted(&format!("{id}({lesson})")),
        quoted(&format!("{}({lesson})", course.name)),
        room_id,
        quoted(&room),
        quoted(weeks),
        "null".to_owned(),
        if id.is_multiple_of(2) { "null" } else { "\"\"" }.to_owned(),
        "assistantName".to_owned(),
        "\"\"".to_owned(),
        "\"\"".to_owned(),
        "\"\"".to_owned(),
        "\"\"".to_owned(),
    ];
    arguments.truncate(11 + (id % 4) as usize);
    arguments
}

/// The string of a meeting's weeks: week 1 is the character `origin` − 1, and what lies behind the end begins anew.
fn weeks(session: &Session, origin: u8) -> String {
    let mut text = vec![b'0'; WEEK_CHARS];
    for week in session.week_numbers() {
        let place = usize::from(week) + usize::from(origin) + WEEK_CHARS - 2;
        text[place % WEEK_CHARS] = b'1';
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The list of all courses, those without a time among them.
fn list(courses: &[Course]) -> Grid {
    let headers = ["序号", "课程代码", "课程名称", "学分", "课程序号", "教师", "备注"];
    let mut grid = Grid::new("grid10000000011", &headers);
    for (index, course) in courses.iter().enumerate() {
        let lesson = lesson_of(course);
        grid.row(vec![
            cell(&(index + 1)),
            cell(&Escaped(&course.number)),
            cell(&Escaped(&course.name)),
            cell(&credit(&course.credit)),
            format!(
                "<td>\t\t<a href=\"{MOUNT}/courseTableForStd!taskTable.action?lesson.id={}\" onclick=\"return bg.Go(this,null)\">{lesson}</a></td>",
                lesson_id(&lesson)
            ),
            cell(&Escaped(&course.teachers.join(","))),
            cell(&"<br>"),
        ]);
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::weeks;
    use crate::student::Session;

    fn session(weeks: &str) -> Session {
        Session {
            weeks: weeks.to_owned(),
            weekday: 1,
            section: 1,
            sections: 2,
            campus: String::new(),
            building: String::new(),
            room: String::new(),
        }
    }

    #[test]
    fn strings_of_weeks_are_those_of_the_vendors_script() {
        let text = |spans: &str, origin| weeks(&session(spans), origin).trim_end_matches('0').to_owned();
        assert_eq!(text("1-2,4-10周上", 2), "01101111111");
        assert_eq!(text("2,4,6,8,10周上", 2), "00101010101");
        assert_eq!(text("1-16周上", 9), format!("{}{}", "0".repeat(8), "1".repeat(16)));
        assert_eq!(text("1-17周上", 36), format!("{}{}", "0".repeat(35), "1".repeat(17)));
        assert_eq!(text("1-17,19-20周上", 36), format!("11{}{}", "0".repeat(33), "1".repeat(17)));
        assert_eq!(weeks(&session("1-20周上"), 2).len(), 53);
    }
}
