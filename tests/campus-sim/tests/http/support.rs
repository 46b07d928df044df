//! A browser that uses the VPN.

use std::sync::Arc;

use campus_sim::{CampusSim, RSA_EXPONENT, RSA_MODULUS_HEX, SimConfig};
use reqwest::cookie::{CookieStore, Jar};
use reqwest::{Client, Response};
use rsa::{BoxedUint, PublicKey};
use scraper::{Html, Selector};

pub const URP: &str = "218.196.240.97";

pub async fn start() -> CampusSim {
    CampusSim::start(SimConfig::default()).await.unwrap()
}

/// What the VPN's login form sends for this password.
pub fn encrypt(password: &str) -> String {
    let n = BoxedUint::from_be_hex(RSA_MODULUS_HEX, 1024).unwrap();
    let key = PublicKey::new(n, BoxedUint::from(RSA_EXPONENT)).unwrap();
    hex(&key.pkcs1v15_encrypt(password.as_bytes()).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// A page, decoded from GBK.
pub async fn gbk(response: Response) -> String {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/html", "the header names no charset");
    let bytes = response.bytes().await.unwrap();
    assert!(std::str::from_utf8(&bytes).is_err(), "an URP page is GBK");
    let (text, _, broken) = encoding_rs::GBK.decode(&bytes);
    assert!(!broken);
    text.into_owned()
}

/// Text of all elements a selector finds, white space joined.
pub fn texts(page: &str, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    Html::parse_document(page)
        .select(&selector)
        .map(|element| element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

pub struct Browser {
    pub client: Client,
    pub vpn: String,
    jar: Arc<Jar>,
}

impl Browser {
    pub fn new(sim: &CampusSim) -> Self {
        let jar = Arc::new(Jar::default());
        let client = Client::builder().cookie_provider(jar.clone()).build().unwrap();
        Self { client, vpn: sim.url("vpn"), jar }
    }

    /// A browser that is logged in at the VPN and at the academic system.
    pub async fn signed_in(sim: &CampusSim, index: usize) -> Self {
        let (browser, student) = (Self::new(sim), sim.student_at(index));
        browser.vpn_login(&student.number, &student.vpn_password).await;
        let captcha = browser.captcha(sim).await;
        let page = browser.urp_login(&student.number, &student.urp_password, &captcha).await;
        assert!(texts(&page, "title")[0].contains("学分制综合教务"), "{page}");
        browser
    }

    /// Logs in at the VPN and follows the redirect.
    pub async fn vpn_login(&self, number: &str, password: &str) -> String {
        let url = format!("{}/por/login_psw.csp?sfrnd=0.123&encrypt=1", self.vpn);
        let form = [("svpn_name", number), ("svpn_password", &encrypt(password))];
        self.client.post(url).form(&form).send().await.unwrap().text().await.unwrap()
    }

    pub fn inner(&self, path: &str) -> String {
        format!("{}/web/1/http/1/{URP}/{path}", self.vpn)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(self.inner(path)).send().await.unwrap()
    }

    /// Fetches a captcha; answers what the simulator says is on it.
    pub async fn captcha(&self, sim: &CampusSim) -> String {
        let picture = self.get("validateCodeAction.do?random=0.5").await;
        assert_eq!(picture.headers()["content-type"], "image/jpeg");
        sim.captcha_answer(&self.vpn_session()).unwrap()
    }

    /// Answers the login form of the academic system.
    pub async fn urp_login(&self, number: &str, password: &str, captcha: &str) -> String {
        let form = [("zjh1", ""), ("tips", ""), ("zjh", number), ("mm", password), ("v_yzm", captcha)];
        gbk(self.client.post(self.inner("loginAction.do")).form(&form).send().await.unwrap()).await
    }

    /// The value of the VPN's cookie; empty when there is none.
    pub fn vpn_session(&self) -> String {
        let cookies = self.jar.cookies(&self.vpn.parse().unwrap());
        let line = cookies.map(|line| line.to_str().unwrap().to_owned()).unwrap_or_default();
        line.split("; ").find_map(|pair| pair.strip_prefix("TWFID=")).unwrap_or_default().to_owned()
    }
}
