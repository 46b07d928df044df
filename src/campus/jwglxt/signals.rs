//! What comes in place of the wanted answer: the login page, a refusal, or something unknown. A status proves nothing,
//! and JSON often comes as `text/html`, so only the body counts.

use scraper::ElementRef;
use serde_json::Value;

use crate::campus::page::dom::{Page, is_hidden, speaks_of_maintenance, text_of};
use crate::campus::page::{Closed, Layer, PageError, Said};

/// Words of a function that the school has not given to students, also in scripts.
pub(super) const NO_RIGHT: &str = "无功能权限";

/// Words of a system that is switched off, at night or for a time; the rest of these texts differs from school to
/// school.
const OFF: [(&str, Closed); 2] = [("夜间", Closed::Hours), ("系统关闭", Closed::SwitchedOff)];

/// Whether the session has ended: an empty body, or the login page. `None` for any other body; it may still not be the
/// wanted one.
#[must_use]
pub fn signal(body: &str) -> Option<PageError> {
    if body.trim().is_empty() {
        return Some(PageError::SessionExpired(Layer::Jwglxt));
    }
    if is_json(body) {
        return None;
    }
    match Page::parse(body) {
        Ok(page) => login_page(&page),
        Err(error) => Some(error),
    }
}

/// The JSON of an answer. `name`: the page that is read, as `wehpu-engine parse` names it.
pub(super) fn json_of(body: &str, name: &'static str) -> Result<Value, PageError> {
    if !is_json(body) {
        return Err(instead(body, name, "the JSON"));
    }
    serde_json::from_str(body).map_err(|_| PageError::Changed { page: name, missing: "the end of the JSON" })
}

/// What this body is, if it is not the wanted one. The refusals count only here: a page with the data may have places
/// for messages, too.
pub(super) fn instead(body: &str, name: &'static str, missing: &'static str) -> PageError {
    let known = signal(body).map_or_else(|| Page::parse(body), Err);
    match known {
        Ok(page) => refusal(&page).unwrap_or_else(|| page.instead(Layer::Jwglxt, name, missing)),
        Err(error) => error,
    }
}

/// Whether a body is JSON, by its first character.
fn is_json(body: &str) -> bool {
    let body = body.trim();
    body.starts_with(['{', '[']) || body == "null"
}

fn login_page(page: &Page<'_>) -> Option<PageError> {
    let mut layers = [Layer::Vpn, Layer::Jwglxt].into_iter();
    layers.find(|layer| page.is_login_page(*layer)).map(PageError::SessionExpired)
}

fn refusal(page: &Page<'_>) -> Option<PageError> {
    let told = |word: &str| page.seen_texts().find(|text| text.contains(word));
    if page.mentions(NO_RIGHT) {
        return Some(PageError::Closed(Closed::SwitchedOff, Said::new(told(NO_RIGHT).unwrap_or(NO_RIGHT))));
    }
    let off = OFF.into_iter().find_map(|(word, reason)| Some(PageError::Closed(reason, Said::new(told(word)?))));
    if let Some(closed) = off.or_else(|| page.refusal()) {
        return Some(closed);
    }
    // Any other text in the place of an error; also our own request can be what it complains of.
    let text = error_text(page).filter(|text| !speaks_of_maintenance(text))?;
    Some(PageError::Closed(Closed::SwitchedOff, Said::new(&text)))
}

/// The text of an error page: the block around `p.error_title`, else `div.alert-danger`, else the whole page if its
/// title names an error.
fn error_text(page: &Page<'_>) -> Option<String> {
    let title = page.of_class("error_title").find(|element| element.value().name() == "p");
    let block = title.and_then(|title| title.parent()).and_then(ElementRef::wrap).map(text_of);
    let alerts = page.of_class("alert-danger").filter(|element| element.value().name() == "div");
    let alert = || alerts.filter(|element| !is_hidden(*element)).map(text_of).find(|text| !text.is_empty());
    let whole = || page.title_contains("错误").then(|| page.seen_texts().collect::<Vec<_>>().join(" "));
    block.or_else(alert).or_else(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campus::page::fixture::fixture;

    const EXPIRED: PageError = PageError::SessionExpired(Layer::Jwglxt);

    fn read(name: &str) -> PageError {
        json_of(&fixture(name), "zf-score").unwrap_err()
    }

    #[test]
    fn the_login_page_and_an_empty_body_are_an_expired_session() {
        for body in ["", " \r\n", "<h5>用户登录</h5>", "<input name=csrftoken><input name=yhm>"] {
            assert_eq!(signal(body), Some(EXPIRED), "{body}");
        }
        for name in ["login-page", "login-picture", "login-slider", "login-wrong-password"] {
            assert_eq!(signal(&fixture(&format!("jwglxt/{name}.html"))), Some(EXPIRED), "{name}");
            assert_eq!(read(&format!("jwglxt/{name}.html")), EXPIRED, "{name}");
        }
        assert_eq!(signal(&fixture("vpn/login-page.html")), Some(PageError::SessionExpired(Layer::Vpn)));
    }

    #[test]
    fn an_answer_that_is_no_login_page_says_nothing_of_the_session() {
        for name in ["jwglxt/table.json", "jwglxt/record.html", "jwglxt/no-function.html", "maintenance.gbk.html"] {
            assert_eq!(signal(&fixture(name)), None, "{name}");
        }
        assert_eq!((signal("null"), signal(" [] ")), (None, None));
    }

    #[test]
    fn the_refusals_have_their_reasons_and_keep_the_words() {
        for (name, reason, words) in [
            ("no-function", Closed::SwitchedOff, "无功能权限，请联系管理员！"),
            ("grid-strict", Closed::SwitchedOff, "错误提示 请求参数不完整，请联系管理员！"),
            ("error-page", Closed::SwitchedOff, "操作未能完成 编号 0"),
            ("alert-danger", Closed::Evaluate, "请先完成本学期评教后再查询成绩！"),
            ("alert-other", Closed::SwitchedOff, "该功能仅供教师使用"),
            ("night", Closed::Hours, "夜间（23:30-06:00）系统关闭，请在白天访问"),
            ("switched-off", Closed::SwitchedOff, "选课期间系统关闭课表查询"),
        ] {
            assert_eq!(read(&format!("jwglxt/{name}.html")), PageError::Closed(reason, Said::new(words)), "{name}");
        }
    }

    #[test]
    fn a_refusal_that_pops_up_or_comes_alone_is_one() {
        let refused = PageError::Closed(Closed::SwitchedOff, Said::new("无功能权限"));
        for body in ["<script>layer.msg('无功能权限');</script>", "无功能权限", "\"无功能权限\""] {
            let error = json_of(body, "zf-score").unwrap_err();
            assert_eq!(error.code(), refused.code(), "{body}");
        }
    }

    #[test]
    fn a_place_for_messages_that_is_empty_or_hidden_is_no_refusal() {
        for body in [
            "<div class='alert alert-danger'> </div><p>新版",
            "<div style='display:none'><div class='alert-danger'>系统出错</div></div>",
            "<p class=x>数据",
        ] {
            assert!(matches!(json_of(body, "zf-score"), Err(PageError::Changed { .. })), "{body}");
        }
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(read("maintenance.gbk.html"), PageError::Maintenance);
        let page = "<title>错误</title><p>系统维护中";
        assert_eq!(json_of(page, "zf-score"), Err(PageError::Maintenance));
        assert_eq!(read("garbage.html"), PageError::Changed { page: "zf-score", missing: "the JSON" });
    }

    #[test]
    fn json_that_is_cut_off_is_a_changed_page() {
        let whole = fixture("jwglxt/score.json");
        assert!(json_of(&whole, "zf-score").is_ok());
        let half: String = whole.chars().take(whole.chars().count() / 2).collect();
        assert!(matches!(json_of(&half, "zf-score"), Err(PageError::Changed { .. })));
    }
}
