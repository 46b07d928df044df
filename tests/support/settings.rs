//! The settings of a service under test.

use std::collections::BTreeMap;

use campus_sim::CampusSim;
use wehpu_engine::config::{Config, Reader};

/// Secret that signs tokens.
pub const JWT_SECRET: &str = "jwt-secret-of-the-integration-tests-0123456789";

/// The key that seals credentials, in the format of `WEHPU_CREDENTIAL_KEYS`.
pub const KEY_1: &str = "t1:dGhlLWZpcnN0LWtleS1vZi10aGUtdGVzdHMtMDEyMzQ=";

/// Another key, for rotation.
pub const KEY_2: &str = "t2:dGhlLW90aGVyLWtleS1vZi10aGUtdGVzdHMtNTY3ODk=";

/// The message about a found student card, with the ids of the mini-program and WeChat and its fields.
pub const TEMPLATES: &str =
    "AT1107=TPL-CARD:thing1,character_string2,name3,thing4,thing5;AT0210=TPL-PHONE:thing1,phone_number2";

/// Environment variables of the service.
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// All settings that the service needs for this database and this simulator.
    pub fn new(mongodb_uri: &str, sim: &CampusSim) -> Self {
        let mut settings = Self::default();
        settings
            .set("WEHPU_PROFILE", "dev")
            .set("WEHPU_MONGODB_URI", mongodb_uri)
            .set("WEHPU_JWT_SECRET", JWT_SECRET)
            .set("WEHPU_CREDENTIAL_KEYS", KEY_1)
            .set("WEHPU_WECHAT_API_URL", &sim.url("wechat"))
            .set("WEHPU_WECHAT_APP_ID", "wx-sim-appid")
            .set("WEHPU_WECHAT_APP_SECRET", "wx-sim-secret")
            .set("WEHPU_WECHAT_TEMPLATES", TEMPLATES)
            .set("WEHPU_GITHUB_API_URL", &sim.url("github"))
            .set("WEHPU_GITHUB_TOKEN", "sim-github-token")
            .set("WEHPU_VPN_URL", &sim.url("vpn"))
            .set("WEHPU_VPN_RSA_MODULUS", sim.rsa_modulus_hex())
            .set("WEHPU_LIBRARY_URL", &sim.url("library"))
            .set("WEHPU_PHYSICAL_URL", &sim.url("physical"))
            .set("WEHPU_REPAIR_URL", &sim.url("repair"))
            .set("WEHPU_NEWS_URL", &sim.url("news"))
            .set("WEHPU_LOGISTICS_URL", &sim.url("logistics"))
            // The clock stands still, so a whole test would be within one minute.
            .set("WEHPU_LIMIT_BURST", "off")
            // Most tests look at what is in the database. Those of the memory turn it on.
            .set("WEHPU_CACHE", "off")
            .set("WEHPU_TERM", "2017-2018-1-1")
            .set("WEHPU_TERM_START", "2017-09-04")
            .set("WEHPU_TERM_WEEKS", "20");
        settings
    }

    /// At the school of this profile, which tells its terms itself.
    pub fn at_school(&mut self, profile: &str) -> &mut Self {
        self.0.retain(|name, _| !name.starts_with("WEHPU_TERM"));
        self.set("WEHPU_SCHOOL", profile)
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The variables.
    pub fn vars(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone()))
    }

    /// The configuration from these variables.
    pub fn config(&self) -> Config {
        Config::read(Reader::new(self.vars())).unwrap()
    }
}
