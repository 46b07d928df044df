//! The login page.

use super::JwglxtCaptcha;
use crate::page::Escaped;

/// The form, with what the last try came to.
pub(super) fn form(mount: &str, token: &str, captcha: JwglxtCaptcha, message: &str) -> String {
    let (script, field) = match captcha {
        JwglxtCaptcha::None => (String::new(), String::new()),
        JwglxtCaptcha::Picture => (
            String::new(),
            format!(
                "<input type=\"text\" name=\"yzm\" id=\"yzm\" placeholder=\"验证码\"/><img id=\"yzmPic\" src=\"{mount}/kaptcha\"/>\n"
            ),
        ),
        JwglxtCaptcha::Slider => (
            format!(
                "<script src=\"{mount}/zfcaptchaLogin?type=resource&instanceId=zfcaptchaLogin&name=zfdun_captcha.js\"></script>\n"
            ),
            "<div id=\"captcha\"></div>\n".to_owned(),
        ),
    };
    let tips = if message.is_empty() {
        String::new()
    } else {
        format!(
            "<p id=\"tips\" class=\"bg_danger sl_danger\"><span class=\"glyphicon glyphicon-minus-sign\"></span>{}</p>\n",
            Escaped(message)
        )
    };
    format!(
        "<!DOCTYPE html>\n<html>\n<head><title>教学管理信息服务平台</title>\n{script}</head>\n<body>\n\
         <form class=\"form-horizontal\" action=\"{mount}/xtgl/login_slogin.html\" method=\"post\">\n\
         <input type=\"hidden\" id=\"csrftoken\" name=\"csrftoken\" value=\"{token}\"/>\n\
         <input type=\"hidden\" name=\"language\" id=\"language\" value=\"zh_CN\"/>\n\
         <input type=\"hidden\" name=\"ydType\" id=\"ydType\" value=\"\"/>\n\
         <h5>用户登录</h5>\n{tips}\
         <input type=\"text\" name=\"yhm\" id=\"yhm\" placeholder=\"用户名\"/>\n\
         <input type=\"password\" name=\"mm\" id=\"mm\" placeholder=\"密码\"/>\n{field}\
         <button type=\"button\" id=\"dl\">登 录</button>\n</form>\n</body>\n</html>\n"
    )
}
