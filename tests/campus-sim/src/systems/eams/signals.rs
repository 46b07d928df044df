//! Pages that come in place of others, and the frame around all.

use axum::response::Response;

use crate::call::Call;
use crate::page::{self, Escaped};

/// Requests come faster than the system likes.
pub(super) const TOO_FAST: &str =
    "<!DOCTYPE html>\n<html><head><title>提示</title></head>\n<body>请不要过快点击</body></html>\n";

/// Another login has ended the session.
pub(super) const EXPIRED_BY_OTHER: &str = "<!DOCTYPE html>\n<html><head><title>提示</title></head>\n\
    <body><div>本次会话已经被过期（可能是由于重复登录）。</div></body></html>\n";

/// An earlier login was thrown out; the link leads on to the page that was asked for.
pub(super) fn duplicate_login(call: &Call) -> Response {
    page::utf8_html(&format!(
        "<!DOCTYPE html>\n<html><head><title>提示</title></head>\n<body>\n\
         <h2>当前用户存在重复登录的情况，已将之前的登录踢出：</h2>\n\
         <a href=\"{}\">点击此处</a>继续\n</body></html>\n",
        Escaped(&call.uri.to_string())
    ))
}

/// A line in red and nothing else.
pub(super) fn red_line(text: &str) -> String {
    format!("<div style=\"color:red;font-size:14px\">{}</div>\n", Escaped(text))
}

/// The page for what cannot be done as it was asked.
pub(super) fn refusal(text: &str) -> String {
    format!(
        "<div class=\"actionMessage\">\n<span>{}</span>\n</div>\n<a href=\"javascript:history.back()\">返回前页</a>\n",
        Escaped(text)
    )
}

/// The system's frame around a page.
pub(super) fn framed(title: &str, content: &str) -> String {
    format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\t<title>教学管理系统</title>\n\
         \t<meta http-equiv=\"content-type\" content=\"text/html;charset=utf-8\"/>\n</head>\n<body>\n\
         <div id=\"menu_panel\"><ul><li><a href=\"/eams/home.action\">首页</a></li></ul></div>\n\
         <div class=\"ui-widget-header\">您当前位置：{title}</div>\n<div id=\"main\">\n{content}\n</div>\n</body>\n</html>\n"
    )
}
