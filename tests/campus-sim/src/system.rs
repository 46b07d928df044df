//! The simulated systems, and the named operations under which requests are counted and disturbed.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// One system of the outside world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// The SSL VPN.
    Vpn,
    /// The academic system, reached through the VPN.
    Urp,
    /// The university's one login (Supwisdom CAS).
    Cas,
    /// The academic system of 树维 (EAMS), entered through the CAS or by a login of its own.
    Eams,
    /// The academic system of 正方 (jwglxt).
    Jwglxt,
    /// The library's catalogue.
    Library,
    /// Physical education.
    Physical,
    /// Repairs.
    Repair,
    /// News of the logistics department.
    Logistics,
    /// News of the university.
    News,
    /// The bulletin board, reached through the VPN.
    Bulletin,
    /// `WeChat`'s server API.
    Wechat,
    /// `GitHub`'s API.
    Github,
}

impl System {
    /// Every system.
    pub const ALL: [Self; 13] = [
        Self::Vpn,
        Self::Urp,
        Self::Cas,
        Self::Eams,
        Self::Jwglxt,
        Self::Library,
        Self::Physical,
        Self::Repair,
        Self::Logistics,
        Self::News,
        Self::Bulletin,
        Self::Wechat,
        Self::Github,
    ];

    /// Its name in paths, JSON and operation names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vpn => "vpn",
            Self::Urp => "urp",
            Self::Cas => "cas",
            Self::Eams => "eams",
            Self::Jwglxt => "jwglxt",
            Self::Library => "library",
            Self::Physical => "physical",
            Self::Repair => "repair",
            Self::Logistics => "logistics",
            Self::News => "news",
            Self::Bulletin => "bulletin",
            Self::Wechat => "wechat",
            Self::Github => "github",
        }
    }

    /// Whether its own pages are GBK; the others send UTF-8.
    #[must_use]
    pub const fn is_gbk(self) -> bool {
        matches!(self, Self::Urp | Self::Logistics | Self::News | Self::Bulletin)
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for System {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|system| system.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|system| system.name()).collect();
            format!("unknown system '{name}'; known are {}", known.join(", "))
        })
    }
}

/// What a request is for, and with it which faults can touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Needs no session: login pages, captchas, public pages.
    Open,
    /// Needs a session.
    Page,
    /// Needs a session and shows a table.
    Table,
    /// A public page with a table or a list.
    List,
    /// A JSON call.
    Api,
}

/// A named operation of a system, for instance `urp.course`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) system: System,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

impl Operation {
    pub(crate) const fn new(system: System, name: &'static str, kind: Kind) -> Self {
        Self { system, name, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::System;

    #[test]
    fn every_name_is_read_back_and_a_wrong_one_is_explained() {
        for system in System::ALL {
            assert_eq!(system.name().parse(), Ok(system));
        }
        let error = "urb".parse::<System>().unwrap_err();
        assert!(error.contains("'urb'") && error.contains("urp"), "{error}");
    }
}
