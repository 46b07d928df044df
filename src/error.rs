//! What a caller is told when something goes wrong: one error type, one envelope, one exhaustive conversion per upstream
//! error. Texts are fixed; nothing a database, a campus page or a library says reaches a caller, but for the reason of a
//! refusal: that is what a student asks for, and it stands apart in `data.reason`, cleaned and cut.

use std::time::Duration;

use axum::http::StatusCode;

use crate::{
    campus::{
        CampusError,
        page::{Barrier, Closed, Said},
        pause::SYSTEM_PAUSE,
    },
    crypto::SealError,
    messenger::MessengerError,
    objects::{NotAllowed, ObjectError},
    outbound::System,
    readthrough::ReadError,
    store::StoreError,
    students::StudentError,
    wechat::WechatError,
};

/// Which campus account made a bind fail.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedBind {
    /// The system that refused.
    pub system: System,
    /// Its words.
    pub said: Said,
}

impl FailedBind {
    /// A bind that failed at `system`, which said `said`.
    #[must_use]
    pub fn at(system: System, said: Said) -> Self {
        Self { system, said }
    }

    /// Whether the VPN took its password; where there is none, nothing is wrong with it.
    #[must_use]
    pub fn vpn_worked(&self) -> bool {
        self.system != System::Vpn
    }
}

/// Everything an endpoint can answer other than success.
#[derive(Debug, Clone, PartialEq)]
pub enum ApiError {
    /// Something in the request is wrong; the text says what, in Chinese.
    BadRequest(String),
    /// The body is not of a type this endpoint reads.
    UnsupportedMediaType,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is larger than allowed.
    PayloadTooLarge,
    /// No token, or one that is malformed, expired or revoked: log in again.
    TokenInvalid,
    /// Nothing there; the text says what was looked for.
    NotFound(&'static str),
    /// This path does not know the method.
    MethodNotAllowed,
    /// Campus accounts must be bound first.
    NotBound,
    /// The school has no such system, or not for this student.
    NotOffered,
    /// The academic system does not tell which term it is, or when it takes place.
    TermUnknown,
    /// The library password has not been given yet.
    LibraryPasswordMissing,
    /// A campus system refused the stored password, lately or now.
    WrongPassword(&'static str),
    /// A bind failed because a campus system refused the password; its words.
    BindRefused(FailedBind),
    /// A campus system has locked the account for a while; its words.
    AccountLocked(&'static str, Said),
    /// A bind met a locked account; tells which of the two logins worked.
    BindLocked(FailedBind),
    /// The captcha could not be read often enough.
    CaptchaFailed,
    /// The campus system wants a captcha that the student must read.
    CaptchaRequired,
    /// The campus system wants a piece dragged into a picture, which this service cannot show.
    SliderRequired,
    /// A campus system takes no logins from this service; they are tried again after this time.
    LoginPaused(Duration),
    /// A campus system works and refuses; its words.
    CampusClosed(Closed, Said),
    /// A campus system is down.
    CampusDown,
    /// A campus system answered something unknown.
    CampusChanged,
    /// A campus system worked and did not take what was sent; the text says what to do.
    CampusRefused(&'static str),
    /// WeChat does not take the login code.
    WechatCodeInvalid,
    /// WeChat considers the user risky.
    WechatUserRefused,
    /// WeChat says too many logins.
    WechatBusy,
    /// WeChat cannot be reached.
    WechatUnavailable,
    /// No message template of this name is configured.
    TemplateUnknown,
    /// The receiver of a message has not subscribed to it, or his subscription is used up.
    NotSubscribed,
    /// WeChat refused a message because our template is wrong.
    TemplateRejected,
    /// WeChat considers a text risky.
    ContentRefused,
    /// WeChat does not check what the author writes, since he has not opened the mini-program lately.
    ContentUnchecked,
    /// The receiver got enough messages; somebody may write to him again after this time.
    ReceiverLimited(Duration),
    /// GitHub did not take a report.
    FeedbackUnavailable,
    /// GitHub did not show the donations, and none are stored.
    DonationUnavailable,
    /// The content of an uploaded file is of no type that is stored.
    FileTypeNotAllowed,
    /// An uploaded file is larger than allowed.
    FileTooLarge,
    /// The account's files would take more than they may.
    QuotaExceeded,
    /// All files together would take more than they may.
    StorageFull,
    /// A file has no such part.
    RangeNotSatisfiable,
    /// The storage for files cannot be reached.
    StorageUnavailable,
    /// Too often; try again after this time.
    RateLimited(Duration),
    /// The database has no usable member at the moment.
    DatabaseUnavailable,
    /// Took longer than any request may.
    TimedOut,
    /// More requests are under way than this replica can carry.
    Overloaded,
    /// A defect of ours.
    Internal,
}

impl ApiError {
    /// Status, machine word and Chinese text.
    #[expect(clippy::too_many_lines, reason = "the table of all answers: an arm for each error")]
    pub(crate) fn parts(&self) -> (StatusCode, &'static str, String) {
        let fixed = |status, code, text: &str| (status, code, text.to_owned());
        match self {
            Self::BadRequest(what) => (StatusCode::BAD_REQUEST, "BAD_REQUEST", what.clone()),
            Self::UnsupportedMediaType => fixed(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_MEDIA_TYPE",
                "请求体类型不支持，请使用表单或 JSON",
            ),
            Self::RequestTimeout => {
                fixed(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", "请求体未能及时到达，请检查网络后重试")
            }
            Self::PayloadTooLarge => fixed(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "请求体过大"),
            Self::TokenInvalid => fixed(StatusCode::FORBIDDEN, "TOKEN_INVALID", "登录已失效，请重新登录"),
            Self::NotFound(what) => fixed(StatusCode::NOT_FOUND, "NOT_FOUND", what),
            Self::MethodNotAllowed => fixed(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "请求方法错误"),
            Self::NotBound => fixed(StatusCode::BAD_REQUEST, "NOT_BOUND", "请先绑定校园帐号"),
            Self::NotOffered => fixed(StatusCode::NOT_FOUND, "NOT_OFFERED", "学校没有提供此项服务"),
            Self::TermUnknown => fixed(StatusCode::NOT_FOUND, "TERM_UNKNOWN", "暂时无法确定当前学期"),
            Self::LibraryPasswordMissing => fixed(StatusCode::BAD_REQUEST, "NO_LIBRARY_PASSWORD", "请先填写图书馆密码"),
            Self::WrongPassword(what) => {
                (StatusCode::BAD_REQUEST, "WRONG_PASSWORD", format!("{what}密码已失效，请重新绑定"))
            }
            Self::BindRefused(failed) => {
                (StatusCode::BAD_REQUEST, "WRONG_PASSWORD", format!("{}帐号或密码错误", system_name(failed.system)))
            }
            Self::AccountLocked(what, _) => {
                (StatusCode::BAD_REQUEST, "ACCOUNT_LOCKED", format!("{what}帐号已被学校系统暂时锁定，请一小时后再试"))
            }
            Self::BindLocked(failed) => {
                let text = format!("{}帐号已被暂时锁定，请一小时后再试", system_name(failed.system));
                (StatusCode::BAD_REQUEST, "ACCOUNT_LOCKED", text)
            }
            Self::CaptchaRequired => fixed(StatusCode::CONFLICT, "CAPTCHA_REQUIRED", "请输入验证码"),
            Self::SliderRequired => fixed(
                StatusCode::SERVICE_UNAVAILABLE,
                "SLIDER_REQUIRED",
                "学校系统现在登录需要滑动验证，暂时无法代为登录；已有数据仍可查看",
            ),
            Self::CaptchaFailed => fixed(StatusCode::SERVICE_UNAVAILABLE, "CAPTCHA_FAILED", "验证码识别失败，请重试"),
            Self::LoginPaused(after) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "LOGIN_PAUSED",
                format!("学校系统暂时限制了登录，请在{}后再试", wait_text(*after)),
            ),
            Self::CampusClosed(reason, _) => {
                fixed(StatusCode::SERVICE_UNAVAILABLE, "CAMPUS_CLOSED", closed_text(*reason))
            }
            Self::CampusDown => {
                fixed(StatusCode::SERVICE_UNAVAILABLE, "CAMPUS_DOWN", "学校系统暂时无法访问，请稍后再试")
            }
            Self::CampusChanged => {
                fixed(StatusCode::SERVICE_UNAVAILABLE, "CAMPUS_CHANGED", "学校系统页面异常，请稍后再试")
            }
            Self::CampusRefused(what) => fixed(StatusCode::BAD_GATEWAY, "CAMPUS_REFUSED", what),
            Self::WechatCodeInvalid => fixed(StatusCode::BAD_REQUEST, "WECHAT_CODE_INVALID", "登录凭证无效，请重试"),
            Self::WechatUserRefused => fixed(StatusCode::BAD_REQUEST, "WECHAT_USER_REFUSED", "微信拒绝了此次登录"),
            Self::WechatBusy => fixed(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "操作过于频繁，请稍后再试"),
            Self::WechatUnavailable => {
                fixed(StatusCode::SERVICE_UNAVAILABLE, "WECHAT_UNAVAILABLE", "微信服务暂时不可用，请稍后再试")
            }
            Self::TemplateUnknown => fixed(StatusCode::BAD_REQUEST, "TEMPLATE_UNKNOWN", "消息模板不存在"),
            Self::NotSubscribed => fixed(StatusCode::BAD_REQUEST, "NOT_SUBSCRIBED", "对方未订阅该消息，暂时无法通知"),
            Self::TemplateRejected => fixed(StatusCode::BAD_GATEWAY, "TEMPLATE_REJECTED", "消息模板异常，请联系管理员"),
            Self::ContentRefused => fixed(StatusCode::BAD_REQUEST, "CONTENT_REFUSED", "内容含有违规信息，请修改后重试"),
            Self::ContentUnchecked => fixed(
                StatusCode::BAD_REQUEST,
                "CONTENT_UNCHECKED",
                "微信暂时无法检查您发布的内容，请关闭小程序后重新打开并登录，再试一次",
            ),
            Self::ReceiverLimited(after) => (
                StatusCode::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                format!("对方收到的通知过多，请在{}后再试", wait_text(*after)),
            ),
            Self::FeedbackUnavailable => {
                fixed(StatusCode::BAD_GATEWAY, "FEEDBACK_UNAVAILABLE", "反馈暂时无法提交，请稍后再试")
            }
            Self::DonationUnavailable => {
                fixed(StatusCode::BAD_GATEWAY, "DONATION_UNAVAILABLE", "捐助名单暂时无法获取，请稍后再试")
            }
            Self::FileTypeNotAllowed => fixed(
                StatusCode::BAD_REQUEST,
                "FILE_TYPE_NOT_ALLOWED",
                "文件类型不支持，仅支持 doc、docx、pdf、xls、xlsx、zip、rar、jpeg、gif、png",
            ),
            Self::FileTooLarge => fixed(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "文件过大，最大 20 MB"),
            Self::QuotaExceeded => {
                fixed(StatusCode::BAD_REQUEST, "QUOTA_EXCEEDED", "上传的文件已占满可用空间，请删除不用的文件后再上传")
            }
            Self::StorageFull => {
                fixed(StatusCode::INSUFFICIENT_STORAGE, "STORAGE_FULL", "服务的文件空间已满，暂时无法上传")
            }
            Self::RangeNotSatisfiable => {
                fixed(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_NOT_SATISFIABLE", "文件没有所请求的部分")
            }
            Self::StorageUnavailable => {
                fixed(StatusCode::SERVICE_UNAVAILABLE, "STORAGE_UNAVAILABLE", "文件服务暂时不可用，请稍后再试")
            }
            Self::RateLimited(after) => (
                StatusCode::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                format!("操作过于频繁，请在{}后再试", wait_text(*after)),
            ),
            Self::DatabaseUnavailable => {
                fixed(StatusCode::SERVICE_UNAVAILABLE, "DATABASE_UNAVAILABLE", "服务暂时不可用，请稍后再试")
            }
            Self::TimedOut => fixed(StatusCode::SERVICE_UNAVAILABLE, "TIMED_OUT", "请求超时，请稍后再试"),
            Self::Overloaded => fixed(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", "服务繁忙，请稍后再试"),
            Self::Internal => fixed(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "服务器内部错误"),
        }
    }

    /// When it makes sense to try again, for the answers that time alone mends.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(after) | Self::ReceiverLimited(after) | Self::LoginPaused(after) => Some(*after),
            Self::WechatBusy => Some(Duration::from_mins(1)),
            Self::CampusDown
            | Self::CampusChanged
            | Self::WechatUnavailable
            | Self::FeedbackUnavailable
            | Self::DonationUnavailable => Some(Duration::from_secs(30)),
            Self::DatabaseUnavailable
            | Self::StorageUnavailable
            | Self::TimedOut
            | Self::Overloaded
            | Self::CaptchaFailed => Some(Duration::from_secs(5)),
            _ => None,
        }
    }
}

/// What a student can do about a refusal of a system that works.
fn closed_text(reason: Closed) -> &'static str {
    match reason {
        Closed::Evaluate => "请先完成评教",
        Closed::Unregistered => "学校系统显示本学期尚未注册，请先办理注册",
        Closed::Hours => "学校系统当前时间不开放，请在开放时间再试",
        Closed::SwitchedOff => "学校暂未开放此项查询",
        Closed::Duty => "请先到学校系统完成所要求的事项",
        Closed::Permission => "学校系统不允许此账号查看这项内容",
        Closed::Other => "学校系统拒绝了这项查询",
    }
}

/// A time to wait, in the unit a person would use, rounded up.
fn wait_text(wait: Duration) -> String {
    match wait.as_secs().max(1) {
        s @ 0..=90 => format!(" {s} 秒"),
        s @ 91..=5400 => format!(" {} 分钟", s.div_ceil(60)),
        s => format!(" {} 小时", s.div_ceil(3600)),
    }
}

impl ApiError {
    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.parts().0
    }

    /// The machine word of the answer, such as `WRONG_PASSWORD`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.parts().1
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<&StoreError> for ApiError {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "database unavailable");
                Self::DatabaseUnavailable
            }
            StoreError::Duplicate(_) | StoreError::Defect(_) => {
                tracing::error!(%error, "database error");
                Self::Internal
            }
        }
    }
}

impl From<NotAllowed> for ApiError {
    fn from(NotAllowed: NotAllowed) -> Self {
        Self::FileTypeNotAllowed
    }
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Store(e) => e.into(),
            ObjectError::Storage(_) => {
                tracing::warn!(%error, "storage for files unavailable");
                Self::StorageUnavailable
            }
            ObjectError::Missing => {
                tracing::error!(%error, "a file cannot be served");
                Self::NotFound("文件不存在")
            }
            ObjectError::OwnerGone => Self::TokenInvalid,
            ObjectError::QuotaExceeded => Self::QuotaExceeded,
            ObjectError::StorageFull => {
                tracing::error!(%error, "uploads are refused");
                Self::StorageFull
            }
        }
    }
}

impl From<SealError> for ApiError {
    fn from(error: SealError) -> Self {
        tracing::error!(%error, "a stored credential cannot be opened");
        match error {
            // Only a new bind brings a value that opens.
            SealError::Format | SealError::Authentication => Self::WrongPassword("已保存的"),
            SealError::UnknownKey(_) => Self::Internal,
        }
    }
}

impl From<&CampusError> for ApiError {
    fn from(error: &CampusError) -> Self {
        match error {
            CampusError::WrongPassword(system, _) => Self::WrongPassword(system_name(*system)),
            CampusError::Captcha => Self::CaptchaFailed,
            CampusError::NeedsCaptcha(..) | CampusError::CaptchaWanted(_) => Self::CaptchaRequired,
            CampusError::Locked(system, said) => Self::AccountLocked(system_name(*system), said.clone()),
            CampusError::Barred(_, Barrier::Slider, _) => Self::SliderRequired,
            CampusError::Barred(..) => Self::LoginPaused(SYSTEM_PAUSE),
            CampusError::LoginPaused(_, left) => Self::LoginPaused(*left),
            CampusError::NoDates(_) => Self::TermUnknown,
            CampusError::Closed(_, reason, said) => Self::CampusClosed(*reason, said.clone()),
            CampusError::SessionExpired(_)
            | CampusError::Down(_)
            | CampusError::Failing(_)
            | CampusError::TooFast(_) => Self::CampusDown,
            CampusError::Changed { .. } => Self::CampusChanged,
        }
    }
}

/// As for a reference; what a person should know is logged.
impl From<CampusError> for ApiError {
    fn from(error: CampusError) -> Self {
        let answer = Self::from(&error);
        match (&answer, &error) {
            (Self::CaptchaFailed, _) => tracing::warn!(%error, "a campus login failed"),
            (Self::SliderRequired, _) => tracing::warn!(%error, "a campus login wants a slider"),
            (_, CampusError::Closed(system, reason, said)) => {
                tracing::info!(%system, reason = reason.word(), said = said.for_log(), "a campus system refuses");
            }
            (Self::CampusDown, _) => tracing::warn!(%error, "a campus system is down"),
            (Self::CampusChanged, _) => tracing::error!(%error, "a campus system has changed"),
            _ => {}
        }
        answer
    }
}

/// What students call a system.
fn system_name(system: System) -> &'static str {
    match system {
        System::Vpn | System::Bulletin => "VPN ",
        System::Urp => "教务处",
        System::Library => "图书馆",
        System::Physical => "体测系统",
        System::Repair | System::Logistics => "后勤系统",
        System::Cas => "统一身份认证",
        System::Eams | System::Jwglxt => "教务系统",
        System::News | System::Wechat | System::Github => "",
    }
}

impl From<&StudentError> for ApiError {
    fn from(error: &StudentError) -> Self {
        match error {
            StudentError::NoPassword(System::Library) => Self::LibraryPasswordMissing,
            StudentError::NotBound | StudentError::NoPassword(_) => Self::NotBound,
            StudentError::NotOffered => Self::NotOffered,
            StudentError::TermUnknown => Self::TermUnknown,
            StudentError::Rejected(system) => Self::WrongPassword(system_name(*system)),
            StudentError::Campus(e) => e.into(),
            StudentError::Store(e) => e.as_ref().into(),
            StudentError::Seal(e) => e.clone().into(),
            StudentError::TooSlow => Self::CampusDown,
        }
    }
}

impl From<StudentError> for ApiError {
    fn from(error: StudentError) -> Self {
        match error {
            StudentError::Campus(e) => e.into(),
            other => (&other).into(),
        }
    }
}

impl From<&ReadError> for ApiError {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::Student(e) => e.into(),
            ReadError::DatabaseAway => Self::DatabaseUnavailable,
            ReadError::TooSlow | ReadError::Incomplete => Self::CampusDown,
            ReadError::Empty => Self::NotFound("没有查询到结果"),
            ReadError::Aborted => Self::Internal,
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Student(e) => e.into(),
            other => (&other).into(),
        }
    }
}

impl From<WechatError> for ApiError {
    fn from(error: WechatError) -> Self {
        match error {
            WechatError::CodeInvalid | WechatError::CodeUsed => Self::WechatCodeInvalid,
            WechatError::UserRefused => Self::WechatUserRefused,
            WechatError::RateLimited => Self::WechatBusy,
            WechatError::NotSubscribed => Self::NotSubscribed,
            WechatError::UnknownUser => Self::NotFound("接收人不存在"),
            WechatError::UnknownPage => Self::BadRequest("参数 page 不是小程序的页面".to_owned()),
            WechatError::TextRisky => Self::ContentRefused,
            WechatError::UserInactive => Self::ContentUnchecked,
            WechatError::TemplateRejected(_) => {
                tracing::error!(%error, "WEHPU_WECHAT_TEMPLATES does not fit the templates at WeChat");
                Self::TemplateRejected
            }
            WechatError::Credentials(_) => {
                tracing::error!(%error, "WeChat does not accept this service");
                Self::WechatUnavailable
            }
            WechatError::TokenRefused(_)
            | WechatError::Busy
            | WechatError::Unexpected(_)
            | WechatError::Unavailable(_) => {
                tracing::warn!(%error, "WeChat did not do what was asked");
                Self::WechatUnavailable
            }
        }
    }
}

impl From<MessengerError> for ApiError {
    fn from(error: MessengerError) -> Self {
        match error {
            MessengerError::Wechat(e) => e.into(),
            MessengerError::Unfit { keyword, takes } => {
                Self::BadRequest(format!("参数 data.keyword{keyword} 应为{takes}"))
            }
            MessengerError::Store(e) => e.as_ref().into(),
            MessengerError::Seal(_) | MessengerError::Aborted => {
                tracing::error!(%error, "no access token");
                Self::Internal
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A time as in the last column of the row of `RATE_LIMITED`.
    const A_MINUTE: Duration = Duration::from_mins(1);

    fn one_of_each() -> Vec<ApiError> {
        use ApiError as E;
        vec![
            E::BadRequest(String::new()),
            E::UnsupportedMediaType,
            E::RequestTimeout,
            E::PayloadTooLarge,
            E::TokenInvalid,
            E::NotFound(""),
            E::MethodNotAllowed,
            E::NotBound,
            E::NotOffered,
            E::TermUnknown,
            E::LibraryPasswordMissing,
            E::WrongPassword(""),
            E::BindRefused(FailedBind::at(System::Vpn, Said::default())),
            E::AccountLocked("", Said::default()),
            E::BindLocked(FailedBind::at(System::Urp, Said::default())),
            E::CaptchaFailed,
            E::CaptchaRequired,
            E::SliderRequired,
            E::LoginPaused(A_MINUTE),
            E::CampusClosed(Closed::Evaluate, Said::default()),
            E::CampusDown,
            E::CampusChanged,
            E::CampusRefused(""),
            E::WechatCodeInvalid,
            E::WechatUserRefused,
            E::WechatBusy,
            E::WechatUnavailable,
            E::TemplateUnknown,
            E::NotSubscribed,
            E::TemplateRejected,
            E::ContentRefused,
            E::ContentUnchecked,
            E::ReceiverLimited(A_MINUTE),
            E::FeedbackUnavailable,
            E::DonationUnavailable,
            E::FileTypeNotAllowed,
            E::FileTooLarge,
            E::QuotaExceeded,
            E::StorageFull,
            E::RangeNotSatisfiable,
            E::StorageUnavailable,
            E::RateLimited(A_MINUTE),
            E::DatabaseUnavailable,
            E::TimedOut,
            E::Overloaded,
            E::Internal,
        ]
    }

    /// The leading identifier.
    fn name(text: &str) -> &str {
        text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
    }

    #[test]
    fn the_documented_table_of_codes_is_what_callers_get() {
        let told: BTreeSet<String> = one_of_each()
            .iter()
            .map(|error| {
                let (status, code, _) = error.parts();
                let seconds = error.retry_after().map(|after| after.as_secs().to_string()).unwrap_or_default();
                format!("{code} {} {} {seconds}", status.as_u16(), name(&format!("{error:?}")))
            })
            .collect();
        let documented: BTreeSet<String> = include_str!("../docs/API-DESIGN.md")
            .lines()
            .filter_map(|line| {
                let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
                let [code, status, variants, _, seconds, ""] = cells[..] else { return None };
                let status: u16 = status.trim_matches('*').parse().ok()?;
                let seconds: String = seconds.chars().filter(char::is_ascii_digit).collect();
                let lines = variants.split(", ").map(move |variant| {
                    format!("{} {status} {} {seconds}", code.trim_matches('`'), variant.trim_matches('`'))
                });
                Some(lines.collect::<Vec<_>>())
            })
            .flatten()
            .collect();
        assert_eq!(told, documented);
    }

    #[test]
    fn no_kind_of_error_is_missing_from_the_table_of_codes() {
        let (_, source) = include_str!("error.rs").split_once("pub enum ApiError {\n").unwrap();
        let (variants, _) = source.split_once("\n}").unwrap();
        let declared: BTreeSet<&str> = variants
            .lines()
            .filter_map(|line| line.strip_prefix("    ").map(name))
            .filter(|name| !name.is_empty())
            .collect();
        let listed: Vec<String> = one_of_each().iter().map(|error| name(&format!("{error:?}")).to_owned()).collect();
        assert_eq!(declared, listed.iter().map(String::as_str).collect());
    }
}
