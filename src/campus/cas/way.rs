//! From where to where a login leads.

use url::Url;

/// The address of the CAS at which a login begins, and the service to which it must lead.
pub(super) struct Way {
    pub(super) start: Url,
    service: Url,
}

impl Way {
    /// The way to the service that the address `start` names; `None` when it names none.
    pub(super) fn from(start: Url) -> Option<Self> {
        let service = service_of(&start)?;
        Some(Self { start, service })
    }

    /// Whether an address is that of the service, with a service ticket.
    pub(super) fn leads_to(&self, url: &Url) -> bool {
        url.origin() == self.service.origin()
            && bare_path(url) == bare_path(&self.service)
            && url.query_pairs().any(|(name, value)| name == "ticket" && is_service_ticket(&value))
    }
}

/// The service in an address of the CAS.
pub(super) fn service_of(url: &Url) -> Option<Url> {
    let (_, service) = url.query_pairs().find(|(name, _)| name == "service")?;
    Url::parse(&service).ok()
}

/// The path without `;jsessionid=…`, which differs from session to session.
fn bare_path(url: &Url) -> &str {
    url.path().split(';').next().unwrap_or_default()
}

/// `ST-` and letters, digits, dots and hyphens, as at every school that was seen.
fn is_service_ticket(value: &str) -> bool {
    let rest = value.strip_prefix("ST-").unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_of_the_service_with_a_ticket_is_the_end_of_the_way() {
        let start =
            "https://cas.example/cas/login?service=https%3A%2F%2Fjw.example%2Feams%2Flogin.action%3Ba%3D1%3Fb%3D2";
        let way = Way::from(Url::parse(start).unwrap()).unwrap();
        for (address, is_end) in [
            ("https://jw.example/eams/login.action?ticket=ST-17-aB.c", true),
            ("https://jw.example:443/eams/login.action;jsessionid=7?b=2&ticket=ST-1", true),
            ("http://jw.example/eams/login.action?ticket=ST-1", false),
            ("https://jw.example.org/eams/login.action?ticket=ST-1", false),
            ("https://jw.example/eams/home.action?ticket=ST-1", false),
            ("https://jw.example/eams/login.action", false),
            ("https://jw.example/eams/login.action?ticket=ST-", false),
            ("https://jw.example/eams/login.action?ticket=TGT-1", false),
            ("https://jw.example/eams/login.action?ticket=ST-1%0d%0a", false),
        ] {
            assert_eq!(way.leads_to(&Url::parse(address).unwrap()), is_end, "{address}");
        }
    }

    #[test]
    fn an_address_without_a_service_is_no_way() {
        for start in ["https://cas.example/cas/login", "https://cas.example/cas/login?service=login.action"] {
            assert!(Way::from(Url::parse(start).unwrap()).is_none(), "{start}");
        }
    }
}
