//! The student record. It has more than anybody needs to know, as the real one has.

use std::fmt::Write as _;

use super::columns::renamed;
use super::{Asked, Shown};
use crate::faults::Mode;
use crate::page::Escaped;
use crate::student::Student;

/// The record of the student who is logged in; of another one where the system errs.
pub(super) fn record(asked: &Asked<'_>) -> Shown {
    let other = asked.visit.form(Mode::WrongStudent).map(|_| other_student(asked));
    let student = other.as_ref().unwrap_or(asked.student);
    let number_label =
        if asked.visit.form(Mode::RenamedColumn).is_some() { renamed("学号") } else { "学号".to_owned() };
    let grade = format!("20{}", student.class_name.chars().filter(char::is_ascii_digit).take(2).collect::<String>());
    let mut pairs = vec![
        (number_label.as_str(), student.number.as_str()),
        ("姓名", &student.name),
        ("性别", &student.gender),
        ("所在年级", &grade),
        ("学历层次", "本科"),
        ("学生类别", "普通本科生"),
        ("行政管理院系", &student.college),
        ("专业", &student.major),
        ("行政班级", &student.class_name),
        ("校区", "南校区"),
        ("证件号码", &student.id_number),
        ("学籍状态", "在校"),
    ];
    if asked.visit.form(Mode::MovedColumn).is_some() {
        pairs.rotate_right(5);
    }
    let mut page = String::from("<div id=\"tabPage1\">\n<table class=\"infoTable\" width=\"100%\">\n");
    page.push_str("<tr><td colspan=\"5\" class=\"title\">学籍信息</td></tr>\n");
    for row in pairs.chunks(2) {
        page.push_str("<tr>");
        for (label, value) in row {
            let _ = write!(page, "<td class=\"title\">{label}：</td><td>{}</td>", Escaped(value));
        }
        page.push_str("</tr>\n");
    }
    let _ = write!(
        page,
        "</table>\n<img src=\"/eams/showSelfAvatar.action?user.name={}\" width=\"80\"/>\n</div>\n\
         <div id=\"tabPage2\">\n<table class=\"infoTable\"><tr><td colspan=\"4\" class=\"title\">联系信息</td></tr>\n\
         <tr><td class=\"title\">电子邮箱：</td><td>nobody@example.invalid</td><td class=\"title\">手机：</td><td>10000000000</td></tr>\n\
         </table>\n</div>\n\
         <div id=\"tabPage3\">\n<table class=\"infoTable\"><tr><td colspan=\"4\" class=\"title\">家庭联系信息</td></tr>\n\
         <tr><td class=\"title\">家庭电话：</td><td>10000000001</td><td class=\"title\">家庭地址：</td><td>无名路1号</td></tr>\n\
         </table>\n</div>\n",
        Escaped(&student.number)
    );
    asked.page("学籍信息", &page)
}

/// Anybody else than the one who is logged in.
fn other_student(asked: &Asked<'_>) -> Student {
    let own = &asked.student.number;
    asked
        .sim
        .students(0, 2)
        .into_iter()
        .find(|student| student.number != *own)
        .unwrap_or_else(|| asked.sim.invent_student("0"))
}
