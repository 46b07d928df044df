//! The VPN's own pages, in UTF-8.

use axum::response::Response;

use super::MOUNT;
use crate::page::{Escaped, html};
use crate::system::System;

/// The login page, with the reason why the last try failed.
pub(super) fn login(error: Option<&str>) -> Response {
    let error = error.map_or(String::new(), |error| {
        format!("<tr>\r\n<td colspan=\"2\" class=\"errorinfo\"><span id=\"errmsg\">{error}</span></td>\n</tr>\n")
    });
    html(
        System::Vpn,
        &format!(
            "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\">\r\n<html>\n<head>\r\n\
             <meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\" />\n\
             <title>登录 SSL VPN</title>\r\n<script type=\"text/javascript\" src=\"{MOUNT}/com/rsa.js\"></script>\n</head>\r\n\
             <body onload=\"document.forms[0].svpn_name.focus()\">\n\
             <form name=\"login_form\" method=\"post\" action=\"{MOUNT}/por/login_psw.csp\">\r\n<table>\n{error}\
             <tr><td>用户名:&nbsp;</td><td><input type=\"text\" name=\"svpn_name\" maxlength=\"48\"></td>\n\
             <tr><td>密&nbsp;&nbsp;码:&nbsp;</td><td><input type=\"password\" name=\"svpn_password\"></td></tr>\r\n\
             <tr><td colspan=\"2\"><input type=\"submit\" value=\"登 录\"></td></tr>\n</table>\n</form>\r\n</body>\n</html>\r\n"
        ),
    )
}

/// The page of one who is logged in.
pub(super) fn service(number: &str) -> Response {
    html(
        System::Vpn,
        &format!(
            "<html>\r\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\" />\r\n\
             <title>资源列表</title>\n</head>\n<body>\r\n<div id=\"top\">欢迎您，{}&nbsp;|&nbsp;\
             <a href=\"{MOUNT}/por/logout.csp\">注销</a></div>\n<ul>\n\
             <li><a href=\"#\" target=\"_blank\">教务系统</a>\r\n<li><a href=\"#\">公告</a>\n</ul>\r\n</body>\n</html>\n",
            Escaped(number)
        ),
    )
}
