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
}
