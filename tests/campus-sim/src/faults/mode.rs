//! The ways in which systems misbehave.

use serde::{Deserialize, Serialize};

use crate::system::{Kind, Operation, System};

/// How a system misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Waits, then answers as usual.
    Slow,
    /// Never answers; lasts until the client goes away.
    Hang,
    /// Waits until the fault is cleared, then answers as usual.
    Hold,
    /// Answers 404.
    #[serde(rename = "404")]
    NotFound,
    /// Answers 500.
    #[serde(rename = "500")]
    ServerError,
    /// Closes the connection without an answer.
    Drop,
    /// Answers 200 with random bytes.
    Garbage,
    /// Answers 200 with a page that announces maintenance.
    Maintenance,
    /// Answers with the page asked for, but its table has no rows (JSON calls: an empty object).
    Empty,
    /// Treats every session as expired: the login page comes instead (`WeChat`: 42001, `GitHub`: 401).
    Expired,
    /// Ends the session like `Expired`, but answers 500, as an application server does that lost it.
    Dead,
    /// Answers a login, or a page of an academic system, with a text in place of what was asked for.
    Says,
    /// `WeChat` only: answers with an error code.
    Errcode,

    /// CAS and jwglxt: the account is locked, whatever the password.
    Locked,
    /// CAS: the ticket cookie (`CASTGC`) is not accepted; the login page comes without a message.
    RefuseTicket,
    /// CAS: a service ticket that comes later than some milliseconds makes EAMS answer 500.
    LateTicket,
    /// CAS: the login that was sent belongs to a page that is too old.
    FlowExpired,
    /// CAS: the login page wants the password encrypted.
    PublicKey,
    /// CAS: redirects without end.
    Loop,

    /// EAMS: its own login stands at `login.action`, without captcha and with the number in clear.
    PlainLogin,
    /// EAMS: as `PlainLogin`, but with a captcha, which only the login itself checks.
    PlainCaptcha,
    /// EAMS: `loginExt.action` leads to `login.action`.
    MovedLogin,
    /// EAMS: the page that says one clicks too fast.
    TooFast,
    /// EAMS: the page that says an earlier login was thrown out, with a link to go on.
    DuplicateLogin,
    /// EAMS: the page that says the session was ended by another login, and it is.
    ExpiredByOther,
    /// EAMS: a line that says one may not see this.
    NoPermission,
    /// EAMS: scores are shown only after the teachers were evaluated.
    EvaluationWall,
    /// EAMS: a column or label that is needed has another name.
    RenamedColumn,
    /// EAMS: the columns stand in another order.
    MovedColumn,
    /// EAMS: the dates of a term are unknown.
    NoCalendar,
    /// EAMS: the strings of weeks begin elsewhere: the first argument of `marshalTable`.
    WeekOrigin,
    /// EAMS: the student record is another student's.
    WrongStudent,

    /// jwglxt: the session ends, and nothing comes.
    ExpiredEmpty,
    /// jwglxt: the session ends, and a redirect to the login page comes.
    #[serde(rename = "expired-302")]
    Expired302,
    /// jwglxt: the session ends, and the login page comes.
    #[serde(rename = "expired-200")]
    Expired200,
    /// jwglxt: a page that says one may not use this.
    NoFunction,
    /// jwglxt: a page that says the system is closed at night.
    Night,
    /// jwglxt: a login is thrown away, and a redirect to the login page comes.
    FirstPostLost,
    /// jwglxt: lists want the old form of paging, too.
    StrictGrid,
    /// jwglxt: the bit masks of a table contradict its texts.
    MasksDiffer,
    /// jwglxt: pages of lists have five items, whatever was asked for.
    SmallPages,
    /// jwglxt: the record as JSON is `null`.
    NullRecord,
    /// jwglxt: the times of the lessons have no begin.
    NoBeginTimes,
}

impl Mode {
    /// Whether it only changes the form of an answer. Such faults go together with one another and with one other fault.
    pub(crate) const fn is_form(self) -> bool {
        matches!(
            self,
            Self::LateTicket
                | Self::PublicKey
                | Self::PlainLogin
                | Self::PlainCaptcha
                | Self::MovedLogin
                | Self::EvaluationWall
                | Self::RenamedColumn
                | Self::MovedColumn
                | Self::NoCalendar
                | Self::WeekOrigin
                | Self::WrongStudent
                | Self::StrictGrid
                | Self::MasksDiffer
                | Self::SmallPages
                | Self::NullRecord
                | Self::NoBeginTimes
        )
    }

    /// The systems that can misbehave in this way; none = all.
    pub(super) const fn systems(self) -> Option<&'static [System]> {
        match self {
            Self::Slow
            | Self::Hang
            | Self::Hold
            | Self::NotFound
            | Self::ServerError
            | Self::Drop
            | Self::Garbage
            | Self::Maintenance
            | Self::Empty
            | Self::Expired => None,
            Self::Dead => Some(&[System::Vpn, System::Urp, System::Library, System::Eams, System::Jwglxt]),
            Self::Says => Some(&[System::Vpn, System::Urp, System::Library, System::Cas, System::Eams, System::Jwglxt]),
            Self::Errcode => Some(&[System::Wechat]),
            Self::Locked => Some(&[System::Cas, System::Jwglxt]),
            Self::RefuseTicket | Self::LateTicket | Self::FlowExpired | Self::PublicKey | Self::Loop => {
                Some(&[System::Cas])
            }
            Self::PlainLogin
            | Self::PlainCaptcha
            | Self::MovedLogin
            | Self::TooFast
            | Self::DuplicateLogin
            | Self::ExpiredByOther
            | Self::NoPermission
            | Self::EvaluationWall
            | Self::RenamedColumn
            | Self::MovedColumn
            | Self::NoCalendar
            | Self::WeekOrigin
            | Self::WrongStudent => Some(&[System::Eams]),
            Self::ExpiredEmpty
            | Self::Expired302
            | Self::Expired200
            | Self::NoFunction
            | Self::Night
            | Self::FirstPostLost
            | Self::StrictGrid
            | Self::MasksDiffer
            | Self::SmallPages
            | Self::NullRecord
            | Self::NoBeginTimes => Some(&[System::Jwglxt]),
        }
    }

    /// Whether a request of this kind can be touched.
    pub(super) fn touches(self, operation: Operation) -> bool {
        let inside = matches!(operation.kind, Kind::Page | Kind::Table);
        let is = |names: &[&str]| names.contains(&operation.name);
        match self {
            Self::Slow
            | Self::Hang
            | Self::Hold
            | Self::NotFound
            | Self::ServerError
            | Self::Drop
            | Self::Garbage
            | Self::Maintenance => true,
            Self::Dead
            | Self::DuplicateLogin
            | Self::ExpiredByOther
            | Self::NoPermission
            | Self::ExpiredEmpty
            | Self::Expired302
            | Self::Expired200
            | Self::NoFunction
            | Self::Night => inside,
            Self::Says => {
                let academic = matches!(operation.system, System::Urp | System::Eams | System::Jwglxt);
                is(&["login"]) || (inside && academic)
            }
            Self::TooFast => is(&["login"]) || inside,
            Self::Expired => inside || operation.kind == Kind::Api,
            Self::Empty => matches!(operation.kind, Kind::Table | Kind::List | Kind::Api),
            Self::Errcode => operation.kind == Kind::Api,
            Self::Locked | Self::FlowExpired | Self::FirstPostLost => is(&["login"]),
            Self::RefuseTicket => is(&["ticket"]),
            Self::LateTicket => is(&["ticket", "login"]),
            Self::PublicKey | Self::Loop => is(&["login_page", "ticket", "login"]),
            Self::PlainLogin | Self::PlainCaptcha => is(&["start", "login_page", "login"]),
            Self::MovedLogin => is(&["login_page"]),
            Self::EvaluationWall => is(&["scores"]),
            Self::RenamedColumn | Self::MovedColumn => is(&["table", "scores", "rooms", "record"]),
            Self::NoCalendar => is(&["calendar"]),
            Self::WrongStudent | Self::NullRecord => is(&["record"]),
            Self::StrictGrid | Self::SmallPages => is(&["scores", "rooms"]),
            Self::WeekOrigin | Self::MasksDiffer => is(&["table"]),
            Self::NoBeginTimes => is(&["times"]),
        }
    }
}
