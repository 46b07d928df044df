//! Addresses behind the VPN: `/web/<a>/<scheme>/<b>/<host>/…` outside is `<scheme>://<host>/…` inside.

use url::Url;

/// The inner address of `path` (starting with `/`) at `host`.
pub(super) fn inside(host: &str, path: &str) -> Option<Url> {
    Url::parse(&format!("http://{host}{path}")).ok()
}

/// The inner address of a link on the page `home` (an inner address), whether or not the VPN rewrote it.
pub(super) fn unwrap(href: &str, home: &Url) -> Option<Url> {
    let url = home.join(href.trim()).ok()?;
    let Some((scheme, rest)) = wrapped(url.path()) else { return Some(url) };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Url::parse(&format!("{scheme}://{rest}{query}")).ok()
}

/// Whether a redirect may lead to `url`: to pages of the VPN itself (its login page, when a session has ended), and
/// inside only to `host`.
pub(super) fn may_lead(url: &Url, host: &str) -> bool {
    match wrapped(url.path()) {
        Some((scheme, rest)) => scheme == "http" && rest.split('/').next() == Some(host),
        None => !url.path().contains("/web/"),
    }
}

/// Scheme and `<host>/…` of a path that the VPN rewrote.
fn wrapped(path: &str) -> Option<(&str, &str)> {
    let (_, behind) = path.split_once("/web/")?;
    let (a, behind) = behind.split_once('/')?;
    let (scheme, behind) = behind.split_once('/')?;
    let (b, rest) = behind.split_once('/')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_number(a) && is_number(b) && is_scheme && !rest.is_empty()).then_some((scheme, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "10.0.0.5";

    fn inner(href: &str) -> String {
        unwrap(href, &inside(HOST, "/swfweb/hpugg.aspx").unwrap()).map(String::from).unwrap_or_default()
    }

    #[test]
    fn a_link_has_the_same_inner_address_however_the_vpn_wrote_it() {
        let notice = "http://10.0.0.5/swfweb/ggxx.aspx?id=7";
        assert_eq!(inner("ggxx.aspx?id=7"), notice);
        assert_eq!(inner("/swfweb/ggxx.aspx?id=7"), notice);
        assert_eq!(inner(notice), notice);
        assert_eq!(inner("/web/2/http/1/10.0.0.5/swfweb/ggxx.aspx?id=7"), notice);
        assert_eq!(inner("/vpn/web/1/http/2/10.0.0.5/swfweb/ggxx.aspx?id=7"), notice);
        assert_eq!(inner("http://vpn.example/web/2/http/1/10.0.0.5/swfweb/ggxx.aspx?id=7"), notice);
    }

    #[test]
    fn another_host_stays_another_host() {
        assert_eq!(inner("/web/2/http/1/10.0.0.6/x"), "http://10.0.0.6/x");
        assert_eq!(inner("/web/2/https/1/10.0.0.5/x"), "https://10.0.0.5/x");
        assert_eq!(inner("/web/2/http/1/10.0.0.5@10.0.0.6/x"), "http://10.0.0.5@10.0.0.6/x");
        assert_eq!(inner("http://evil.example/web/"), "http://evil.example/web/");
    }

    #[test]
    fn a_redirect_leads_to_the_host_or_to_the_vpn_itself() {
        let may = |path: &str| may_lead(&Url::parse("http://vpn.example").unwrap().join(path).unwrap(), HOST);
        assert!(may("/web/1/http/1/10.0.0.5/swfweb/x.aspx"));
        assert!(may("/vpn/web/2/http/2/10.0.0.5/upload/7.doc"));
        assert!(may("/por/login_psw.csp?rnd=1"));
        assert!(!may("/web/1/http/1/10.0.0.6/swfweb/x.aspx"));
        assert!(!may("/web/1/http/1/10.0.0.5:8080/"));
        assert!(!may("/web/1/https/1/10.0.0.5/"));
        assert!(!may("/web/1/http/1/10.0.0.5/../10.0.0.6/"));
        assert!(!may("/web/x/http/1/10.0.0.5/"));
    }
}
