//! Cookies of one student at one system, separate from all others and storable as text.

use cookie_store::{CookieStore, RawCookie};
use reqwest::header::{HeaderValue, SET_COOKIE};
use url::Url;

/// A cookie jar.
#[derive(Debug, Clone, Default)]
pub struct Cookies(CookieStore);

impl Cookies {
    /// The jar from [`Cookies::to_text`]; an empty jar for any other text.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        cookie_store::serde::json::load_all(text.as_bytes()).map(Self).unwrap_or_default()
    }

    /// The jar as text, session cookies included. It is as secret as a password.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = Vec::new();
        match cookie_store::serde::json::save_incl_expired_and_nonpersistent(&self.0, &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Whether there is no cookie: nobody logged in with this jar.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter_any().next().is_none()
    }

    /// Forgets every cookie.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The value of the cookie `name` that a request to `url` would carry.
    #[must_use]
    pub fn value(&self, url: &Url, name: &str) -> Option<&str> {
        self.0.get_request_values(url).find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Forgets the cookies `name` that a request to `url` would carry.
    pub fn forget(&mut self, url: &Url, name: &str) {
        let found = self.0.matches(url).into_iter().filter(|cookie| cookie.name() == name);
        let places = found.filter_map(|cookie| Some((cookie.domain.as_cow()?.into_owned(), cookie.path.to_string())));
        for (domain, path) in places.collect::<Vec<_>>() {
            self.0.remove(&domain, &path, name);
        }
    }

    /// Forgets every cookie that a request to `url` would carry.
    pub fn forget_all(&mut self, url: &Url) {
        let names: Vec<String> = self.0.get_request_values(url).map(|(name, _)| name.to_owned()).collect();
        for name in names {
            self.forget(url, &name);
        }
    }

    pub(super) fn store(&mut self, response: &reqwest::Response, url: &Url) {
        let headers = response.headers().get_all(SET_COOKIE).iter();
        let cookies = headers.filter_map(|h| RawCookie::parse(h.to_str().ok()?.to_owned()).ok());
        self.0.store_response_cookies(cookies, url);
    }

    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let pairs: Vec<String> =
            self.0.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { None } else { HeaderValue::from_str(&pairs.join("; ")).ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_survives_being_stored_as_text() {
        let url = Url::parse("http://vpn.example/por/login").unwrap();
        let mut jar = Cookies::default();
        jar.0.parse("TWFID=abc; path=/; HttpOnly", &url).unwrap();
        let again = Cookies::from_text(&jar.to_text());
        assert_eq!(again.header(&url).unwrap(), "TWFID=abc");
        assert!(Cookies::from_text("garbage").is_empty());
    }

    #[test]
    fn a_cookie_is_read_and_forgotten_only_for_the_addresses_that_it_belongs_to() {
        let [cas, other] = ["https://cas.example/cas/login", "https://other.example/cas/login"];
        let [cas, other] = [cas, other].map(|url| Url::parse(url).unwrap());
        let mut jar = Cookies::default();
        jar.0.parse("CASTGC=TGT-1; Path=/cas; Secure; HttpOnly", &cas).unwrap();
        jar.0.parse("JSESSIONID=A; Path=/cas", &cas).unwrap();
        jar.0.parse("CASTGC=TGT-2; Path=/cas", &other).unwrap();
        assert_eq!(jar.value(&cas, "CASTGC"), Some("TGT-1"));
        jar.forget(&cas, "CASTGC");
        assert_eq!((jar.value(&cas, "CASTGC"), jar.value(&cas, "JSESSIONID")), (None, Some("A")));
        assert_eq!(jar.value(&other, "CASTGC"), Some("TGT-2"));
    }
}
