//! The pages of physical education.

use std::fmt::Write as _;

use crate::page::Escaped;
use crate::student::Student;

/// The login page, with what a failed try pops up.
pub(super) fn login(view_state: &str, validation: &str, error: Option<&str>) -> String {
    let alert = error.map_or(String::new(), |error| format!("<script>alert('{error}');</script>\r\n"));
    format!(
        "<html>\r\n<head><title>体质健康测试管理系统</title></head>\n<body>\r\n\
         <form method=\"post\" action=\"index.aspx\" id=\"form1\">\n\
         <input type=\"hidden\" name=\"__VIEWSTATE\" id=\"__VIEWSTATE\" value=\"{view_state}\" />\r\n\
         <input type=\"hidden\" name=\"__EVENTVALIDATION\" id=\"__EVENTVALIDATION\" value=\"{validation}\" />\n\
         <input type=\"radio\" name=\"rblUserType\" value=\"Student\" checked=\"checked\" />学生\r\n\
         <input type=\"radio\" name=\"rblUserType\" value=\"Teacher\" />教师\n\
         帐号：<input name=\"txtAccount\" type=\"text\" id=\"txtAccount\" />\r\n\
         密码：<input name=\"txtPassword\" type=\"password\" id=\"txtPassword\" />\n\
         <input type=\"submit\" name=\"btnLogin\" value=\"登录\" id=\"btnLogin\" />\r\n</form>\n{alert}</body>\r\n</html>\r\n"
    )
}

/// The page with the results of every year.
pub(super) fn welcome(student: &Student, empty: bool) -> String {
    let mut page = format!(
        "<html>\r\n<head><title>体质测试</title></head>\n<body>\r\n<div><b>学号：</b>{}<br />\r\n<b>姓名：</b>{}<br /></div>\n",
        Escaped(&student.number),
        Escaped(&student.name)
    );
    let men = student.gender == "男";
    for test in student.fitness.iter().filter(|_| !empty) {
        let _ = write!(
            page,
            "<table class=\"score-table\" cellspacing=\"0\">\r\n<tr><td colspan=\"2\">年度：{}</td></tr>\n",
            Escaped(&test.year)
        );
        let rows = [
            ("身高(cm)", &test.height, "体重(kg)", &test.weight),
            ("肺活量(ml)", &test.vital_capacity, "立定跳远(cm)", &test.long_jump),
            ("50米跑(s)", &test.sprint, "坐位体前屈(cm)", &test.flexion),
            (
                if men { "1000米跑" } else { "800米跑" },
                &test.long_run,
                if men { "引体向上" } else { "仰卧起坐" },
                &test.pull_or_situp,
            ),
        ];
        for (left, a, right, b) in rows {
            let _ = write!(page, "<tr><td >{left}：{}</td><td >{right}：{}</td></tr>\r\n", Escaped(a), Escaped(b));
        }
        let _ = write!(
            page,
            "<tr><td colspan=\"2\"><span>总分：{}</span></td></tr>\n</table>\r\n",
            Escaped(&test.total_score)
        );
    }
    page + "</body>\r\n</html>\r\n"
}
