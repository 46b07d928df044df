//! What a campus system says to a student instead of the requested page: cleaned, cut, and sorted by meaning.

use std::fmt;
use std::sync::Arc;

use super::clean;
use super::dom::{Page, has_class, is_hidden, speaks_of_maintenance, text_of};

/// Longest text of a system that is kept, in characters.
const MAX_SAID: usize = 100;

/// Longest message, in characters; longer texts are instructions or data.
const MAX_MESSAGE: usize = 80;

/// Digits in a row that may be a student's or identity card's number; a year is shorter.
const NUMBER_DIGITS: usize = 5;

/// The words of a campus system: one line of at most `MAX_SAID` characters without tags and control characters.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Said(Arc<str>);

impl Said {
    /// `text`, cleaned for the student to whom it was said.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut bare = String::with_capacity(text.len());
        let mut tag = false;
        for c in text.chars() {
            match c {
                '<' => tag = true,
                '>' if tag => {
                    tag = false;
                    bare.push(' ');
                }
                _ if tag => {}
                c => bare.push(c),
            }
        }
        let line = clean(&bare);
        let cut = line.char_indices().nth(MAX_SAID).map_or(line.as_str(), |(end, _)| &line[..end]);
        Self(cut.into())
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The words for a log: digits that may be a person's number become nines.
    #[must_use]
    pub fn for_log(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        let mut digits = String::new();
        for c in self.0.chars().chain(['\0']) {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            text.push_str(&if digits.len() < NUMBER_DIGITS { digits.clone() } else { "9".repeat(digits.len()) });
            digits.clear();
            if c != '\0' {
                text.push(c);
            }
        }
        text
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.for_log())
    }
}

/// Why a system that works refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Closed {
    /// The student must assess courses and teachers first.
    Evaluate,
    /// The student is not registered for the term.
    Unregistered,
    /// Outside the hours or days in which the system may be used.
    Hours,
    /// The school has switched this function off for now.
    SwitchedOff,
    /// The student must do something else first; the system says what.
    Duty,
    /// The account may not see this.
    Permission,
    /// The system's words name no known reason.
    Other,
}

impl Closed {
    /// Short lower-case word for metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// Why a system accepts no logins from this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Barrier {
    /// It wants a captcha where it wanted none before.
    Captcha,
    /// It refuses logins from our address, for a while or for good.
    Address,
    /// It wants a piece dragged into a picture before each login, which only a person can do in the system's own page.
    Slider,
}

impl Barrier {
    /// Short lower-case word for metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// What the answer to a login means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The account or the password is wrong, and the text names one of them.
    WrongPassword,
    /// The account is locked.
    Locked,
    /// No login at all is accepted.
    Barrier(Barrier),
    /// The system works and refuses.
    Closed(Closed),
    /// Too many users, an authentication server that is away, a database that is busy.
    Busy,
}

/// The meaning of a system's answer to a login; `None` for an unknown text.
///
/// The order matters. `LDAP 服务器连接失败，用户名或密码错误` is a fault; `密码错误，还有 2 次机会，之后帐号将被锁定` is a wrong password;
/// `密码错误次数过多，帐号已锁定` is a locked account.
pub(crate) fn meaning(text: &str) -> Option<Meaning> {
    let text = &text.to_lowercase();
    if barred_address(text) {
        return Some(Meaning::Barrier(Barrier::Address));
    }
    if is_locked(text) {
        return Some(Meaning::Locked);
    }
    if holds(text, &FAULTS) {
        return Some(Meaning::Busy);
    }
    if text.contains("验证码") || text.contains("校验码") || text.contains("captcha") {
        return Some(Meaning::Barrier(Barrier::Captcha));
    }
    if let Some(closed) = closed(text) {
        return Some(Meaning::Closed(closed));
    }
    if names_a_wrong_account(text) {
        return Some(Meaning::WrongPassword);
    }
    (holds(text, &BUSY) || speaks_of_maintenance(text)).then_some(Meaning::Busy)
}

/// The reason of a refusal by a system that works; `None` for any other text.
pub(crate) fn closed(text: &str) -> Option<Closed> {
    const EVALUATE: [&str; 3] = ["评估", "评教", "教学评价"];
    const UNDONE: [&str; 6] = ["没有", "未", "请", "先", "后才", "不能"];
    const UNREGISTERED: [&str; 5] = ["您没有注册", "您未注册", "没有注册", "尚未注册", "未注册"];
    const HOURS: [&str; 9] =
        ["当前时间", "此时间", "该时间", "开放时间", "时间段", "规定的时间", "规定时间", "服务时间", "非工作时间"];
    const OFF: [&str; 10] =
        ["已关闭", "未开放", "未开启", "未打开", "不开放", "停止开放", "没有开放", "关闭状态", "没有开通", "开关关闭"];
    if holds(text, &EVALUATE) && holds(text, &UNDONE) {
        return Some(Closed::Evaluate);
    }
    if holds(text, &UNREGISTERED) && !holds(text, &ACCOUNT) {
        return Some(Closed::Unregistered);
    }
    if holds(text, &HOURS) && holds(text, &["无法", "不能", "不允许", "不在", "非", "请在", "禁止", "不可"])
    {
        return Some(Closed::Hours);
    }
    if holds(text, &OFF) {
        return Some(Closed::SwitchedOff);
    }
    let duty = holds(text, &["请先", "欠费", "欠缴", "密码已过期", "修改初始密码"]);
    (duty && !holds(text, &["请先登录", "请先登陆"])).then_some(Closed::Duty)
}

/// A server behind the login form is away or full.
const FAULTS: [&str; 20] = [
    "最大授权",
    "授权用户",
    "用户限制",
    "用户数限制",
    "在线人数",
    "在线用户数",
    "最大用户数",
    "最大连接",
    "用户数已",
    "用户数达到",
    "用户数超",
    "license",
    "ldap",
    "radius",
    "目录服务",
    "域服务器",
    "认证服务器",
    "服务器连接",
    "服务器无法",
    "数据库",
];

/// The system is busy. Weaker than what it says about the account.
const BUSY: [&str; 14] = [
    "繁忙",
    "系统忙",
    "服务器忙",
    "忙碌",
    "超时",
    "稍后",
    "稍候",
    "再试",
    "重试",
    "拥挤",
    "过载",
    "负载",
    "系统错误",
    "系统异常",
];

/// Words for the account or the password.
const ACCOUNT: [&str; 15] = [
    "密码",
    "口令",
    "用户名",
    "帐号",
    "账号",
    "帐户",
    "账户",
    "证件号",
    "学号",
    "卡号",
    "证号",
    "条码",
    "password",
    "username",
    "account",
];

/// Words for what is wrong with the account or the password.
const WRONG: [&str; 14] = [
    "错误",
    "不正确",
    "不对",
    "有误",
    "不存在",
    "无效",
    "不匹配",
    "不符",
    "不一致",
    "未注册",
    "invalid",
    "incorrect",
    "wrong",
    "not exist",
];

fn holds(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Whether a clause of the text says that the account or the password is wrong.
fn names_a_wrong_account(text: &str) -> bool {
    const NOBODY: [&str; 4] = ["用户不存在", "无此用户", "没有该用户", "查无此人"];
    // Advice about wrong passwords is not an answer.
    const ADVICE: [&str; 5] = ["如果", "如遇", "如提示", "若", "忘记"];
    text.split(['，', ',', '。', '！', '!', '；', ';', '\n', '.']).any(|clause| {
        holds(clause, &NOBODY) || (holds(clause, &ACCOUNT) && holds(clause, &WRONG) && !holds(clause, &ADVICE))
    })
}

/// Whether our address is refused, rather than an account.
fn barred_address(text: &str) -> bool {
    const ADDRESS: [&str; 6] = ["ip地址", "ip 地址", "您的ip", "您的地址", "来源地址", "客户端地址"];
    const BARRED: [&str; 9] = ["锁定", "封", "禁止", "限制", "拒绝", "黑名单", "冻结", "过多", "频繁"];
    const TOO_OFTEN: [&str; 5] = ["登录过于频繁", "登录太频繁", "登录频繁", "尝试次数过多", "请求过于频繁"];
    let names_ip = holds(text, &ADDRESS) || text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "ip");
    (names_ip && holds(text, &BARRED)) || (holds(text, &TOO_OFTEN) && !holds(text, &ACCOUNT))
}

/// Whether the account is locked now; a warning that it will be locked does not count.
fn is_locked(text: &str) -> bool {
    const THREATS: [&str; 9] =
        ["将被锁定", "将会被锁定", "将锁定", "会被锁定", "将自动锁定", "将被冻结", "后锁定", "即锁定", "将被禁用"];
    const LOCKED: [&str; 9] = ["锁定", "冻结", "被禁用", "已禁用", "已停用", "被停用", "已被封", "locked", "disabled"];
    let said = THREATS.iter().fold(text.to_owned(), |text, threat| text.replace(threat, ""));
    let tried_too_often = holds(&said, &ACCOUNT) && holds(&said, &["次数过多", "过于频繁", "次数超过", "次数已达"]);
    (holds(&said, &LOCKED) && !said.contains("未锁定")) || tried_too_often
}

/// The messages of a page about a login: pop-ups and texts in the places of messages, or, without any, every visible
/// short text.
pub(crate) fn messages(page: &Page<'_>) -> Vec<String> {
    let scripts = page.elements("script").filter_map(|script| popped_up(&script.text().collect::<String>()));
    let of_error = page.all().filter(|element| is_message_place(*element) && !is_hidden(*element)).map(text_of);
    let mut said: Vec<String> = scripts.chain(of_error).filter(|text| is_message(text)).collect();
    if said.is_empty() {
        said = page.seen_texts().map(clean).filter(|text| is_message(text)).collect();
    }
    said
}

/// Long enough to be a message, short enough not to be the page itself.
fn is_message(text: &str) -> bool {
    (3..=MAX_MESSAGE).contains(&text.chars().count())
}

/// Whether an element is a place where these pages put error messages.
fn is_message_place(element: scraper::ElementRef<'_>) -> bool {
    const WORDS: [&str; 5] = ["err", "msg", "message", "warn", "alert"];
    if has_class(element, "errorTop") {
        return true;
    }
    let named = element.value().id().into_iter().chain(element.value().classes());
    named.map(str::to_ascii_lowercase).any(|name| holds(&name, &WORDS))
}

/// What a script shows at once (`alert('…')`); a script that only defines functions shows nothing.
fn popped_up(script: &str) -> Option<String> {
    let script = script.trim_start_matches(|c: char| c.is_whitespace() || "</!->[CDAT;".contains(c));
    let call =
        script.strip_prefix("window.").unwrap_or(script).strip_prefix("alert")?.trim_start().strip_prefix('(')?;
    let call = call.trim_start();
    let quote = call.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (text, _) = call[1..].split_once(quote)?;
    Some(clean(&text.replace("\\n", " ").replace("\\r", " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_that_names_account_or_password_is_a_wrong_password() {
        for text in [
            "用户名或密码错误，请重新输入！",
            "您的密码不正确，请您重新输入！",
            "你输入的证件号不存在，请您重新输入！",
            "账号或密码错误！",
            "密码错误，您还有 2 次机会，之后帐号将被锁定",
            "密码有误，请稍后再试",
            "Invalid username or password!",
            "该学号不存在",
            "用户不存在",
        ] {
            assert_eq!(meaning(text), Some(Meaning::WrongPassword), "{text}");
        }
        for text in ["登录失败", "认证失败，请联系管理员", "登录", "用户名:", "密码", "忘记密码？初始密码错误请咨询"]
        {
            assert_eq!(meaning(text), None, "{text}");
        }
    }

    #[test]
    fn a_full_or_broken_system_is_busy_whatever_else_it_names() {
        for text in [
            "系统已到达最大授权用户限制",
            "在线用户数已满",
            "LDAP服务器连接失败，用户名或密码错误",
            "连接认证服务器超时，无法验证您的密码",
            "数据库忙请稍候再试",
            "系统繁忙，请稍后再试",
            "系统维护中",
        ] {
            assert_eq!(meaning(text), Some(Meaning::Busy), "{text}");
        }
    }

    #[test]
    fn a_barred_address_a_demanded_captcha_and_a_locked_account_are_told_apart() {
        for text in ["您的IP地址已被锁定", "该 IP 尝试登录次数过多，请稍后再试", "登录过于频繁，请稍后再试"]
        {
            assert_eq!(meaning(text), Some(Meaning::Barrier(Barrier::Address)), "{text}");
        }
        for text in ["请输入验证码", "校验码错误"] {
            assert_eq!(meaning(text), Some(Meaning::Barrier(Barrier::Captcha)), "{text}");
        }
        for text in ["帐号已被锁定，请半小时后再试", "密码错误次数过多，请稍后再试", "该用户已被禁用"]
        {
            assert_eq!(meaning(text), Some(Meaning::Locked), "{text}");
        }
    }

    #[test]
    fn the_refusals_of_a_system_that_works_have_their_reasons() {
        for (text, reason) in [
            ("没有完成评估,不能查看课表信息!", Closed::Evaluate),
            ("请先评教", Closed::Evaluate),
            ("对不起，您没有注册，不能进行此操作", Closed::Unregistered),
            ("您无法在当前时间使用本服务器登录", Closed::Hours),
            ("不在系统开放时间内", Closed::Hours),
            ("成绩查询开关已关闭！", Closed::SwitchedOff),
            ("请先修改密码", Closed::Duty),
        ] {
            assert_eq!(meaning(text), Some(Meaning::Closed(reason)), "{text}");
        }
        for text in ["请先登录", "学生选课结果", "课程评估概论"] {
            assert_eq!(closed(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_said_is_one_short_line_without_tags_and_a_log_shows_no_numbers_of_persons() {
        let said = Said::new("<b>请先\u{0}</b>\r\n 完成 2017 年评教 311509000001");
        assert_eq!(said.as_str(), "请先 完成 2017 年评教 311509000001");
        assert_eq!(said.for_log(), "请先 完成 2017 年评教 999999999999");
        assert!(!format!("{said:?}").contains("3115"));
        assert_eq!(Said::new(&"评".repeat(300)).as_str().chars().count(), MAX_SAID);
    }

    #[test]
    fn messages_are_what_pops_up_or_stands_where_messages_stand_and_nothing_that_is_hidden() {
        let of = |html: &str| messages(&Page::parse(html).unwrap());
        assert_eq!(of("<p>用户名：<script>\n alert('密码错误！');location='/';</script>"), ["密码错误！"]);
        assert!(of("<script>function f(){alert('密码错误');}</script>").is_empty());
        assert_eq!(of("<p>初始密码为身份证号<span id=errmsg>系统忙。</span>"), ["系统忙。"]);
        assert_eq!(of("<p>请输入帐号<p style='display: none'>请输入验证码"), ["请输入帐号"]);
        assert_eq!(of("<div style='display:none'><span id=errmsg>密码错误</span></div>"), Vec::<String>::new());
    }
}
