//! Which system an address or a page belongs to, by marks that only that system has. Pure.

use url::Url;

/// An academic system that is known by its marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// 正方 jwglxt.
    Jwglxt,
    /// 树维 EAMS.
    Eams,
    /// The successor of EAMS, with pages for students of its own.
    ForStd,
    /// The classic URP.
    UrpClassic,
    /// The URP with JSON.
    UrpNew,
    /// 强智.
    Qiangzhi,
    /// 金智.
    Wisedu,
}

impl Known {
    /// What a profile calls it, or would.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jwglxt => "jwglxt",
            Self::Eams => "eams",
            Self::ForStd => "树维 for-std",
            Self::UrpClassic => "urp-classic",
            Self::UrpNew => "urp-new",
            Self::Qiangzhi => "qiangzhi",
            Self::Wisedu => "wisedu",
        }
    }

    /// Whether this version has a client for it.
    #[must_use]
    pub fn is_built(self) -> bool {
        matches!(self, Self::Jwglxt | Self::Eams | Self::UrpClassic)
    }
}

/// Something that stands before an academic system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// A central login under `cas/login`.
    Cas,
    /// A central login under `authserver`.
    Authserver,
    /// A web proxy.
    Webvpn,
}

impl Hop {
    /// What it is, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cas => "a central login (cas/login)",
            Self::Authserver => "a central login (authserver)",
            Self::Webvpn => "a web proxy (webvpn)",
        }
    }
}

/// What an address and a page show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Finding {
    /// The academic system.
    pub system: Option<Known>,
    /// What stands before it at this address.
    pub hop: Option<Hop>,
}

/// The marks, in the order in which they are looked for.
const MARKS: [(&str, Known); 8] = [
    ("/jwglxt/", Known::Jwglxt),
    ("gnmkdm=", Known::Jwglxt),
    ("/student/for-std/", Known::ForStd),
    ("loginAction.do", Known::UrpClassic),
    ("xkAction.do", Known::UrpClassic),
    ("thisSemesterCurriculum", Known::UrpNew),
    ("/jsxsd/", Known::Qiangzhi),
    ("/jwapp/sys/", Known::Wisedu),
];

/// Looks at an address first, the page that a login leads to included, then at the page.
#[must_use]
pub fn fingerprint(url: &Url, text: &str) -> Finding {
    let values: Vec<String> = url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    let address = format!("{}?{}", url.path(), values.join("&"));
    Finding { system: mark_in(&address).or_else(|| mark_in(text)), hop: hop(url) }
}

fn mark_in(text: &str) -> Option<Known> {
    let found = |marks: &[(&str, Known)]| marks.iter().find_map(|(mark, known)| text.contains(mark).then_some(*known));
    let (jwglxt, others) = MARKS.split_at(2);
    found(jwglxt).or_else(|| has_eams_action(text).then_some(Known::Eams)).or_else(|| found(others))
}

/// Whether a path under `/eams/` is an action: `/eams/home.action`, `/eams/teach/grade/course/person!search.action`.
fn has_eams_action(text: &str) -> bool {
    text.match_indices("/eams/").any(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "/!._-".contains(c))).unwrap_or(rest.len());
        rest[..end].contains(".action")
    })
}

fn hop(url: &Url) -> Option<Hop> {
    let (host, path) = (url.host_str().unwrap_or_default(), url.path());
    if path.contains("/cas/login") {
        Some(Hop::Cas)
    } else if path.starts_with("/authserver") || host.starts_with("authserver.") {
        Some(Hop::Authserver)
    } else if host.starts_with("webvpn.") {
        Some(Hop::Webvpn)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(address: &str, text: &str) -> (Option<Known>, Option<Hop>) {
        let Finding { system, hop } = fingerprint(&Url::parse(address).unwrap(), text);
        (system, hop)
    }

    #[test]
    fn twenty_addresses_are_told_apart() {
        use Hop::{Authserver, Cas, Webvpn};
        use Known::{Eams, ForStd, Jwglxt, Qiangzhi, UrpClassic, UrpNew, Wisedu};
        let addresses = [
            ("https://jw.example.edu.cn/jwglxt/xtgl/login_slogin.html", Some(Jwglxt), None),
            ("https://yjs.example.edu.cn/kbcx/xskbcx_cxXsgrkb.html?gnmkdm=N2151", Some(Jwglxt), None),
            ("https://zhjw.example.edu.cn/eams/login.action", Some(Eams), None),
            ("http://jw.example.edu.cn:8080/eams/homeExt.action;jsessionid=1F?x=1", Some(Eams), None),
            ("https://jw.example.edu.cn/eams/teach/grade/course/person!search.action?semesterId=264", Some(Eams), None),
            ("https://jw.example.edu.cn/student/for-std/course-table", Some(ForStd), None),
            ("http://218.196.240.97/loginAction.do", Some(UrpClassic), None),
            ("http://jwc.example.edu.cn/xkAction.do?actionType=6", Some(UrpClassic), None),
            (
                "http://zhjw.example.edu.cn/student/courseSelect/thisSemesterCurriculum/ajaxStudentSchedule/callback",
                Some(UrpNew),
                None,
            ),
            ("http://jwxt.example.edu.cn/jsxsd/xk/LoginToXk", Some(Qiangzhi), None),
            ("https://ehall.example.edu.cn/jwapp/sys/wdkb/index.do", Some(Wisedu), None),
            ("https://uia.example.edu.cn/cas/login", None, Some(Cas)),
            (
                "https://uia.example.edu.cn/cas/login?service=https%3A%2F%2Fzhjw.example.edu.cn%2Feams%2Flogin.action",
                Some(Eams),
                Some(Cas),
            ),
            (
                "https://authserver.example.edu.cn/authserver/login?service=https%3A%2F%2Fjw.example.edu.cn%2Fjwglxt%2Fsso%2F",
                Some(Jwglxt),
                Some(Authserver),
            ),
            ("https://id.example.edu.cn/authserver/login", None, Some(Authserver)),
            ("https://webvpn.example.edu.cn/https/77726476/jwglxt/xtgl/index.html", Some(Jwglxt), Some(Webvpn)),
            ("https://webvpn.example.edu.cn/", None, Some(Webvpn)),
            ("https://www.example.edu.cn/", None, None),
            ("https://jw.example.edu.cn/eams", None, None),
            ("https://www.example.edu.cn/eams/news?page=index.action", None, None),
        ];
        assert_eq!(addresses.len(), 20);
        for (address, system, hop) in addresses {
            assert_eq!(found(address, ""), (system, hop), "{address}");
        }
    }

    #[test]
    fn a_page_tells_where_the_address_does_not() {
        let home = "https://jw.example.edu.cn/";
        assert_eq!(found(home, "<a href='/eams/courseTableForStd.action'>").0, Some(Known::Eams));
        assert_eq!(found(home, "<form action='/loginAction.do'>").0, Some(Known::UrpClassic));
        assert_eq!(found(home, "<script src='/jwglxt/js/x.js'>").0, Some(Known::Jwglxt));
        assert_eq!(found(home, "see /eams/ and login.action").0, None);
        assert_eq!(found("https://jw.example.edu.cn/jsxsd/", "<a href='/jwglxt/'>").0, Some(Known::Qiangzhi));
    }
}
