//! What an EAMS answer says about session, speed and rights. A status proves nothing: an ended session, too much haste
//! and a refusal all come as pages with status 200.

use scraper::ElementRef;

use crate::campus::page::dom::{Page, is_hidden, speaks_of_maintenance, text_of};
use crate::campus::page::{Closed, Layer, PageError, Said, clean};

/// A tab of the login page, seen at two schools.
const LOGIN: &str = "账号密码登录";

/// Somebody has logged in elsewhere.
const ENDED: &str = "本次会话已经被过期";

/// Part of `当前用户存在重复登录的情况，已将之前的登录踢出：`, which comes with a link to the page that was asked for.
const DUPLICATE: &str = "存在重复登录的情况";

/// Requests followed each other too fast, or came at once.
const TOO_FAST: &str = "请不要过快点击";

/// The account may not see the page.
const NO_PERMISSION: [&str; 3] = ["没有权限", "无权限", "权限不足"];

/// Text of the link below a refusal.
const BACK: &str = "返回前页";

/// What the answer says about session and speed; `None` where it says nothing of it. These words count on every answer,
/// whatever else is on the page.
#[must_use]
pub fn signal(html: &str) -> Option<PageError> {
    match Page::parse(html) {
        Ok(page) => signal_on(&page),
        Err(error) => Some(error),
    }
}

/// [`signal`] of a page that is parsed. Words in scripts and comments do not count.
pub(super) fn signal_on(page: &Page<'_>) -> Option<PageError> {
    signal_if(page, |words| page.markup_mentions(words))
}

/// What this page is, if it is not the wanted one.
pub(super) fn instead(page: &Page<'_>, name: &'static str, missing: &'static str) -> PageError {
    // Without the wanted data the words count in scripts as well, which may show them to the reader.
    if let Some(signal) = signal_if(page, |words| page.mentions(words)) {
        return signal;
    }
    match page.instead(Layer::Eams, name, missing) {
        changed @ PageError::Changed { .. } => refusal_on(page).unwrap_or(changed),
        other => other,
    }
}

fn signal_if(page: &Page<'_>, has: impl Fn(&str) -> bool) -> Option<PageError> {
    if has(LOGIN) || is_login_form(page) || has(ENDED) {
        return Some(PageError::SessionExpired(Layer::Eams));
    }
    if has(DUPLICATE) && page.elements("a").next().is_some() {
        return Some(PageError::Again);
    }
    has(TOO_FAST).then_some(PageError::TooFast)
}

/// Whether this is the own login page, or that of the central sign-on in front.
fn is_login_form(page: &Page<'_>) -> bool {
    page.has_password_input()
        && (["login.action", "loginExt.action", "cas/login"].iter().any(|path| page.has_form_to(path)))
}

/// The refusal that a page is. Its words occur on other pages, too, so it counts only where the marker of the wanted page
/// is missing.
fn refusal_on(page: &Page<'_>) -> Option<PageError> {
    if let Some(known) = page.refusal() {
        return Some(known);
    }
    let no_permission = |text: &String| NO_PERMISSION.iter().any(|words| text.contains(words));
    if let Some(text) = page.seen_texts().map(clean).find(no_permission) {
        return Some(PageError::Closed(Closed::Permission, Said::new(&text)));
    }
    let text = red_line(page).or_else(|| above_the_way_back(page))?;
    (!speaks_of_maintenance(&text)).then(|| PageError::Closed(Closed::Other, Said::new(&text)))
}

/// The text of `<div style="color:red…">`, if the page shows nothing else.
fn red_line(page: &Page<'_>) -> Option<String> {
    let is_red = |element: &ElementRef<'_>| {
        let style: String = element.attr("style").unwrap_or_default().split_whitespace().collect();
        style.to_ascii_lowercase().starts_with("color:red")
    };
    let line = text_of(page.elements("div").find(is_red)?);
    let shown: String = page.seen_texts().flat_map(str::split_whitespace).collect();
    let alone = line.split_whitespace().collect::<String>() == shown;
    (alone && !line.is_empty()).then_some(line)
}

/// The text of the first `<span>` on a page that leads back.
fn above_the_way_back(page: &Page<'_>) -> Option<String> {
    if !page.shows(BACK) {
        return None;
    }
    let mut spans = page.elements("span").filter(|span| !is_hidden(*span)).map(text_of);
    spans.find(|text| !text.is_empty() && !text.contains(BACK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campus::page::fixture::fixture;

    fn told(html: &str) -> PageError {
        instead(&Page::parse(html).unwrap(), "eams-course", "unitCount")
    }

    fn closed(reason: Closed, text: &str) -> PageError {
        PageError::Closed(reason, Said::new(text))
    }

    fn refusal(html: &str) -> Option<PageError> {
        refusal_on(&Page::parse(html).ok()?)
    }

    #[test]
    fn an_ended_session_haste_and_a_second_login_are_told_apart() {
        let expired = PageError::SessionExpired(Layer::Eams);
        for (name, error) in [
            ("eams/login.html", expired.clone()),
            ("eams/login-captcha.html", expired.clone()),
            ("eams/session-ended.html", expired),
            ("eams/duplicate-login.html", PageError::Again),
            ("eams/too-fast.html", PageError::TooFast),
        ] {
            assert_eq!(signal(&fixture(name)), Some(error.clone()), "{name}");
            assert_eq!(told(&fixture(name)), error, "{name}");
        }
        assert_eq!(signal(&fixture("eams/course.html")), None);
    }

    #[test]
    fn the_login_of_the_central_sign_on_is_an_ended_session() {
        let form = "<form method=post action='/cas/login?service=x'><input type=password name=password></form>";
        assert_eq!(signal(form), Some(PageError::SessionExpired(Layer::Eams)));
        assert_eq!(signal("<form action='/eams/password.action'><input type=password></form>"), None);
    }

    #[test]
    fn the_first_signal_counts() {
        let both = "<p>请不要过快点击</p><p>本次会话已经被过期</p>";
        assert_eq!(signal(both), Some(PageError::SessionExpired(Layer::Eams)));
        let both = "<p>请不要过快点击</p><p>当前用户存在重复登录的情况，已将之前的登录踢出：<a href='x'>继续</a></p>";
        assert_eq!(signal(both), Some(PageError::Again));
    }

    #[test]
    fn words_in_scripts_count_only_where_the_wanted_page_is_missing() {
        let script = "<table></table><script>if (fast) alert('请不要过快点击');</script><!-- 账号密码登录 -->";
        assert_eq!(signal(script), None);
        assert_eq!(told("<script>alert('请不要过快点击');</script>"), PageError::TooFast);
    }

    #[test]
    fn refusals_have_their_reason_and_words() {
        let refused = |name: &str| refusal(&fixture(name)).unwrap();
        assert_eq!(refused("eams/no-permission.html"), closed(Closed::Permission, "对不起，您没有权限访问该功能"));
        assert_eq!(refused("eams/red-line.html"), closed(Closed::Other, "该学期课表尚在编排"));
        assert_eq!(refused("eams/way-back.html"), closed(Closed::Other, "当前学生无培养计划"));
        assert_eq!(told(&fixture("eams/red-line.html")), refused("eams/red-line.html"));
        let known = refusal("<div style='color: red;'>不在系统开放时间内</div>").unwrap();
        assert_eq!(known, closed(Closed::Hours, "不在系统开放时间内"));
    }

    #[test]
    fn a_red_word_among_others_and_a_notice_of_maintenance_are_no_refusals() {
        assert_eq!(refusal("<div style='color:red'>缺10.5分</div><p>培养计划</p>"), None);
        assert_eq!(refusal("<div style='color:red'>系统维护中</div>"), None);
        assert_eq!(told("<div style='color:red'>系统维护中</div>"), PageError::Maintenance);
        assert!(matches!(told("<p>新版教务</p>"), PageError::Changed { .. }));
        assert_eq!(told(&fixture("vpn/login-page.html")), PageError::SessionExpired(Layer::Vpn));
    }
}
