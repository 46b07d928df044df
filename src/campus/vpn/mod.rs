//! The Sangfor SSL VPN in front of the academic systems.

pub mod parse;

use rsa::{BoxedUint, PublicKey};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    CampusError, ask, judge,
    page::{PageEncoding, Said},
    pause::{Caller, Pauses},
    session::Session,
    site::join,
};
use crate::{
    config,
    crypto::random_hex,
    outbound::{Outbound, Request, System},
};

/// Client of the VPN.
#[derive(Debug)]
pub struct Vpn {
    base: Url,
    key: PublicKey,
    outbound: Outbound,
    pauses: Pauses,
}

impl Vpn {
    /// `None` when the configured key is no RSA key.
    pub(super) fn new(config: &config::Campus, outbound: Outbound, pauses: Pauses) -> Option<Self> {
        let modulus = BoxedUint::from_be_slice_vartime(&config.vpn_key.modulus);
        let key = PublicKey::new(modulus, BoxedUint::from(config.vpn_key.exponent)).ok()?;
        Some(Self { base: config.vpn_url.clone(), key, outbound, pauses })
    }

    /// Address of `path` (starting with `/`) at the VPN itself.
    fn own(&self, path: &str) -> Url {
        join(&self.base, path)
    }

    /// Address of `path` at an inner host: `/web/<a>/http/<b>/<host><path>`, as the VPN rewrites it.
    #[must_use]
    pub fn inner(&self, a: u8, b: u8, host: &str, path: &str) -> Url {
        join(&self.base, &format!("/web/{a}/http/{b}/{host}{path}"))
    }

    /// Logs `student_id` in and forgets the former content of `session`. `by_hand`: a person has just typed the
    /// password.
    ///
    /// # Errors
    /// [`CampusError::WrongPassword`] only when the VPN names account or password; otherwise what it says: full,
    /// closed, captcha wanted, down, changed.
    pub async fn log_in(
        &self,
        student_id: &str,
        password: &SecretString,
        by_hand: bool,
        session: &mut Session,
    ) -> Result<(), CampusError> {
        let caller = Caller { system: System::Vpn, account: student_id, by_hand };
        self.pauses.around(caller, self.send_login(student_id, password, session)).await
    }

    async fn send_login(
        &self,
        student_id: &str,
        password: &SecretString,
        session: &mut Session,
    ) -> Result<(), CampusError> {
        session.clear();
        let encrypted = self.encrypt(password.expose_secret())?;
        let url = self.own(&format!("/por/login_psw.csp?sfrnd={}&encrypt=1", random_hex()));
        let form = Request::form(url, &[("svpn_name", student_id), ("svpn_password", &encrypted)]);
        let exchange =
            self.outbound.send(System::Vpn, form, &mut session.cookies).await.map_err(CampusError::of_outbound)?;
        // A right password leads to the service page by a redirect. Another page that says why is a refusal. Otherwise
        // the service page is requested: only it shows whether the login worked, and whether the VPN works.
        let text = super::text_of(&exchange.answer, PageEncoding::Utf8);
        if exchange.answer.url.path().ends_with("/por/service.csp") {
            let read = text.and_then(|text| parse::parse_login(&text));
            judge(exchange, session, read.map_err(|e| CampusError::of_page(System::Vpn, e)))?;
        } else if let Some(said) = text.ok().and_then(|text| parse::parse_answer(&text)) {
            judge(exchange, session, Err(CampusError::of_page(System::Vpn, said)))?;
        } else {
            drop(exchange);
            let service = Request::get(self.own("/por/service.csp"));
            ask(&self.outbound, System::Vpn, service, session, PageEncoding::Utf8, parse::parse_login).await?;
        }
        session.enter(System::Vpn);
        Ok(())
    }

    /// RSA PKCS#1 v1.5 in hexadecimal, as the VPN's login page does it in the browser.
    fn encrypt(&self, password: &str) -> Result<String, CampusError> {
        let encrypted = self.key.pkcs1v15_encrypt(password.as_bytes());
        // Only a password longer than the key allows fails; the VPN has none.
        encrypted.map(hex::encode).map_err(|_| CampusError::WrongPassword(System::Vpn, Said::default()))
    }
}
