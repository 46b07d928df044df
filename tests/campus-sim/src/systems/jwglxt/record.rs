//! The page behind the login, the menu, and the student record. It has more than anybody needs to know.

use axum::response::Response;
use serde_json::{Value, json};

use super::term_data::half_code;
use super::{Asked, Shown};
use crate::faults::Mode;
use crate::page::{self, Escaped};
use crate::student::Student;
use crate::world::Term;

/// The page behind the login.
#[allow(clippy::unnecessary_wraps, reason = "it stands in a list of pages")]
pub(super) fn index(asked: &Asked<'_>) -> Shown {
    let name = Escaped(&asked.student.name);
    Ok(page::utf8_html(&format!(
        "<!DOCTYPE html>\n<html><head><title>教学管理信息服务平台</title></head>\n<body><div id=\"yhxx\">{name}&nbsp;学生</div></body></html>\n"
    )))
}

/// What the school has switched on.
#[allow(clippy::unnecessary_wraps, reason = "it stands in a list of pages")]
pub(super) fn menu(_: &Asked<'_>) -> Shown {
    let leaf = |name: &str, function: &str, url: &str| json!({"name": name, "gnmkdm": function, "url": url});
    Ok(super::json(&json!([
        {"name": "信息查询", "gnmkdm": "N100", "url": "", "children": [
            leaf("个人课表查询", "N2151", "/kbcx/xskbcx_cxXskbcxIndex.html"),
            leaf("学生成绩查询", "N305005", "/cjcx/cjcx_cxDgXscj.html"),
            leaf("查询空闲教室", "N2155", "/cdjy/cdjy_cxKxcdlb.html"),
            leaf("查询个人信息", "N100801", "/xsxxxggl/xsgrxxwh_cxXsgrxx.html"),
        ]},
    ])))
}

fn level(student: &Student) -> &'static str {
    if student.number.starts_with('9') { "硕士" } else { "本科" }
}

fn grade(student: &Student) -> String {
    format!("20{}", student.class_name.chars().filter(char::is_ascii_digit).take(2).collect::<String>())
}

/// The record as JSON; `null` where the school has it on a page only.
#[allow(clippy::unnecessary_wraps, reason = "it stands in a list of pages")]
pub(super) fn record(asked: &Asked<'_>) -> Shown {
    if asked.visit.form(Mode::NullRecord).is_some() {
        return Ok(super::json(&Value::Null));
    }
    let (student, term) = (asked.student, Term::CURRENT);
    Ok(super::json(&json!({
        "xh": student.number,
        "xh_id": student.number,
        "xm": student.name,
        "njdm_id": grade(student),
        "bh_id": student.class_name,
        "zyh_id": student.major,
        "jg_id": student.college,
        "pyccdm": level(student),
        "xnm": term.year.to_string(),
        "xqm": half_code(term),
        "xbm": student.gender,
        "zjhm": student.id_number,
        "csrq": "2000-01-01",
        "sjhm": "10000000000",
        "jtdz": "无名路1号",
    })))
}

/// The record as a page.
#[allow(clippy::unnecessary_wraps, reason = "it stands in a list of pages")]
pub(super) fn record_page(asked: &Asked<'_>) -> Shown {
    let student = asked.student;
    let (grade, level) = (grade(student), level(student));
    let pairs = [
        ("学号", student.number.as_str()),
        ("姓名", &student.name),
        ("性别", &student.gender),
        ("证件号码", &student.id_number),
        ("年级", &grade),
        ("学院名称", &student.college),
        ("专业名称", &student.major),
        ("班级名称", &student.class_name),
        ("培养层次", level),
        ("手机号码", "10000000000"),
    ];
    let rows = pairs.map(|(label, value)| {
        format!(
            "<div class=\"form-group\">\n\t<label class=\"col-sm-4 control-label\">{label}：</label>\n\t<div class=\"col-sm-8\">\n\
             \t\t<p class=\"form-control-static\">\n\t\t\t{}\n\t\t</p>\n\t</div>\n</div>\n",
            Escaped(value)
        )
    });
    Ok(form(&rows.concat()))
}

fn form(rows: &str) -> Response {
    page::utf8_html(&format!(
        "<!DOCTYPE html>\n<html><head><title>查询个人信息</title></head>\n<body><form id=\"ajaxForm\" class=\"form-horizontal\">\n{rows}</form></body></html>\n"
    ))
}
