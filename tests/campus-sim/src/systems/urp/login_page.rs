//! The login page, and the frames that follow a login.

use std::fmt::Write as _;

/// The login page; `reason` is why the last try failed.
pub(super) fn login(reason: Option<&str>) -> String {
    let mut page = String::from(
        "\r\n\r\n<html>\n<head>\r\n<title>URP 综合教务系统 - 登录</title>\r\n\
         <meta http-equiv=\"Content-Type\" content=\"text/html; charset=GBK\">\n\
         <link href=\"/css/newcss/login.css\" rel=\"stylesheet\" type=\"text/css\">\r\n\
         <script language=\"JavaScript\">\nfunction changeYzm(img){ img.src = \"/validateCodeAction.do?random=\" + Math.random(); }\n</script>\r\n\
         </head>\n<body onload=\"document.loginForm.zjh.focus();\">\r\n\
         <form name=\"loginForm\" method=\"post\" action=\"/loginAction.do\">\n",
    );
    for hidden in ["zjh1", "tips", "lx", "evalue", "eflag", "fs", "dzslh"] {
        let _ = write!(page, "<input type=\"hidden\" name=\"{hidden}\" value=\"\">\r\n");
    }
    page.push_str("<table border=\"0\" cellpadding=\"0\" cellspacing=\"0\" align=\"center\">\n");
    if let Some(reason) = reason {
        let _ = write!(
            page,
            "<tr>\r\n<td class=\"errorTop\"><strong><font color=\"#990000\">{reason}</font></strong><br>\n</td>\r\n"
        );
    }
    page.push_str(
        "<tr>\r\n<td>账&nbsp;号:<input name=\"zjh\" type=\"text\" class=\"input01\">\n\
         <tr>\n<td>密&nbsp;码:<input name=\"mm\" type=\"password\" class=\"input01\"></td>\r\n</tr>\n\
         <tr>\r\n<td>验证码:<input name=\"v_yzm\" type=\"text\" size=\"4\">\
         <img src=\"/validateCodeAction.do\" width=\"60\" height=\"20\" onclick=\"changeYzm(this)\"></td>\r\n\
         <tr>\n<td><input type=\"submit\" value=\"登 录\">&nbsp;&nbsp;<input type=\"reset\" value=\"重 填\"></td>\n\
         </table>\r\n</form>\n</body>\r\n</html>\r\n",
    );
    page
}

/// What the system says in place of a page that it does not show.
pub(super) fn refusal(text: &str) -> String {
    format!(
        "<html><head><title></title></head>\r\n<body style=\"overflow:auto;\">\n<table width=\"100%\" class=\"error\">\
         <tr><td><img src=\"/img/icon/alert.gif\"></td><td class=\"errorTop\"><strong><font color=\"#990000\">{text}</font>\
         </strong></td></tr></table>\r\n</body></html>\n"
    )
}

/// What a successful login shows.
pub(super) fn frameset() -> String {
    "\r\n<html>\r\n<head>\n<title>学分制综合教务</title>\r\n\
     <meta http-equiv=\"Content-Type\" content=\"text/html; charset=GBK\">\n</head>\r\n\
     <frameset rows=\"89,*\" frameborder=\"no\" border=\"0\">\n\
     <frame src=\"/menu/top.jsp\" name=\"topFrame\" scrolling=\"no\">\r\n\
     <frame src=\"/menu/mainFrame.jsp\" name=\"mainFrame\">\n</frameset>\r\n\
     <noframes><body>您的浏览器不支持框架\n</noframes>\r\n</html>\n"
        .to_owned()
}
