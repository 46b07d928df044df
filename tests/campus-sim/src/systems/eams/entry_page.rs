//! The home page, and the page that must be asked for first in each session.

use std::fmt::Write as _;

use super::lesson::{id_of, person_id};
use super::{Asked, Shown};
use crate::world::Term;

/// Number of the only project.
const PROJECT: &str = "1";

/// The page behind a login.
pub(super) fn home(asked: &Asked<'_>) -> Shown {
    asked.page("首页", "<div id=\"welcome\"><a href=\"/eams/home!welcome.action\">欢迎</a></div>")
}

/// The first page inside, with the week of the term.
pub(super) fn welcome(asked: &Asked<'_>) -> Shown {
    let term = Term::CURRENT;
    let line = format!(
        "<div class=\"welcome\">{} 第 {} 学期 &nbsp;今天是第 <strong>12</strong> 教学周</div>",
        term.school_year(),
        term.half
    );
    asked.page("欢迎", &line)
}

/// The form of the course table of a project, of which there is one.
pub(super) fn entry_of_project(asked: &Asked<'_>) -> Shown {
    if asked.call.query.get("projectId") != PROJECT {
        return Err("there is one project, and its number is 1");
    }
    asked.sim.systems().eams.sessions.with(asked.session, |session| session.project = Some(PROJECT));
    entry(asked)
}

/// The form of the course table; whoever asks for it may see the list of terms from then on.
pub(super) fn entry(asked: &Asked<'_>) -> Shown {
    asked.sim.systems().eams.sessions.with(asked.session, |session| session.entered = true);
    let term = Term::CURRENT;
    let bar = format!("semesterBar1{:010}Semester", id_of("bar", asked.session, 0, u32::MAX));
    let mut content = String::from(
        "<form id=\"courseTableForm\" name=\"courseTableForm\" method=\"post\" target=\"contentDiv\">\n\
         <select id=\"courseTableType\" name=\"setting.kind\"><option value=\"std\" selected=\"selected\">学生课表</option>\
         <option value=\"class\">班级课表</option></select>\n\
         <select id=\"startWeek\" name=\"startWeek\"><option value=\"\">全部</option>",
    );
    for week in 1..=term.weeks {
        let _ = write!(content, "<option value=\"{week}\">第{week}周</option>");
    }
    let _ = write!(
        content,
        "</select>\n<input type=\"hidden\" name=\"project.id\" value=\"1\"/>\n\
         <input id=\"{bar}\" type=\"text\" class=\"calendar-text\"/>\n</form>\n\
         <div id=\"contentDiv\"></div>\n<script>\n\
         jQuery(\"#{bar}\").semesterCalendar({{empty:\"false\",onChange:\"\",value:\"{}\"}},\"searchTable()\");\n\
         function searchTable(){{\n\
         if(jQuery(\"#courseTableType\").val()==\"std\"){{ bg.form.addInput(form,\"ids\",\"{}\"); }}\
         else{{ bg.form.addInput(form,\"ids\",\"{}\"); }}\n}}\n</script>\n",
        term.id,
        person_id(&asked.student.number),
        id_of("class", &asked.student.class_name, 1_000, 9_999),
    );
    asked.page("我的课表", &content)
}
