//! The CAS's pages.

use super::PAGES;
use super::flow::Flow;
use crate::call::Fields;
use crate::page::Escaped;

/// What stands in the page when passwords are to be encrypted: the beginning of an RSA key.
pub(super) const PUBLIC_KEY: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC0wLaUj/rMEHpuSjvVHDLGM7GJUHkCYSb6";

/// What one who logged in without a service sees.
pub(super) const LOGGED_IN: &str = "<!DOCTYPE html>\n<html><head><title>统一身份认证</title></head>\n<body>\n\
    <div id=\"msg\" class=\"success\"><h2>登录成功</h2><p>您已经成功登录统一身份认证系统。</p></div>\n</body></html>\n";

/// What one who logged out sees.
pub(super) const LOGGED_OUT: &str = "<!DOCTYPE html>\n<html><head><title>统一身份认证</title></head>\n<body>\n\
    <div id=\"msg\" class=\"success\"><h2>注销成功</h2><p>您已经成功退出统一身份认证系统。</p></div>\n</body></html>\n";

/// The login page. `query` is the page's own: the form is sent to the same address.
pub(super) fn login(query: &Fields, flow: &Flow, code: &str, text: &str, public_key: &str) -> String {
    let service = query.find("service").map_or_else(String::new, |service| {
        let encoded: String = form_urlencoded::byte_serialize(service.as_bytes()).collect();
        format!("?service={encoded}")
    });
    format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>统一身份认证</title>\n</head>\n<body>\n\
         <ul class=\"tabs\"><li class=\"active\">账号密码登录</li><li>扫码登录</li></ul>\n\
         <form method=\"post\" action=\"{PAGES}/login{service}\">\n \
         <input name=\"username\" type=\"text\"><input name=\"password\" type=\"password\">\n \
         <input class=\"for-form\" type=\"hidden\" name=\"lt\" value=\"{}\">\n \
         <input class=\"for-form\" type=\"hidden\" name=\"execution\" value=\"{}\">\n \
         <input class=\"for-form\" type=\"hidden\" name=\"_eventId\" value=\"submit\">\n \
         <input class=\"for-form\" type=\"hidden\" name=\"source\" value=\"cas\">\n \
         <input type=\"hidden\" name=\"pid\" value=\"\"><input type=\"hidden\" id=\"publicKey\" value=\"{public_key}\">\n \
         <span id=\"errorcode\" value=\"{}\"></span><span id=\"errormes\" value=\"{}\"></span>\n\
         </form>\n</body>\n</html>\n",
        flow.ticket,
        flow.execution,
        Escaped(code),
        Escaped(text),
    )
}
