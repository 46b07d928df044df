//! 选课结果: the chosen courses. A weekly grid, a table that is commented out, then the table that counts: a course begins
//! with 18 cells, each further session has 7, and the row of a course without a time slot is never closed.

use std::fmt::Write as _;

use crate::page::Escaped;
use crate::student::{Course, Session};

const DAYS: [&str; 7] = ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"];
const NUMERALS: [&str; 14] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二", "十三"];
const COLUMNS: [&str; 18] = [
    "培养方案",
    "课程号",
    "课程名",
    "课序号",
    "学分",
    "课程属性",
    "考试类型",
    "教师",
    "大纲日历",
    "修读方式",
    "选课状态",
    "周次",
    "星期",
    "节次",
    "节数",
    "校区",
    "教学楼",
    "教室",
];

/// Part of the day, its sections, and what comes after it.
const PARTS: [(&str, std::ops::RangeInclusive<u8>, Option<&str>); 3] =
    [("上午", 1..=4, Some("午 休")), ("下午", 5..=8, Some("晚 饭")), ("晚上", 9..=13, None)];

/// The page with these courses; `major` names the study plan.
pub(super) fn courses(courses: &[Course], major: &str) -> String {
    let mut page = String::with_capacity(24 * 1024);
    page.push_str(
        "\r\n\r\n\r\n\r\n<html lang=\"zh-CN\">\r\n<head>\r\n<title>学生选课结果</title>\r\n\r\n\
         <meta http-equiv=\"Content-Type\" content=\"text/html; charset=GBK\">\r\n\
         <link href=\"/css/newcss/project.css\" rel=\"stylesheet\" type=\"text/css\">\r\n</head>\r\n\
         <body topmargin=\"0\" leftmargin=\"0\">\r\n\r\n",
    );
    heading(&mut page, "选课结果(已安排时间地点)");
    grid(&mut page, courses);
    page.push_str("\r\n<!--\r\n");
    heading(&mut page, "选课结果列表");
    page.push_str("-->\r\n\r\n");
    list(&mut page, courses, major);
    let tenths: u32 = courses.iter().filter_map(|course| tenths(&course.credit)).sum();
    let _ = write!(
        page,
        "<script language=\"JavaScript\">\nfunction CxJxDgRl(a){{\r\n    window.open(\"xkAction.do?\"+a.name);\n}}\n</script>\r\n\
         <table width=\"100%\" align=\"center\">\r\n<tr>\r\n<td height=\"21\"><div align=\"right\">共{}.{}学分</div></td>\r\n\
         </tr>\r\n</table>\r\n\r\n</body>\r\n</html>\r\n",
        tenths / 10,
        tenths % 10
    );
    page
}

/// `3.5` → 35.
fn tenths(credit: &str) -> Option<u32> {
    let (whole, tenth) = credit.split_once('.').unwrap_or((credit, "0"));
    Some(whole.parse::<u32>().ok()? * 10 + tenth.parse::<u32>().ok()?)
}

fn heading(page: &mut String, text: &str) {
    let _ = write!(
        page,
        "<table width=\"100%\" class=\"title\" id=\"tblHead\">\r\n<tr>\r\n<td>\r\n\
         <table border=\"0\" width=\"100%\">\r\n<tr>\n<td width=\"50%\" align=\"left\">&nbsp;<b>{text}</b>&nbsp;</td>\r\n\
         <td width=\"50%\" align=\"right\">\r\n\r\n</td>\r\n</tr>\r\n</table>\r\n</tr>\r\n</table>\r\n"
    );
}

/// Opens a table of the kind both the grid and the list are, with the same id for both.
fn open_table(page: &mut String) {
    page.push_str(
        "<table width=\"100%\" border=\"0\" cellpadding=\"0\" cellspacing=\"0\" class=\"titleTop2\">\r\n<tr>\r\n\
         <td class=\"pageAlign\">\r\n\
         <table cellpadding=\"0\" width=\"100%\" class=\"displayTag\" cellspacing=\"1\" border=\"0\" id=\"user\">\r\n",
    );
}

fn grid(page: &mut String, courses: &[Course]) {
    open_table(page);
    page.push_str("<tr>\r\n<td colspan=\"2\" class=\"sortable\">&nbsp;</td>\r\n");
    for day in DAYS {
        let _ = write!(
            page,
            "<td width=\"13%\" class=\"sortable\">\r\n<div align=\"center\">\n  {day}\r\n</div>\r\n</td>\r\n"
        );
    }
    page.push_str("</tr>\r\n");
    for (part, sections, pause) in PARTS {
        for section in sections.clone() {
            page.push_str("<tr bgcolor=\"#FFFFFF\">\r\n");
            if section == *sections.start() {
                let _ = write!(
                    page,
                    "<td width=\"3%\" rowspan=\"{}\">&nbsp;<p>{part}</p></td>\r\n",
                    sections.clone().count()
                );
            }
            let _ = write!(page, "<td width=\"11%\">第{section}节</td>\r\n");
            for weekday in 1..=7 {
                page.push_str("<td>&nbsp;\r\n");
                for (course, session) in at(courses, weekday, section) {
                    let _ = writeln!(
                        page,
                        "{}_{}<br>({} {})<br>",
                        Escaped(&course.name),
                        Escaped(&course.sequence),
                        Escaped(&session.building),
                        Escaped(&session.room)
                    );
                }
                page.push_str("&nbsp;\r\n</td>\r\n");
            }
            if section == *sections.end()
                && let Some(pause) = pause
            {
                // The row before is still open here, as in the real page.
                let _ = write!(
                    page,
                    "<tr bgcolor=\"#FFFFFF\">\r\n<td colspan=\"9\">&nbsp;<p align=\"center\"><strong>{pause}</strong></p></td>\r\n</tr>\r\n"
                );
            }
            page.push_str("</tr>\r\n");
        }
    }
    page.push_str("</table>\r\n</td>\r\n</tr>\r\n</table>\r\n");
}

/// Sessions that cover a section of a weekday.
fn at(courses: &[Course], weekday: u8, section: u8) -> impl Iterator<Item = (&Course, &Session)> {
    courses.iter().flat_map(|course| course.sessions.iter().map(move |session| (course, session))).filter(
        move |(_, session)| {
            session.weekday == weekday
                && (session.section..session.section.saturating_add(session.sections)).contains(&section)
        },
    )
}

fn list(page: &mut String, courses: &[Course], major: &str) {
    open_table(page);
    page.push_str("<thead>\r\n<tr>\r\n");
    for column in COLUMNS {
        let _ = write!(page, "\r\n\r\n<th align=\"center\" width=\"100\" class=\"sortable\">{column}</th>\r\n");
    }
    page.push_str("\r\n</tr>\r\n</thead>\r\n");
    for course in courses {
        row(page, course, major);
    }
    page.push_str("</table>\r\n</td>\r\n</tr>\r\n</table>\r\n");
}

fn row(page: &mut String, course: &Course, major: &str) {
    page.push_str(
        "\r\n\r\n<tr class=\"odd\" onMouseOut=\"this.className='even';\" onMouseOver=\"this.className='evenfocus';\">\r\n",
    );
    let span = course.sessions.len().max(1);
    let plan = format!("2015级 {major}培养方案");
    let teachers = course.teachers.iter().fold(String::new(), |all, teacher| all + teacher + "* ");
    let before =
        [&plan, &course.number, &course.name, &course.sequence, &course.credit, &course.kind, &course.exam, &teachers];
    for value in before {
        let _ = write!(page, "\r\n        <td rowspan=\"{span}\" >\n    &nbsp;{}</td>\r\n", Escaped(value));
    }
    let _ = write!(
        page,
        "\r\n        <td rowspan=\"{span}\" align=\"center\">\n    <img src=\"/img/icon/calendar.jpg\" style=\"cursor: hand;\" \
         title=\"大纲日历\" onclick=\"CxJxDgRl(this);\" name=\"actionType=6&oper=QueryDgRl&kch={}&kxh={}\"></td>\r\n",
        Escaped(&course.number),
        Escaped(&course.sequence)
    );
    for value in ["正常", "置入"] {
        let _ = write!(page, "\r\n        <td rowspan=\"{span}\" >\n    &nbsp;{value}</td>\r\n");
    }
    let Some((first, further)) = course.sessions.split_first() else {
        for _ in 0..7 {
            page.push_str("\r\n<td>&nbsp;</td>\r\n");
        }
        page.push_str("\r\n\r\n");
        return;
    };
    cells(page, first);
    page.push_str("\r\n</tr>\r\n");
    for session in further {
        page.push_str(
            "\r\n<tr class=odd onMouseOut=this.className='even'; onMouseOver=this.className='evenfocus';>\r\n",
        );
        cells(page, session);
        page.push_str("\r\n</tr>\r\n");
    }
}

fn cells(page: &mut String, session: &Session) {
    let numeral = NUMERALS.get(usize::from(session.section)).copied().unwrap_or_default();
    let _ = write!(
        page,
        "\r\n<td>&nbsp; {}</td>\r\n\r\n<td>&nbsp; {}</td>\r\n\r\n              <td>&nbsp;{numeral}</td>\n             \r\n\
         <td>&nbsp; {}</td>\r\n\r\n<td>&nbsp; {}</td>\r\n\r\n<td>&nbsp; {}</td>\r\n\r\n<td>&nbsp; {}</td>\r\n",
        Escaped(&session.weeks),
        session.weekday,
        session.sections,
        Escaped(&session.campus),
        Escaped(&session.building),
        Escaped(&session.room)
    );
}
