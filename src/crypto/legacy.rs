//! The old service's credential cipher, only for reading: AES in one of four modes, with key and vector derived from a
//! passphrase.

use aws_lc_rs::{
    cipher::{AES_128, AES_192, AES_256, Algorithm, DecryptingKey, DecryptionContext, UnboundCipherKey},
    iv::FixedLength,
};
use md5::{Digest, Md5};

use super::cbc::{BLOCK, CbcError, decrypt_cbc};

/// A value of the old service could not be decrypted: wrong passphrase or cipher, or not such a value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("cannot be decrypted with this cipher and secret")]
pub struct LegacyError;

impl From<CbcError> for LegacyError {
    fn from(_: CbcError) -> Self {
        Self
    }
}

/// A cipher of the old service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyCipher {
    key: KeyLength,
    mode: Mode,
}

/// Key length in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyLength {
    L128,
    L192,
    L256,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Cbc,
    Cfb,
    Ctr,
    Ofb,
}

impl LegacyCipher {
    /// The cipher with this OpenSSL name, which the old service's runtime uses too: `aes-192-ctr`, `aes-256-cfb`,
    /// `aes-128-ofb`, `aes-256-cbc` and so on; `aes192` is `aes-192-cbc`, `cfb128` is `cfb`. Case does not matter.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let rest = name.strip_prefix("aes")?;
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let (bits, mode) = (rest.get(..3)?, rest.get(3..)?);
        let key = match bits {
            "128" => KeyLength::L128,
            "192" => KeyLength::L192,
            "256" => KeyLength::L256,
            _ => return None,
        };
        let mode = match mode {
            "" | "-cbc" => Mode::Cbc,
            "-cfb" | "-cfb128" => Mode::Cfb,
            "-ctr" => Mode::Ctr,
            "-ofb" => Mode::Ofb,
            _ => return None,
        };
        Some(Self { key, mode })
    }

    fn algorithm(self) -> &'static Algorithm {
        match self.key {
            KeyLength::L128 => &AES_128,
            KeyLength::L192 => &AES_192,
            KeyLength::L256 => &AES_256,
        }
    }

    /// Key length in bytes.
    fn key_len(self) -> usize {
        match self.key {
            KeyLength::L128 => 16,
            KeyLength::L192 => 24,
            KeyLength::L256 => 32,
        }
    }

    /// Opens a value in hexadecimal from Node's `crypto.createCipher(cipher, passphrase)`: key and vector come from
    /// OpenSSL's `EVP_BytesToKey` with MD5, one round and no salt (Node.js documentation of `crypto.createCipher`).
    ///
    /// All modes but CBC open anything with any passphrase; the caller must check whether the result makes sense.
    ///
    /// # Errors
    /// [`LegacyError`] for text that is not hexadecimal, wrong padding (CBC), or a result that is not UTF-8.
    pub fn open(self, passphrase: &str, encrypted: &str) -> Result<String, LegacyError> {
        let derived = derive(passphrase, self.key_len() + BLOCK);
        let (key, iv) = derived.split_at(self.key_len());
        let encrypted = hex::decode(encrypted).map_err(|_| LegacyError)?;
        let plain = match self.mode {
            Mode::Cbc => decrypt_cbc(key, iv, &encrypted)?,
            _ => self.open_stream(key, iv, encrypted)?,
        };
        String::from_utf8(plain).map_err(|_| LegacyError)
    }

    fn open_stream(self, key: &[u8], iv: &[u8], mut text: Vec<u8>) -> Result<Vec<u8>, LegacyError> {
        let key = UnboundCipherKey::new(self.algorithm(), key).map_err(|_| LegacyError)?;
        let key = match self.mode {
            Mode::Cfb => DecryptingKey::cfb128(key),
            Mode::Ctr => DecryptingKey::ctr(key),
            Mode::Ofb => DecryptingKey::ofb(key),
            Mode::Cbc => DecryptingKey::cbc(key),
        };
        let key = key.map_err(|_| LegacyError)?;
        let iv: [u8; BLOCK] = iv.try_into().map_err(|_| LegacyError)?;
        key.decrypt(&mut text, DecryptionContext::Iv128(FixedLength::from(iv))).map_err(|_| LegacyError)?;
        Ok(text)
    }
}

/// `EVP_BytesToKey` with MD5, one round, no salt; cut to `length` bytes.
fn derive(passphrase: &str, length: usize) -> Vec<u8> {
    let mut derived: Vec<u8> = Vec::with_capacity(length + BLOCK);
    let mut block: Vec<u8> = Vec::new();
    while derived.len() < length {
        block.extend_from_slice(passphrase.as_bytes());
        block = Md5::digest(&block).to_vec();
        derived.extend_from_slice(&block);
    }
    derived.truncate(length);
    derived
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `printf 'vpn 密码' | openssl enc -CIPHER -md md5 -nosalt -k 'old secret' | xxd -p`.
    const SHORT: [(&str, &str); 12] = [
        ("aes-128-ctr", "24a768378ba6f29df761"),
        ("aes-128-cfb", "24a768378ba6f29df761"),
        ("aes-128-ofb", "24a768378ba6f29df761"),
        ("aes-128-cbc", "13eaacdcde006f40ed24282d5befa95b"),
        ("aes-192-ctr", "a50f0eef8e60d34ac177"),
        ("aes-192-cfb", "a50f0eef8e60d34ac177"),
        ("aes-192-ofb", "a50f0eef8e60d34ac177"),
        ("aes-192-cbc", "feb44c9d6192d6cc620f4237a05857e0"),
        ("aes-256-ctr", "95c7571cae1e991ddc6e"),
        ("aes-256-cfb", "95c7571cae1e991ddc6e"),
        ("aes-256-ofb", "95c7571cae1e991ddc6e"),
        ("aes-256-cbc", "1cac38347573d50d5b6daea03d0cb466"),
    ];

    /// [`LONG_TEXT`], encrypted in the same way.
    const LONG: [(&str, &str); 12] = [
        ("aes-128-ctr", "66e6362f5e3b45436ed798d82413dfb1a7d2020ecffd4af4f5bcc3ab71ab5fa6827b50f04c9ecf14c4fe"),
        ("aes-128-cfb", "66e6362f5e3b45436ed798d82413dfb1bc49c3b6d288ae338bb5e57c853fdca010b3b1a28558888d2fe5"),
        ("aes-128-ofb", "66e6362f5e3b45436ed798d82413dfb12bc4008396fea3c0ea33877c9d0e4289a5a74d14304f4d006410"),
        (
            "aes-128-cbc",
            "a491efe45e1af3e4ddc2ed860303a294af334bbfde6ef364ff153f1010c6c91c9b9a9958431e9fdc58b6c0afe6848ab2",
        ),
        ("aes-192-ctr", "e74e50f75bfd649458c1b992b61e53dcc52c918f78577d8987d808b631f0b5cbb904d287ea13e236a413"),
        ("aes-192-cfb", "e74e50f75bfd649458c1b992b61e53dc3314cc0b1da6bab57329307f2639743a7cc99570d6cead3f8110"),
        ("aes-192-ofb", "e74e50f75bfd649458c1b992b61e53dcafc0b9f19789d5f45034dfdc38b02c8e13493189f9d29c553265"),
        (
            "aes-192-cbc",
            "e62c4bdbc7dec99b6e2b5852726be3cb2be7d6883337d1fd74695c0af8a42dbea267adee6d19e28f2f766fbd3ec1ecb5",
        ),
        ("aes-256-ctr", "d78609047b832ec345d8b55b9e021b8921833b078159b742d8cd01f41468c4ec7988f6386cb70ad261bf"),
        ("aes-256-cfb", "d78609047b832ec345d8b55b9e021b89e6e6e1b5c708da0167cad86b1508be3b5c40b19604335eea55af"),
        ("aes-256-ofb", "d78609047b832ec345d8b55b9e021b89f527a0ee05079a53e5068e29fbe6a6b7d7de1e5223150be34bb3"),
        (
            "aes-256-cbc",
            "e658ec71b946fc674426af4a4e51452b7e4211c17748e2eb2fedb4f372e8007fda1f00c5bde3cc7b08507be557a915d4",
        ),
    ];

    /// Three blocks, the last one incomplete.
    const LONG_TEXT: &str = "410802199701010017-and-more-than-one-block";

    fn open(cipher: &str, secret: &str, text: &str) -> Result<String, LegacyError> {
        LegacyCipher::from_name(cipher).unwrap().open(secret, text)
    }

    #[test]
    fn every_mode_and_key_length_opens_what_openssl_made() {
        for (cases, plain) in [(SHORT, "vpn 密码"), (LONG, LONG_TEXT)] {
            for (cipher, text) in cases {
                assert_eq!(open(cipher, "old secret", text).as_deref(), Ok(plain), "{cipher}");
                assert_ne!(open(cipher, "other", text).as_deref(), Ok(plain), "{cipher}");
                assert_eq!(open(cipher, "old secret", "zz"), Err(LegacyError), "{cipher}");
            }
        }
    }

    #[test]
    fn an_empty_value_opens_in_a_stream_mode_and_fails_in_a_block_mode() {
        for cipher in ["aes-192-ctr", "aes-192-cfb", "aes-192-ofb"] {
            assert_eq!(open(cipher, "old secret", "").as_deref(), Ok(""), "{cipher}");
        }
        assert_eq!(open("aes-192-cbc", "old secret", ""), Err(LegacyError));
    }

    #[test]
    fn ciphers_are_named_as_openssl_and_the_old_runtime_name_them() {
        let same = |one: &str, other: &str| {
            let cipher = LegacyCipher::from_name(one);
            assert!(cipher.is_some() && cipher == LegacyCipher::from_name(other), "{one} {other}");
        };
        same("aes128", "aes-128-cbc");
        same("aes192", "AES-192-CBC");
        same("aes256", "aes-256-cbc");
        same("aes-256-cfb", "aes-256-cfb128");
        same("AES-192-CTR", "aes-192-ctr");
        for name in ["", "aes", "aes-", "aes-512-ctr", "aes-128-gcm", "aes-128-cfb8", "aes-128-", "des", "aes密码"] {
            assert_eq!(LegacyCipher::from_name(name), None, "{name}");
        }
    }
}
