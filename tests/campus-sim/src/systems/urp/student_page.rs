//! 学籍信息: the student's record. Labels end in a colon and a no-break space; most rows are never closed.

use std::fmt::Write as _;

use crate::page::Escaped;
use crate::student::Student;

/// The student information page.
pub(super) fn student(student: &Student) -> String {
    let mut page = String::from(
        "\r\n\r\n\r\n<html>\r\n<head>\n<title>学籍信息</title>\r\n\
         <link href=\"/css/newcss/project.css\" rel=\"stylesheet\" type=\"text/css\">\n</head>\r\n<body>\n\
         <table width=\"100%\" class=\"title\" id=\"tblHead\">\r\n<tr><td>&nbsp;<b>学籍信息</b>&nbsp;</td>\n</table>\r\n\
         <table width=\"100%\" border=\"0\" align=\"center\" cellpadding=\"0\" cellspacing=\"0\" class=\"titleTop3\" id=\"tblView\">\n",
    );
    let first = [("学号", student.number.as_str()), ("姓名", &student.name)];
    page.push_str("<tr>\r\n");
    for (label, value) in first {
        cell(&mut page, label, value);
    }
    let identity = [
        ("身份证号", student.id_number.as_str()),
        ("性别", &student.gender),
        ("学生类别", "普通本科生"),
        ("民族", "汉族"),
        ("系所", &student.college),
        ("专业", &student.major),
        ("专业方向", ""),
        ("年级", "2015级"),
        ("班级", &student.class_name),
        ("是否有学籍", "是"),
        ("校区", "南校区"),
    ];
    for pair in identity.chunks(2) {
        page.push_str("\t<tr>\n");
        for (label, value) in pair {
            cell(&mut page, label, value);
        }
        page.push_str("\r\n");
    }
    page.push_str(
        "</table>\r\n<!-- <table id=\"tblPhoto\"><tr><td>照片:&nbsp;</td></tr></table> -->\n</body>\r\n</html>\r\n",
    );
    page
}

fn cell(page: &mut String, label: &str, value: &str) {
    let _ = write!(page, "\t\t<td class=\"fieldName\" width=\"180\">\r\n\t\t{label}:&nbsp;\n\t\t</td>\r\n");
    // A label without a value has no cell for one either.
    if !value.is_empty() {
        let _ = write!(page, "\t\t<td align=\"left\" width=\"275\">\n\t\t\t{}\r\n\t\t</td>\n", Escaped(value));
    }
}
