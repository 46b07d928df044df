//! The profile that a client sends with its code, encrypted with the session key.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::SimConfig;
use crate::rng::Rng;

/// A profile as the client sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Encrypted {
    /// AES-128-CBC with PKCS#7 padding, base64.
    pub encrypted_data: String,
    /// Initial vector, base64.
    pub iv: String,
}

fn key(config: &SimConfig, code: &str) -> [u8; 16] {
    let mut key = [0; 16];
    Rng::of(config.seed, "session key", code).fill(&mut key);
    key
}

/// The session key a code yields. It follows from the code, so that a client can be played that encrypts with it before
/// the code is used.
pub(crate) fn session_key(config: &SimConfig, code: &str) -> String {
    STANDARD.encode(key(config, code))
}

/// Encrypts a profile under the session key of a code. A watermark is added unless the profile brings its own.
pub(crate) fn encrypt(config: &SimConfig, code: &str, profile: &Value) -> Encrypted {
    let mut plain = profile.clone();
    if let Some(object) = plain.as_object_mut() {
        object.entry("watermark").or_insert_with(|| json!({"timestamp": 1_512_100_800, "appid": config.wechat_app_id}));
    }
    let mut iv = [0; 16];
    Rng::unrepeatable().fill(&mut iv);
    let cipher = cbc::Encryptor::<aes::Aes128>::new(&key(config, code).into(), &iv.into());
    let encrypted = cipher.encrypt_padded_vec::<Pkcs7>(plain.to_string().as_bytes());
    Encrypted { encrypted_data: STANDARD.encode(encrypted), iv: STANDARD.encode(iv) }
}

#[cfg(test)]
mod tests {
    use aes::cipher::block_padding::Pkcs7;
    use aes::cipher::{BlockModeDecrypt, KeyIvInit};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::{encrypt, session_key};
    use crate::config::SimConfig;

    #[test]
    fn a_profile_decrypts_with_the_session_key_and_carries_the_watermark() {
        let config = SimConfig::default();
        let sent = encrypt(&config, "sim-alice-1", &json!({"nickName": "小明"}));
        let bytes = |text: &str| STANDARD.decode(text).unwrap();
        let (key, iv) = (bytes(&session_key(&config, "sim-alice-1")), bytes(&sent.iv));
        let plain = cbc::Decryptor::<aes::Aes128>::new_from_slices(&key, &iv)
            .unwrap()
            .decrypt_padded_vec::<Pkcs7>(&bytes(&sent.encrypted_data))
            .unwrap();
        let profile: Value = serde_json::from_slice(&plain).unwrap();
        assert_eq!(profile["nickName"], "小明");
        assert_eq!(profile["watermark"]["appid"], "wx-sim-appid");
    }
}
