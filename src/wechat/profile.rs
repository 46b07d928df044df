//! The profile that older clients send with a login, encrypted with the login's key (AES-128-CBC, PKCS#7). Clients
//! published since 2021 send anonymous data, so no login depends on it.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;

use crate::crypto::decrypt_aes128_cbc;

/// The name in anonymous profiles.
const ANONYMOUS: &str = "微信用户";

/// Longest name that is kept, in characters; WeChat allows fewer.
const NAME_LENGTH: usize = 64;

/// Longest picture address that is kept, in bytes.
const ADDRESS_LENGTH: usize = 512;

/// A student's profile.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Nickname.
    pub nick_name: String,
    /// Picture address; may be empty.
    #[serde(default)]
    pub avatar_url: String,
    watermark: Watermark,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Watermark {
    appid: String,
}

/// Opens `encrypted_data`; all arguments but `app_id` are base64. `None` for anything but a real profile.
pub(super) fn open(app_id: &str, session_key: &str, encrypted_data: &str, iv: &str) -> Option<Profile> {
    let [key, iv, data] = [session_key, iv, encrypted_data].map(|text| BASE64_STANDARD.decode(text).ok());
    let plain = decrypt_aes128_cbc(&key?, &iv?, &data?).ok()?;
    let profile: Profile = serde_json::from_slice(&plain).ok()?;
    let nick_name: String = profile.nick_name.chars().filter(|c| !c.is_control()).take(NAME_LENGTH).collect();
    let real = profile.watermark.appid == app_id && !nick_name.is_empty() && nick_name != ANONYMOUS;
    let avatar_url = if profile.avatar_url.len() <= ADDRESS_LENGTH { profile.avatar_url } else { String::new() };
    real.then_some(Profile { nick_name, avatar_url, ..profile })
}
